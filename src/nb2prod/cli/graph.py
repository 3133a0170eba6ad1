"""``nb2prod graph``: print which cell gives which cell its values."""

from __future__ import annotations

from pathlib import Path

import click

from nb2prod.analysis import analyse_notebook
from nb2prod.cli import CLEAN, write
from nb2prod.errors import ConfigurationError
from nb2prod.notebook.read import read_notebook
from nb2prod.report.graph import dependency_graph, render_dot, render_json, render_mermaid


@click.command(short_help="Print which cell gives which cell its values.")
@click.argument("notebook", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["mermaid", "dot", "json"]),
    default="mermaid",
    show_default=True,
    help="What it is printed as.",
)
def graph(notebook: Path, output_format: str) -> int:
    """Print the notebook's cells and the names that go from one to another.

    Arrows lead from the cell that gives a name its value to the cell that reads it; dotted (Mermaid)
    or dashed (DOT) ones only change the object. Red arrows are hidden state: true only from top to
    bottom, or only in the order of the saved run. Nothing is run.

    \b
    Exit codes: 0 printed
                2 no notebook, or not one in Python
    """  # noqa: D301 - click reads the control character
    found = read_notebook(notebook)
    if found.language != "python":
        raise ConfigurationError(f"{notebook}: the notebook is in {found.language}, only Python can be analysed")
    render = {"mermaid": render_mermaid, "dot": render_dot, "json": render_json}[output_format]
    write(render(dependency_graph(analyse_notebook(found))))
    return CLEAN
