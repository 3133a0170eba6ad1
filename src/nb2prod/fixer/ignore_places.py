"""Where what silences a finding can be written without changing what the cell does, and what is written there."""

from __future__ import annotations

import ast
import json
from typing import TYPE_CHECKING, Any, Literal

from nb2prod.diagnostics import Edit, SetMetadata
from nb2prod.notebook.location import FIRST
from nb2prod.notebook.model import CodeCell
from nb2prod.records import NamedTuple
from nb2prod.suppress import METADATA, lines_that_count, suppressions

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from nb2prod.diagnostics import Change, Diagnostic
    from nb2prod.notebook.model import Notebook
    from nb2prod.suppress import Suppression


class Place(NamedTuple):
    """A place for a suppression: a comment on a line, one for the cell, or metadata of the cell or the notebook."""

    form: Literal["line", "cell", "metadata"]
    cell: int | None = None
    line: int = 0

    def __str__(self) -> str:
        """Return where it is, as the title of a change says it."""
        if self.form == "line":
            return f"on line {self.line}"
        if self.form == "cell":
            return "in a comment for the cell"
        return "in the metadata of the notebook" if self.cell is None else "in the metadata of the cell"


def places(notebook: Notebook, diagnostic: Diagnostic) -> list[Place]:
    """Return where ``diagnostic`` can be silenced, the narrowest place first."""
    location = diagnostic.location
    if location.cell is None:
        return [Place("metadata")]
    cell = notebook.cells[location.cell - 1]
    found = []
    if isinstance(cell, CodeCell) and notebook.language == "python":
        # A finding without a place of its own is about the whole cell.
        if location.range != FIRST:
            lines = [line for line in lines_that_count(cell, location.range) if _takes_comment(cell, line)]
            written = {each.line for each in suppressions(cell) if each.scope == "line" and each.rules is not None}
            found += [Place("line", cell.index, line) for line in sorted(lines, key=lambda line: line not in written)]
        if _takes_last_line(cell):
            found.append(Place("cell", cell.index))
    return [*found, Place("metadata", cell.index)]


def change_for(notebook: Notebook, place: Place, codes: Collection[str], reason: str) -> Change:
    """Return the change that silences ``codes`` at ``place``, added to what is written there already."""
    if place.form == "metadata":
        return _in_metadata(notebook, place.cell, codes, reason)
    assert place.cell is not None  # noqa: S101 comments stand in cells
    cell = notebook.cells[place.cell - 1]
    assert isinstance(cell, CodeCell)  # noqa: S101 and only those of code have them
    for comment in suppressions(cell):
        if comment.scope == place.form and place.line in {0, comment.line} and comment.rules is not None:
            return _added(cell, comment, codes, reason)
    scope = "" if place.form == "line" else "-cell"
    text = f"# nb2prod: ignore{scope}[{', '.join(sorted(codes))}]{reason and ' '}{reason}"
    line = place.line or len(cell.lines)
    end = cell.lines[line - 1]
    if place.form == "cell":
        text = f"{_line_end(cell) if end else ''}{text}"
    elif end.strip():
        # Two spaces before a comment, as formatters want it.
        text = f"{' ' * (2 - min(len(end) - len(end.rstrip()), 2))}{text}"
    return Edit(cell.location(line, len(end) + 1), text)


def _added(cell: CodeCell, comment: Suppression, codes: Collection[str], reason: str) -> Edit:
    """Return the edit that adds ``codes`` to the list of a comment, and a reason where it has none."""
    line, column = comment.line, comment.range.start.column
    text = cell.lines[line - 1]
    end = text.index("]", text.index("[", column - 1))
    new = ", ".join(sorted(set(codes) - set(comment.rules or ())))
    listed = f"{', ' if comment.rules and new else ''}{new}"
    if reason and not comment.reason:
        return Edit(cell.location(line, end + 1, line, end + 2), f"{listed}] {reason}")
    return Edit(cell.location(line, end + 1), listed)


def _in_metadata(notebook: Notebook, number: int | None, codes: Collection[str], reason: str) -> SetMetadata:
    metadata = notebook.metadata if number is None else notebook.cells[number - 1].metadata
    entry = metadata.get(METADATA)
    whole: dict[str, Any] = dict(entry) if isinstance(entry, dict) else {}
    listed = whole.get("ignore")
    if listed is not True:
        kept = [each for each in listed if isinstance(each, str)] if isinstance(listed, list) else []
        whole["ignore"] = [*kept, *sorted(set(codes) - set(kept))]
    if reason and not whole.get("reason"):
        whole["reason"] = reason
    return SetMetadata(number, METADATA, json.dumps(whole, ensure_ascii=notebook.text.isascii()))


def _takes_comment(cell: CodeCell, line: int) -> bool:
    """Whether what is added at the end of a line is a comment of Python: behind a magic it would be its argument."""
    text = cell.lines[line - 1]
    if cell.tree is None:
        return not cell.magics and not text.endswith("\\")
    return text == cell.python_lines[line - 1] and not text.endswith("\\") and line not in _inside_strings(cell.tree)


def _takes_last_line(cell: CodeCell) -> bool:
    """Whether a line that is added at the end is Python: not the text of `%%html`, nor a line that goes on."""
    if not cell.source.strip() or cell.lines[-1].endswith("\\"):
        return False
    if any(magic.kind == "automagic" for magic in cell.magics):
        return False  # `ls` is a magic only where it is all that a cell holds
    if not any(magic.kind == "cell" for magic in cell.magics):
        return True
    lines = {line for magic in cell.magics for line in range(magic.range.start.line, magic.range.end.line + 1)}
    pairs = enumerate(zip(cell.lines, cell.python_lines, strict=True), 1)
    return all(line in lines or text == python for line, (text, python) in pairs)


def _inside_strings(tree: ast.Module) -> frozenset[int]:
    """Return the lines whose end is inside a string, or may be: one written in several pieces looks the same."""
    return frozenset(_line_ends(tree))


def _line_ends(tree: ast.Module) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.Constant, ast.JoinedStr)):
            yield from range(node.lineno, node.end_lineno or node.lineno)


def _line_end(cell: CodeCell) -> str:
    return "\r\n" if "\r\n" in cell.source else "\n"


def in_order(places: Sequence[Place]) -> list[Place]:
    """Return places so that comments of lines come before the one that is added below them."""
    return sorted(places, key=lambda each: (each.cell or 0, each.form != "line", each.line))
