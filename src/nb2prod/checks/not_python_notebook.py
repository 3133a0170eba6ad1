"""not-python-notebook: the notebook's kernel is not Python, so its code is not checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nb2prod.diagnostics import Finding
from nb2prod.notebook.location import FIRST, Location

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis

# Runs on notebooks of every language; the linter gives all other checks Python notebooks only.
LANGUAGE_INDEPENDENT = True


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield one finding, about the file as a whole, where the language is not Python."""
    notebook = analysis.notebook
    if notebook.language != "python":
        yield Finding(
            Location(notebook.path, None, FIRST),
            f"this notebook is written in `{notebook.language}`; only Python code is checked",
        )
