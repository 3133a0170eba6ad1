"""Where a value comes from, as far as safety asks: the text it is made of, the network, a dump."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.notebook.tree import nodes
from nb2prod.records import NamedTuple

if TYPE_CHECKING:
    from nb2prod.analysis import Analysis, Call

# As far as anybody follows where a file's name comes from.
_DEPTH = 4


class Source(NamedTuple):
    """What an expression is made of: the text in it, and whether the network or a dump gives it."""

    texts: frozenset[str]
    fetched: bool
    dumped: bool


def source_of(analysis: Analysis, node: ast.AST, calls: dict[int, Call], depth: int = _DEPTH) -> Source:
    """Return what ``node`` is made of, names followed to what gives them their value."""
    texts: set[str] = set()
    fetched = dumped = False
    for part in nodes(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str) and _names_data(part.value):
            texts.add(part.value)
            fetched = fetched or part.value.startswith(("http://", "https://", "ftp://"))
        elif isinstance(part, ast.Call) and id(part) in calls:
            call = calls[id(part)]
            fetched = fetched or ("network" in call.effects and "unpickle" not in call.effects)
            dumped = dumped or call.name.rpartition(".")[2] == "dumps"
        elif isinstance(part, ast.Name) and depth and (use := analysis.use_at(part)) is not None:
            for definition in analysis.flow.reaching(use):
                value = _value(analysis.statements()[definition.statement].node, definition.node)
                if value is not None:
                    more = source_of(analysis, value, calls, depth - 1)
                    texts |= more.texts
                    fetched, dumped = fetched or more.fetched, dumped or more.dumped
    return Source(frozenset(texts), fetched, dumped)


def _names_data(text: str) -> bool:
    """Whether a text may name a file: not a mode, an encoding or a separator."""
    return "." in text.strip(".") or "/" in text


def _value(statement: ast.AST, target: ast.AST) -> ast.expr | None:
    """Return the expression that gives ``target`` its value in ``statement``."""
    match statement:
        case ast.Assign(value=value) | ast.AnnAssign(value=ast.expr() as value):
            return value
        case ast.With(items=items):
            return next((each.context_expr for each in items if each.optional_vars is target), None)
        case _:
            return None
