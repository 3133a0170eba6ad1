"""The state of the walk over one statement: scopes, what is surely bound, and the facts found so far.

One walk in evaluation order. While it runs, ``Walk.bound`` holds the names that are surely bound at
that point by this statement alone; a use of any other name is exposed: its value can come from
before the statement. Scopes follow the language reference, "Resolution of names"
(https://docs.python.org/3/reference/executionmodel.html#resolution-of-names).
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nb2prod.dataflow.model import DefinitionKind, NamedFunction

_T = TypeVar("_T")
# How to walk a node, by its type: called with the walk and the node.
Handlers: TypeAlias = Mapping[type, Callable[["Walk", Any], _T]]


class Scope:
    """A scope below the module: function (also lambda), class or comprehension."""

    __slots__ = ("aliased", "global_names", "kind", "loads", "nonlocal_names", "parent", "stores", "touched")

    def __init__(self, kind: Literal["function", "class", "comprehension"], parent: Scope | None) -> None:
        """Open a scope of a kind inside ``parent``; None is the module."""
        self.kind = kind
        self.parent = parent
        self.stores: set[str] = set()
        self.loads: list[tuple[str, ast.AST]] = []
        self.global_names: set[str] = set()
        self.nonlocal_names: set[str] = set()
        # Names through which objects are changed in place, and those whose object may come from outside.
        self.touched: set[str] = set()
        self.aliased: set[str] = set()

    def key(self, name: str) -> str:
        """Return what stands for this scope's own ``name`` in ``Walk.bound``."""
        return f"{name} {id(self)}"


