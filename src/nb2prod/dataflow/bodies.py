"""What running a function's body changes in place: objects it was given, and objects of the module.

A forward walk over the body that knows of each local name which of those objects it may be, or be
part of (``row`` in ``for row in rows``). A rebinding ends that: ``df = df.copy()`` makes changes of
``df`` the function's own affair. Branches are joined, loops are walked until a round tells nothing new.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.dataflow.callees import Summary
from nb2prod.dataflow.inplace import Changes
from nb2prod.dataflow.objects import NOTHING, Objects
from nb2prod.dataflow.walk import argument_nodes
from nb2prod.notebook.bindings import names_bound

if TYPE_CHECKING:
    from collections.abc import Callable

    from nb2prod.dataflow.callees import FunctionNode, Knowledge, Origin, Origins, Outline

_DISPLAYS = (ast.List, ast.Set, ast.Dict, ast.ListComp, ast.SetComp, ast.DictComp)
_SEQUENCES = (ast.Tuple, ast.List)


def summarise(node: FunctionNode, outline: Outline, known: Knowledge, *, plain: bool) -> Summary:
    """Return the summary of a function that stands in the statement of ``outline``.

    ``plain``: calling it runs the body, at once and as written (no decorator, no generator).
    """
    arguments = node.args
    summary = Summary(
        tuple(each.arg for each in (*arguments.posonlyargs, *arguments.args)),
        arguments.vararg.arg if arguments.vararg is not None else None,
        frozenset(each.arg for each in argument_nodes(arguments)),
        _defaults(arguments, Objects(outline, known)),
    )
    body = _Body(Changes(summary, outline, known, sure=plain, at_top=False))
    names = body.objects.names
    for each in argument_nodes(arguments):
        names[each.arg] = frozenset({(True, each.arg)})
    if arguments.kwarg is not None:
        names[arguments.kwarg.arg] = NOTHING  # the dictionary is the function's own
    if isinstance(node, ast.Lambda):
        body.changes.whole(node.body)
        summary.returned = body.objects.origins(node.body)
    else:
        body.block(node.body)
    body.inner()
    return summary


def _defaults(arguments: ast.arguments, objects: Objects) -> dict[str, Origins]:
    """Return the objects of the module that parameters stand for when they are not given: ``def f(x=rows)``."""
    positional = [*arguments.posonlyargs, *arguments.args]
    after = positional[len(positional) - len(arguments.defaults) :]
    pairs = [
        *zip(after, arguments.defaults, strict=True),
        *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
    ]
    found = {each.arg: objects.origins(value) for each, value in pairs if value is not None}
    return {name: held for name, held in found.items() if held}


def changes_at_top(
    node: ast.stmt, outline: Outline, known: Knowledge, *, calls_inner: bool = False
) -> dict[Origin, tuple[bool, str | None]]:
    """Return what a top-level statement changes through its calls, and through names for elements of others.

    Each with whether it surely does, and the name of what it calls to do so, if it does.
    ``calls_inner``: functions defined in it are taken to be called in it.
    """
    changes = Changes(Summary(), outline, known, sure=True, at_top=not calls_inner)
    body = _Body(changes)
    body.block([node])
    body.inner()
    return {origin: (sure, changes.through.get(origin)) for origin, sure in changes.summary.changed.items()}


class _Body:
    """A walk over the statements of one body; see the module's docstring.

    exits  for each loop around, what names were where it was left or begun anew
    """

    def __init__(self, changes: Changes) -> None:
        self.changes = changes
        self.objects = changes.objects
        self.exits: list[list[dict[str, Origins]]] = []

    def inner(self) -> None:
        """Walk the functions that were defined in the body as if they were called; what they return is theirs."""
        returned = self.changes.summary.returned
        self.changes.sure = False
        while self.changes.inner:
            function, self.objects.names = self.changes.inner.pop(0)
            if isinstance(function, ast.Lambda):
                self.changes.whole(function.body)
            else:
                self.block(function.body)
        self.changes.summary.returned = returned

    def block(self, body: list[ast.stmt]) -> bool:
        """Walk a suite; return whether control surely leaves it."""
        for statement in body:  # noqa: SIM110 ``any`` takes a third longer, and this is the hottest loop of all
            if self.statement(statement):
                return True
        return False

    def statement(self, node: ast.stmt) -> bool:
        """Walk a statement; return whether control surely does not go on after it."""
        if isinstance(node, ast.Expr):
            self._expression(node)
        elif isinstance(node, ast.Assign):
            self._assign(node)
        elif isinstance(node, ast.Return):
            if node.value is not None:
                self.changes.whole(node.value)
                self.changes.summary.returned |= self.objects.origins(node.value)
            return True
        elif isinstance(node, ast.AugAssign):
            self.changes.whole(node.value)
            if isinstance(node.target, ast.Name):
                self.changes.change(node.target, sure=isinstance(node.value, _DISPLAYS))
            else:
                self.changes.target(node.target, NOTHING)
        elif isinstance(node, ast.AnnAssign):
            if node.value is not None:
                self.changes.whole(node.value)
                self.changes.target(node.target, self.objects.origins(node.value))
        elif isinstance(node, ast.Delete):
            for target in node.targets:
                self.changes.target(target, NOTHING)
        else:
            return self._compound(node)
        return False

    def _expression(self, node: ast.Expr) -> None:
        call = node.value
        self.changes.whole(call)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
            # Nobody looks at the result: it may be called for what it changes.
            self.changes.change(call.func.value, sure=False)

    def _assign(self, node: ast.Assign) -> None:
        value = node.value
        self.changes.whole(value)
        for target in node.targets:
            if isinstance(target, _SEQUENCES) and isinstance(value, _SEQUENCES) and len(target.elts) == len(value.elts):
                held = [self.objects.origins(each) for each in value.elts]
                for each, origins in zip(target.elts, held, strict=True):
                    self.changes.target(each, origins)
            else:
                self.changes.target(target, self.objects.origins(value))

    def _compound(self, node: ast.stmt) -> bool:
        if isinstance(node, ast.If):
            self.changes.inside(node.test)
            return self._branches([node.body, node.orelse])
        if isinstance(node, (ast.For, ast.AsyncFor)):
            return self._for(node)
        if isinstance(node, ast.While):
            self.changes.inside(node.test)
            self._loop(node.body, lambda: None)
            return self._branches([node.orelse, []]) if node.orelse else False
        if isinstance(node, (ast.With, ast.AsyncWith)):
            for item in node.items:
                self.changes.whole(item.context_expr)
                if item.optional_vars is not None:
                    self.changes.target(item.optional_vars, self.objects.origins(item.context_expr))
            return self.block(node.body)
        if isinstance(node, (ast.Try, ast.TryStar)):
            return self._try(node)
        if isinstance(node, ast.Match):
            held = self.objects.elements(node.subject)
            self.changes.inside(node.subject)
            for case in node.cases:
                for name in names_bound(case.pattern):
                    self.objects.bind(name, self.objects.names.get(name, NOTHING) | held)
            return self._branches([*(case.body for case in node.cases), []])
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            if not self.changes.at_top:
                self.changes.remember(node)
            return False
        return self._other(node)

    def _other(self, node: ast.stmt) -> bool:
        if isinstance(node, (ast.Break, ast.Continue)):
            if self.exits:
                self.exits[-1].append(self.objects.names)
            return True
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.changes.inside(child)
            elif isinstance(child, ast.stmt):
                self._branches([[child], []])
        return isinstance(node, ast.Raise)

    def _for(self, node: ast.For | ast.AsyncFor) -> bool:
        self.changes.inside(node.iter)
        if isinstance(node.iter, _SEQUENCES) and not node.orelse:
            return self._each(node, node.iter.elts)
        self._loop(node.body, lambda: self.changes.target(node.target, self.objects.elements(node.iter)))
        return self._branches([node.orelse, []]) if node.orelse else False

    def _each(self, node: ast.For | ast.AsyncFor, elements: list[ast.expr]) -> bool:
        """Walk a loop over elements that are written out: ``for df in (train, test):``."""
        sure = self.changes.sure
        for element in elements:
            self.changes.target(node.target, self.objects.elements(element))
            self.exits.append([])
            left = self.block(node.body)
            exits = self.exits.pop()
            self.objects.join([self.objects.names, *exits])
            if left or exits:
                self.changes.sure = False
        self.changes.sure = self.changes.sure and sure
        return False

    def _loop(self, body: list[ast.stmt], begin: Callable[[], None]) -> None:
        """Walk a loop's body until a round tells nothing new; ``begin`` binds what each round begins with."""
        start: dict[str, Origins] | None = None
        end = self.objects.names
        while True:
            self.objects.names = dict(end)
            begin()
            if start is not None and self.objects.tells_no_more(start):
                break
            start = dict(self.objects.names)
            self.exits.append([])
            self._branches([body, []])
            self.objects.join([self.objects.names, *self.exits.pop()])
            end = self.objects.names
        self.objects.names = end

    def _branches(self, bodies: list[list[ast.stmt]]) -> bool:
        """Walk alternatives from the same start and join what they leave; nothing in them is sure."""
        before, sure = self.objects.names, self.changes.sure
        self.changes.sure = False
        ends: list[dict[str, Origins]] = []
        for body in bodies:
            self.objects.names = dict(before)
            if not self.block(body):
                ends.append(self.objects.names)
        # Where a branch has left, what follows may not run.
        self.changes.sure = sure and len(ends) == len(bodies)
        self.objects.join(ends or [before])
        return not ends

    def _try(self, node: ast.Try | ast.TryStar) -> bool:
        sure, self.changes.sure = self.changes.sure, False
        states = [dict(self.objects.names)]
        left = False
        for statement in (*node.body, *node.orelse):
            left = left or self.statement(statement)
            states.append(dict(self.objects.names))
        ends = [] if left else [self.objects.names]
        # The body may have failed after any of its statements.
        self.objects.join(states)
        failed = self.objects.names
        for handler in node.handlers:
            self.objects.names = dict(failed)
            if not self.block(handler.body):
                ends.append(self.objects.names)
        self.changes.sure = sure and len(ends) == len(node.handlers) + 1
        self.objects.join([*ends, failed] if node.finalbody or not ends else ends)
        return self.block(node.finalbody) or not ends
