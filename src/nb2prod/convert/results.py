"""What ``run`` returns: the values nothing later reads, and the figures of merit the author looked at."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nb2prod.convert.plan import Moved, Result

if TYPE_CHECKING:
    from nb2prod.analysis import Analysis
    from nb2prod.convert.plan import Plan


def collect_results(plan: Plan, _analysis: Analysis) -> Plan:
    """Name the results of the whole run: what some step returns and no later step takes."""
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
    return replace(plan, results=tuple(results.values()))
