"""nondeterministic-gpu: a switch lets the graphics card compute something slightly different in every run."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.diagnostics import Applicability, Finding, Fix
from nb2prod.edits import replaced
from nb2prod.literals import argument, is_constant
from nb2prod.records import NamedTuple
from nb2prod.words import words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.notebook.location import Location
    from nb2prod.notebook.model import CodeCell

# The switch, and the value with which two runs differ.
_ATTRIBUTES = {"torch.backends.cudnn.benchmark": True, "torch.backends.cudnn.deterministic": False}
_RULE = "nondeterministic-gpu"
_CALL = "torch.use_deterministic_algorithms"


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield each switch at the line that sets it last, if that makes runs differ."""
    if not analysis.mentions("torch", "lightning"):
        return
    yield from _trainers(analysis)
    last = {name: (value, where) for name, value, where in _settings(analysis)}
    for name, (value, where) in last.items():
        if value.value == _ATTRIBUTES.get(name, False):
            fix = Fix("switch it back", (replaced(where.cell, value, str(not value.value)),), Applicability.UNSAFE)
            yield Finding(
                where.location,
                f"`{name}` = {value.value}: two runs with one seed give different results; say so, or switch it back",
                fix=fix,
            )


def _trainers(analysis: Analysis) -> Iterator[Finding]:
    """Yield trainers of Lightning that are told to try which algorithm is fastest."""
    known = words(_RULE)["trainers"] if analysis.mentions("benchmark") else ()
    for call in analysis.calls_of(*sorted(known)):
        if is_constant(argument(analysis, call, "benchmark"), value=True) and not is_constant(
            argument(analysis, call, "deterministic"), value=True
        ):
            yield Finding(
                call.location,
                "`benchmark=True`: two runs with one seed give different results; say so, or pass `deterministic=True`",
            )


class _Place(NamedTuple):
    """Where a switch is set."""

    cell: CodeCell
    node: ast.stmt

    @property
    def location(self) -> Location:
        return self.cell.locate(self.node)


def _settings(analysis: Analysis) -> Iterator[tuple[str, ast.Constant, _Place]]:
    """Yield the switches that are set to a literal, with the literal, in written order, functions included."""
    for statement in analysis.statements():
        found = [node for node in analysis.nodes(statement.node) if isinstance(node, (ast.Assign, ast.Expr))]
        for node in sorted(found, key=lambda each: (each.lineno, each.col_offset)):
            match node:
                case ast.Assign():
                    for target, value in _pairs(node):
                        name = analysis.qualified_name(target) if isinstance(target, ast.Attribute) else None
                        if name in _ATTRIBUTES and isinstance(value, ast.Constant) and isinstance(value.value, bool):
                            yield name, value, _Place(statement.cell, node)
                case ast.Expr(value=ast.Call(func=function, args=[ast.Constant(value=bool()) as value, *_])):
                    if analysis.qualified_name(function) == _CALL:
                        yield _CALL, value, _Place(statement.cell, node)


def _pairs(node: ast.Assign) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Yield targets and values: ``a, b = True, False`` is two."""
    for target in node.targets:
        if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
            yield from zip(target.elts, node.value.elts, strict=False)
        else:
            yield target, node.value
