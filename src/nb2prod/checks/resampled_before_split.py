"""resampled-before-split: rows are duplicated or made up before the data is split."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nb2prod.diagnostics import Finding, Related
from nb2prod.learning import history
from nb2prod.learning.rows import disjoint, set_apart

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.learning.history import History
    from nb2prod.learning.rows import Place


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield what copies rows that are split afterwards, once for a cell and a split."""
    seen: set[tuple[int, int]] = set()
    for copying, split in _copies(history(analysis)):
        key = (copying.cell.index, id(split.node))
        if key not in seen:
            seen.add(key)
            message = (
                f"rows are copied or made from others before the split (cell {split.cell.index}), so the test rows "
                "have twins among the training rows; split first and resample the training rows only"
            )
            yield Finding(copying.location, message, (Related(split.location, "the rows are split here"),))


def _copies(past: History) -> Iterator[tuple[Place, Place]]:
    """Yield what copies rows, and the later split."""
    for each in past.evaluations:
        split = disjoint(each.x.rows, each.fit.rows)
        if split is not None:
            for rows in each.x.rows.chain():
                if rows.split is split:
                    yield from ((copying, set_apart(rows, split)) for copying in rows.copies)
    for made in past.splits:
        yield from ((copying, made.place) for data in made.inputs for copying in data.rows.copies)
    for call in past.cross_validations:
        if call.x.rows.training() is None:
            yield from ((copying, call.place) for copying in call.x.rows.copies)
