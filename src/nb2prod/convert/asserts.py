"""The notebook's own asserts that can be asked again of what a step returns."""

from __future__ import annotations

import ast
import builtins
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nb2prod.convert.plan import Moved

if TYPE_CHECKING:
    from nb2prod.analysis import Analysis
    from nb2prod.convert.plan import Plan, Step


@dataclass(frozen=True, slots=True)
class NotebookAssert:
    """An assert of the notebook; it stays in its step too.

    results  the step's results it asks about
    imports  names of the steps' module it needs: imports, functions, constants
    """

    step: str
    moved: Moved
    results: tuple[str, ...]
    imports: tuple[str, ...]


def notebook_asserts(plan: Plan, analysis: Analysis) -> tuple[NotebookAssert, ...]:
    """Return the asserts at top level that speak only of what their step returns, as it is returned.

    Nothing may change or rebind a name between the assert and the end of its step, and nothing later
    may change the value in place: the test is asked when the whole pipeline has run.
    """
    found: list[NotebookAssert] = []
    for step in plan.steps:
        for item in step.items:
            if not isinstance(item, Moved) or not isinstance(item.statement.node, ast.Assert) or item.guarded:
                continue
            made = _as_test(item, step, plan, analysis)
            if made is not None:
                found.append(made)
    return tuple(found)


def _as_test(item: Moved, step: Step, plan: Plan, analysis: Analysis) -> NotebookAssert | None:
    names = dict.fromkeys(use.name for use in item.statement.uses if isinstance(use.node, ast.Name))
    module = {name for each in plan.imports for name in each.binds} | {each.name for each in plan.functions}
    results = tuple(name for name in names if name in step.results)
    imports = tuple(name for name in names if name not in step.results and name in module)
    others = [name for name in names if name not in step.results and name not in module and not hasattr(builtins, name)]
    if not results or others or item.statement.definitions or item.replacements:
        return None
    if any(_changes_later(name, item, step, analysis) for name in results):
        return None
    if any(each.text in ast.unparse(item.statement.node) for each in plan.withheld):
        return None
    return NotebookAssert(step.name, item, results, imports)


def _changes_later(name: str, item: Moved, step: Step, analysis: Analysis) -> bool:
    own = {each.statement.index for each in step.items if isinstance(each, Moved)}
    return any(
        definition.name == name and (statement.index in own or definition.kind in ("mutate", "augment"))
        for statement in analysis.statements()[item.statement.index + 1 :]
        for definition in statement.definitions
    )
