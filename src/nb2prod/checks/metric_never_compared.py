"""metric-never-compared: a metric is shown and held against nothing."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.diagnostics import Finding
from nb2prod.learning import history
from nb2prod.learning.knowledge import knowledge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.dataflow.model import Statement
    from nb2prod.learning.history import CrossValidation
    from nb2prod.learning.rows import Place

# Words by which a notebook says that it knows what to compare with.
_WORDS = (
    "baseline", "beats ", "benchmark", "better than", "by chance", "compared to", "compared with", "dummy",
    "outperform", "null accuracy", "null model", "random guess", "state of the art", "state-of-the-art", "worse than",
)  # fmt: skip


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield the first metric of a notebook that has one model and nothing to measure it by."""
    past = history(analysis)
    validated = [each for each in past.cross_validations if not each.search]
    pictures = knowledge().names["metrics.pictures"]
    figures = [each for each in past.evaluations if each.metric is not None and each.metric not in pictures]
    if not past.evaluations and len(validated) == 1:
        yield from _cross_validated(analysis, validated[0])
    if not figures or past.cross_validations or any(each.used or each.compared for each in past.evaluations):
        return
    if len({id(each.fit) for each in past.evaluations}) > 1 or len({id(each.x.rows) for each in figures}) > 1:
        return  # models, or training and test, side by side
    if _knows_better(analysis):
        return
    first = figures[0]
    if first.loops or (first.fit.model is not None and first.fit.model.searches):
        return  # the others of the loop, the scores of the search
    yield _finding(first.place, first.fit.name)


def _finding(place: Place, name: str) -> Finding:
    return Finding(
        place.location,
        f"the score of `{name}` is held against nothing: whether it is good, nobody can tell; compare it "
        "with a simple baseline (`DummyClassifier`, the mean, the last value), and assert the least that will do",
    )


def _knows_better(analysis: Analysis) -> bool:
    return any(word in cell.source.lower() for cell in analysis.notebook.cells for word in _WORDS)


def _cross_validated(analysis: Analysis, found: CrossValidation) -> Iterator[Finding]:
    """Yield the only cross-validation of a notebook, where its figures, or their mean, are shown and no more."""
    statement = next(
        (each for each in analysis.statements() if any(call is found.place.node for call, _ in each.calls)), None
    )
    if statement is None or found.model is None or _knows_better(analysis):
        return
    if not _is_only_shown(analysis, statement, 2):
        return
    yield _finding(found.place, (found.model.qualified or "the model").rpartition(".")[2])


def _is_only_shown(analysis: Analysis, statement: Statement, depth: int) -> bool:
    """Whether a statement prints or displays what it computes, or gives it a name that is only shown."""
    match statement.node:
        case ast.Expr(value=ast.Call(func=ast.Name(id="print" | "display"))):
            return not any(isinstance(each, ast.Compare) for each in analysis.nodes(statement.node))
        case ast.Expr():
            return statement.displayed
        case ast.Assign(targets=[ast.Name()], value=value) if depth and not isinstance(value, ast.Compare):
            uses = [use for each in statement.definitions for use in analysis.flow.uses(each)]
            return bool(uses) and all(
                not use.deferred and _is_only_shown(analysis, analysis.statements()[use.statement], depth - 1)
                for use in uses
            )
    return False
