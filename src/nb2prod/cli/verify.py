"""``nb2prod verify``: whether a package computes what its notebook computes."""

from __future__ import annotations

import math
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nb2prod.cli import write, write_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from nb2prod.verify.verdict import Options, Verification

_UNITS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}


class Size(click.ParamType):  # type: ignore[type-arg,unused-ignore]  # generic since click 8.4
    """A number of bytes, such as ``500M`` or ``4G``."""

    name = "size"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number of bytes."""
        if isinstance(value, int):
            return value
        found = re.fullmatch(r"(\d+(?:\.\d+)?)([KMGT]?)I?B?", str(value).strip().upper())
        if found is None or float(found[1]) <= 0:
            self.fail(f"{value!r} is no size; write 500M or 4G", param, ctx)
        return int(float(found[1]) * _UNITS[found[2]])


class Number(click.ParamType):  # type: ignore[type-arg,unused-ignore]  # generic since click 8.4
    """A finite number from 0 on."""

    name = "number"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number."""
        try:
            number = float(str(value))
        except ValueError:
            number = math.nan
        if not (number >= 0 and math.isfinite(number)):
            self.fail(f"{value!r} is no number from 0 on", param, ctx)
        return number


@click.command(short_help="Run a notebook and its package, and compare.")
@click.argument("notebook", type=click.Path(path_type=Path))
@click.argument("package", type=click.Path(path_type=Path))
@click.argument("options_of_package", nargs=-1)
@click.option("--python", metavar="PYTHON", help="Interpreter that has the notebook's libraries and ipykernel.")
@click.option("--kernel", metavar="NAME", help="The same, by the name of a Jupyter kernel.")
@click.option(
    "--runs",
    type=click.IntRange(1, 2),
    default=2,
    show_default=True,
    help="Runs of the notebook; what differs between two is not held against the package (up to four, if they differ).",
)
@click.option("--tolerance-rel", type=Number(), default=1e-9, show_default=True, help="For floats, relative.")
@click.option("--tolerance-abs", type=Number(), default=1e-12, show_default=True, help="For floats, absolute.")
@click.option("--allow-effects", is_flag=True, help="Run a notebook that uses network, shell or absolute paths.")
@click.option("--cell-timeout", type=Number(), default=600, show_default=True, metavar="SECONDS", help="For one cell.")
@click.option("--timeout", type=Number(), default=3600, show_default=True, metavar="SECONDS", help="For one run.")
@click.option("--memory", type=Size(), default="4G", show_default=True, help="Resident memory of one run.")
@click.option("--copy-limit", type=Size(), default="10G", show_default=True, help="Largest folder that is copied.")
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="json prints what verification.json holds.",
)
def verify(
    notebook: Path,
    package: Path,
    options_of_package: tuple[str, ...],
    *,
    python: str | None,
    kernel: str | None,
    runs: int,
    tolerance_rel: float,
    tolerance_abs: float,
    allow_effects: bool,
    cell_timeout: float,
    timeout: float,
    memory: int,
    copy_limit: int,
    output_format: str,
) -> int:
    """Run a notebook and its package, and compare what both compute, print, show, draw and write.

    EXECUTES THE NOTEBOOK, in a copy of its folder: twice in a fresh kernel, then once as PACKAGE, the
    folder `nb2prod convert` has written. The result is also written to PACKAGE/verification.json
    (verification-COMMAND.json where the package is of several notebooks).
    Options of the package itself follow after `--`.

    \b
    Exit codes: 0 equal
                1 different
                2 wrong usage, or effects that are not allowed
                3 a bug of ours
                4 the notebook itself does not run
                5 nothing could be compared
    """  # noqa: D301 - click reads the control character
    from nb2prod.verify.sandbox import Limits  # noqa: PLC0415 - what running needs, --help does not
    from nb2prod.verify.tolerance import Tolerance  # noqa: PLC0415 - the same
    from nb2prod.verify.verdict import Options  # noqa: PLC0415 - the same

    options = Options(
        python,
        kernel,
        runs,
        Tolerance(tolerance_rel, tolerance_abs),
        allow_effects,
        Limits(cell_timeout, timeout, memory),
        copy_limit,
        options_of_package,
    )
    return verify_package(notebook, package, options, output_format)


def verify_package(
    notebook: Path,
    package: Path,
    options: Options,
    output_format: str = "text",
    if_equal: Callable[[Verification], None] | None = None,
) -> int:
    """Verify, write ``verification.json``, print the outcome, and return the exit code.

    if_equal  called before anything is written, where both are equal; it may write other tests into the package
    """
    from nb2prod.report.verification import file_name, render, render_json  # noqa: PLC0415 - the same
    from nb2prod.verify.subject import load_subject  # noqa: PLC0415 - the same
    from nb2prod.verify.verdict import verify as run_both  # noqa: PLC0415 - the same

    subject = load_subject(notebook, package)
    times = "twice" if options.runs > 1 else "once"

    def announce(python: str) -> None:
        write_error(f"executing {notebook} {times} with {python}, then its package, in a copy of its folder")

    progress, clear = _progress(options.runs)
    try:
        done = run_both(subject, options, progress, announce)
    finally:
        clear()
    if if_equal is not None and done.verdict == "equal":
        if_equal(done)
        done = replace(done, subject=load_subject(notebook, package))
    _write_file(package / file_name(subject), render_json(done))
    write(render_json(done) if output_format == "json" else render(done))
    return done.exit_code


def _progress(runs: int) -> tuple[Callable[[int, int, int], None], Callable[[], None]]:
    """Return what shows how far a run is, and what clears that: both do nothing where no terminal is."""
    if not sys.stderr.isatty():
        return (lambda _run, _done, _cells: None), (lambda: None)

    def show(run: int, done: int, cells: int) -> None:
        where = f"notebook, run {run} of {max(run, runs)}: cell {min(done + 1, cells)} of {cells}" if run else "package"
        write(f"\r\x1b[K{where}", error=True)

    return show, lambda: write("\r\x1b[K", error=True)


def _write_file(file: Path, text: str) -> None:
    """Write a file as a whole or not at all."""
    from nb2prod.errors import ConfigurationError  # noqa: PLC0415 - with its one user

    aside = file.with_name(f".{file.name}.new")
    try:
        aside.write_text(text, encoding="ascii")
        aside.replace(file)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise ConfigurationError(f"{file}: cannot be written: {error.strerror or error}") from error
