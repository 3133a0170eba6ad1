"""How lines are taken out of a cell, and the cell where nothing else is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nb2prod.diagnostics import RemoveCell, RemoveOutputs
from nb2prod.edits import without_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from nb2prod.diagnostics import Edit
    from nb2prod.notebook.location import Range
    from nb2prod.notebook.model import CodeCell


def taken_out(cell: CodeCell, ranges: Iterable[Range]) -> Iterator[Edit | RemoveCell | RemoveOutputs]:
    """Yield what takes the lines of ``ranges`` out of a cell: the cell, where nothing else is in it."""
    gone = {number for each in ranges for number in range(each.start.line, each.end.line + 1)}
    left = [line for number, line in enumerate(cell.lines, 1) if number not in gone and line.strip()]
    if not left:
        yield RemoveCell(cell.index)
        return
    yield from without_lines(cell, gone)
    if cell.outputs and all(line.lstrip().startswith("#") for line in left):
        yield RemoveOutputs(cell.index)
