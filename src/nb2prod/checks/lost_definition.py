"""lost-definition: a result was computed with a variable that no cell of the notebook defines any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nb2prod.dataflow.paths import surely_runs
from nb2prod.diagnostics import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.dataflow.model import Use
    from nb2prod.dataflow.unbound import Unbound
    from nb2prod.notebook.model import CodeCell

_SHOWN = 3


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield each variable that a successful cell read, that nothing defines, and that a vanished run can have made."""
    for unbound in analysis.unbound():
        use = lost_use(analysis, unbound)
        if use is not None:
            count = use.cell.execution_count or 0
            others = sum(1 for other in (unbound.use, *unbound.others) if other is not use)
            message = (
                f"`{use.name}` had a value when this cell ran (number {count}), but no cell defines it:"
                f" it came from code that was deleted or edited since ({_missing(analysis, count)})"
            )
            yield Finding(use.location, message + (f"; {others} more use{'s' if others > 1 else ''}" if others else ""))


def lost_use(analysis: Analysis, unbound: Unbound) -> Use | None:
    """Return the first read that proves that the variable existed in the saved run; None where none does.

    The cell ran to its end and left an output, reads the name whenever it runs, and some number below its own is
    nobody's. Counts that appear twice come from two sessions and prove nothing.
    """
    if unbound.cause != "nowhere" or analysis.recorded is None:
        return None
    statements = analysis.statements()
    for use in (unbound.use, *unbound.others):
        if (
            not use.deferred
            and _succeeded(use.cell)
            and surely_runs(statements[use.statement].node, use.node)
            and _gaps(analysis, use.cell.execution_count or 0)
        ):
            return use
    return None


def _succeeded(cell: CodeCell) -> bool:
    """Whether the saved run of a cell came to its end: it left an output, and no error among its outputs.

    A cell without outputs may have failed before its outputs were cleared.
    """
    return (
        cell.execution_count is not None
        and bool(cell.outputs)
        and all(output.get("output_type") != "error" for output in cell.outputs)
    )


def _gaps(analysis: Analysis, count: int) -> list[int]:
    """Return the numbers below ``count`` that no cell of the notebook has."""
    taken = {cell.execution_count for cell in analysis.notebook.code_cells}
    return [number for number in range(1, count) if number not in taken]


def _missing(analysis: Analysis, count: int) -> str:
    gaps = _gaps(analysis, count)
    if len(gaps) == 1:
        return f"number {gaps[0]} is missing"
    shown = ", ".join(map(str, gaps[-_SHOWN:]))
    more = f" and {len(gaps) - _SHOWN} earlier ones" if len(gaps) > _SHOWN else ""
    return f"numbers {shown}{more} are missing"
