"""Where characters of cells stand in the text of the file, as editors of the ``.ipynb`` count lines and columns."""

from __future__ import annotations

import json
from bisect import bisect_right
from itertools import accumulate
from json.decoder import scanstring  # type: ignore[attr-defined]
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from nb2prod.notebook.location import Position, RawPosition, RawRange, line_starts
from nb2prod.notebook.raw_json import WHOLE, blank_end, character_offset, find, string_end
from nb2prod.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nb2prod.notebook.location import Range
    from nb2prod.notebook.model import Notebook

# What to look for in a file and in a cell, see `find`; `input` is the source of a code cell before
# nbformat 4.
_NOTEBOOK: Any = {"cells": [WHOLE]}
_OLD_NOTEBOOK: Any = {"worksheets": [{"cells": [WHOLE]}]}
_WITH_WORKSHEETS = (2, 3)
_CELL: Any = {"source": (), "input": ()}
_WHOLE_SOURCE: Any = {"source": WHOLE, "input": WHOLE}
_MARK = b"\xef\xbb\xbf"
_PART = 1 << 20


class _Place(NamedTuple):
    """A place in the text of the file: how many characters stand before it, and its line and columns."""

    offset: int
    position: RawPosition


class _Source(NamedTuple):
    """The source of a cell, and the JSON strings that it was put together from.

    lines    where its lines start, and one past the end of the last
    strings  where the JSON strings start in the file
    starts   where in the source the text of each starts, and behind them the source's length
    place    of the first string
    """

    lines: Sequence[int]
    strings: Sequence[int]
    starts: Sequence[int]
    place: _Place


class RawMap:
    """Finds characters of cells in the text of the ``.ipynb`` file they were read from.

    A cell is walked when the first position in it is asked for, and the file before that if it was
    not noted where its cells are: a position is counted from the start of its cell's source. Lines
    and columns of the file count from 1 as everywhere; a byte-order mark is not a column.
    """

    __slots__ = ("_cells", "_counted", "_is_utf8", "_places", "_sources", "notebook")

    def __init__(self, notebook: Notebook) -> None:
        """Make the map of a notebook; nothing is walked yet."""
        self.notebook = notebook
        self._cells: Sequence[int] = notebook.cell_starts
        self._places = [_Place(0, RawPosition(1, 1, 1, 1))]
        self._sources: dict[int, _Source | None] = {}
        self._is_utf8: bool | None = None
        self._counted = 0, 0

    def raw_position(self, cell: int, line: int, column: int) -> Position | None:
        """Return where the file has the character at ``line`` and ``column`` of a cell (all from 1).

        The end of a line is where its line end is written. None where the cell has no such
        place, or where the file was changed by an upgrade beyond recognition.
        """
        found = self._raw(cell, Position(line, column))
        return None if found is None else Position(found.line, found.column)

    def raw_range(self, cell: int, where: Range) -> RawRange | None:
        """Return where the file has a range of a cell; None as for ``raw_position`` of its start.

        It is empty where only its end is no place of the cell.
        """
        start = self._raw(cell, where.start)
        if start is None:
            return None
        return RawRange(start, (self._raw(cell, where.end) or start) if where.end != where.start else start)

    def source_bytes(self, cell: int, size: int, *, marked: bool) -> tuple[int, int, str] | None:
        """Return where the file has the JSON value that is a cell's source, in bytes: start, and end exclusive.

        And what stands between the strings in it to make them the source. None where they are not, and
        for a file that is not in UTF-8.

        size    of the file
        marked  it starts with a byte-order mark
        """
        text = self.notebook.text
        at = self._cell_start(cell)
        if at is None:
            return None
        found = find(text, at, _WHOLE_SOURCE)[0] or {}
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

    def _raw(self, cell: int, where: Position) -> RawPosition | None:
        if cell not in self._sources:
            self._sources[cell] = self._source(cell)
        source = self._sources[cell]
        if source is None or not 1 <= where.line < len(source.lines):
            return None
        offset = source.lines[where.line - 1] + where.column - 1
        if not source.lines[where.line - 1] <= offset < source.lines[where.line]:
            return None
        return _moved(self.notebook.text, source.place, _raw_offset(self.notebook.text, source, offset)).position

    def _cell_start(self, cell: int) -> int | None:
        if not self._cells:
            self._cells = _cell_starts(self.notebook.text, self.notebook.nbformat[0])
        return self._cells[cell - 1] if 1 <= cell <= min(len(self._cells), len(self.notebook.cells)) else None

    def _source(self, cell: int) -> _Source | None:
        """Return the source of a cell; None where the file has it not, or has another one."""
        text, at = self.notebook.text, self._cell_start(cell)
        if at is None:
            return None
        found = find(text, at, _CELL)[0]
        strings: Sequence[int] = found.get("input") or found.get("source") or () if found else ()
        source = self.notebook.cells[cell - 1].source
        starts = _text_starts(source, [scanstring(text, start + 1)[0] for start in strings])
        if starts is None:
            return None
        return _Source(
            [*line_starts(source), len(source) + 1], strings, starts, _moved(text, self._place(cell), strings[0])
        )

    def _place(self, cell: int) -> _Place:
        """Return the start of a cell, counted from the nearest one before it that was asked for."""
        start = self._cells[cell - 1]
        number = bisect_right(self._places, start, key=itemgetter(0))
        place = _moved(self.notebook.text, self._places[number - 1], start)
        self._places.insert(number, place)
        return place


