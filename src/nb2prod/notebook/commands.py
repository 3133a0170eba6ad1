"""Shell commands of a cell: which of its magics hand text to a shell, and where that text stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nb2prod.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.notebook.location import Location
    from nb2prod.notebook.model import CodeCell, Magic

# https://ipython.readthedocs.io/en/stable/interactive/magics.html: magics whose text a shell runs.
SCRIPTS = frozenset({"bash", "sh", "zsh", "cmd", "script", "sx", "system", "!"})
_LINES = frozenset({"sx", "system", "pip", "conda", "mamba", "micromamba", "uv"})
# Aliases of operating system commands that IPython defines; `%cd` and `%pwd` are Python.
_ALIASES = frozenset(
    {"cat", "cp", "ldir", "less", "lf", "lk", "ll", "ls", "lx", "man", "mkdir", "more", "mv", "rm", "rmdir"}
)


class CommandLine(NamedTuple):
    """One line of text that a shell runs, as written, without the magic that hands it over.

    text      for ``%pip install x`` and aliases the magic's name belongs to it
    location  of the text, in the cell
    magic     the magic it belongs to
    """

    text: str
    location: Location
    magic: Magic


def command_lines(cell: CodeCell) -> Iterator[CommandLine]:
    """Yield the lines a shell runs, in order; a command continued over lines is several lines."""
    lines = cell.lines if cell.magics else ()
    for magic in cell.magics:
        first, last, column = magic.range.start.line, magic.range.end.line, magic.range.start.column
        match magic.kind:
            case "shell":
                column += len(magic.name)
            case "cell" if magic.name in SCRIPTS:
                # The body; `%%script python` and the like name their interpreter on the first line.
                if magic.name == "script" and not _is_shell(magic.argument):
                    continue
                first, last, column = first + 1, len(lines), 1
            case "line" | "automagic" if magic.name in _LINES | _ALIASES:
                named = magic.name not in ("sx", "system")
                column += (1 if lines[first - 1][column - 1 :].startswith("%") else 0) + (
                    0 if named else len(magic.name)
                )
            case _:
                continue
        for number in range(first, min(last, len(lines)) + 1):
            start = column if number == first else 1
            text = lines[number - 1][start - 1 :]
            indent = len(text) - len(text.lstrip())
            if text.strip():
                where = cell.location(number, start + indent, number, start + len(text.rstrip()))
                yield CommandLine(text.strip(), where, magic)


def _is_shell(argument: str) -> bool:
    program = next((word for word in argument.split() if not word.startswith("-")), "")
    return program.rpartition("/")[2] in SCRIPTS
