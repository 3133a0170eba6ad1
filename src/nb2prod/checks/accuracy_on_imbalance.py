"""accuracy-on-imbalance: accuracy is the only metric, and the saved outputs show that one class is most of the data."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from nb2prod.diagnostics import Finding, Related
from nb2prod.learning import history
from nb2prod.learning.knowledge import knowledge
from nb2prod.notebook.model import CodeCell
from nb2prod.notebook.tree import nodes
from nb2prod.patterns import lazy_pattern
from nb2prod.saved_outputs import joined_text
from nb2prod.words import words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis, Call
    from nb2prod.learning.history import CrossValidation, History
    from nb2prod.learning.values import Data

_RULE = "accuracy-on-imbalance"

# Four of five rows of one class: a model that always says so is right that often.
_MOST = 0.8
_RESAMPLING = ("imblearn.over_sampling.", "imblearn.under_sampling.", "imblearn.combine.")
# How texts say so: "0.17 % of the payments are fraud", "a highly imbalanced target".
_SHARE = lazy_pattern(r"(?<![\d.,])(\d{1,2}(?:[.,]\d+)?)\s?(?:%|percent|per cent)")
_UNEVEN = lazy_pattern(
    r"(?i)(?<!not )(?<!n't )(?:highly|heavily|very|strongly|severely|extremely|is|are)\s+(?:im|un)balanced"
)
_CLASSES = range(2, 21)
_MODELS = frozenset({"model", "unknown"})
# Ways to count classes, and what they give.
_COUNTERS = frozenset({"bincount", "Counter"})
_COUNTING = ("value_counts", "mean", "bincount", "Counter")
_COUNTER = lazy_pattern(r"\w'?: (\d+)")
_ARRAY = lazy_pattern(r"\[\s*(\d+(?:[,\s]\s*\d+)+)\s*\]")


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield the first accuracy, if nothing in the notebook looks at the classes one by one."""
    past = history(analysis)
    evaluations = [each for each in past.evaluations if each.metric is not None]
    accuracy = [each for each in evaluations if each.metric in {"accuracy", "accuracy_score"}]
    scored = [(each.place, each.fit.y) for each in accuracy]
    scored += [(each.place, each.y) for each in past.cross_validations if _by_accuracy(analysis, each)]
    if not scored or len(accuracy) < len(evaluations):
        return
    by_class = knowledge().names["metrics.by-class"]
    if any(word in cell.source for cell in analysis.notebook.code_cells for word in by_class):
        return
    for place, target in scored:
        reason = _reason(analysis, target, _names(past))
        if reason is not None:
            what, related = reason
            advice = "look at precision and recall by class too (`classification_report`)"
            yield Finding(place.location, f"accuracy is the only metric, and {what}; {advice}", (related,))
            return


def _by_accuracy(analysis: Analysis, call: CrossValidation) -> bool:
    """Whether a cross-validation gives the accuracy of a classifier: what it does unless told otherwise."""
    named = {each.arg for each in getattr(call.place.node, "keywords", ())}
    if call.search or call.model is None or "scoring" in named:
        return False
    models = (call.model, *call.model.parts)
    return any("sklearn.base.ClassifierMixin" in analysis.libraries.ancestors(each.qualified or "") for each in models)


def _names(past: History) -> frozenset[str]:
    """Return the names under which targets are fitted and split."""
    calls = [each.place.node for each in past.fits if each.kind in _MODELS] + [each.place.node for each in past.splits]
    given = [each.args[1] for each in calls if isinstance(each, ast.Call) and len(each.args) > 1]
    return frozenset(each.id for each in given if isinstance(each, ast.Name))


def _reason(analysis: Analysis, target: Data | None, names: frozenset[str]) -> tuple[str, Related] | None:
    """Return what shows that one class is most of the data, and where; None where nothing does."""
    shown = _imbalance(analysis, target, names)
    if shown is not None:
        cell, share = shown
        what = f"{share:.0%} of the rows are of one class: who always answers that class is right as often"
        assert cell.tree is not None  # noqa: S101 such cells alone are shown
        return what, Related(cell.locate(cell.tree.body[-1]), "the counts are shown here")
    made = _made_uneven(analysis)
    if made is not None:
        return "the classes are made to differ in size", Related(made.location, "it is done here")
    evened = _evened_out(analysis)
    if evened is not None:
        what = "the classes are evened out, so they differ in size: who always answers the larger one is often right"
        return what, Related(evened.location, "it is done here")
    return _told(analysis, target)


