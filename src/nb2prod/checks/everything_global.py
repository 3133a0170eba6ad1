"""everything-global: a long notebook without one function or class."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.diagnostics import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from nb2prod.analysis import Analysis
    from nb2prod.dataflow.model import Statement
    from nb2prod.notebook.model import CodeCell

MOST_CELLS, MOST_LINES = 12, 60
# A notebook of fewer lines is no better if they bind so many names.
FEWEST_CELLS, MOST_NAMES = 10, 20
# Nor a short one that computes in loops: each of them is a function that has no name.
LOOPING_CELLS, MOST_LOOPING = 3, 15
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_LOOPS = (ast.For, ast.AsyncFor, ast.While)


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield one finding, at the first cell of code, where nothing is a function or a class."""
    cells = [cell for cell in analysis.notebook.code_cells if cell.tree is not None and cell.tree.body]
    # A cell that could not be parsed may have one.
    if len(cells) <= LOOPING_CELLS or any(cell.tree is None for cell in analysis.notebook.code_cells):
        return
    trees = [cell.tree for cell in cells if cell.tree is not None] if analysis.mentions("def", "class") else []
    if any(analysis.nodes_of(tree, kind) for tree in trees for kind in _FUNCTIONS):
        return
    few = len(cells) < FEWEST_CELLS
    names: set[str] = set() if few else _variables(analysis)
    count = 0 if few else _lines((cell, node) for cell in cells if cell.tree is not None for node in cell.tree.body)
    if len(names) >= MOST_NAMES or (len(cells) >= MOST_CELLS and count >= MOST_LINES):
        size = f"{count} lines in {len(cells)} cells"
    else:
        loops = _computing_loops(analysis, cells)
        lines = _lines((each.cell, each.node) for each in loops)
        looping = len({each.cell.index for each in loops})
        if looping < LOOPING_CELLS or lines < MOST_LOOPING:
            return
        size = f"{lines} lines of loops in {looping} cells"
    message = (
        f"{size} without one function or class: every variable is global "
        f"({len(names or _variables(analysis))} of them), and nothing can "
        "be called, tested or used again by itself; make functions of the steps"
    )
    yield Finding(cells[0].location(), message)


def _variables(analysis: Analysis) -> set[str]:
    return {each.name for statement in analysis.statements() for each in statement.definitions if each.kind == "assign"}


def _computing_loops(analysis: Analysis, cells: Sequence[CodeCell]) -> list[Statement]:
    """Return the loops of cells that compute what is read below them: those that only print or draw are none."""
    looping = [
        cell.index
        for cell in cells
        if cell.tree is not None and any(isinstance(node, _LOOPS) for node in cell.tree.body)
    ]
    return [
        statement
        for statement in (analysis.statements() if len(looping) >= LOOPING_CELLS else ())
        if isinstance(statement.node, _LOOPS)
        and any(
            use.statement != statement.index
            for each in statement.definitions
            if each.kind in ("assign", "augment", "mutate")
            for use in analysis.flow.uses(each)
        )
    ]


def _lines(statements: Iterable[tuple[CodeCell, ast.stmt]]) -> int:
    """Return how many lines statements have, empty ones and comments left out."""
    lines = {
        (cell.index, number)
        for cell, node in statements
        for number, line in enumerate(cell.lines[node.lineno - 1 : node.end_lineno or node.lineno], node.lineno)
        if line.strip() and not line.lstrip().startswith("#")
    }
    return len(lines)
