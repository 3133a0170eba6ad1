"""old-notebook-format: the notebook is saved in a format that tools convert before they can read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nb2prod.diagnostics import Finding
from nb2prod.notebook.location import FIRST, Location

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis

LANGUAGE_INDEPENDENT = True
CURRENT = 4


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield one finding, about the file as a whole."""
    major, minor = analysis.notebook.nbformat
    if major < CURRENT:
        message = (
            f"saved as nbformat {major}.{minor}; save it once in the current format (`jupyter nbconvert --to notebook`)"
        )
        yield Finding(Location(analysis.notebook.path, None, FIRST), message)
