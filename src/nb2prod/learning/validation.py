"""Cross-validation: by splitters, by functions, and inside of searches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nb2prod.learning.history import CrossValidation
from nb2prod.learning.rows import Folds, Split
from nb2prod.learning.values import Estimator, Unknown, as_data, as_estimator

if TYPE_CHECKING:
    import ast

    from nb2prod.learning.calls import Arguments
    from nb2prod.learning.run import Run
    from nb2prod.learning.values import Fit

_SHUFFLES = ("Shuffle", "Repeated")


def cross_validated(run: Run, node: ast.Call, given: Arguments) -> object:
    """Record a cross-validation by a function of a library."""
    x, y = as_data(given.get(1, "X")), as_data(given.get(2, "y"))
    estimator = as_estimator(given.get(0, "estimator"))
    if estimator is not None:
        estimator.searches = True
    if x is not None:
        folds = as_estimator(given.keywords.get("cv"))
        shuffled = folds is not None and _is_shuffled(folds)
        run.history.cross_validations.append(CrossValidation(estimator, x, y, run.place(node), shuffled))
    return Unknown()


def searched(run: Run, fit: Fit) -> None:
    """Record the cross-validation that a search does inside."""
    parts = fit.model.parts if fit.model is not None else ()
    base = next((each for each in parts if each.kind != "splitter"), None)
    shuffled = any(each.kind == "splitter" and _is_shuffled(each) for each in parts)
    run.history.cross_validations.append(CrossValidation(base, fit.x, fit.y, fit.place, shuffled, search=True))


def splits(run: Run, node: ast.Call, estimator: Estimator, given: Arguments) -> object:
    """Return the folds that ``split`` of a splitter gives, and record them."""
    x = as_data(given.get(0, "X"))
    split = Split(run.place(node), _is_shuffled(estimator), folds=True, inputs=(x,) if x is not None else ())
    run.history.splits.append(split)
    return Folds(split)


def _is_shuffled(splitter: Estimator) -> bool:
    """Whether a splitter draws the rows of its folds."""
    name = (splitter.qualified or "").rpartition(".")[2]
    given = {each.arg: each.value for each in getattr(splitter.place.node, "keywords", ())}
    return any(word in name for word in _SHUFFLES) or getattr(given.get("shuffle"), "value", None) is True
