"""Scores and probabilities known by their names: columns, parameters and words of a query."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

WORDS = ("prob", "score", "confidence")
_PROBABILITIES = frozenset({"confidence", "prob", "proba", "probability", "probabilities", "probs"})
# Whose score it is; those of metrics (`f1_score`, `test_score`) and of games are other numbers.
_SCORED = frozenset(
    {"anomaly", "churn", "default", "fraud", "model", "pred", "predicted", "propensity", "risk", "spam"}
)
_USUAL = (0, 0.5, 1)


def by_name(parts: list[ast.AST]) -> Iterator[tuple[ast.AST, float]]:
    """Yield the comparisons of a column, parameter or probability with a literal below 1, where it stands, and that."""
    given = {each.arg for each in parts if isinstance(each, ast.arg)}
    for part in parts:
        match part:
            case ast.Compare():
                value = _threshold(part, given)
            case ast.Call(func=ast.Attribute(attr="query"), args=[ast.Constant(value=str(text)), *_]):
                value = _in_query(text)
            case _:
                continue
        if value is not None:
            yield part, value


def _threshold(node: ast.Compare, given: Collection[str]) -> float | None:
    if len(node.ops) != 1 or not isinstance(node.ops[0], (ast.Gt, ast.GtE, ast.Lt, ast.LtE)):
        return None
    for one, other in ((node.left, node.comparators[0]), (node.comparators[0], node.left)):
        value = _share(other)
        if value is not None and _is_score(one, given):
            return value
    return None


def _in_query(text: str) -> float | None:
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError):
        return None
    names = {each.id for each in ast.walk(tree) if isinstance(each, ast.Name)}
    found = (_threshold(each, names) for each in ast.walk(tree) if isinstance(each, ast.Compare))
    return next((each for each in found if each is not None), None)


def _is_score(node: ast.expr, given: Collection[str]) -> bool:
    match node:
        case ast.Name(id=name):
            return _is_probability(name) or (name in given and _is_scored(name))
        case ast.Subscript(value=ast.Name(), slice=ast.Constant(value=str(name))):
            return _is_probability(name) or _is_scored(name)
        case ast.Call(func=ast.Attribute(attr="col") | ast.Name(id="col"), args=[ast.Constant(value=str(name))]):
            return _is_probability(name) or _is_scored(name)
        case ast.Attribute(value=ast.Name(), attr=name):
            return _is_probability(name)
        case _:
            return False


def _is_probability(name: str) -> bool:
    return not _PROBABILITIES.isdisjoint(name.lower().split("_"))


def _is_scored(name: str) -> bool:
    *owner, last = name.lower().split("_")
    return last == "score" and (not owner or not _SCORED.isdisjoint(owner))


def _share(node: ast.expr) -> float | None:
    """Return a literal between -1 and 1 that is none of the usual bounds."""
    sign = 1
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        sign, node = -1, node.operand
    if not isinstance(node, ast.Constant) or not isinstance(node.value, float):
        return None
    return sign * node.value if node.value < 1 and node.value not in _USUAL else None
