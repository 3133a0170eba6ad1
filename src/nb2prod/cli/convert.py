"""``nb2prod convert``: a notebook in, a package out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from nb2prod.cli import CLEAN, FINDINGS, write, write_error
from nb2prod.cli.convert_several import (
    check_for_several,
    check_holds_no_other,
    compare_together,
    convert_together,
    forecast_together,
    show_diff_together,
)
from nb2prod.cli.ending import ending_in_order
from nb2prod.cli.verify import Size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nb2prod.convert.plan import Options
    from nb2prod.verify.verdict import Verification


@click.command(short_help="Convert a notebook into a package with tests.")
@click.argument("notebooks", metavar="NOTEBOOK...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    help="Folder for the package; new, or converted before.  [required unless --dry-run]",
)
@click.option("--name", metavar="NAME", help="Import name of the package.  [default: from the notebook's file name]")
@click.option("--force", is_flag=True, help="Replace files that have been edited since they were generated.")
@click.option(
    "--only",
    multiple=True,
    metavar="NAME|CELL",
    help="Convert only what this variable, displayed value or cell needs. May be given more than once.",
)
@click.option("--keep", multiple=True, metavar="CELL|TAG", help="Leave nothing out of these cells, by number or tag.")
@click.option(
    "--drop-exploration/--keep-exploration",
    default=True,
    help="Leave out values nobody sees and imports nothing uses, where nobody can tell.  [default: drop]",
)
@click.option(
    "--partial", is_flag=True, help="Convert the rest: what is refused raises NotImplementedError in its place."
)
@click.option("--dry-run", is_flag=True, help="Say what would become of each cell, and write nothing.")
@click.option("--diff", is_flag=True, help="Show what would change in the folder, and write nothing.")
@click.option("--check", is_flag=True, help="Say whether the package in the folder still matches the notebook.")
@click.option("--verify", is_flag=True, help="Then run both and compare: EXECUTES THE NOTEBOOK; see nb2prod verify.")
@click.option(
    "--max-test-data",
    type=Size(),
    metavar="SIZE",
    help="Data files and stored values the tests may take along, such as 500K.  [default: 1 MB]",
)
@click.option("--python", metavar="PYTHON", help="For --verify: the interpreter that has the notebook's libraries.")
def convert(
    notebooks: tuple[Path, ...],
    output: Path | None,
    name: str | None,
    only: tuple[str, ...],
    keep: tuple[str, ...],
    max_test_data: int | None,
    python: str | None,
    *,
    force: bool,
    partial: bool,
    drop_exploration: bool,
    dry_run: bool,
    diff: bool,
    check: bool,
    verify: bool,
) -> int:
    """Convert a notebook into a package with an entrypoint, a configuration and tests.

    Several notebooks become one package with a command for each: what they define alike stands once,
    and the README says which files one writes and another reads. One that is refused refuses all.

    Nothing is run unless --verify asks for it, and nothing is written if the meaning of a cell cannot
    be kept: every reason is printed with its cell. Converting again gives the same bytes; a generated
    file that somebody has edited since is not overwritten without --force.

    \b
    Exit codes: 0 converted
                1 refused, nothing written; with --partial, written without what is refused
                2 wrong usage, or no notebook
                3 a bug of ours
    With --diff, 1 if something would change; with --dry-run, 1 if something would be refused;
    with --check, 1 if notebook and package no longer match.
    With --verify, once converted: those of nb2prod verify
    """  # noqa: D301 - click reads the control character
    modes = {"--dry-run": dry_run, "--diff": diff, "--check": check, "--verify": verify}
    given = {
        "--name": name,
        "--partial": partial,
        "--only": only,
        "--keep": keep,
        "--keep-exploration": not drop_exploration,
    }
    asked = [option for option, value in given.items() if value]
    _check_usage([mode for mode, asked in modes.items() if asked], output, asked, python, force=force)
    from nb2prod.convert.plan import Options  # noqa: PLC0415 - what conversion needs, --help does not

    options = Options(name, partial, only, keep, keep_exploration=not drop_exploration, max_test_data=max_test_data)
    if len(notebooks) > 1:
        check_for_several([*asked, *(mode for mode, given in modes.items() if given)])
        if dry_run:
            return forecast_together(notebooks, options, output)
        assert output is not None  # noqa: S101 - _check_usage has seen to it
        if check:
            return compare_together(notebooks, output)
        if diff:
            return show_diff_together(notebooks, options, output)
        return convert_together(notebooks, options, output, force=force)
    (notebook,) = notebooks
    if dry_run:
        return _forecast(notebook, options, output)
    assert output is not None  # noqa: S101 - _check_usage has seen to it
    if not force:
        check_holds_no_other(notebook, output)
    if check:
        return _compare(notebook, output)
    if diff:
        return _show_diff(notebook, options, output)
    whole = _convert(notebook, options, output, force=force)
    if not whole:
        return FINDINGS
    if not verify:
        return CLEAN
    from nb2prod.cli.verify import verify_package  # noqa: PLC0415 - running is for those who ask
    from nb2prod.verify.verdict import Options as HowToVerify  # noqa: PLC0415 - the same

    write("\n")
    return verify_package(
        notebook,
        output,
        HowToVerify(python=python),
        if_equal=lambda done: _store_observed(done, notebook, options, output),
    )


def _check_usage(
    modes: Sequence[str], output: Path | None, asked: Sequence[str], python: str | None, *, force: bool
) -> None:
    """Raise UsageError where options contradict each other; ``modes`` and ``asked`` are those given."""
    if python is not None and "--verify" not in modes:
        raise click.UsageError("--python says where to run the notebook: it needs --verify")
    if len(modes) > 1:
        raise click.UsageError(f"{' and '.join(modes)} cannot be asked for at once")
    if force and modes and "--verify" not in modes:
        raise click.UsageError(f"{modes[0]} writes nothing: there is nothing to --force")
    if "--check" in modes and asked:
        raise click.UsageError(f"--check converts as it was converted before: it takes no {asked[0]}")
    if output is None and "--dry-run" not in modes:
        raise click.UsageError("Missing option '--output' / '-o'.")


def _convert(notebook: Path, options: Options, output: Path, *, force: bool) -> bool:
    """Write the package and say so; return whether all of the notebook is in it."""
    from nb2prod.convert.api import convert_notebook  # noqa: PLC0415 - what conversion needs, --help does not
    from nb2prod.convert.write import write_package  # noqa: PLC0415 - the same
    from nb2prod.report.conversion import summary  # noqa: PLC0415 - the same

    conversion = convert_notebook(notebook, options, output=output)
    with ending_in_order():
        write_package(conversion.package, output, force=force)
    write(summary(conversion.plan, len(conversion.package.files), output))
    for refusal in conversion.plan.refusals:
        write_error(f"not converted: {refusal}")
    return not conversion.plan.refusals


def _store_observed(done: Verification, notebook: Path, options: Options, output: Path) -> None:
    """Let the tests of a package that equals its notebook expect what its steps are seen to make."""
    from dataclasses import replace  # noqa: PLC0415 - with its one user

    from nb2prod.convert.api import convert_notebook, plan_notebook  # noqa: PLC0415 - what conversion needs, --help does not
    from nb2prod.convert.emit.inputs import missing_inputs  # noqa: PLC0415 - the same
    from nb2prod.convert.emit.pipeline import output_field  # noqa: PLC0415 - the same
    from nb2prod.convert.write import write_package  # noqa: PLC0415 - the same
    from nb2prod.verify.step_values import does_as_observed, observe_steps  # noqa: PLC0415 - running is for those who ask

    draft = plan_notebook(notebook, options, output=output)
    plan = draft.plan
    missing, even_so = (missing_inputs(plan, draft.analysis, files_suffice=suffice) for suffice in (False, True))
    observation = observe_steps(done, output_field(plan), files_unknown=bool(missing and not even_so))
    if observation is None:
        return
    package = convert_notebook(notebook, options, output=output, observation=observation).package
    with ending_in_order():
        write_package(package, output, force=True)
    if not does_as_observed(done, observation, package.files, output_field(plan)):
        write_error("notice: the input contract that was observed is left out: with it the package did something else")
        observation = replace(observation, inputs={})
        package = convert_notebook(notebook, options, output=output, observation=observation).package
        with ending_in_order():
            write_package(package, output, force=True)


def _forecast(notebook: Path, options: Options, output: Path | None) -> int:
    """Print what would become of each cell, and return whether anything would be refused."""
    from nb2prod.convert.api import make_package, plan_notebook  # noqa: PLC0415 - what conversion needs, --help does not
    from nb2prod.convert.outcome import outcomes  # noqa: PLC0415 - the same
    from nb2prod.report.conversion import forecast  # noqa: PLC0415 - the same

    draft = plan_notebook(notebook, options, output=output)
    write(forecast(draft.plan, outcomes(draft.plan, draft.analysis.statements())))
    if draft.plan.refusals and not options.partial:
        return FINDINGS
    make_package(draft)  # what only the finished files show is refused as it would be
    return FINDINGS if draft.plan.refusals else CLEAN


def _show_diff(notebook: Path, options: Options, output: Path) -> int:
    """Print what writing would change, and return whether it is anything."""
    from nb2prod.convert.api import convert_notebook  # noqa: PLC0415 - what conversion needs, --help does not
    from nb2prod.convert.difference import changes, unified_diff  # noqa: PLC0415 - the same

    found = changes(convert_notebook(notebook, options, output=output).package, output)
    write(unified_diff(found))
    return FINDINGS if found else CLEAN


def _compare(notebook: Path, output: Path) -> int:
    """Print what of the package no longer matches the notebook, and return whether anything does not."""
    from nb2prod.convert.agreement import compare_with_notebook  # noqa: PLC0415 - what conversion needs, --help does not
    from nb2prod.report.conversion import agreement  # noqa: PLC0415 - the same

    found = compare_with_notebook(notebook, output)
    write(agreement(found, [notebook], output))
    return CLEAN if found.matches else FINDINGS
