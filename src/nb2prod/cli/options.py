"""The options of a command as data: read here where they are plain, declared to click where it is asked.

To import click takes as long as all of a run that the cache answers, and a hook runs at every commit.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from nb2prod.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

FLAG: Final = "flag"
TEXT: Final = "text"
CHOICE: Final = "choice"
FILE: Final = "file"
OUTPUT: Final = "output"
# What is read here; the rest has rules of its own about what it may be, which are click's.
_PLAIN: Final = (FLAG, TEXT, CHOICE)


class Option(NamedTuple):
    """One option: how it is written, the parameter it sets, and what it takes.

    kind      FLAG takes nothing, TEXT anything, CHOICE one of ``choices``, FILE a path that is no folder,
              OUTPUT ``FORMAT[:FILE]``
    metavar   what the help writes in the place of the value; None for what click writes there
    default   the parameter's value where the option is not given; a flag that is given sets the opposite.
              An option that may be repeated has none: its value is a tuple
    """

    written: str
    parameter: str
    kind: str
    help: str
    choices: tuple[str, ...] = ()
    metavar: str | None = None
    is_repeatable: bool = False
    default: bool | str | None = None


def read(options: Iterable[Option], arguments: Sequence[str]) -> dict[str, Any] | None:
    """Return the value of each parameter, ``paths`` among them, as click would.

    None for a line with anything that is not plain, right or wrong: short options, ``--``, a value that looks like an
    option, an unknown one, a path that an option takes. Click then reads it, and has the words for what is wrong.
    """
    named = {option.written: option for option in options}
    values: dict[str, Any] = {each.parameter: () if each.is_repeatable else each.default for each in named.values()}
    paths: list[Path] = []
    rest = iter(arguments)
    for argument in rest:
        if not argument.startswith("-") or argument == "-":
            paths.append(Path(argument))
            continue
        written, equals, value = argument.partition("=")
        option = named.get(written)
        if option is None or option.kind not in _PLAIN:
            return None
        if option.kind == FLAG:
            if equals:
                return None
            values[option.parameter] = not option.default
            continue
        if not equals:
            value = next(rest, "-")
            if value.startswith("-"):
                return None
        if option.choices and value not in option.choices:
            return None
        values[option.parameter] = (*values[option.parameter], value) if option.is_repeatable else value
    values["paths"] = tuple(paths)
    return values
