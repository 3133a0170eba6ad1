"""Where reports of ``nb2prod check`` go: one is printed, any number are written to files."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nb2prod.cli import write
from nb2prod.errors import ConfigurationError
from nb2prod.report.formats import FORMATS, render

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nb2prod.lint_run import Report

# Those that are made for people, and may have colours.
TEXTS = frozenset(name for name, each in FORMATS.items() if each.colours)


class Output(click.ParamType):  # type: ignore[type-arg] # no class to subscript before click 8.5
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


def destinations(
    outputs: Sequence[tuple[str, Path | None]], output_format: str | None, output_file: Path | None
) -> tuple[str | None, Mapping[Path, str]]:
    """Return the format to print, None for nothing, and the formats of the files to write.

    Raises UsageError where two reports would be printed, or written to one file.
    """
    printed = [name for name, file in outputs if file is None]
    written = [(file, name) for name, file in outputs if file is not None]
    if len(printed) + (output_format is not None) > 1:
        raise click.UsageError("one report is printed: all others need a file, --output FORMAT:FILE")
    chosen = output_format or (printed[0] if printed else "text")
    if output_file is not None:
        written.append((output_file, chosen))
    files = dict(written)
    if len(files) < len(written):
        raise click.UsageError("two reports would be written to one file")
    return (None if output_file else chosen), files


def write_report(report: Report, printed: str | None, files: Mapping[Path, str], *, statistics: bool) -> None:
    """Write ``report`` to files by format, and print it; ``statistics`` replaces what is for people by counts."""
    for path, name in files.items():
        text = _rendered(report, name, statistics=statistics, colour=False)
        try:
            path.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")
        except OSError as error:
            raise ConfigurationError(f"--output, --output-file: {path} cannot be written: {error.strerror}") from None
    if printed is not None:
        colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        write(_rendered(report, printed, statistics=statistics, colour=colour))


def _rendered(report: Report, name: str, *, statistics: bool, colour: bool) -> str:
    if statistics and name in TEXTS:
        from nb2prod.report.text import render_statistics  # noqa: PLC0415 - one format a run

        return render_statistics(report, colour=colour)
    return render(report, name, colour=colour)
