"""untitled-or-empty: the notebook has no name of its own, or no code."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nb2prod.diagnostics import Finding
from nb2prod.notebook.location import FIRST, Location
from nb2prod.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis

LANGUAGE_INDEPENDENT = True
# As Jupyter, editors and hosted services name what nobody has named.
_UNTITLED = lazy_pattern(r"(?:copy of )?untitled(?:[- ]?\d*|[- ]copy\d*)(?: ?\(\d+\))?$", re.IGNORECASE)
_COPY = lazy_pattern(r"-Copy\d+$|^Copy of ")


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield at most one finding, about the file as a whole."""
    notebook = analysis.notebook
    name = notebook.path.stem
    where = Location(notebook.path, None, FIRST)
    if _UNTITLED.match(name):
        yield Finding(where, f"`{notebook.path.name}` says nothing about what it is for; name it after its purpose")
    elif _COPY.search(name):
        yield Finding(where, f"`{notebook.path.name}` is a copy; keep one, or name this one after what differs")
    elif _is_empty(analysis):
        yield Finding(where, "there is no code in this notebook; delete it, or keep its text as a document")


def _is_empty(analysis: Analysis) -> bool:
    """Whether there is nothing at all, or cells for code and not one has any; text alone is a document."""
    notebook = analysis.notebook
    code = {cell.index for cell in notebook.code_cells}
    return not any(
        line.strip() and not (cell.index in code and line.lstrip().startswith("#"))
        for cell in notebook.cells
        for line in cell.source.splitlines()
    )
