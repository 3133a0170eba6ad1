"""What the expressions of a body change in place, by the calls in them."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.dataflow.callees import changes_its_object, given_arguments, last_name, qualified_callee
from nb2prod.dataflow.objects import NOTHING, OTHER, Objects
from nb2prod.dataflow.walk import argument_nodes
from nb2prod.notebook.tree import nodes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nb2prod.dataflow.callees import FunctionNode, Knowledge, Origin, Origins, Outline, Summary


class Changes:
    """What a body changes, as far as it has been walked; it is added to ``summary``.

    objects  what each name bound here may be, or be part of
    sure     what is walked next surely runs whenever the body does
    through  the function whose call changes an object, by name, for those that are changed by one
    inner    functions that are defined here, each with what its names may be when it is called
    at_top   the body is a statement of the module, and functions that it defines do not run in it
    """

    def __init__(self, summary: Summary, outline: Outline, known: Knowledge, *, sure: bool, at_top: bool) -> None:
        """Start before the body."""
        self.summary = summary
        self.objects = Objects(outline, known)
        self.sure = sure
        self.through: dict[Origin, str] = {}
        self.inner: list[tuple[FunctionNode, dict[str, Origins]]] = []
        self._outline = outline
        self._known = known
        self.at_top = at_top
        self._callee: str | None = None

    def change(self, node: ast.expr, *, sure: bool) -> None:
        """Record that the object behind ``node`` changes in place."""
        found = self.objects.origins(node)
        # A part found through a mask is a copy, what is assigned through one is not: ``df.loc[mask] = 0``.
        while not found and isinstance(node, ast.Subscript):
            node = node.value
            found = self.objects.origins(node)
        for origin in found:
            if origin is not OTHER:
                self.add(origin, sure=sure and len(found) == 1)
        if self.at_top and isinstance(node, ast.Name) and node.id in self.objects.names:
            self.add((False, node.id), sure=sure)  # at module level the name that was changed through has a life

    def target(self, node: ast.expr, held: Origins) -> None:
        """Bind a target, or change what it is a part of."""
        if isinstance(node, ast.Name):
            self.objects.bind(node.id, held)
        elif isinstance(node, (ast.Tuple, ast.List)):
            for element in node.elts:
                self.target(element, held)
        elif isinstance(node, ast.Starred):
            self.target(node.value, held)
        elif isinstance(node, (ast.Attribute, ast.Subscript)):
            self.change(node.value, sure=True)

    def whole(self, node: ast.expr) -> None:
        """Walk an expression whose outermost call surely runs."""
        if isinstance(node, ast.Await):
            node = node.value
        if isinstance(node, ast.Call):
            if not self._outline.calls(node):
                return
            self.call(node, sure=True)
            for child in (*node.args, *(keyword.value for keyword in node.keywords)):
                self.inside(child)
            self.inside(node.func)
        else:
            self.inside(node)

    def inside(self, node: ast.expr) -> None:
        """Walk what may be evaluated: calls, comprehensions, lambdas."""
        if not self._outline.calls(node):
            return
        found = nodes(node)
        for each in found:
            if isinstance(each, ast.comprehension):
                self.target(each.target, self.objects.elements(each.iter))
            elif isinstance(each, ast.Lambda):
                self.remember(each)
        for each in found:
            if isinstance(each, ast.Call):
                self.call(each, sure=False)

    def remember(self, function: FunctionNode) -> None:
        """Take note of a function that is defined here: it may run whatever its names are by then."""
        names = dict(self.objects.names)
        names.update((each.arg, NOTHING) for each in argument_nodes(function.args))
        self.objects.later.append(names)
        self.inner.append((function, names))

    def call(self, node: ast.Call, *, sure: bool) -> None:
        """Record what a call changes."""
        function = node.func
        if isinstance(function, ast.Attribute) and changes_its_object(node):
            self.change(function.value, sure=sure)
        self._callee = last_name(function)
        if node.args and self._known.mutates(qualified_callee(function, self._known.libraries)):
            self.change(node.args[0], sure=sure)
        for summary, before in self._known.callees(node):
            if summary.changed:
                self._apply(summary, given_arguments(summary, node, before), sure=sure)
        for value in (*node.args, *(keyword.value for keyword in node.keywords)):
            for summary in self._known.handed(value.id) if isinstance(value, ast.Name) else ():
                for origin in summary.changed_by_itself():
                    self.add(origin, sure=False)
        self._callee = None

    def _apply(self, summary: Summary, given: Mapping[str, list[ast.expr]], *, sure: bool) -> None:
        """Record what a function changes that is ``given`` these arguments."""
        for origin, always in tuple(summary.changed.items()):
            is_parameter, name = origin
            if not is_parameter:
                self.add(origin, sure=sure and always)
            elif name in given:
                for value in given[name]:
                    self.change(value, sure=sure and always)
            else:
                for default in summary.defaults.get(name, ()):
                    self.add(default, sure=False)  # the name may stand for another object by now

    def add(self, origin: Origin, *, sure: bool) -> None:
        """Record that an object changes in place."""
        if self._callee is not None:
            self.through.setdefault(origin, self._callee)
        changed = self.summary.changed
        changed[origin] = changed.get(origin, False) or (sure and self.sure)
