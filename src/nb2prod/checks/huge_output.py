"""huge-output: the saved outputs of a cell are too large to review or to keep in version control."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nb2prod.diagnostics import Applicability, Finding, Fix, RemoveOutputs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis

LANGUAGE_INDEPENDENT = True
LIMIT = 1_000_000
LIMIT_TOGETHER = 10_000_000


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield each cell whose outputs take more than ``LIMIT`` characters, or the largest where all are too much."""
    if len(analysis.notebook.text) < LIMIT:
        return
    sizes = [(sum(_size(output) for output in cell.outputs), cell) for cell in analysis.notebook.code_cells]
    large = [each for each in sizes if each[0] > LIMIT]
    for size, cell in large:
        message = f"{size / LIMIT:.1f} MB of saved output; print a summary, save figures as files, or clear it"
        fix = Fix("remove the saved outputs", (RemoveOutputs(cell.index),), Applicability.UNSAFE)
        yield Finding(cell.location(), message, fix=fix)
    together = sum(size for size, _ in sizes)
    if together > LIMIT_TOGETHER and not large:
        filled = [cell for size, cell in sizes if size]
        message = (
            f"{together / LIMIT:.1f} MB of saved output in {len(filled)} cells, this one's the largest; save "
            "figures as files, draw fewer points, or clear it"
        )
        fix = Fix("remove all saved outputs", tuple(RemoveOutputs(cell.index) for cell in filled), Applicability.UNSAFE)
        yield Finding(max(sizes, key=lambda each: each[0])[1].location(), message, fix=fix)


def _size(value: object) -> int:
    """Return how many characters of text ``value``, as JSON gives it, has in all."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict):
        return sum(map(_size, value.values()))
    return sum(map(_size, value)) if isinstance(value, list) else 0
