"""Which code surely compiles: told from its tree, in a fifth of the time that compiling takes."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from nb2prod.analysis import Analysis

_Span: TypeAlias = tuple[tuple[int, int], tuple[int, int]]

# What has rules of its own about where it may stand and what may stand in it: left to the compiler.
_SUBTLE = frozenset({
    ast.AsyncFor, ast.AsyncFunctionDef, ast.AsyncWith, ast.Await, ast.Global, ast.Match, ast.NamedExpr, ast.Nonlocal,
    ast.Starred, ast.TryStar, ast.Yield, ast.YieldFrom,
})  # fmt: skip
_BLOCKS: tuple[type[ast.stmt], ...] = (ast.For, ast.While, ast.With, ast.Try)
_LOOPS: tuple[type[ast.For | ast.While], ...] = (ast.For, ast.While)
# So many blocks may stand in one another.
_MOST_BLOCKS = 18
# What is looked at here, beside calls.
_ASKED = _SUBTLE.union(_BLOCKS) | {
    ast.Break, ast.ClassDef, ast.Continue, ast.FunctionDef, ast.ImportFrom, ast.Return, ast.arguments,
    ast.comprehension,
}  # fmt: skip


def surely_compiles(analysis: Analysis, tree: ast.Module, source: str) -> bool:
    """Return whether nothing in the tree can be refused by the compiler; False where that is not certain.

    What it refuses in usual code is a jump outside of its function or loop, a parameter twice, a keyword twice,
    ``except:`` before other handlers.
    """
    found = analysis.nodes_by_kind(tree)
    if any(_repeats(_keywords(each)) for each in analysis.nodes_of(tree, ast.Call) if len(each.keywords) > 1):
        return False
    if _ASKED.isdisjoint(found):
        return "__debug__" not in source  # two of three cells are done with here
    if not _SUBTLE.isdisjoint(found) or "__debug__" in source:
        return False
    if any(
        each.module == "__future__" or each.names[0].name == "*" for each in analysis.nodes_of(tree, ast.ImportFrom)
    ):
        return False
    if any(each.is_async for each in analysis.nodes_of(tree, ast.comprehension)):
        return False
    if sum(len(analysis.nodes_of(tree, kind)) for kind in _BLOCKS) > _MOST_BLOCKS:
        return False
    return not (
        any(getattr(each, "type_params", None) for each in analysis.nodes_of(tree, ast.FunctionDef))
        or any(getattr(each, "type_params", None) for each in analysis.nodes_of(tree, ast.ClassDef))
        or any(_repeats(_parameters(each)) for each in analysis.nodes_of(tree, ast.arguments))
        or any(_repeats(_keywords(each)) for each in analysis.nodes_of(tree, ast.ClassDef))
        or any(handler.type is None for each in analysis.nodes_of(tree, ast.Try) for handler in each.handlers[:-1])
        or any(_misplaced(analysis, tree))
    )


def _misplaced(analysis: Analysis, tree: ast.Module) -> Iterator[bool]:
    """Yield whether each jump stands elsewhere than directly in its function or loop."""
    returns = analysis.nodes_of(tree, ast.Return)
    jumps = [*analysis.nodes_of(tree, ast.Break), *analysis.nodes_of(tree, ast.Continue)]
    if not (returns or jumps):
        return
    functions = [(_span(each), True) for each in analysis.nodes_of(tree, ast.FunctionDef)]
    classes = [(_span(each), False) for each in analysis.nodes_of(tree, ast.ClassDef)]
    yield from (not _innermost(each, (*functions, *classes)) for each in returns)
    if jumps:
        loops = [each for kind in _LOOPS for each in analysis.nodes_of(tree, kind)]
        # What stands in the `else` of a loop belongs to the one around it.
        yield any(each.orelse for each in loops)
        places = (*((_span(each), True) for each in loops), *((span, False) for span, _ in (*functions, *classes)))
        yield from (not _innermost(each, places) for each in jumps)


def _innermost(node: ast.stmt, places: Iterable[tuple[_Span, bool]]) -> bool:
    """Return what is said of the last place to begin of those the statement stands in; False for none."""
    start = node.lineno, node.col_offset
    return max(((span, said) for span, said in places if span[0] < start < span[1]), default=(None, False))[1]


def _span(node: ast.stmt) -> _Span:
    return (node.lineno, node.col_offset), (node.end_lineno or node.lineno, node.end_col_offset or 0)


def _parameters(node: ast.arguments) -> list[str]:
    single = (each for each in (node.vararg, node.kwarg) if each is not None)
    return [each.arg for each in (*node.posonlyargs, *node.args, *node.kwonlyargs, *single)]


def _keywords(node: ast.Call | ast.ClassDef) -> list[str]:
    return [each.arg for each in node.keywords if each.arg is not None]


def _repeats(names: list[str]) -> bool:
    return len(set(names)) < len(names)
