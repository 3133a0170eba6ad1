"""Changes of the working directory that nothing after them notices."""

from __future__ import annotations

import ast
import sys
from typing import TYPE_CHECKING

from nb2prod.checks._removal import taken_out
from nb2prod.diagnostics import Applicability, Fix

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nb2prod.analysis import Analysis
    from nb2prod.dataflow.model import Statement
    from nb2prod.notebook.location import Location
    from nb2prod.notebook.model import CodeCell

# What a call may do that depends on the folder.
_ASKS = frozenset({
    "read-file", "write-file", "network", "shell", "model-save", "model-load", "global-setting",
})  # fmt: skip
# Magics that have nothing to do with files.
_SETTINGS = frozenset({"matplotlib", "config", "precision"})
# What is asked for before and looked up only when it is gone through.
_LATE = ("glob", "yield", "walk", "scandir", "iterdir", "chunksize")


def without_change(analysis: Analysis, places: Sequence[Location]) -> Fix | None:
    """Return the fix that leaves out the changes at ``places``, all of one cell; None unless nothing can notice.

    Anything below may that is not known to leave files alone: a call, a magic, an import, another change.
    """
    cell = analysis.notebook.cells[(places[0].cell or 1) - 1]
    changes = [
        each
        for each in analysis.statements()
        if each.cell is cell and any(_is_it(each, place) for place in places) and _has_its_lines(analysis, each)
    ]
    if len(changes) != len(places) or analysis.mentions(*_LATE):
        return None
    first = changes[0].index
    own = {each.index for each in changes}
    below = [each for each in analysis.statements() if each.index > first and each.index not in own]
    calls = [call for call in analysis.calls() if call.statement.index > first and call.statement.index not in own]
    if (
        any(each.tree is None or _is_foreign(each) for each in analysis.notebook.code_cells if each.index >= cell.index)
        or any(_notices(analysis, each) for each in below)
        or any(call.info is None or call.info.effects & _ASKS for call in calls)
    ):
        return None
    removed = taken_out(changes[0].cell, [each.location.range for each in changes])
    return Fix("leave out the change", tuple(removed), Applicability.UNSAFE)


def _is_it(statement: Statement, place: Location) -> bool:
    if statement.magic is not None:
        return statement.magic.range == place.range
    return isinstance(statement.node, ast.Expr) and statement.location.range == place.range


def _has_its_lines(analysis: Analysis, statement: Statement) -> bool:
    """Whether nothing else stands on the lines of a statement."""
    start, end = statement.location.range
    return not any(
        each is not statement
        and each.cell is statement.cell
        and each.location.range.start.line <= end.line
        and start.line <= each.location.range.end.line
        for each in analysis.statements()
    )


def _is_foreign(cell: CodeCell) -> bool:
    """Whether a cell holds a script of another language."""
    return any(magic.kind == "cell" for magic in cell.magics)


def _notices(analysis: Analysis, statement: Statement) -> bool:
    """Whether a statement may depend on the folder by more than its calls."""
    if statement.magic is not None:
        return statement.magic.name not in _SETTINGS
    modules = [each.qualified or "" for each in statement.definitions if each.kind in ("import", "star")]
    return statement.dynamic or not all(
        module.partition(".")[0] in sys.stdlib_module_names or analysis.libraries.pure_import(module)
        for module in modules
    )
