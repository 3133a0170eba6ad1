"""Tables and arrays in saved texts: what versions of pandas print otherwise, and what is left of them in doubt."""

from __future__ import annotations

import re

_ANYTHING = "..."
_SHAPE = re.compile(r"\[(\d+) rows x (\d+) columns\]")
_LEFT_OUT = re.compile(r"[\s.]*\.\.[\s.]*")
# Before pandas 0.25 a long table was cut after so many rows; since then after five.
_ONCE_SHOWN, _SHOWN = 30, 5
_MOST_HEADERS = 3
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
        return shape_alone(text)
    cut = next((at for at, line in enumerate(lines) if at >= _ONCE_SHOWN and _LEFT_OUT.fullmatch(line)), None)
    headers = cut - _ONCE_SHOWN if cut is not None else None
    if cut is None or headers is None or headers > _MOST_HEADERS:
        return text
    if any(line.rstrip().endswith("\\") for line in lines):
        return shape_alone(text)
    skipped = _ONCE_SHOWN - _SHOWN
    return "\n".join([*lines[: headers + _SHOWN], _ANYTHING, *lines[cut + 1 + skipped :]])


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
