"""``nb2prod check`` declared to click, which reads the command lines that are not plain and writes the help."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from nb2prod.cli import checking
from nb2prod.cli.check_options import OPTIONS
from nb2prod.cli.options import FILE, FLAG, OUTPUT, Option
from nb2prod.report.formats import FORMATS

# A paragraph after \b keeps its lines.
_EXIT_CODES = """\b
Exit codes:
  0  no finding at or above --fail-on
  1  at least one such finding is left; with --diff: something would change
  2  wrong usage or settings
  3  a bug of ours; the report is incomplete
"""


class _Output(click.ParamType):  # type: ignore[type-arg] # no class to subscript before click 8.5
    """``FORMAT`` or ``FORMAT:FILE``, as a pair of the format's name and the path or None."""

    name = "FORMAT[:FILE]"

    def convert(
        self, value: str | tuple[str, Path | None], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, Path | None]:
        """Return the pair; what is a pair already stays."""
        if isinstance(value, tuple):
            return value
        name, colon, file = value.partition(":")
        if name not in FORMATS:
            self.fail(f"`{name}` is no format; there are {', '.join(FORMATS)}", param, ctx)
        if colon and not file:
            self.fail(f"`{value}` names no file after the colon", param, ctx)
        return name, Path(file) if file else None


def _declared(option: Option) -> click.Option:
    names = [option.written, option.parameter]
    if option.kind == FLAG:
        return click.Option(
            names, is_flag=True, flag_value=not option.default, default=option.default, help=option.help
        )
    kind: Any = click.Choice(option.choices) if option.choices else None
    if option.kind == FILE:
        kind = click.Path(dir_okay=False, path_type=Path)
    elif option.kind == OUTPUT:
        kind = _Output()
    return click.Option(
        names,
        type=kind,
        multiple=option.is_repeatable,
        metavar=option.metavar,
        default=option.default,
        help=option.help,
    )


check = click.Command(
    "check",
    callback=checking.check,
    help=checking.check.__doc__,
    short_help="Find what stands between notebooks and production.",
    epilog=_EXIT_CODES,
    params=[click.Argument(["paths"], nargs=-1, type=click.Path(path_type=Path)), *map(_declared, OPTIONS)],
)
