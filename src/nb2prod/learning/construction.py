"""Making estimators: of which kind they are, and what they are made of."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.learning.assignment import literal_names
from nb2prod.learning.knowledge import knowledge
from nb2prod.learning.spark import inputs_of, is_search, spark_kind
from nb2prod.learning.values import Callback, Estimator, Literal, Sequence, Unknown, as_estimator

if TYPE_CHECKING:
    from nb2prod.learning.calls import Arguments
    from nb2prod.learning.run import Run

_MODELS = frozenset({"sklearn.base.ClassifierMixin", "sklearn.base.RegressorMixin", "keras.Model"})
_TRANSFORMER = "sklearn.base.TransformerMixin"
_SAMPLER = "imblearn.base.SamplerMixin"
_SPLITTER = "sklearn.model_selection.BaseCrossValidator"
_BY_COLUMNS = frozenset({"ColumnTransformer", "make_column_transformer"})
# Layers of keras that learn how values are distributed.
_ADAPTED = frozenset({"Discretization", "Normalization"})
_CALLBACKS = frozenset({"EarlyStopping", "early_stopping"})
_FRAMEWORKS = ("keras.", "tensorflow.", "lightgbm.", "xgboost.")


def kind_of(run: Run, name: str, given: Arguments) -> str | None:
    """Return what kind of estimator the class ``name`` makes (see ``Fit.kind``); None where it is none."""
    known = knowledge()
    word = name.rpartition(".")[2]
    if known.has("searches.classes", name):
        return "model"
    if name.startswith("pyspark.ml."):
        return _composed(given) if word == "Pipeline" else spark_kind(name)
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
        or is_search(name)
        or given.literal("oob_score") is True
        or any(each.searches for each in parts)
    )
    made = Estimator(name, kind, run.place(node), parts, text, searches=searches, takes=_takes(name, parts, given))
    if is_of_spark(made):
        label = given.literal("labelCol")
        made.label = label if isinstance(label, str) else None
        made.inputs = inputs_of(run, node, given) if name.endswith(".VectorAssembler") else None
    return made


def is_of_spark(estimator: Estimator) -> bool:
    """Whether an estimator is of Spark, whose parts know the columns they take and give by name."""
    return (estimator.qualified or "").startswith("pyspark.")


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


def is_callback(name: str) -> bool:
    """Whether a call makes what ends a fit early."""
    return name.rpartition(".")[2] in _CALLBACKS and name.startswith(_FRAMEWORKS)


def callback(given: Arguments) -> object:
    """Return what stops training by what is held out; one that looks at the training rows does not."""
    monitored = given.keywords.get("monitor")
    held_out = monitored is None or (isinstance(monitored, Literal) and str(monitored.value).startswith("val"))
    return Callback() if held_out else Unknown()
