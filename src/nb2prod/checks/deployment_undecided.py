"""deployment-undecided: a model is fitted, and nothing says how it will be used."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from nb2prod.diagnostics import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis, Call

# Services, registries and schedulers, by what has to be imported.
_DEPLOYS = re.compile(
    r"\b(?:flask|fastapi|bentoml|mlflow|streamlit|gradio|ray|airflow|prefect|dagster|kfp|sagemaker|azureml|onnx\w*|"
    r"tensorflow_serving|google\.cloud)\b"
)
_PREDICTS = re.compile(r"predict|score|infer|classify|recommend|forecast", re.IGNORECASE)


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield one finding, at the last fit, where a model is fitted and asked and nothing is done with it."""
    fits = [call for call in analysis.calls({"fit"}) if not call.deferred and "predict" not in call.effects]
    if not fits or not any(True for _ in analysis.calls({"predict", "score"})):
        return
    if any("parameters" in cell.tags for cell in analysis.notebook.cells):
        return
    if any(True for _ in analysis.calls({"write-file", "model-save"})) or _is_made_callable(analysis):
        return
    models = [call for call in fits if _is_supervised(call) and _is_asked(analysis, call.name.rpartition(".")[0])]
    if models:
        message = (
            f"`{models[-1].name.rpartition('.')[0]}` is fitted and evaluated, and nothing says how it will be used; "
            "decide: a batch job that writes predictions, a service, or a function others call"
        )
        yield Finding(models[-1].location, message)


def _is_made_callable(analysis: Analysis) -> bool:
    """Whether the notebook imports what serves models, or defines a function that predicts."""
    for statement in analysis.statements():
        node = statement.node
        if isinstance(node, (ast.Import, ast.ImportFrom)) and _DEPLOYS.search(ast.unparse(node)):
            return True
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and _PREDICTS.search(
            ast.unparse(node)
        ):
            return True
    return False


def _is_supervised(call: Call) -> bool:
    """Whether an object is fitted to answers; clusters and components are mostly steps on the way."""
    return isinstance(call.node.func, ast.Attribute) and len(call.node.args) + len(call.node.keywords) > 1


def _is_asked(analysis: Analysis, name: str) -> bool:
    """Whether predictions or a score are asked of the object of this name."""
    return any(call.name.rpartition(".")[0] == name for call in analysis.calls({"predict", "score"}))
