"""What is said of files that a notebook runs with ``%run``: in notes, in messages and in the manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.notebook.model import Notebook


def run_digests(notebook: Notebook) -> dict[str, str]:
    """Return the digest of each file that is run, by its name."""
    return {run.file: run.digest for run in notebook.runs if run.digest}


def run_notes(notebook: Notebook) -> Iterator[str]:
    """Yield for each file that is run by which cell, as a note for the owner."""
    found = {(each.cell, each.file): None for each in notebook.included.values() if each.file}
    for cell, file in found:
        yield f"Cell {cell} runs {file}: what that does is converted as if it stood in the cell."


def label_of(notebook: Notebook, cell: int, line: int) -> str:
    """Return where a line of an included cell stands, for messages; empty for the notebook's own cells."""
    known = notebook.included.get(cell)
    if known is None or (not known.file and known.cell == cell):
        return ""
    if not known.file:
        return f"cell {known.cell}, line {line}"
    inside = f", its cell {known.number}" if known.number else ""
    return f"cell {known.cell}: %run {known.file}{inside}, line {line}"
