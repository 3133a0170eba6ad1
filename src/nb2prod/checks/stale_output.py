"""stale-output: a saved output that the cell's source, as it stands, cannot have produced."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nb2prod.checks._printed_lines import missing_text, too_few_lines
from nb2prod.diagnostics import Applicability, Finding, Fix, RemoveCell, RemoveOutputs
from nb2prod.saved_outputs import mismatch, output_kind

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.dataflow.model import Statement
    from nb2prod.notebook.model import CodeCell


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield each cell whose output comes from another text than the cell has now."""
    if analysis.mentions("ast_node_interactivity"):
        return
    statements: dict[int, list[Statement]] = {}
    for statement in analysis.statements():
        statements.setdefault(statement.cell.index, []).append(statement)
    rebound = any(each.name == "print" for every in analysis.statements() for each in every.definitions)
    empty = [cell for cell in analysis.notebook.code_cells if cell.outputs and not any(map(_is_code, cell.lines))]
    if empty:
        message = "this cell has no code, but a saved output: the code it came from is gone"
        more = f"; {len(empty) - 1} more cell{'s' if len(empty) > 2 else ''} like it" if len(empty) > 1 else ""  # noqa: PLR2004 one more
        yield Finding(empty[0].location(), message + more, fix=_removal(*empty))
    for cell in analysis.notebook.code_cells:
        if (
            cell.outputs
            and cell not in empty
            and cell.tree is not None
            and not any(output_kind(each) == "error" for each in cell.outputs)
        ):
            own = statements.get(cell.index, [])
            reason = mismatch(cell, own, prints=not rebound)
            if reason is None and not rebound:
                reason = too_few_lines(analysis, cell, own) or missing_text(analysis, cell, own)
            if reason is not None:
                yield Finding(cell.location(*_line(cell, reason[0])), reason[1], fix=_removal(cell))


def _removal(*cells: CodeCell) -> Fix:
    """Return the fix that removes the outputs; the text that made them is gone, so nothing can bring them back.

    A cell that holds nothing else goes with them.
    """
    title = "remove the saved outputs" + (f" of {len(cells)} cells" if len(cells) > 1 else "")
    changes = (
        RemoveOutputs(cell.index) if cell.source.strip() or cell.tags else RemoveCell(cell.index) for cell in cells
    )
    return Fix(title, tuple(changes), Applicability.UNSAFE)


def _is_code(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _line(cell: CodeCell, node: ast.AST | None) -> tuple[int, int]:
    if node is not None:
        start = cell.locate(node).range.start
        return start.line, start.column
    return next((number for number, line in enumerate(cell.lines, 1) if line.strip()), 1), 1
