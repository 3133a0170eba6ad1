"""Where values stand in JSON text: noted while a notebook is read, or looked for without parsing the others."""

from __future__ import annotations

import re
from json.decoder import JSONDecoder, scanstring  # type: ignore[attr-defined]
from typing import TYPE_CHECKING, Any

from nb2prod.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from re import Pattern

# Asks `find` for where a value stands, whatever it is.
WHOLE = ...

_BLANK = lazy_pattern(r"[ \t\n\r]*")
# Between a key and its value, and behind a value.
_COLON = lazy_pattern(r"[ \t\n\r]*:[ \t\n\r]*")
_COMMA = lazy_pattern(r"[ \t\n\r]*(?:,[ \t\n\r]*)?")
# One piece of a JSON string that decodes to one character, or to as many as it is long. Two
# escaped halves of a character are one.
_PIECE = lazy_pattern(
    r'[^"\\]+|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.', re.DOTALL
)
# What may follow a value.
_SIGN = lazy_pattern(r"[ \t\n\r]*([,\]}])[ \t\n\r]*")
_DECODER = JSONDecoder()


def loads_with_places(text: str, key: str) -> tuple[dict[str, Any], list[int]]:
    """Return the JSON object in ``text``, and where the elements of the array start that is its member ``key``.

    Raises ValueError for all that is none, and RecursionError: ``json.loads`` says what is wrong with it.
    """
    values: dict[str, Any] = {}
    places: list[int] = []
    at, sign = blank_end(text, _after("{", text, blank_end(text, 0))), ","
    while sign == ",":
        name, at = scanstring(text, _after('"', text, at))
        at = _end(_BLANK, text, _after(":", text, _end(_BLANK, text, at)))
        if name == key and text.startswith("[", at):
            values[name], places, at = _array(text, at)
        else:
            values[name], at = _DECODER.raw_decode(text, at)
        sign, at = _sign(text, at)
    if sign != "}" or at != len(text):
        raise ValueError(sign)
    return values, places


def _array(text: str, at: int) -> tuple[list[Any], list[int], int]:
    """Return the elements of the array at ``at``, where each starts, and the array's end."""
    values: list[Any] = []
    places: list[int] = []
    at = blank_end(text, at + 1)
    if text.startswith("]", at):
        return values, places, at + 1
    sign = ","
    while sign == ",":
        places.append(at)
        value, end = _DECODER.raw_decode(text, at)
        values.append(value)
        sign, at = _sign(text, end)
    if sign != "]":
        raise ValueError(sign)
    return values, places, at


def _after(sign: str, text: str, at: int) -> int:
    if not text.startswith(sign, at):
        raise ValueError(sign)
    return at + 1


def _sign(text: str, at: int) -> tuple[str, int]:
    """Return what follows a value that ends at ``at``, and where the blank space behind it ends."""
    found = _SIGN.match(text, at)
    if found is None:
        raise ValueError(at)
    return found[1], found.end()


def find(text: str, at: int, shape: Any) -> tuple[Any, int]:
    """Return the places of what ``shape`` asks for in the JSON value at ``at``, and the value's end.

    A dict asks for these members of an object, a list of one for every element of an array,
    ``()`` for a string or the strings in an array, ``WHOLE`` for start and end of any value. What is
    not asked for is skipped.
    """
    if shape is WHOLE:
        end = _skip(text, at)[1]
        return (at, end), end
    match text[at], shape:
        case '"', ():
            return (at,), string_end(text, at)
        case "[", ():
            return _strings(text, at)
        case "[", [inner]:
            return _elements(text, at, lambda place: find(text, place, inner))
        case "{", {}:
            return _members(text, at, shape)
    return _skip(text, at)


def _members(text: str, at: int, shape: dict[str, Any]) -> tuple[dict[str, Any], int]:
    found: dict[str, Any] = {}
    at = blank_end(text, at + 1)
    while text[at] == '"':
        key, at = scanstring(text, at + 1)
        at = _end(_COLON, text, at)
        if key in shape:
            found[key], at = find(text, at, shape[key])  # of members with one name the last counts
        else:
            _, at = _skip(text, at)
        at = _end(_COMMA, text, at)
    return found, at + 1


def _elements(text: str, at: int, find: Callable[[int], tuple[Any, int]]) -> tuple[list[Any], int]:
    found = []
    at = blank_end(text, at + 1)
    while text[at] != "]":
        element, at = find(at)
        found.append(element)
        at = _end(_COMMA, text, at)
    return found, at + 1


def _strings(text: str, at: int) -> tuple[tuple[int, ...], int]:
    found = []
    at = blank_end(text, at + 1)
    while text[at] != "]":
        if text[at] == '"':
            found.append(at)
            at = string_end(text, at)
        else:
            _, at = _skip(text, at)
        at = _end(_COMMA, text, at)
    return tuple(found), at + 1


def string_end(text: str, at: int) -> int:
    """Return where the JSON string at ``at`` ends, its quote included."""
    end: int = scanstring(text, at + 1)[1]
    return end


def _skip(text: str, at: int) -> tuple[None, int]:
    return None, _DECODER.raw_decode(text, at)[1]


def blank_end(text: str, at: int) -> int:
    """Return where the blank space at ``at`` ends."""
    return _end(_BLANK, text, at)


def _end(pattern: Pattern[str], text: str, at: int) -> int:
    """Return where what ``pattern`` describes ends that begins at ``at``."""
    found = pattern.match(text, at)
    return found.end() if found else at


def pieces(text: str, at: int) -> Iterator[str]:
    r"""Yield what the JSON string at ``at`` is written as: stretches of plain text and single escapes (``\n``).

    A stretch stands for itself, an escape for one character.
    """
    at += 1
    while text[at] != '"':
        piece = _PIECE.match(text, at)
        if piece is None:
            return
        yield piece[0]
        at = piece.end()


def character_offset(text: str, at: int, number: int) -> int:
    """Return where character ``number`` (from 0) of the JSON string at ``at`` is written, or the string's end."""
    at_piece = at + 1
    for piece in pieces(text, at):
        length = 1 if piece[0] == "\\" else len(piece)
        if number < length:
            return at_piece + number
        number -= length
        at_piece += len(piece)
    return at_piece
