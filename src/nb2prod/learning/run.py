"""Runs a notebook in the mind: statements in written order, with what names hold as ``values`` know it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.learning.assignment import assign, replace_everywhere
from nb2prod.learning.columns import ColumnNames
from nb2prod.learning.expressions import evaluate
from nb2prod.learning.history import History
from nb2prod.learning.rows import Folds, Indices, Place, Rows
from nb2prod.learning.values import Changing, Data, Function, Literal, Many, Named, Sequence, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nb2prod.analysis import Analysis
    from nb2prod.learning.values import Fit
    from nb2prod.notebook.model import CodeCell

# More than any notebook written by hand needs.
_MOST_STEPS = 60_000
_MOST_DEPTH = 60
_MOST_ITEMS = 12
_MOST_CALLS = 5


class TooMuchError(Exception):
    """The notebook does more than is followed."""


class Run:
    """The state while a notebook is followed: scopes innermost last, and what has happened so far."""

    def __init__(self, analysis: Analysis) -> None:
        """Start before the first statement of ``analysis``."""
        self.analysis = analysis
        self.libraries = analysis.libraries
        self.history = History()
        self.scopes: list[dict[str, object]] = [{}]
        # Rows put one below the other, by whose they are: X and y are the same rows again.
        self.stacked: dict[tuple[int, ...], Rows] = {}
        self.loops: list[ast.AST] = []
        self.active: list[ast.AST] = []
        self.returned: list[list[object]] = []
        # Fits of layers that stand in networks made later.
        self.adapted: list[Fit] = []
        # A condition is evaluated that must hold for the notebook to go on.
        self.gate = False
        self.cell: CodeCell
        self._steps = 0
        self._depth = 0

    def place(self, node: ast.AST) -> Place:
        """Return where ``node`` stands."""
        return Place(node, self.cell)

    def value(self, node: ast.expr) -> object:
        """Return what ``node`` evaluates to."""
        self._steps += 1
        if self._steps > _MOST_STEPS:
            raise TooMuchError
        if self._depth > _MOST_DEPTH:
            return Unknown()
        # Most expressions are one of these two: done at once.
        if node.__class__ is ast.Constant:
            return Literal(node.value)
        if node.__class__ is ast.Name and (held := self.lookup(node.id)) is not None:
            return held
        self._depth += 1
        try:
            return evaluate(self, node)
        finally:
            self._depth -= 1

    def lookup(self, name: str) -> object | None:
        """Return what ``name`` holds: in the function that runs, else in the notebook."""
        scope = self.scopes[-1]
        return scope[name] if name in scope else self.scopes[0].get(name)

    def bind(self, name: str, value: object) -> None:
        """Let ``name`` hold ``value`` in the scope that runs."""
        self.scopes[-1][name] = value

    def change(self, old: object, new: object) -> None:
        """Let every name that holds the object ``old`` hold ``new``: the object was changed in place."""
        for scope in self.scopes:
            replace_everywhere(scope, old, new)

    def call(self, function: Function, arguments: list[object], keywords: dict[str, object]) -> object:
        """Return what a function of the notebook returns for these arguments."""
        node = function.node
        if node in self.active or len(self.active) >= _MOST_CALLS or node.args.vararg or node.args.kwarg:
            return Unknown()
        names = [each.arg for each in (*node.args.posonlyargs, *node.args.args)]
        scope: dict[str, object] = dict(zip(names, arguments, strict=False))
        scope |= keywords
        defaults = zip(reversed(names), reversed(node.args.defaults), strict=False)
        for name, default in (*defaults, *zip((each.arg for each in node.args.kwonlyargs), node.args.kw_defaults)):  # noqa: B905
            if name not in scope:
                scope[name] = Unknown() if default is None else self.value(default)
        for name in names:
            scope.setdefault(name, Unknown())
        cell, self.cell = self.cell, function.cell
        self.scopes.append(scope)
        self.active.append(node)
        self.returned.append([])
        try:
            if isinstance(node, ast.Lambda):
                return self.value(node.body)
            self.statements(node.body)
            found = self.returned[-1]
        finally:
            self.returned.pop()
            self.active.pop()
            self.scopes.pop()
            self.cell = cell
        return found[0] if len(found) == 1 else Unknown()

    def statements(self, body: Iterable[ast.stmt]) -> None:
        """Run statements one after the other, until one that returns."""
        for each in body:
            self.statement(each)
            if isinstance(each, ast.Return):
                break

    def statement(self, node: ast.stmt) -> None:
        """Run one statement."""
        match node:
            case ast.Expr(value=value):
                self.value(value)
            case ast.Assign(targets=targets, value=value):
                found = self.value(value)
                for target in targets:
                    assign(self, target, found)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                assign(self, target, self.value(value))
            case ast.AugAssign(target=ast.expr() as target, op=op, value=value):
                left = _as_read(target)
                assign(self, target, self.value(ast.copy_location(ast.BinOp(left, op, value), node)))
            case ast.If(test=test, body=[*_, ast.Raise()], orelse=[]):
                self._must_hold(test)
            case ast.If(test=test, body=body, orelse=orelse):
                self.value(test)
                self._branches(body, orelse)
            case ast.For(target=target, iter=iterated, body=body):
                self._loop(node, target, self.value(iterated), body)
            case ast.While(test=test, body=body):
                self.value(test)
                self._once(node, body)
            case ast.With(items=items, body=body):
                for item in items:
                    found = self.value(item.context_expr)
                    if item.optional_vars is not None:
                        assign(self, item.optional_vars, found)
                self.statements(body)
            case ast.Try(body=body, orelse=orelse, finalbody=finalbody):
                self.statements([*body, *orelse, *finalbody])
            case ast.FunctionDef(name=name):
                self.bind(name, Function(node, self.cell) if not node.decorator_list else Unknown())
            case ast.ClassDef(name=name) | ast.AsyncFunctionDef(name=name):
                self.bind(name, Unknown())
            case ast.Import(names=names):
                for alias in names:
                    self.bind(alias.asname or alias.name.partition(".")[0], _imported(alias))
            case ast.ImportFrom(module=str(module), names=names, level=0):
                for alias in names:
                    self.bind(alias.asname or alias.name, Named(f"{module}.{alias.name}"))
            case ast.Return(value=value) if self.returned:
                self.returned[-1].append(Literal(None) if value is None else self.value(value))
            case ast.Delete(targets=targets):
                for target in targets:
                    assign(self, target, None)
            case ast.Assert(test=test):
                self._must_hold(test)
            case _:
                pass

    def _must_hold(self, test: ast.expr) -> None:
        """Evaluate a condition that chooses nothing: where it does not hold, the notebook ends."""
        self.gate = True
        self.value(test)
        self.gate = False

    def _branches(self, body: list[ast.stmt], orelse: list[ast.stmt]) -> None:
        """Run both branches; what they leave different is unknown."""
        before = dict(self.scopes[-1])
        self.statements(body)
        after = self.scopes[-1]
        self.scopes[-1] = before
        self.statements(orelse)
        last = self.scopes[-1]
        for name in after.keys() | last.keys():
            one, other = after.get(name), last.get(name)
            if one is not other:
                last[name] = one if other is None else other if one is None else Unknown()

    def _loop(self, node: ast.For, target: ast.expr, iterated: object, body: list[ast.stmt]) -> None:
        """Run the body: for each item where they are known, else once."""
        match iterated:
            case Sequence(items=items) if 0 < len(items) <= _MOST_ITEMS and not self.loops:
                for item in items:
                    assign(self, target, item)
                    self.statements(body)
                return
            case Folds(split=split):
                value: object = Sequence([Indices(split, ("train",)), Indices(split, ("test",))])
                if isinstance(target, ast.Tuple) and isinstance(target.elts[-1], ast.Tuple):
                    value = Sequence([Unknown(), value])  # enumerate
            case ColumnNames():
                value = iterated
            case Data() as data:
                self.history.passed.append(data)
                value = data._replace(rows=data.rows.some(), columns=None)
            case Many(item=item):
                value = item
            case _:
                value = Changing()
        assign(self, target, value)
        self._once(node, body)

    def _once(self, node: ast.AST, body: list[ast.stmt]) -> None:
        self.loops.append(node)
        self.statements(body)
        self.loops.pop()


def _imported(alias: ast.alias) -> Named:
    return Named(alias.name if alias.asname else alias.name.partition(".")[0])


def _as_read(target: ast.expr) -> ast.expr:
    """Return the target of ``x += 1`` as what is read there."""
    match target:
        case ast.Name(id=name):
            return ast.copy_location(ast.Name(name, ast.Load()), target)
        case ast.Attribute(value=value, attr=attr):
            return ast.copy_location(ast.Attribute(value, attr, ast.Load()), target)
        case ast.Subscript(value=value, slice=index):
            return ast.copy_location(ast.Subscript(value, index, ast.Load()), target)
        case _:
            return target


def follow(analysis: Analysis) -> History:
    """Return what the notebook does with its data; nothing where that is more than is followed."""
    run = Run(analysis)
    try:
        for statement in analysis.statements():
            if statement.magic is None:
                run.cell = statement.cell
                run.statement(statement.node)
    except TooMuchError:
        return History()
    return run.history
