"""Places: which paths in a notebook exist on one machine only, and where they are written."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from nb2prod.literals import HOLE, written_text
from nb2prod.notebook.commands import command_lines
from nb2prod.patterns import lazy_pattern
from nb2prod.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nb2prod.analysis import Analysis, Call
    from nb2prod.notebook.location import Location
    from nb2prod.notebook.model import CodeCell

# Where such a path begins, and what it says about where the notebook runs.
PLACES = {
    "lies in one person's home folder": r"/Users/[\w.@-]+/|/home/[\w.@-]+/[\w.@…-]|~/[\w…]",
    "lies on a Windows drive": r"[A-Za-z]:[\\/](?=[\w.$({ -])[^:(]",
    "lies on a network share": r"\\\\[\w.-]+\\\w",
    "lies on a mounted disk": r"/(?:mnt/[\w.-]|(?:media|Volumes)/[\w.-]+/[\w.-])",
    "exists on Google Colab only": r"/content/[A-Za-z_.]",
    "exists on Kaggle only": r"/kaggle/(?:input|working|temp|lib)\b",
    "exists on Databricks only": r"/dbfs/[\w.-]|dbfs:/|/databricks/\w",
}
# Texts, which `re` compiles when they are first used: start-up is spared what few notebooks need.
_MACHINE = "|".join(f"(?P<p{number}>{pattern})" for number, pattern in enumerate(PLACES.values()))
# A cheap look before every string of a cell is taken apart; a drive is one letter, `http://` is none.
_HINT = lazy_pattern(
    r"/(?:home|Users|mnt|media|Volumes|content|kaggle|dbfs|databricks)/|~/|:[\\/](?<![A-Za-z][A-Za-z]:.)|\\\\|dbfs:"
)
_IN_SHELL = rf"(?<![\w/:.~$}}\\*-])(?:{_MACHINE}|/content\b|/kaggle\b)[^\s'\";|&<>)]*"
_IN_PROSE = rf"(?<![\w/:.~$}}\\*-])(?:{_MACHINE})[^\s'\";|&<>)`\],]*"
# Magics whose first word is a path, wherever it leads.
_IN_MAGIC = r"%{0,2}(?:cd|load|pushd|run|writefile)\s+(?:-\S+\s+)*['\"]?(?P<path>/[^\s'\"]+)"
_ABSOLUTE = lazy_pattern(r"/(?!dev/|proc/|sys/|etc/|usr/|bin/)[\w.@-]+(?:/|$)")
# Regular expressions, prose and stand-ins are written with these, paths are not.
_NO_PATH = lazy_pattern(r"[\n\t<>|^]|\(\?|\.\*|\\[wds][+*)]|[:;,] |\$$|path[/_]to|your")
_ASKS = frozenset(
    {"os.environ.get", "os.environ.setdefault", "os.getenv", "os.path.expanduser", "posixpath.expanduser"}
)
# Folders that a desktop makes for a person: nobody else has in them what is asked for, whoever's home is asked.
_OWN = lazy_pattern(r"~/(?:Desktop|Documents|Downloads|Dropbox|Google ?Drive|My ?Drive|OneDrive)\b")
# Asking whether a path exists depends on nothing: the notebook finds out where it runs.
PROBES = frozenset({"os.path.exists", "os.path.isdir", "os.path.isfile", "os.path.lexists"})
# The longest beginning of an address that leads to a file, as far as its `://`.
_SCHEME = len("sqlite://")
_HTTP = frozenset({"delete", "get", "head", "options", "patch", "post", "put", "route"})


class MachinePath(NamedTuple):
    """A path of one machine where it is written.

    text   the path; ``…`` at its end where only its beginning is written out
    place  what the path says about its machine, a verb phrase; None for any absolute path
    cell   the cell it is written in
    node   the literal that begins with it; None in a magic or a shell line
    """

    text: str
    location: Location
    place: str | None
    cell: CodeCell
    node: ast.expr | None = None


def find_machine_paths(analysis: Analysis) -> Iterator[MachinePath]:
    """Yield the paths of one machine in the notebook's code; one that is written twice comes twice."""
    known: dict[int, tuple[CodeCell, ast.expr]] = {}
    for call in analysis.calls():
        if call.qualified_name in PROBES:
            continue
        for parameter in call.info.path if call.info is not None else ():
            argument = call.arguments.get(parameter)
            if argument is not None and call.qualified_name not in _ASKS:
                cell, literal = _literal(analysis, call.cell, argument)
                known[id(literal)] = (cell, literal)
    for cell, literal in known.values():
        text = _beginning(literal)
        if text.startswith("/") and _ABSOLUTE.match(text) and not _place(text) and not _NO_PATH.search(text):
            yield MachinePath(text, cell.locate(literal), _place(f"{text}/file"), cell, literal)
    yield from _joined(analysis)
    hinting = {cell.index for cell in analysis.notebook.code_cells if cell.tree and _HINT.search(cell.source)}
    calls = {id(call.node): call for call in analysis.calls()} if hinting else {}
    for cell in analysis.notebook.code_cells:
        yield from _in_magics(cell)
        for literal in _literals(cell.tree, calls) if cell.tree and cell.index in hinting else ():
            text = _beginning(literal)
            place = _place(text)
            if place and not _NO_PATH.search(text):
                yield MachinePath(text, cell.locate(literal), place, cell, literal)


