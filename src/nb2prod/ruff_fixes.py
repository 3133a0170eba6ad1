"""Fixes of what ruff finds: its own where they change nothing but the place found, and ours where it has none."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from nb2prod.diagnostics import Applicability, Edit, Fix
from nb2prod.edits import argument_added, argument_removed, replaced
from nb2prod.notebook.location import Position, Range, offsets
from nb2prod.notebook.model import CodeCell
from nb2prod.notebook.tree import nodes
from nb2prod.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from nb2prod.diagnostics import Rule
    from nb2prod.notebook.location import Location
    from nb2prod.notebook.model import Notebook

# Long enough for any answer that still comes.
_SECONDS = 60


class _Replacement(NamedTuple):
    """One of ruff's edits: it names no cell."""

    where: Range
    text: str


def fix_of(rule: Rule, row: Mapping[str, Any], notebook: Notebook, location: Location) -> Fix | None:
    """Return the fix of a finding of ``rule``, which has one; ``row`` is what ruff says of it.

    None where it is not certain.
    """
    cell = notebook.cells[(location.cell or 1) - 1]
    if not isinstance(cell, CodeCell) or cell.tree is None:
        return None
    if rule.code in _OURS:
        return next(_OURS[rule.code](cell, cell.tree, location.range), None)
    return _theirs(rule, row.get("fix"), notebook, cell, location.range)


def _theirs(rule: Rule, fix: Mapping[str, Any] | None, notebook: Notebook, cell: CodeCell, found: Range) -> Fix | None:
    """Return ruff's fix if what it changes is inside of what it found, and is text we gave it as it was."""
    if fix is None or fix["applicability"] not in ("safe", "unsafe"):
        return None
    edits = [
        _Replacement(Range(_position(each["location"]), _position(each["end_location"])), each["content"])
        for each in fix["edits"]
    ]
    # To find the name of a module it "replaces" the import, somewhere, by what stands there already.
    edits = [each for each in edits if not _is_written(notebook.code_cells, each)]
    if not edits or not all(found.start <= each.where.start and each.where.end <= found.end for each in edits):
        return None
    if any(_slice(cell.source, each.where) != _slice(cell.python, each.where) for each in edits):
        return None
    unsafe = "unsafe" in (rule.fix, fix["applicability"])
    changes = tuple(Edit(cell.location(*each.where.start, *each.where.end), each.text) for each in edits)
    title = str(fix["message"] or rule.name)
    return Fix(title[:1].lower() + title[1:], changes, Applicability.UNSAFE if unsafe else Applicability.SAFE)


def _position(place: Mapping[str, int]) -> Position:
    return Position(place["row"], place["column"])


def _is_written(cells: Sequence[CodeCell], edit: _Replacement) -> bool:
    return edit.text != "" and any(
        edit.where.end.line <= len(cell.lines) and _slice(cell.python, edit.where) == edit.text for cell in cells
    )


def _slice(text: str, where: Range) -> str:
    try:
        start, end = offsets(text, where)
    except ValueError:  # a place of another cell, which is longer
        return ""
    return text[start:end]


def _timeout(cell: CodeCell, tree: ast.Module, found: Range) -> Iterator[Fix]:
    """Pass a timeout; what is given as None is replaced."""
    for call in _calls(cell, tree, found):
        given = next((each for each in call.keywords if each.arg == "timeout"), None)
        edit = (
            argument_added(cell, call, f"timeout={_SECONDS}")
            if given is None
            else replaced(cell, given.value, str(_SECONDS))
        )
        if edit is not None:
            yield Fix(f"pass `timeout={_SECONDS}`", (edit,), Applicability.UNSAFE)


def _verification(cell: CodeCell, tree: ast.Module, found: Range) -> Iterator[Fix]:
    """Leave out `verify=False`."""
    for call in nodes(tree):
        if not isinstance(call, ast.Call):
            continue
        for keyword in call.keywords:
            if keyword.arg == "verify" and cell.locate(keyword).range == found:
                edit = argument_removed(cell, call, keyword)
                if edit is not None:
                    yield Fix("leave out `verify=False`", (edit,), Applicability.UNSAFE)


def _safe_loader(cell: CodeCell, tree: ast.Module, found: Range) -> Iterator[Fix]:
    """Call `safe_load`, where no loader is named."""
    for call in _calls(cell, tree, found):
        match call:
            case ast.Call(func=ast.Attribute(value=module, attr="load"), args=[_], keywords=[]):
                end, stop = cell.locate(module).range.end, cell.locate(call.func).range.end
                edit = Edit(cell.location(*end, *stop), ".safe_load")
                yield Fix("call `safe_load`", (edit,), Applicability.UNSAFE)


def _archive_filter(cell: CodeCell, tree: ast.Module, found: Range) -> Iterator[Fix]:
    """Let the archive write below its folder only."""
    for call in _calls(cell, tree, found):
        if all(each.arg not in (None, "filter", "members") for each in call.keywords):
            edit = argument_added(cell, call, 'filter="data"')
            if edit is not None:
                yield Fix('pass `filter="data"`', (edit,), Applicability.UNSAFE)


def _calls(cell: CodeCell, tree: ast.Module, found: Range) -> Iterator[ast.Call]:
    """Yield the call that was found: ruff marks what is called, the whole, or an argument."""
    for node in nodes(tree):
        if isinstance(node, ast.Call) and any(
            cell.locate(each).range == found for each in (node.func, node, *node.keywords)
        ):
            yield node


_OURS = {"S113": _timeout, "S202": _archive_filter, "S501": _verification, "S506": _safe_loader}
