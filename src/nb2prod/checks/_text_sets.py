"""Which expressions are sets, and which hold texts: their order differs from run to run."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.operations import operations

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nb2prod.analysis import Analysis

_MAKES_TEXT = frozenset({"split", "splitlines", "lower", "upper", "strip", "title", "replace", "join", "capitalize"})
_COMBINES = frozenset({"union", "intersection", "difference", "symmetric_difference", "copy"})
# Methods of a column that only texts have a use for where they are given one.
_ASKS_FOR_TEXT = frozenset({"isin", "eq", "ne", "fillna"})
# How far names are followed.
_DEPTH = 5


def is_set_of_text(analysis: Analysis, node: ast.expr, depth: int = _DEPTH) -> bool:
    """Whether an expression surely is a set that holds texts: the order of small numbers is the same in each run."""
    match node:
        case ast.Set(elts=elements):
            return len(elements) > 1 and any(_is_text(analysis, each, depth) for each in elements)
        case ast.SetComp(elt=element, generators=generators):
            return _is_text(analysis, element, depth, generators)
        case ast.Call(func=ast.Name(id="set" | "frozenset"), args=[source]):
            return _holds_text(analysis, source, depth)
        # Views of keys are no sets, what is made of two is: names of columns, mostly.
        case ast.BinOp(left=left, op=ast.Sub() | ast.BitOr() | ast.BitAnd() | ast.BitXor(), right=right) if _is_view(
            left
        ) and _is_view(right):
            return True
        case ast.Call(func=ast.Attribute(value=value, attr=attr)) if attr in _COMBINES:
            return is_set_of_text(analysis, value, depth)
        case ast.BinOp(left=left, op=ast.Sub() | ast.BitOr() | ast.BitAnd() | ast.BitXor()):
            return is_set_of_text(analysis, left, depth)
        case ast.Name() if depth and (bound := _value(analysis, node)) is not None:
            return is_set_of_text(analysis, bound, depth - 1)
    return False


def is_set(analysis: Analysis, node: ast.expr, depth: int = _DEPTH) -> bool:
    """Whether an expression surely is a set, of whatever, numbers excepted that are written out."""
    match node:
        case ast.SetComp():
            return True
        case ast.Call(func=ast.Name(id="set" | "frozenset"), args=[source]):
            return not _holds_numbers(source)
        case ast.BinOp(left=left, op=ast.Sub() | ast.BitOr() | ast.BitAnd() | ast.BitXor()):
            return is_set(analysis, left, depth)
        case ast.Name() if depth and (bound := _value(analysis, node)) is not None:
            return is_set(analysis, bound, depth - 1)
    return False


def _is_view(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "keys"


def _holds_numbers(node: ast.expr) -> bool:
    match node:
        case ast.List(elts=[first, *_]) | ast.Tuple(elts=[first, *_]):
            return isinstance(first, ast.Constant) and not isinstance(first.value, str)
        case ast.Call(func=ast.Name(id="range")) | ast.Call(func=ast.Attribute(attr="arange" | "randint")):
            return True
    return False


def _holds_text(analysis: Analysis, node: ast.expr, depth: int) -> bool:
    match node:
        case ast.List(elts=[first, *_]) | ast.Tuple(elts=[first, *_]) | ast.Set(elts=[first, *_]):
            return _is_text(analysis, first, depth)
        case ast.Constant(value=str()):
            return True
        case ast.Call(func=ast.Attribute(attr="split" | "splitlines")):
            return True
        # Paths have the hashes of texts.
        case ast.Call(func=ast.Attribute(attr=attr) | ast.Name(id=attr)) if attr in operations().listing:
            return True
        case ast.Call(func=ast.Attribute(value=value, attr="unique" | "tolist" | "to_list" | "dropna"), args=[]):
            return _holds_text(analysis, value, depth)
        case ast.Call(func=ast.Attribute(value=value, attr="keys"), args=[]):
            return _holds_text(analysis, value, depth)
        case ast.Dict(keys=[ast.Constant(value=str()), *_]):
            return True
        case ast.Call(func=ast.Name(id="list" | "tuple"), args=[source]):
            return _holds_text(analysis, source, depth)
        case ast.Subscript(slice=ast.Constant(value=str(name))):
            return _is_text_column(analysis, name)
        case (
            ast.ListComp(elt=element, generators=generators)
            | ast.GeneratorExp(elt=element, generators=generators)
            | ast.SetComp(elt=element, generators=generators)
        ):
            return _is_text(analysis, element, depth, generators)
        case ast.Attribute(attr="columns"):
            return True
        case ast.BinOp(left=left, op=ast.Add()):
            return _holds_text(analysis, left, depth)
        case ast.Name() if depth and (bound := _value(analysis, node)) is not None:
            return _holds_text(analysis, bound, depth - 1)
    return False


def _is_text(analysis: Analysis, node: ast.expr, depth: int, generators: Sequence[ast.comprehension] = ()) -> bool:
    """Whether an expression is a text; ``generators`` are those of the comprehension that makes it."""
    match node:
        case ast.Name(id=name) if generators and depth:
            *outer, last = generators
            if isinstance(last.target, ast.Name) and last.target.id == name:
                return _yields_text(analysis, last.iter, depth - 1, outer)
            return _is_text(analysis, node, depth - 1, outer)
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


def _yields_text(analysis: Analysis, node: ast.expr, depth: int, outer: Sequence[ast.comprehension]) -> bool:
    """Whether texts come out of what a comprehension goes over, which the loops around it may give: their lists."""
    if isinstance(node, ast.Name) and outer:
        *further, last = outer
        if isinstance(last.target, ast.Name) and last.target.id == node.id:
            rows = _value(analysis, last.iter) if isinstance(last.iter, ast.Name) else last.iter
            match rows:
                case ast.List(elts=[first, *_]) | ast.Tuple(elts=[first, *_]) | ast.ListComp(elt=first):
                    return _holds_text(analysis, first, depth)
            return False
        return _yields_text(analysis, node, depth, further)
    return _holds_text(analysis, node, depth)


def _is_text_column(analysis: Analysis, name: str) -> bool:
    """Whether the notebook treats a column as text anywhere: ``df[name].str``, ``df[name] == "new"``."""
    trees = [cell.tree for cell in analysis.notebook.code_cells if cell.tree is not None and name in cell.source]
    for tree in trees:
        for node in analysis.nodes_of(tree, ast.Attribute):
            if node.attr == "str" and _is_column(node.value, name):
                return True
        for compared in analysis.nodes_of(tree, ast.Compare):
            if _is_column(compared.left, name) and any(_is_written_text(each) for each in compared.comparators):
                return True
        for call in analysis.nodes_of(tree, ast.Call):
            match call:
                case ast.Call(func=ast.Attribute(value=value, attr=attr), args=[given, *_]):
                    if attr in _ASKS_FOR_TEXT and _is_column(value, name) and _is_written_text(given):
                        return True
                case _:
                    pass
    return False


def _is_column(node: ast.expr, name: str) -> bool:
    match node:
        case ast.Subscript(slice=ast.Constant(value=value)):
            return value == name
        case ast.Attribute(value=ast.Name(), attr=attr):
            return attr == name
    return False


def _is_written_text(node: ast.expr) -> bool:
    """Whether a text is written here, or a list of them."""
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        return bool(node.elts) and _is_written_text(node.elts[0])
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


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
