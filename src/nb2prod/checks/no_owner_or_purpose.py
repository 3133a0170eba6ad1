"""no-owner-or-purpose: nothing in the notebook says what it is for."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.diagnostics import Finding
from nb2prod.notebook.model import CodeCell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.notebook.model import Cell

SHORTEST, TOP = 5, 3
# https://nbformat.readthedocs.io/en/latest/format_description.html#metadata
_METADATA = ("title", "authors", "description")


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield one finding, at the first cell of code, where the top of the notebook holds no text."""
    notebook = analysis.notebook
    code = [cell for cell in notebook.code_cells if cell.source.strip()]
    if len(code) < SHORTEST or any(notebook.metadata.get(key) for key in _METADATA):
        return
    filled = [cell for cell in notebook.cells if cell.source.strip()]
    if not any(_says_something(cell) for cell in filled[:TOP]):
        message = "nothing at the top says what this notebook is for, or whose it is; two sentences of markdown would"
        yield Finding(code[0].location(), message)


def _says_something(cell: Cell) -> bool:
    """Whether a cell is text, or code that begins with a docstring or a comment of some length."""
    if not isinstance(cell, CodeCell):
        return True
    if cell.tree is not None and ast.get_docstring(cell.tree):
        return True
    comments = [line for line in cell.lines if line.lstrip().startswith("#")]
    return sum(map(len, comments[:5])) > 80 and cell.lines[0].startswith("#")  # noqa: PLR2004 - a sentence
