"""What calls change in place, worked out for the notebook's own functions and added to the statements that call.

A function is known by its name: where two cells define it, a call may run either. Functions that call
each other are walked until nothing new is found.
"""

from __future__ import annotations

import ast
from functools import cache
from typing import TYPE_CHECKING

from nb2prod.dataflow.bodies import changes_at_top, summarise
from nb2prod.dataflow.callees import (
    Knowledge,
    Outline,
    Summary,
    changes_its_object,
    handed_nodes,
    names_called,
    qualified_callee,
)
from nb2prod.dataflow.functions import Function, function_of, imports_of
from nb2prod.dataflow.model import Definition
from nb2prod.dataflow.propagate import calls_its_own

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from nb2prod.dataflow.model import Statement


def add_changes(statements: Sequence[Statement], mutates: Callable[[str], bool]) -> tuple[Statement, ...]:
    """Return ``statements`` with a ``mutate`` definition for every object that a call in them may change.

    That is an argument of one of the notebook's functions (``clean(df)``), the object of one of its
    methods, a module-level object a function changes, or the first argument of a library's function of
    which ``mutates`` says so (``random.shuffle(rows)``); also what a loop changes through its variable
    (``for df in (train, test): df["x"] = 0``).
    """
    summaries = Summaries(statements, mutates)
    completed = tuple([summaries.completed(statement) for statement in statements])
    summaries.end()
    return completed


