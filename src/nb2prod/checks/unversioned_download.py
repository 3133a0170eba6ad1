"""unversioned-download: data is fetched from an address that gives something else tomorrow, and nobody would notice."""

from __future__ import annotations

import ast
import math
import re
from typing import TYPE_CHECKING

from nb2prod.diagnostics import Finding, Severity
from nb2prod.installs import installations, whole_commands
from nb2prod.literals import HOLE, argument, written_text
from nb2prod.patterns import lazy_pattern
from nb2prod.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis, Call
    from nb2prod.notebook.location import Location

_ADDRESS = lazy_pattern(r"(?:https?|ftp)://[^\s'\"`;|<>)]+")
_LOCAL = lazy_pattern(
    r"\w+://(?:[^/@]*@)?(?:localhost|127\.|0\.0\.0\.0|10\.|192\.168\.|\[::1\]|host\.docker\.internal)"
)
# The part of an address that says which state of a repository is meant.
_REFERENCE = lazy_pattern(
    r"raw\.githubusercontent\.com/[^/]+/[^/]+/(?:refs/(?:heads|tags)/)?(?P<raw>[^/?]+)/"
    r"|github\.com/[^/]+/[^/]+/(?:raw|blob|archive|zipball|tarball|tree)/(?:refs/(?:heads|tags)/)?(?P<hub>[^/?]+)"
    r"|/(?:-/)?(?:raw|resolve)/(?P<lab>[^/?]+)/"
)
_MOVING = lazy_pattern(r"/(?:latest|current|nightly|HEAD)(?=[/?.]|$)|[-_]latest\b", re.IGNORECASE)
_FIXED = lazy_pattern(
    r"(?<![0-9a-z])(?=[0-9a-f]*[0-9])[0-9a-f]{7,40}(?![0-9a-z])|(?<![a-z0-9])v?\d+\.\d+|[/_-]v\d+\b|\d{4}[-_]?[01]\d[-_]?[0-3]\d"
    r"|/releases?/download/|[?&](?:version|versionid|revision|rev|sha|commit)=|zenodo\.org/|doi\.org/"
    r"|tfhub\.dev/\S+/\d+\b|figshare\.com/|/records?/\d|ndownloader/files/\d",
    re.IGNORECASE,
)
# Sent to a service as a question; a file is what ends like one, or lies in a repository.
_DATA_FILE = lazy_pattern(
    r"\.(?:csv|tsv|txt|dat|data|json|jsonl|geojson|xlsx?|xml|parquet|feather|h5|hdf5|npz|npy|pkl|pickle|zip|gz|tgz|bz2|xz|tar"
    r"|7z|dta|mat|arff|jpe?g|png|pth?|onnx|bin|model|sav|db|sqlite|wav|mp[34])(?:$|[?&#])",
    re.IGNORECASE,
)
_ASKS = ("requests.get", "requests.Session.get", "urllib.request.urlopen")
_READS = ("json", "text", "content", "iter_content", "iter_lines", "read", "readlines", "raw")
_DOWNLOADERS = ("wget.download", "gdown.download", "urllib.urlretrieve", "urllib.request.urlretrieve")
_BY_NAME = ("datasets.load_dataset", "sklearn.datasets.fetch_openml")
_PRETRAINED = "from_pretrained"
# First folders of what people save themselves; a name at the hub is its owner's and its own.
_OWN_FOLDERS = lazy_pattern(
    r"[./~]|(?:model|output|result|checkpoint|save|trained|artifact|data|run|export)", re.IGNORECASE
)
# What `load_dataset` reads from files of one's own.
_FORMATS = frozenset(
    {"arrow", "audiofolder", "csv", "imagefolder", "json", "pandas", "parquet", "sql", "text", "webdataset", "xml"}
)
# How an address begins, and what fetches by name.
_HINTS = ("http", "ftp", _PRETRAINED, *(name.rpartition(".")[2] for name in _BY_NAME))
_HASHES = frozenset({"file_hash", "md5_hash", "known_hash", "sha256", "md5", "checksum"})
_SUMS = lazy_pattern(r"\b(?:sha\d+|md5|b2)sum\b|\bshasum\b|--checksum")


