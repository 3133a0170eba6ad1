"""test-set-reused: one test set chooses among models and reports how good the chosen one is."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.diagnostics import Finding, Related
from nb2prod.learning import history
from nb2prod.learning.rows import disjoint
from nb2prod.learning.values import Changing, Literal
from nb2prod.notebook.tree import nodes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.learning.history import History
    from nb2prod.learning.rows import Rows, Split
    from nb2prod.learning.values import Evaluation, Fit

_MODELS = frozenset({"model", "unknown"})
# Two models side by side are a comparison with a baseline as often as a choice.
_MANY = 3
# How many of the other scores are named.
_MOST_PLACES = 12


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield, for each test set that chooses among models, where it first does."""
    past = history(analysis)
    tested: dict[int, tuple[Split, list[Evaluation]]] = {}
    for each in past.evaluations:
        split = _final(each)
        if each.metric is not None and each.fit.kind in _MODELS and split is not None and not _is_baseline(each):
            tested.setdefault(id(split), (split, []))[1].append(each)
    for split, evaluations in tested.values():
        stopped = _stopped(past, evaluations)
        if stopped is not None:
            message = (
                f"`{stopped.name}` is trained until it is best on the rows set apart in cell {split.place.cell.index} "
                "and scored on them afterwards, so the score is too good; stop by a validation set cut from the "
                "training rows"
            )
            yield Finding(stopped.place.location, message, (Related(evaluations[0].place.location, "scored here"),))
            continue
        reason = _reason(evaluations)
        if reason is not None:
            at, why = reason
            message = (
                f"{why} the rows set apart in cell {split.place.cell.index}, so the best score is too good; choose "
                "with a validation set or cross-validation on the training rows, and use the test rows once"
            )
            related = [Related(split.place.location, "the test rows are set apart here")]
            scored = {id(each.place.node): each.place for each in evaluations if each.place.node is not at.place.node}
            related += [
                Related(place.location, "scored here as well") for place in list(scored.values())[:_MOST_PLACES]
            ]
            yield Finding(at.place.location, message, tuple(related))


def _stopped(past: History, evaluations: list[Evaluation]) -> Fit | None:
    """Return the fit that the test rows put an end to and score as well; None where there is none."""
    for fit, x in past.stopped:
        if any(each.fit is fit and each.x.rows.within(x.rows) for each in evaluations):
            return fit
    return None


def _final(each: Evaluation) -> Split | None:
    """Return the split whose test rows are scored, unless there is a later test for which this one chooses."""
    held_out = (row.split for row in each.x.rows.chain() if row.piece == ("test",))
    split = disjoint(each.x.rows, each.fit.rows) or next(held_out, None)
    if split is None or split.folds or _is_validation(each.x.rows):
        return None
    return split


def _is_baseline(each: Evaluation) -> bool:
    return each.fit.model is not None and (each.fit.model.qualified or "").startswith("sklearn.dummy.")


def _is_validation(rows: Rows) -> bool:
    """Whether the rows were cut from the training part of another split."""
    return rows.training() is not None


def _reason(evaluations: list[Evaluation]) -> tuple[Evaluation, str] | None:
    """Return where and how models are chosen by these evaluations; None where they are not."""
    for each in evaluations:
        if each.used and _tries_parameters(each):
            return each, f"`{each.fit.name}` is fitted with one parameter after another and scored each time on"
    different = list({_configuration(each): each for each in reversed(evaluations)}.values())[::-1]
    compared = [each for each in evaluations if each.compared]
    chosen = list({_configuration(each): each for each in compared}.values())
    if len(chosen) > 1:
        return chosen[-1], "models are chosen by their scores on"
    cut = _cut(compared)
    if cut is not None:
        return cut, f"where `{cut.fit.name}` tells the classes apart is chosen by its scores on"
    # What an unknown class makes may be a wrapper around a model that is counted already.
    different = [each for each in different if each.fit.kind == "model"]
    if len(different) >= _MANY:
        return different[-1], f"{len(different)} models are compared by their scores on"
    return None


def _cut(compared: list[Evaluation]) -> Evaluation | None:
    """Return a score by which one of several thresholds is chosen; None where there is none."""
    constants: dict[int, set[object]] = {}
    for each in compared:
        if isinstance(each.cut, Changing):
            return each
        if isinstance(each.cut, Literal):
            tried = constants.setdefault(id(each.fit), set())
            tried.add(each.cut.value)
            if len(tried) > 1:
                return each
    return None


def _configuration(each: Evaluation) -> str:
    model = each.fit.model
    return "" if model is None else f"{model.qualified}({model.given})" if model.qualified else str(id(model))


def _tries_parameters(each: Evaluation) -> bool:
    """Whether the model is made, fitted and scored in one loop, with an argument that changes in it."""
    model = each.fit.model
    if model is None or not each.loops or not isinstance(model.place.node, ast.Call):
        return False
    loop = each.loops[-1]
    if loop not in each.fit.loops or not any(node is model.place.node for node in ast.walk(loop)):
        return False
    changing = _changing(loop)
    arguments = (*model.place.node.args, *(each.value for each in model.place.node.keywords))
    return any(isinstance(node, ast.Name) and node.id in changing for value in arguments for node in ast.walk(value))


def _changing(loop: ast.AST) -> set[str]:
    """Return the names a loop gives one value after another, and those of what is made of them."""
    if isinstance(loop, ast.FunctionDef):  # what a search calls with other parameters each time
        found = {each.arg for each in loop.args.args}
    else:
        targets = [loop.target] if isinstance(loop, ast.For) else []
        targets += [each.target for each in getattr(loop, "generators", ())]
        found = {name for target in targets for name in _names(target)}
    for node in nodes(loop):
        if isinstance(node, ast.Assign) and not found.isdisjoint(_names(node.value)):
            found |= {each.id for each in node.targets if isinstance(each, ast.Name)}
    return found


def _names(node: ast.AST) -> set[str]:
    return {each.id for each in nodes(node) if isinstance(each, ast.Name)}
