"""What fixes did, or would do, as text: one line a fix, or the differences cell by cell."""

from __future__ import annotations

import os
from difflib import unified_diff
from typing import TYPE_CHECKING

from nb2prod.notebook.model import CodeCell
from nb2prod.report.text import plural, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nb2prod.diagnostics import Diagnostic
    from nb2prod.fixer.fix import FixedNotebook
    from nb2prod.linter import Report
    from nb2prod.notebook.model import Cell


def render_summary(fixed: Sequence[FixedNotebook], *, written: bool) -> str:
    """Return how many findings were fixed, or would be where nothing was written."""
    count = sum(len(each.applied) for each in fixed)
    notebooks = sum(1 for each in fixed if each.applied)
    did = "Fixed" if written else "Would fix"
    return f"{did} {plural(count, 'finding')} in {plural(notebooks, 'notebook')}.\n" if count else f"{did} nothing.\n"


def render_fixes(fixed: Sequence[FixedNotebook]) -> str:
    """Return a line for each finding that was fixed: where it was in its round, its rule, what was done."""
    return "".join(
        f"{_head(applied.diagnostic)}: {printable(applied.fix.title)}\n" for each in fixed for applied in each.applied
    )


def render_dropped(fixed: Sequence[FixedNotebook]) -> str:
    """Return a line for each fix that was not made, and why."""
    return "".join(
        f"notice: {_head(dropped.diagnostic)}: not fixed: {printable(dropped.reason)}\n"
        for each in fixed
        for dropped in each.dropped
    )


def render_diff(report: Report, fixed: Sequence[FixedNotebook]) -> str:
    """Return what fixing changes, cell by cell; ``report`` is what was found before.

    What a rule redacts is starred here too.
    """
    return "".join(f"{line}\n" for each in fixed if each.applied for line in _differences(report, each))


def _head(diagnostic: Diagnostic) -> str:
    return f"{printable(str(diagnostic.location))}: {diagnostic.rule.code} {diagnostic.rule.name}"


def _differences(report: Report, fixed: FixedNotebook) -> Iterator[str]:
    path = printable(str(fixed.target.path))
    yield from _companions(fixed)
    yield from _removed_cells(path, report, fixed)
    yield from _moves(path, fixed)
    for cell, origin in zip(fixed.after.cells, fixed.origins, strict=True):
        old = None if origin is None else fixed.before.cells[origin - 1]
        before = [] if old is None else _lines(report, old)
        names = (f"{path}:cell {origin}" if origin else "/dev/null", f"{path}:cell {cell.index}")
        for line in unified_diff(before, _lines(fixed.report, cell), *names, lineterm=""):
            yield printable(line)
        if isinstance(old, CodeCell) and isinstance(cell, CodeCell) and len(cell.outputs) < len(old.outputs):
            yield f"{names[0]}: {plural(len(old.outputs) - len(cell.outputs), 'saved output')} removed"


def _removed_cells(path: str, report: Report, fixed: FixedNotebook) -> Iterator[str]:
    """Yield the cells that are no more."""
    for cell in fixed.before.cells:
        if cell.index not in fixed.origins:
            lines = unified_diff(_lines(report, cell), [], f"{path}:cell {cell.index}", "/dev/null", lineterm="")
            yield from map(printable, lines)


def _companions(fixed: FixedNotebook) -> Iterator[str]:
    """Yield what is added to files beside the notebook."""
    for file in fixed.companions:
        name = os.path.relpath(file.path)
        before, after = (content.decode().splitlines() for content in (file.before, file.after))
        yield from map(printable, unified_diff(before, after, name, name, lineterm=""))


def _moves(path: str, fixed: FixedNotebook) -> Iterator[str]:
    """Yield a line for each of the fewest cells that have to move for the new order to come about."""
    origins = [each for each in fixed.origins if each is not None]
    staying = _longest_rising(origins)
    for cell, origin in zip(fixed.after.cells, fixed.origins, strict=True):
        if origin is not None and origin not in staying:
            first = next((line for line in cell.lines if line.strip()), "")
            yield f"{path}:cell {origin}: becomes cell {cell.index}: {printable(first)}"


def _longest_rising(numbers: Sequence[int]) -> frozenset[int]:
    """Return the most of ``numbers`` that stand in rising order."""
    rising: list[list[int]] = []
    for number in numbers:
        longest: list[int] = []
        for each in rising:
            if each[-1] < number and len(each) > len(longest):
                longest = each
        rising.append([*longest, number])
    best: list[int] = max(rising, key=len, default=[])
    return frozenset(best)


def _lines(report: Report, cell: Cell) -> Sequence[str]:
    return report.sources.get((cell.path, cell.index), cell.lines) if cell.source else []
