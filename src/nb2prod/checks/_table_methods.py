"""Methods of what is computed from a table: of which class it is nobody may know, what they do they tell by name."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.libraries import UNKNOWN, effects_given

if TYPE_CHECKING:
    from nb2prod.analysis import Analysis, Call

# `sales.groupby("shop")["units"].mean()` is a series, or a table where the groups are no index.
_CLASSES = (
    "pandas.DataFrame", "pandas.Series", "pandas.Index", "pandas.core.groupby.DataFrameGroupBy",
    "pandas.core.groupby.SeriesGroupBy", "pandas.core.resample.Resampler", "pandas.core.window.rolling.Rolling",
)  # fmt: skip
_LIBRARIES = ("pandas.", "numpy.")
_HARMLESS = frozenset({"pure", "does-not-retain"})
_DEPTH = 8


def is_of_table(analysis: Analysis, call: Call) -> bool:
    """Return whether a call nobody knows is a method of what is computed from a table, and only gives its value."""
    if call.info is not None or call.has_star_arguments or not isinstance(call.node.func, ast.Attribute):
        return False
    known = [analysis.libraries.call(f"{name}.{call.node.func.attr}") for name in _CLASSES]
    values = {name: each.value if isinstance(each, ast.Constant) else UNKNOWN for name, each in call.arguments.items()}
    effects = [effects_given(each, values, if_unknown=True) for each in known if each is not None]
    return (
        bool(effects)
        and all(each and each <= _HARMLESS for each in effects)
        and _is_from_table(analysis, call.node.func.value, _DEPTH)
    )


def _is_from_table(analysis: Analysis, node: ast.expr, depth: int) -> bool:
    """Whether an expression comes, by methods, parts and arithmetic, from what pandas or NumPy gave."""
    if depth <= 0:
        return False
    if (analysis.qualified_name(node.func if isinstance(node, ast.Call) else node) or "").startswith(_LIBRARIES):
        return True
    match node:
        case ast.Call(func=ast.Attribute(value=value)) | ast.Attribute(value=value) | ast.Subscript(value=value):
            return _is_from_table(analysis, value, depth - 1)
        case ast.BinOp(left=left, right=right):
            return any(_is_from_table(analysis, each, depth - 1) for each in (left, right))
        case ast.UnaryOp(operand=operand):
            return _is_from_table(analysis, operand, depth - 1)
        case ast.Name():
            return _is_made_of_table(analysis, node, depth)
        case _:
            return False


def _is_made_of_table(analysis: Analysis, name: ast.Name, depth: int) -> bool:
    use = analysis.use_at(name)
    reaching = analysis.flow.reaching(use) if use is not None else ()
    made = [analysis.statements()[each.statement].node for each in reaching if each.kind != "mutate"]
    values = [each.value for each in made if isinstance(each, ast.Assign) and isinstance(each.targets[0], ast.Name)]
    return bool(values) and len(values) == len(made) and all(
        _is_from_table(analysis, each, depth - 1) for each in values
    )  # fmt: skip
