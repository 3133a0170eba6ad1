"""The facts of one top-level statement: which module-level names it defines and uses, and how surely."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nb2prod.dataflow.expressions import EXPRESSIONS
from nb2prod.dataflow.model import Definition, Statement, Use
from nb2prod.dataflow.statements import STATEMENTS
from nb2prod.dataflow.walk import Walk

if TYPE_CHECKING:
    import ast

    from nb2prod.notebook.model import CodeCell, Magic


_NOTHING: frozenset[str] = frozenset()


def statement_facts(
    cell: CodeCell, node: ast.stmt, index: int, *, displayed: bool = False, magic: Magic | None = None
) -> Statement:
    """Return the facts of ``node``, the top-level statement number ``index`` of its notebook."""
    walk = Walk(STATEMENTS, EXPRESSIONS)
    walk.statement(node)
    finished = walk.bound
    # Lists, because a tuple made of a generator takes half as long again; this runs for every statement.
    definitions = [
        Definition(name, kind, name in finished if kind != "delete" else name in walk.deleted, index, cell, at, full)
        for name, kind, at, full in walk.definitions
    ]
    uses = [
        Use(
            name,
            deferred,
            exposed,
            not exposed or made or (looping and name in walk.made),
            index,
            cell,
            at,
            owner,
            kept,
        )
        for name, deferred, exposed, made, looping, at, owner, kept in walk.uses
    ]
    return Statement(
        index,
        cell,
        node,
        tuple(definitions),
        tuple(uses),
        tuple([Definition(name, kind, False, index, cell, at) for name, kind, at in walk.global_writes]),  # noqa: FBT003
        walk.dynamic,
        magic,
        displayed,
        tuple(walk.calls),
        walk.leaves_work,
        frozenset(walk.touched) if walk.touched else _NOTHING,
        tuple(walk.functions),
        tuple(walk.imports),
    )
