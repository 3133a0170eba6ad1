"""What running a function's body changes in place: objects it was given, and objects of the module.

A forward walk over the body that knows of each local name which of those objects it may be, or be
part of (``row`` in ``for row in rows``). A rebinding ends that: ``df = df.copy()`` makes changes of
``df`` the function's own affair. Branches are joined, loops are walked twice. What ``x.m()`` and
``x[0].y`` lead to counts as part of ``x``; the result of an unknown call is a new object.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.dataflow.callees import (
    Summary,
    changes_its_object,
    given_arguments,
    last_name,
    qualified_callee,
)
from nb2prod.dataflow.walk import argument_nodes
from nb2prod.notebook.bindings import names_bound

if TYPE_CHECKING:
    from nb2prod.dataflow.callees import FunctionNode, Knowledge, Origin, Origins, Outline


_NOTHING: Origins = frozenset()
# What a name may be beside the objects that are followed: an object of the function's own.
_OTHER: Origin = (False, "")
# Builtins whose result holds the elements of what they are given.
_PASSING = frozenset({"enumerate", "iter", "list", "next", "reversed", "sorted", "tuple", "zip"})
_PASSING_METHODS = frozenset({"get", "items", "values"})
_DISPLAYS = (ast.List, ast.Set, ast.Dict, ast.ListComp, ast.SetComp, ast.DictComp)


def summarise(node: FunctionNode, outline: Outline, known: Knowledge, *, plain: bool) -> Summary:
    """Return the summary of a function that stands in the statement of ``outline``.

    ``plain``: calling it runs the body, at once and as written (no decorator, no generator).
    """
    arguments = node.args
    summary = Summary(
        tuple(each.arg for each in (*arguments.posonlyargs, *arguments.args)),
        arguments.vararg.arg if arguments.vararg is not None else None,
        frozenset(each.arg for each in argument_nodes(arguments)),
    )
    body = _Body(summary, outline, known, sure=plain)
    for each in argument_nodes(arguments):
        body.holds[each.arg] = frozenset({(True, each.arg)})
    if arguments.kwarg is not None:
        body.holds[arguments.kwarg.arg] = _NOTHING  # the dictionary is the function's own
    if isinstance(node, ast.Lambda):
        body.whole(node.body)
        summary.returned = body.origins(node.body)
    else:
        body.block(node.body)
    return summary


def changes_at_top(
    node: ast.stmt, outline: Outline, known: Knowledge, *, calls_inner: bool = False
) -> dict[Origin, tuple[bool, str | None]]:
    """Return what a top-level statement changes through its calls, and through names for elements of others.

    Each with whether it surely does, and the name of what it calls to do so, if it does.
    ``calls_inner``: functions defined in it are taken to be called in it.
    """
    body = _Body(Summary(), outline, known, sure=True, calls_inner=calls_inner)
    body.block([node])
    return {origin: (sure, body.through.get(origin)) for origin, sure in body.summary.changed.items()}


class _Body:
    """A walk over one body; see the module's docstring.

    holds        what each name bound here may be, or be part of
    sure         what is walked next surely runs whenever the body does
    calls_inner  functions defined here are taken to be called here
    through      the function whose call changes an object, by name, for those that are changed by one
    """

    def __init__(
        self, summary: Summary, outline: Outline, known: Knowledge, *, sure: bool, calls_inner: bool = True
    ) -> None:
        self.summary = summary
        self.outline = outline
        self.known = known
        self.sure = sure
        self.calls_inner = calls_inner
        self.holds: dict[str, Origins] = {}
        self.through: dict[Origin, str] = {}
        self.callee: str | None = None

    # What expressions stand for

    def origins(self, node: ast.expr) -> Origins:
        """Return what the value of ``node`` may be, or be part of."""
        if isinstance(node, ast.Name):
            held = self.holds.get(node.id)
            if held:
                return held
            # What a class body around has bound, an inner one does not see.
            is_global = id(node) in self.outline.reads and node.id not in self.known.imports
            return frozenset({(False, node.id)}) if is_global else _NOTHING
        if isinstance(node, ast.Attribute):
            return self.origins(node.value)
        if isinstance(node, ast.Subscript):
            # A slice, a mask or a list of columns makes a new object.
            part = isinstance(node.slice, (ast.Constant, ast.Name, ast.UnaryOp, ast.Attribute, ast.Subscript))
            return self.origins(node.value) if part else _NOTHING
        if isinstance(node, ast.IfExp):
            return self.origins(node.body) | self.origins(node.orelse)
        if isinstance(node, ast.BoolOp):
            return _NOTHING.union(*map(self.origins, node.values))
        if isinstance(node, (ast.NamedExpr, ast.Await)):
            return self.origins(node.value)
        if isinstance(node, ast.Starred):
            return self.elements(node.value)
        return self._returned(node) if isinstance(node, ast.Call) else _NOTHING

    def _returned(self, call: ast.Call) -> Origins:
        found: set[Origin] = set()
        for summary, before in self.known.callees(call):
            given = given_arguments(summary, call, before)
            for origin in summary.returned:
                for value in given.get(origin[1], ()) if origin[0] else ():
                    found |= self.origins(value)
        return frozenset(found)

    def elements(self, node: ast.expr) -> Origins:
        """Return what the elements of ``node`` may be, or be part of."""
        if isinstance(node, (ast.Tuple, ast.List, ast.Set)):
            return _NOTHING.union(*map(self.elements, node.elts))
        if isinstance(node, ast.Call):
            function = node.func
            if isinstance(function, ast.Name) and function.id in _PASSING:
                return _NOTHING.union(*map(self.elements, node.args))
            if isinstance(function, ast.Attribute) and function.attr in _PASSING_METHODS:
                return self.origins(function.value)
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
            return self.elements(node.value)
        return self.origins(node)

    # What is changed

    def change(self, node: ast.expr, *, sure: bool) -> None:
        """Record that the object behind ``node`` changes in place."""
        found = self.origins(node)
        # A part found through a mask is a copy, what is assigned through one is not: ``df.loc[mask] = 0``.
        while not found and isinstance(node, ast.Subscript):
            node = node.value
            found = self.origins(node)
        for origin in found:
            if origin is not _OTHER:
                self._add(origin, sure=sure and len(found) == 1)
        if not self.calls_inner and isinstance(node, ast.Name) and node.id in self.holds:
            self._add((False, node.id), sure=sure)  # at module level the name that was changed through has a life

    def target(self, node: ast.expr, held: Origins) -> None:
        """Bind a target, or change what it is a part of."""
        if isinstance(node, ast.Name):
            self.holds[node.id] = held
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
            if not self.outline.calls(node):
                return
            self.call(node, sure=True)
            for child in (*node.args, *(keyword.value for keyword in node.keywords)):
                self.inside(child)
            self.inside(node.func)
        else:
            self.inside(node)

    def inside(self, node: ast.expr) -> None:
        """Walk what may be evaluated: calls, comprehensions, lambdas."""
        if not self.outline.calls(node):
            return
        calls: list[ast.Call] = []
        waiting: list[ast.AST] = [node]
        while waiting:
            each = waiting.pop()
            if isinstance(each, (ast.Name, ast.Constant)):
                continue
            if isinstance(each, ast.Call):
                calls.append(each)
            elif isinstance(each, ast.comprehension):
                self.target(each.target, self.elements(each.iter))
            elif isinstance(each, ast.Lambda):
                for argument in argument_nodes(each.args):
                    self.holds.setdefault(argument.arg, _NOTHING)
            for name in each._fields:
                value = getattr(each, name, None)
                if isinstance(value, list):
                    waiting += [child for child in value if isinstance(child, ast.AST)]
                elif isinstance(value, ast.AST):
                    waiting.append(value)
        for call in calls:
            self.call(call, sure=False)

    def call(self, node: ast.Call, *, sure: bool) -> None:
        """Record what a call changes."""
        function = node.func
        if isinstance(function, ast.Attribute) and changes_its_object(node):
            self.change(function.value, sure=sure)
        self.callee = last_name(function)
        if node.args and self.known.mutates(qualified_callee(function, self.known.libraries)):
            self.change(node.args[0], sure=sure)
        for summary, before in self.known.callees(node):
            given = given_arguments(summary, node, before)
            for origin, always in tuple(summary.changed.items()):
                if origin[0]:
                    for value in given.get(origin[1], ()):
                        self.change(value, sure=sure and always)
                else:
                    self._add(origin, sure=sure and always)
        for value in (*node.args, *(keyword.value for keyword in node.keywords)):
            for summary in self.known.handed(value.id) if isinstance(value, ast.Name) else ():
                for origin in [each for each in summary.changed if not each[0]]:
                    self._add(origin, sure=False)
        self.callee = None

    def _add(self, origin: Origin, *, sure: bool) -> None:
        if self.callee is not None:
            self.through.setdefault(origin, self.callee)
        changed = self.summary.changed
        changed[origin] = changed.get(origin, False) or (sure and self.sure)

    # Statements

    def block(self, body: list[ast.stmt]) -> bool:
        """Walk a suite; return whether control surely leaves it."""
        return any(self.statement(statement) for statement in body)

    def statement(self, node: ast.stmt) -> bool:
        """Walk a statement; return whether control surely does not go on after it."""
        if isinstance(node, ast.Expr):
            self.whole(node.value)
            call = node.value
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
                # Nobody looks at the result: it may be called for what it changes.
                self.change(call.func.value, sure=False)
        elif isinstance(node, ast.Assign):
            self.whole(node.value)
            self._assign(node)
        elif isinstance(node, ast.AugAssign):
            self.whole(node.value)
            if isinstance(node.target, ast.Name):
                self.change(node.target, sure=isinstance(node.value, _DISPLAYS))
            else:
                self.target(node.target, _NOTHING)
        elif isinstance(node, ast.AnnAssign):
            if node.value is not None:
                self.whole(node.value)
                self.target(node.target, self.origins(node.value))
        elif isinstance(node, ast.Return):
            if node.value is not None:
                self.whole(node.value)
                self.summary.returned |= self.origins(node.value)
            return True
        elif isinstance(node, ast.Delete):
            for target in node.targets:
                self.target(target, _NOTHING)
        else:
            return self._compound(node)
        return False

    def _assign(self, node: ast.Assign) -> None:
        value = node.value
        for target in node.targets:
            parts = (ast.Tuple, ast.List)
            if isinstance(target, parts) and isinstance(value, parts) and len(target.elts) == len(value.elts):
                held = [self.origins(each) for each in value.elts]
                for each, origins in zip(target.elts, held, strict=True):
                    self.target(each, origins)
            else:
                self.target(target, self.origins(value))

    def _compound(self, node: ast.stmt) -> bool:
        if isinstance(node, ast.If):
            self.inside(node.test)
            return self._branches([node.body, node.orelse])
        if isinstance(node, (ast.For, ast.AsyncFor)):
            self.inside(node.iter)
            if isinstance(node.iter, (ast.Tuple, ast.List)) and not node.orelse:
                return self._each(node, node.iter.elts)
            # Walked twice: what the end of a round binds its next beginning reads.
            for _ in range(2):
                self.target(node.target, self.elements(node.iter))
                self._branches([node.body, []])
            return self._branches([node.orelse, []]) if node.orelse else False
        if isinstance(node, ast.While):
            self.inside(node.test)
            for _ in range(2):
                self._branches([node.body, []])
            return self._branches([node.orelse, []]) if node.orelse else False
        if isinstance(node, (ast.With, ast.AsyncWith)):
            for item in node.items:
                self.whole(item.context_expr)
                if item.optional_vars is not None:
                    self.target(item.optional_vars, self.origins(item.context_expr))
            return self.block(node.body)
        if isinstance(node, (ast.Try, ast.TryStar)):
            self._branches([[*node.body, *node.orelse], *(handler.body for handler in node.handlers)])
            return self.block(node.finalbody)
        if isinstance(node, ast.Match):
            held = self.elements(node.subject)
            self.inside(node.subject)
            for case in node.cases:
                for name in names_bound(case.pattern):
                    self.holds[name] = self.holds.get(name, _NOTHING) | held
            return self._branches([case.body for case in node.cases] + [[]])
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            if self.calls_inner:
                self._inner(node)
            return False
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.inside(child)
            elif isinstance(child, ast.stmt):
                self._branches([[child], []])
        return isinstance(node, (ast.Raise, ast.Break, ast.Continue))

    def _each(self, node: ast.For | ast.AsyncFor, elements: list[ast.expr]) -> bool:
        """Walk a loop over elements that are written out: ``for df in (train, test):``."""
        sure = self.sure
        for element in elements:
            self.target(node.target, self.elements(element))
            if self.block(node.body):
                self.sure = False
        self.sure = self.sure and sure
        return False

    def _branches(self, bodies: list[list[ast.stmt]]) -> bool:
        """Walk alternatives from the same start and join what they leave; nothing in them is sure."""
        before, sure = self.holds, self.sure
        self.sure = False
        ends: list[dict[str, Origins]] = []
        for body in bodies:
            self.holds = dict(before)
            if not self.block(body):
                ends.append(self.holds)
        # Where a branch has left, what follows may not run.
        self.sure = sure and len(ends) == len(bodies)
        if not ends:
            self.holds = before
        elif all(end == ends[0] for end in ends):
            self.holds = ends[0]
        else:
            self.holds = {name: _joined([end.get(name, _NOTHING) for end in ends]) for end in ends for name in end}
        return not ends

    def _inner(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        """Walk a function defined here as if it were called here; its own names are nobody's."""
        before, returned, sure = dict(self.holds), self.summary.returned, self.sure
        self.holds.update(dict.fromkeys((each.arg for each in argument_nodes(node.args)), _NOTHING))
        self.sure = False
        self.block(node.body)
        self.holds, self.summary.returned, self.sure = before, returned, sure


def _joined(held: list[Origins]) -> Origins:
    found = _NOTHING.union(*held)
    return found | {_OTHER} if found and not all(held) else found
