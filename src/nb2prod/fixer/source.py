"""A cell's source in the file, a JSON string or an array of them: edited without touching what is not edited."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from nb2prod.notebook.raw_json import WHOLE, find, pieces
from nb2prod.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class Replacement(NamedTuple):
    """Put ``text`` in the place of the characters from ``start`` to ``end`` (exclusive, from 0) of a source."""

    start: int
    end: int
    text: str


class _Character(NamedTuple):
    """One character as the file has it (``é`` or its escape), and whether an entry of the array ends with it."""

    raw: str
    ends_entry: bool


def edited_source(value: str, replacements: Sequence[Replacement], *, ascii_only: bool) -> str | None:
    """Return the JSON ``value`` of a source with ``replacements`` made, no two of which overlap.

    Characters that stay keep their escapes, entries that stay their place and the space around them.
    New text is escaped where ``ascii_only`` asks for it. None where the value holds more than strings.
    """
    in_array = value.startswith("[")
    entries = find(value, 0, [WHOLE])[0] if in_array else [(0, len(value))]
    if any(value[start] != '"' for start, _ in entries):
        return None
    characters: list[_Character] = []
    for start, _ in entries:
        raw = _characters(value, start)
        characters += [_Character(each, ends_entry=False) for each in raw[:-1]]
        # What is added behind a last line end is an entry of its own.
        characters += [_Character(each, start != entries[-1][0] or each == "\\n") for each in raw[-1:]]
    changed: list[_Character] = []
    position = 0
    for replacement in sorted(replacements, key=lambda each: (each.start, each.end)):
        changed += characters[position : replacement.start]
        changed += [
            _Character(json.dumps(each, ensure_ascii=ascii_only)[1:-1], each == "\n") for each in replacement.text
        ]
        position = replacement.end
    changed += characters[position:]
    if not in_array:
        return '"' + "".join(character.raw for character in changed) + '"'
    return _with_entries(value, entries, _entries(changed))


def _characters(value: str, at: int) -> list[str]:
    """Return the characters of the JSON string at ``at``, each as it is written."""
    characters: list[str] = []
    for piece in pieces(value, at):
        characters += [piece] if piece.startswith("\\") else piece
    return characters


def _entries(characters: Sequence[_Character]) -> list[str]:
    """Return the strings of an array, as they are written."""
    entries: list[str] = []
    entry: list[str] = []
    for character in characters:
        entry.append(character.raw)
        if character.ends_entry:
            entries.append('"' + "".join(entry) + '"')
            entry = []
    return [*entries, '"' + "".join(entry) + '"'] if entry else entries


def _with_entries(array: str, spans: Sequence[tuple[int, int]], new: Sequence[str]) -> str:
    """Return ``array``, whose elements stand at ``spans``, with the elements ``new``; alike ones at both ends stay."""
    old = [array[start:end] for start, end in spans]
    if not old:
        return f"[{', '.join(new)}]"
    same_start = _common(old, new)
    same_end = min(_common(old[::-1], new[::-1]), min(len(old), len(new)) - same_start)
    between = array[spans[0][1] : spans[1][0]] if len(spans) > 1 else "," + (array[1 : spans[0][0]] or " ")
    middle = between.join(new[same_start : len(new) - same_end])
    first, last = same_start, len(old) - same_end
    if first < last and middle:
        return array[: spans[first][0]] + middle + array[spans[last - 1][1] :]
    if first < last:
        if same_end:
            return array[: spans[first][0]] + array[spans[last][0] :]
        return array[: spans[first - 1][1]] + array[spans[-1][1] :] if same_start else "[]"
    if not middle:
        return array
    if first < len(old):
        return array[: spans[first][0]] + middle + between + array[spans[first][0] :]
    return array[: spans[-1][1]] + between + middle + array[spans[-1][1] :]


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """Return how many elements both start with."""
    return next(
        (number for number, (left, right) in enumerate(zip(one, other, strict=False)) if left != right),
        min(len(one), len(other)),
    )
