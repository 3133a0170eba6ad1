"""Credentials: which passwords, keys and tokens are written into a notebook, and where."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Final

from nb2prod.credential_forms import (
    BEARER,
    FORMATS,
    HINTS,
    bare,
    credentials_in_prose,
    formats_in,
    hints_in,
    is_password,
    is_unmistakable,
    kind_given,
    parts_in,
)
from nb2prod.notebook.commands import command_lines
from nb2prod.notebook.model import CodeCell
from nb2prod.records import NamedTuple, Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from nb2prod.analysis import Analysis
    from nb2prod.notebook.location import Location
    from nb2prod.notebook.model import Cell

# Texts, which `re` compiles when they are first used: start-up is spared what few notebooks need.
_SETTING = r"(?P<name>\w[\w-]*)=['\"]?(?P<value>[^\s'\";&|]+)|--(?P<option>[\w-]+)\s+(?P<word>[^\s-]\S*)"
_PAIR = r"(?i)(?:^|[\s;?&])(?:password|pwd)=(?P<value>[^\s;&'\"]+)"
_PAIR_PARTS = ("password=", "pwd=")
# Programs that take a password in an option which names none.
_OPTION = (
    r"\b(?:(?:mysql\w*|mariadb)\b[^|;&]{0,300}?\s-p|sshpass\s+-p\s*|docker\s+login\b[^|;&]{0,300}?\s-p\s+"
    r"|curl\b[^|;&]{0,300}?\s(?:-u|--user)\s+['\"]?[^\s:'\"]+:)['\"]?(?P<value>[^\s'\"]+)"
)
# Programs that take a key as a word of its own.
_LOGGED_IN = r"\b(?:wandb|comet|neptune|mlflow|dagshub|clearml)\s+login\s+(?:--relogin\s+)?['\"]?(?P<value>\w{20,})"


class Credential(Record):
    """A credential where it is written.

    kind   what it is, with its article: ``a password``
    value  the text that must stay secret
    name   what it is given to (``api_key``), or an empty string
    node   the literal that is the value, where it is one by itself
    known  it has the form its issuer publishes, which nothing else has
    """

    location: Final[Location]
    kind: Final[str]
    value: Final[str]
    name: Final[str] = ""
    node: Final[ast.expr | None] = None
    known: Final[bool] = False


def telling_cells(analysis: Analysis) -> Iterator[Cell]:
    """Yield the cells that may hold a credential: in few of them is any of the words that takes."""
    told = analysis.once(_told)
    for cell in analysis.notebook.cells:
        if cell.index in told or (isinstance(cell, CodeCell) and (cell.magics or _LOGIN in cell.source)):
            yield cell


def find_credentials(analysis: Analysis, cell: Cell) -> Iterator[Credential]:
    """Yield the credentials in a cell of the notebook: code, comments, magics and shell lines, or markdown."""
    yield from _formatted(analysis, cell)
    if not isinstance(cell, CodeCell):
        return
    for line in command_lines(cell):
        yield from _in_text(cell, line.text, line.location.line, line.location.column)
    for magic in cell.magics:
        if magic.kind == "line" and magic.name in ("env", "set_env"):
            start = magic.range.start
            text = re.sub(r"^(%\w+\s+\w+)\s", r"\1=", cell.lines[start.line - 1][start.column - 1 :])
            yield from _in_text(cell, text, start.line, start.column)
    if cell.tree is None or not (_is_hinting(analysis, cell) or _LOGIN in cell.source):
        return
    for node in analysis.nodes(cell.tree):
        if node.__class__ in _GIVING and getattr(node, "value", None).__class__ not in _VALUES:
            continue
        for name, value in _named(node) if node.__class__ in _NAMING else ():
            match value:
                case ast.Constant(value=str() | bytes() as literal):
                    text = literal if isinstance(literal, str) else literal.decode("latin-1")
                    if kind := kind_given(name, text):
                        yield Credential(cell.locate(value), kind, bare(text), name, value)
    yield from _in_connection_texts(analysis, cell)
    for call in analysis.calls_of("os.getenv", "os.environ.get", "os.environ.setdefault"):
        if call.cell is cell:
            match call.node.args:
                case [ast.Constant(value=str() as name), ast.Constant(value=str() as text) as default]:
                    if kind := kind_given(name, text):
                        yield Credential(cell.locate(default), f"{kind} as a default", text, name, default)


def credentials_in_words(analysis: Analysis, cell: Cell) -> Iterator[Credential]:
    """Yield what prose and comment lines say a password is, where nobody writes such a word for another reason."""
    if not _is_hinting(analysis, cell):
        return
    for number, line in enumerate(cell.lines, 1):
        if isinstance(cell, CodeCell) and not line.lstrip().startswith("#"):
            continue
        for value in credentials_in_prose(line):
            at = line.find(value) + 1
            if is_unmistakable(value) and not any(formats_in(line)):
                yield Credential(cell.location(number, at, number, at + len(value)), "a credential", value)


def _in_connection_texts(analysis: Analysis, cell: CodeCell) -> Iterator[Credential]:
    """Yield passwords in texts such as ``dbname=shop user=anna password=…`` and ``Server=db;Uid=anna;Pwd=…``."""
    if cell.tree is None or not hints_in(cell.source, _PAIR_PARTS):
        return
    if not re.search(_PAIR, cell.source):
        return
    for node in analysis.nodes(cell.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.count("=") > 1:
            found = re.search(_PAIR, node.value)
            if found and is_password(found["value"]):
                yield Credential(cell.locate(node), "a password", found["value"], "password")


class _Told(NamedTuple):
    """What is in a cell that tells of credentials: parts of formats (see ``parts_in``), and words of names."""

    parts: Sequence[str]
    hints: Sequence[str]


def _told(analysis: Analysis) -> Mapping[int, _Told]:
    """Return what tells of credentials, by the index of its cell; cells without anything are left out."""
    text = "\n".join(cell.source for cell in analysis.notebook.cells)
    parts, hints = parts_in(text), hints_in(text, HINTS)
    if not (parts or hints):
        return {}
    every = (
        (cell.index, _Told([part for part in parts if part in cell.source], hints_in(cell.source, hints)))
        for cell in analysis.notebook.cells
    )
    return {index: told for index, told in every if told.parts or told.hints}


def _is_hinting(analysis: Analysis, cell: Cell) -> bool:
    """Return whether anything in a cell may be named like a credential."""
    told = analysis.once(_told).get(cell.index)
    return told is not None and bool(told.hints)


def _formatted(analysis: Analysis, cell: Cell) -> Iterator[Credential]:
    told = analysis.once(_told).get(cell.index)
    parts = told.parts if told is not None else ()
    for number, line in enumerate(cell.lines, 1) if parts else ():
        if any(part in line for part in parts):
            for kind, start, end, value, name in formats_in(line):
                location = cell.location(number, start + 1, number, end + 1)
                yield Credential(location, kind, value, name, known=kind in FORMATS)


# Patterns, and what a value is given to where a pattern does not name it.
_GIVEN_IN_TEXT = ((_SETTING, ""), (BEARER, "authorization"), (_OPTION, "password"), (_LOGGED_IN, "api_key"))


def _in_text(cell: CodeCell, text: str, line: int, column: int) -> Iterator[Credential]:
    for pattern, given in _GIVEN_IN_TEXT:
        for found in re.finditer(pattern, text):
            groups = found.groupdict()
            value = groups.get("value") or groups.get("word") or ""
            name = given or groups.get("name") or groups.get("option") or ""
            if kind := kind_given(name, value):
                at = column + found.start()
                yield Credential(cell.location(line, at, line, at + len(found[0])), kind, value, name)


_LOGIN = "login"
# Calls that are given a user's name and password, in this order.
_LOGINS = frozenset({"login", "authenticate", "HTTPBasicAuth", "HTTPDigestAuth"})
# Calls that are given a setting's name and value, in this order.
_SETTERS = frozenset({"set", "config", "option", "set_option", "putenv", "setenv", "add_header", "put"})
# The nodes `_named` looks at: the rest of a tree is most of it.
_GIVING = frozenset({ast.Assign, ast.AnnAssign, ast.NamedExpr, ast.keyword})
_NAMING = _GIVING | {ast.Call, ast.Dict, ast.arguments}
# What is a credential, or has one as its second part: `auth=("anna", "…")`.
_VALUES = frozenset({ast.Constant, ast.Tuple})


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
        case ast.Call(func=function, args=[ast.Constant(value=str(name)), value]) if _name(function) in _SETTERS:
            yield name, value
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
