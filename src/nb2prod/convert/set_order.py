"""Where code goes through a set in the order it happens to have: texts have another one in every process."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

# They keep the order they are given.
_PASSING_ON = frozenset({"enumerate", "list", "map", "tuple", "zip"})
_MAKES_SETS = frozenset({"set", "frozenset"})


def goes_through_set(trees: Collection[ast.AST]) -> bool:
    """Return whether a loop goes through a set, or through a variable that is nothing but a set."""
    nodes = [node for tree in trees for node in ast.walk(tree)]
    given: dict[str, list[ast.expr]] = {}
    for node in nodes:
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ):
                given.setdefault(name, []).append(value)
    sets = {name for name, values in given.items() if all(_is_set(each) for each in values)}
    return any(_is_set(each) or (isinstance(each, ast.Name) and each.id in sets) for each in _gone_through(nodes))


def _gone_through(nodes: Iterable[ast.AST]) -> Iterable[ast.expr]:
    """Yield what loops and lists go through, what hands it on in its order looked through."""
    for node in nodes:
        match node:
            case ast.For(iter=through):
                yield from _handed_on(through)
            case ast.ListComp(generators=generators) | ast.DictComp(generators=generators):
                for each in generators:
                    yield from _handed_on(each.iter)
            case _:
                pass


def _handed_on(node: ast.expr) -> Iterable[ast.expr]:
    match node:
        case ast.Call(func=ast.Name(id=name), args=arguments) if name in _PASSING_ON:
            for each in arguments:
                yield from _handed_on(each)
        case _:
            yield node


def _is_set(node: ast.expr) -> bool:
    """Return whether an expression is a set; small numbers have the same order everywhere."""
    match node:
        case ast.Call(func=ast.Name(id=name), args=arguments) if name in _MAKES_SETS:
            return not any(isinstance(each, ast.Call) and _called(each) in ("range", "arange") for each in arguments)
        case ast.Set(elts=elements):
            return not all(isinstance(each, ast.Constant) and not isinstance(each.value, str) for each in elements)
        case ast.SetComp():
            return True
        case _:
            return False


def _called(call: ast.Call) -> str:
    return getattr(call.func, "attr", getattr(call.func, "id", ""))
