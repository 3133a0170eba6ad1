"""What methods of polars' tables do that those of pandas' do not."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.learning.assignment import literal_names, without
from nb2prod.learning.knowledge import knowledge
from nb2prod.learning.masks import mask_of
from nb2prod.learning.values import Data, Fit, Learned
from nb2prod.notebook.tree import nodes

if TYPE_CHECKING:
    from nb2prod.learning.calls import Arguments
    from nb2prod.learning.run import Run

TRAIT = "polars"
_SAME = frozenset({"cast", "clone", "collect", "fill_null", "lazy", "sort", "to_numpy", "with_columns"})
_FEWER = frozenset({"drop_nulls", "filter", "limit", "unique"})


def frame_call(run: Run, node: ast.Call, data: Data, method: str, given: Arguments) -> Data | None:
    """Return what a method of a table of polars returns; None where it is none of these."""
    if method == "drop":
        found = [literal_names(each) for each in given.positional]
        return without(data, None if None in found else frozenset().union(*(each or () for each in found)))
    if method == "select":
        return _selected(data, node)
    if method == "to_pandas":
        return data._replace(traits=data.traits - {TRAIT})
    if method in _SAME:
        return data._replace(learned=data.learned | {Learned(fit) for fit in _figures(run, node, data)})
    if method == "filter" and len(node.args) == 1 and (mask := mask_of(node.args[0])) is not None:
        part = data.rows.part(("mask", mask.key, mask.side), run.place(node), shuffled=mask.shuffled)
        return data._replace(rows=part)
    if method in _FEWER:
        return data._replace(rows=data.rows.some())
    return None


def _selected(data: Data, node: ast.Call) -> Data:
    """``select`` of all columns, or of all but some; of others nobody knows which."""
    match node.args:
        case [ast.Call(func=ast.Attribute(attr="all"), args=[])]:
            return data
        case [ast.Call(func=ast.Attribute(value=ast.Call(func=ast.Attribute(attr="all")), attr="exclude"), args=gone)]:
            names = [each.value for each in gone if isinstance(each, ast.Constant)]
            return without(data, frozenset(names) if len(names) == len(gone) else None)
        case _:
            return data._replace(columns=None)


def _figures(run: Run, node: ast.Call, data: Data) -> list[Fit]:
    """Return the figures of whole columns that go into an expression: ``pl.col("speed").mean()``."""
    return [
        Fit(None, "learns", data, None, run.place(each), each.func.attr, tuple(run.loops))
        for argument in (*node.args, *(keyword.value for keyword in node.keywords))
        for each in nodes(argument)
        if isinstance(each, ast.Call)
        and isinstance(each.func, ast.Attribute)
        and knowledge().has("methods.statistics", each.func.attr)
        and isinstance(each.func.value, ast.Call)
    ]
