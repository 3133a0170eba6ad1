"""Conversion: a plan over the analysis, passes over the plan, files from the plan."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os

    from nb2prod.convert.plan import Package


def convert(path: str | os.PathLike[str], name: str | None = None) -> Package:
    """Return the package for the notebook at ``path``; ``name`` is its import name (default: from the file's name).

    Nothing of the notebook is run and nothing is written. Raises UnreadableNotebookError,
    ConfigurationError for a name no package can have, and RefusedError with every reason why the
    notebook's meaning cannot be kept.
    """
    from nb2prod.convert.api import convert_notebook  # noqa: PLC0415 - what conversion needs, its data types do not
    from nb2prod.convert.plan import Options  # noqa: PLC0415 - the same

    return convert_notebook(Path(path), Options(name)).package