class Walk:
    """A walk over one top-level statement; see the module's docstring.

    definitions    (name, kind, node, qualified name) in order
    uses           (name, deferred, exposed, defined before in this walk, inside a loop, node, owner)
    made           names defined so far, on whatever path
    bound          names surely bound at this point
    deleted        names surely deleted at this point
    touched        names, of whatever scope, through which functions change objects that may not be their own
    owner          outermost function or class the walk is in
    scope          innermost scope, None at module level
    deferred       what is walked runs later, when called
    breaks         for each loop around, what is bound at its breaks so far
    loops          how many loops are around
    consumed       the argument of a call that is walked next
    kept           inside a lambda or generator that nobody has called: it may run any time later
    functions      functions, methods and lambdas that have a name, of whatever scope
    imports        (name, qualified name) of imports that bind in a scope below the module
    """

    __slots__ = (
        "_expressions", "_statements", "bound", "breaks", "calls", "consumed", "deferred", "definitions", "deleted",
        "dynamic", "functions", "global_writes", "imports", "kept", "leaves_work", "loops", "made", "owner", "scope",
        "touched", "uses",
    )  # fmt: skip

    def __init__(self, statements: Handlers[bool | None], expressions: Handlers[None]) -> None:
        """Start before a statement; the handlers say by node type how to walk it."""
        self._statements = statements
        self._expressions = expressions
        self.definitions: list[tuple[str, DefinitionKind, ast.AST, str | None]] = []
        self.uses: list[tuple[str, bool, bool, bool, bool, ast.AST, str | None, bool]] = []
        self.made: set[str] = set()
        self.calls: list[tuple[ast.Call, bool]] = []
        self.functions: list[NamedFunction] = []
        self.imports: list[tuple[str, str]] = []
        self.global_writes: list[tuple[str, DefinitionKind, ast.AST]] = []
        self.bound: set[str] = set()
        self.deleted: set[str] = set()
        self.touched: set[str] = set()
        self.dynamic = False
        self.leaves_work = False
        self.owner: str | None = None
        self.scope: Scope | None = None
        self.deferred = False
        self.breaks: list[list[set[str]]] = []
        self.loops = 0
        self.consumed: ast.AST | None = None
        self.kept = False

    def fresh(self) -> Walk:
        """Return a walk that has seen nothing yet."""
        return Walk(self._statements, self._expressions)

    def load(self, name: str, node: ast.AST) -> None:
        """Record a read of ``name``, or leave it to the scope that binds it."""
        scope = self.scope
        if scope is None:
            self.use(name, node)
        elif scope.kind == "function":
            scope.loads.append((name, node))
        elif scope.kind == "class" and (name in scope.stores or name in scope.global_names):
            # What a class body binds it looks up there and then at module level, past functions around.
            if name in scope.global_names or scope.key(name) not in self.bound:
                self.use(name, node)
        elif name not in scope.stores:
            self.load_outside(scope, name, node)

    def use(self, name: str, node: ast.AST) -> None:
        """Record a read of a module-level name."""
        exposed = self.deferred or name not in self.bound
        made, looping = name in self.made, self.loops > 0
        self.uses.append((name, self.deferred, exposed, made, looping, node, self.owner, self.kept))

    def load_outside(self, scope: Scope, name: str, node: ast.AST) -> None:
        """Look ``name`` up in what encloses ``scope``; class scopes are invisible from inside."""
        outer = scope.parent
        while outer is not None:
            if outer.kind == "function":
                outer.loads.append((name, node))
                return
            if outer.kind == "comprehension" and name in outer.stores:
                return
            outer = outer.parent
        self.use(name, node)

    def store(self, name: str, node: ast.AST, kind: DefinitionKind, qualified: str | None = None) -> None:
        """Record that ``name`` is bound here, in the scope it belongs to."""
        scope = self.scope
        while scope is not None and scope.kind == "comprehension":
            scope = scope.parent
        if scope is None:
            self.define(name, node, kind, qualified)
            return
        if qualified is not None:
            self.imports.append((name, qualified))
        if name in scope.global_names:
            if self.deferred:
                self.global_writes.append((name, "delete" if kind == "delete" else "assign", node))
            else:
                self.define(name, node, kind, qualified)
        elif name not in scope.nonlocal_names:
            scope.stores.add(name)
            if scope.kind == "class":
                (self.bound.discard if kind == "delete" else self.bound.add)(scope.key(name))

    def define(self, name: str, node: ast.AST, kind: DefinitionKind, qualified: str | None) -> None:
        """Record a definition of a module-level name."""
        self.definitions.append((name, kind, node, qualified))
        if kind == "delete":
            self.bound.discard(name)
            self.deleted.add(name)
        elif kind not in ("mutate", "star"):
            self.bound.add(name)
            self.made.add(name)
            self.deleted.discard(name)

    def mutate(self, target: ast.expr) -> None:
        """Record that the object behind ``target`` changes in place."""
        while isinstance(target, (ast.Attribute, ast.Subscript, ast.Starred)):
            target = target.value
        if isinstance(target, ast.Name):
            if self._is_global(target.id):
                self.definitions.append((target.id, "mutate", target, None))
            else:
                self.touch(target.id)

    def touch(self, name: str) -> None:
        """Note that a function may change, in place, the object behind ``name``."""
        if self.scope is not None and self.scope.kind == "function":
            self.scope.touched.add(name)
        elif self.deferred:
            self.touched.add(name)

    def alias(self, target: ast.expr) -> None:
        """Note that a name of a function may be given an object that is not the function's own."""
        if self.scope is None or self.scope.kind != "function":
            return
        if isinstance(target, ast.Name):
            self.scope.aliased.add(target.id)
        elif isinstance(target, (ast.Tuple, ast.List)):
            for element in target.elts:
                self.alias(element)

    def _is_global(self, name: str) -> bool:
        """Return whether ``name`` is the module's here, outside of functions."""
        scope = self.scope
        while scope is not None:
            if scope.kind == "function":
                return False
            # Only its own statements see what a class body binds, and only once it is bound.
            if name in scope.stores and (
                scope.kind != "class" or (scope is self.scope and scope.key(name) in self.bound)
            ):
                return False
            scope = scope.parent
        return True

    def block(self, body: Iterable[ast.stmt]) -> bool:
        """Walk a suite; return whether control surely leaves it before its end."""
        left = False
        for statement in body:
            if left:
                # Never reached, but what it binds still decides whose a name is.
                self.maybe(partial(self.statement, statement))
            else:
                left = self.statement(statement)
        return left

    def statement(self, node: ast.stmt) -> bool:
        """Walk a statement; return whether control surely does not continue after it."""
        handler = self._statements.get(type(node))
        if handler is None:
            self.children(node)
            return False
        return bool(handler(self, node))

    def branches(self, *branches: Callable[[], bool]) -> bool:
        """Walk alternatives from the same start; bound afterwards is what every surviving one binds."""
        before, deleted_before = self.bound, self.deleted
        survivors: list[set[str]] = []
        deleted: list[set[str]] = []
        for branch in branches:
            self.bound, self.deleted = set(before), set(deleted_before)
            if not branch():
                survivors.append(self.bound)
                deleted.append(self.deleted)
        if not survivors:
            self.bound, self.deleted = set(before), set(deleted_before)
            return True
        self.bound = set.intersection(*survivors)
        self.deleted = set.intersection(*deleted)
        return False

    def all(self, nodes: Iterable[ast.expr | None]) -> None:
        """Walk expressions in order."""
        for node in nodes:
            if node is not None:
                self.expression(node)

    def expression(self, node: ast.expr) -> None:
        """Walk an expression in evaluation order."""
        handler = self._expressions.get(type(node))
        if handler is None:
            self.children(node)
        else:
            handler(self, node)

    def children(self, node: ast.AST) -> None:
        """Walk whatever expressions stand below a node, in field order."""
        for name in node._fields:
            value = getattr(node, name, None)
            if isinstance(value, ast.expr):
                self.expression(value)
            elif isinstance(value, list):
                for item in value:
                    if isinstance(item, ast.expr):
                        self.expression(item)
                    elif isinstance(item, ast.AST):
                        self.children(item)

    def maybe(self, walk: Callable[[], object]) -> None:
        """Walk what may not be evaluated: nothing it binds is sure."""
        before, deleted = set(self.bound), set(self.deleted)
        walk()
        self.bound, self.deleted = before, deleted

    def lazily(self, walk: Callable[[], object], *, kept: bool = True) -> None:
        """Walk what is evaluated only when asked for; nothing it binds is sure."""
        state = self.deferred, self.kept
        self.deferred, self.kept = True, self.kept or (kept and not self.deferred)
        self.maybe(walk)
        self.deferred, self.kept = state

    def owned(self, name: str, walk: Callable[[], None]) -> None:
        """Walk with ``name`` as the owner of deferred uses, if nothing outside owns them already."""
        outer = self.owner
        if outer is None and self.scope is None:
            self.owner = name
        walk()
        self.owner = outer

    def body(self, arguments: ast.arguments, walk: Callable[[], object]) -> None:
        """Walk what runs only when called, in a function scope of its own."""
        scope = Scope("function", self.scope)
        scope.aliased.update(argument.arg for argument in argument_nodes(arguments))
        scope.stores |= scope.aliased
        state = self.scope, self.deferred, self.bound, self.deleted, self.breaks
        self.scope, self.deferred, self.bound, self.deleted, self.breaks = scope, True, set(), set(), []
        walk()
        for name, node in scope.loads:
            if name in scope.global_names:
                self.use(name, node)
            elif name not in scope.stores:
                self.load_outside(scope, name, node)
        self.touched.update(name for name in scope.touched if name in scope.aliased or name not in scope.stores)
        self.scope, self.deferred, self.bound, self.deleted, self.breaks = state

    def with_type_parameters(self, node: ast.stmt, walk: Callable[[], None]) -> None:
        """Walk with the type parameters of ``node`` in scope (from Python 3.12)."""
        parameters = getattr(node, "type_params", ())  # from Python 3.12
        if not parameters:
            walk()
            return
        scope = Scope("comprehension", self.scope)
        scope.stores.update(parameter.name for parameter in parameters)
        outer, self.scope = self.scope, scope
        for parameter in parameters:
            bound = getattr(parameter, "bound", None)
            if bound is not None:
                self.lazily(partial(self.expression, bound))
        walk()
        self.scope = outer


def argument_nodes(arguments: ast.arguments) -> list[ast.arg]:
    """Return every parameter of a signature, starred ones last."""
    starred = [argument for argument in (arguments.vararg, arguments.kwarg) if argument is not None]
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *starred]
