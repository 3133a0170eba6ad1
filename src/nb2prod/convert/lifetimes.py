"""How long closures live and names stay bound: which statements have to share one step.

At module level a function reads whatever a global holds when it is called. Inside a step it reads
the step's own variable. Both are the same as long as every rebinding of that variable during the
closure's life stands in the closure's own step; where it does not, the steps are joined.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nb2prod.analysis import Analysis
    from nb2prod.convert.plan import Moved
    from nb2prod.dataflow.model import Definition, Statement

# Calls that use a function argument before they return and do not keep it; the rest is in the tables.
_USES_AT_ONCE = frozenset({"sorted", "min", "max", "sum", "any", "all", "list", "set", "dict", "tuple", "len", "sort"})


@dataclass(frozen=True, slots=True)
class Span:
    """Positions (in the moved order) that have to stand in one step, both ends included, and why."""

    first: int
    last: int
    reason: str


class Lifetimes:
    """The moved statements in the order they will run, with what each needs of the others."""

    def __init__(self, items: Sequence[Moved], analysis: Analysis) -> None:
        """Index ``items``, the moved statements in the order they will run."""
        self.items = list(items)
        self.flow = analysis.flow
        self.analysis = analysis
        self.position = {item.statement.index: place for place, item in enumerate(self.items)}
        self.bindings: dict[str, list[tuple[int, Definition]]] = {}
        self.readers: dict[int, set[int]] = {}
        for place, item in enumerate(self.items):
            for definition in item.statement.definitions:
                if definition.kind != "mutate":
                    self.bindings.setdefault(definition.name, []).append((place, definition))
            for use in item.statement.uses:
                for definition in self.flow.reaching(use):
                    made = self.position.get(definition.statement)
                    if made is not None and made != place:
                        self.readers.setdefault(made, set()).add(place)

    def spans(self) -> list[Span]:
        """Return every stretch of statements that has to stay together because of a closure or a global."""
        found: list[Span] = []
        for place, item in enumerate(self.items):
            captured = {use.name for use in item.statement.uses if use.deferred}
            captured.difference_update(_owners(item.statement))
            if captured:
                end = self._alive_until(place)
                found.extend(
                    Span(place, where, f"a function reads {name}, which is bound again while it is in use")
                    for name in sorted(captured)
                    for where, definition in self.bindings.get(name, ())
                    if place < where <= end and definition.kind != "except"
                )
            found.extend(self._global_span(place, written) for written in item.statement.global_writes)
        return found

    def _global_span(self, place: int, written: Definition) -> Span:
        """Return where a global that a function assigns is bound, read, or can change."""
        places = {place, self._alive_until(place)}
        for other, item in enumerate(self.items):
            statement = item.statement
            names = {use.name for use in statement.uses} | {each.name for each in statement.definitions}
            if written.name in names or any(each.name == written.name for each in statement.global_writes):
                places.add(other)
        return Span(min(places), max(places), f"a function assigns the global {written.name}")

    def _alive_until(self, place: int) -> int:
        """Return the last position at which a closure made at ``place`` may still be called."""
        statement = self.items[place].statement
        if _only_used_at_once(statement, self.analysis):
            return place
        plain = isinstance(statement.node, (ast.FunctionDef, ast.AsyncFunctionDef)) and not makes_closures(
            statement.node
        )
        end = place
        pending, seen = [place], {place}
        while pending:
            current = pending.pop()
            for reader in self.readers.get(current, ()):
                if reader <= current and reader in seen:
                    continue
                end = max(end, reader)
                # Calling a plain function leaves nothing of it behind; naming it elsewhere may.
                keeps = not plain or current != place or self._kept(statement, self.items[reader].statement)
                if keeps and reader not in seen:
                    seen.add(reader)
                    pending.append(reader)
        return end

    def _kept(self, function: Statement, reader: Statement) -> bool:
        """Return whether ``reader`` does more with the function than call it, or have it called at once."""
        names = {each.name for each in function.definitions}
        called = {id(call.func) for call, _ in reader.calls}
        at_once = arguments_used_at_once(reader, self.analysis)
        return any(
            use.name in names and id(use.node) not in called and id(use.node) not in at_once for use in reader.uses
        ) or (isinstance(reader.node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)))


def sink_functions(items: Sequence[Moved], analysis: Analysis) -> list[Moved]:
    """Move plain functions down to their first use where what they read is bound only after them.

    Nobody can tell: a ``def`` with constant defaults and no decorator has no effect until it is used.
    """
    order = list(items)
    for item in reversed(items):
        node = item.statement.node
        if (
            not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
            or node.decorator_list
            or item.statement.global_writes
        ):
            continue
        if any(not use.deferred for use in item.statement.uses) or item.guarded:
            continue
        lifetimes = Lifetimes(order, analysis)
        place = lifetimes.position[item.statement.index]
        readers = {reader for reader in lifetimes.readers.get(place, ()) if reader > place}
        others = {where for where, _ in lifetimes.bindings.get(node.name, ()) if where != place}
        if not readers or others:
            continue
        first = min(readers)
        captured = {use.name for use in item.statement.uses if use.deferred} - {node.name}
        late = any(place < where < first for name in captured for where, _ in lifetimes.bindings.get(name, ()))
        if late:
            order.remove(item)
            order.insert(first - 1, item)
    return order


def surely_binds(body: Sequence[ast.stmt], name: str) -> bool:
    """Return whether running ``body`` binds ``name``, taking it that loops run at least once."""
    return any(_binds(statement, name) for statement in body)


def _binds(node: ast.stmt, name: str) -> bool:
    match node:
        case ast.FunctionDef(name=bound) | ast.AsyncFunctionDef(name=bound) | ast.ClassDef(name=bound):
            return bound == name
        case ast.If(body=body, orelse=orelse):
            return all(surely_binds(each, name) or _leaves(each) for each in (body, orelse)) or _stores(node.test, name)
        case ast.For(target=target, body=body) | ast.AsyncFor(target=target, body=body):
            return _stores(target, name) or surely_binds(body, name) or _stores(node.iter, name)
        case ast.While(body=body):
            return surely_binds(body, name) or _stores(node.test, name)
        case ast.With(items=items, body=body) | ast.AsyncWith(items=items, body=body):
            targets = [item.optional_vars for item in items if item.optional_vars is not None]
            return any(_stores(target, name) for target in targets) or surely_binds(body, name)
        case (
            ast.Try(body=body, handlers=handlers, orelse=orelse, finalbody=finalbody)
            | ast.TryStar(body=body, handlers=handlers, orelse=orelse, finalbody=finalbody)
        ):
            succeeds = surely_binds([*body, *orelse], name)
            recovers = all(surely_binds(each.body, name) or _leaves(each.body) for each in handlers)
            return surely_binds(finalbody, name) or (succeeds and recovers)
        case ast.Match(cases=cases):
            last = cases[-1].pattern
            covered = isinstance(last, ast.MatchAs) and last.pattern is None and cases[-1].guard is None
            return covered and all(surely_binds(each.body, name) or _leaves(each.body) for each in cases)
        case ast.Import(names=names):
            return any((alias.asname or alias.name.partition(".")[0]) == name for alias in names)
        case ast.ImportFrom(names=names):
            return any((alias.asname or alias.name) == name for alias in names)
        case _:
            return _stores(node, name)


def _stores(node: ast.AST, name: str) -> bool:
    return any(
        isinstance(each, ast.Name) and each.id == name and isinstance(each.ctx, ast.Store) for each in ast.walk(node)
    )


def _leaves(body: Sequence[ast.stmt]) -> bool:
    return bool(body) and isinstance(body[-1], (ast.Raise, ast.Continue, ast.Break))


def _owners(statement: Statement) -> set[str]:
    """Return the names a statement's own functions are known by: calling oneself captures nothing else."""
    node = statement.node
    return {node.name} if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) else set()


