"""no-monitoring-baseline: a model is saved, and nothing that says what its inputs looked like."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.diagnostics import Finding
from nb2prod.models import saves_without
from nb2prod.notebook.tree import children, nodes
from nb2prod.operations import operations
from nb2prod.writes import writes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis, Call

# How far what is written is followed back to a statistic, or to the data.
_DEPTH = 3
_FIGURES = ("_score", "_error", "_loss")


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield one finding, at the last save of a model, where no statistic and no sample of the data is written."""
    found, saved = saves_without(analysis, operations().registries | operations().monitors)
    if not saved:
        return
    learned = {
        name
        for event in found
        if event.kind == "fit"
        for each in event.within.node.args
        for name in _tables(each)
    }  # fmt: skip
    models = {event.name for event in found if event.kind in ("fit", "use")}
    calls = {id(write.call.node): write.call for write in writes(analysis) if write.call is not None}
    calls |= {id(event.within.node): event.within for event in saved}
    if any(_holds_baseline(analysis, call, learned, models) for call in calls.values()):
        return
    last = saved[-1]
    message = (
        f"`{last.name}` is saved, and nothing of what its inputs looked like: when they drift nobody can tell; "
        "write a reference beside it (ranges, quantiles, shares of categories, or a sample of the training data)"
    )
    yield Finding(last.call.location, message)


def _holds_baseline(analysis: Analysis, call: Call, learned: set[str], models: set[str]) -> bool:
    """Whether what a call writes is data the model learned from, or a statistic."""
    if call.deferred:
        return not _writes_argument_only(call)
    waiting: list[tuple[ast.AST, int]] = [(call.node, _DEPTH)]
    seen: set[int] = set()
    for node, depth in waiting:
        for part in _read(node):
            if isinstance(part, ast.Call) and _is_statistic(part):
                return True
            if not isinstance(part, ast.Name) or part.id in models:
                continue
            if part.id in learned:
                return True
            use = analysis.use_at(part)
            for each in analysis.flow.reaching(use) if use is not None and depth else ():
                if each.statement not in seen and not isinstance(each.node, ast.alias):
                    seen.add(each.statement)
                    waiting.append((analysis.statements()[each.statement].node, depth - 1))
    return False


def _read(root: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of ``root`` but those in a fit, a score or a prediction: what models make of data is none."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in operations().using | operations().fitting or name.endswith(_FIGURES) or _is_error(node, name):
                continue
        yield node
        waiting += children(node)


def _writes_argument_only(call: Call) -> bool:
    """Whether a call in a function saves a model: what else such a function writes nobody knows."""
    return "model-save" in call.effects or call.name.rpartition(".")[2] in {*operations().saving, "open"}


def _is_statistic(node: ast.Call) -> bool:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    return name in operations().statistics


def _is_error(node: ast.Call, name: str) -> bool:
    """Whether a statistic is one of what a model gave: `(model.predict(X) - y).abs().mean()`."""
    called = (each.func for each in nodes(node) if isinstance(each, ast.Call))
    return name in operations().statistics and any(
        isinstance(each, ast.Attribute) and each.attr in operations().using for each in called
    )


def _tables(node: ast.expr) -> set[str]:
    """Return the variables in ``node``, those that only say which columns or rows left out: `rents[columns]`."""
    chosen = {id(part) for each in nodes(node) if isinstance(each, ast.Subscript) for part in nodes(each.slice)}
    return {each.id for each in nodes(node) if isinstance(each, ast.Name) and id(each) not in chosen}
