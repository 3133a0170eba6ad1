"""Generated packages as they lie on disk: the manifest, the steps, what tests name, what has changed since."""

from __future__ import annotations

import ast
import json
from typing import TYPE_CHECKING, Any

from nb2prod.notebook.location import FIRST, Location, Range, node_range
from nb2prod.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from nb2prod.notebook.model import Notebook

FILE_NAME = "conversion.json"
VERSION = 1
# Where the manifest of a package of several notebooks has what it says of each.
PARTS = "parts"
# What a test is marked with that expects nothing of what it runs.
_UNTESTED = "untested"

_Function = ast.FunctionDef | ast.AsyncFunctionDef


class CellChange(NamedTuple):
    """What has become of a cell: its number now, or where it is gone the number it had."""

    cell: int
    what: str

    def __str__(self) -> str:
        """Return it as a sentence."""
        return f"what was cell {self.cell} is gone" if self.what == "gone" else f"cell {self.cell} {self.what}"


class TestFunction(NamedTuple):
    """A test of the package: what its code names, and whether it is marked as expecting nothing."""

    location: Location
    names: frozenset[str]
    is_untested: bool


class GeneratedPackage(NamedTuple):
    """A package made by ``nb2prod convert``.

    folder    where it is, spelled as the user would
    manifest  what ``conversion.json`` holds
    notebook  the notebook it was made of, as it is now; None where nobody knows where that is
    steps     the steps of the pipeline, in order, each with the place of its function; those that are
              no longer there stand at the manifest
    tests     the test functions in ``tests``
    """

    folder: Path
    manifest: Mapping[str, Any]
    notebook: Notebook | None
    steps: Mapping[str, Location]
    tests: Sequence[TestFunction]


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """Return what the manifest in ``folder`` says, None where there is none of ours that can be used."""
    file = folder / FILE_NAME
    data = parsed_manifest(file.read_bytes()) if file.is_file() else {}
    usable = isinstance(data.get("notebook"), dict) and isinstance(data.get("files"), dict) and "package" in data
    return data if usable and data.get("version") == VERSION else None


def read_manifests(folder: Path) -> list[dict[str, Any]]:
    """Return what the manifest in ``folder`` says of each notebook, as a manifest of its own; none where it is no use.

    Files that are of no notebook alone (``shared.py``) are among those of the first.
    """
    one = read_manifest(folder)
    if one is not None:
        return [one]
    file = folder / FILE_NAME
    data = parsed_manifest(file.read_bytes()) if file.is_file() else {}
    usable = isinstance(data.get(PARTS), list) and isinstance(data.get("files"), dict)
    if not usable or data.get("version") != VERSION:
        return []
    parts = [{**part, "version": VERSION, "generator": data["generator"]} for part in data[PARTS]]
    own = [_own_folders(part) for part in parts]
    for at, part in enumerate(parts):
        others = tuple(folder for folders in (own[:at] + own[at + 1 :]) for folder in folders)
        part["files"] = {
            path: sha
            for path, sha in data["files"].items()
            if path.startswith(own[at]) or (at == 0 and not path.startswith(others))
        }
    return parts


def _own_folders(manifest: Mapping[str, Any]) -> tuple[str, ...]:
    """Return where the modules and the tests of a notebook's package are: of a part its own folders."""
    package, _, part = str(manifest["package"]).partition(".")
    return (f"src/{package}/{part}/", f"tests/{part}/") if part else ("src/", "tests/")


def parsed_manifest(content: bytes) -> dict[str, Any]:
    """Return the object a manifest is, empty where ``content`` is no manifest of ours."""
    try:
        data = json.loads(content)
    except ValueError:
        return {}
    is_ours = isinstance(data, dict) and str(data.get("generator", "")).startswith("nb2prod ")
    return data if is_ours else {}


def load_package(
    folder: Path, manifest: Mapping[str, Any], notebook: Notebook | None
) -> tuple[GeneratedPackage, list[Path]]:
    """Return the package in ``folder``, and those of its files that cannot be read as Python."""
    unreadable: list[Path] = []
    names = [str(each["name"]) for each in manifest.get("steps", ())]
    steps = dict.fromkeys(names, Location(folder / FILE_NAME, None, FIRST))
    source, tested = _own_folders(manifest)
    for path in sorted(folder.glob(f"{source}**/*.py")):
        for node, location in _functions(path, unreadable):
            if steps.get(node.name, location).path.name == FILE_NAME:
                steps[node.name] = location
    tests = [each for path in sorted(folder.glob(f"{tested}**/test_*.py")) for each in _tests(path, unreadable)]
    return GeneratedPackage(folder, manifest, notebook, {name: steps[name] for name in names}, tests), unreadable


def digest(content: bytes) -> str:
    """Return the SHA-256 of ``content`` in hexadecimal digits."""
    from hashlib import sha256  # noqa: PLC0415 - only where there is a package

    return sha256(content).hexdigest()


def cell_digests(notebook: Notebook) -> list[str]:
    """Return the digest of each cell's kind and source, in order: outputs and counts do not matter."""
    if notebook.runs:  # the cells of its file alone
        from nb2prod.notebook.read import parse_notebook  # noqa: PLC0415 - the same

        notebook = parse_notebook(notebook.text, notebook.path)
    return [digest(f"{type(cell).__name__}\n{cell.source}".encode("utf-8", "surrogatepass")) for cell in notebook.cells]


def cell_changes(then: Sequence[str], now: Sequence[str]) -> Iterator[CellChange]:
    """Yield what has become of cells, by their digests; those that are gone have the numbers they had."""
    from difflib import SequenceMatcher  # noqa: PLC0415 - only where there is a package

    for tag, first, last, start, end in SequenceMatcher(None, then, now, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        changed = min(last - first, end - start)
        yield from (CellChange(number + 1, "has changed") for number in range(start, start + changed))
        yield from (CellChange(number + 1, "is new") for number in range(start + changed, end))
        yield from (CellChange(number + 1, "gone") for number in range(first + changed, last))


def _functions(path: Path, unreadable: list[Path]) -> Iterator[tuple[_Function, Location]]:
    tree, lines = _parsed(path, unreadable)
    for node in tree.body:
        if isinstance(node, _Function):
            start = node_range(lines, node).start
            yield node, Location(path, None, Range(start, start))


def _tests(path: Path, unreadable: list[Path]) -> Iterator[TestFunction]:
    tree, lines = _parsed(path, unreadable)
    # What a list at the top of the file names belongs to the tests that use it.
    lists = {
        target.id: _names(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if isinstance(node, _Function) and node.name.startswith("test"):
            names = _names(node)
            names = names.union(*(lists[name] for name in names & lists.keys()))
            marked = any(_UNTESTED in _names(each) for each in node.decorator_list)
            start = node_range(lines, node).start
            yield TestFunction(Location(path, None, Range(start, start)), names, marked)


def _parsed(path: Path, unreadable: list[Path]) -> tuple[ast.Module, list[str]]:
    try:
        text = path.read_text(encoding="utf-8")
        return ast.parse(text), text.split("\n")
    except (OSError, ValueError, SyntaxError, RecursionError, MemoryError):
        if path not in unreadable:
            unreadable.append(path)
        return ast.Module([], []), []


def _names(node: ast.AST) -> frozenset[str]:
    """Return every name, attribute and text in the code: what a step can be named by."""
    names: set[str] = set()
    for each in ast.walk(node):
        match each:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name) | ast.Constant(value=str(name)):
                names.add(name)
    return frozenset(names)
