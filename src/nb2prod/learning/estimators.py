"""Estimators: making, fitting and asking them."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.learning.assignment import literal_names
from nb2prod.learning.history import Stopped
from nb2prod.learning.knowledge import knowledge
from nb2prod.learning.rows import Rows
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
    as_estimator,
    fresh,
)

if TYPE_CHECKING:
    from nb2prod.learning.calls import Arguments
    from nb2prod.learning.run import Run

_FITS = frozenset({"fit", "partial_fit", "fit_transform", "fit_predict", "fit_resample", "fit_sample", "fit_generator"})
_PREDICTS = frozenset({"predict", "predict_proba", "predict_classes", "predict_log_proba", "decision_function"})
_SCORES = frozenset({"score", "evaluate"})
_MODELS = frozenset({"sklearn.base.ClassifierMixin", "sklearn.base.RegressorMixin", "keras.Model"})
_TRANSFORMER = "sklearn.base.TransformerMixin"
_SAMPLER = "imblearn.base.SamplerMixin"
_SPLITTER = "sklearn.model_selection.BaseCrossValidator"
_ACCURACY = frozenset({"acc", "accuracy", "binary_accuracy", "categorical_accuracy", "sparse_categorical_accuracy"})
_BY_COLUMNS = frozenset({"ColumnTransformer", "make_column_transformer"})
# Layers of keras that learn how values are distributed.
_ADAPTED = frozenset({"Discretization", "Normalization"})


def is_fit(method: str, given: Arguments) -> bool:
    """Whether a method of an object nobody knows fits it."""
    return method in _FITS and as_data(given.get(0, "X", "x")) is not None


def kind_of(run: Run, name: str, given: Arguments) -> str | None:
    """Return what kind of estimator the class ``name`` makes (see ``Fit.kind``); None where it is none."""
    known = knowledge()
    word = name.rpartition(".")[2]
    if known.has("searches.classes", name):
        return "model"
    ancestors = run.libraries.ancestors(name)
    if known.has("transformers.composed", name) or word in {
        "make_pipeline",
        "make_union",
        "make_column_transformer",
    }:
        return _composed(given)
    if _SAMPLER in ancestors:
        return "sampler"
    if word in _ADAPTED and name.startswith(("keras.", "tensorflow.")):
        return "learns"
    if _SPLITTER in ancestors:
        return "splitter"
    if not _MODELS.isdisjoint(ancestors):
        return "model"
    return _transformer(name, given) if _TRANSFORMER in ancestors else None


def _transformer(name: str, given: Arguments) -> str:
    known = knowledge()
    if known.has("transformers.row-wise", name):
        return "row-wise"
    harmless = any(given.literal(key) in values for key, values in known.harmless_with.items())
    return "names" if harmless or known.has("transformers.names-only", name) else "learns"


def _composed(given: Arguments) -> str:
    """Return the kind of a pipeline: that of its last step, or of all its transformers together."""
    found = [each.kind for each in _inner(given.every())]
    for kind in ("model", "sampler", "learns", "names", "row-wise"):
        if kind in found:
            return kind
    return "unknown"


def _inner(values: list[object]) -> list[Estimator]:
    found: list[Estimator] = []
    for value in values:
        estimator = as_estimator(value)
        if estimator is not None:
            found.append(estimator)
        elif isinstance(value, Sequence):
            found += _inner(value.items)
    return found


def construct(run: Run, node: ast.Call, name: str, kind: str, given: Arguments) -> Estimator:
    """Return the estimator that a call makes."""
    parts = tuple(_inner(given.every()))
    text = ",".join(
        (repr(value.value) if isinstance(value, Literal) else ast.dump(each))
        for each, value in zip(
            (*node.args, *(keyword.value for keyword in node.keywords if keyword.arg)), given.every(), strict=False
        )
    )
    searches = (
        knowledge().has("searches.classes", name)
        or name.endswith("CV")
        or given.literal("oob_score") is True
        or any(each.searches for each in parts)
    )
    return Estimator(name, kind, run.place(node), parts, text, searches=searches, takes=_takes(name, parts, given))


def _takes(name: str, parts: tuple[Estimator, ...], given: Arguments) -> frozenset[object] | None:
    """Return the columns that an estimator surely looks at; None for all it is given."""
    if name.rpartition(".")[2] in _BY_COLUMNS:
        return None if given.literal("remainder") == "passthrough" else _named(given.get(0, "transformers"))
    within = [each.takes for each in parts if each.takes is not None]
    steps = given.get(0, "steps")
    own = isinstance(steps, Sequence) and any(_is_own(each) for each in steps.items)
    return within[0] if within else frozenset() if own else None


def _named(transformers: object) -> frozenset[object]:
    """Return the columns that the transformers of a ``ColumnTransformer`` name."""
    items = transformers.items if isinstance(transformers, Sequence) else []
    found: set[object] = set()
    for each in items:
        if isinstance(each, Sequence) and each.items:
            found |= literal_names(each.items[-1]) or set()
    return frozenset(found)


def _is_own(step: object) -> bool:
    """Whether a step of a pipeline is of a class nobody knows: it may take columns away."""
    return isinstance(step, Sequence) and any(
        isinstance(each, Unknown) and each.estimator is None for each in step.items
    )


def estimator_call(
    run: Run, node: ast.Call, estimator: Estimator, method: str, given: Arguments, owner: object
) -> object:
    """Return what a method of ``estimator`` returns, and record what it does."""
    if estimator.kind == "splitter":
        return splits(run, node, estimator, given) if method == "split" else Unknown()
    x = as_data(given.get(0, "X", "x"))
    if method in _FITS:
        return _fits(run, node, estimator, method, given, x, owner)
    if method == "compile" and isinstance(metrics := given.keywords.get("metrics"), Sequence):
        named = {each.value if isinstance(each, Literal) else None for each in metrics.items}
        estimator.metric = "accuracy" if named and named <= _ACCURACY else None
    if method == "get_support":
        return chosen_by(estimator, method)
    if x is None:
        return Unknown()
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
    fit = record_fit(run, node, estimator, x, as_data(given.get(1, "y")) or x.label)
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
        return Data(x.rows, x.learned)
    if not x.rows.within(fit.rows):
        fit.elsewhere = True
    columns = x.columns.only if x.columns is not None else None
    if fit.kind in {"row-wise", "unknown", "model"}:
        return Data(x.rows, x.learned, None, None, x.traits)
    # What went into the rows it learned from has come along.
    inherited = frozenset(Learned(each.fit, columns) for each in fit.x.learned)
    return Data(x.rows, x.learned | inherited | {Learned(fit, columns)}, None, None, x.traits)


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
