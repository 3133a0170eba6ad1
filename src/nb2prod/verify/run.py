"""A run, observed: its trace, and what else is to be known of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nb2prod.verify.trace import Trace


@dataclass(frozen=True, slots=True)
class Run:
    """A run.

    notes      what makes its record less complete than it should be
    line       the line of the cell that failed, if the notebook failed at a line of its own
    cells_out  the cell that began each line of standard output; None where that is not known
    """

    trace: Trace
    notes: tuple[str, ...] = ()
    line: int | None = None
    cells_out: tuple[int | None, ...] = ()


def printed_lines(text: str) -> tuple[str, ...]:
    """Return the lines of what was printed; only a newline ends one, as on a terminal."""
    lines = text.replace("\r\n", "\n").split("\n")
    return tuple(lines[:-1] if not lines[-1] else lines)
