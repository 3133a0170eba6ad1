"""scored-on-training-rows: a metric is computed on rows that the model was fitted on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nb2prod.diagnostics import Finding, Related
from nb2prod.learning import history

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.learning.history import History
    from nb2prod.learning.values import Evaluation

_MODELS = frozenset({"model", "unknown"})


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield the metrics that say nothing of new data, one finding a cell."""
    cells: dict[int, list[Evaluation]] = {}
    past = history(analysis)
    for each in past.evaluations:
        if each.metric is not None and each.fit.kind in _MODELS and _is_only_training(past, each):
            cells.setdefault(each.place.cell.index, []).append(each)
    for found in cells.values():
        first = found[0]
        more = len({id(each.place.node) for each in found}) - 1
        message = (
            f"`{first.fit.name}` is scored on rows it was fitted on, which says how well it remembers and not how well "
            "it does on new data; score it on rows held out, or cross-validate"
        )
        message += f" (also {more} more in this cell)" if more else ""
        yield Finding(first.place.location, message, (Related(first.fit.place.location, "it is fitted here"),))


def _is_only_training(past: History, each: Evaluation) -> bool:
    """Whether the rows are among those of the fit, and the model's score on others is not asked for as well."""
    if each.fit.model is None or each.fit.model.searches or not each.x.rows.within(each.fit.rows):
        return False
    if _is_test_part(each):
        return True
    if past.cross_validations:
        return False
    others = (other for other in past.evaluations if other.fit.model is each.fit.model)
    return all(other.x.rows.within(other.fit.rows) for other in others) and not past.passed


def _is_test_part(each: Evaluation) -> bool:
    """Whether the rows were set apart for testing, and the model was fitted on all."""
    return any(
        row.piece == ("test",) and row.split is not None and not row.split.folds
        for row in each.x.rows.chain()
        if row is not each.fit.rows and row.within(each.fit.rows)
    )
