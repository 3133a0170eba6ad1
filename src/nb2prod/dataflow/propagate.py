"""One pass over the statements in order: what reaches each use, and what runs when functions are called.

A function's body runs where the function is called, with what its names hold there, transitively. A
function handed to a call is taken to be called there and not kept. A function that is kept (bound to
a second name, put into a container, stored on an object), the methods of a class that has been used,
and what a factory, a generator or a coroutine leaves to be done, may run at any time from there on.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nb2prod.dataflow.model import Definition, Statement, Use

_CALLABLE = frozenset({"function", "class", "assign"})
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
# Statements that run others: what those bind may be read by what is called after them in here.
_COMPOUND = (
    ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.TryStar, ast.Match, ast.ClassDef,
)  # fmt: skip


class Calls:
    """What functions read because of one statement.

    here  names read by functions that run in it
    ever  names read by functions that may run at any time from it on
    """

    __slots__ = ("ever", "here")

    def __init__(self) -> None:
        """Begin with none."""
        self.here: set[str] = set()
        self.ever: set[str] = set()


class Propagation:
    """The state after the statements so far; the results are in ``reaching``, ``unsure``, ``state``, ``reads``."""

    def __init__(self, statements: Sequence[Statement], order: Sequence[Statement]) -> None:
        """Start before the first statement of ``order``."""
        self.statements = statements
        self.order = order
        self.reaching: dict[Use, tuple[Definition, ...]] = {}
        self.unsure: set[Use] = set()
        self.reads: defaultdict[int, Calls] = defaultdict(Calls)
        # What reaches this point by name, the names that are surely bound, and what is bound by
        # functions that may run at any time.
        self.state: dict[str, tuple[Definition, ...]] = {}
        self.sure: set[str] = set()
        self._floating: defaultdict[str, tuple[Definition, ...]] = defaultdict(tuple)
        self._fleeting: set[str] = set()
        # Uses that may run at any time from here on, by name, and the functions they are in.
        self._waiting: defaultdict[str, list[Use]] = defaultdict(list)
        self._kept: set[Definition] = set()
        self._deferred = {
            statement.index: tuple(use for use in statement.uses if use.deferred) for statement in statements
        }
        # Statements with code that runs when called.
        self._code = {
            each.index for each in statements if self._deferred[each.index] or each.global_writes or each.global_changes
        }
        # Of the statement at hand: itself, what it binds that its calls may read, what they wrote.
        self._at = -1
        self._inner: dict[str, list[Definition]] = {}
        self._own: dict[str, tuple[Definition, ...]] | None = None
        self._ends: dict[str, tuple[int, int]] = {}
        self._written: defaultdict[str, tuple[Definition, ...]] = defaultdict(tuple)
        self._wrote = False

    def run(self) -> None:
        """Take the statements in order."""
        for statement in self.order:
            self._statement(statement)
        for statement in self.order:
            for use in self._deferred[statement.index]:
                # Never called as far as we see: at the end, at best.
                if use not in self.reaching:
                    self._merge(use)

    def _statement(self, statement: Statement) -> None:
        inner: dict[str, list[Definition]] = {}
        for definition in statement.definitions:
            if definition.kind not in ("delete", "star"):
                inner.setdefault(definition.name, []).append(definition)
        self._at = statement.index
        self._inner, self._own = inner, None
        self._ends = _ends(statement) if statement.definitions else {}
        if self._wrote:
            self._written.clear()
            self._wrote = False
        self._uses(statement)
        if self._wrote:
            # In a loop, what was called later has written before what is read earlier.
            self._uses(statement)
        deferred = self._deferred[statement.index]
        if deferred:
            # Lambdas of this very statement may run within it.
            at_once = calls_its_own(statement)
            for use in deferred:
                if use.owner is None or at_once:
                    self._merge(use)
        if statement.definitions:
            self._apply(statement, inner)
        for use in deferred:
            if use.owner is None and (use.kept or isinstance(statement.node, _COMPOUND)):
                self._wait(use)
        if statement.global_changes and not isinstance(statement.node, _FUNCTIONS):
            for changed in statement.global_changes:
                self._float(changed)

    def _uses(self, statement: Statement) -> None:
        called: set[int] = set()
        held: dict[int, bool] | None = None
        for use in statement.uses:
            if use.deferred and use.owner is not None:
                continue
            if not use.deferred:
                self._reach(use)
            else:
                self._merge(use)
            found = self.reaching.get(use)
            if found is not None and not self._code.isdisjoint([each.statement for each in found]):
                if held is None:
                    held = _held(statement)
                self._call(found, called, kept=held.get(id(use.node), True))

    def _reach(self, use: Use) -> None:
        found = self._now(use.name) if use.exposed else self._written.get(use.name, ())
        if use.own and use.name in self._inner:
            found = _merged(found, self._inner[use.name])
        if found:
            known = self.reaching.get(use)
            self.reaching[use] = found if known is None else _merged(known, found)
        if use.name in self._fleeting or (use.exposed and (use.name not in self.sure or self._ended(use))):
            self.unsure.add(use)

    def _ended(self, use: Use) -> bool:
        return use.name in self._ends and _start(use.node) > self._ends[use.name]

    def _now(self, name: str) -> tuple[Definition, ...]:
        floating = self._floating.get(name)
        known = self.state.get(name, ())
        return known if floating is None else _merged(known, floating)

    def _call(self, found: Sequence[Definition], called: set[int], *, kept: bool) -> None:
        """Resolve what the functions in ``found`` read and write: as of now, or whenever if they are kept."""
        for definition in found:
            if definition.kind not in _CALLABLE or definition.statement not in self._code:
                continue
            if kept or self.statements[definition.statement].leaves_work:
                self._keep(definition)
            if definition.statement in called:
                continue
            called.add(definition.statement)
            for written in self._writes(definition):
                self._write(written)
            for inner in self._deferred[definition.statement]:
                if inner.owner == definition.name:
                    self._merge(inner)
                    self._call(self.reaching.get(inner, ()), called, kept=False)

    def _writes(self, definition: Definition) -> tuple[Definition, ...]:
        return self.statements[definition.statement].global_writes

    def _write(self, written: Definition) -> None:
        """Take note that a function that runs now binds or deletes a global."""
        self._wrote = True
        if written.kind == "delete":
            self.sure.discard(written.name)
            self._delete_seen(written.name)
            return
        known = self.state.get(written.name, ())
        if written not in known:
            self.state[written.name] = (*known, written)
        if written not in self._written[written.name]:
            self._written[written.name] += (written,)
        self._arrive(written)

    def _keep(self, definition: Definition) -> None:
        """From here on ``definition`` may be called at any time."""
        if definition in self._kept:
            return
        self._kept.add(definition)
        for written in self._writes(definition):
            if written.kind == "delete":
                self._fleeting.add(written.name)
                self._delete_seen(written.name)
            else:
                self._float(written)
        for changed in self.statements[definition.statement].global_changes:
            self._float(changed)
        for inner in self._deferred[definition.statement]:
            if inner.owner == definition.name:
                self._wait(inner)

    def _float(self, definition: Definition) -> None:
        """From here on ``definition`` may happen at any time."""
        self._floating[definition.name] = _merged(self._floating[definition.name], (definition,))
        self._arrive(definition)

    def _wait(self, use: Use) -> None:
        """From here on ``use`` may be evaluated at any time."""
        self._merge(use)
        self._waiting[use.name].append(use)
        self.reads[self._at].ever.add(use.name)
        for definition in self.reaching.get(use, ()):
            if definition.kind in _CALLABLE:
                self._keep(definition)

    def _arrive(self, definition: Definition) -> None:
        """Let a new definition reach the uses that may be evaluated at any time."""
        for use in self._waiting.get(definition.name, ()):
            self.reaching[use] = _merged(self.reaching.get(use, ()), (definition,))
            if definition.kind in _CALLABLE:
                self._keep(definition)

    def _delete_seen(self, name: str) -> None:
        self.unsure.update(self._waiting.get(name, ()))

    def _merge(self, use: Use) -> None:
        """Add what reaches now to what a deferred use may read."""
        now = self._now(use.name)
        if self._inner:
            if self._own is None:
                self._own = _seen_by_calls(self.statements[self._at], self._inner)
            now = _merged(now, self._own.get(use.name, ()))
        if now:
            known = self.reaching.get(use)
            self.reaching[use] = now if known is None else _merged(known, now)
        if use.name not in self.sure or use.name in self._ends or use.name in self._fleeting:
            self.unsure.add(use)
        self.reads[self._at].here.add(use.name)

    def _apply(self, statement: Statement, inner: dict[str, list[Definition]]) -> None:
        compound = isinstance(statement.node, _COMPOUND)
        for name, found in inner.items():
            # "except … as e" has unbound e again by the end of the handler.
            definitions = [definition for definition in found if definition.kind != "except"]
            if not definitions:
                continue
            if any(definition.certain for definition in definitions if definition.kind != "mutate"):
                written = self._written.get(name, ()) if compound else ()
                self.state[name] = (*definitions, *written)
                self.sure.add(name)
            else:
                self.state[name] = (*self.state.get(name, ()), *definitions)
            if name in self._waiting:
                for definition in definitions:
                    self._arrive(definition)
        for name in self._ends:
            self.sure.discard(name)
            self._delete_seen(name)
            if any(each.kind == "delete" and each.certain and each.name == name for each in statement.definitions):
                self.state.pop(name, None)


def _merged(known: tuple[Definition, ...], more: Sequence[Definition]) -> tuple[Definition, ...]:
    added = tuple(each for each in more if each not in known)
    return known + added if added else known


def _held(statement: Statement) -> dict[int, bool]:
    """Say of nodes that are called, or handed to a call, that they are not kept."""
    found: dict[int, bool] = {}
    for call, _ in statement.calls:
        for node in (call.func, *call.args, *(keyword.value for keyword in call.keywords)):
            found[id(node)] = False
    if isinstance(statement.node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        found.update((id(node), False) for node in statement.node.decorator_list)
    if isinstance(statement.node, ast.Expr):
        found[id(statement.node.value)] = False
    return found


def _start(node: ast.AST) -> tuple[int, int]:
    return getattr(node, "lineno", 0), getattr(node, "col_offset", 0)


def _ends(statement: Statement) -> dict[str, tuple[int, int]]:
    """Return the names the statement deletes, with where: uses after it may find them gone."""
    found: dict[str, tuple[int, int]] = {}
    for each in statement.definitions:
        if each.kind == "delete":
            found[each.name] = min(_start(each.node), found.get(each.name, _start(each.node)))
    if found and any(isinstance(node, (ast.For, ast.AsyncFor, ast.While)) for node in ast.walk(statement.node)):
        return dict.fromkeys(found, (0, 0))
    return found


def calls_its_own(statement: Statement) -> bool:
    """Return whether a class body calls, or hands over, what it defines itself."""
    known = {id(use.node) for use in statement.uses}
    return isinstance(statement.node, ast.ClassDef) and any(
        isinstance(node, ast.Lambda) or (isinstance(root := _root(node), ast.Name) and id(root) not in known)
        for call, deferred in statement.calls
        if not deferred
        for node in (call.func, *call.args, *(keyword.value for keyword in call.keywords))
    )


def _root(node: ast.expr) -> ast.expr:
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    return node


def _seen_by_calls(statement: Statement, inner: dict[str, list[Definition]]) -> dict[str, tuple[Definition, ...]]:
    """Return what the statement binds before, or in a loop around, something it calls."""
    if not inner:
        return {}
    node = statement.node
    first = (0, 0)
    if isinstance(node, (ast.Assign, ast.AugAssign, ast.AnnAssign)) and node.value is not None:
        # ``a = f()``: f runs before a is bound, unless it is bound inside the value.
        first = _start(node.value)
    found = {
        name: tuple(
            each for each in made if each.node is not node and each.kind != "except" and _start(each.node) >= first
        )
        for name, made in inner.items()
    }
    return {name: made for name, made in found.items() if made}
