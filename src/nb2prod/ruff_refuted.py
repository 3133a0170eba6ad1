"""What ruff finds and the code around it refutes."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.notebook.model import CodeCell
from nb2prod.notebook.tree import nodes
from nb2prod.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from nb2prod.notebook.location import Location, Range
    from nb2prod.notebook.model import Notebook

# Calls that show a text to somebody or raise it: no database sees it.
_SHOWS = frozenset(
    {"print", "display", "Markdown", "HTML", "info", "warning", "error", "debug", "exception", "title", "set_title"}
)


# A filled-in word, `\0`, in the name of a table, a view and the like: none of these can be a parameter.
_NAMES = lazy_pattern(
    r"(?i)\b(?:from|join|into|update|table|view|schema|dataset|database|model|exists)\s+[`\"\[]?[\w.-]*\0(?:[\w.-]*\0)*"
)
_MARKS = lazy_pattern(r"[?,\s]*|%s|,\s*")
_FIELD = lazy_pattern(r"\{[^{}]*\}")
_PERCENT = lazy_pattern(r"%(?:\(\w+\))?s")


def is_refuted(code: str, notebook: Notebook, location: Location) -> bool:
    """Whether what ruff finds at ``location`` under ``code`` is surely none."""
    asks = _ASKS.get(code)
    cell = notebook.cells[(location.cell or 1) - 1]
    if asks is None or not isinstance(cell, CodeCell) or cell.tree is None:
        return False
    return asks(cell, cell.tree, location.range)


def _may_have_a_limit(cell: CodeCell, tree: ast.Module, found: Range) -> bool:
    """Whether a call is given arguments nobody sees: ``requests.get(url, **options)``."""
    return any(
        isinstance(node, ast.Call)
        and any(each.arg is None for each in node.keywords)
        and found in (cell.locate(node).range, cell.locate(node.func).range)
        for node in nodes(tree)
    )


def _is_only_shown(cell: CodeCell, tree: ast.Module, found: Range) -> bool:
    """Whether a text is an argument of a call that shows it, or of an exception."""
    for node in nodes(tree):
        if not isinstance(node, ast.Call) or not any(cell.locate(each).range == found for each in node.args):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        return name in _SHOWS or name.endswith(("Error", "Exception", "Warning"))
    return False


def _is_no_value(cell: CodeCell, tree: ast.Module, found: Range) -> bool:
    """Whether a query is only shown, or nothing but names of tables is filled into it."""
    if _is_only_shown(cell, tree, found):
        return True
    marks = {
        target.id
        for node in nodes(tree)
        if isinstance(node, ast.Assign) and _is_marks(node.value)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    texts = [
        _filled(node, marks) for node in nodes(tree) if isinstance(node, ast.expr) and cell.locate(node).range == found
    ]
    return any(text and "\0" not in _NAMES.sub("", text) for text in texts)


def _is_marks(node: ast.expr) -> bool:
    """Whether an expression gives the marks of parameters, `?, ?, ?`: its texts hold nothing else, nor do its names."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "join"):
        return False
    match node.args:
        case [ast.BinOp(left=ast.Constant() | ast.List(), op=ast.Mult()) as one]:
            parts = (node.func.value, one.left)
        case [ast.GeneratorExp(elt=ast.Constant() as each) | ast.ListComp(elt=ast.Constant() as each)]:
            parts = (node.func.value, each)
        case _:
            return False
    texts = [each.value for part in parts for each in nodes(part) if isinstance(each, ast.Constant)]
    return bool(texts) and all(isinstance(text, str) and _MARKS.fullmatch(text) for text in texts)


def _filled(node: ast.expr, marks: Collection[str]) -> str:
    """Return the text of an f-string, `.format(…)` or `% …`, with a zero byte for what is filled in; else nothing.

    ``marks`` are names that stand for marks of parameters.
    """
    match node:
        case ast.JoinedStr(values=values):
            return "".join(str(each.value) if isinstance(each, ast.Constant) else _hole(each, marks) for each in values)
        case ast.Call(func=ast.Attribute(value=ast.Constant(value=str() as text), attr="format")):
            return _FIELD.sub("\0", text)
        case ast.BinOp(left=ast.Constant(value=str() as text), op=ast.Mod()):
            return _PERCENT.sub("\0", text)
        case _:
            return ""


def _hole(node: ast.expr, marks: Collection[str]) -> str:
    match node:
        case ast.FormattedValue(value=ast.Name(id=name)) if name in marks:
            return "?"
        case ast.FormattedValue(value=value) if _is_marks(value):
            return "?"
        case _:
            return "\0"


_ASKS: dict[str, Callable[[CodeCell, ast.Module, Range], bool]] = {"S113": _may_have_a_limit, "S608": _is_no_value}
