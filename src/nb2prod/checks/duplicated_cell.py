"""duplicated-cell: two cells do the same, line for line."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.diagnostics import Finding, Related
from nb2prod.notebook.tree import nodes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.notebook.model import CodeCell

SHORTEST = 3


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield each cell whose code an earlier cell has too."""
    # Comparing trees is exact, and dear; what kinds of statements and of nodes they have tells most of them apart.
    similar: dict[tuple[type[ast.AST], ...], list[CodeCell]] = {}
    for cell in analysis.notebook.code_cells:
        if cell.tree is not None:
            similar.setdefault(tuple(node.__class__ for node in cell.tree.body), []).append(cell)
    alike: dict[tuple[type[ast.AST], ...], list[tuple[CodeCell, ast.Module]]] = {}
    for cell in (each for cells in similar.values() if len(cells) > 1 for each in cells):
        if cell.tree is not None and _length(cell.tree) >= SHORTEST:
            kinds = tuple(node.__class__ for node in analysis.nodes(cell.tree))
            alike.setdefault(kinds, []).append((cell, cell.tree))
    for cells in alike.values():
        first_of: dict[str, CodeCell] = {}
        for cell, tree in cells if len(cells) > 1 else ():
            first = first_of.setdefault(ast.dump(tree), cell)
            if first is not cell and _magics(first) == _magics(cell):
                yield Finding(
                    cell.locate(tree.body[0]),
                    f"the same code as cell {first.index}; keep one, or make it a function",
                    (Related(first.location(), "the first copy"),),
                )


def _length(tree: ast.Module) -> int:
    """Return how many statements do something, those of functions and loops included."""
    work = _work(tree)
    if len(work) >= SHORTEST or not any(hasattr(node, "body") for node in work):
        return len(work)
    return sum(isinstance(each, ast.stmt) for node in work for each in nodes(node))


def _work(tree: ast.Module) -> list[ast.stmt]:
    """Return the statements that are more than imports, or calls of one thing without an argument."""
    return [node for node in tree.body if not isinstance(node, (ast.Import, ast.ImportFrom)) and not _shows(node)]


def _shows(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, (ast.Name, ast.Constant, ast.Attribute))


def _magics(cell: CodeCell) -> list[tuple[str, str]]:
    return [(magic.name, magic.argument) for magic in cell.magics]
