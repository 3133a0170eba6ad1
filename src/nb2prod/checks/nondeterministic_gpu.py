"""nondeterministic-gpu: a switch lets the graphics card compute something slightly different in every run."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.diagnostics import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.notebook.location import Location

# The switch, and the value with which two runs differ.
_ATTRIBUTES = {"torch.backends.cudnn.benchmark": True, "torch.backends.cudnn.deterministic": False}
_CALL = "torch.use_deterministic_algorithms"


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield each switch at the line that sets it last, if that makes runs differ."""
    if "torch" not in analysis.notebook.text:
        return
    last: dict[str, tuple[bool, str, Location]] = {}
    for name, value, location in _settings(analysis):
        last[name] = (value == _ATTRIBUTES.get(name, False), f"`{name}` = {value}", location)
    for differs, shown, location in last.values():
        if differs:
            yield Finding(
                location, f"{shown}: two runs with one seed give different results; say so, or switch it back"
            )


def _settings(analysis: Analysis) -> Iterator[tuple[str, bool, Location]]:
    """Yield the switches that are set to a literal, in written order."""
    for statement in analysis.statements():
        match statement.node:
            case ast.Assign(targets=[ast.Attribute() as target], value=ast.Constant(value=bool() as value)):
                name = analysis.qualified_name(target)
                if name in _ATTRIBUTES:
                    yield name, value, statement.location
            case ast.Expr(value=ast.Call(func=function, args=[ast.Constant(value=bool() as value), *_])):
                if analysis.qualified_name(function) == _CALL:
                    yield _CALL, value, statement.location
