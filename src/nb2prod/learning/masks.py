"""Conditions on rows, known by what they say: two that say the opposite divide the rows."""

from __future__ import annotations

import ast

from nb2prod.learning.values import Mask

_NEGATED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.GtE: ast.Lt,
    ast.Gt: ast.LtE,
    ast.NotEq: ast.Eq,
    ast.NotIn: ast.In,
    ast.IsNot: ast.Is,
}

# Methods of columns that say of each row whether something holds: pandas' and polars'.
_ASKED = frozenset(
    (
        *("isin", "isnull", "notnull", "isna", "notna", "between"),
        *("is_in", "is_null", "is_not_null", "is_nan", "is_not_nan", "is_between"),
    )
)


def condition(node: ast.Compare) -> tuple[str, bool]:
    """Return what a comparison says, and False where it says the opposite."""
    op = node.ops[0]
    opposite = len(node.ops) == 1 and type(op) in _NEGATED
    word = _NEGATED[type(op)].__name__ if opposite else "/".join(type(each).__name__ for each in node.ops)
    operands = [ast.dump(each) for each in (node.left, *node.comparators)]
    return f"{word}:{':'.join(operands)}", not opposite


def mask_of(node: ast.expr) -> Mask | None:
    """Return the condition that ``node`` spells out, if it does."""
    match node:
        case ast.Compare():
            text, side = condition(node)
            return Mask(text, side, "random" in text)
        case ast.UnaryOp(op=ast.Invert(), operand=operand):
            inner = mask_of(operand)
            return None if inner is None else Mask(inner.key, not inner.side, inner.shuffled)
        case ast.Call(func=ast.Attribute(attr=asked)) if asked in _ASKED:
            return Mask(ast.dump(node))
        case _:
            return None


def written_mask(node: ast.expr) -> Mask | None:
    """Return the condition in the argument of ``query``: a text in the words of Python, without names from outside."""
    if not (isinstance(node, ast.Constant) and isinstance(node.value, str)):
        return None
    try:
        tree = ast.parse(node.value.strip(), mode="eval")
    except (SyntaxError, ValueError):
        return None
    return mask_of(tree.body)
