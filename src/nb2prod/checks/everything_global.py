"""everything-global: a long notebook has no function: nothing in it can be called, tested or given another input."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.diagnostics import Finding
from nb2prod.notebook.tree import nodes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis

CELLS, LINES = 15, 100
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield one finding, at the first cell of code, where there is much code and no function."""
    cells = [cell for cell in analysis.notebook.code_cells if cell.tree is not None and cell.tree.body]
    lines = sum(_is_code(line) for cell in cells for line in cell.lines)
    if len(cells) < CELLS or lines < LINES:
        return
    # Where neither word stands no tree has to be walked.
    trees = [cell.tree for cell in cells if "def " in cell.source or "class " in cell.source]
    if any(isinstance(node, _FUNCTIONS) for tree in trees if tree is not None for node in nodes(tree)):
        return
    message = (
        f"{lines} lines of code in {len(cells)} cells and no function; what has an input and a result could be one"
    )
    yield Finding(cells[0].location(), message)


def _is_code(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")
