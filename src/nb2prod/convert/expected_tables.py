"""Tables and arrays in saved texts: what versions of pandas print otherwise, and what is left of them in doubt."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_ANYTHING = "..."
_SHAPE = re.compile(r"\[(\d+) rows x (\d+) columns\]")
_LEFT_OUT = re.compile(r"[\s.]*\.\.[\s.]*")
# Before pandas 0.25 a long table was cut after so many rows; since then after five.
_ONCE_SHOWN, _SHOWN = 30, 5
_MOST_HEADERS = 3
# As wide as pandas prints what is no terminal, but for what it needs to go on below.
_NARROW = 70
# Of more than twenty columns the first ten are shown today.
_MOST_LEFT = 10
# What a notebook prints in full, and says no shape of.
_MOST_ROWS, _MOST_COLUMNS = 60, 20
# A list, an array or a set of texts.
_TEXTS = re.compile(r"""[\[{(]\s*(?:'[^'\n]*'|"[^"\n]*")[^\[\](){}]*[\]})]""")
_SET_OF_TEXTS = re.compile(r"""\{(?:'[^'\n]*'|"[^"\n]*")(?:,\s*(?:'[^'\n]*'|"[^"\n]*"))+\}""")


def table_as_now(text: str) -> str:
    """Return a displayed table as pandas prints it today; only its shape where that cannot be told.

    Which columns are left out of a wide table depends on the width of the window it was displayed in.
    """
    lines = text.split("\n")
    shape = _SHAPE.search(text)
    if shape is not None and any(_ANYTHING in line.split() and not _LEFT_OUT.fullmatch(line) for line in lines):
        left, footer = _left_columns(lines), shape_alone(text)
        return footer if left is None else left + footer.removeprefix(_ANYTHING)
    cut = next((at for at, line in enumerate(lines) if at >= _ONCE_SHOWN and _LEFT_OUT.fullmatch(line)), None)
    headers = cut - _ONCE_SHOWN if cut is not None else None
    if cut is None or headers is None or headers > _MOST_HEADERS:
        return text
    if any(line.rstrip().endswith("\\") for line in lines):
        return shape_alone(text)
    skipped = _ONCE_SHOWN - _SHOWN
    return "\n".join([*lines[: headers + _SHOWN], _ANYTHING, *lines[cut + 1 + skipped :]])


def _left_columns(lines: Sequence[str]) -> str | None:
    """Return a table with its columns up to those left out; None where rows are left out, or too few columns kept.

    The columns stand above each other, as far as a window of today shows them side by side.
    """
    at = lines[0].find(f" {_ANYTHING}")
    rows = [line for line in lines if line.strip() and not _SHAPE.search(line)]
    if not 0 < at <= _NARROW or any(line[at : at + 4] != f" {_ANYTHING}" for line in rows):
        return None
    if any(_LEFT_OUT.fullmatch(line) or len(line[:at].split()) > _MOST_LEFT for line in rows[1:]):
        return None
    return "\n".join(f"{line[:at].rstrip()} {_ANYTHING}" for line in rows)


def header_alone(text: str) -> str:
    """Return a displayed table with its header and anything below it; its shape alone where the header has figures."""
    line = text.split("\n", maxsplit=1)[0]
    words = line.partition(_ANYTHING)[0].rstrip("\\ ").split()
    shape = shape_alone(text).removeprefix(_ANYTHING)
    named = words and not any(word.strip("()[],'-.")[:1].isdigit() for word in words)
    # Where its other values are wider, a table may be wider than a window, and is folded in two.
    between = " " if len(line) <= _NARROW // 2 else f" {_ANYTHING} "
    return f"{between.join(words)}\n{_ANYTHING}{shape}" if named else f"{_ANYTHING}{shape}"


def shape_alone(text: str) -> str:
    """Return a displayed table with anything in it; nothing of any other text, and of a table printed in full."""
    shape = _SHAPE.search(text)
    if shape is None or (int(shape[1]) <= _MOST_ROWS and int(shape[2]) <= _MOST_COLUMNS):
        return _ANYTHING
    return f"{_ANYTHING}\n{shape[0]}"


def without_sets(text: str) -> str:
    """Return ``text`` without sets of texts: they have another order in every process."""
    return _SET_OF_TEXTS.sub(_ANYTHING, text)


def without_choices(text: str) -> str:
    """Return ``text`` without its lists of texts: which features a model chooses depends on versions."""
    return _TEXTS.sub(_ANYTHING, text)
