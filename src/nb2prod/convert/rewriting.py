"""Changes in the Python of cells before they are analysed: what their authors wrote stays as the cells' source."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nb2prod.notebook.location import offsets
from nb2prod.notebook.model import CodeCell
from nb2prod.notebook.parse import parse_code

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nb2prod.notebook.model import Magic, Notebook

# Statements that may share a line; imports are looked for in what the author wrote.
_SIMPLE = (ast.Expr, ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Delete, ast.Assert)


@dataclass(slots=True)
class Rewriting:
    """What is to change, by the index of the cell: texts (start, end, new text), and magics that were calls."""

    texts: dict[int, list[tuple[int, int, str]]] = field(default_factory=dict)
    magics: dict[int, list[Magic]] = field(default_factory=dict)

    def replace(self, cell: CodeCell, node: ast.AST, text: str) -> None:
        """Put ``text`` in the place of a node."""
        self.texts.setdefault(cell.index, []).append((*offsets(cell.python, cell.locate(node).range), text))

    def surround(self, cell: CodeCell, node: ast.AST, before: str, after: str) -> None:
        """Put a text before and one behind a node, which may itself be changed."""
        start, end = offsets(cell.python, cell.locate(node).range)
        self.texts.setdefault(cell.index, []).extend(((start, start, before), (end, end, after)))

    def mask(self, cell: CodeCell, node: ast.AST, magic: Magic) -> None:
        """Make a magic of a call, as if the cell had it: ``0`` and spaces stand for it."""
        start, end = offsets(cell.python, cell.locate(node).range)
        lines = cell.python[start + 1 : end].split("\n")
        blank = "\n".join(" " * len(line) for line in lines)
        self.texts.setdefault(cell.index, []).append((start, end, f"0{blank}"))
        self.magics.setdefault(cell.index, []).append(magic)

    def applied(self, notebook: Notebook) -> Notebook:
        """Return the notebook with the changes."""
        return notebook._replace(
            cells=tuple(
                self._applied(cell) if isinstance(cell, CodeCell) and cell.index in self.texts else cell
                for cell in notebook.cells
            ),
        )

    def _applied(self, cell: CodeCell) -> CodeCell:
        python = _with_texts(cell.python, self.texts[cell.index])
        tree, problem = parse_code(python)
        if tree is None:
            msg = f"cell {cell.index}: the changed text is no Python: {problem.message if problem else ''}"
            raise AssertionError(msg)
        magics = sorted((*cell.magics, *self.magics.get(cell.index, ())), key=lambda magic: magic.range)
        return cell._replace(python=python, tree=tree, magics=tuple(magics))


def _with_texts(python: str, texts: Sequence[tuple[int, int, str]]) -> str:
    # From the end: what is put in at the start of a changed node comes after the change itself.
    for start, end, text in sorted(texts, key=lambda each: each[:2], reverse=True):
        python = python[:start] + text + python[end:]
    return python


def on_one_line(code: str, *, value: bool = False) -> str | None:
    """Return Python on one line, None where it has statements that do not fit on one; ``value``: one expression."""
    try:
        body = ast.parse(code).body
    except SyntaxError:
        return None
    if value and not (len(body) == 1 and isinstance(body[0], ast.Expr)):
        return None
    is_simple = all(isinstance(node, _SIMPLE) for node in body)
    return "; ".join(map(ast.unparse, body)) if body and is_simple else None
