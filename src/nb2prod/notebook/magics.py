"""IPython syntax: finds it in a cell and masks it at equal width, so that what is left parses."""

from __future__ import annotations

import re

from nb2prod.notebook.location import Position, Range
from nb2prod.notebook.model import Magic

_NOT_NEWLINE = re.compile(r"[^\r\n]")
_LINE = re.compile(r"^([ \t]*)(%|!!?|\?\??)(\w*)[ \t]*([^\r\n]*)", re.MULTILINE)


def blanked(text: str) -> str:
    """Return ``text`` with every character but line ends replaced by a space."""
    return _NOT_NEWLINE.sub(" ", text)


def mask(source: str) -> tuple[str, tuple[Magic, ...]]:
    """Return the cell's Python (magics masked, same lines, same widths) and its magics in order."""
    if not ("%" in source or "!" in source or "?" in source):
        return source, ()
    magics: list[Magic] = []

    def masked(found: re.Match[str]) -> str:
        line = source.count("\n", 0, found.start()) + 1
        start = Position(line, len(found[1]) + 1)
        end = Position(line, len(found[0]) + 1)
        kind = "line" if found[2] == "%" else "shell" if "!" in found[2] else "help"
        name = found[3] if kind == "line" else found[2]
        magics.append(Magic(kind, name, found[4], (), Range(start, end)))  # type: ignore[arg-type]
        return found[1] + "0" + " " * (len(found[0]) - len(found[1]) - 1)

    return _LINE.sub(masked, source), tuple(magics)
