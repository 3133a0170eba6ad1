"""What is known of the functions that calls run: summaries of the notebook's own, and what a call gives them."""

from __future__ import annotations

import ast
from bisect import bisect_left
from typing import TYPE_CHECKING, TypeAlias

from nb2prod.dataflow.names import name_table
from nb2prod.records import NamedTuple, Record, made

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

# An object from outside: whether it was given as a parameter, and the parameter's or its module-level name.
Origin: TypeAlias = tuple[bool, str]
Origins: TypeAlias = frozenset[Origin]
FunctionNode: TypeAlias = "ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda"


class Summary(Record):
    """What a call of a function does to objects from outside.

    parameters  positional ones in order
    starred     the name of ``*args``
    defaults    objects of the module that parameters stand for when they are not given
    changed     what it changes in place → whether every call surely does
    returned    what its result may be, or be part of
    """

    parameters: tuple[str, ...] = ()
    starred: str | None = None
    keywords: frozenset[str] = frozenset()
    defaults: Mapping[str, Origins] = made(factory=dict)
    changed: dict[Origin, bool] = made(factory=dict)
    returned: Origins = frozenset()

    def changed_by_itself(self) -> Origins:
        """Return the objects of the module that it may change when it is given nothing."""
        found: set[Origin] = set()
        for origin in self.changed:
            is_parameter, name = origin
            found.update(self.defaults.get(name, ()) if is_parameter else (origin,))
        return frozenset(found)


class Knowledge(NamedTuple):
    """What a body is read with.

    callees    what a call may run of the notebook's own functions, with what comes before the arguments
               written: the object of a method, None for a new instance
    handed     what a function that is handed to a call by its name may do
    mutates    whether a library's function changes its first argument, by qualified name
    libraries  what names stand for that are imported anywhere
    imports    module-level names that are imports: nothing is said of changes to them
    """

    callees: Callable[[ast.Call], Iterable[tuple[Summary, tuple[ast.expr | None, ...]]]]
    handed: Callable[[str], Iterable[Summary]]
    mutates: Callable[[str], bool]
    libraries: Mapping[str, str]
    imports: frozenset[str]


class Outline(NamedTuple):
    """What is known of a top-level statement before its bodies are walked.

    reads  ids of the nodes that read module-level names
    lines  where calls begin that may change something, ascending
    """

    reads: Collection[int]
    lines: Sequence[int]

    def calls(self, node: ast.expr) -> bool:
        """Return whether a call that may change something may stand in ``node``."""
        at = bisect_left(self.lines, node.lineno)
        return at < len(self.lines) and self.lines[at] <= (node.end_lineno or node.lineno)


def given_arguments(summary: Summary, call: ast.Call, before: tuple[ast.expr | None, ...]) -> dict[str, list[ast.expr]]:
    """Return what each parameter is given by a call that has ``before`` in front, as far as it can be read off."""
    given: dict[str, list[ast.expr]] = {}
    for position, value in enumerate((*before, *call.args)):
        if isinstance(value, ast.Starred):
            rest = summary.parameters[position:]
            for each in rest if summary.starred is None else (*rest, summary.starred):
                given.setdefault(each, []).append(value)
            break
        name = summary.parameters[position] if position < len(summary.parameters) else summary.starred
        if name is not None and value is not None:
            given.setdefault(name, []).append(value)
    for keyword in call.keywords:
        if keyword.arg in summary.keywords:
            given.setdefault(keyword.arg or "", []).append(keyword.value)
    return given


def changes_its_object(call: ast.Call) -> bool:
    """Return whether a call is written as one that changes the object it is made on: ``append``, ``inplace=True``."""
    if not isinstance(call.func, ast.Attribute):
        return False
    return call.func.attr in name_table().changing_methods or any(
        each.arg == "inplace" and isinstance(each.value, ast.Constant) and each.value.value is True
        for each in call.keywords
    )


def qualified_callee(node: ast.expr, imports: Mapping[str, str]) -> str:
    """Return the dotted name of a function that is reached through an import; empty for others."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    top = imports.get(node.id) if isinstance(node, ast.Name) else None
    return ".".join((top, *reversed(parts))) if top is not None else ""


def last_name(node: ast.expr) -> str | None:
    """Return the name of a function or method as it is called."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else None


def handed_nodes(call: ast.Call) -> Iterator[ast.expr]:
    """Yield what a call calls and what it is given."""
    yield call.func
    yield from call.args
    for keyword in call.keywords:
        yield keyword.value


def names_called(call: ast.Call) -> Iterator[str]:
    """Yield the names of what a call may run: its function, or method, and functions handed to it."""
    function = call.func
    if isinstance(function, ast.Name):
        yield function.id
    elif isinstance(function, ast.Attribute):
        yield function.attr
    for each in call.args:
        if isinstance(each, ast.Name):
            yield each.id
    for keyword in call.keywords:
        if isinstance(keyword.value, ast.Name):
            yield keyword.value.id
