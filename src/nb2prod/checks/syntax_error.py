"""syntax-error: a code cell is not Python, so it cannot run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nb2prod.diagnostics import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield each cell that no Python 3 parses; a cell tagged ``raises-exception`` is meant to fail."""
    for cell in analysis.notebook.code_cells:
        problem = cell.problem
        if problem is not None and problem.kind == "error" and "raises-exception" not in cell.tags:
            start, end = problem.range.start, problem.range.end
            yield Finding(
                cell.location(start.line, start.column, end.line, end.column),
                f"this cell is not Python, so nothing in it is checked: {problem.message}",
            )
