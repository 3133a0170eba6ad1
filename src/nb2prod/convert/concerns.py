"""What a step is concerned with: data, features, the model, or the report; told by its heading and by what it does."""

from __future__ import annotations

import ast
import re
from collections import Counter
from typing import TYPE_CHECKING

from nb2prod.convert.knowledge import knowledge
from nb2prod.convert.plan import EndOfCell, Moved
from nb2prod.operations import operations

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nb2prod.analysis import Analysis, Call
    from nb2prod.convert.plan import Plan, Step

# In the order in which a pipeline has them.
CONCERNS = ("data", "features", "model", "report")
# Less than this tells nothing: one noun in a heading, or a figure beside other things.
_ENOUGH = 2
_FIRST_WORD, _ACT = 3, 2
_OF_EFFECTS = {
    "read-file": "data", "network": "data", "split": "features", "transform": "features", "score": "report",
}  # fmt: skip


def concerns_of(plan: Plan, analysis: Analysis) -> tuple[str | None, ...]:
    """Return what each step of the plan is concerned with, one of ``CONCERNS``; None where nothing tells."""
    models = _fitting(analysis)
    return tuple(_concern(step, models, plan, analysis) for step in plan.steps)


def is_about_a_model(analysis: Analysis) -> bool:
    """Return whether a notebook fits a model, by what the library tables know."""
    return bool(_fitting(analysis))


def _concern(step: Step, models: frozenset[int], plan: Plan, analysis: Analysis) -> str | None:
    acts = _acts(step, models, plan, analysis)
    said = _said(step.title or "")
    points = Counter(acts) + Counter(said)
    if not points or max(points.values()) < _ENOUGH:
        return None
    # What it does decides between equals.
    return max(CONCERNS, key=lambda each: (points[each], acts.get(each, 0)))


def _acts(step: Step, models: frozenset[int], plan: Plan, analysis: Analysis) -> Mapping[str, int]:
    """Return points for what the statements of a step do."""
    points: dict[str, int] = {}
    moved = [item for item in step.items if isinstance(item, Moved)]
    for item in moved:
        if item.statement.index in models:
            points["model"] = _ACT + 1
        if isinstance(item.statement.node, (ast.FunctionDef, ast.ClassDef)):
            continue
        for call, _ in item.statement.calls:
            name = analysis.qualified_name(call.func)
            info = None if name is None else analysis.libraries.call(name)
            for effect in () if info is None else info.effects:
                if effect in _OF_EFFECTS:
                    points[_OF_EFFECTS[effect]] = max(points.get(_OF_EFFECTS[effect], 0), _ACT)
    shows = any(isinstance(item, EndOfCell) for item in step.items) or any(item.shown for item in moved)
    needed = {name for other in plan.steps if other is not step for name in other.arguments}
    if shows and needed.isdisjoint(step.results):
        points["report"] = _ACT + 1  # nothing but what somebody looks at
    elif shows:
        points["report"] = max(points.get("report", 0), 1)
    return points


def _said(title: str) -> Mapping[str, int]:
    """Return points for the words of a heading."""
    words = re.findall(r"[a-z]+", re.sub(r"<[^>]+>|`[^`]*`", " ", title.lower()))
    points: Counter[str] = Counter()
    for table, first in ((knowledge().concern_words, _FIRST_WORD), (knowledge().concern_nouns, 1)):
        for word in words:
            for concern in (each for each in CONCERNS if word in table[each]):
                points[concern] += 1 if points else first
    return points


def _fitting(analysis: Analysis) -> frozenset[int]:
    """Return the indices of the statements that fit what is more than a scaler or an encoder."""
    return frozenset(
        call.statement.index
        for call in analysis.calls()
        if not call.deferred and _fits(call) and not _is_transformer(call, analysis)
    )


def _fits(call: Call) -> bool:
    if call.info is not None:
        return "fit" in call.effects
    return isinstance(call.node.func, ast.Attribute) and call.node.func.attr in operations().fitting


def _is_transformer(call: Call, analysis: Analysis) -> bool:
    """Return whether what is fitted only transforms."""
    if call.qualified_name is None:
        return False
    known, fitted = analysis.libraries.call, call.qualified_name.rpartition(".")[0]
    return known(f"{fitted}.transform") is not None and known(f"{fitted}.predict") is None
