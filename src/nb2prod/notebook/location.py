"""Places in notebooks: the only module that knows what is counted from 0 or 1, in bytes or characters.

Lines and columns here count from 1 and columns are in characters (Unicode code points), as
editors show them. ``ast`` counts columns from 0 in UTF-8 bytes; the conversion happens here, once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nb2prod.patterns import lazy_pattern
from nb2prod.records import NamedTuple

if TYPE_CHECKING:
    import ast
    from collections.abc import Sequence
    from pathlib import PurePath


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
    starts = line_starts(source)
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


_NEWLINE = lazy_pattern(r"\r\n|\r|\n")


def line_starts(text: str) -> list[int]:
    r"""Return where the lines of ``text`` start, as ``ast`` counts them (ends at \n, \r\n and \r only)."""
    return [0, *(found.end() for found in _NEWLINE.finditer(text))]


def split_lines(text: str) -> list[str]:
    r"""Return the lines of a cell's source, as ``ast`` counts them (ends at \n, \r\n and \r only)."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
