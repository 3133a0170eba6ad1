"""What the names inside a function were given, where a reading from top to bottom of its body tells."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.notebook.tree import children, nodes
from nb2prod.records import NamedTuple

if TYPE_CHECKING:
    from typing import TypeAlias

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
# Expressions that are more than what stands in them: the last five are scopes of their own.
_SPECIAL = frozenset({
    ast.Yield, ast.YieldFrom, ast.NamedExpr,
    ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp,
})  # fmt: skip
# A name that has so many values in a function is not followed.
_MANY = 4


class Given(NamedTuple):
    """One value a local name may have; all empty where nobody knows.

    value      the expression
    position   which of the values that ``value`` unpacks to
    imported   dotted name of the module, function or class
    parameter  the function whose argument it is, and which
    """

    value: ast.expr | None = None
    position: int | None = None
    imported: str | None = None
    parameter: tuple[ast.FunctionDef | ast.AsyncFunctionDef, str] | None = None


_UNKNOWN = Given()
_State: TypeAlias = "dict[str, tuple[Given, ...]]"


class LocalValues(NamedTuple):
    """What is known inside the functions of a piece of code.

    given     id of a name that is read → what it may have been given, for names of the function's own
    returned  id of a function → the expressions it returns; None for one that gives something else when called
    """

    given: dict[int, tuple[Given, ...]]
    returned: dict[int, tuple[ast.expr | None, ...] | None]


def local_values(found: list[ast.FunctionDef | ast.AsyncFunctionDef]) -> LocalValues:
    """Return what is known inside ``found``, the functions of a notebook, methods and inner functions included."""
    values = LocalValues({}, {})
    for function in found:
        _Reader(function, values).read()
    return values


class _Reader:
    """Reads the body of one function once."""

    def __init__(self, function: ast.FunctionDef | ast.AsyncFunctionDef, values: LocalValues) -> None:
        self.function = function
        self.values = values
        self.returned: list[ast.expr | None] = []
        self.is_plain = isinstance(function, ast.FunctionDef) and not function.decorator_list
        self.outside: set[str] = set()

    def read(self) -> None:
        """Fill ``values``."""
        arguments = self.function.args
        named = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
        state: _State = {each.arg: (Given(parameter=(self.function, each.arg)),) for each in named}
        state |= {each.arg: (_UNKNOWN,) for each in (arguments.vararg, arguments.kwarg) if each is not None}
        self.block(self.function.body, state)
        self.values.returned[id(self.function)] = tuple(self.returned) if self.is_plain else None

    def block(self, body: list[ast.stmt], state: _State) -> None:
        """Read statements one after the other; ``state`` is what holds behind them then."""
        for statement in body:
            self.statement(statement, state)

    def statement(self, node: ast.stmt, state: _State) -> None:
        match node:
            case ast.If(test=test, body=body, orelse=orelse):
                self.expression(test, state)
                self.branches([body, orelse], state)
            case (
                ast.For(target=target, iter=source, body=body, orelse=orelse)
                | ast.AsyncFor(target=target, iter=source, body=body, orelse=orelse)
            ):
                self.expression(source, state)
                self.bind(target, _UNKNOWN, state)
                self.again([*body, *orelse], state)
            case ast.While(test=test, body=body, orelse=orelse):
                self.again([*body, *orelse], state)
                self.expression(test, state)
            case ast.Try(body=body, handlers=handlers, orelse=orelse, finalbody=final):
                self.branches([[*body, *orelse], *(each.body for each in handlers)], state)
                self.block(final, state)
            case ast.With(items=items, body=body) | ast.AsyncWith(items=items, body=body):
                for item in items:
                    self.expression(item.context_expr, state)
                    if item.optional_vars is not None:
                        self.bind(item.optional_vars, Given(item.context_expr), state)
                self.block(body, state)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                state[name] = (_UNKNOWN,)
            case ast.Match():
                self.forget([node], state)
            case _:
                self.simple(node, state)

    def simple(self, node: ast.stmt, state: _State) -> None:
        match node:
            case ast.Assign(targets=targets, value=value):
                self.expression(value, state)
                for target in targets:
                    self.expression(target, state)
                    self.bind(target, Given(value), state)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                self.expression(value, state)
                self.bind(target, Given(value), state)
            case ast.Import(names=names):
                for alias in names:
                    root = alias.name.partition(".")[0]
                    name = alias.asname or root
                    state[name] = (Given(imported=alias.name if alias.asname else root),)
            case ast.ImportFrom(module=module, names=names, level=level):
                for alias in names:
                    known = f"{module}.{alias.name}" if module and not level else None
                    state[alias.asname or alias.name] = (Given(imported=known),)
            case ast.Global(names=names) | ast.Nonlocal(names=names):
                self.outside.update(names)
            case ast.Return(value=value):
                self.returned.append(value)
                if value is not None:
                    self.expression(value, state)
            case _:
                self.expression(node, state)
                for each in children(node) if isinstance(node, ast.Delete) else ():
                    self.bind(each, _UNKNOWN, state)

    def branches(self, bodies: list[list[ast.stmt]], state: _State) -> None:
        """Read what runs alternatively: afterwards a name has one of the values it has at the ends."""
        ends = []
        for body in bodies:
            end = dict(state)
            self.block(body, end)
            if not (body and isinstance(body[-1], (ast.Return, ast.Raise, ast.Continue, ast.Break))):
                ends.append(end)
        for name in {name for end in ends for name in end}:
            state[name] = _joined(given for end in ends for given in end.get(name, (_UNKNOWN,)))

    def again(self, body: list[ast.stmt], state: _State) -> None:
        """Read what runs any number of times: its first round may find what the one before has left."""
        end = dict(state)
        reader = _Reader(self.function, LocalValues({}, {}))
        reader.block(body, end)
        for name, given in end.items():
            if given != state.get(name):
                state[name] = _joined((*state.get(name, ()), *given))
        before = dict(state)
        self.block(body, state)
        for name, given in before.items():
            state[name] = _joined((*given, *state.get(name, ())))

    def bind(self, target: ast.AST, given: Given, state: _State) -> None:
        match target:
            case ast.Name(id=name):
                state[name] = (given,)
            case ast.Tuple(elts=elements) | ast.List(elts=elements):
                for number, each in enumerate(elements):
                    known = given.value is not None and given.position is None
                    self.bind(each, Given(given.value, number) if known else _UNKNOWN, state)
            case ast.Starred(value=value):
                self.bind(value, _UNKNOWN, state)

    def forget(self, body: list[ast.stmt], state: _State) -> None:
        """Say nothing about names that a statement this does not follow may bind."""
        for node in body:
            for each in ast.walk(node):
                if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store):
                    state[each.id] = (_UNKNOWN,)

    def expression(self, root: ast.AST, state: _State) -> None:
        """Note what the names have that are read in an expression; inner scopes have names of their own."""
        waiting = [root]
        while waiting:
            node = waiting.pop()
            if isinstance(node, ast.Name):
                if isinstance(node.ctx, ast.Load) and node.id in state and node.id not in self.outside:
                    self.values.given[id(node)] = state[node.id]
            elif node.__class__ not in _SPECIAL:
                waiting += children(node)
            elif isinstance(node, (ast.Yield, ast.YieldFrom)):
                self.is_plain = False
                waiting += children(node)
            elif isinstance(node, ast.NamedExpr):
                self.bind(node.target, Given(node.value), state)
                waiting.append(node.value)
            else:
                inner = dict(state)
                for each in nodes(node):
                    if isinstance(each, ast.arg):
                        inner[each.arg] = (_UNKNOWN,)
                    elif isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store):
                        inner[each.id] = (_UNKNOWN,)
                for child in children(node):
                    self.expression(child, inner)


def _joined(given: object) -> tuple[Given, ...]:
    found = tuple(dict.fromkeys(given))  # type: ignore[call-overload]
    return found if len(found) <= _MANY else (_UNKNOWN,)
