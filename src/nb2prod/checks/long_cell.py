"""long-cell: a cell does too much to be understood, tested or run again by itself."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.diagnostics import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis

LIMIT = 50
_DATA: tuple[type[ast.expr], ...] = (ast.Constant, ast.List, ast.Tuple, ast.Set, ast.Dict)


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield each cell with more than ``LIMIT`` lines of code outside of functions and classes."""
    for cell in analysis.notebook.code_cells:
        if cell.tree is None or cell.source.count("\n") < LIMIT:
            continue
        lines: set[int] = set()
        for node in cell.tree.body:
            if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                lines.update(_lines(analysis, node))
        count = sum(_is_code(cell.lines[number - 1]) for number in lines)
        if count > LIMIT:
            message = (
                f"{count} lines of code in one cell; cut it where its purpose changes, or move parts into functions"
            )
            yield Finding(cell.locate(cell.tree.body[0]), message)


def _lines(analysis: Analysis, node: ast.stmt) -> set[int]:
    """Return the lines of a statement; a text or a table of many lines counts as the one it begins on."""
    lines = set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    for part in (each for kind in _DATA for each in analysis.nodes_of(node, kind)):
        if part.end_lineno and part.end_lineno > part.lineno:
            lines.difference_update(range(part.lineno + 1, part.end_lineno + 1))
    return lines


def _is_code(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")