class _Download(NamedTuple):
    """What is fetched, and where; ``answer``: a service is asked, and its answer is read; ``model``: of a hub."""

    address: str
    location: Location
    cell: int
    answer: bool = False
    model: bool = False


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield the first such download of each cell, unless a checksum is computed there or further down."""
    if not analysis.mentions(*_HINTS):
        return
    found: dict[int, dict[str, _Download]] = {}
    for download in _downloads(analysis):
        if _changes(download):
            found.setdefault(download.cell, {}).setdefault(download.address, download)
    last_sum = _last_checksum(analysis) if found else -math.inf
    for cell, downloads in sorted(found.items()):
        if cell > last_sum:
            first, *more = downloads.values()
            severity = Severity.NOTE if first.answer or first.model else None
            yield Finding(first.location, _message(first, len(more)), severity=severity)


def _message(download: _Download, more: int) -> str:
    address = download.address
    shown = address if len(address) <= 80 else f"{address[:50]}…{address[-29:]}"  # noqa: PLR2004 what fits on a line
    reference = _reference(address)
    if download.model:
        message = f"`{shown}` is fetched in the state it has on that day; name its commit with `revision`"
    elif download.answer:
        message = f"what `{shown}` answers is another thing tomorrow; keep the answer with the results"
    elif reference:
        message = f"`{shown}` follows the branch `{reference}`, which may hold other data tomorrow; name a commit"
    else:
        message = f"`{shown}` names no version: other data there goes unnoticed; fetch a version, or compare a checksum"
    return f"{message} (also {more} more in this cell)" if more else message


def _downloads(analysis: Analysis) -> Iterator[_Download]:
    for cell in analysis.notebook.code_cells:
        if cell.magics and ("wget" in cell.source or "curl" in cell.source):
            for line in whole_commands(cell):
                if not line.text.startswith("#") and not any(installations(line.text)):
                    for address in _fetched(line.text):
                        yield _Download(address, line.location, cell.index)
    yield from _named(analysis)
    yield from _pretrained(analysis)
    for call in analysis.calls():
        if (node := _source(call)) is not None and (text := written_text(analysis, node)) is not None:
            found = _ADDRESS.match(text)
            answer = call.qualified_name in _ASKS and not _is_file(text)
            if found and (not answer or _is_read(analysis, call)):
                yield _Download(found[0], call.location, call.cell.index, answer)


def _named(analysis: Analysis) -> Iterator[_Download]:
    """Yield data sets that are fetched by name in the state they have on that day."""
    for call in analysis.calls_of(*_BY_NAME):
        name = next(iter(call.arguments.values()), None)
        if call.has_star_arguments or not isinstance(name, ast.Constant) or not isinstance(name.value, str):
            continue
        stated = any(each in call.arguments for each in ("revision", "version", "data_files", "data_dir", "data_id"))
        if not stated and name.value not in _FORMATS and not name.value.startswith((".", "/", "~")):
            yield _Download(name.value, call.location, call.cell.index)


def _pretrained(analysis: Analysis) -> Iterator[_Download]:
    """Yield models, tokenizers and the like that are fetched from a hub by name alone, each once."""
    if not analysis.mentions(_PRETRAINED):
        return
    # What the notebook saves under a name is its own.
    known = {
        written_text(analysis, value)
        for call in analysis.calls()
        if "save" in call.name
        for value in call.arguments.values()
    }
    for call in analysis.calls():
        if call.name.rpartition(".")[2] != _PRETRAINED or argument(analysis, call, "revision", "subfolder") is not None:
            continue
        name = next((written_text(analysis, each) for each in call.node.args[:1]), None)
        if name and name not in known and HOLE not in name and "@" not in name and not _OWN_FOLDERS.match(name):
            known.add(name)
            yield _Download(name, call.location, call.cell.index, model=True)


def _source(call: Call) -> ast.expr | None:
    """Return the argument of a call that says where data is read from; None if it reads none, or checks a hash."""
    if not _HASHES.isdisjoint(call.arguments):
        return None
    name = call.qualified_name or ""
    if name in _DOWNLOADERS:
        return call.arguments.get("url") or call.arguments.get("0")
    if name.endswith("utils.get_file"):
        return call.arguments.get("origin") or call.arguments.get("1")
    if call.info is None or not (name in _ASKS or "read-file" in call.effects):
        return None
    return next((call.arguments[each] for each in call.info.path if each in call.arguments), None)


def _fetched(command: str) -> Iterator[str]:
    """Yield the addresses a shell line stores; what is posted, printed or piped into a program is none."""
    for part in re.split(r"&&|;|\|\|", command):
        program = re.match(r"\s*(?:sudo\s+)?(wget|curl)\b", part)
        if program is None or "|" in part or re.search(r"\s(?:-X|--request|-d|--data\S*|-F|-I|--head)\s", part):
            continue
        if program[1] == "curl" and not re.search(r"\s-\w*[oO]\b|--output|--remote-name|>", part):
            continue
        # IPython's and the shell's variables are holes.
        yield from _ADDRESS.findall(re.sub(r"\{[^}]*\}|\$\w+", HOLE, part))


def _is_read(analysis: Analysis, call: Call) -> bool:
    """Whether the answer to a request is read, not only asked whether it came."""
    names = {each.name for each in call.statement.definitions if each.kind in ("assign", "with")}
    places: list[ast.AST] = [call.statement.node]
    for definition in call.statement.definitions:
        places += [analysis.statements()[use.statement].node for use in analysis.flow.uses(definition)]
    for node in (each for place in places for each in ast.walk(place)):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if value is call.node:
                names.add(name)
            case ast.Attribute(value=ast.Name(id=name), attr=attr) if name in names and attr in _READS:
                return True
            case ast.Attribute(value=value, attr=attr) if value is call.node and attr in _READS:
                return True
            case ast.Call(args=[first, *_]) if first is call.node:
                return True
    return False


def _changes(download: _Download) -> bool:
    """Whether an address may give something else tomorrow, as far as it can be told."""
    address = download.address
    if _LOCAL.match(address):
        return False
    reference = _reference(address)
    if reference is not None:
        return HOLE not in reference and not _FIXED.search(f"/{reference}") and not re.search(r"\d", reference)
    if _MOVING.search(address):
        return True
    rest = address.partition("://")[2]
    if download.answer:
        rest = re.sub(r"/v\d+(?:\.\d+)*(?=/|$)", "", rest)  # the version of the service, not of the data
    return HOLE not in address and not _FIXED.search(rest)


def _reference(address: str) -> str | None:
    found = _REFERENCE.search(address)
    return found[found.lastgroup] if found and found.lastgroup else None


def _is_file(address: str) -> bool:
    return bool(_DATA_FILE.search(address)) or _reference(address) is not None


def _last_checksum(analysis: Analysis) -> float:
    """Return the number of the last cell that computes a checksum."""
    cells = [call.cell.index for call in analysis.calls() if (call.qualified_name or "").startswith("hashlib.")]
    cells += [cell.index for cell in analysis.notebook.code_cells if cell.magics and _SUMS.search(cell.source)]
    return max(cells, default=-math.inf)
