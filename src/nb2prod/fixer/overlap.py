"""Which fixes can be made together: those whose changes do not touch the same place of the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nb2prod.diagnostics import Edit, RemoveOutputs
from nb2prod.notebook.location import offsets

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nb2prod.diagnostics import Change, Fix
    from nb2prod.notebook.model import Notebook


def apart(notebook: Notebook, fixes: Iterable[Fix]) -> list[Fix]:
    """Return the first of ``fixes`` and each further one that touches nothing those before it touch."""
    chosen: list[Fix] = []
    made: list[Change] = []
    for fix in fixes:
        if not any(_touch(notebook, one, other) for one in fix.changes for other in made):
            chosen.append(fix)
            made += fix.changes
    return chosen


def _touch(notebook: Notebook, one: Change, other: Change) -> bool:
    match one, other:
        case Edit(), Edit():
            return one.location.cell == other.location.cell and _meet(notebook, one, other)
        case RemoveOutputs(), RemoveOutputs():
            return one.cell == other.cell
        case (Edit() | RemoveOutputs(), _) | (_, Edit() | RemoveOutputs()):
            return False
    return True  # both change which cells there are, or their order


def _meet(notebook: Notebook, one: Edit, other: Edit) -> bool:
    """Whether the ranges of two edits of a cell overlap or adjoin: what they would give together is not known."""
    source = notebook.cells[(one.location.cell or 1) - 1].source
    first, second = offsets(source, one.location.range), offsets(source, other.location.range)
    return first[0] <= second[1] and second[0] <= first[1]
