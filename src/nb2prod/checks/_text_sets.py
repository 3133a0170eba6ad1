"""Which expressions are sets that hold texts: their order differs from run to run."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nb2prod.analysis import Analysis

_MAKES_TEXT = frozenset({"split", "splitlines", "lower", "upper", "strip", "title", "replace", "join", "capitalize"})
_COMBINES = frozenset({"union", "intersection", "difference", "symmetric_difference", "copy"})
# How far names are followed.
_DEPTH = 5


def is_set_of_text(analysis: Analysis, node: ast.expr, depth: int = _DEPTH) -> bool:
    """Whether an expression surely is a set that holds texts: the order of small numbers is the same in each run."""
    match node:
        case ast.Set(elts=elements):
            return len(elements) > 1 and any(_is_text(analysis, each, depth) for each in elements)
        case ast.SetComp(elt=element):
            return _is_text(analysis, element, depth)
        case ast.Call(func=ast.Name(id="set" | "frozenset"), args=[source]):
            return _holds_text(analysis, source, depth)
        case ast.Call(func=ast.Attribute(value=value, attr=attr)) if attr in _COMBINES:
            return is_set_of_text(analysis, value, depth)
        case ast.BinOp(left=left, op=ast.Sub() | ast.BitOr() | ast.BitAnd() | ast.BitXor()):
            return is_set_of_text(analysis, left, depth)
        case ast.Name() if depth and (bound := _value(analysis, node)) is not None:
            return is_set_of_text(analysis, bound, depth - 1)
    return False


def _holds_text(analysis: Analysis, node: ast.expr, depth: int) -> bool:
    match node:
        case ast.List(elts=[first, *_]) | ast.Tuple(elts=[first, *_]) | ast.Set(elts=[first, *_]):
            return _is_text(analysis, first, depth)
        case ast.Constant(value=str()):
            return True
        case ast.Call(func=ast.Attribute(attr="split" | "splitlines")):
            return True
        case ast.ListComp(elt=element) | ast.GeneratorExp(elt=element) | ast.SetComp(elt=element):
            return _is_text(analysis, element, depth)
        case ast.Attribute(value=value, attr="columns"):
            return analysis.qualified_name(value) == "pandas.DataFrame"
        case ast.BinOp(left=left, op=ast.Add()):
            return _holds_text(analysis, left, depth)
        case ast.Name() if depth and (bound := _value(analysis, node)) is not None:
            return _holds_text(analysis, bound, depth - 1)
    return False


def _is_text(analysis: Analysis, node: ast.expr, depth: int) -> bool:
    match node:
        case ast.Constant(value=value):
            return isinstance(value, str)
        case ast.JoinedStr():
            return True
        case ast.Call(func=ast.Attribute(attr=attr)):
            return attr in _MAKES_TEXT - {"split", "splitlines"}
        case ast.Call(func=ast.Name(id="str")):
            return True
        case ast.Tuple(elts=[first, *_]):
            return _is_text(analysis, first, depth)
    return False


def _value(analysis: Analysis, node: ast.Name) -> ast.expr | None:
    """Return what the only assignment that reaches a name binds it to."""
    use = analysis.use_at(node)
    reaching = analysis.flow.reaching(use) if use is not None else ()
    binding = [each for each in reaching if each.kind != "mutate"]
    if len(binding) == 1:
        match analysis.statements()[binding[0].statement].node:
            case ast.Assign(targets=[ast.Name()], value=value):
                return value
    return None
