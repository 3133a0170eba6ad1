"""rerun-changes-result: a cell that fails or gives something else when it is run twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nb2prod.checks._second_run import second_run
from nb2prod.diagnostics import Finding, Related
from nb2prod.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.dataflow.model import Definition, Statement, Use

_SHOWN = 3


class _Change(NamedTuple):
    """A statement, its read of the name it changes, and what running it again does."""

    statement: Statement
    use: Use
    reason: str


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield, for each variable, the first cell that changes what another cell made, naming the others."""
    found: dict[str, list[_Change]] = {}
    cells: set[int] = set()
    for statement in analysis.statements():
        if statement.cell.index in cells or statement.magic is not None:
            continue
        for definition in statement.definitions:
            use = _from_elsewhere(analysis, statement, definition)
            reason = None if use is None else second_run(analysis, statement, definition)
            if use is not None and reason is not None:
                cells.add(statement.cell.index)
                found.setdefault(use.name, []).append(_Change(statement, use, reason))
                break
    for changes in found.values():
        yield _finding(analysis, changes)


def _from_elsewhere(analysis: Analysis, statement: Statement, definition: Definition) -> Use | None:
    """Return the read of the name that ``definition`` changes, if its value is another cell's alone."""
    for use in statement.uses:
        if use.name == definition.name and not use.deferred and use.exposed:
            made = [each for each in analysis.flow.reaching(use) if each.kind != "mutate" and each is not definition]
            if made and all(each.cell is not statement.cell for each in made):
                return use
    return None


def _finding(analysis: Analysis, changes: list[_Change]) -> Finding:
    statement, use = changes[0].statement, changes[0].use
    made = next(
        each
        for each in reversed(analysis.flow.reaching(use))
        if each.kind != "mutate" and each.cell is not statement.cell
    )
    count = statement.cell.execution_count
    message = f"running this cell again {changes[0].reason}: `{use.name}` comes from cell {made.cell.index}"
    if count is not None and analysis.recorded is not None and _gap_before(analysis, count):
        message += f"; number {count - 1} is nobody's, so it may have run more than once"
    if more := [str(each.statement.cell.index) for each in changes[1:]]:
        shown = ", ".join(more[:_SHOWN]) + (f" and {len(more) - _SHOWN} more" if len(more) > _SHOWN else "")
        message += f"; the same holds for cell{'s' if len(more) > 1 else ''} {shown}"
    again = tuple(Related(each.statement.location, "and here") for each in changes[1:])
    return Finding(statement.location, message, (Related(made.location, f"`{use.name}` is made here"), *again))


def _gap_before(analysis: Analysis, count: int) -> bool:
    return count > 1 and all(cell.execution_count != count - 1 for cell in analysis.notebook.code_cells)
