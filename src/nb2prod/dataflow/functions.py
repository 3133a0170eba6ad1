"""What is called by a name in a notebook: its own functions, and what it imports."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from nb2prod.records import Record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nb2prod.dataflow.callees import FunctionNode
    from nb2prod.dataflow.model import NamedFunction, Statement

_NO_BINDING = frozenset({"import", "mutate", "delete"})


class Function(Record):
    """A function, method or named lambda.

    plain   a call runs the body as it stands, at once
    method  its first parameter is not among the arguments written
    """

    name: Final[str]
    node: Final[FunctionNode]
    statement: Final[Statement]
    plain: Final[bool]
    method: Final[bool] = False


def function_of(named: NamedFunction, statement: Statement) -> Function:
    """Return what is known of a function that stands in ``statement``."""
    name, node, kind = named
    return Function(name, node, statement, _is_plain(node, kind, statement), _takes_object(node, kind))


def _is_plain(node: FunctionNode, kind: str, statement: Statement) -> bool:
    """Whether a call runs the body as it stands, at once."""
    if isinstance(node, ast.Lambda):
        return True
    decorators = {each.id if isinstance(each, ast.Name) else "" for each in node.decorator_list}
    if kind == "constructor":
        return not decorators
    if decorators and not (kind == "method" and decorators <= {"staticmethod", "classmethod", "property"}):
        return False
    # A generator has not run when its call is over.
    return isinstance(statement.node, ast.ClassDef) or not statement.leaves_work


def _takes_object(node: FunctionNode, kind: str) -> bool:
    """Whether the first parameter is not among the arguments written."""
    return kind != "function" and not any(
        isinstance(each, ast.Name) and each.id == "staticmethod" for each in getattr(node, "decorator_list", ())
    )


def imports_of(statements: Sequence[Statement]) -> tuple[dict[str, str], frozenset[str]]:
    """Return what names stand for that are imported anywhere, and the module-level names that are imports only."""
    libraries: dict[str, str] = {}
    others: set[str] = set()
    imported: set[str] = set()
    for statement in statements:
        for name, qualified in statement.inner_imports:
            libraries.setdefault(name, qualified)
        here: set[str] = set()
        for each in statement.definitions:
            if each.kind == "import":
                here.add(each.name)
                libraries.setdefault(each.name, each.qualified or each.name)
        # What an import's own statement puts in its place is none: ``except ImportError: x = None``.
        others.update(
            each.name
            for each in (*statement.definitions, *statement.global_writes)
            if each.kind not in _NO_BINDING and each.name not in here
        )
        imported |= here
    return libraries, frozenset(imported - others)
