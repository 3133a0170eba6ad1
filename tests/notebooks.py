"""Small notebooks for tests, written as the sources of their cells."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nb2prod.analysis import analyse_notebook
from nb2prod.convert.api import convert_notebook
from nb2prod.convert.write import write_package
from nb2prod.notebook.read import parse_notebook

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nb2prod.analysis import Analysis
    from nb2prod.notebook.model import Notebook


def document(
    *cells: str, counts: Sequence[int | None] = (), markdown: str | None = None, metadata: dict[str, Any] | None = None
) -> bytes:
    """Return the file of a notebook with these code cells.

    counts    their saved execution counts, in order; cells beyond have none
    markdown  cells that start with it are markdown
    metadata  beside the kernel's
    """
    left = list(counts)
    found: list[dict[str, Any]] = []
    for number, source in enumerate(cells):
        cell: dict[str, Any] = {"id": f"c{number}", "metadata": {}, "source": source}
        if markdown is not None and source.startswith(markdown):
            cell["cell_type"] = "markdown"
        else:
            cell |= {"cell_type": "code", "outputs": [], "execution_count": left.pop(0) if left else None}
        found.append(cell)
    kernel = {"kernelspec": {"language": "python", "name": "python3"}}
    whole = {"nbformat": 4, "nbformat_minor": 5, "metadata": kernel | (metadata or {}), "cells": found}
    return json.dumps(whole).encode()


def notebook_of(*cells: str, **options: Any) -> Notebook:
    """Return the notebook of ``document`` as it is read."""
    return parse_notebook(document(*cells, **options), Path("n.ipynb"))


def analysis_of(*cells: str, **options: Any) -> Analysis:
    """Return the analysis of the notebook of ``document``."""
    return analyse_notebook(notebook_of(*cells, **options))


def printed(folder: Path, *cells: str) -> str:
    """Return what the package of a notebook with these cells prints."""
    conversion = convert_notebook(folder / "n.ipynb", content=document(*cells))
    write_package(conversion.package, folder / "out")
    command = [sys.executable, "-m", conversion.plan.package]
    environment = {"PYTHONPATH": str(folder / "out" / "src"), "PYTHONUTF8": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    return done.stdout
