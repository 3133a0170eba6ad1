"""unsupported-syntax: a code cell is newer or deeper than the Python that runs the check."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from nb2prod.diagnostics import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield each cell that this interpreter cannot parse although it may be valid."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    for cell in analysis.notebook.code_cells:
        problem = cell.problem
        if problem is not None and problem.kind == "unsupported":
            start, end = problem.range.start, problem.range.end
            yield Finding(
                cell.location(start.line, start.column, end.line, end.column),
                f"Python {version}, which runs this check, cannot parse this cell, so nothing in it is checked:"
                f" {problem.message}",
            )
