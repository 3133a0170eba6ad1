"""Which fixes can be made together: those whose changes do not touch the same place of the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nb2prod.diagnostics import AddLines, Edit, RemoveCell, RemoveOutputs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nb2prod.diagnostics import Change, Fix


def apart(fixes: Iterable[Fix]) -> list[Fix]:
    """Return the first of ``fixes`` and each further one that touches nothing those before it touch."""
    chosen: list[Fix] = []
    made: list[Change] = []
    for fix in fixes:
        if not any(_touch(one, other) for one in fix.changes for other in made):
            chosen.append(fix)
            made += fix.changes
    return chosen


def _touch(one: Change, other: Change) -> bool:
    kinds = (type(one), type(other))
    if AddLines in kinds:
        return False
    here, there = _cell(one), _cell(other)
    if here is None or there is None:
        # Which cells there are, or their order: what changes inside of one goes along with that.
        return Edit not in kinds and RemoveOutputs not in kinds
    if here != there:
        return False
    if isinstance(one, Edit) and isinstance(other, Edit):
        return _meet(one, other)
    return RemoveCell in kinds or kinds[0] is kinds[1]


def _cell(change: Change) -> int | None:
    """Return the number of the cell a change is about, if it is about one."""
    match change:
        case Edit(location=location):
            return location.cell
        case RemoveOutputs(cell=cell) | RemoveCell(cell=cell):
            return cell
    return None


def _meet(one: Edit, other: Edit) -> bool:
    """Whether the ranges of two edits of a cell overlap or adjoin: what they would give together is not known."""
    first, second = one.location.range, other.location.range
    return first.start <= second.end and second.start <= first.end
