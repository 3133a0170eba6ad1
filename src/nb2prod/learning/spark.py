"""What estimators and evaluators of Spark are, and which columns they take."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.learning.columns import ColumnNames, Columns, Table
from nb2prod.learning.values import Data, Evaluation, Literal, Score, Sequence, Unknown, as_data

if TYPE_CHECKING:
    from nb2prod.learning.calls import Arguments
    from nb2prod.learning.run import Run
    from nb2prod.learning.values import Estimator

_LEARNING = frozenset({
    "ChiSqSelector", "IDF", "Imputer", "MaxAbsScaler", "MinMaxScaler", "PCA", "QuantileDiscretizer", "RobustScaler",
    "StandardScaler", "UnivariateFeatureSelector", "VarianceThresholdSelector", "Word2Vec",
})  # fmt: skip
_NAMES = frozenset({"CountVectorizer", "OneHotEncoder", "OneHotEncoderEstimator", "StringIndexer", "VectorIndexer"})
_SEARCHES = frozenset({"CrossValidator", "TrainValidationSplit"})
# What gives a column a name.
_NAMING = frozenset({"alias", "withColumn", "withColumnRenamed"})
_OUTPUTS = frozenset({"outputCol", "outputCols"})


def spark_kind(name: str) -> str | None:
    """Return what kind of estimator a class of Spark makes (see ``Fit.kind``), or ``evaluator``."""
    module, _, word = name.rpartition(".")
    match module.removeprefix("pyspark.ml").lstrip("."):
        case "classification" | "regression":
            return "model"
        case "tuning" if word in _SEARCHES:
            return "model"
        case "evaluation":
            return "evaluator"
        case "feature":
            return "learns" if word in _LEARNING else "names" if word in _NAMES else "row-wise"
        case _:
            return None


def is_search(name: str) -> bool:
    """Whether a class of Spark chooses parameters on rows it holds out."""
    return name.startswith("pyspark.ml.tuning.")


def inputs_of(run: Run, node: ast.Call, given: Arguments) -> Columns | None:
    """Return the columns that a ``VectorAssembler`` puts together, if they are known."""
    value = given.keywords.get("inputCols")
    if isinstance(value, ColumnNames):
        return value.columns and value.columns._replace(place=run.place(node))
    if not isinstance(value, Sequence) or not value.items:
        return None
    names = frozenset(each.value for each in value.items if isinstance(each, Literal))
    return Columns(Table(), names, place=run.place(node)) if len(names) == len(value.items) else None


def taught(run: Run, estimator: Estimator, x: Data) -> tuple[Data, Data | None]:
    """Return the features and the target that a model of Spark takes from one table."""
    chain = (estimator, *estimator.parts)
    columns = next((each.inputs for each in chain if each.inputs is not None), x.columns)
    label = next((each.label for each in chain if each.label is not None), None)
    if columns is None or label is None or (columns.only is None and _is_made(run, label)):
        return x, None
    return x._replace(columns=columns), x._replace(columns=Columns(columns.table, frozenset({label})))


def _is_made(run: Run, name: str) -> bool:
    """Whether the notebook may make a column of this name: then it need not be among those of the table before."""
    for call in run.analysis.calls():
        outputs = [each.value for each in call.node.keywords if each.arg in _OUTPUTS]
        if isinstance(call.node.func, ast.Attribute) and call.node.func.attr in _NAMING:
            outputs += call.node.args
        if any(isinstance(each, ast.Constant) and each.value == name for value in outputs for each in ast.walk(value)):
            return True
    return False


def evaluated(run: Run, node: ast.Call, evaluator: Estimator, given: Arguments) -> object:
    """Return the figure that an evaluator computes of a table of predictions, and record it."""
    data = as_data(given.get(0, "dataset"))
    if data is None or data.prediction is None:
        return Unknown()
    made = {each.arg: each.value for each in getattr(evaluator.place.node, "keywords", ())}
    metric = getattr(made.get("metricName"), "value", None) or "metric"
    found = Evaluation(data.prediction.fit, data.prediction.x, str(metric), run.place(node), tuple(run.loops))
    run.history.evaluations.append(found)
    return Score((found,))
