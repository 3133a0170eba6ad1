"""never-run-cell: a code cell has no execution count in a notebook whose other cells were run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nb2prod.diagnostics import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.notebook.model import CodeCell

_SHOWN = 5


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield the first cell that never ran, naming the others, where more cells ran than did not."""
    idle = [cell for cell in analysis.notebook.code_cells if not _ran(cell) and _has_code(cell)]
    if not idle:
        return
    ran = [cell for cell in analysis.notebook.code_cells if _ran(cell) and _has_code(cell)]
    if len(ran) <= len(idle):
        return
    # What stands below a cell that failed was not forgotten: the error is the story.
    failed = any(output.get("output_type") == "error" for cell in ran[-1:] for output in cell.outputs)
    if failed:
        idle = [cell for cell in idle if cell.index < ran[-1].index]
    if not idle:
        return
    message = f"this cell has not been run, {len(ran)} others have"
    if more := [str(cell.index) for cell in idle[1:]]:
        shown = ", ".join(more[:_SHOWN]) + (f" and {len(more) - _SHOWN} more" if len(more) > _SHOWN else "")
        message += f"; nor ha{'s' if len(more) == 1 else 've'} cell{'' if len(more) == 1 else 's'} {shown}"
    first = next(number for number, line in enumerate(idle[0].lines, 1) if _is_code(line))
    yield Finding(idle[0].location(first), message)


def _ran(cell: CodeCell) -> bool:
    """Whether the cell ran; some tools clear the counts of cells that have outputs."""
    return cell.execution_count is not None or bool(cell.outputs)


def _has_code(cell: CodeCell) -> bool:
    return any(_is_code(line) for line in cell.lines)


def _is_code(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")
