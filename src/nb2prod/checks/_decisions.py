"""Decisions that are made where a figure passes a number: what somebody is told to do, by the words for it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.notebook.tree import nodes
from nb2prod.patterns import lazy_pattern
from nb2prod.words import words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from nb2prod.analysis import Analysis
    from nb2prod.notebook.model import CodeCell

_RULE = "hardcoded-threshold"
_WORD = lazy_pattern(r"[^\W\d_]+")
_ORDERS = (ast.Gt, ast.GtE, ast.Lt, ast.LtE)
_ANSWERS = (ast.Constant, ast.Compare, ast.BoolOp)
# Numbers that say where something begins, or all of it, in whatever unit.
_USUAL = (0, 0.5, 1, 100)


def decided(analysis: Analysis, cell: CodeCell) -> Iterator[tuple[ast.AST, float]]:
    """Yield the comparisons of a cell with a literal number by which a decision is told, and that number."""
    if cell.tree is None:
        return
    compared = {
        id(each): value
        for each in analysis.nodes_of(cell.tree, ast.Compare)
        if isinstance(each.ops[0], _ORDERS)
        for value in (number(each.comparators[-1]), number(each.left))
        if value is not None and value not in _USUAL
    }
    if not compared or not (
        any(_tells(each) for each in analysis.nodes_of(cell.tree, ast.Constant))
        or any(_asks(each.name) for each in analysis.nodes_of(cell.tree, ast.FunctionDef))
    ):
        return
    lists = {
        each.targets[0].id: each.value
        for each in analysis.nodes_of(cell.tree, ast.Assign)
        if isinstance(each.targets[0], ast.Name) and isinstance(each.value, ast.List)
    }
    for kind in (ast.FunctionDef, ast.AsyncFunctionDef, ast.If, ast.IfExp, ast.Call, ast.Assign):
        for node in analysis.nodes_of(cell.tree, kind):
            for test in _tests(node, lists):
                # Once each, whatever it stands in.
                yield from ((each, compared.pop(id(each))) for each in nodes(test) if id(each) in compared)


def _tests(node: ast.AST, lists: Mapping[str, ast.List]) -> Iterator[ast.expr]:
    """Yield the conditions on which ``node`` gives a word for a decision, and nothing but words.

    ``lists`` are those of the cell by their names: `np.select(conditions, choices)`.
    """
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            parts = nodes(node)
            given = [each.value for each in parts if isinstance(each, ast.Return)]
            if len(given) > 1 and _all_told(given):
                yield from (each.test for each in parts if isinstance(each, ast.If))
            elif _asks(node.name) and given and all(isinstance(each, _ANSWERS) for each in given):
                # `def should_alert(degrees): return degrees > 38.5`
                yield from (each.test for each in parts if isinstance(each, ast.If))
                yield from (each for each in given if each is not None)
        case ast.If(test=test, body=[ast.Assign(value=value)]) if _tells(value):
            yield test
        case ast.If(test=test, body=[ast.Expr(value=ast.Call(func=ast.Attribute(attr="append"), args=[value]))]):
            if _tells(value):
                yield test
        case ast.Assign(targets=[ast.Subscript(slice=ast.Tuple(elts=[test, *_]))], value=value) if _tells(value):
            yield test  # `claims.loc[claims["amount"] > 900, "next"] = "review"`
        case ast.IfExp(test=test, body=body, orelse=orelse):
            if _all_told([body, orelse]):
                yield test
        case ast.Call(func=ast.Attribute(attr="where"), args=[test, *given]) if len(given) > 1:
            if _all_told(given):
                yield test
        case ast.Call(func=ast.Attribute(attr="select"), args=[tests, choices, *other]):
            held, told = (lists.get(each.id) if isinstance(each, ast.Name) else each for each in (tests, choices))
            if isinstance(held, ast.List) and isinstance(told, ast.List) and _all_told([*told.elts, *other]):
                yield held
        case ast.Call(func=ast.Attribute(attr="then", value=ast.Call(args=[test, *_])), args=[word, *_]):
            # `pl.when(pl.col("rate") > 0.38).then(pl.lit("reject"))`
            if _tells(_literal(word)):
                yield test
        case _:
            pass


def _asks(name: str) -> bool:
    """Whether a function's name asks for a decision: `should_alert`, `is_suspicious`."""
    asked, *said = name.lower().split("_")
    return asked in words(_RULE)["asking"] and not words(_RULE)["asked"].isdisjoint(said)


def _all_told(given: Sequence[ast.expr | None]) -> bool:
    """Whether all of the values are words, of which one names a decision; of an `if` in an `if` any of them."""
    told = [each for value in given for each in _leaves(value)]
    return any(_tells(each) for each in told) and all(
        isinstance(each, ast.Constant) and isinstance(each.value, str) for each in told
    )


def _leaves(value: ast.expr | None) -> list[ast.expr | None]:
    match value:
        case ast.IfExp(body=body, orelse=orelse) | ast.Call(func=ast.Attribute(attr="where"), args=[_, body, orelse]):
            return [*_leaves(body), *_leaves(orelse)]
        case _:
            return [value]


def _literal(node: ast.expr) -> ast.expr:
    match node:
        case ast.Call(func=ast.Attribute(attr="lit"), args=[word]):
            return word
        case _:
            return node


def _tells(node: ast.expr | None) -> bool:
    """Whether a literal text names a decision, or how high something is: `"manual_review"`, `"high"`."""
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
        return False
    said = {word.lower() for word in _WORD.findall(node.value)}
    known = words(_RULE)
    return bool(said) and (not said.isdisjoint(known["decisions"]) or said <= known["levels"])


def number(node: ast.expr) -> float | None:
    """Return the number that is written out, its sign included; None for anything else."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = number(node.operand)
        return None if value is None else -value
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)) and not isinstance(node.value, bool):
        return node.value
    return None
