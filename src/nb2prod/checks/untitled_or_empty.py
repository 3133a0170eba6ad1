"""untitled-or-empty: the notebook has no name of its own, or no code, or cells with nothing in them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nb2prod.diagnostics import Applicability, Finding, Fix, RemoveCell
from nb2prod.notebook.location import FIRST, Location
from nb2prod.notebook.model import CodeCell, MarkdownCell
from nb2prod.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.notebook.model import Cell

LANGUAGE_INDEPENDENT = True
# As Jupyter, editors and hosted services name what nobody has named.
_UNTITLED = lazy_pattern(r"(?:copy of )?untitled(?:[- ]?\d*|[- ]copy\d*)(?: ?\(\d+\))?$", re.IGNORECASE)
_COPY = lazy_pattern(r"-Copy\d+$|^Copy of ")
# What editors note about any cell, empty or not; anything else says that somebody means it.
_NOTED = frozenset({
    "ExecuteTime", "collapsed", "colab", "execution", "id", "jupyter", "outputId", "pycharm", "scrolled", "trusted",
    "vscode",
})  # fmt: skip
_SHOWN = 5


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield at most one finding about the file as a whole, and one about its empty cells."""
    notebook = analysis.notebook
    name = notebook.path.stem
    where = Location(notebook.path, None, FIRST)
    if "untitled" in name.lower() and _UNTITLED.match(name):
        yield Finding(where, f"`{notebook.path.name}` says nothing about what it is for; name it after its purpose")
    elif "Copy" in name and _COPY.search(name):
        yield Finding(where, f"`{notebook.path.name}` is a copy; keep one, or name this one after what differs")
    elif _is_empty(analysis):
        yield Finding(where, "there is no code in this notebook; delete it, or keep its text as a document")
        return
    if empty := _empty_cells(analysis):
        fix = Fix("remove empty cells", tuple(RemoveCell(each.index) for each in empty), Applicability.UNSAFE)
        yield Finding(where, f"there is nothing in {_named(empty)}; fill or delete what nobody needs", fix=fix)


def _named(cells: list[Cell]) -> str:
    shown = ", ".join(str(each.index) for each in cells[:_SHOWN])
    rest = f" and {len(cells) - _SHOWN} more" if len(cells) > _SHOWN else ""
    return f"cell{'s' if len(cells) > 1 else ''} {shown}{rest}"


def _empty_cells(analysis: Analysis) -> list[Cell]:
    """Return the cells with nothing in them, those at the end left out: an editor adds one there by itself."""
    cells = [each for each in analysis.notebook.cells if not each.run_by]
    while cells and _holds_nothing(cells[-1]):
        cells.pop()
    return [each for each in cells if _holds_nothing(each)]


def _holds_nothing(cell: Cell) -> bool:
    # A raw cell, or one of a kind nobody knows, may hold something that is no text.
    is_empty = (isinstance(cell, CodeCell) and not cell.outputs) or isinstance(cell, MarkdownCell)
    return is_empty and not cell.source.strip() and cell.metadata.keys() <= _NOTED


def _is_empty(analysis: Analysis) -> bool:
    """Whether there is nothing at all, or cells for code and not one has any; text alone is a document."""
    notebook = analysis.notebook
    code = {cell.index for cell in notebook.code_cells}
    return not any(
        line.strip() and not (cell.index in code and line.lstrip().startswith("#"))
        for cell in notebook.cells
        for line in cell.source.splitlines()
    )
