"""What comes of a value when it is computed from itself once more: `x = x.shift(1)`, `df = df.iloc[2:]`."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.words import words

if TYPE_CHECKING:
    from nb2prod.analysis import Analysis

_RULE = "rerun-changes-result"
# Functions that give something else of what they gave.
_CURVES = frozenset({"exp", "expm1", "log", "log10", "log1p", "log2", "sqrt", "square"})
# Methods of tables and columns that give something else of what they gave.
_MOVING = frozenset({"cumsum", "diff", "pct_change", "shift", "transpose"})
_NUMBERS = ("astype", "to_numeric")


def repeated(analysis: Analysis, value: ast.expr, place: ast.expr) -> str | None:
    """Return what it does to compute ``value`` again and put it where its source is; None where it may do nothing."""
    old, shown = place_text(place), ast.unparse(place)
    match value:
        case ast.Subscript(value=ast.Attribute(value=inner, attr="iloc") | inner, slice=part) if (
            place_text(inner) == old
        ):
            return _part(part, shown)
        case ast.Attribute(value=inner, attr="T") if place_text(inner) == old:
            return f"turns `{shown}` over again"
        case ast.Call(func=ast.Attribute(value=inner, attr=method)) if place_text(inner) == old:
            if method == "map" and _is_one_way(value):
                return f"leaves nothing but missing values in `{shown}`: it maps what is mapped already"
            return f"changes `{shown}` again" if method in _MOVING else None
        case ast.Call(args=[first, *rest]):
            return _function(analysis, value, [first, *rest], old, shown)
        case _:
            return None


def _function(analysis: Analysis, call: ast.Call, given: list[ast.expr], old: str, shown: str) -> str | None:
    name = analysis.qualified_name(call.func) or ""
    parts = given[0].elts if isinstance(given[0], (ast.List, ast.Tuple)) else given[:1]
    if name in words(_RULE)["joining"] and any(place_text(each) == old for each in parts):
        across = any(each.arg == "axis" and not _is_zero(each.value) for each in call.keywords)
        kind = ("columns" if across else "rows") if name == "pandas.concat" else "values"
        return f"adds the same {kind} to `{shown}` again"
    if name.startswith("numpy.") and name.removeprefix("numpy.") in _CURVES and place_text(given[0]) == old:
        return f"changes `{shown}` again"
    return None


def fails_on_numbers(value: ast.expr, place: ast.expr) -> bool:
    """Whether a column of text is made one of numbers by methods of texts, which numbers do not have."""
    old = place_text(place)
    made = False
    while isinstance(value, (ast.Call, ast.Attribute, ast.Subscript)):
        if isinstance(value, ast.Call):
            func = value.func
            made = made or (isinstance(func, ast.Attribute) and func.attr in _NUMBERS and _gives_numbers(func, value))
            if isinstance(func, ast.Attribute) and func.attr == "to_numeric" and value.args:
                value = value.args[0]
                continue
        elif isinstance(value, ast.Attribute) and value.attr == "str" and place_text(value.value) == old:
            return made
        value = value.func if isinstance(value, ast.Call) else value.value
    return False


def _gives_numbers(func: ast.Attribute, call: ast.Call) -> bool:
    """Whether a conversion is one to numbers, whatever fails."""
    if func.attr == "to_numeric":
        return True
    kind = ast.unparse(call.args[0]).strip("'\"").rpartition(".")[2] if call.args else ""
    return kind.startswith(("float", "int"))


def place_text(node: ast.expr) -> str:
    """Return a variable or column as text, the same for `df["price"]` and `df.price`; empty for anything else."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=ast.Name(id=name), attr=attr):
            return f"{name}[{attr!r}]"
        case ast.Subscript(value=ast.Name(id=name), slice=part):
            return f"{name}[{ast.unparse(part)}]"
        case _:
            return ""


def _part(part: ast.expr, shown: str) -> str | None:
    """Return what it means to take a part once more: `[2:]`, `[:, 1:]`, `[:-1]`, `["rows"]`."""
    match part:
        case ast.Tuple(elts=elements):
            return next((reason for each in elements if (reason := _cut(each, shown)) is not None), None)
        case ast.Constant(value=int() | str()):
            return f"takes a part of the part: `{shown}` is no longer what it was"
        case _:
            return _cut(part, shown)


def _cut(part: ast.expr, shown: str) -> str | None:
    match part:
        case ast.Slice(lower=ast.Constant(value=int(start)), step=None) if start > 0:
            return f"cuts off more of `{shown}`"
        case ast.Slice(upper=ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int())), step=None):
            return f"cuts off more of `{shown}`"
        case _:
            return None


def _is_one_way(call: ast.Call) -> bool:
    """Whether a table of constants maps to nothing that it maps itself."""
    match call.args:
        case [ast.Dict(keys=[_, *_] as keys, values=values)]:
            if not all(isinstance(each, ast.Constant) for each in (*keys, *values)):
                return False
            known = {each.value for each in keys if isinstance(each, ast.Constant)}
            return known.isdisjoint(each.value for each in values if isinstance(each, ast.Constant))
        case _:
            return False


def _is_zero(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value in (0, "index", "rows")
