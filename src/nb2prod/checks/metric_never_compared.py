"""metric-never-compared: a metric is shown and held against nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nb2prod.diagnostics import Finding
from nb2prod.learning import history
from nb2prod.learning.knowledge import knowledge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis

# Words by which a notebook says that it knows what to compare with.
_WORDS = (
    "baseline", "beats ", "benchmark", "better than", "by chance", "compared to", "compared with", "dummy",
    "outperform", "null accuracy", "null model", "random guess", "state of the art", "state-of-the-art", "worse than",
)  # fmt: skip


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield the first metric of a notebook that has one model and nothing to measure it by."""
    past = history(analysis)
    pictures = knowledge().names["metrics.pictures"]
    figures = [each for each in past.evaluations if each.metric is not None and each.metric not in pictures]
    if not figures or past.cross_validations or any(each.used or each.compared for each in past.evaluations):
        return
    if len({id(each.fit) for each in past.evaluations}) > 1 or len({id(each.x.rows) for each in figures}) > 1:
        return  # models, or training and test, side by side
    if any(word in cell.source.lower() for cell in analysis.notebook.cells for word in _WORDS):
        return
    first = figures[0]
    if first.loops or (first.fit.model is not None and first.fit.model.searches):
        return  # the others of the loop, the scores of the search
    yield Finding(
        first.place.location,
        f"the score of `{first.fit.name}` is held against nothing: whether it is good, nobody can tell; compare it "
        "with a simple baseline (`DummyClassifier`, the mean, the last value), and assert the least that will do",
    )
