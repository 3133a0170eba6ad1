"""Which objects from outside the names and expressions of a function's body stand for.

What ``x.m()`` and ``x[0].y`` lead to counts as part of ``x``; the result of an unknown call is a new object.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.dataflow.callees import given_arguments
from nb2prod.dataflow.names import name_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nb2prod.dataflow.callees import Knowledge, Origin, Origins, Outline

NOTHING: Origins = frozenset()
# What a name may be beside the objects that are followed: an object of the function's own.
OTHER: Origin = (False, "")
# An index that finds a part; a slice, a mask or a list of columns makes a new object.
_PART = (ast.Constant, ast.Name, ast.UnaryOp, ast.Attribute, ast.Subscript)


class Objects:
    """What the names bound in a body may be, or be part of.

    names  at the point the walk has come to
    later  what functions defined so far may find in their names, whenever they are called
    """

    __slots__ = ("_known", "_outline", "later", "names")

    def __init__(self, outline: Outline, known: Knowledge) -> None:
        """Start where no name is bound."""
        self.names: dict[str, Origins] = {}
        self.later: list[dict[str, Origins]] = []
        self._outline = outline
        self._known = known

    def bind(self, name: str, held: Origins) -> None:
        """Let ``name`` stand for ``held`` from here on."""
        self.names[name] = held
        for each in self.later:
            each[name] = _joined([each.get(name, NOTHING), held])

    def origins(self, node: ast.expr) -> Origins:
        """Return what the value of ``node`` may be, or be part of."""
        if isinstance(node, ast.Name):
            held = self.names.get(node.id)
            if held:
                return held
            # What a class body around has bound, an inner one does not see.
            is_global = id(node) in self._outline.reads and node.id not in self._known.imports
            return frozenset({(False, node.id)}) if is_global else NOTHING
        if isinstance(node, ast.Attribute):
            return self.origins(node.value)
        if isinstance(node, ast.Subscript):
            return self.origins(node.value) if isinstance(node.slice, _PART) else NOTHING
        if isinstance(node, ast.Call):
            return self._returned(node)
        if isinstance(node, ast.IfExp):
            return self.origins(node.body) | self.origins(node.orelse)
        if isinstance(node, ast.BoolOp):
            return NOTHING.union(*map(self.origins, node.values))
        if isinstance(node, (ast.NamedExpr, ast.Await)):
            return self.origins(node.value)
        return self.elements(node.value) if isinstance(node, ast.Starred) else NOTHING

    def _returned(self, call: ast.Call) -> Origins:
        found: set[Origin] = set()
        for summary, before in self._known.callees(call):
            if summary.returned:
                given = given_arguments(summary, call, before)
                for is_parameter, name in summary.returned:
                    for value in given.get(name, ()) if is_parameter else ():
                        found |= self.origins(value)
        return frozenset(found)

    def elements(self, node: ast.expr) -> Origins:
        """Return what the elements of ``node`` may be, or be part of."""
        if isinstance(node, (ast.Tuple, ast.List, ast.Set)):
            return NOTHING.union(*map(self.elements, node.elts))
        if isinstance(node, ast.Call):
            function = node.func
            if isinstance(function, ast.Name) and function.id in name_table().passing_calls:
                return NOTHING.union(*map(self.elements, node.args))
            if isinstance(function, ast.Attribute) and function.attr in name_table().passing_methods:
                return self.origins(function.value)
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
            return self.elements(node.value)
        return self.origins(node)

    def join(self, ends: list[dict[str, Origins]]) -> None:
        """Go on from where several paths meet, each with what its names are."""
        if all(end == ends[0] for end in ends):
            self.names = ends[0]
        else:
            self.names = {name: _joined([end.get(name, NOTHING) for end in ends]) for end in ends for name in end}

    def tells_no_more(self, before: Mapping[str, Origins]) -> bool:
        """Return whether no name may be an object that it may not have been ``before``."""
        return all(not held or before.get(name) == held for name, held in self.names.items())


def _joined(held: Iterable[Origins]) -> Origins:
    held = list(held)
    found = NOTHING.union(*held)
    return found | {OTHER} if found and not all(held) else found