def _joined(analysis: Analysis) -> Iterator[MachinePath]:
    """Yield paths whose parts are joined from the root on: ``os.path.join("/", "home", "anna", name)``."""
    for call in analysis.calls_of("os.path.join", "posixpath.join", "pathlib.Path"):
        parts = [written_text(analysis, each) or HOLE for each in call.node.args]
        if len(parts) > 1 and parts[0] == "/":
            text = "/" + "/".join(parts[1:]).partition(HOLE)[0]
            if place := _place(text) or _place(f"{text}file"):
                yield MachinePath(f"{text}…" if HOLE in parts else text, call.location, place, call.cell)


def without_folders(text: str) -> str:
    """Return prose or a comment with ``…/name`` in the place of each path of one machine."""
    return re.sub(_IN_PROSE, lambda found: f"…/{base_name(found[0])}" if base_name(found[0]) else "…", text)


def base_name(path: str) -> str:
    """Return the last part of a path of any system; empty for a home folder, whose name is a person's."""
    trimmed = path.rstrip("/\\…")
    if re.fullmatch(r"(?i)(?:[a-z]:)?[\\/]+(?:Users|home)[\\/]+[^\\/]+|~|[a-z]:", trimmed):
        return ""
    return re.split(r"[\\/]", trimmed)[-1]


def _place(text: str) -> str | None:
    if "://" in text[:_SCHEME]:
        text = text.removeprefix("file://").removeprefix("sqlite:///")
    found = re.match(_MACHINE, text)
    return list(PLACES)[int(found.lastgroup[1:])] if found and found.lastgroup else None


def _beginning(node: ast.expr) -> str:
    """Return the text a string expression begins with; empty where that is not written out."""
    match node:
        case ast.Constant(value=str() as text):
            return text
        case ast.JoinedStr(values=[ast.Constant(value=str() as text), *rest]):
            return text + ("…" if rest else "")
        case ast.BinOp(left=left, op=ast.Add() | ast.Mod()):
            return _beginning(left)
        case _:
            return ""


def _literal(analysis: Analysis, cell: CodeCell, node: ast.expr) -> tuple[CodeCell, ast.expr]:
    """Return the literal that ``node`` begins with, where it is written, followed through one constant."""
    match node:
        case ast.BinOp(left=left, op=ast.Add() | ast.Mod()):
            return _literal(analysis, cell, left)
        case ast.Call(func=ast.Attribute(value=ast.Constant() as template, attr="format")):
            return cell, template
        case ast.Name():
            use = analysis.use_at(node)
            reaching = analysis.flow.reaching(use) if use is not None else ()
            if len(reaching) == 1:
                match analysis.statements()[reaching[0].statement].node:
                    case ast.Assign(
                        targets=[ast.Name()], value=ast.Constant() | ast.JoinedStr() | ast.BinOp() as value
                    ):
                        return _literal(analysis, reaching[0].cell, value)
    return cell, node


