"""Finds where IPython's own syntax stands in a cell, as IPython does: by tokens, not by lines.

IPython tokenizes a cell as Python and looks at logical lines: an escape (``%ls``, ``!ls``, ``?x``)
counts as a line's first token, ``= %name`` and ``= !command`` after its first assignment, ``?`` as
its last token. So nothing counts inside strings, comments or brackets, and a ``%`` that continues
an expression on a new line is an operator. The same is done here with a few regular expressions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from nb2prod.patterns import lazy_pattern
from nb2prod.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

# Each has a literal first character, so that the search is about as fast as `in`.
_LINE_START = lazy_pattern(r"\n[ \t]*(?:[%!?,;/]|>>>)")
_FIRST_LINE = lazy_pattern(r"[ \t\r]*(?:[%!?,;/]|>>>|In )")
_ASSIGNMENT = lazy_pattern(r"=[ \t]*[%!]")
_HELP = lazy_pattern(r"\?[ \t\f]*(?:[\r\n]|$)")

_NEWLINE = lazy_pattern(r"\r\n|\r|\n")
_BLANK = lazy_pattern(r"(?:[ \t\f]|\\\r?\n)*")
# `%=`, `!=`, `//` and `/=` are operators of Python, whole tokens of their own; `/ f` calls nothing.
_ESCAPE = lazy_pattern(r"%(?!=)|!!|!(?!=)|\?\??|,|;|/(?![/=\s]|$)")
_PIECE = lazy_pattern(r"""["'#()\[\]{}\\\r\n=?]""")
_STRING_ENDS = {
    "'": lazy_pattern(r"[^'\\\r\n]*(?:\\(?:\r\n|[\s\S])[^'\\\r\n]*)*'"),
    '"': lazy_pattern(r'[^"\\\r\n]*(?:\\(?:\r\n|[\s\S])[^"\\\r\n]*)*"'),
    "'''": lazy_pattern(r"[^'\\]*(?:(?:\\[\s\S]|'(?!''))[^'\\]*)*'''"),
    '"""': lazy_pattern(r'[^"\\]*(?:(?:\\[\s\S]|"(?!""))[^"\\]*)*"""'),
}
_MAGIC_AFTER_ASSIGNMENT = lazy_pattern(r"(?:[ \t]|\\\r?\n)*(?:%(?=[ \t]*[^\W\d])|!(?!=))")
# The end of an escaped command: its physical line, and the next while a backslash ends it.
_COMMAND_END = lazy_pattern(r"(?:[^\r\n]*\\\r?\n)*[^\r\n]*")
HELP_TARGET = lazy_pattern(r"(%{0,2}(?!\d)[\w*]+(?:\.(?!\d)[\w*]+|\[-?[0-9]+\])*)(\?\??)$")
_ASSIGNING_OPERATOR = frozenset("=!<>+-*/%&|^@:~")


class Escape(NamedTuple):
    """A piece of IPython syntax: ``source[start:end]``, all counted in characters from 0.

    form  ``command`` (``%ls``, ``!ls``, ``?x``, ``/f x``), ``assignment`` (the right-hand side of
          ``x = !ls``) or ``help`` (``x?``, the whole logical line)
    line  where the logical line starts that it stands in
    """

    form: Literal["command", "assignment", "help"]
    start: int
    end: int
    line: int


def may_have_escapes(source: str) -> bool:
    """Return False where ``source`` certainly has no IPython syntax, at the cost of a glance."""
    return bool(
        _FIRST_LINE.match(source)
        or _LINE_START.search(source)
        or (("%" in source or "!" in source) and _ASSIGNMENT.search(source))
        or ("?" in source and _HELP.search(source))
        or "\r" in source
    )


def find_escapes(source: str, start: int = 0, end: int | None = None) -> Iterator[Escape]:
    """Yield the IPython syntax in ``source[start:end]``, in order; ``start`` begins a line."""
    stop = len(source) if end is None else end
    position = start
    while position < stop:
        escape, position = _logical_line(source, position, stop)
        if escape is not None:
            yield escape


def starts_logical_line(source: str, at: int) -> bool:
    """Return whether a logical line of Python starts at ``at``, the start of one of its lines."""
    position = 0
    while position < at:
        _, position = _logical_line(source, position, len(source))
    return position == at


def _logical_line(source: str, line: int, stop: int) -> tuple[Escape | None, int]:
    """Return the IPython syntax of the logical line that starts at ``line``, and where the next starts."""
    first = _blank_end(source, line, stop)
    if _ESCAPE.match(source, first, stop):
        end = _command_end(source, first, stop)
        # `%foo?` asks for help about the magic: the question mark at the end counts more.
        if source.endswith("?", first + 2, end):
            asked, after = _rest_of_line(source, first, first + 1, stop)
            if asked is not None and asked.form == "help":
                return asked, after
        return Escape("command", first, end, first), _next_line(source, end, stop)
    return _rest_of_line(source, first, first, stop)


def _rest_of_line(source: str, first: int, position: int, stop: int) -> tuple[Escape | None, int]:
    depth = 0
    assigned = False
    while piece := _PIECE.search(source, position, stop):
        position = piece.end()
        match piece[0]:
            case '"' | "'" as quote:
                position = _string_end(source, piece.start(), quote, stop)
            case "#":
                position = _line_end(source, position, stop)
            case "(" | "[" | "{":
                depth += 1
            case ")" | "]" | "}":
                depth -= depth > 0
            case "\\" if newline := _NEWLINE.match(source, position, stop):
                position = newline.end()
            case "=" if depth == 0 and not assigned:
                if source[piece.start() - 1 : piece.start()] in _ASSIGNING_OPERATOR and piece.start() > first:
                    continue
                if source.startswith("=", position):
                    position += 1
                    continue
                assigned = True
                if piece.start() > first and (found := _MAGIC_AFTER_ASSIGNMENT.match(source, position, stop)):
                    end = _command_end(source, found.end() - 1, stop)
                    return Escape("assignment", found.end() - 1, end, first), _next_line(source, end, stop)
            case "?" if depth == 0:
                end = _line_end(source, position, stop)
                if source[position:end].strip(" \t\f?") == "" and HELP_TARGET.search(source[first:end]):
                    return Escape("help", first, end, first), _next_line(source, end, stop)
            case "\n" | "\r" if depth == 0:
                return None, _next_line(source, piece.start(), stop)
    return None, stop


def _string_end(source: str, quote_at: int, quote: str, stop: int) -> int:
    """Return where the string ends; a one-line string that is not closed ends at its quote."""
    if source.startswith(quote * 3, quote_at):
        closed = _STRING_ENDS[quote * 3].match(source, quote_at + 3, stop)
        return closed.end() if closed else stop
    closed = _STRING_ENDS[quote].match(source, quote_at + 1, stop)
    return closed.end() if closed else quote_at + 1


def _blank_end(source: str, position: int, stop: int) -> int:
    found = _BLANK.match(source, position, stop)
    return found.end() if found else position


def _command_end(source: str, position: int, stop: int) -> int:
    found = _COMMAND_END.match(source, position, stop)
    return found.end() if found else stop


def _line_end(source: str, position: int, stop: int) -> int:
    found = _NEWLINE.search(source, position, stop)
    return found.start() if found else stop


def _next_line(source: str, position: int, stop: int) -> int:
    """Return the start of the line after the one that ``position`` is in."""
    found = _NEWLINE.search(source, position, stop)
    return found.end() if found else stop
