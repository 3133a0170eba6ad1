"""accuracy-on-imbalance: accuracy is the only metric, and the saved outputs show that one class is most of the data."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from nb2prod.diagnostics import Finding, Related
from nb2prod.learning import history
from nb2prod.learning.knowledge import knowledge
from nb2prod.notebook.tree import nodes
from nb2prod.saved_outputs import joined_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis, Call
    from nb2prod.learning.values import Evaluation
    from nb2prod.notebook.model import CodeCell

# Four of five rows of one class: a model that always says so is right that often.
_MOST = 0.8
_RESAMPLING = ("imblearn.over_sampling.", "imblearn.under_sampling.", "imblearn.combine.")
_CLASSES = range(2, 21)


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield the first accuracy, if nothing in the notebook looks at the classes one by one."""
    evaluations = [each for each in history(analysis).evaluations if each.metric is not None]
    accuracy = [each for each in evaluations if each.metric in {"accuracy", "accuracy_score"}]
    if not accuracy or len(accuracy) < len(evaluations):
        return
    by_class = knowledge().names["metrics.by-class"]
    if any(word in cell.source for cell in analysis.notebook.code_cells for word in by_class):
        return
    for each in accuracy:
        shown = _imbalance(analysis, each)
        if shown is not None:
            cell, share = shown
            what = f"{share:.0%} of the rows are of one class: who always answers that class is right as often"
            related = (Related(cell.locate(cell.tree.body[-1]), "the counts are shown here"),) if cell.tree else ()
        elif (evened := _evened_out(analysis)) is not None:
            what = (
                "the classes are evened out, so they differ in size: who always answers the larger one is often right"
            )
            related = (Related(evened.location, "it is done here"),)
        else:
            continue
        advice = "look at precision and recall by class too (`classification_report`)"
        yield Finding(each.place.location, f"accuracy is the only metric, and {what}; {advice}", related)
        return


def _imbalance(analysis: Analysis, each: Evaluation) -> tuple[CodeCell, float] | None:
    """Return the cell whose saved output counts the target's classes, and the share of the largest, if it is most."""
    target = each.fit.y.columns.one() if each.fit.y is not None and each.fit.y.columns is not None else None
    if not isinstance(target, str):
        return None
    for cell in analysis.notebook.code_cells:
        if cell.tree is None or not cell.tree.body:
            continue
        counted = "value_counts" in cell.source and _asked_of(cell.tree, target, "value_counts")
        averaged = "mean" in cell.source and _asked_of(cell.tree, target, "mean")
        for text in _texts(cell) if averaged or "value_counts" in cell.source else ():
            share = _largest_share(text, target, named=counted)
            if share is None and averaged:
                share = _share(text)
            if share is not None and share >= _MOST:
                return cell, share
    return None


def _evened_out(analysis: Analysis) -> Call | None:
    """Return the call that gives the smaller class more weight, or more rows."""
    if not analysis.mentions("class_weight", "scale_pos_weight", "imblearn"):
        return None
    for call in analysis.calls():
        weight = call.arguments.get("class_weight")
        if (isinstance(weight, ast.Constant) and weight.value == "balanced") or "scale_pos_weight" in call.arguments:
            return call
        if (call.qualified_name or "").startswith(_RESAMPLING):
            return call
    return None


def _asked_of(tree: ast.Module, target: str, method: str) -> bool:
    """Whether a method is asked of the target, and of nothing else in the cell."""
    asked = [
        node.func.value
        for node in nodes(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == method
    ]
    match asked:
        case [ast.Subscript(slice=ast.Constant(value=name))] | [ast.Attribute(attr=name)]:
            return bool(name == target)
    return False


def _share(text: str) -> float | None:
    """Return the larger class's share where the only number in a text is the mean of a target of 0 and 1."""
    numbers = re.findall(r"(?<![\w.])\d+(?:\.\d+)?(?:e-\d+)?(?![\w.]*\w)", text)
    value = float(numbers[0]) if len(numbers) == 1 else 0.0
    return max(value, 1 - value) if 0 < value < 1 else None


def _texts(cell: CodeCell) -> Iterator[str]:
    for output in cell.outputs:
        if not hasattr(output, "get"):
            continue
        data = output.get("data") or {}
        text = data.get("text/plain") or output.get("text")
        yield joined_text(text or "")


def _largest_share(text: str, target: str, *, named: bool) -> float | None:
    """Return the largest class's share in a printed ``value_counts`` of ``target``; None where it is not one.

    ``named``: the code says that it is the target's, should the text not.
    """
    lines = text.strip().splitlines()
    if not named and f"Name: {target}, dtype" not in text and not (lines and lines[0].strip() == target):
        return None
    counts = [float(found[1]) for line in lines if (found := re.search(r"\S\s{2,}(\d+(?:\.\d+)?)\s*$", line))]
    total = sum(counts)
    return max(counts) / total if len(counts) in _CLASSES and total else None
