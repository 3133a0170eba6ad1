"""Estimators: making, fitting and asking them."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.learning.construction import is_of_spark
from nb2prod.learning.history import Stopped
from nb2prod.learning.knowledge import knowledge
from nb2prod.learning.rows import Rows
from nb2prod.learning.spark import evaluated, taught
from nb2prod.learning.validation import searched, splits
from nb2prod.learning.values import (
    Callback,
    Data,
    Estimator,
    Evaluation,
    Fit,
    Learned,
    Literal,
    Prediction,
    Score,
    Sequence,
    Statistic,
    Unknown,
    as_data,
    fresh,
)

if TYPE_CHECKING:
    from nb2prod.learning.calls import Arguments
    from nb2prod.learning.run import Run

_FITS = frozenset({"fit", "partial_fit", "fit_transform", "fit_predict", "fit_resample", "fit_sample", "fit_generator"})
_PREDICTS = frozenset({"predict", "predict_proba", "predict_classes", "predict_log_proba", "decision_function"})
_SCORES = frozenset({"score", "evaluate"})
_ACCURACY = frozenset({"acc", "accuracy", "binary_accuracy", "categorical_accuracy", "sparse_categorical_accuracy"})


def is_fit(method: str, given: Arguments) -> bool:
    """Whether a method of an object nobody knows fits it."""
    return method in _FITS and as_data(given.get(0, "X", "x")) is not None


def estimator_call(
    run: Run, node: ast.Call, estimator: Estimator, method: str, given: Arguments, owner: object
) -> object:
    """Return what a method of ``estimator`` returns, and record what it does."""
    if estimator.kind == "splitter":
        return splits(run, node, estimator, given) if method == "split" else Unknown()
    if estimator.kind == "evaluator":
        return evaluated(run, node, estimator, given) if method == "evaluate" else Unknown()
    x = as_data(given.get(0, "X", "x", "dataset"))
    if method in _FITS:
        return _fits(run, node, estimator, method, given, x, owner)
    if method == "compile" and isinstance(metrics := given.keywords.get("metrics"), Sequence):
        named = {each.value if isinstance(each, Literal) else None for each in metrics.items}
        estimator.metric = "accuracy" if named and named <= _ACCURACY else None
    if method == "get_support":
        return chosen_by(estimator, method)
    if x is None:
        return Unknown()
    if method == "transform" and estimator.kind == "model" and is_of_spark(estimator):
        return _asked(run, node, estimator, method, x)
    if method == "transform":
        return transformed(estimator, x)
    if method in _PREDICTS or method in _SCORES:
        return _asked(run, node, estimator, method, x)
    if method == "adapt":
        run.adapted.append(record_fit(run, node, estimator, x, None))
    if method == "inverse_transform":
        return fresh(x)._replace(learned=frozenset(), prediction=x.prediction)
    return Unknown()


def _fits(
    run: Run, node: ast.Call, estimator: Estimator, method: str, given: Arguments, x: Data | None, owner: object
) -> object:
    if x is None and estimator.own is not None:
        record_fit(run, node, estimator, *estimator.own)
        return owner
    if x is None:
        estimator.fit = None
        return owner if method == "fit" else Unknown()
    if method in {"fit_resample", "fit_sample"}:
        return _resampled(run, node, estimator, given, x)
    y = as_data(given.get(1, "y")) or x.label
    if is_of_spark(estimator):
        x, y = taught(run, estimator, x)
    fit = record_fit(run, node, estimator, x, y)
    if knowledge().has("searches.classes", estimator.qualified or ""):
        searched(run, fit)
    if method == "fit_transform":
        return transformed(estimator, x)
    if method == "fit_predict":
        return Data(x.rows, x.learned | {Learned(fit)})
    stops = _stops_early(estimator, given)
    for name in ("validation_data", "eval_set"):
        _validated(run, given.keywords.get(name), fit if stops else None)
    return owner


def chosen_by(estimator: Estimator, name: str) -> object:
    """Return which columns a fitted selector chooses."""
    if estimator.fit is None or estimator.kind != "learns":
        return Unknown()
    return Statistic(frozenset({estimator.fit}), name)


def _stops_early(estimator: Estimator, given: Arguments) -> bool:
    """Whether a fit ends, or keeps the state it had, when it is best on rows held out: as far as that is in view."""
    made = {each.arg: each.value for each in getattr(estimator.place.node, "keywords", ())}
    rounds = given.keywords.get("early_stopping_rounds", made.get("early_stopping_rounds"))
    if rounds is not None and getattr(rounds, "value", ...) is not None:
        return True
    best = given.keywords.get("use_best_model", made.get("use_best_model"))
    if (estimator.qualified or "").startswith("catboost.") and getattr(best, "value", True) is True:
        return True  # the default, wherever there is a set to evaluate on
    callbacks = given.keywords.get("callbacks")
    items = callbacks.items if isinstance(callbacks, Sequence) else [callbacks]
    return any(isinstance(each, Callback) for each in items)


def record_fit(run: Run, node: ast.Call, estimator: Estimator, x: Data, y: Data | None) -> Fit:
    """Record that ``estimator`` learned from ``x``."""
    func = node.func
    name = ast.unparse(func.value if isinstance(func, ast.Attribute) else func)
    if estimator.kind in {"model", "unknown"} and run.adapted:
        # Layers that have been adapted stand in the network.
        x = x._replace(learned=x.learned | {Learned(each) for each in run.adapted})
    fit = Fit(estimator, estimator.kind, x, y, run.place(node), name.partition("(")[0], tuple(run.loops))
    estimator.fit = fit
    run.history.fits.append(fit)
    return fit


def _validated(run: Run, value: object, stopped: Fit | None = None) -> None:
    """Take note that data which a fit is watched on is put to use; ``stopped``: that it puts an end to this fit."""
    if isinstance(value, Sequence):
        for each in value.items:
            _validated(run, each, stopped)
    data = as_data(value)
    if data is not None and isinstance(value, Data):
        run.history.passed.append(data)
        if stopped is not None:
            run.history.stopped.append(Stopped(stopped, data))


def transformed(estimator: Estimator, x: Data) -> Data:
    """Return ``x`` as ``estimator`` transforms it."""
    fit = estimator.fit
    if fit is None:
        return Data(x.rows, x.learned, estimator.inputs, None, x.traits)
    if not x.rows.within(fit.rows):
        fit.elsewhere = True
    columns = x.columns.only if x.columns is not None else None
    if fit.kind in {"row-wise", "unknown", "model"}:
        return Data(x.rows, x.learned, None, None, x.traits)
    # What went into the rows it learned from has come along.
    inherited = frozenset(Learned(each.fit, columns) for each in fit.x.learned)
    kept = x.columns if is_of_spark(estimator) else None
    return Data(x.rows, x.learned | inherited | {Learned(fit, columns)}, kept, None, x.traits)


def _resampled(run: Run, node: ast.Call, estimator: Estimator, given: Arguments, x: Data) -> object:
    copies = x.rows.copies
    if estimator.qualified is not None and knowledge().has("samplers.copying", estimator.qualified):
        copies = (*copies, run.place(node))
    rows = Rows([x.rows], copies=copies)
    y = as_data(given.get(1, "y"))
    target = Data(rows, columns=y.columns) if y is not None else Data(rows)
    return Sequence([x._replace(rows=rows), target])


def _asked(run: Run, node: ast.Call, estimator: Estimator, method: str, x: Data) -> object:
    """Record that a model met rows; return its prediction, or its score."""
    if estimator.fit is None:
        return Unknown()
    metric = None
    if method in _SCORES:
        metric = estimator.metric or ("accuracy" if _is_classifier(run, estimator) else "score")
    found = Evaluation(estimator.fit, x, metric, run.place(node), tuple(run.loops))
    run.history.evaluations.append(found)
    if metric is not None:
        return Score((found,))
    return Data(x.rows, prediction=Prediction(estimator.fit, x))


def _is_classifier(run: Run, estimator: Estimator) -> bool:
    inner = (estimator, *estimator.parts)
    return any("sklearn.base.ClassifierMixin" in run.libraries.ancestors(each.qualified or "") for each in inner)
