"""test-set-fitted: the test data is transformed by a fit of its own."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.diagnostics import Applicability, Edit, Finding, Fix, Related
from nb2prod.learning import history

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.learning.history import History
    from nb2prod.learning.rows import Rows
    from nb2prod.learning.values import Data, Fit

# Methods whose figure of a column scales or fills it.
_FIGURES = frozenset({"max", "mean", "median", "min", "std"})


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield the fits on test data that stand beside one on training data, one finding a cell."""
    cells: dict[int, list[tuple[Fit, Fit]]] = {}
    seen: set[int] = set()
    past = history(analysis)
    for test, training in _pairs(past):
        if id(test.place.node) not in seen:
            seen.add(id(test.place.node))
            cells.setdefault(test.place.cell.index, []).append((test, training))
    for found in cells.values():
        (test, training), *more = sorted(found, key=lambda pair: pair[0].place.location.range)
        made, use = ("fitted", "call `transform` with what was fitted on the training data")
        if test.model is None:
            made, use = ("taken", "use the figures of the training data")
        message = (
            f"`{test.name}` is {made} anew from the data the model is asked about, so a value means one thing in "
            f"training and another here; {use}"
        )
        message += f" (also {len(more)} more in this cell)" if more else ""
        edits = [_transforming(past, *pair) for pair in found]
        changes = tuple(edit for edit in edits if edit is not None)
        fix = Fix("call `transform`", changes, Applicability.UNSAFE) if all(edits) else None
        related = (Related(training.place.location, f"{made} from the training data"),)
        yield Finding(test.place.location, message, related, fix)


def _pairs(past: History) -> Iterator[tuple[Fit, Fit]]:
    """Yield a fit on rows that a model is tested on, and that of its kind on the rows it was trained on."""
    for each in past.evaluations:
        learned = _own(each.fit.x)
        for test in _own(each.x):
            for training in learned:
                if test not in learned and _alike(test, training) and _apart(test.rows, training.rows):
                    yield test, training


def _transforming(past: History, test: Fit, training: Fit) -> Edit | None:
    """Return the edit that applies what was fitted on the training data; None where that is not what is held then."""
    fitted = [each for each in past.fits if each.model is test.model]
    last = fitted[fitted.index(test) - 1] if test in fitted else None
    match test.place.node:
        case ast.Call(func=ast.Attribute(value=model, attr="fit_transform"), args=[_], keywords=[]) if last is training:
            end, stop = (test.place.cell.locate(each).range.end for each in (model, test.place.node.func))
            return Edit(test.place.cell.location(*end, *stop), ".transform")
    return None


def _own(data: Data) -> list[Fit]:
    """Return the fits, and the figures of whole columns, that went into ``data`` and were made on rows of its own."""
    return [each for each in data.fits("learns", "names") if each.model is not None or each.name in _FIGURES]


def _apart(test: Rows, training: Rows) -> bool:
    """Whether neither is known to be among the other: parts of a split, or data of two files."""
    return not test.within(training) and not training.within(test)


def _alike(one: Fit, other: Fit) -> bool:
    if one.model is None or other.model is None:
        return one.model is other.model and one.name == other.name
    return one.model is other.model or one.model.qualified == other.model.qualified
