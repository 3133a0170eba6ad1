"""Months, quarters and days that are typed into the names of files."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.notebook.tree import nodes
from nb2prod.patterns import lazy_pattern
from nb2prod.words import words
from nb2prod.writes import writes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis, Call

_DATED = lazy_pattern(r"(?<!\d)20\d\d[-_. ]?(?:0[1-9]|1[0-2])(?:[-_. ]?[0-3]\d)?(?!\d)")
_YEAR = lazy_pattern(r"(?<!\d)20\d\d(?!\d)")
_WORD = lazy_pattern(r"[^\W\d_]+|[qQ][1-4]")
_SHORT = 3


def typed_period(analysis: Analysis) -> str | None:
    """Return a period that stands in the name of a file that is read, and of one that is written."""
    if not analysis.mentions("20"):
        return None
    written_by = {id(each.call.node): each.call for each in writes(analysis) if each.call is not None}
    read = {period for call in analysis.calls({"read-file"}) if id(call.node) not in written_by for period in _of(call)}
    written = {period for call in written_by.values() for period in _of(call)} if read else set()
    return min(read & written, default=None)


def _of(call: Call) -> Iterator[str]:
    """Yield the periods in the texts a call is given."""
    for given in (*call.node.args, *(each.value for each in call.node.keywords)):
        for part in nodes(given):
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                yield from _periods(part.value)


def _periods(text: str) -> Iterator[str]:
    """Yield `2026-09`, `September 2026` and their like as they are written."""
    dated = _DATED.search(text)
    if dated is not None:
        yield dated[0]
    year = _YEAR.search(text)
    month = next((word for word in _WORD.findall(text) if _is_month(word.lower())), None) if year else None
    if year is not None and month is not None:
        yield f"{month} {year[0]}"


def _is_month(word: str) -> bool:
    known = words("no-entry")["months"]
    return word in known or (len(word) == _SHORT and any(each.startswith(word) for each in known))