class Summaries:
    """The summaries of a notebook's functions, each made when it is first asked for."""

    def __init__(self, statements: Sequence[Statement], mutates: Callable[[str], bool]) -> None:
        """Look up the functions and imports of ``statements``."""
        self._statements = statements
        self._functions: dict[str, list[Function]] = {}
        self._methods: dict[str, list[Function]] = {}
        self._in_statement: dict[int, list[Function]] = {}
        self._outlines: dict[int, Outline] = {}
        # Names of functions that may change something, and the statements they stand in.
        self._changing: set[str] | None = None
        self._worth: set[int] = set()
        self._kept: frozenset[str] | None = None
        # The functions that are walked now, those walked for the first time, who has read whose summary, and
        # who has read one of an unfinished function.
        self._made: dict[Function, Summary] = {}
        self._walking: list[Function] = []
        self._unfinished: set[Function] = set()
        self._readers: dict[Function, set[Function]] = {}
        self._misled: set[Function] = set()
        for statement in statements:
            for named in statement.functions:
                table = self._methods if named.kind == "method" else self._functions
                function = function_of(named, statement)
                table.setdefault(named.name, []).append(function)
                self._in_statement.setdefault(statement.index, []).append(function)
        self._own = self._functions.keys() | self._methods.keys()
        libraries, imports = imports_of(statements)
        self._known = Knowledge(self._callees, self._handed, cache(mutates), libraries, imports)

    def end(self) -> None:
        """Let go of what bodies are read with, which leads back here: a circle would keep the trees of a notebook."""
        del self._known

    def completed(self, statement: Statement) -> Statement:
        """Return ``statement`` with what its calls change, and what functions in it change when called."""
        added = tuple(self._changes(statement)) if self._is_relevant(statement) else ()
        later = tuple(self._later(statement, added)) if added or statement.index in self._in_statement else ()
        if not added and not later:
            return statement
        return statement._replace(definitions=(*added, *statement.definitions), global_changes=later)

    def _is_relevant(self, statement: Statement) -> bool:
        node = statement.node
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            return False
        in_class = isinstance(node, ast.ClassDef)
        if in_class and calls_its_own(statement):
            return True
        for call, deferred in statement.calls:
            if not (in_class and deferred) and self._may_change(call):
                return True
        if in_class:
            return False
        loops = [each.name for each in statement.definitions if each.kind == "loop"]
        if loops and any(each.kind == "mutate" and each.name in loops for each in statement.definitions):
            return True
        return bool(statement.touched)

    def _may_change(self, call: ast.Call) -> bool:
        """Whether a call may run a function that changes something, by a look that costs little."""
        if self._own and (self._calls_changing(call) or self._changes_result(call)):
            return True
        if not call.args or isinstance(call.args[0], (ast.Constant, ast.Call)):
            return False
        name = qualified_callee(call.func, self._known.libraries)
        return bool(name) and self._known.mutates(name)

    def _calls_changing(self, call: ast.Call) -> bool:
        names = self._changing_names()
        return bool(names) and not names.isdisjoint(names_called(call))

    def _changes_result(self, call: ast.Call) -> bool:
        """Whether a call changes what one of the notebook's functions has returned: ``first(rows).append(1)``."""
        made = call.func.value if isinstance(call.func, ast.Attribute) else None
        return isinstance(made, ast.Call) and not self._own.isdisjoint(names_called(made))

    def _changing_names(self) -> set[str]:
        """Return the functions and methods that may change an object from outside, themselves or through others."""
        if self._changing is not None:
            return self._changing
        self._changing = set()  # for a start, no call of the notebook's own functions counts
        waiting: list[tuple[Statement, set[str], set[str]]] = []
        for index, functions in self._in_statement.items():
            statement = functions[0].statement
            names = {each.name for each in functions}
            if any(name not in self._known.imports for name in statement.touched) or any(
                self._may_change(call) for call, _ in statement.calls
            ):
                self._changing |= names
                self._worth.add(index)
            else:
                called = {name for call, _ in statement.calls for name in names_called(call)}
                waiting.append((statement, names, called))
        while more := [each for each in waiting if not self._changing.isdisjoint(each[2])]:
            waiting = [each for each in waiting if self._changing.isdisjoint(each[2])]
            for statement, names, _ in more:
                self._changing |= names
                self._worth.add(statement.index)
        return self._changing

    def _changes(self, statement: Statement) -> Iterator[Definition]:
        nodes = {}
        for use in reversed(statement.uses):
            if not use.deferred or use.owner is None:
                nodes[use.name] = use.node
        written = {each.name for each in statement.definitions if each.kind == "mutate"}
        inner = isinstance(statement.node, ast.ClassDef) and calls_its_own(statement)
        found = changes_at_top(statement.node, self._outline(statement), self._known, calls_inner=inner)
        for (_, name), (sure, through) in sorted(found.items(), key=_by_name):
            if name not in written and name not in self._known.imports:
                yield _change(statement, name, nodes.get(name, statement.node), through, sure=sure)

    def _later(self, statement: Statement, added: Sequence[Definition]) -> Iterator[Definition]:
        """Yield what is changed when functions of ``statement`` are called from who knows where."""
        functions = self._in_statement.get(statement.index, ())
        if added and any(use.kept for use in statement.uses):
            yield from added
        elif not functions or not self._is_kept(statement):
            return
        seen: set[str] = set()
        for function in functions:
            for _, name in sorted(self._summary(function).changed_by_itself()):
                if name not in seen:
                    seen.add(name)
                    yield _change(statement, name, function.node, None, sure=False)

    def _is_kept(self, statement: Statement) -> bool:
        """Whether functions of ``statement`` may be called by other names than their own; methods go by theirs."""
        self._changing_names()
        if isinstance(statement.node, ast.ClassDef) or statement.index not in self._worth:
            return False
        if not statement.leaves_work and all(each.name not in self._names_kept() for each in statement.definitions):
            return False
        return bool(statement.touched) or any(self._may_change(call) for call, _ in statement.calls)

    def _names_kept(self) -> frozenset[str]:
        """Return the functions that are read otherwise than to be called or handed to a call."""
        if self._kept is None:
            kept: set[str] = set()
            for statement in self._statements:
                uses = [use for use in statement.uses if use.name in self._functions]
                if uses:
                    passing = {id(node) for call, _ in statement.calls for node in handed_nodes(call)}
                    kept.update(use.name for use in uses if id(use.node) not in passing)
            self._kept = frozenset(kept)
        return self._kept

    # What a body is read with

    def _callees(self, call: ast.Call) -> Iterator[tuple[Summary, tuple[ast.expr | None, ...]]]:
        function = call.func
        if isinstance(function, ast.Name):
            for each in self._functions.get(function.id, ()):
                yield self._summary(each), (None,) if each.method else ()
            if function.id not in self._functions:
                # A class body calls what it has just defined.
                for each in self._methods.get(function.id, ()):
                    yield self._summary(each), ()
        elif isinstance(function, ast.Attribute) and function.attr in self._methods:
            root = _root(function.value)
            if isinstance(root, ast.Name) and root.id in self._known.imports:
                return  # ``plt.plot()`` is not the notebook's own ``plot``
            for each in self._methods[function.attr]:
                yield self._summary(each), (function.value,) if each.method else ()

    def _handed(self, name: str) -> Iterator[Summary]:
        for each in self._functions.get(name, ()):
            yield self._summary(each)

    def _summary(self, function: Function) -> Summary:
        if self._walking:
            self._readers.setdefault(function, set()).add(self._walking[-1])
        found = self._made.get(function)
        if found is None:
            # Until it is known, a function that is reached in a circle changes nothing.
            self._made[function] = Summary()
            self._unfinished.add(function)
            found = self._made[function] = self._walked(function)
            self._unfinished.discard(function)
            if not self._walking:
                self._repeat()
                found = self._made[function]
        elif function in self._unfinished:
            self._misled.add(self._walking[-1])
        return found

    def _repeat(self) -> None:
        """Walk what has read a summary before it was final, until none tells more; each can tell only so much."""
        while self._misled:
            function = self._misled.pop()
            before = self._made[function]
            found = self._made[function] = self._walked(function)
            # Nothing is taken back, so that it ends: functions in a circle might take it from each other.
            for origin, sure in before.changed.items():
                found.changed[origin] = sure and found.changed.get(origin, sure)
            found.returned |= before.returned
            if (found.changed, found.returned) != (before.changed, before.returned):
                self._misled |= self._readers.get(function, set())

    def _walked(self, function: Function) -> Summary:
        self._walking.append(function)
        found = summarise(function.node, self._outline(function.statement), self._known, plain=function.plain)
        self._walking.pop()
        return found

    def _outline(self, statement: Statement) -> Outline:
        found = self._outlines.get(statement.index)
        if found is None:
            calls = (call for call, _ in statement.calls if changes_its_object(call) or self._may_change(call))
            found = Outline({id(use.node) for use in statement.uses}, sorted({call.lineno for call in calls}))
            self._outlines[statement.index] = found
        return found


def _by_name(item: tuple[tuple[bool, str], object]) -> tuple[bool, str]:
    return item[0]


def _change(statement: Statement, name: str, node: ast.AST, through: str | None, *, sure: bool) -> Definition:
    return Definition(
        name,
        "mutate",
        False,  # noqa: FBT003 a change binds nothing
        statement.index,
        statement.cell,
        node,
        through=through,
        sure=sure,
    )


def _root(node: ast.expr) -> ast.expr:
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Call)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node
