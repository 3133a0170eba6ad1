"""What fixes did, or would do, as text: one line a fix, or the differences cell by cell."""

from __future__ import annotations

import json
import os
from difflib import unified_diff
from typing import TYPE_CHECKING, Any, Literal

from nb2prod.notebook.model import CodeCell
from nb2prod.report.text import plural, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from nb2prod.diagnostics import Diagnostic
    from nb2prod.fixer.fix import FixedNotebook
    from nb2prod.lint_run import Report
    from nb2prod.notebook.model import Cell


# What is done to findings.
Did = Literal["fix", "ignore"]
_PAST = {"fix": "fixed", "ignore": "ignored"}


def render_summary(fixed: Sequence[FixedNotebook], did: Did = "fix", *, written: bool) -> str:
    """Return how many findings were fixed or ignored, or would be where nothing was written."""
    count = sum(len(each.applied) for each in fixed)
    notebooks = sum(1 for each in fixed if each.applied)
    done = _PAST[did].capitalize() if written else f"Would {did}"
    return f"{done} {plural(count, 'finding')} in {plural(notebooks, 'notebook')}.\n" if count else f"{done} nothing.\n"


def render_fixes(fixed: Sequence[FixedNotebook]) -> str:
    """Return a line for each finding that was fixed: where it was in its round, its rule, what was done."""
    return "".join(
        f"{_head(applied.diagnostic)}: {printable(applied.fix.title)}\n" for each in fixed for applied in each.applied
    )


def render_dropped(fixed: Sequence[FixedNotebook], did: Did = "fix") -> str:
    """Return a line for each finding that was not fixed or ignored, and why."""
    return "".join(
        f"notice: {_head(dropped.diagnostic)}: not {_PAST[did]}: {printable(dropped.reason)}\n"
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
    yield from _new_metadata(path, fixed.before.metadata, fixed.after.metadata)
    for cell, origin in zip(fixed.after.cells, fixed.origins, strict=True):
        old = None if origin is None else fixed.before.cells[origin - 1]
        before = [] if old is None else _lines(report, old)
        names = (f"{path}:cell {origin}" if origin else "/dev/null", f"{path}:cell {cell.index}")
        for line in unified_diff(before, _lines(fixed.report, cell), *names, lineterm=""):
            yield printable(line)
        if old is not None:
            yield from _new_metadata(f"{path}:cell {cell.index}", old.metadata, cell.metadata)
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


def _new_metadata(where: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each member of metadata that is new or another one."""
    for member, value in after.items():
        if value != before.get(member):
            yield f"{where}: metadata: {printable(json.dumps({member: value}))}"


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
