"""Conversions as text: what was made, what would become of each cell, what no longer matches."""

from __future__ import annotations

import os
import shlex
from itertools import groupby
from typing import TYPE_CHECKING

from nb2prod.convert.outcome import number_of_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from nb2prod.convert.agreement import Agreement
    from nb2prod.convert.outcome import Outcome
    from nb2prod.convert.plan import Plan
    from nb2prod.notebook.model import Notebook

_PLURALS = {
    "refusal, which raises NotImplementedError": "refusals, which raise NotImplementedError",
    "function, class or constant at module level": "functions, classes and constants at module level",
    "statement left out": "statements left out",
}


def summary(plan: Plan, files: int, output: Path) -> str:
    """Return what a conversion made: the steps with their cells, counts, and what comes next."""
    rows = [(step.name, cells_of(step.numbers)) for step in plan.steps]
    width = max((len(name) for name, _ in rows), default=0)
    lines = [
        f"{plan.notebook.path} → {output}",
        "",
        *(f"  {name:<{width}}  {cells}" for name, cells in rows),
        "",
        f"{counts(plan)}, {counted(files, 'file')}",
        *(f"note: {note}" for note in plan.notes),
        "",
        f"Next: pip install {as_path(output)}, then {plan.distribution} --help; the README says the rest.",
    ]
    return "\n".join(lines) + "\n"


def forecast(plan: Plan, rows: Sequence[Outcome]) -> str:
    """Return what would become of each cell, one line for neighbouring statements that go the same way."""
    said = list(_grouped(rows, plan.notebook))
    widths = [max((len(each[column]) for each in said), default=0) for column in (0, 1)]
    lines = [f"{plan.notebook.path} → package {plan.package}", ""]
    above = ""
    for cell, where, what in said:
        lines.append(f"  {cell if cell != above else '':<{widths[0]}}  {where:<{widths[1]}}  {what}")
        above = cell
    end = counts(plan)
    if plan.refusals and not plan.options.partial:
        end = f"{counted(len(plan.refusals), 'refusal')}: the notebook would not be converted"
    return "\n".join([*lines, "", *(f"note: {note}" for note in plan.notes), f"{end}; nothing was written"]) + "\n"


def agreement(found: Agreement, notebooks: Sequence[Path], output: Path) -> str:
    """Return whether a package matches its notebooks, and what does not."""
    lines = [f"{', '.join(map(str, notebooks))} and {output} {'match' if found.matches else 'no longer match'}"]
    lines += [f"  {each}" for each in (*found.cells, *found.files)]
    if found.matches and found.saved_again:
        subject = "a" if len(notebooks) > 1 else "the"
        lines.append(f"  {subject} notebook was saved again; that makes no difference to the package")
    if not found.matches:
        command = f"nb2prod convert {shlex.join(map(str, notebooks))} --output {shlex.quote(str(output))} --diff"
        lines += ["", f"Next: {command} shows what converting again would change"]
    return "\n".join(lines) + "\n"


def _grouped(rows: Iterable[Outcome], notebook: Notebook) -> Iterator[tuple[str, str, str]]:
    for (cell, what), group in groupby(rows, key=lambda row: (row.cell, _what(row))):
        same = list(group)
        first, last = same[0].line, max(row.end_line for row in same)
        yield _cell(cell, notebook), f"line {first}" if first == last else f"lines {first}-{last}", what


def _cell(index: int, notebook: Notebook) -> str:
    included = notebook.included.get(index)
    if included is None or not included.file:
        return f"cell {notebook.cell_at(index).number}"
    inside = f" cell {included.number}" if included.number else ""
    return f"cell {included.cell}, {included.file}{inside}"


def _what(row: Outcome) -> str:
    place = row.place
    match place.kind:
        case "step":
            shown = f", shown as {place.shown}" if place.shown else ""
            return f"step {place.name}{shown}"
        case "dropped":
            return f"left out: {place.reason}"
        case "refused":
            return f"refused: {place.reason}"
        case "import":
            return "import at module level"
        case "parameter":
            return f"parameter {place.name}"
        case _:
            return f"{place.kind} {place.name} at module level"


def counts(plan: Plan) -> str:
    """Return what a plan holds, in numbers."""
    numbers = [
        (len(plan.refusals), "refusal, which raises NotImplementedError"),
        (len(plan.steps), "step"),
        (len(plan.functions), "function, class or constant at module level"),
        (len(plan.parameters), "parameter"),
        (len(plan.dropped), "statement left out"),
    ]
    said = ", ".join(counted(number, word) for number, word in numbers if number) or "nothing to do"
    return f"{said} ({counted(number_of_lines(plan.dropped), 'line')})" if plan.dropped else said


def counted(number: int, word: str) -> str:
    """Return a number with its word, in the plural where it is not one."""
    return f"{number} {word if number == 1 else _PLURALS.get(word, f'{word}s')}"


def cells_of(cells: Sequence[int]) -> str:
    """Return the cells a step comes from."""
    return f"cell{'s' if len(cells) > 1 else ''} {', '.join(map(str, cells))}"


def as_path(output: Path) -> str:
    """Return a folder as pip takes it: without a separator it would be looked up as a name in the index."""
    text = str(output)
    return text if os.sep in text else f".{os.sep}{text}"