def _literals(node: ast.AST, calls: Mapping[int, Call]) -> Iterator[ast.expr]:
    """Yield the string literals under ``node`` that may be paths, by where they stand."""
    for child in _candidates(node, calls):
        match child:
            case ast.Constant(value=str()):
                yield child
            case ast.JoinedStr(values=[ast.Constant(), *_]):
                yield child
            case _:
                yield from _literals(child, calls)


def _candidates(node: ast.AST, calls: Mapping[int, Call]) -> Iterator[ast.AST]:
    """Yield the children of ``node``, without those that are no path although they look like one."""
    match node:
        case ast.Expr(value=ast.Constant()):  # a docstring
            return
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            yield left
            if not isinstance(right, (ast.Constant, ast.JoinedStr)):  # the end of a URL or a path
                yield right
            return
        case ast.Subscript(value=value, slice=key) if isinstance(key, ast.Constant):  # f["/group/data"]
            yield value
            return
        case ast.Compare() | ast.MatchValue():
            yield from (child for child in ast.iter_child_nodes(node) if not isinstance(child, ast.Constant))
            return
        case ast.Dict(values=values):
            yield from values
            return
        case ast.Call(func=ast.Attribute(value=ast.Call(args=given), attr="expanduser")):  # Path("~/x").expanduser()
            yield from (each for each in given if _OWN.match(_beginning(each)))
            return
        case ast.Call():
            yield node.func
            yield from _arguments(node, calls.get(id(node)))
            return
    for field, value in ast.iter_fields(node):
        if field != "decorator_list":  # @app.route("/home/x/y")
            yield from (
                child for child in (value if isinstance(value, list) else [value]) if isinstance(child, ast.AST)
            )


def _arguments(node: ast.Call, call: Call | None) -> Iterator[ast.expr]:
    """Yield the arguments of a call that may be or hold a path."""
    name = (call.qualified_name if call else None) or ""
    attribute = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    no_text = name in _ASKS or name.startswith("re.") or attribute in _HTTP or (call and "network" in call.effects)
    paths = call.info.path if call and call.info else ()
    named = {id(argument): parameter for parameter, argument in (call.arguments if call else {}).items()}
    for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
        is_text = isinstance(argument, (ast.Constant, ast.JoinedStr))
        is_own = name.endswith("path.expanduser") and bool(_OWN.match(_beginning(argument)))
        if is_own or not (is_text and (no_text or (paths and named.get(id(argument)) not in paths))):
            yield argument


def _in_magics(cell: CodeCell) -> Iterator[MachinePath]:
    if not cell.magics:
        return
    for line in command_lines(cell):
        yield from _in_text(cell, line.text, line.location.line, line.location.column)
    lines = cell.lines
    for magic in cell.magics:
        # The first line of `%%writefile /home/anna/x.py`, the line of `%cd /home/anna`.
        if magic.kind in ("line", "cell", "automagic"):
            number, column = magic.range.start.line, magic.range.start.column
            text = lines[number - 1][column - 1 :]
            placed = list(_in_text(cell, text, number, column))
            yield from placed
            if not placed and "/" in text and (found := re.match(_IN_MAGIC, text)) and _ABSOLUTE.match(found["path"]):
                start, end = found.span("path")
                where = cell.location(number, column + start, number, column + end)
                yield MachinePath(found["path"], where, None, cell)


def _in_text(cell: CodeCell, text: str, line: int, column: int) -> Iterator[MachinePath]:
    for found in re.finditer(_IN_SHELL, text) if "/" in text or "\\" in text else ():
        at = column + found.start()
        place = _place(found[0]) or _place(f"{found[0]}/file")
        yield MachinePath(found[0], cell.location(line, at, line, at + len(found[0])), place, cell)
