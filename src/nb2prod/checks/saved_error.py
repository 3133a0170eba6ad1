"""saved-error: a cell was saved with the traceback of an exception."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from nb2prod.credential_forms import credentials_in_text
from nb2prod.diagnostics import Applicability, Finding, Fix, RemoveOutputs
from nb2prod.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nb2prod.analysis import Analysis
    from nb2prod.notebook.location import Location
    from nb2prod.notebook.model import CodeCell

_COLOUR = lazy_pattern(r"\x1b\[[0-9;]*m")
_ARROW = lazy_pattern(r"^-+> *(?P<line>\d+)(?P<text>[^\n]*)$", re.MULTILINE)
# How IPython, and those who embed it, head what a cell has in a traceback.
_OF_A_CELL = lazy_pattern(
    r"^(?:<ipython-input-|<command-|(?:Cell |Input )?In ?\[\d+\]|[^\n]*[/\\]ipykernel_\d+[/\\]|[^\n]*\.ipynb Cell )",
    re.MULTILINE,
)
_NAME = lazy_pattern(r"name '(?P<name>\w+)' is not defined")
_LONGEST = 120


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield each saved error that no tag expects and no rule about names explains, at the line that failed."""
    for cell in analysis.notebook.code_cells:
        error = next((each for each in cell.outputs if each.get("output_type") == "error"), None)
        if error is None or "raises-exception" in cell.tags or _has_cause(analysis, cell, error):
            continue
        location, same = _place(cell, error)
        kind = str(error.get("ename") or "an exception")
        if kind == "KeyboardInterrupt":
            message = "this cell was interrupted when it last ran"
        else:
            value = _COLOUR.sub("", str(error.get("evalue") or "")).strip().partition("\n")[0]
            shown = value if len(value) <= _LONGEST else f"{value[:_LONGEST]}…"
            # Errors of databases repeat the address with the password; a report goes to more people than the notebook.
            if any(credentials_in_text(value)):
                shown = "its text holds a credential"
            message = f"this cell was saved with {kind}" + (f": {shown}" if shown else "")
        fix = None
        if not same:
            message += "; the line that failed is no longer in the cell"
            removal = RemoveOutputs(cell.index)
            fix = Fix("remove the outputs of the text the cell had", (removal,), Applicability.UNSAFE)
        yield Finding(location, message, fix=fix)


def _has_cause(analysis: Analysis, cell: CodeCell, error: Mapping[str, Any]) -> bool:
    """Whether another rule says what is behind it: the cell is no Python, has no code, or the name is unbound here."""
    if cell.tree is None or not any(line.strip() and not line.lstrip().startswith("#") for line in cell.lines):
        return True
    missing = _NAME.match(str(error.get("evalue") or "")) if error.get("ename") == "NameError" else None
    return missing is not None and any(
        unbound.name == missing["name"] and use is not None and use.cell is cell
        for unbound in analysis.unbound()
        for use in (unbound.use, unbound.call, *unbound.others)
    )


def _place(cell: CodeCell, error: Mapping[str, Any]) -> tuple[Location, bool]:
    """Return the line of the cell that the traceback points at, and whether the cell still has that line.

    IPython shows it as ``----> 3 x = f()`` whatever its version; without colours and spaces it is the line. Of an
    exception that was raised while another was handled the other comes first, which may have come about in a library.
    """
    trace = error.get("traceback")
    text = _COLOUR.sub("", "\n".join(map(str, trace)) if isinstance(trace, list) else "")
    frame = _OF_A_CELL.search(text)
    arrows = list(_ARROW.finditer(text))
    if not arrows:
        return cell.location(_first_code(cell)), True
    lines = ["".join(line.split()) for line in cell.lines]
    wanted = ["".join(arrow["text"].split()) for arrow in arrows]
    for arrow, line in zip(arrows, wanted, strict=True):
        number = int(arrow["line"])
        if line and number <= len(lines) and lines[number - 1].startswith(line):
            return cell.location(number), True
    # A magic is shown as the call it stands for.
    for line in filter(None, wanted):
        if line in lines:
            return cell.location(lines.index(line) + 1), True
    of_a_cell = (line for arrow, line in zip(arrows, wanted, strict=True) if frame and arrow.start() > frame.start())
    first = next(of_a_cell, wanted[0])
    return cell.location(_first_code(cell)), "get_ipython()" in first or not first


def _first_code(cell: CodeCell) -> int:
    return next((number for number, line in enumerate(cell.lines, 1) if line.strip()), 1)
