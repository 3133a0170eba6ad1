"""Where reports of ``nb2prod check`` go: one is printed, any number are written to files."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from nb2prod.cli import write
from nb2prod.errors import ConfigurationError, UsageError
from nb2prod.report.formats import FORMATS, render

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from nb2prod.lint_run import Report

# Those that are made for people, and may have colours.
TEXTS = frozenset(name for name, each in FORMATS.items() if each.colours)


def destinations(
    outputs: Sequence[tuple[str, Path | None]], output_format: str | None, output_file: Path | None
) -> tuple[str | None, Mapping[Path, str]]:
    """Return the format to print, None for nothing, and the formats of the files to write.

    Raises UsageError where two reports would be printed, or written to one file.
    """
    printed = [name for name, file in outputs if file is None]
    written = [(file, name) for name, file in outputs if file is not None]
    if len(printed) + (output_format is not None) > 1:
        raise UsageError("one report is printed: all others need a file, --output FORMAT:FILE")
    chosen = output_format or (printed[0] if printed else "text")
    if output_file is not None:
        written.append((output_file, chosen))
    files = dict(written)
    if len(files) < len(written):
        raise UsageError("two reports would be written to one file")
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
