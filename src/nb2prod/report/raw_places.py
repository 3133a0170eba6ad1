"""Where formats for machines say that findings are: files relative to the repository, places in their own text."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from nb2prod.notebook.location import RawPosition, RawRange

if TYPE_CHECKING:
    from pathlib import PurePath

    from nb2prod.diagnostics import Diagnostic
    from nb2prod.notebook.location import Location

# The checkout, where a service that reads our reports says where it is: GitHub, GitLab.
_ROOTS = ("GITHUB_WORKSPACE", "CI_PROJECT_DIR")

_START = RawPosition(1, 1, 1, 1)
WHOLE_FILE = RawRange(_START, _START)


def relative(path: PurePath) -> str:
    """Return ``path`` as the services want it: relative to the checkout, or else to this folder, with ``/``.

    A file that lies in neither keeps its whole path.
    """
    absolute = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow links the user named
    checkouts = [Path(os.environ[root]) for root in _ROOTS if os.environ.get(root)]
    for folder in (*checkouts, Path.cwd()):
        if absolute.is_relative_to(folder):
            return absolute.relative_to(folder).as_posix()
    return path.as_posix()


def in_notebook(location: Location) -> str:
    """Return a place as the notebook's reader counts, ``cell 4:2:8``; without cells for the file as a whole."""
    return str(location).removeprefix(f"{location.path}:")


def described(diagnostic: Diagnostic) -> str:
    """Return the message with the cell it is about, for readers who are shown lines of the file."""
    location = diagnostic.location
    message = diagnostic.finding.message
    return message if location.cell is None else f"{message} ({in_notebook(location)})"
