"""Explains why Python refused a cell: an error, Python 2, or syntax newer than this Python."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from nb2prod.notebook.location import Position, Range
from nb2prod.notebook.magic_table import magic_table
from nb2prod.notebook.model import SyntaxProblem
from nb2prod.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Sequence

_NEWLINE = lazy_pattern(r"\r\n|\r|\n")
_SURROGATE = lazy_pattern("[\ud800-\udfff]")

# What Python 2 accepts and Python 3 does not, by the line of the error. The messages of CPython
# that name one are matched too, because the line alone can be ambiguous.
_PYTHON2_MESSAGES = (
    ("Missing parentheses in call to 'print'", "print is a statement"),
    ("Missing parentheses in call to 'exec'", "exec is a statement"),
    ("leading zeros in decimal integer literals", "0777 is an octal number"),
)
_PYTHON2_LINES = (
    (lazy_pattern(r"(?:^|[:;])\s*print(?:\s+[\"'\w`]|\s*>>|\s*\"|\s*')"), "print is a statement"),
    (lazy_pattern(r"(?:^|[:;])\s*exec\s+[\"'\w]"), "exec is a statement"),
    # `except A, B:` of Python 3.14 catches both; a name in lower case receives the exception.
    (lazy_pattern(r"^\s*except\s+(?:[\w.]+|\([^)]*\))\s*,\s*[a-z_]\w*\s*:"), "`except E, e` names the exception"),
    (lazy_pattern(r"(?:^|[:;])\s*raise\s+[\w.]+\s*,"), "`raise E, message` raises with a message"),
    (lazy_pattern(r"\b[uU][rR][\"']"), "ur'' is a string"),
    (lazy_pattern(r"\b(?:\d+|0[xX][\da-fA-F]+)[lL]\b"), "10L is a long integer"),
    (lazy_pattern(r"\b(?:lambda\s*|def\s+\w+\s*\([^)]*)\([^()]*\)\s*[:,)]"), "parameters can be tuples"),
)
_PYTHON2_AT = (
    # With something on both sides: `x = <>` is a blank to fill in.
    (lazy_pattern(r"(?<=[\w\])\"'])\s*<>\s*[\w(\[\"'{-]"), "`<>` means `!=`"),
    (lazy_pattern("`[^`]+`"), "backticks mean repr()"),
)

# Only these can be syntax of a Python newer than 3.11.
_NEWER = lazy_pattern(
    r"^\s*type\s+\w+|\bdef\s+\w+\s*\[|\bclass\s+\w+\s*\[|\bexcept\*?\s+[\w.]+\s*,|\b(?:[rR]?[fFtT]|[fFtT][rR])[\"']"
)
# LibCST takes the process down where brackets are nested thousands deep.
_LIBCST_CHARACTERS = 20_000
_LIBCST_BRACKETS = 60


def explain(python: str, error: Exception, margin: int = 0) -> SyntaxProblem:
    """Return the problem that made Python refuse ``python`` with ``error``.

    ``margin`` is the width of the indentation that was removed from each line before parsing.
    """
    lines = _NEWLINE.split(python)
    if isinstance(error, SyntaxError):
        span = _range(lines, error, margin)
        if "\0" in python:
            return _at(python, python.index("\0"), "a null character cannot be in Python source")
        return _explain_syntax(python, lines, error, span)
    if isinstance(error, UnicodeEncodeError) and (found := _SURROGATE.search(python)):
        return _at(python, found.start(), "half of a character (a lone surrogate) cannot be in Python source")
    if "\0" in python:
        return _at(python, python.index("\0"), "a null character cannot be in Python source")
    if isinstance(error, (MemoryError, RecursionError)):
        return SyntaxProblem("unsupported", "this is nested too deeply to be parsed", _first_line(lines))
    return SyntaxProblem("error", str(error), _first_line(lines))


def _explain_syntax(python: str, lines: Sequence[str], error: SyntaxError, span: Range) -> SyntaxProblem:
    line = lines[span.start.line - 1]
    if python2 := _python2(error.msg, line, span.start.column):
        return SyntaxProblem("python2", f"this is Python 2: {python2}", span)
    if _NEWER.search(line) and _is_newer_python(python):
        running = f"{sys.version_info.major}.{sys.version_info.minor}"
        return SyntaxProblem("unsupported", f"this is syntax of a Python newer than {running}", span)
    words = line.split()
    if len(words) > 1 and re.match(r"[\w.~/-]", words[1]) and words[0] in magic_table().automagic:
        message = f"`{words[0]}` works without `%` only where it is all a cell holds: write `%{words[0]}`"
        return SyntaxProblem("error", message, span)
    return SyntaxProblem("error", error.msg, span)


def _python2(message: str, line: str, column: int) -> str | None:
    for start, what in _PYTHON2_MESSAGES:
        if message.startswith(start):
            return what
    for pattern, what in _PYTHON2_AT:
        if any(found.start() < column <= found.end() for found in pattern.finditer(line)):
            return what
    for pattern, what in _PYTHON2_LINES:
        if pattern.search(line):
            return what
    return None


def _is_newer_python(python: str) -> bool:
    """Return whether LibCST, whose grammar is the newest Python's, accepts the code."""
    if len(python) > _LIBCST_CHARACTERS or _bracket_depth(python) > _LIBCST_BRACKETS:
        return False
    import libcst  # noqa: PLC0415 - a quarter of a second that few notebooks pay

    try:
        libcst.parse_module(python)
    except (libcst.ParserSyntaxError, RecursionError, UnicodeEncodeError):
        return False
    return True


def _bracket_depth(python: str) -> int:
    depth = deepest = 0
    for bracket in re.findall(r"[()\[\]{}]", python):
        depth = depth + 1 if bracket in "([{" else max(depth - 1, 0)
        deepest = max(deepest, depth)
    return deepest


def _range(lines: Sequence[str], error: SyntaxError, margin: int) -> Range:
    """Return the range CPython gives, kept inside the text (it can lie past the end, or be missing)."""
    start = _inside(lines, error.lineno, error.offset, margin)
    end = _inside(lines, error.end_lineno, error.end_offset, margin)
    return Range(start, max(start, end))


def _inside(lines: Sequence[str], line: int | None, offset: int | None, margin: int) -> Position:
    number = min(max(line or 1, 1), len(lines))
    return Position(number, min(max((offset or 1) + margin, 1), len(lines[number - 1]) + 1))


def _first_line(lines: Sequence[str]) -> Range:
    return Range(Position(1, 1), Position(1, len(lines[0]) + 1))


def _at(python: str, offset: int, message: str) -> SyntaxProblem:
    before = _NEWLINE.split(python[:offset])
    start = Position(len(before), len(before[-1]) + 1)
    return SyntaxProblem("error", message, Range(start, Position(start.line, start.column + 1)))
