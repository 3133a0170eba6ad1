"""nondeterministic-gpu: a switch lets the graphics card compute something slightly different in every run."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.diagnostics import Applicability, Finding, Fix
from nb2prod.edits import replaced

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.dataflow.model import Statement

# The switch, and the value with which two runs differ.
_ATTRIBUTES = {"torch.backends.cudnn.benchmark": True, "torch.backends.cudnn.deterministic": False}
_CALL = "torch.use_deterministic_algorithms"


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield each switch at the line that sets it last, if that makes runs differ."""
    if "torch" not in analysis.notebook.text:
        return
    last = {name: (value, statement) for name, value, statement in _settings(analysis)}
    for name, (value, statement) in last.items():
        if value.value == _ATTRIBUTES.get(name, False):
            fix = Fix("switch it back", (replaced(statement.cell, value, str(not value.value)),), Applicability.UNSAFE)
            yield Finding(
                statement.location,
                f"`{name}` = {value.value}: two runs with one seed give different results; say so, or switch it back",
                fix=fix,
            )


def _settings(analysis: Analysis) -> Iterator[tuple[str, ast.Constant, Statement]]:
    """Yield the switches that are set to a literal, with the literal, in written order."""
    for statement in analysis.statements():
        match statement.node:
            case ast.Assign(targets=[ast.Attribute() as target], value=ast.Constant(value=bool()) as value):
                name = analysis.qualified_name(target)
                if name in _ATTRIBUTES:
                    yield name, value, statement
            case ast.Expr(value=ast.Call(func=function, args=[ast.Constant(value=bool()) as value, *_])):
                if analysis.qualified_name(function) == _CALL:
                    yield _CALL, value, statement
