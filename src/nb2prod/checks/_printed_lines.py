"""How many lines a loop of a cell surely prints, against those that were saved with it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.notebook.tree import nodes
from nb2prod.saved_outputs import printed_text

if TYPE_CHECKING:
    from nb2prod.analysis import Analysis
    from nb2prod.dataflow.model import Statement
    from nb2prod.notebook.model import CodeCell

# More lines than this may have been cut off by whoever saved them.
_MOST = 500
_LEAVING = (ast.Break, ast.Continue, ast.Return, ast.Raise, ast.Try)


def too_few_lines(analysis: Analysis, cell: CodeCell, statements: list[Statement]) -> tuple[ast.AST, str] | None:
    """Return the loop that prints more lines than were saved, and what is wrong; None where there is none."""
    text = printed_text(cell) if "range(" in cell.source else None
    if text is None or cell.magics or "clear_output" in cell.source:
        return None
    saved = text.rstrip("\n").count("\n") + 1
    for statement in statements:
        rounds = _rounds(analysis, statement)
        if rounds is not None and saved < rounds <= _MOST:
            return statement.node, (
                f"this loop prints at least {rounds} lines, and {saved} are saved: the cell, or the number it reads, "
                "was edited after it ran"
            )
    return None


def _rounds(analysis: Analysis, statement: Statement) -> int | None:
    """Return how often a loop prints a line for sure; None where that is not known."""
    match statement.node:
        case ast.For(iter=ast.Call(func=ast.Name(id="range"), args=[limit], keywords=[]), body=body):
            if any(isinstance(each, _LEAVING) for part in body for each in nodes(part)):
                return None
            return _number(analysis, limit) if any(_prints_a_line(each) for each in body) else None
        case _:
            return None


def _prints_a_line(node: ast.stmt) -> bool:
    match node:
        case ast.Expr(value=ast.Call(func=ast.Name(id="print"), keywords=keywords)):
            return all(each.arg in ("sep", "flush") for each in keywords)
        case _:
            return False


def _number(analysis: Analysis, node: ast.expr) -> int | None:
    """Return a whole number that is written out, or that the one assignment of a name gives."""
    if isinstance(node, ast.Constant):
        return node.value if type(node.value) is int else None
    use = analysis.use_at(node) if isinstance(node, ast.Name) else None
    values = analysis.flow.reaching(use) if use is not None else ()
    match [analysis.statements()[each.statement].node for each in values]:
        case [ast.Assign(targets=[ast.Name()], value=ast.Constant(value=value))] if type(value) is int:
            return value
        case _:
            return None