def makes_closures(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Return whether something of a function may run after its call: a function made in it, a generator."""
    inner = (
        ast.FunctionDef,
        ast.AsyncFunctionDef,
        ast.ClassDef,
        ast.Lambda,
        ast.GeneratorExp,
        ast.Yield,
        ast.YieldFrom,
    )
    return any(isinstance(each, inner) for statement in node.body for each in ast.walk(statement))


def _only_used_at_once(statement: Statement, analysis: Analysis) -> bool:
    """Return whether every lambda and generator of a statement is an argument of a call that keeps none."""
    closures = [each for each in ast.walk(statement.node) if isinstance(each, (ast.Lambda, ast.GeneratorExp))]
    if isinstance(statement.node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) or not closures:
        return False
    at_once = arguments_used_at_once(statement, analysis)
    return all(id(each) in at_once for each in closures)


def arguments_used_at_once(statement: Statement, analysis: Analysis) -> set[int]:
    """Return the ``id`` of each argument of a statement's calls that the call keeps no longer than it runs."""
    found: set[int] = set()
    for call, _ in statement.calls:
        name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
        qualified = analysis.qualified_name(call.func)
        info = None if qualified is None else analysis.libraries.call(qualified)
        if name in _USES_AT_ONCE or name == "join" or (info is not None and "does-not-retain" in info.effects):
            found.update(id(argument) for argument in call.args)
            found.update(id(keyword.value) for keyword in call.keywords)
        elif qualified is None and name in ("apply", "applymap", "map", "agg", "aggregate", "transform", "assign"):
            # pandas spelled on something whose type is unknown: these never keep their function.
            found.update(id(argument) for argument in call.args)
            found.update(id(keyword.value) for keyword in call.keywords)
    for call, _ in statement.calls:
        # ``list(map(f, xs))``: what consumes the iterator calls the function.
        if isinstance(call.func, ast.Name) and call.func.id in ("map", "filter") and id(call) in found:
            found.update(id(argument) for argument in call.args)
    return found
