"""disordered-counts: cells were last run in another order than they are written, without a visible effect."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from nb2prod.checks import out_of_order_execution
from nb2prod.diagnostics import Finding, Related

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield the first cell that ran before the cell above it, unless a variable tells the same story."""
    if analysis.recorded is None or next(out_of_order_execution.check(analysis), None) is not None:
        return
    ran = [(cell.execution_count, cell) for cell in analysis.notebook.code_cells if cell.execution_count is not None]
    for (above, upper), (below, lower) in pairwise(ran):
        if below < above:
            yield Finding(
                lower.location(),
                f"this cell ran as number {below}, before cell {upper.index} above it (number {above});"
                " restart the kernel and run all cells before saving",
                (Related(upper.location(), f"ran later, as number {above}"),),
            )
            return
