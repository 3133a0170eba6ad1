"""wrong-kernel: the notebook asks for a Python that nobody has any more, or that its project does not run on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nb2prod.diagnostics import Finding
from nb2prod.notebook.location import FIRST, Location
from nb2prod.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.notebook.model import Notebook

_VERSION = lazy_pattern(r"(?P<major>\d+)\.(?P<minor>\d+)")
_BOUND = lazy_pattern(r"(?P<operator>>=|<=|<|>|~=|==|\^)\s*(?P<major>\d+)(?:\.(?P<minor>\d+))?(?P<rest>[\w.*]*)")
_PYTHON2 = lazy_pattern(r"(?:i?python|py|conda.*py)-?2", re.IGNORECASE)


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield one finding, about the file as a whole; what is Python 2 cell by cell is another rule's."""
    notebook = analysis.notebook
    if any(cell.problem is not None and cell.problem.kind == "python2" for cell in notebook.code_cells):
        return
    saved = _VERSION.match(_entry(notebook, "language_info", "version"))
    version = (int(saved["major"]), int(saved["minor"])) if saved else None
    kernel = _entry(notebook, "kernelspec", "name")
    message = ""
    is_second = version is not None and version[0] == 2  # noqa: PLR2004 - the second, no measure
    if _PYTHON2.match(kernel) and (version is None or is_second):
        message = (
            f"this notebook asks for the kernel `{kernel}`, which no supported Jupyter has; choose a Python 3 kernel, "
            "run it once and save it"
        )
    elif is_second and kernel != "python3":
        message = (
            "last run by Python 2, which no supported Jupyter has; choose a Python 3 kernel, run it once and save it"
        )
    elif version is not None and analysis.project is not None:
        wanted, path = analysis.project.required_python()
        if path is not None and not _allows(wanted, version):
            message = (
                f"saved by Python {version[0]}.{version[1]}, and {path.name} asks for `{wanted}`: "
                "its results are of another Python than the project's"
            )
    if message:
        yield Finding(Location(notebook.path, None, FIRST), message)


def _entry(notebook: Notebook, section: str, key: str) -> str:
    found = notebook.metadata.get(section)
    value = found.get(key) if isinstance(found, dict) else None
    return value.strip() if isinstance(value, str) else ""


def _allows(wanted: str, version: tuple[int, int]) -> bool:
    """Return whether a specifier (PEP 440, or poetry's caret) allows a version; True where it is not understood."""
    for part in filter(None, map(str.strip, wanted.split(","))):
        bound = _BOUND.fullmatch(part)
        if bound is None:
            return True
        least = (int(bound["major"]), int(bound["minor"] or 0))
        holds = {
            ">=": version >= least,
            "^": version >= least and version[0] == least[0],
            "~=": version >= least and version[0] == least[0],
            "==": version == least or (bound["minor"] is None and version[0] == least[0]),
            # `<3.13` leaves 3.13 out, `<=3.12` and `>3.11` say something of its patches as well.
            "<": version < least or bool(bound["rest"].strip(".0")),
            "<=": version <= least,
            ">": version >= least,
        }[bound["operator"]]
        if not holds:
            return False
    return True
