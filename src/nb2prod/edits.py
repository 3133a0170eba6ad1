"""Text edits that put something into a cell's code or take it out; None where the text is not that simple."""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING

from nb2prod.diagnostics import Edit
from nb2prod.notebook.location import Position, Range, offsets
from nb2prod.patterns import lazy_pattern

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterable, Iterator

    from nb2prod.notebook.model import CodeCell

_END_OF_CALL = lazy_pattern(r"\s*,?\s*\)$")
_COMMA = lazy_pattern(r"\s*,\s*$")


def newline(cell: CodeCell) -> str:
    """Return how the lines of a cell end."""
    return "\r\n" if "\r\n" in cell.source else "\n"


def replaced(cell: CodeCell, node: ast.AST, text: str) -> Edit:
    """Return the edit that puts ``text`` in the place of a node of the cell."""
    return Edit(cell.locate(node), text)


def argument_added(cell: CodeCell, call: ast.Call, text: str) -> Edit | None:
    """Return the edit that makes ``text`` the last argument, on a line of its own where the last one is on one.

    None where brackets around the last argument, or a comment behind it, hide its end.
    """
    whole = cell.locate(call).range
    last = max((cell.locate(each).range for each in (*call.args, *call.keywords)), default=None)
    if last is None:
        inside = Range(cell.locate(call.func).range.end, whole.end)
        if re.fullmatch(r"\s*\(\s*\)", _text(cell, inside)) is None:
            return None
        return Edit(cell.location(whole.end.line, whole.end.column - 1), text)
    if not _END_OF_CALL.match(_text(cell, Range(last.end, whole.end))):
        return None
    before = cell.lines[last.start.line - 1][: last.start.column - 1]
    between = f"{newline(cell)}{before}" if before and not before.strip() else " "
    return Edit(cell.location(last.end.line, last.end.column), f",{between}{text}")


def argument_removed(cell: CodeCell, call: ast.Call, keyword: ast.keyword) -> Edit | None:
    """Return the edit that takes ``keyword`` out of its call, with the comma that is then too many.

    None where a comment or brackets stand between it and the next argument.
    """
    own = cell.locate(keyword).range
    places = sorted(cell.locate(each).range for each in (*call.args, *call.keywords))
    at = places.index(own)
    if at > 0:
        gap, removed = Range(places[at - 1].end, own.start), Range(places[at - 1].end, own.end)
    elif len(places) > 1:
        gap, removed = Range(own.end, places[1].start), Range(own.start, places[1].start)
    else:
        end = cell.locate(call).range.end
        closing = Position(end.line, end.column - 1)
        rest = _text(cell, Range(own.end, closing))
        return _removal(cell, Range(own.start, closing if "," in rest else own.end)) if rest.strip(" ,") == "" else None
    return _removal(cell, removed) if _COMMA.match(_text(cell, gap)) else None


def without_lines(cell: CodeCell, numbers: Iterable[int]) -> Iterator[Edit]:
    """Yield the edits that remove these lines, neighbours together."""
    wanted = sorted(set(numbers))
    for _, group in groupby(enumerate(wanted), lambda pair: pair[1] - pair[0]):
        run = [number for _, number in group]
        yield lines_removed(cell, run[0], run[-1])


def lines_removed(cell: CodeCell, first: int, last: int) -> Edit:
    """Return the edit that removes the lines from ``first`` to ``last``, and one line end."""
    lines = cell.lines
    if last < len(lines):
        return _removal(cell, Range(Position(first, 1), Position(last + 1, 1)))
    end = Position(last, len(lines[last - 1]) + 1)
    start = Position(first - 1, len(lines[first - 2]) + 1) if first > 1 else Position(1, 1)
    return _removal(cell, Range(start, end))


def _removal(cell: CodeCell, where: Range) -> Edit:
    return Edit(cell.location(*where.start, *where.end), "")


def _text(cell: CodeCell, where: Range) -> str:
    start, end = offsets(cell.source, where)
    return cell.source[start:end]
