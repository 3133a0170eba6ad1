"""fit-before-split: preprocessing has learned from the rows that the model is tested on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nb2prod.diagnostics import Finding, Related
from nb2prod.learning import history
from nb2prod.learning.rows import disjoint, set_apart

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.learning.history import History
    from nb2prod.learning.rows import Place, Rows
    from nb2prod.learning.values import Fit

_MODELS = frozenset({"model", "unknown"})


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield the fits that saw the rows a model is tested on, one finding a cell."""
    cells: dict[int, list[tuple[Fit, Place]]] = {}
    seen: set[int] = set()
    for fit, test in _leaks(history(analysis)):
        if id(fit.place.node) not in seen:
            seen.add(id(fit.place.node))
            cells.setdefault(fit.place.cell.index, []).append((fit, test))
    for found in cells.values():
        (fit, test), *more = sorted(found, key=lambda each: each[0].place.location.range)
        what = f"`{fit.name}` is fitted on" if fit.model is not None else f"`{fit.name}` is taken from"
        message = (
            f"{what} rows that the model is later tested on (cell {test.cell.index}), so the test is not of unseen "
            "data; split first and fit on the training rows only, best in a `Pipeline`"
        )
        message += f" (also {len(more)} more in this cell)" if more else ""
        yield Finding(fit.place.location, message, (Related(test.location, "the rows are split here"),))


def _leaks(past: History) -> Iterator[tuple[Fit, Place]]:
    """Yield fits of preprocessing that saw test rows, and where these are set apart."""
    for each in past.evaluations:
        split = disjoint(each.x.rows, each.fit.rows)
        # Rows that are only predicted need not be a test, unless a split by call says so.
        tested = split is not None and (each.metric is not None or split in past.splits)
        if split is not None and tested and each.fit.kind in _MODELS and not _is_validation(each.x.rows):
            for fit in (*each.x.fits("learns"), *each.fit.x.fits("learns")):
                if _saw(fit, each.x.rows) and _saw(fit, each.fit.rows):
                    yield fit, set_apart(each.x.rows, split)
    for model in past.fits:
        split = model.rows.training()
        if split is None or any(_is_validation(each.rows) for each in split.inputs):
            continue
        if model.kind in _MODELS and past.is_evaluated(split):
            for fit in model.x.fits("learns"):
                if any(_saw(fit, each.rows) for each in split.inputs):
                    yield fit, split.place
    for call in past.cross_validations:
        if call.x.rows.training() is None:
            for fit in call.x.fits("learns"):
                # A figure to fill gaps with, or a scaler for a test file apart, is part of preparing training data.
                if fit.model is not None and not fit.elsewhere and _saw(fit, call.x.rows):
                    yield fit, call.place


def _is_validation(rows: Rows) -> bool:
    """Whether rows are of the training part of a split: there is a test of its own."""
    return rows.training() is not None


def _saw(fit: Fit, rows: Rows) -> bool:
    return rows.within(fit.rows)
