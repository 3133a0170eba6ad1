"""What the README says of values and figures: what the run returns, what became of what the notebook showed."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.convert.emit.pipeline import output_field, result_fields
from nb2prod.convert.emit.prose import code, table_cell
from nb2prod.convert.plan import EndOfCell, Moved
from nb2prod.convert.withheld import shown_prose
from nb2prod.notebook.model import CodeCell

if TYPE_CHECKING:
    from nb2prod.convert.plan import Plan
    from nb2prod.dataflow.model import Statement
    from nb2prod.notebook.model import Cell

_LONGEST_CODE = 60


def results_section(plan: Plan) -> str:
    """Return the section about the values ``run`` returns; empty where there are none."""
    results = result_fields(plan)
    if not results:
        return ""
    rows = [
        f"| `{name}` | `{each.step}` | {'displayed' if each.displayed else 'made'} by cell {each.cell} |"
        for name, each in results.items()
    ]
    number = f"{len(results)} value{'s' if len(results) != 1 else ''}"
    head = f"`run` returns {number}, as fields of `Results`:"
    return "\n".join(["## Results", "", head, "", "| field | step | |", "|---|---|---|", *rows])


def shown_section(plan: Plan) -> str:
    """Return the section that says cell by cell what became of displayed values and figures; may be empty."""
    rows: list[str] = []
    values = figures = 0
    fields = {(each.step, each.name): field for field, each in result_fields(plan).items()}
    # What a later step displays is returned under the name of the step that made it.
    later = {(each.cell, each.name): field for field, each in result_fields(plan).items() if each.displayed}
    for step in plan.steps:
        for item in step.items:
            if isinstance(item, Moved) and item.shown is not None:
                values += 1
                number = item.statement.cell.number
                field = fields.get((step.name, item.shown)) or later.get((number, item.shown))
                became = f"logged as `{item.shown}`" + (f", returned as `Results.{field}`" if field else "")
                rows.append(f"| {number} | {_code(item.statement, plan)} | {became} |")
            elif isinstance(item, EndOfCell) and (count := _figures(plan.notebook.cell_at(item.cell))):
                figures += count
                last = f" to `-{count}.png`" if count > 1 else ""
                path = f"{output_field(plan)}/figures/cell-{item.cell:02}-1.png"
                rows.append(f"| {item.cell} | {'figures' if count > 1 else 'a figure'} | saved as `{path}`{last} |")
    if not rows:
        return ""
    parts = [_number(values, "value"), _number(figures, "figure")]
    head = f"The notebook displayed {' and '.join(part for part in parts if part)}:"
    return "\n".join(["## What the notebook showed", "", head, "", "| cell | what | became |", "|---|---|---|", *rows])


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' if count != 1 else ''}" if count else ""


def _code(statement: Statement, plan: Plan) -> str:
    node = statement.node
    text = ast.unparse(node.value if isinstance(node, ast.Expr) else node)
    text = shown_prose(text, plan.withheld)
    return table_cell(code(text if len(text) <= _LONGEST_CODE else text[: _LONGEST_CODE - 1] + "…"))


def _figures(cell: Cell) -> int:
    """Return how many pictures a cell was saved with."""
    if not isinstance(cell, CodeCell):
        return 0
    return sum("image/png" in data for output in cell.outputs if isinstance(data := output.get("data"), dict))