def _text_starts(source: str, texts: list[str]) -> Sequence[int] | None:
    """Return where in a cell's source each of the texts starts that it was saved as; None where they are another."""
    joined = "".join(texts)
    if not source.endswith(joined):
        # nbformat 3 could save lines without their ends.
        texts[:-1] = [f"{text}\n" for text in texts[:-1]]
        joined = "".join(texts)
    if not texts or not source.endswith(joined):
        return None
    # A heading cell of nbformat 3 becomes `## text`: the number signs are not in the file.
    return list(accumulate(map(len, texts), initial=len(source) - len(joined)))


def _raw_offset(text: str, source: _Source, offset: int) -> int:
    """Return where in the file's text character ``offset`` of the source is written."""
    offset = max(offset, source.starts[0])
    if offset >= source.starts[-1]:
        return string_end(text, source.strings[-1]) - 1
    number = bisect_right(source.starts, offset) - 1
    return character_offset(text, source.strings[number], offset - source.starts[number])


def _cell_starts(text: str, major: int) -> list[int]:
    """Return where each cell starts, in the text of a readable notebook."""
    found = find(text, blank_end(text, 0), _OLD_NOTEBOOK if major in _WITH_WORKSHEETS else _NOTEBOOK)[0]
    sheets = found.get("worksheets") or [] if major in _WITH_WORKSHEETS else [found]
    return [start for sheet in sheets for start, _ in (sheet or {}).get("cells") or []]


def _utf8_length(text: str, start: int, end: int) -> int:
    """Return how many bytes a stretch of ``text`` is in UTF-8, without a copy of the whole."""
    if text.isascii():
        return end - start
    parts = (text[at : min(at + _PART, end)] for at in range(start, end, _PART))
    return sum(len(part.encode("utf-8", "surrogatepass")) for part in parts)


def _moved(text: str, place: _Place, offset: int) -> _Place:
    """Return the place of ``offset`` in the text, counted from one before it."""
    start = place.offset
    line, column, utf8, utf16 = place.position
    newlines = text.count("\n", start, offset)
    if text.find("\r", start, offset) >= 0:
        # Between values only: in a JSON string a line end is written as an escape.
        starts = line_starts(text[start:offset])
        newlines, line_start = len(starts) - 1, start + starts[-1]
    else:
        line_start = text.rfind("\n", start, offset) + 1
    if newlines:
        start, line, column, utf8, utf16 = line_start, line + newlines, 1, 1, 1
    length = offset - start
    if text.isascii():
        return _Place(offset, RawPosition(line, column + length, utf8 + length, utf16 + length))
    between = text[start:offset]
    utf8 += len(between.encode("utf-8", "surrogatepass"))
    utf16 += len(between.encode("utf-16-le", "surrogatepass")) // 2
    return _Place(offset, RawPosition(line, column + length, utf8, utf16))
