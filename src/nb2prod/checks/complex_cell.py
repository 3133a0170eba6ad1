"""complex-cell: the code of a cell branches so often that nobody can try all its ways."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.diagnostics import Finding
from nb2prod.notebook.tree import children

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.notebook.model import CodeCell

LIMIT = 10
# McCabe's count: each of these is one more way through the code.
_BRANCHES = (ast.If, ast.IfExp, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler, ast.match_case)
_WAYS = (*_BRANCHES, ast.BoolOp, ast.comprehension)
_BRANCHING = frozenset(_WAYS)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_SCOPES = frozenset(_FUNCTIONS)
_INDENTED = "\n "
# Every branch is written with one of these.
_WORDS = ("if", "for", "while", "except", "case", "and", "or")


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield each cell whose own code, or a function in it, has a complexity above ``LIMIT``, at its worst part."""
    for cell in analysis.notebook.code_cells:
        # Without a block of its own nothing branches ten times, nor without the words for it.
        if cell.tree is None or _INDENTED not in cell.source or sum(map(cell.source.count, _WORDS)) < LIMIT:
            continue
        if 1 + sum(_ways(node) for kind in _WAYS for node in analysis.nodes_of(cell.tree, kind)) <= LIMIT:
            continue
        ways = [(_branches(node), node) for node in cell.tree.body if not isinstance(node, _FUNCTIONS)]
        total = 1 + sum(count for count, _ in ways)
        if total > LIMIT:
            _, worst = max(ways, key=lambda each: each[0])
            message = f"this cell has a cyclomatic complexity of {total}; a function could be tested case by case"
            yield Finding(cell.locate(worst), message)
            continue
        functions = [(1 + _branches(node, inside=True), node) for node in _functions(analysis, cell)]
        count, function = max(functions, key=lambda each: each[0], default=(0, None))
        if count > LIMIT and function is not None:
            message = (
                f"`{function.name}` has a cyclomatic complexity of {count}: nobody tries all its ways; divide it, so "
                "that each part can be tested"
            )
            yield Finding(cell.locate(function), message)


def _functions(analysis: Analysis, cell: CodeCell) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    tree = cell.tree
    found = () if tree is None else analysis.nodes(tree)
    return [node for node in found if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]


def _branches(root: ast.AST, *, inside: bool = False) -> int:
    """Return how often ``root`` branches, outside of functions in it; ``inside``: it is a function itself."""
    if isinstance(root, _FUNCTIONS) and not inside:
        return 0
    count = 0
    waiting = [root]
    for node in waiting:
        count += _ways(node) if node.__class__ in _BRANCHING else 0
        waiting += [child for child in children(node) if child.__class__ not in _SCOPES]
    return count


def _ways(node: ast.AST) -> int:
    """Return how many more ways through the code there are because of ``node``."""
    if isinstance(node, ast.BoolOp):
        return len(node.values) - 1
    if isinstance(node, ast.comprehension):
        return 1 + len(node.ifs)
    return int(isinstance(node, _BRANCHES))
