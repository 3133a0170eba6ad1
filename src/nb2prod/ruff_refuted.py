"""What ruff finds and the code around it refutes."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.notebook.model import CodeCell
from nb2prod.notebook.tree import nodes

if TYPE_CHECKING:
    from collections.abc import Callable

    from nb2prod.notebook.location import Location, Range
    from nb2prod.notebook.model import Notebook

# Calls that show a text to somebody or raise it: no database sees it.
_SHOWS = frozenset(
    {"print", "display", "Markdown", "HTML", "info", "warning", "error", "debug", "exception", "title", "set_title"}
)


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


_ASKS: dict[str, Callable[[CodeCell, ast.Module, Range], bool]] = {"S113": _may_have_a_limit, "S608": _is_only_shown}
