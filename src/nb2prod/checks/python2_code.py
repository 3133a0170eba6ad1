"""python2-code: a code cell is Python 2."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nb2prod.diagnostics import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield each cell that is valid Python 2 and not valid Python 3."""
    for cell in analysis.notebook.code_cells:
        problem = cell.problem
        if problem is not None and problem.kind == "python2":
            start, end = problem.range.start, problem.range.end
            yield Finding(
                cell.location(start.line, start.column, end.line, end.column),
                "this cell is Python 2, which no supported Python runs, so nothing in it is checked",
            )
