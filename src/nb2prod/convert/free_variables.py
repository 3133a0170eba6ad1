"""The pass that makes arguments of the notebook's variables that a function reads.

Lambda lifting (Johnsson, 1985): where a function is called by name, the variable it would read holds there
just what it would find, so the caller can hand it over, whatever the variable held before or holds later.
The same goes for a function handed to a call that is done with it when it returns (``df.apply(f)``): it is
handed over together with its variables. A function that is stored, returned or decorated reads its variables
when nobody knows; it keeps them where they are, inside the step that owns them.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nb2prod.convert.call_text import argument_end
from nb2prod.convert.definitions import evaluates_quietly, meanings
from nb2prod.convert.late_imports import LateImports
from nb2prod.convert.lifetimes import arguments_used_at_once, makes_closures
from nb2prod.convert.namespace_reads import may_read_any_name
from nb2prod.convert.plan import Function, Import, Item, Moved, Replacement, moved_items, without
from nb2prod.dataflow.flow import PREDEFINED

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from nb2prod.analysis import Analysis
    from nb2prod.convert.plan import Plan
    from nb2prod.dataflow.model import Definition, Statement, Use

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_PARTIAL = Import(("partial",), "from functools import partial", None)
# Calls that give their first argument, a function, to other processes or threads.
_SENDING = frozenset({
    "apply_async", "delayed", "imap", "imap_unordered", "map_async", "starmap", "starmap_async", "submit",
})  # fmt: skip
# What a function would have to be handed that is no value: it stays where it reads it.
_NO_VALUES = frozenset({"import", "function", "class", "delete", "except", "star"})


def lift_functions(plan: Plan, analysis: Analysis) -> Plan:
    """Move functions that read variables to module level, with the variables as arguments, where all calls allow it."""
    if may_read_any_name(plan, analysis):
        return plan
    notebook = _Notebook(
        analysis,
        tuple(moved_items(plan)),
        meanings(analysis),
        frozenset(each.name for each in plan.parameters),
        frozenset(name for each in plan.imports for name in each.binds) | {each.name for each in plan.functions},
        LateImports(tuple(moved_items(plan)), analysis),
    )
    candidates = {item.statement.definitions[0].name: item for item in notebook.items if notebook.may_be_lifted(item)}
    while True:
        free = _free_variables(candidates, notebook)
        fit = {name: item for name, item in candidates.items() if name in free and notebook.all_calls_give(name, free)}
        if len(fit) == len(candidates):
            break
        candidates = fit
    if not candidates:
        return plan
    changes: dict[int, list[Replacement]] = {}
    is_partial_used = False
    for item in candidates.values():
        if stated := notebook.late.at_start_of(item.statement):
            changes.setdefault(item.statement.index, []).extend(stated)
    for name, item in ((name, item) for name, item in candidates.items() if free[name]):
        by_keyword = notebook.needs_keywords(item)
        changes.setdefault(item.statement.index, []).append(_parameters(item.statement, free[name], by_keyword))
        for statement, call in notebook.calls(name):
            changes.setdefault(statement.index, []).append(_arguments(statement, call, free[name], by_keyword))
        for statement, node in notebook.handed_over(name):
            changes.setdefault(statement.index, []).append(_with_variables(statement, node, free[name]))
            is_partial_used = True
    steps = tuple(replace(step, items=tuple(_changed(item, changes) for item in step.items)) for step in plan.steps)
    lifted = {each.statement.index: each for each in moved_items(replace(plan, steps=steps))}
    functions = [
        *plan.functions,
        *(
            Function(name, "function", lifted[item.statement.index], tuple(free[name]))
            for name, item in candidates.items()
        ),
    ]
    functions.sort(key=lambda each: each.moved.statement.index)
    imports = (*plan.imports, *([_PARTIAL] if is_partial_used else []))
    changed = replace(plan, steps=steps, functions=tuple(functions), imports=imports)
    return without(changed, {item.statement.index for item in candidates.values()})


@dataclass(frozen=True, slots=True)
class _Notebook:
    """What the pass asks about the plan and the notebook.

    items         the statements of the steps
    meanings      every definition of every name
    parameters    the names the configuration gives
    module_names  the names at module level so far
    late          what a function at module level imports itself
    """

    analysis: Analysis
    items: tuple[Moved, ...]
    meanings: Mapping[str, Sequence[Definition]]
    parameters: frozenset[str]
    module_names: frozenset[str]
    late: LateImports

    def may_be_lifted(self, item: Moved) -> bool:
        """Return whether ``item`` defines a plain function once, and its definition itself reads no variable."""
        statement = item.statement
        node = statement.node
        if not isinstance(node, _Function) or node.decorator_list or node.args.kwarg or item.guarded or item.shown:
            return False
        if (
            not evaluates_quietly(node)
            or item.replacements
            or statement.global_writes
            or len(self.meanings.get(node.name, ())) != 1
        ):
            return False
        if node.name in PREDEFINED | self.parameters or any(isinstance(each, ast.Global) for each in ast.walk(node)):
            return False
        return all(use.deferred or self.is_outside(use.name) for use in statement.uses)

    def is_outside(self, name: str) -> bool:
        """Return whether a name is found at module level of the package, or by nobody."""
        return name in self.module_names or (name not in self.meanings and name not in self.parameters)

    def is_value(self, name: str, item: Moved) -> bool:
        """Return whether a name that a function reads is a variable that its callers can hand over."""
        bindings = [each for each in self.meanings.get(name, ()) if each.kind != "mutate"]
        if any(each.kind in _NO_VALUES for each in bindings) or self.is_written_by_a_function(name):
            return False
        # A generator, or a function made inside, may read it after the call: it has to mean one thing.
        node = item.statement.node
        is_late = isinstance(node, ast.AsyncFunctionDef) or (isinstance(node, ast.FunctionDef) and makes_closures(node))
        return not is_late or self._means_one_thing(name)

    def is_written_by_a_function(self, name: str) -> bool:
        """Return whether some function assigns the name through ``global``."""
        return any(each.name == name for item in self.items for each in item.statement.global_writes)

    def all_calls_give(self, name: str, free: Mapping[str, Collection[str]]) -> bool:
        """Return whether every use of a function is a call at which what it reads is bound and can be named."""
        for item in self.items:
            statement = item.statement
            called = {id(call.func): call for call, _ in statement.calls}
            for use in statement.uses:
                if use.name != name:
                    continue
                if statement.index < self.meanings[name][0].statement and not use.deferred:
                    return False
                if not free[name]:
                    continue  # nothing has to be given
                call = called.get(id(use.node))
                if item.guarded or (call is not None and argument_end(statement.cell, call) is None):
                    return False
                if call is None and not (self.can_be_partial and self._is_handed_over(use, statement, free[name])):
                    return False
                if not self._can_be_handed(use, statement, free[name], free):
                    return False
        return True

    def _can_be_handed(
        self, use: Use, statement: Statement, names: Collection[str], free: Mapping[str, Collection[str]]
    ) -> bool:
        node = statement.node
        if isinstance(node, ast.ClassDef) or not _bound_inside(node).isdisjoint(names):
            return False
        if isinstance(node, _Function):
            return node.name in free
        if use.deferred and not _runs_at_once(use.node, statement, self.analysis):
            return False
        return all(self._is_bound_before(name, statement) for name in names)

    def _is_bound_before(self, name: str, statement: Statement) -> bool:
        """Return whether a name surely has a value when ``statement`` starts."""
        return name in self.parameters or any(
            each.certain and each.kind != "mutate" and each.statement < statement.index
            for each in self.meanings.get(name, ())
        )

    def needs_keywords(self, item: Moved) -> bool:
        """Return whether the variables have to be handed over by name: some call leaves an argument out."""
        arguments = item.statement.node.args  # type: ignore[attr-defined]  # may_be_lifted has seen a function
        if arguments.defaults or arguments.vararg or arguments.kwonlyargs:
            return True
        count = len(arguments.posonlyargs) + len(arguments.args)
        calls = [call for _, call in self.calls(item.statement.definitions[0].name)]
        return any(
            call.keywords or len(call.args) != count or any(isinstance(each, ast.Starred) for each in call.args)
            for call in calls
        )

    @property
    def can_be_partial(self) -> bool:
        """Return whether ``partial`` is nothing else in the notebook than that of ``functools``."""
        return all(each.qualified == "functools.partial" for each in self.meanings.get("partial", ()))

    def _is_handed_over(self, use: Use, statement: Statement, variables: Iterable[str]) -> bool:
        """Return whether a use hands its function to a call that is done with it when it returns.

        Or to other processes and threads, if its variables mean one thing: what a step owns cannot be pickled.
        """
        if id(use.node) in arguments_used_at_once(statement, self.analysis):
            return True
        is_sent = any(
            call.args
            and call.args[0] is use.node
            and getattr(call.func, "attr", getattr(call.func, "id", "")) in _SENDING
            for call, _ in statement.calls
        )
        return is_sent and all(self._means_one_thing(name) for name in variables)

    def _means_one_thing(self, name: str) -> bool:
        bindings = [each for each in self.meanings.get(name, ()) if each.kind != "mutate"]
        return len(bindings) + (name in self.parameters) == 1

    def handed_over(self, name: str) -> Iterable[tuple[Statement, ast.AST]]:
        """Yield the places at which a function that may be lifted is an argument of a call."""
        for item in self.items:
            called = {id(call.func) for call, _ in item.statement.calls}
            yield from (
                (item.statement, use.node)
                for use in item.statement.uses
                if use.name == name and id(use.node) not in called
            )

    def calls(self, name: str) -> Iterable[tuple[Statement, ast.Call]]:
        """Yield the calls of a function by its name, its own of itself among them."""
        for item in self.items:
            read = {id(use.node) for use in item.statement.uses if use.name == name}
            yield from ((item.statement, call) for call, _ in item.statement.calls if id(call.func) in read)


def _free_variables(candidates: Mapping[str, Moved], notebook: _Notebook) -> dict[str, tuple[str, ...]]:
    """Return what each function needs: the variables it reads, and those that functions it calls need.

    A function that reads something else is left out.
    """
    direct: dict[str, set[str]] = {}
    for name, item in candidates.items():
        read = {use.name for use in item.statement.uses} - {name} - candidates.keys()
        values = {each for each in read if not (notebook.is_outside(each) or notebook.late.means_one_thing(each))}
        if all(notebook.is_value(each, item) for each in values):
            direct[name] = values
    calls = {name: {use.name for use in candidates[name].statement.uses} & direct.keys() for name in direct}
    while True:
        grown = {name: values.union(*(direct[each] for each in calls[name])) for name, values in direct.items()}
        if grown == direct:
            break
        direct = grown
    made: dict[str, int] = {}
    for item in notebook.items:
        for definition in item.statement.definitions:
            made.setdefault(definition.name, len(made))
    return {
        name: tuple(sorted(values, key=lambda each: (each not in made, made.get(each, 0), each)))
        for name, values in direct.items()
    }


def _bound_inside(node: ast.stmt) -> set[str]:
    """Return the names that functions and comprehensions inside a statement bind for themselves."""
    scopes = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.FunctionDef, ast.AsyncFunctionDef)
    found = {each.arg for each in ast.walk(node) if isinstance(each, ast.arg)}
    for scope in ast.walk(node):
        if isinstance(scope, scopes):
            found.update(
                each.id for each in ast.walk(scope) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
            )
    return found


def _runs_at_once(use: ast.AST, statement: Statement, analysis: Analysis) -> bool:
    """Return whether every lambda and generator around a use is an argument of a call that keeps none."""
    at_once = arguments_used_at_once(statement, analysis)
    around = [
        each
        for each in ast.walk(statement.node)
        if isinstance(each, (ast.Lambda, ast.GeneratorExp, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        and any(inner is use for inner in ast.walk(each))
    ]
    return all(id(each) in at_once for each in around)


def _parameters(statement: Statement, names: Iterable[str], by_keyword: bool) -> Replacement:  # noqa: FBT001
    """Return the change that gives a function more parameters."""
    node = statement.node
    end = argument_end(statement.cell, node)
    if end is None or not isinstance(node, _Function):
        msg = f"cell {statement.cell.index}: the parameters of a function are not found"
        raise AssertionError(msg)
    is_open = by_keyword and not node.args.vararg and not node.args.kwonlyargs
    return Replacement(end.range, end.joined([*(["*"] if is_open else []), *names]))


def _arguments(statement: Statement, call: ast.Call, names: Iterable[str], by_keyword: bool) -> Replacement:  # noqa: FBT001
    """Return the change that hands a call's function its variables."""
    end = argument_end(statement.cell, call)
    if end is None:
        msg = f"cell {statement.cell.index}: the arguments of a call are not found"
        raise AssertionError(msg)
    names = tuple(names)
    return Replacement(end.range, end.joined([f"{name}={name}" if by_keyword else name for name in names]), names)


def _with_variables(statement: Statement, node: ast.AST, names: Iterable[str]) -> Replacement:
    """Return the change that hands a function over together with its variables."""
    place = statement.cell.locate(node).range
    names = tuple(names)
    given = "".join(f", {name}={name}" for name in names)
    return Replacement(place, f"partial({ast.unparse(node)}{given})", names)


def _changed(item: Item, changes: Mapping[int, list[Replacement]]) -> Item:
    if not isinstance(item, Moved):
        return item
    return replace(item, replacements=(*item.replacements, *changes.get(item.statement.index, ())))
