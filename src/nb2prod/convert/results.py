"""What ``run`` returns: the values nothing later reads, and what the author looked at."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING

from nb2prod.convert.plan import Moved, Result

if TYPE_CHECKING:
    from nb2prod.analysis import Analysis
    from nb2prod.convert.plan import Plan


def collect_results(plan: Plan, _analysis: Analysis) -> Plan:
    """Name the results of the whole run: what some step returns and no later step takes, or the notebook displays."""
    results: dict[str, Result] = {}
    for at, step in enumerate(plan.steps):
        later = {name for other in plan.steps[at + 1 :] for name in other.arguments}
        shown = {item.shown: item for item in step.items if isinstance(item, Moved) and item.shown}
        for name in step.results:
            made = [
                item.statement.cell.number
                for item in step.items
                if isinstance(item, Moved)
                and (item.shown == name or any(each.name == name for each in item.statement.definitions))
            ]
            if name not in later or name in shown or name in plan.options.only:
                results.pop(name, None)
                results[name] = Result(name, step.name, made[-1] if made else step.numbers[-1], name in shown)
    for name, (made_by, cell) in _displayed_later(plan).items():
        results.setdefault(name, Result(name, made_by, cell, displayed=True))
    order = [step.name for step in plan.steps]
    return replace(plan, results=tuple(sorted(results.values(), key=lambda each: order.index(each.step))))


def _displayed_later(plan: Plan) -> dict[str, tuple[str, int]]:
    """Return the variables that a step displays as they are and an earlier one returned: that step, and the cell."""
    found: dict[str, tuple[str, int]] = {}
    made_by: dict[str, str] = {}
    for step in plan.steps:
        for item in step.items:
            match item:
                case Moved(shown=str(name)) if name in step.arguments and name in made_by and name not in step.results:
                    node = item.statement.node
                    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Name) and node.value.id == name:
                        found[name] = (made_by[name], item.statement.cell.number)
        made_by.update(dict.fromkeys(step.results, step.name))
    return found
