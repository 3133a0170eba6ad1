"""Functions handed to what calls them at once (`rows.apply(rate)`), and what they read that is bound further down."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from nb2prod.dataflow.paths import surely_runs
from nb2prod.dataflow.unbound import Search

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.dataflow.flow import Flow
    from nb2prod.dataflow.model import Statement
    from nb2prod.dataflow.unbound import Unbound
    from nb2prod.notebook.model import Notebook

# Methods of tables and columns, and builtins, that call what they are given for each row, group or item.
_METHODS: Final = frozenset({"agg", "aggregate", "apply", "applymap", "filter", "map", "pipe", "sort", "transform"})
_BUILTINS: Final = frozenset({"max", "min", "sorted"})
# Libraries whose methods of these names may keep the function for later.
_LATER: Final = ("apache_beam", "dask", "modin", "pyspark", "ray", "rx", "streamlit")


def handed_names(notebook: Notebook, flow: Flow) -> tuple[Unbound, ...]:
    """Return the names that a function reads before they are bound where it is handed to what calls it at once.

    It is called if there is a row to call it for, which nobody knows. Of notebooks with a library that may call it
    later nothing is said.
    """
    imported = {
        (each.qualified or "").partition(".")[0]
        for statement in flow.order
        for each in statement.definitions
        if each.kind == "import"
    }
    if not imported.isdisjoint(_LATER):
        return ()
    handed = [
        (rank, statement, function)
        for rank, statement in enumerate(flow.order)
        if statement.calls
        for function in _handed(statement)
    ]
    if not handed:
        return ()
    search = Search(notebook, flow)
    found = [each for rank, statement, function in handed for each in _unbound(search, rank, statement, function)]
    return tuple({each.name: each for each in reversed(found)}.values())[::-1]


def _handed(statement: Statement) -> Iterator[ast.Name | ast.Lambda]:
    """Yield the functions that a statement hands over, where it surely does."""
    for call, deferred in statement.calls:
        match call.func:
            case ast.Attribute(attr=name) if name in _METHODS:
                given = call.args[:1] + [each.value for each in call.keywords if each.arg in {"func", "key"}]
            case ast.Name(id=name) if name in _BUILTINS:
                given = [each.value for each in call.keywords if each.arg == "key"]
            case _:
                continue
        for each in given:
            if not deferred and isinstance(each, (ast.Name, ast.Lambda)) and surely_runs(statement.node, call):
                yield each


def _unbound(search: Search, rank: int, statement: Statement, function: ast.Name | ast.Lambda) -> Iterator[Unbound]:
    if isinstance(function, ast.Name):
        for use in statement.uses:
            if use.node is function and use.name in search.risky:
                yield from search.judged((rank, read, use) for read in search.reads_when_called(use, rank, set()))
        return
    inside = {id(each) for each in ast.walk(function.body)}
    reads = [
        (rank, use, None)
        for use in statement.uses
        if id(use.node) in inside and isinstance(use.node, ast.Name) and search.is_bound_after(use.name, rank)
    ]
    yield from search.judged(reads, function)
