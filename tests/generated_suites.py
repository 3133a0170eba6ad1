"""Small notebooks with saved outputs, and the test suites of the packages they become."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from nb2prod.convert.api import convert_notebook
from nb2prod.convert.write import write_package

if TYPE_CHECKING:
    from pathlib import Path


def cell(source: str, count: int | None, printed: str = "", displayed: str | None = None) -> dict[str, Any]:
    """Return a code cell with its saved outputs."""
    outputs: list[dict[str, Any]] = []
    if printed:
        outputs.append({"output_type": "stream", "name": "stdout", "text": printed})
    if displayed is not None:
        data = {"text/plain": displayed}
        outputs.append({"output_type": "execute_result", "execution_count": count, "data": data, "metadata": {}})
    return {"cell_type": "code", "source": source, "execution_count": count, "outputs": outputs, "metadata": {}}


def heading(text: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "source": f"## {text}", "metadata": {}}


def convert(folder: Path, *cells: dict[str, Any]) -> dict[str, str]:
    """Convert a notebook into ``folder/package`` and return the package's files."""
    folder.mkdir(exist_ok=True)
    notebook = folder / "squares.ipynb"
    data = {"cells": list(cells), "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
    notebook.write_text(json.dumps(data), encoding="utf-8")
    package = convert_notebook(notebook).package
    write_package(package, folder / "package")
    return {path: content.decode() for path, content in package.files.items()}


def run_suite(folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment |= {"PYTHONPATH": "", "PYTHONUTF8": "1"}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=folder / "package",
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
