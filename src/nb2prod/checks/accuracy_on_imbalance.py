"""accuracy-on-imbalance: accuracy is the only metric, and the saved outputs show that one class is most of the data."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nb2prod.diagnostics import Finding, Related
from nb2prod.learning import history
from nb2prod.learning.knowledge import knowledge
from nb2prod.saved_outputs import joined_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.learning.values import Evaluation
    from nb2prod.notebook.model import CodeCell

# Four of five rows of one class: a model that always says so is right that often.
_MOST = 0.8
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
            yield Finding(
                each.place.location,
                f"accuracy is the only metric, and {share:.0%} of the rows are of one class: who always answers that "
                "class is right as often; look at precision and recall by class too (`classification_report`)",
                (Related(cell.locate(cell.tree.body[-1]), "the counts are shown here"),) if cell.tree else (),
            )
            return


def _imbalance(analysis: Analysis, each: Evaluation) -> tuple[CodeCell, float] | None:
    """Return the cell whose saved output counts the target's classes, and the share of the largest, if it is most."""
    target = each.fit.y.columns.one() if each.fit.y is not None and each.fit.y.columns is not None else None
    if not isinstance(target, str):
        return None
    for cell in analysis.notebook.code_cells:
        if "value_counts" not in cell.source or cell.tree is None or not cell.tree.body:
            continue
        for text in _texts(cell):
            share = _largest_share(text, target)
            if share is not None and share >= _MOST:
                return cell, share
    return None


def _texts(cell: CodeCell) -> Iterator[str]:
    for output in cell.outputs:
        if not hasattr(output, "get"):
            continue
        data = output.get("data") or {}
        text = data.get("text/plain") or output.get("text")
        yield joined_text(text or "")


def _largest_share(text: str, target: str) -> float | None:
    """Return the largest class's share in a printed ``value_counts`` of ``target``; None where it is not one."""
    lines = text.strip().splitlines()
    if f"Name: {target}, dtype" not in text and not (lines and lines[0].strip() == target):
        return None
    counts = [float(found[1]) for line in lines if (found := re.search(r"\S\s{2,}(\d+(?:\.\d+)?)\s*$", line))]
    total = sum(counts)
    return max(counts) / total if len(counts) in _CLASSES and total else None
