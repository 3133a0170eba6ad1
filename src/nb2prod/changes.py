"""In-place changes: which of them surely happen, and the statements that make them inside functions."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nb2prod.analysis import Analysis, Call
    from nb2prod.dataflow.model import Definition


def surely_changes(analysis: Analysis, definition: Definition) -> bool:
    """Return whether a ``mutate`` definition changes its object whenever it runs.

    It does if it is written as a change (``x[0] = …``), is a call of a library known to make one, or of a
    function of the notebook that makes it on every path.
    """
    if definition.through is not None:
        return definition.sure
    calls = calls_on(analysis, definition)
    return not calls or any(call.effects & {"mutates-argument", "fit"} for call in calls)


def calls_on(analysis: Analysis, definition: Definition) -> list[Call]:
    """Return the calls on the object that ``definition`` changes in place: ``rows.append(1)``."""
    return [
        call
        for call in analysis.calls()
        if call.statement.index == definition.statement and _root(call.node.func) is definition.node
    ]


def called_function(analysis: Analysis, definition: Definition) -> ast.FunctionDef | None:
    """Return the one function of the notebook through which a change is made; None where it is not one."""
    found = [
        statement.node
        for statement in analysis.statements()
        for each in statement.definitions
        if each.name == definition.through and each.kind != "mutate"
    ]
    return found[0] if len(found) == 1 and isinstance(found[0], ast.FunctionDef) else None


def _root(node: ast.expr) -> ast.expr:
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    return node
