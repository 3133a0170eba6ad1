"""Names that stand for one group after the other: in comprehensions over groups, and in functions called for each."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

# What calls a function for each group.
_CALLS: Final = frozenset({"apply", "filter", "map_groups"})


def groups_of_names(trees: Iterable[ast.AST], nodes: Callable[[ast.AST], Iterable[ast.AST]]) -> dict[int, ast.expr]:
    """Return, by the id of a node that reads such a name, the expression that gives the groups it is one of."""
    return {
        id(node): groups
        for tree in trees
        for block, name, groups in _members(nodes(tree))
        for node in nodes(block)
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)
    }


def member(loop: ast.For | ast.AsyncFor | ast.comprehension) -> ast.Name | None:
    """Return the name for a group in ``for key, group in groups``."""
    match loop.target:
        case ast.Tuple(elts=[_, ast.Name() as name]):
            return name
        case _:
            return None


def _members(found: Iterable[ast.AST]) -> Iterator[tuple[ast.AST, str, ast.expr]]:
    """Yield where a name stands for a group, the name, and the groups."""
    for node in found:
        match node:
            case ast.Call(
                func=ast.Attribute(value=groups, attr=method),
                args=[ast.Lambda(args=ast.arguments(args=[ast.arg(arg=name)])) as function, *_],
            ) if method in _CALLS:
                yield function, name, groups
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                for generator in node.generators:
                    if (target := member(generator)) is not None:
                        yield node, target.id, generator.iter
            case _:
                pass
