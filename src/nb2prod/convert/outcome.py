"""What becomes of each statement of a notebook, as rows: for the manifest, and for those who ask beforehand."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from nb2prod.convert.emit.statements import statement_range
from nb2prod.convert.partial import statements_meant
from nb2prod.convert.plan import Moved

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nb2prod.convert.plan import Dropped, Plan
    from nb2prod.dataflow.model import Statement

Kind = Literal["step", "import", "function", "class", "constant", "parameter", "dropped", "refused"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a statement went.

    name    of the step, function, class, constant or parameter; of an import the names it binds;
            empty for what goes nowhere
    reason  why it was left out or refused; otherwise empty
    shown   the label under which its displayed value is logged, or None
    kept    the shown value is a result of the step that is no variable of the notebook
    module  where a function, a class or a constant went
    """

    kind: Kind
    name: str
    reason: str = ""
    shown: str | None = None
    kept: bool = False
    module: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of a statement; ``number`` counts the statements of its cell from 1, lines count from 1."""

    cell: int
    number: int
    line: int
    end_line: int
    place: Place


def outcomes(plan: Plan, statements: Sequence[Statement]) -> list[Outcome]:
    """Return what becomes of each statement, in document order, and of each cell that is no Python.

    A statement that is refused has its refusals, whatever the passes have done with it.
    """
    places = _places(plan)
    refused: dict[int, list[str]] = {}
    rows: list[Outcome] = []
    for each in plan.refusals:
        reason = f"{each.reason}; {each.advice}"
        meant = statements_meant(each, statements)
        for statement in meant:
            refused.setdefault(statement.index, []).append(reason)
        if not meant:
            rows.append(Outcome(each.cell, 0, each.line, each.line, Place("refused", "", reason)))
    numbers: Counter[int] = Counter()
    for statement in statements:
        cell = statement.cell.index
        numbers[cell] += 1
        span = statement_range(statement.cell.python_lines, statement.node)
        place = places.get(statement.index)
        if statement.index in refused:
            step = place.name if place is not None and place.kind == "step" else ""
            place = Place("refused", step, "; ".join(dict.fromkeys(refused[statement.index])))
        if place is not None:
            rows.append(Outcome(cell, numbers[cell], span.start.line, span.end.line, place))
    order = {cell.index: place for place, cell in enumerate(plan.notebook.cells)}
    return sorted(rows, key=lambda row: (order[row.cell], row.line, row.number))


def number_of_lines(dropped: Iterable[Dropped]) -> int:
    """Return how many lines of code the statements take in the notebook."""
    lines: set[tuple[int, int]] = set()
    for each in dropped:
        cell = each.statement.cell
        place = statement_range(cell.python_lines, each.statement.node)
        lines.update((cell.index, line) for line in range(place.start.line, place.end.line + 1))
    return len(lines)


def _places(plan: Plan) -> dict[int, Place]:
    """Return where each statement went, by its index. A step comes before an import a magic needs."""
    places: dict[int, Place] = {}
    for each in plan.imports:
        if each.statement is not None:
            places[each.statement.index] = Place("import", ", ".join(each.binds))
    for dropped in plan.dropped:
        places[dropped.statement.index] = Place("dropped", "", dropped.reason)
    for function in plan.functions:
        places[function.moved.statement.index] = Place(function.kind, function.name, module=function.module)
    for statement, parameter in plan.lifted:
        places[statement.index] = Place("parameter", parameter)
    for step in plan.steps:
        for item in step.items:
            if isinstance(item, Moved):
                places[item.statement.index] = Place("step", step.name, shown=item.shown, kept=item.kept)
    return places
