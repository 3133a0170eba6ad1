"""syntax-error: a code cell is not Python, or a statement of it is not where it may stand, so it cannot run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nb2prod.checks._compiling import surely_compiles
from nb2prod.diagnostics import Finding
from nb2prod.notebook.compiling import compile_problem, is_about_scopes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield each cell that no Python 3 parses or compiles; a cell tagged ``raises-exception`` is meant to fail."""
    for cell in analysis.notebook.code_cells:
        if "raises-exception" in cell.tags:
            continue
        problem = cell.problem
        if problem is not None and problem.kind == "error":
            start, end = problem.range.start, problem.range.end
            yield Finding(
                cell.location(start.line, start.column, end.line, end.column),
                f"this cell is not Python, so nothing in it is checked: {problem.message}",
            )
        elif cell.tree is not None and not surely_compiles(analysis, cell.tree, cell.python) and is_about_scopes(cell):
            found = compile_problem(cell)
            if found is not None:
                message, location = found
                yield Finding(location, f"Python refuses this statement: {message}")
