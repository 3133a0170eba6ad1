"""everything-global: a long notebook without one function or class."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.diagnostics import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis

MOST_CELLS, MOST_LINES = 12, 60
# A notebook of fewer lines is no better if they bind so many names.
FEWEST_CELLS, MOST_NAMES = 10, 20
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield one finding, at the first cell of code, where nothing is a function or a class."""
    cells = [cell for cell in analysis.notebook.code_cells if cell.tree is not None and cell.tree.body]
    # A cell that could not be parsed may have one.
    if len(cells) < FEWEST_CELLS or any(cell.tree is None for cell in analysis.notebook.code_cells):
        return
    trees = [cell.tree for cell in cells if cell.tree is not None] if analysis.mentions("def", "class") else []
    if any(analysis.nodes_of(tree, kind) for tree in trees for kind in _FUNCTIONS):
        return
    lines = {
        (cell.index, number)
        for cell in cells
        for node in (cell.tree.body if cell.tree is not None else ())
        for number in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    count = sum(1 for cell in cells for number, line in enumerate(cell.lines, 1)
                if (cell.index, number) in lines and line.strip() and not line.lstrip().startswith("#"))  # fmt: skip
    names = {
        each.name for statement in analysis.statements() for each in statement.definitions if each.kind == "assign"
    }
    if (len(cells) < MOST_CELLS or count < MOST_LINES) and len(names) < MOST_NAMES:
        return
    message = (
        f"{count} lines in {len(cells)} cells without one function or class: every variable is global "
        f"({len(names)} of them), and nothing can "
        "be called, tested or used again by itself; make functions of the steps"
    )
    yield Finding(cells[0].location(), message)
