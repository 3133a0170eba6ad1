"""``nb2prod convert`` with several notebooks: one package, with a command for each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nb2prod.cli import CLEAN, FINDINGS, write, write_error
from nb2prod.cli.ending import ending_in_order

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from nb2prod.convert.plan import Options

# What speaks of cells or values would have to say of which notebook.
_FOR_ONE = ("--only", "--keep", "--verify")
_INSTEAD = {"--verify": "run nb2prod verify for each notebook and the package"}


def check_for_several(asked: Sequence[str]) -> None:
    """Raise UsageError where an option that was given makes no sense for several notebooks."""
    for option in _FOR_ONE:
        if option in asked:
            instead = _INSTEAD.get(option, "convert the notebooks one by one, or without it")
            raise click.UsageError(f"{option} is for one notebook: {instead}")


def check_holds_no_other(notebook: Path, output: Path) -> None:
    """Raise UsageError where the folder holds a package of several notebooks: one alone would take its place."""
    from nb2prod.convert.several.manifest import recorded_notebooks  # noqa: PLC0415 - what conversion needs

    recorded = recorded_notebooks(output)
    if recorded is not None:
        raise click.UsageError(
            f"{output} holds the package of {', '.join(recorded.names)}: name them all, or choose another folder than "
            f"theirs for {notebook.name} (--force puts it in their place)"
        )


def convert_together(notebooks: Sequence[Path], options: Options, output: Path, *, force: bool) -> int:
    """Write the package of several notebooks, say so, and return the exit code."""
    from nb2prod.convert.several.package import join_parts, make_joint_package  # noqa: PLC0415 - what conversion needs
    from nb2prod.convert.several.parts import plan_parts  # noqa: PLC0415 - the same
    from nb2prod.convert.write import write_package  # noqa: PLC0415 - the same
    from nb2prod.report.joint_conversion import summary  # noqa: PLC0415 - the same

    joint = join_parts(plan_parts(notebooks, options, output=output))
    package = make_joint_package(joint)
    with ending_in_order():
        write_package(package, output, force=force)
    write(summary(joint, len(package.files), output))
    for refusal in package.not_converted:
        write_error(f"not converted: {refusal}")
    return FINDINGS if package.not_converted else CLEAN


def forecast_together(notebooks: Sequence[Path], options: Options, output: Path | None) -> int:
    """Print what would become of each cell of each notebook, and return whether anything would be refused."""
    from nb2prod.convert.several.package import join_parts, make_joint_package  # noqa: PLC0415 - what conversion needs
    from nb2prod.convert.several.parts import plan_parts  # noqa: PLC0415 - the same
    from nb2prod.report.joint_conversion import forecast  # noqa: PLC0415 - the same

    joint = join_parts(plan_parts(notebooks, options, output=output))
    write(forecast(joint))
    refused = any(plan.refusals for plan in joint.plans)
    if not refused or options.partial:
        make_joint_package(joint)  # what only the finished files show is refused as it would be
    return FINDINGS if refused else CLEAN


def show_diff_together(notebooks: Sequence[Path], options: Options, output: Path) -> int:
    """Print what writing would change, and return whether it is anything."""
    from nb2prod.convert.difference import changes, unified_diff  # noqa: PLC0415 - what conversion needs
    from nb2prod.convert.several.package import join_parts, make_joint_package  # noqa: PLC0415 - the same
    from nb2prod.convert.several.parts import plan_parts  # noqa: PLC0415 - the same

    found = changes(make_joint_package(join_parts(plan_parts(notebooks, options, output=output))), output)
    write(unified_diff(found))
    return FINDINGS if found else CLEAN


def compare_together(notebooks: Sequence[Path], output: Path) -> int:
    """Print what of the package no longer matches the notebooks, and return whether anything does not."""
    from nb2prod.convert.several.agreement import compare_with_notebooks  # noqa: PLC0415 - what conversion needs
    from nb2prod.report.conversion import agreement  # noqa: PLC0415 - the same

    found = compare_with_notebooks(notebooks, output)
    write(agreement(found, notebooks, output))
    return CLEAN if found.matches else FINDINGS
