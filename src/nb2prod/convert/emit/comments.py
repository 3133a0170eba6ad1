"""Comments above what a step does: the notebook's markdown, and those of what has left its place."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from nb2prod.convert.emit.prose import plain
from nb2prod.convert.emit.statements import snippet
from nb2prod.convert.plan import Moved, moved_items

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nb2prod.convert.plan import Plan
    from nb2prod.dataflow.model import Statement


# The notebook keeps the textbook.
_MOST_LINES = 6
# What tools take for orders, wherever it stands.
_ORDER = re.compile(r"(?:coding|flake8|fmt|isort|mypy|nb2prod|noqa|pragma|pylint|pyright|ruff|type)\b", re.IGNORECASE)


def prose_comment(markdown: str) -> tuple[str, ...]:
    """Return markdown as the lines of a comment, shortened at a paragraph; empty where it has no words."""
    kept: list[str] = []
    for paragraph in plain(markdown).split("\n\n"):
        lines = paragraph.split("\n")
        if kept and len(kept) + len(lines) >= _MOST_LINES:
            break
        kept += [*([""] if kept else []), *lines]
    if len(kept) > _MOST_LINES:
        kept = [*kept[: _MOST_LINES - 1], "…"]
    return tuple(f"# {'- ' if _ORDER.match(line) else ''}{line}".rstrip() for line in kept) if any(kept) else ()


def orphaned_comments(plan: Plan) -> dict[int, tuple[str, ...]]:
    """Return the comments that stay where their statement does not, by the statement below them in their cell."""
    found = _of_parameters(plan)
    for comments, target in _of_imports(plan).values():
        found[target] = (*comments, *found.get(target, ()))
    return found


def imports_without_comments(plan: Plan) -> frozenset[int]:
    """Return the import statements, by index, whose comments above stay with what stands below them."""
    return frozenset(_of_imports(plan))


def _of_parameters(plan: Plan) -> dict[int, tuple[str, ...]]:
    """Return the comments of statements that became parameters.

    A parameter may have taken those above it along, and has the one beside it, if it is not required.
    """
    required = {each.name for each in plan.parameters if each.required}
    taken = {each.name for each in plan.parameters if each.comments}
    found: dict[int, tuple[str, ...]] = {}
    for statement, name in sorted(plan.lifted, key=lambda each: each[0].index):
        if name in taken:
            continue
        cut = snippet(Moved(statement))
        beside = (cut.beside,) if cut.beside and name in required else ()
        comments = (*found.pop(statement.index, ()), *(line for line in cut.before if line), *beside)
        last = statement.cell.tree is None or statement.node is statement.cell.tree.body[-1]
        if comments and not last:
            found[statement.index + 1] = comments
    return found


def _of_imports(plan: Plan) -> dict[int, tuple[tuple[str, ...], int]]:
    """Return the comments above imports that head more than these, and the statement they go to.

    A comment heads the lines below it up to a blank one or the next comment; with a blank line below it
    heads the cell. It goes with the first of these lines that is no import.
    """
    staying = {item.statement.index: item for item in moved_items(plan) if not item.refused}
    staying.update((each.moved.statement.index, each.moved) for each in plan.functions)
    imports = {each.statement.index: Moved(each.statement) for each in plan.imports if each.statement is not None}
    found: dict[int, tuple[tuple[str, ...], int]] = {}
    for index, moved in imports.items():
        if not isinstance(moved.statement.node, ast.Import | ast.ImportFrom):
            continue  # a ``try`` keeps its comments
        before = snippet(moved).before
        target = _headed(moved.statement, staying, imports, heads_cell=before[-1] == "") if before else None
        if target is not None:
            found[index] = tuple(line for line in before if line), target
    return found


def _headed(
    statement: Statement, staying: Mapping[int, Moved], imports: Mapping[int, Moved], *, heads_cell: bool
) -> int | None:
    """Return the first statement below an import that a comment above it heads too, and that is no import."""
    index = statement.index + 1
    while True:
        below = staying.get(index) or imports.get(index)
        if below is None or below.statement.cell is not statement.cell:
            return None
        cut = snippet(below)
        if cut.before or (cut.separated and not heads_cell):
            return None
        if index in staying:
            return index
        index += 1
