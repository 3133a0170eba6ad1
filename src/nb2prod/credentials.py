"""Credentials: which passwords, keys and tokens are written into a notebook, and where."""

from __future__ import annotations

import ast
import math
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nb2prod.notebook.commands import command_lines
from nb2prod.notebook.model import CodeCell
from nb2prod.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.notebook.location import Location
    from nb2prod.notebook.model import Cell

# What issuers publish about the form of their credentials. Inside a longer run of base64 (a picture)
# such a form is chance, so neither side may go on.
_FORMATS = {
    "an AWS access key": r"(?:AKIA|ASIA)[0-9A-Z]{16}",
    "a Google API key": r"AIza[\w-]{35}",
    "a GitHub token": r"gh[pousr]_[A-Za-z0-9]{36,}|github_pat_\w{22,}",
    "a GitLab token": r"glpat-[\w-]{20,}",
    "a Slack token": r"xox[abposr]-[\w-]{10,}",
    "a Slack webhook": r"https://hooks\.slack\.com/services/T\w+/B\w+/\w+",
    "an API key of OpenAI, Anthropic or the like": r"sk-(?=[\w-]*[a-z])(?=[\w-]*[A-Z])(?=[\w-]*\d)[\w-]{20,}",
    "a Stripe key": r"[rs]k_live_[0-9A-Za-z]{16,}",
    "a Hugging Face token": r"hf_[A-Za-z0-9]{30,}",
    "a SendGrid key": r"SG\.[\w-]{16,}\.[\w-]{16,}",
    "a PyPI token": r"pypi-AgEI[\w-]{50,}",
    "an npm token": r"npm_[A-Za-z0-9]{36}",
    "a signed web token": r"eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}",
    "an Azure key": r"(?:AccountKey|SharedAccessKey)=[A-Za-z0-9+/]{40,}={0,2}",
    "a private key": r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----",
}
# Patterns that few notebooks need are texts, which `re` compiles when they are first used: start-up
# is spared them.
_FORMAT = (
    "(?<![A-Za-z0-9+/_-])(?:"
    + "|".join(f"(?P<f{number}>{pattern})" for number, pattern in enumerate(_FORMATS.values()))
    + ")(?![A-Za-z0-9+/_])"
)
# Cheap looks before the dear ones: what every format, and every telling name, has in it.
_PARTS = (
    *("AKIA", "ASIA", "AIza", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xox", "hooks.slack"),
    *("sk-", "k_live_", "hf_", "SG.", "pypi-", "npm_", "eyJ", "Key=", "PRIVATE KEY", "://"),
)
_HINTS = ("pass", "pwd", "secret", "token", "key", "auth")
_ADDRESS = r"[a-z][a-z0-9+.-]*://(?P<user>[^\s:/@'\"<>{}]*):(?P<value>[^\s/@'\"]+)@(?P<host>[\w.-]+)"
_BEARER = r"(?i)(?:Bearer|Basic|Token)\s+(?P<value>[\w.+/=-]+)"
_SETTING = r"(?P<name>\w[\w-]*)=['\"]?(?P<value>[^\s'\";&|]+)|--(?P<option>[\w-]+)\s+(?P<word>[^\s-]\S*)"
_PAIR = r"(?i)(?:^|[\s;?&])(?:password|pwd)=(?P<value>[^\s;&'\"]+)"
# Programs that take a password in an option which names none.
_OPTION = (
    r"\b(?:(?:mysql\w*|mariadb)\b[^|;&]{0,300}?\s-p|sshpass\s+-p\s*|docker\s+login\b[^|;&]{0,300}?\s-p\s+"
    r"|curl\b[^|;&]{0,300}?\s(?:-u|--user)\s+['\"]?[^\s:'\"]+:)['\"]?(?P<value>[^\s'\"]+)"
)
# The name is bounded: lines of prose are long, and each of their words might begin one.
_WRITTEN = r"\b(?P<name>\w[\w -]{0,60}?)['\"]?(?:\s*(?:=|:|\bis\b)\s*['\"`]?|\s+`)(?P<value>[^\s'\"`,;)]+)"
_SHOWN = (
    r"(?i)\b(?P<name>\w{0,40}?(?:passphrase|passwd|password|pwd|secret|token|key))['\"]?\s{0,3}[=:]\s{0,3}"
    r"['\"]?(?P<value>[^\s'\",;)\]}]{8,})"
)
_DATA_URI = r"data:[\w/+.-]+;base64,[A-Za-z0-9+/=]+"

_WORD = lazy_pattern(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_PASSWORDS = frozenset({"passphrase", "passwd", "password", "pwd"})
_TOKENS = frozenset({"apikey", "secret", "token"})
_KEYS = frozenset(
    (
        *("access", "account", "api", "app", "auth", "client", "consumer", "encryption", "master", "private", "secret"),
        *("service", "signing", "storage", "subscription"),
    )
)

_STAND_IN = (
    r"(?i)<.*>|^<|[{}]|^\$|\$\(|\*\*|^\*|%[sdr(]|^%|\.\.\.|…|x{3,}|your|change|example|placeholder|dummy|insert|replace|redacted|hidden|fake|sample|enter"
    r"|passw|^(?:pass|pwd|secret|token|key|test\w*|none|null|true|false|str|string|text|user|todo|abc\d*|foo|bar)$|:\s*$"
)
_ENVIRONMENT_NAME = lazy_pattern(r"[A-Z]+(?:_[A-Z0-9]+)+")
_ELSEWHERE = lazy_pattern(r"^(?:\.{0,2}/|~|\w+://)|\.\w{2,4}$")  # a path, an address, a file name
_UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"


@dataclass(frozen=True, slots=True)
class Credential:
    """A credential where it is written.

    kind   what it is, with its article: ``a password``
    value  the text that must stay secret
    name   what it is given to (``api_key``), or an empty string
    node   the literal that is the value, where it is one by itself
    known  it has the form its issuer publishes, which nothing else has
    """

    location: Location
    kind: str
    value: str = field(repr=False)
    name: str = ""
    node: ast.expr | None = None
    known: bool = False


def find_credentials(analysis: Analysis, cell: Cell) -> Iterator[Credential]:
    """Yield the credentials in a cell: code, comments, magics and shell lines, or markdown."""
    yield from _formatted(cell)
    if not isinstance(cell, CodeCell):
        return
    for line in command_lines(cell):
        yield from _in_text(cell, line.text, line.location.line, line.location.column)
    for magic in cell.magics:
        if magic.kind == "line" and magic.name in ("env", "set_env"):
            start = magic.range.start
            text = re.sub(r"^(%\w+\s+\w+)\s", r"\1=", cell.lines[start.line - 1][start.column - 1 :])
            yield from _in_text(cell, text, start.line, start.column)
    if cell.tree is None or not (_hints(cell.source) or "login" in cell.source):
        return
    for node in analysis.nodes(cell.tree):
        for name, value in _named(node) if type(node) in _NAMING else ():
            match value:
                case ast.Constant(value=str() | bytes() as literal):
                    text = literal if isinstance(literal, str) else literal.decode("latin-1")
                    if kind := _kind(name, text):
                        yield Credential(cell.locate(value), kind, _bare(text), name, value)
    yield from _in_connection_texts(analysis, cell)
    for call in analysis.calls_of("os.getenv", "os.environ.get", "os.environ.setdefault"):
        if call.cell is cell:
            match call.node.args:
                case [ast.Constant(value=str() as name), ast.Constant(value=str() as text) as default]:
                    if kind := _kind(name, text):
                        yield Credential(cell.locate(default), f"{kind} as a default", text, name, default)


def credentials_in_words(cell: Cell) -> Iterator[Credential]:
    """Yield what prose and comment lines say a password is, where nobody writes such a word for another reason."""
    if not _hints(cell.source):
        return
    for number, line in enumerate(cell.lines, 1):
        if isinstance(cell, CodeCell) and not line.lstrip().startswith("#"):
            continue
        for value in credentials_in_prose(line):
            at = line.find(value) + 1
            if is_unmistakable(value) and not any(_formats_in(line)):
                yield Credential(cell.location(number, at, number, at + len(value)), "a credential", value)


def _in_connection_texts(analysis: Analysis, cell: CodeCell) -> Iterator[Credential]:
    """Yield passwords in texts such as ``dbname=shop user=anna password=…`` and ``Server=db;Uid=anna;Pwd=…``."""
    if cell.tree is None or not re.search(_PAIR, cell.source):
        return
    for node in analysis.nodes(cell.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.count("=") > 1:
            found = re.search(_PAIR, node.value)
            if found and _is_password(found["value"]):
                yield Credential(cell.locate(node), "a password", found["value"], "password")


def credentials_in_prose(text: str) -> Iterator[str]:
    """Yield the values in a comment or in prose that look like credentials: ``password: …``, ``api_key = "…"``."""
    if not _hints(text):
        return
    for found in re.finditer(_WRITTEN, text):
        value = found["value"].rstrip(".:!?")
        if re.search(r"\d", value) and _kind(found["name"], value):
            yield value


def is_unmistakable(value: str) -> bool:
    """Return whether a credential is no word that code has for other reasons too (``admin``, ``data``)."""
    mixed = sum(bool(re.search(kind, value)) for kind in (r"\d", "[a-z]", "[A-Z]", r"[^\w]"))
    return len(value) >= 8 and (mixed > 1 or len(value) >= 16)  # noqa: PLR2004 what nobody writes by chance


def credentials_in_text(text: str) -> Iterator[str]:
    """Yield what each credential in a text that a program wrote is (``a password``), never the credential.

    Words after a telling name count only where nobody writes them by chance: output is full of data.
    """
    if any(part in text for part in _PARTS):
        for line in text.splitlines():
            yield from (kind for kind, *_ in _formats_in(line))
    if _hints(text):
        for found in re.finditer(_SHOWN, text):
            kind = _kind(found["name"], found["value"])
            if kind and is_unmistakable(found["value"]):
                yield kind


def credentials_in_metadata(value: object, name: str = "") -> Iterator[str]:
    """Yield what each credential in metadata is: text under a telling key, or in the format of an issuer."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from credentials_in_metadata(item, str(key))
    elif isinstance(value, list):
        for item in value:
            yield from credentials_in_metadata(item, name)
    elif isinstance(value, str) and value:
        kind = _kind(name, value)
        if kind:
            yield kind
        elif any(part in value for part in _PARTS):
            yield from (found for found, *_ in _formats_in(value))


def _hints(text: str) -> bool:
    """Return whether anything in ``text`` may be named like a credential."""
    # Ten times as fast as a regular expression that ignores case.
    lowered = text.lower()
    return any(word in lowered for word in _HINTS)


def _formatted(cell: Cell) -> Iterator[Credential]:
    source = cell.source
    for part in _PARTS:
        if part in source:
            break
    else:
        return
    for number, line in enumerate(cell.lines, 1):
        for kind, start, end, value, name in _formats_in(line):
            location = cell.location(number, start + 1, number, end + 1)
            yield Credential(location, kind, value, name, known=kind in _FORMATS)


def _formats_in(line: str) -> Iterator[tuple[str, int, int, str, str]]:
    """Yield kind, start, end, value and name of what has an issuer's format, or is an address with a password."""
    text = re.sub(_DATA_URI, lambda found: " " * len(found[0]), line) if "base64," in line else line
    for found in re.finditer(_FORMAT, text):
        kind = list(_FORMATS)[int((found.lastgroup or "f0")[1:])]
        if kind == "a private key" or not (re.search(_STAND_IN, found[0]) or _entropy(found[0]) < 3):  # noqa: PLR2004
            yield kind, found.start(), found.end(), found[0].partition("Key=")[2] or found[0], ""
    for found in re.finditer(_ADDRESS, text) if "://" in text else ():
        default = found["value"] == found["user"] or re.search(r"\bexample\b|^host", found["host"])
        if _is_password(found["value"]) and not default:
            yield "an address with a password", found.start(), found.end(), found["value"], "password"


def _in_text(cell: CodeCell, text: str, line: int, column: int) -> Iterator[Credential]:
    for pattern, given in ((_SETTING, ""), (_BEARER, "authorization"), (_OPTION, "password")):
        for found in re.finditer(pattern, text):
            groups = found.groupdict()
            value = groups.get("value") or groups.get("word") or ""
            name = given or groups.get("name") or groups.get("option") or ""
            if kind := _kind(name, value):
                at = column + found.start()
                yield Credential(cell.location(line, at, line, at + len(found[0])), kind, value, name)


def _bare(text: str) -> str:
    """Return the credential of a header's value: ``Bearer …`` without its first word."""
    found = re.fullmatch(_BEARER, text)
    return found["value"] if found else text


# Calls that are given a user's name and password, in this order.
_LOGINS = frozenset({"login", "authenticate", "HTTPBasicAuth", "HTTPDigestAuth"})
# The nodes `_named` looks at: the rest of a tree is most of it.
_NAMING = frozenset({ast.Assign, ast.AnnAssign, ast.NamedExpr, ast.keyword, ast.Call, ast.Dict, ast.arguments})


def _named(node: ast.AST) -> Iterator[tuple[str, ast.expr | None]]:
    """Yield the names and values of an assignment, keyword argument, dictionary or parameter list."""
    match node:
        case ast.Assign(targets=targets, value=value):
            yield from ((_name(target), value) for target in targets)
        case ast.AnnAssign(target=target, value=value) | ast.NamedExpr(target=target, value=value):
            yield _name(target), value
        case ast.keyword(arg="auth" | "basic_auth", value=ast.Tuple(elts=[_, value])):  # auth=("anna", "…")
            yield "password", value
        case ast.keyword(arg=str() as name, value=value):
            yield name, value
        case ast.Call(func=ast.Name() | ast.Attribute() as function, args=[value]) if _name(function).startswith(
            "set_"
        ):
            yield _name(function), value
        case ast.Call(func=function, args=[_, value]) if _name(function) in _LOGINS:
            yield "password", value
        case ast.Call(func=function, keywords=[ast.keyword(arg="key", value=value), *_]) if _name(function) == "login":
            yield "api_key", value
        case ast.Dict(keys=keys, values=values):
            yield from ((_name(key), value) for key, value in zip(keys, values, strict=True))
        case ast.arguments(args=args, defaults=defaults, kwonlyargs=named, kw_defaults=named_defaults):
            yield from (
                (arg.arg, value) for arg, value in zip(args[len(args) - len(defaults) :], defaults, strict=True)
            )
            yield from ((arg.arg, value) for arg, value in zip(named, named_defaults, strict=True))


def _name(node: ast.expr | None) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.Constant(value=str() as name):
            return name
        case ast.Subscript(slice=key):
            return _name(key) if isinstance(key, ast.Constant) else ""
        case _:
            return ""


def _kind(name: str, value: str) -> str | None:
    """Return what ``value`` is if it is a credential given to ``name``, which must end as such names do."""
    words = [word.lower() for word in _WORD.findall(name)] or [""]
    if words == ["authorization"]:
        found = re.fullmatch(_BEARER, value)
        return "a credential" if _is_random(found["value"] if found else value) else None
    if words[-1] in _PASSWORDS:
        return "a password" if _is_password(value) else None
    is_key = words[-1] == "key" and len(words) > 1 and words[-2] in _KEYS
    if is_key or words[-1] in _TOKENS:
        return f"a {'key' if is_key or words[-1] == 'apikey' else words[-1]}" if _is_random(value, words[-1]) else None
    return None


def _is_password(value: str) -> bool:
    stands_in = re.search(_STAND_IN, value) or _ENVIRONMENT_NAME.fullmatch(value) or _ELSEWHERE.search(value)
    return len(value) > 3 and len(set(value)) > 1 and not stands_in  # noqa: PLR2004 nobody's password is "abc"


def _is_random(value: str, word: str = "") -> bool:
    """Whether nobody would write ``value`` by hand: no words, a long mixture."""
    if not _is_password(value) or (word == "token" and re.fullmatch(_UUID, value)):
        return False
    longest = max(re.split(r"[-_./:\s]", value), key=len)
    mixed = bool(re.search(r"\d", longest)) and bool(re.search(r"[A-Za-z]", longest))
    return len(value) >= 16 and len(longest) >= 12 and mixed and _entropy(longest) > 3  # noqa: PLR2004


def _entropy(text: str) -> float:
    """Return the bits per character, by how often each occurs (Shannon)."""
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values())
