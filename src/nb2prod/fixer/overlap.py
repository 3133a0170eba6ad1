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
    match one, other:
        case Edit(), Edit():
            return one.location.cell == other.location.cell and _meet(one, other)
        case RemoveOutputs(), RemoveOutputs():
            return one.cell == other.cell
        case (AddLines(), _) | (_, AddLines()):
            return False
        case (RemoveCell(), RemoveCell() | RemoveOutputs()) | (RemoveOutputs(), RemoveCell()):
            return one.cell == other.cell
        case (RemoveCell(cell=cell), Edit(location=place)) | (Edit(location=place), RemoveCell(cell=cell)):
            return cell == place.cell
        case (Edit() | RemoveOutputs(), _) | (_, Edit() | RemoveOutputs()):
            return False
    return True  # both change which cells there are, or their order


def _meet(one: Edit, other: Edit) -> bool:
    """Whether the ranges of two edits of a cell overlap or adjoin: what they would give together is not known."""
    first, second = one.location.range, other.location.range
    return first.start <= second.end and second.start <= first.end
