"""out-of-order-execution: a saved result used a value that a run from top to bottom would not give it."""

from __future__ import annotations

import ast
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from nb2prod.analysis import analyse_notebook
from nb2prod.changes import calls_on, surely_changes
from nb2prod.checks._draws import draws_of
from nb2prod.checks._recorded_order import recorded_order, reordered
from nb2prod.diagnostics import Applicability, Finding, Fix, Related, ReorderCells, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.dataflow.flow import Flow
    from nb2prod.dataflow.model import Definition, Use
    from nb2prod.notebook.model import CodeCell

# Running these again gives the same thing, unless the text was edited, which nobody can see.
_STABLE = frozenset({"import", "function", "class"})


class _Displaced(NamedTuple):
    """A use whose value came from ``recorded`` in the saved run, or from before ``rerun`` ran."""

    use: Use
    recorded: Definition | None
    rerun: Definition | None
    written: Definition | None

    @property
    def cause(self) -> tuple[bool, int]:
        """What one finding is about: the cell that ran too early or too late."""
        definition = self.recorded or self.rerun
        return self.recorded is not None, definition.cell.index if definition else 0


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield one finding for each cell that ran too early or too late for the cells that use it."""
    causes: dict[tuple[bool, int], list[_Displaced]] = {}
    for displaced in _displaced(analysis):
        causes.setdefault(displaced.cause, []).append(displaced)
    fix = _reordering(analysis) if causes else None
    for found in causes.values():
        yield _finding(found, fix)
    if not causes and analysis.recorded is not None:
        yield from _harmless(analysis)


def _reordering(analysis: Analysis) -> Fix | None:
    """Return the fix that puts the cells in the order they ran in; None unless that is known to repair the notebook.

    It is where every value then comes from where it came from in the saved run, and every name that is
    bound from top to bottom still is.
    """
    order = recorded_order(analysis.notebook)
    if order is None:
        return None
    again = analyse_notebook(
        reordered(analysis.notebook, order),
        project=analysis.project,
        settings=analysis.settings,
        libraries=analysis.libraries,
    )
    missing = {unbound.name for unbound in analysis.unbound()}
    if any(_displaced(again)) or any(unbound.name not in missing for unbound in again.unbound()):
        return None
    return Fix("put the cells in the order they ran in", (ReorderCells(order),), Applicability.UNSAFE)


def _harmless(analysis: Analysis) -> Iterator[Finding]:
    """Yield the first cell that last ran before the cell above it, where no variable tells of it: a note."""
    ran = [(cell.execution_count, cell) for cell in analysis.notebook.code_cells if cell.execution_count is not None]
    for (above, upper), (below, lower) in pairwise(ran):
        if below < above:
            message = f"this cell ran as number {below}, before cell {upper.index} above it (number {above})"
            yield Finding(
                lower.location(),
                f"{message}, with no effect that shows; restart the kernel and run all cells before saving",
                (Related(upper.location(), f"ran later, as number {above}"),),
                severity=Severity.NOTE,
            )
            return


def _displaced(analysis: Analysis) -> Iterator[_Displaced]:
    recorded = analysis.recorded
    if recorded is None or recorded is analysis.flow:
        return
    for statement in analysis.statements():
        for use in statement.uses if statement.cell.execution_count is not None else ():
            # A word in a string may be a column.
            if isinstance(use.node, ast.Name) and recorded.reaching(use) != analysis.flow.reaching(use):
                count = _count(analysis, recorded, use)
                found = None if count is None else _compare(analysis, recorded, use, count)
                if found is not None:
                    yield found


def _count(analysis: Analysis, recorded: Flow, use: Use) -> int | None:
    """Return the number of the run that read ``use``; None where nobody can tell.

    A function reads when it is called, not where it is only passed on; a method runs who knows when.
    """
    if not use.deferred:
        return use.cell.execution_count
    statement = analysis.statements()[use.statement]
    if use.owner is None or isinstance(statement.node, ast.ClassDef):
        return None
    own = [each for each in statement.definitions if each.name == use.owner]
    callers = [caller for each in own for caller in recorded.uses(each) if not caller.deferred]
    return min((caller.cell.execution_count or 0 for caller in callers), default=None)


def _compare(analysis: Analysis, recorded: Flow, use: Use, count: int) -> _Displaced | None:
    now, then = _values(analysis, analysis.flow, use), _values(analysis, recorded, use)
    usual = next((each for each in reversed(now) if each.kind != "mutate"), None)
    gone = [each for each in then if not any(_same(analysis, each, other) for other in now)]
    new = [each for each in now if not any(_same(analysis, each, other) for other in then)]
    for definition in gone:
        if definition.cell.index > use.cell.index:
            return _Displaced(use, definition, None, usual)
    if later := [each for each in new if (each.cell.execution_count or 0) > count]:
        for definition in later:
            if definition.kind not in _STABLE and not _ran_alike(analysis, recorded, definition.cell, count):
                return _Displaced(use, None, definition, definition)
        return None
    if usual is not None and usual.cell.execution_count is not None:
        for definition in gone:
            if definition.kind not in _STABLE:
                return _Displaced(use, definition, None, usual)
    return None


def _ran_alike(
    analysis: Analysis, recorded: Flow, cell: CodeCell, count: int, seen: frozenset[int] = frozenset()
) -> bool:
    """Whether ``cell`` may have run before number ``count`` too, with the same result as in its last run.

    It may if some number below is nobody's last run, and it gives the same if it draws no random
    numbers, changes nothing it reads (``df = df.dropna()``), and reads what was the same then.
    """
    counts = {each.execution_count for each in analysis.notebook.code_cells}
    if all(number in counts for number in range(1, count)):
        return False
    drawn = (call for calls in draws_of(analysis).unseeded.values() for call in calls)
    asked = (*drawn, *analysis.calls({"clock", "input"}))
    if any(call.cell is cell and not call.deferred for call in asked):
        return False
    for statement in analysis.statements():
        for use in statement.uses if statement.cell is cell else ():
            changed = {each.name for each in statement.definitions if _changes(analysis, each)}
            for read in recorded.reaching(use) if use.exposed else ():
                if read.cell is cell or read.kind in _STABLE:
                    continue
                newer = (read.cell.execution_count or 0) > count
                if use.name in changed or (
                    newer
                    and read.cell.index not in seen
                    and not _ran_alike(analysis, recorded, read.cell, count, seen | {cell.index})
                ):
                    return False
    return True


def _changes(analysis: Analysis, definition: Definition) -> bool:
    """Whether doing it twice differs from doing it once; ``df["x"] = 1`` does not."""
    if definition.kind == "mutate":
        return definition.through is not None or bool(calls_on(analysis, definition))
    return True


def _values(analysis: Analysis, flow: Flow, use: Use) -> list[Definition]:
    """Return what reaches ``use`` in ``flow`` without changes to modules and changes that are only possible."""
    found = flow.reaching(use)
    if any(each.kind == "import" for each in found):
        return [each for each in found if each.kind != "mutate"]
    return [each for each in found if each.kind != "mutate" or surely_changes(analysis, each)]


def _same(analysis: Analysis, one: Definition, other: Definition) -> bool:
    """Whether two definitions are the same text, or import the same thing."""
    if one.kind == other.kind == "import":
        return one.qualified == other.qualified
    if one is other:
        return True
    statements = analysis.statements()
    return ast.dump(statements[one.statement].node) == ast.dump(statements[other.statement].node)


def _finding(found: list[_Displaced], fix: Fix | None) -> Finding:
    first = found[0]
    use, source = first.use, first.recorded or first.rerun
    assert source is not None  # noqa: S101 one of the two is the cause
    ran, count = source.cell.execution_count, use.cell.execution_count
    reader = f"`{use.name}`, which `{use.owner}` reads," if use.owner else f"`{use.name}`"
    if first.rerun is not None:
        message = f"{reader} is set in cell {source.cell.index}, which last ran after this result was made"
        counts = f" (number {ran}, this cell {count})"
    else:
        message = f"{reader} came from cell {source.cell.index} in the saved run"
        counts = f" (number {ran}, before this cell's {count})"
        if first.written is None:
            counts += "; from top to bottom nothing has set it here"
        else:
            counts += f"; from top to bottom it comes from cell {first.written.cell.index}"
    # The count of the cell that defines a function says nothing about when the function was called.
    message += counts.partition(")")[2] if use.owner else counts
    names = sorted({each.use.name for each in found} - {use.name})
    cells = {each.use.cell.index for each in found} - {use.cell.index}
    if names:
        message += f"; the same holds for {_listed(names)}"
    if cells:
        message += f"; {len(cells)} more cell{'s' if len(cells) > 1 else ''} affected"
    return Finding(use.location, message, (Related(source.location, f"`{use.name}` is set here"),), fix)


def _listed(names: list[str]) -> str:
    shown = ", ".join(f"`{name}`" for name in names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"  # noqa: PLR2004 as many as are read
