"""The order in which a notebook's cells ran, as an order its cells could stand in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nb2prod.notebook.model import CodeCell, MarkdownCell
from nb2prod.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nb2prod.notebook.model import Cell, Notebook


class _Block(NamedTuple):
    """A code cell that ran and what stands above it, up to the code cell before that: it is introduced there."""

    number: int
    cells: tuple[Cell, ...]


def recorded_order(notebook: Notebook) -> tuple[int, ...] | None:
    """Return the numbers of all cells in the order their code ran in.

    None where that is not the whole story: a cell that would have to move, or one it would pass, may
    have run more than once, ended in an error, or has code that never ran.
    """
    title, blocks, rest = _parts(notebook)
    ordered = sorted(blocks, key=lambda block: block.number)
    displaced = [place for place, (one, other) in enumerate(zip(blocks, ordered, strict=True)) if one is not other]
    if not displaced:
        return None
    involved = ordered[displaced[0] : displaced[-1] + 1]
    counts = {block.number for block in blocks}
    # A number that no cell has was a run of a cell that ran again, or is gone.
    if not counts.issuperset(range(1, involved[-1].number + 1)) or any(map(_is_unclear, involved)):
        return None
    return tuple(cell.index for part in (title, *(block.cells for block in ordered), rest) for cell in part)


def reordered(notebook: Notebook, order: Sequence[int]) -> Notebook:
    """Return the notebook with its cells in ``order``."""
    cells = (notebook.cells[number - 1]._replace(index=place) for place, number in enumerate(order, 1))
    return notebook._replace(cells=tuple(cells))


def _parts(notebook: Notebook) -> tuple[Sequence[Cell], list[_Block], Sequence[Cell]]:
    """Return the notebook's title, its blocks, and what stands below the last cell that ran."""
    cells = notebook.cells
    first = cells[0] if cells else None
    title = cells[:1] if isinstance(first, MarkdownCell) and first.source.startswith("# ") else ()
    blocks: list[_Block] = []
    above: list[Cell] = []
    for cell in cells[len(title) :]:
        above.append(cell)
        if isinstance(cell, CodeCell) and cell.execution_count is not None:
            blocks.append(_Block(cell.execution_count, tuple(above)))
            above = []
    return title, blocks, above


def _is_unclear(block: _Block) -> bool:
    *above, ran = block.cells
    failed = isinstance(ran, CodeCell) and any(output.get("output_type") == "error" for output in ran.outputs)
    return failed or any(isinstance(cell, CodeCell) and cell.source.strip() for cell in above)
