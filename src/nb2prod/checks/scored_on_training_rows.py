"""scored-on-training-rows: a metric is computed on rows that the model was fitted on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nb2prod.diagnostics import Finding, Related
from nb2prod.learning import history
from nb2prod.learning.knowledge import knowledge
from nb2prod.learning.rows import disjoint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.learning.history import History
    from nb2prod.learning.values import Estimator, Evaluation

_MODELS = frozenset({"model", "unknown"})
# What a search knows of rows it held out.
_FIGURES_OF_SEARCHES = ("best_score_", "cv_results_", "oob_score_")


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield the first metric of each fit whose metrics say nothing of new data."""
    fits: dict[int, list[Evaluation]] = {}
    past = history(analysis)
    for each in past.evaluations:
        if each.metric is not None and each.fit.kind in _MODELS and _is_only_training(analysis, past, each):
            fits.setdefault(id(each.fit), []).append(each)
    for found in fits.values():
        first = found[0]
        more = len({id(each.place.node) for each in found}) - 1
        message = (
            f"`{first.fit.name}` is scored on rows it was fitted on, which says how well it remembers and not how well "
            "it does on new data; score it on rows held out, or cross-validate"
        )
        message += f" (also {more} more of its scores)" if more else ""
        yield Finding(first.place.location, message, (Related(first.fit.place.location, "it is fitted here"),))


def _is_only_training(analysis: Analysis, past: History, each: Evaluation) -> bool:
    """Whether the rows are among those of the fit, and the model's score on others is not asked for as well."""
    model = each.fit.model
    if model is None or not each.x.rows.within(each.fit.rows) or _is_known_otherwise(analysis, model):
        return False
    if _is_test_part(each):
        return True
    if model.qualified in _cross_validated(past):
        return False
    others = (other for other in past.evaluations if other.fit.model is model and not _is_only_asked(past, other))
    return all(other.x.rows.within(other.fit.rows) for other in others) and model not in past.lent


def _is_known_otherwise(analysis: Analysis, model: Estimator) -> bool:
    """Whether a model's fit itself says how good it is on rows held out, and the notebook may look at that."""
    if not model.searches:
        return False
    return not knowledge().has("searches.classes", model.qualified or "") or analysis.mentions(*_FIGURES_OF_SEARCHES)


def _is_only_asked(past: History, each: Evaluation) -> bool:
    """Whether a model was asked about rows whose target nobody holds: data of its own, to predict and write down."""
    if each.metric is not None or any(row.piece == ("test",) for row in each.x.rows.chain()):
        return False
    split = disjoint(each.x.rows, each.fit.rows)
    target = each.fit.y
    if split is not None and (target is None or any(row.split is split for row in target.rows.chain())):
        return False
    name = target.columns.one() if target is not None and target.columns is not None else None
    if each.x.columns is not None and name in each.x.columns.table.known:
        return False
    return not any(data.prediction is not None and data.prediction.x.rows is each.x.rows for data in past.passed)


def _cross_validated(past: History) -> set[str | None]:
    """Return the classes whose models are scored by cross-validation, alone or by a search."""
    called = {call.model.qualified if call.model is not None else None for call in past.cross_validations}
    searched = (fit.model for fit in past.fits if fit.model is not None and fit.model.searches)
    return called | {part.qualified for model in searched for part in model.parts}


def _is_test_part(each: Evaluation) -> bool:
    """Whether the rows were set apart for testing, and the model was fitted on all."""
    return any(
        row.piece == ("test",) and row.split is not None and not row.split.folds
        for row in each.x.rows.chain()
        if row is not each.fit.rows and row.within(each.fit.rows)
    )
