"""dead-cell: nothing a cell computes is used, shown or written anywhere."""

from __future__ import annotations

import ast
from collections import defaultdict
from typing import TYPE_CHECKING

from nb2prod.diagnostics import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis, Call
    from nb2prod.dataflow.model import Statement


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield each cell but the last whose statements only make names that no other cell reads."""
    statements = analysis.statements()
    if any(statement.dynamic for statement in statements):
        return
    by_cell: dict[int, list[Statement]] = defaultdict(list)
    for statement in statements:
        by_cell[statement.cell.index].append(statement)
    last = max(by_cell, default=0)
    for number, own in by_cell.items():
        if number == last or own[0].cell.magics or not _only_assigns(own) or _is_read(analysis, own):
            continue
        if _computes(analysis, own):
            names = list(dict.fromkeys(each.name for statement in own for each in statement.definitions))
            shown = ", ".join(f"`{name}`" for name in names[:3]) + (" and more" if len(names) > 3 else "")  # noqa: PLR2004 as many as are read
            yield Finding(
                own[0].location, f"no other cell reads {shown}, and this one shows and writes nothing; it can go"
            )


def _only_assigns(statements: list[Statement]) -> bool:
    """Whether a cell consists of plain assignments to names of its own."""
    return all(
        isinstance(statement.node, (ast.Assign, ast.AnnAssign))
        and not statement.displayed
        and all(each.kind == "assign" for each in statement.definitions)
        and bool(statement.definitions)
        for statement in statements
    )


def _is_read(analysis: Analysis, statements: list[Statement]) -> bool:
    """Whether another cell reads what these statements make."""
    return any(
        use.cell is not statement.cell
        for statement in statements
        for definition in statement.definitions
        for use in analysis.flow.uses(definition)
    )


def _computes(analysis: Analysis, statements: list[Statement]) -> bool:
    """Whether something is called, and only what is known to change nothing: literals are settings."""
    indices = {statement.index for statement in statements}
    calls: list[Call] = [call for call in analysis.calls() if call.statement.index in indices]
    return bool(calls) and all("pure" in call.effects for call in calls)
