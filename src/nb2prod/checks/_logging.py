"""How prints become records of a logger, which is set up below the imports."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.checks._import_block import below_imports
from nb2prod.diagnostics import Applicability, Edit, Fix
from nb2prod.edits import newline, replaced

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nb2prod.analysis import Analysis, Call

_SET_UP = ("import logging", 'logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")')


def logging_instead(analysis: Analysis, prints: Sequence[Call]) -> Fix | None:
    """Return the fix that logs what ``prints`` print; None for one with more than values, or no imports to add to."""
    if not all(_is_plain(call) for call in prints):
        return None
    if any(each.name == "logging" for statement in analysis.statements() for each in statement.definitions):
        return None
    home = next((each for each in analysis.statements() if isinstance(each.node, (ast.Import, ast.ImportFrom))), None)
    if home is None or home.index > prints[0].statement.index:
        return None
    set_up = below_imports(analysis, home, newline(home.cell).join(_SET_UP))
    if set_up is None:
        return None
    edits = [edit for call in prints for edit in _logged(call)]
    return Fix("log what is printed", (set_up, *edits), Applicability.UNSAFE)


def _is_plain(call: Call) -> bool:
    """Whether a call has values only, and its bracket directly behind its name."""
    end = call.cell.locate(call.node.func).range.end
    opened = call.cell.lines[end.line - 1][end.column - 1 :].lstrip().startswith("(")
    return opened and bool(call.node.args) and not (call.has_star_arguments or call.node.keywords)


def _logged(call: Call) -> Iterator[Edit]:
    """Yield the edits that make `logging.info("%s %s", a, b)` of `print(a, b)`."""
    yield replaced(call.cell, call.node.func, "logging.info")
    if len(call.node.args) > 1:
        places = " ".join(["%s"] * len(call.node.args))
        # Brackets around the first argument come behind it.
        opening = call.cell.locate(call.node.func).range.end
        text = call.cell.lines[opening.line - 1]
        column = text.index("(", opening.column - 1) + 2
        yield Edit(call.cell.location(opening.line, column), f'"{places}", ')
