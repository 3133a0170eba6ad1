"""The configuration's fields: papermill's parameters cell, whose literals become defaults."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING

from nb2prod.convert.plan import Item, Moved, Parameter

if TYPE_CHECKING:
    from nb2prod.analysis import Analysis
    from nb2prod.convert.plan import Plan

# Fields the generated command line and configuration have anyway.
_OWN_FIELDS = frozenset({"output_dir", "from_options", "config", "set", "help"})


def lift_parameters(plan: Plan, _analysis: Analysis) -> Plan:
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
            parameter = _parameter(item, step.items) if isinstance(item, Moved) else None
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


def _parameter(item: Moved, siblings: tuple[Item, ...]) -> Parameter | None:
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
    if len(bound) > 1 or name in _OWN_FIELDS or name.startswith("_"):
        return None
    try:
        default = ast.literal_eval(value)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None
    kind = type(default).__name__ if default is not None else "object"
    return Parameter(name, kind, default, _comment(item) or f"`{name}` of the parameters cell.", statement.cell.index)


def _comment(item: Moved) -> str:
    """Return the comment beside an assignment, the usual place to document a parameter."""
    line = item.statement.cell.lines[item.statement.location.range.end.line - 1]
    rest = line[item.statement.location.range.end.column - 1 :].strip()
    return rest.lstrip("# ").strip() if rest.startswith("#") else ""
