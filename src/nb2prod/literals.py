"""Literals: the text an expression is written to have, followed through assignments, joins and formats."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nb2prod.analysis import Analysis

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
