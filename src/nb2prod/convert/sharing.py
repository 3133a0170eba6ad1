"""Which names may hold the same object, or one that holds another's: what a change of one is seen through."""

from __future__ import annotations

import ast
from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.convert.effects import EffectsOf
    from nb2prod.dataflow.model import Definition, Statement

_IMMUTABLE = frozenset({
    "builtins.str", "builtins.int", "builtins.float", "builtins.bool", "builtins.bytes", "builtins.complex",
    "pathlib.Path", "datetime.datetime", "datetime.date",
})  # fmt: skip
_FRESH = (ast.Constant, ast.Compare, ast.JoinedStr, ast.UnaryOp)
_ARRAYS = ("pandas.", "numpy.")
_FRESH_RESULTS = frozenset({"deepcopy", "predict", "predict_proba"})


class Sharing:
    """The names of a notebook by what their objects share, whatever the order of its statements."""

    def __init__(self, analysis: Analysis, effects: EffectsOf) -> None:
        """Look at every statement of the notebook."""
        self._analysis = analysis
        self._effects_of = effects
        self._calls = {id(call.node): call for call in analysis.calls()}
        self._definitions: defaultdict[str, list[Definition]] = defaultdict(list)
        self._immutable: dict[str, bool] = {}
        for statement in analysis.statements():
            for definition in statement.definitions:
                self._definitions[definition.name].append(definition)
        self._same: defaultdict[str, set[str]] = defaultdict(set)
        self._holds: defaultdict[str, set[str]] = defaultdict(set)
        for statement in analysis.statements():
            self._add(statement)

    def changed(self, names: Iterable[str], *, deep: bool) -> frozenset[str]:
        """Return the names whose own object changes when those of ``names`` do, and what they hold if ``deep``."""
        return self._closure(names, held=deep)

    def seen_through(self, names: Iterable[str]) -> frozenset[str]:
        """Return the names whose objects can be seen through ``names``: the same, parts, and what they hold."""
        return self._closure(names, held=True)

    def _closure(self, names: Iterable[str], *, held: bool) -> frozenset[str]:
        found = set(names)
        waiting = list(found)
        while waiting:
            name = waiting.pop()
            new = (self._same[name] | (self._holds[name] if held else set())) - found
            found |= new
            waiting += new
        return frozenset(found)

    def _add(self, statement: Statement) -> None:
        node = statement.node
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                self._holds[name] |= {use.name for use in statement.uses}
                return
            case _:
                bound = {each.name for each in statement.definitions}
                for function in self._effects_of.functions(statement):  # what they return may be anybody's
                    self._link(bound, {use.name for use in function.uses}, same=True)
                changed = {each.name for each in statement.definitions if each.kind == "mutate"}
                self._link(changed, {use.name for use in statement.uses}, same=False)
        for inner in ast.walk(node):
            match inner:
                case ast.Assign(targets=targets, value=value):
                    for target in targets:
                        self._bind(target, value)
                case (
                    ast.AnnAssign(target=target, value=ast.expr() as value) | ast.NamedExpr(target=target, value=value)
                ):
                    self._bind(target, value)
                case ast.AugAssign(target=target, value=value):
                    self._link(_roots(target), _names(value), same=False)
                case ast.For(target=target, iter=source) | ast.AsyncFor(target=target, iter=source):
                    self._link(_roots(target), _names(source), same=True)
                case ast.withitem(context_expr=source, optional_vars=ast.expr() as target):
                    self._link(_roots(target), _names(source), same=True)
                case ast.Call():
                    self._call(inner)
                case _:
                    pass

    def _bind(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, (ast.Tuple, ast.List)) and isinstance(value, ast.Call):
            effects = self._effects(value)
            if effects is None or "split" not in effects:  # fig, ax = plt.subplots()
                self._link(_roots(target), _roots(target), same=True)
        for name, same in self._shares(value):
            # What is put into an object is held by it.
            self._link(_roots(target), [name], same=same and isinstance(target, (ast.Name, ast.Tuple, ast.List)))

    def _link(self, targets: Iterable[str], names: Iterable[str], *, same: bool) -> None:
        names = [name for name in names if not self._is_immutable(name)]
        for target in targets:
            for name in names:
                if name == target:
                    continue
                if same:
                    self._same[target].add(name)
                    self._same[name].add(target)
                else:
                    self._holds[target].add(name)

    def _is_immutable(self, name: str) -> bool:
        if name not in self._immutable:
            definitions = [each for each in self._definitions[name] if each.kind != "mutate"]
            self._immutable[name] = bool(definitions) and all(
                each.kind == "import" or self._analysis.object_class(each) in _IMMUTABLE for each in definitions
            )
        return self._immutable[name]

    def _call(self, node: ast.Call) -> None:
        """Let the object of a call hold its arguments, and all of them each other where nothing is known."""
        effects = self._effects(node)
        receiver = _names(node.func.value) if isinstance(node.func, ast.Attribute) else set()
        arguments = {name for each in (*node.args, *(each.value for each in node.keywords)) for name in _names(each)}
        if effects is None:
            everything = receiver | arguments
            for name in everything:
                self._link([name], everything - {name}, same=False)
        elif not effects.isdisjoint({"fit", "mutates-argument"}):
            self._link(receiver, arguments, same=False)

    def _shares(self, node: ast.expr) -> Iterator[tuple[str, bool]]:
        """Yield the names whose objects the value of ``node`` may be, be part of (True), or hold (False)."""
        match node:
            case ast.Name(id=name):
                yield name, True
            case (
                ast.Attribute(value=value)
                | ast.Subscript(value=value)
                | ast.Starred(value=value)
                | ast.Await(value=value)
            ):
                yield from self._shares(value)
            case ast.IfExp(body=body, orelse=orelse):
                yield from self._shares(body)
                yield from self._shares(orelse)
            case ast.BoolOp(values=values):
                for value in values:
                    yield from self._shares(value)
            case ast.Call():
                yield from self._result(node)
            case ast.BinOp(left=left, right=right):
                if not any((self._analysis.qualified_name(each) or "").startswith(_ARRAYS) for each in (left, right)):
                    yield from ((name, False) for name in _names(node))
            case _ if isinstance(node, _FRESH):
                return
            case _:  # a display, a comprehension, a lambda
                yield from ((name, False) for name in _names(node))

    def _result(self, node: ast.Call) -> Iterator[tuple[str, bool]]:
        effects = self._effects(node)
        method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        of_array = (self._analysis.qualified_name(node.func) or "").startswith(_ARRAYS)
        if effects is not None and (not effects.isdisjoint({"predict", "score"}) or method in _FRESH_RESULTS):
            return
        if (method == "copy" and of_array) or self._analysis.qualified_name(node) in _IMMUTABLE:
            return
        yield from ((name, method != "copy") for name in _names(node))

    def _effects(self, node: ast.Call) -> frozenset[str] | None:
        call = self._calls.get(id(node))
        return None if call is None else self._effects_of.of_call(call)


def _roots(target: ast.expr) -> set[str]:
    """Return the names a target binds, or whose object it changes."""
    match target:
        case ast.Name(id=name):
            return {name}
        case ast.Attribute(value=value) | ast.Subscript(value=value) | ast.Starred(value=value):
            return _roots(value)
        case ast.Tuple(elts=elements) | ast.List(elts=elements):
            return {name for each in elements for name in _roots(each)}
        case _:
            return set()


def _names(node: ast.AST) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
