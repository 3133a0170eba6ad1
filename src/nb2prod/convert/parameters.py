"""The configuration's fields: papermill's parameters cell, whose literals become defaults."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING

from nb2prod.convert.constants import calls_with, documentation, purpose
from nb2prod.convert.plan import Item, Moved, Parameter
from nb2prod.convert.required import OWN_FIELDS

if TYPE_CHECKING:
    from nb2prod.analysis import Analysis
    from nb2prod.convert.plan import Plan


def lift_parameters(plan: Plan, analysis: Analysis) -> Plan:
    """Make ``name = literal`` in a cell tagged ``parameters`` a field of the configuration.

    Papermill's convention: https://papermill.readthedocs.io, "Parameterize". A name that the cell
    binds twice, or that would collide with a field of ours, stays where it is.
    """
    parameters = list(plan.parameters)
    lifted = list(plan.lifted)
    steps = []
    for step in plan.steps:
        items: list[Item] = []
        for item in step.items:
            parameter = _parameter(item, step.items, analysis) if isinstance(item, Moved) else None
            if (
                parameter is None
                or not isinstance(item, Moved)
                or any(each.name == parameter.name for each in parameters)
            ):
                items.append(item)
            else:
                parameters.append(parameter)
                lifted.append((item.statement, parameter.name))
        steps.append(replace(step, items=tuple(items)))
    return replace(plan, steps=tuple(steps), parameters=tuple(parameters), lifted=tuple(lifted))


def _parameter(item: Moved, siblings: tuple[Item, ...], analysis: Analysis) -> Parameter | None:
    statement = item.statement
    if "parameters" not in statement.cell.tags or item.replacements:
        return None
    match statement.node:
        case (
            ast.Assign(targets=[ast.Name(id=name)], value=value)
            | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
        ):
            pass
        case _:
            return None
    bound = [
        definition
        for each in siblings
        if isinstance(each, Moved)
        for definition in each.statement.definitions
        if definition.name == name
    ]
    if len(bound) > 1 or name in OWN_FIELDS or name.startswith("_"):
        return None
    try:
        default = ast.literal_eval(value)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None
    kind = type(default).__name__ if default is not None else "object"
    cell = statement.cell.number
    text, comments = documentation(item, purpose(name, calls_with(name, analysis), cell))
    return Parameter(name, kind, default, text, cell, comments=comments)
