"""``nb2prod convert``: a notebook in, a package out."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nb2prod.cli import CLEAN, write

if TYPE_CHECKING:
    from nb2prod.convert.api import Conversion


@click.command()
@click.argument("notebook", type=click.Path(path_type=Path))
@click.option(
    "--output",
    "-o",
    required=True,
    type=click.Path(path_type=Path),
    help="Folder for the package; new, or converted before.",
)
@click.option("--name", metavar="NAME", help="Import name of the package.  [default: from the notebook's file name]")
@click.option("--force", is_flag=True, help="Replace files that have been edited since they were generated.")
@click.option("--verify", is_flag=True, help="Then run both and compare: EXECUTES THE NOTEBOOK; see nb2prod verify.")
@click.option("--python", metavar="PYTHON", help="For --verify: the interpreter that has the notebook's libraries.")
def convert(notebook: Path, output: Path, name: str | None, python: str | None, *, force: bool, verify: bool) -> int:
    r"""Convert a notebook into a package with an entrypoint, a configuration and tests.

    Nothing is run unless --verify asks for it, and nothing is written if the meaning of a cell cannot
    be kept: every reason is printed with its cell.

    \b
    Exit codes: 0 converted
                1 refused, nothing written
                2 wrong usage, or no notebook
                3 a bug of ours
    With --verify, once converted: those of nb2prod verify
    """
    if python is not None and not verify:
        raise click.UsageError("--python says where to run the notebook: it needs --verify")
    from nb2prod.convert.api import convert_notebook  # noqa: PLC0415 - what conversion needs, --help does not
    from nb2prod.convert.write import write_package  # noqa: PLC0415 - the same

    conversion = convert_notebook(notebook, name)
    write_package(conversion.package, output, force=force)
    write(_summary(conversion, notebook, output))
    if not verify:
        return CLEAN
    from nb2prod.cli.verify import verify_package  # noqa: PLC0415 - running is for those who ask
    from nb2prod.verify.verdict import Options  # noqa: PLC0415 - the same

    write("\n")
    return verify_package(notebook, output, Options(python=python))


def _summary(conversion: Conversion, notebook: Path, output: Path) -> str:
    plan, files = conversion.plan, conversion.package.files
    rows = [
        (step.name, f"cell{'s' if len(step.cells) > 1 else ''} {', '.join(map(str, step.cells))}")
        for step in plan.steps
    ]
    width = max((len(name) for name, _ in rows), default=0)
    counted = [
        (len(plan.steps), "step"),
        (len(plan.functions), "function, class or constant at module level"),
        (len(plan.parameters), "parameter"),
        (len(plan.dropped), "statement left out"),
        (len(files), "file"),
    ]
    lines = [
        f"{notebook} → {output}",
        "",
        *(f"  {name:<{width}}  {cells}" for name, cells in rows),
        "",
        ", ".join(f"{number} {_plural(word, number)}" for number, word in counted if number),
        *(f"note: {note}" for note in plan.notes),
        "",
        f"Next: pip install {_as_path(output)}, then {plan.distribution} --help; the README says the rest.",
    ]
    return "\n".join(lines) + "\n"


def _as_path(output: Path) -> str:
    """Return a folder as pip takes it: without a separator it would be looked up as a name in the index."""
    text = str(output)
    return text if os.sep in text else f".{os.sep}{text}"


def _plural(word: str, number: int) -> str:
    if number == 1:
        return word
    return {
        "function, class or constant at module level": "functions, classes and constants at module level",
        "statement left out": "statements left out",
    }.get(word, f"{word}s")
