"""Conversion in spite of refusals (``--partial``): what is refused raises where it stood, all before it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nb2prod.convert.emit.statements import statement_range
from nb2prod.convert.plan import moved_items
from nb2prod.notebook.model import CodeCell
from nb2prod.notebook.parse import parse_code

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nb2prod.convert.plan import Plan, Refusal
    from nb2prod.dataflow.model import Statement
    from nb2prod.notebook.model import Notebook


def give_broken_cells_a_statement(notebook: Notebook) -> Notebook:
    """Return the notebook with one statement, to be refused, in each cell that is no Python.

    The cell keeps its source and its problem; only what stands for its code is an expression ``0``.
    """
    return notebook._replace(
        cells=tuple(_mended(cell) if isinstance(cell, CodeCell) else cell for cell in notebook.cells)
    )


def _mended(cell: CodeCell) -> CodeCell:
    if cell.problem is None:
        return cell
    lines = [" " * len(line) for line in cell.lines]
    first = next((at for at, line in enumerate(cell.lines) if line.strip()), 0)
    lines[first] = "0" + lines[first][1:]
    python = "\n".join(lines)
    tree, _ = parse_code(python)
    return cell._replace(python=python, tree=tree, magics=())


def refused_statements(refusals: Iterable[Refusal], statements: Sequence[Statement]) -> dict[int, str]:
    """Return what is to be raised for each statement that is refused, by the statement's index."""
    messages: dict[int, list[str]] = {}
    for refusal in refusals:
        for statement in statements_meant(refusal, statements):
            messages.setdefault(statement.index, []).append(str(refusal))
    return {index: "\n".join(dict.fromkeys(found)) for index, found in messages.items()}


def unplaced(plan: Plan, statements: Sequence[Statement]) -> tuple[Refusal, ...]:
    """Return the refusals that stop the whole conversion: no step of the plan raises at their place."""
    raising = {item.statement.index for item in moved_items(plan) if item.refused}
    return tuple(
        each
        for each in plan.refusals
        if each.whole
        or not (meant := statements_meant(each, statements))
        or any(one.index not in raising for one in meant)
    )


def statements_meant(refusal: Refusal, statements: Sequence[Statement]) -> list[Statement]:
    """Return the statements a refusal is about: all on its line, or the one that stands for a broken cell."""
    inside = [each for each in statements if each.cell.index == refusal.cell]
    if inside and inside[0].cell.problem is not None:
        return inside
    return [each for each in inside if _covers(each, refusal.line)]


def _covers(statement: Statement, line: int) -> bool:
    place = statement_range(statement.cell.python_lines, statement.node)
    return place.start.line <= line <= place.end.line