def _told(analysis: Analysis, y: Data | None) -> tuple[str, Related] | None:
    """Return where the notebook's text says that one class is rare."""
    target = y.columns.one() if y is not None and y.columns is not None else None
    seldom = tuple(words(_RULE)["seldom"])
    for cell in analysis.notebook.cells:
        for sentence in re.split(r"(?<=[.!?])\s|\n", cell.source) if not isinstance(cell, CodeCell) else ():
            share = _SHARE.search(sentence)
            rare = share is not None and float(share[1].replace(",", ".")) <= 100 * (1 - _MOST)
            said = set(re.findall(r"\w+", sentence.lower()))
            named = str(target).lower() in said or any(word.startswith(seldom) for word in said)
            if (rare and named) or _UNEVEN.search(sentence):
                what = "the text says that the classes differ in size: who always answers the larger one is often right"
                return what, Related(cell.location(), "it is said here")
    return None


def _imbalance(analysis: Analysis, y: Data | None, names: frozenset[str]) -> tuple[CodeCell, float] | None:
    """Return the cell whose saved output counts the target's classes, and the share of the largest, if it is most."""
    target = y.columns.one() if y is not None and y.columns is not None else None
    column = target if isinstance(target, str) else None
    for cell in analysis.notebook.code_cells:
        if cell.tree is None or not cell.tree.body or not any(word in cell.source for word in _COUNTING):
            continue
        counted = _asked_of(cell.tree, column, names, "value_counts")
        averaged = column is not None and _asked_of(cell.tree, column, frozenset(), "mean")
        for text in _texts(cell):
            share = _largest_share(text, column, named=counted) if "value_counts" in cell.source else None
            if share is None and averaged:
                share = _share(text)
            if share is None and _is_counted(cell.tree, names):
                share = _share_of_counts(text)
            if share is not None and share >= _MOST:
                return cell, share
    return None


def _is_counted(tree: ast.Module, names: frozenset[str]) -> bool:
    """Whether the classes of the target, by one of its names, are counted: ``np.bincount(y)``, ``Counter(y)``."""
    return any(
        isinstance(node, ast.Call)
        and (node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")) in _COUNTERS
        and bool(node.args)
        and isinstance(node.args[0], ast.Name)
        and node.args[0].id in names
        for node in nodes(tree)
    )


def _share_of_counts(text: str) -> float | None:
    """Return the largest class's share in ``[19712 288]`` or ``Counter({0: 19712, 1: 288})``."""
    found = _COUNTER.findall(text) or next((each.replace(",", " ").split() for each in _ARRAY.findall(text)), [])
    counts = [int(each) for each in found]
    total = sum(counts)
    return max(counts) / total if len(counts) in _CLASSES and total else None


def _made_uneven(analysis: Analysis) -> Call | None:
    """Return the call that makes data of classes of which one is most."""
    if not analysis.mentions("make_classification"):
        return None
    for call in analysis.calls_of("sklearn.datasets.make_classification"):
        weights = call.arguments.get("weights")
        shares = [each.value for each in getattr(weights, "elts", ()) if isinstance(each, ast.Constant)]
        numbers = [float(each) for each in shares if isinstance(each, (int, float))]
        if numbers and max(*numbers, 1 - sum(numbers)) >= _MOST:
            return call
    return None


def _evened_out(analysis: Analysis) -> Call | None:
    """Return the call that gives the smaller class more weight, or more rows."""
    if not analysis.mentions("class_weight", "scale_pos_weight", "imblearn"):
        return None
    for call in analysis.calls():
        weight = call.arguments.get("class_weight")
        weighs = weight is not None and not (isinstance(weight, ast.Constant) and weight.value is None)
        if weighs or "scale_pos_weight" in call.arguments:
            return call
        if (call.qualified_name or "").startswith(_RESAMPLING):
            return call
    return None


def _asked_of(tree: ast.Module, target: str | None, names: frozenset[str], method: str) -> bool:
    """Whether a method is asked of the target, a column or under one of its names, and of nothing else in the cell."""
    asked = [
        node.func.value
        for node in nodes(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == method
    ]
    match asked:
        case [ast.Subscript(slice=ast.Constant(value=name))] | [ast.Attribute(attr=name)]:
            return bool(name == target)
        case [ast.Name(id=name)] | [ast.Call(args=[ast.Name(id=name)])]:
            return name in names
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


def _largest_share(text: str, target: str | None, *, named: bool) -> float | None:
    """Return the largest class's share in a printed ``value_counts`` of ``target``; None where it is not one.

    ``named``: the code says that it is the target's, should the text not.
    """
    lines = text.strip().splitlines()
    if not named and f"Name: {target}, dtype" not in text and not (lines and lines[0].strip() == target):
        return None
    counts = [float(found[1]) for line in lines if (found := re.search(r"\S\s{2,}(\d+(?:\.\d+)?)\s*$", line))]
    total = sum(counts)
    return max(counts) / total if len(counts) in _CLASSES and total else None
