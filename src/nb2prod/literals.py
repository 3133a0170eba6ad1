"""Literals: what an expression, or an argument, is written to be, followed through assignments, joins and formats."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nb2prod.analysis import Analysis, Call

HOLE = "{}"
"""Stands in a text for a part that only a run can tell."""

_DEPTH = 6  # `BASE + NAME + ".csv"` through three constants; more nobody writes


def written_text(analysis: Analysis, node: ast.expr, depth: int = _DEPTH) -> str | None:
    """Return the text of a string expression, with ``HOLE`` where that is unknown; None if nothing is known of it."""
    match node:
        case ast.Constant(value=str() as text):
            return text
        case ast.JoinedStr(values=parts):
            inner = (part.value if isinstance(part, ast.FormattedValue) else part for part in parts)
            return "".join(_or_hole(analysis, part, depth) for part in inner)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            both = _or_hole(analysis, left, depth) + _or_hole(analysis, right, depth)
            return both if both.strip(HOLE) else None
        case ast.BinOp(left=ast.Constant(value=str() as text), op=ast.Mod()):
            return text.replace("%s", HOLE).replace("%d", HOLE)
        case ast.Call(func=ast.Attribute(value=ast.expr() as template, attr="format")):
            return written_text(analysis, template, depth)
        case ast.Name() if depth:
            return _assigned_text(analysis, node, depth)
    return None


def written_value(analysis: Analysis, node: ast.expr, depth: int = _DEPTH) -> ast.expr:
    """Return the expression that a name is bound to, where it is bound once and never changed; else ``node`` itself.

    For its value, not its place: it may stand in another cell.
    """
    if not isinstance(node, ast.Name) or not depth:
        return node
    use = analysis.use_at(node)
    reaching = analysis.flow.reaching(use) if use is not None else ()
    if len(reaching) == 1:
        match analysis.statements()[reaching[0].statement].node:
            case (
                ast.Assign(targets=[ast.Name()], value=value)
                | ast.AnnAssign(target=ast.Name(), value=ast.expr() as value)
            ):
                return written_value(analysis, value, depth - 1)
    return node


def argument(analysis: Analysis, call: Call, *names: str) -> ast.expr | None:
    """Return the argument of a call under the first of ``names`` that is given, as ``written_value`` gives it.

    Also where it is handed over in a dictionary that is written out: ``load(path, **options)``.
    """
    for name in names:
        if name in call.arguments:
            return written_value(analysis, call.arguments[name])
    if call.has_star_arguments:
        for keyword in call.node.keywords:
            given = written_items(analysis, keyword.value) if keyword.arg is None else {}
            for name in names:
                if name in given:
                    return written_value(analysis, given[name])
    return None


def written_items(analysis: Analysis, node: ast.expr) -> dict[str, ast.expr]:
    """Return what a dictionary that is written out holds under texts: ``{"a": 1}``, ``dict(a=1)``; none of others."""
    match written_value(analysis, node):
        case ast.Dict(keys=keys, values=values):
            return {
                key.value: value
                for key, value in zip(keys, values, strict=True)
                if isinstance(key, ast.Constant) and isinstance(key.value, str)
            }
        case ast.Call(func=ast.Name(id="dict"), args=[], keywords=keywords):
            return {each.arg: each.value for each in keywords if each.arg is not None}
    return {}


def is_constant(node: ast.expr | None, *, value: object) -> bool:
    """Return whether ``node`` is a literal of this value and its type."""
    return isinstance(node, ast.Constant) and type(node.value) is type(value) and node.value == value


def _or_hole(analysis: Analysis, node: ast.expr, depth: int) -> str:
    text = written_text(analysis, node, depth)
    return HOLE if text is None else text


def _assigned_text(analysis: Analysis, node: ast.Name, depth: int) -> str | None:
    use = analysis.use_at(node)
    reaching = analysis.flow.reaching(use) if use is not None else ()
    if len(reaching) == 1:
        match analysis.statements()[reaching[0].statement].node:
            case ast.Assign(targets=[ast.Name()], value=value):
                return written_text(analysis, value, depth - 1)
            case ast.AnnAssign(target=ast.Name(), value=ast.expr() as value):
                return written_text(analysis, value, depth - 1)
    return None
