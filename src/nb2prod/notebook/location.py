"""Places in notebooks: the only module that knows what is counted from 0 or 1, in bytes or characters.

Lines and columns here count from 1 and columns are in characters (Unicode code points), as
editors show them. ``ast`` counts columns from 0 in UTF-8 bytes; the conversion happens here, once.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import TYPE_CHECKING, Any, NamedTuple

from nb2prod.notebook.raw_json import WHOLE, blank_end, character_offset, find, string_end
from nb2prod.patterns import lazy_pattern

if TYPE_CHECKING:
    import ast
    from collections.abc import Sequence
    from pathlib import PurePath

    from nb2prod.notebook.model import Notebook


class Position(NamedTuple):
    """A point in a text: line and column, both from 1, the column in characters."""

    line: int
    column: int

    def __str__(self) -> str:
        """Return ``line:column``."""
        return f"{self.line}:{self.column}"


class Range(NamedTuple):
    """A stretch of text; ``end`` is exclusive."""

    start: Position
    end: Position


FIRST = Range(Position(1, 1), Position(1, 1))


class Location(NamedTuple):
    """A range inside one cell of one file.

    ``cell`` counts all cells of the notebook (code, markdown, raw) from 1; ``None`` means the file
    as a whole, and then ``range`` is a range of the file's own text.
    """

    path: PurePath
    cell: int | None
    range: Range

    @property
    def line(self) -> int:
        """The line the location starts on, from 1."""
        return self.range.start.line

    @property
    def column(self) -> int:
        """The column the location starts at, in characters from 1."""
        return self.range.start.column

    def __str__(self) -> str:
        """Return ``path:cell N:line:column``, without the cell for a place in the file itself."""
        if self.cell is None:
            return f"{self.path}:{self.range.start}"
        return f"{self.path}:cell {self.cell}:{self.range.start}"


def node_range(lines: Sequence[str], node: ast.AST) -> Range:
    """Return the range of an ``ast`` node that was parsed from ``lines``.

    ``lines`` are the source's lines as ``ast`` splits them; they are needed because ``ast`` counts
    columns in UTF-8 bytes, and may be left empty where all of them are ASCII. A node without a
    position (``ast.arguments``) raises ``AttributeError``.
    """
    return Range(
        _position(lines, node.lineno, node.col_offset),  # type: ignore[attr-defined]
        _position(lines, node.end_lineno, node.end_col_offset),  # type: ignore[attr-defined]
    )


def _position(lines: Sequence[str], line: int, byte_offset: int) -> Position:
    text = lines[line - 1] if line <= len(lines) else ""
    if text.isascii():
        return Position(line, byte_offset + 1)
    return Position(line, len(text.encode("utf-8", "surrogatepass")[:byte_offset].decode("utf-8", "surrogatepass")) + 1)


def offsets(source: str, where: Range) -> tuple[int, int]:
    """Return where ``where`` starts and ends in the text of its cell, in characters from 0, the end exclusive.

    Raises ValueError for a range that is not in the text.
    """
    starts = _line_starts(source)
    places = []
    for position in (where.start, where.end):
        offset = starts[position.line - 1] + position.column - 1 if position.line <= len(starts) else -1
        if not 0 <= offset <= len(source):
            msg = f"no {position} in a text of {len(starts)} lines"
            raise ValueError(msg)
        places.append(offset)
    return places[0], places[1]


class RawPosition(NamedTuple):
    """A point in the text of a file, its column counted in each of the ways that formats of reports ask for."""

    line: int
    column: int
    utf8: int
    utf16: int


class RawRange(NamedTuple):
    """A stretch of the text of a file; ``end`` is exclusive."""

    start: RawPosition
    end: RawPosition


class RawMap:
    """Finds characters of cells in the text of the ``.ipynb`` file they were read from.

    The file is walked once for where its cells are, when the first position is asked for, and a
    cell when one in it is. Lines and columns of the file count from 1 as everywhere; a byte-order
    mark is not a column.
    """

    __slots__ = ("_cells", "_counted", "_is_utf8", "_strings", "notebook")

    def __init__(self, notebook: Notebook) -> None:
        """Make the map of a notebook; nothing is walked yet."""
        self.notebook = notebook
        self._cells: list[int] | None = None
        self._strings: dict[int, Sequence[int]] = {}
        self._is_utf8: bool | None = None
        self._counted = 0, 0

    def raw_position(self, cell: int, line: int, column: int) -> Position | None:
        """Return where the file has the character at ``line`` and ``column`` of a cell (all from 1).

        The end of a line is where its line end is written. None where the cell has no such
        place, or where the file was changed by an upgrade beyond recognition.
        """
        offset = self._offset(cell, line, column)
        return None if offset is None else _position_at(self.notebook.text, offset)

    def raw_range(self, cell: int, where: Range) -> RawRange | None:
        """Return where the file has a range of a cell; None as for ``raw_position`` of its start.

        It is empty where only its end is no place of the cell.
        """
        start = self._offset(cell, *where.start)
        if start is None:
            return None
        end = self._offset(cell, *where.end)
        return RawRange(
            _raw_position(self.notebook.text, start), _raw_position(self.notebook.text, start if end is None else end)
        )

    def source_bytes(self, cell: int, size: int, *, marked: bool) -> tuple[int, int, str] | None:
        """Return where the file has the JSON value that is a cell's source, in bytes: start, and end exclusive.

        And what stands between the strings in it to make them the source. None where they are not, and
        for a file that is not in UTF-8.

        size    of the file
        marked  it starts with a byte-order mark
        """
        text = self.notebook.text
        if self._cells is None:
            self._cells = _cell_starts(text, self.notebook.nbformat[0])
        if not 1 <= cell <= min(len(self._cells), len(self.notebook.cells)):
            return None
        found = find(text, self._cells[cell - 1], _WHOLE_SOURCE)[0] or {}
        start, end = found.get("input") or found.get("source") or (0, 0)
        value = json.loads(text[start:end]) if end else None
        strings = [value] if isinstance(value, str) else value
        if not isinstance(strings, list) or not all(isinstance(each, str) for each in strings):
            return None
        source = self.notebook.cells[cell - 1].source
        between = next((each for each in ("", "\n") if each.join(strings) == source), None)
        mark = len(_MARK) if marked else 0
        if self._is_utf8 is None:
            self._is_utf8 = mark + _utf8_length(text, 0, len(text)) == size
        if between is None or not self._is_utf8:
            return None
        # Cells are mostly asked for in their order: what stands before the last one is counted once.
        counted, length = self._counted if self._counted[0] <= start else (0, 0)
        self._counted = start, length + _utf8_length(text, counted, start)
        before = mark + self._counted[1]
        return before, before + _utf8_length(text, start, end), between

    def _offset(self, cell: int, line: int, column: int) -> int | None:
        text = self.notebook.text
        if self._cells is None:
            self._cells = _cell_starts(text, self.notebook.nbformat[0])
        if not 1 <= cell <= min(len(self._cells), len(self.notebook.cells)):
            return None
        source = self.notebook.cells[cell - 1].source
        starts = _line_starts(source)
        if not 1 <= line <= len(starts):
            return None
        next_start = starts[line] if line < len(starts) else len(source) + 1
        offset = starts[line - 1] + column - 1
        if not starts[line - 1] <= offset < next_start:
            return None
        if cell not in self._strings:
            self._strings[cell] = _source_strings(text, self._cells[cell - 1])
        return _raw_offset(text, self._strings[cell], source, offset)


_NEWLINE = lazy_pattern(r"\r\n|\r|\n")

# What to look for in a file and in a cell, see `find`; `input` is the source of a code cell before
# nbformat 4.
_NOTEBOOK: Any = {"cells": [WHOLE]}
_OLD_NOTEBOOK: Any = {"worksheets": [{"cells": [WHOLE]}]}
_WITH_WORKSHEETS = (2, 3)
_CELL: Any = {"source": (), "input": ()}
_WHOLE_SOURCE: Any = {"source": WHOLE, "input": WHOLE}
_MARK = b"\xef\xbb\xbf"
_PART = 1 << 20


def _line_starts(text: str) -> list[int]:
    return [0, *(found.end() for found in _NEWLINE.finditer(text))]


def _raw_offset(text: str, strings: Sequence[int], source: str, offset: int) -> int | None:
    """Return where in ``text`` the character ``source[offset]`` is written.

    ``strings`` are the places of the JSON strings that ``source`` was put together from.
    """
    decoded = [scanstring(text, start + 1)[0] for start in strings]
    joined = "".join(decoded)
    if not source.endswith(joined):
        # nbformat 3 could save lines without their ends.
        decoded[:-1] = [f"{entry}\n" for entry in decoded[:-1]]
        joined = "".join(decoded)
    # A heading cell of nbformat 3 becomes `## text`: the number signs are not in the file.
    offset = max(offset - (len(source) - len(joined)), 0)
    if not strings or not source.endswith(joined):
        return None
    for start, entry in zip(strings, decoded, strict=True):
        if offset < len(entry):
            return character_offset(text, start, offset)
        offset -= len(entry)
    return string_end(text, strings[-1]) - 1


def _cell_starts(text: str, major: int) -> list[int]:
    """Return where each cell starts, in the text of a readable notebook."""
    found = find(text, blank_end(text, 0), _OLD_NOTEBOOK if major in _WITH_WORKSHEETS else _NOTEBOOK)[0]
    sheets = found.get("worksheets") or [] if major in _WITH_WORKSHEETS else [found]
    return [start for sheet in sheets for start, _ in (sheet or {}).get("cells") or []]


def _source_strings(text: str, cell: int) -> Sequence[int]:
    """Return where the strings start that are the source of the cell at ``cell``."""
    found = find(text, cell, _CELL)[0]
    return found.get("input") or found.get("source") or () if found else ()


def _utf8_length(text: str, start: int, end: int) -> int:
    """Return how many bytes a stretch of ``text`` is in UTF-8, without a copy of the whole."""
    if text.isascii():
        return end - start
    parts = (text[at : min(at + _PART, end)] for at in range(start, end, _PART))
    return sum(len(part.encode("utf-8", "surrogatepass")) for part in parts)


def _position_at(text: str, offset: int) -> Position:
    if "\r" in text:
        starts = _line_starts(text)
        line = bisect_right(starts, offset)
        return Position(line, offset - starts[line - 1] + 1)
    return Position(text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset))


def _raw_position(text: str, offset: int) -> RawPosition:
    line, column = _position_at(text, offset)
    before = text[offset - column + 1 : offset]
    if before.isascii():
        return RawPosition(line, column, column, column)
    utf8 = len(before.encode("utf-8", "surrogatepass"))
    utf16 = len(before.encode("utf-16-le", "surrogatepass")) // 2
    return RawPosition(line, column, utf8 + 1, utf16 + 1)
