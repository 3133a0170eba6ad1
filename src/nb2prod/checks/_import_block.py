"""The imports at the top of a notebook: where another line goes, and which late imports can join them."""

from __future__ import annotations

import ast
import builtins
import sys
from typing import TYPE_CHECKING

from nb2prod.diagnostics import Applicability, Edit, Fix, RemoveCell
from nb2prod.edits import newline, without_lines
from nb2prod.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nb2prod.analysis import Analysis
    from nb2prod.dataflow.model import Statement
    from nb2prod.diagnostics import Change
    from nb2prod.notebook.model import CodeCell

_END_OF_LINE = lazy_pattern(r"[ \t]*(?:#.*)?$")
# What decides which modules are found, and what some of them read when they are loaded.
_DECIDES = ("sys.path", "sys.modules", "sys.meta_path", "os.environ", "os.putenv", "os.chdir", "site.", "importlib.")
# Words that are in any of these, to look at few notebooks closely.
_HINTS = ("path", "modules", "environ", "putenv", "chdir", "site", "importlib")
_MAGICS_THAT_DECIDE = frozenset({"cd", "pushd", "popd", "env", "set_env", "pip", "conda", "mamba", "load_ext"})
# Modules of the standard library that do something when they are imported.
_ACTING = frozenset({"__future__", "antigravity", "this", "idlelib", "readline", "site", "turtledemo"})


def below_imports(analysis: Analysis, statement: Statement, lines: str) -> Edit | None:
    """Return the edit that adds lines below the imports that ``statement`` stands among, in its cell."""
    for following in analysis.statements()[statement.index + 1 :]:
        if following.cell is not statement.cell or not isinstance(following.node, (ast.Import, ast.ImportFrom)):
            break
        statement = following
    cell, end = statement.cell, statement.location.range.end
    if not _END_OF_LINE.match(cell.lines[end.line - 1][end.column - 1 :]):
        return None
    return Edit(cell.location(end.line, len(cell.lines[end.line - 1]) + 1), f"{newline(cell)}{lines}")


def gathering(analysis: Analysis, late: Sequence[Statement], working: int) -> Fix | None:
    """Return the fix that moves the ``late`` imports to the top; None unless they surely bind the same there.

    The top is below the first imports, or the beginning of the cell with the number ``working``, the first
    that does something.
    """
    if any(each.dynamic or any(one.kind == "star" for one in each.definitions) for each in analysis.statements()):
        return None
    early = [each for each in analysis.statements() if each.cell.index <= working and _is_import(each)]
    first = early[0].cell if early else analysis.notebook.cells[working - 1]
    if not all(_is_movable(analysis, each) for each in late) or _is_decided(analysis, first.index, late[-1]):
        return None
    written = {ast.unparse(each.node) for each in early if each.cell is first}
    lines = dict.fromkeys(_text(each) for each in late if ast.unparse(each.node) not in written)
    top = _at_top(analysis, early, working, list(lines))
    changes: list[Change] = [] if top is None else [top]
    if lines and top is None:
        return None
    for cell in {each.cell.index: each.cell for each in late}.values():
        taken = list(_without(cell, [each for each in late if each.cell is cell]))
        if not taken:
            return None
        changes += taken
    return Fix("move the imports to the top", tuple(changes), Applicability.UNSAFE)


def _is_import(statement: Statement) -> bool:
    return isinstance(statement.node, (ast.Import, ast.ImportFrom))


def _at_top(analysis: Analysis, early: Sequence[Statement], working: int, lines: Sequence[str]) -> Edit | None:
    if not lines:
        return None
    if early:
        return below_imports(analysis, early[0], newline(early[0].cell).join(lines))
    cell = analysis.notebook.code_cells[[each.index for each in analysis.notebook.code_cells].index(working)]
    if any(magic.kind == "cell" for magic in cell.magics):
        return None
    return Edit(cell.location(), "".join(f"{line}{newline(cell)}" for line in lines))


def _is_movable(analysis: Analysis, statement: Statement) -> bool:
    """Whether the import does nothing but bind names, which mean that module wherever they are read."""
    node = statement.node
    if isinstance(node, ast.ImportFrom):
        modules = [f"{node.module}.{each.name}" for each in node.names] if node.module and not node.level else ["."]
    else:
        modules = [each.name for each in node.names] if isinstance(node, ast.Import) else ["."]
    return all(_is_pure(analysis, name) for name in modules) and all(
        _means_one_thing(analysis, statement, each.name, each.qualified) for each in statement.definitions
    )


def _is_pure(analysis: Analysis, module: str) -> bool:
    root = module.partition(".")[0]
    return analysis.libraries.pure_import(module) or (root in sys.stdlib_module_names and root not in _ACTING)


def _means_one_thing(analysis: Analysis, statement: Statement, name: str, module: str | None) -> bool:
    """Whether nothing else is ever bound to ``name``, and nothing above reads it."""
    for each in analysis.statements():
        if any(one.name == name and one.qualified != module and one.kind != "mutate" for one in each.definitions):
            return False
        if each.index < statement.index and any(use.name == name and not use.deferred for use in each.uses):
            return any(one.name == name for early in analysis.statements()[: each.index] for one in early.definitions)
    return not hasattr(builtins, name)


def _is_decided(analysis: Analysis, first: int, last: Statement) -> bool:
    """Whether something between the top and the last late import decides what is found, or installs it."""
    for cell in analysis.notebook.code_cells:
        if first <= cell.index <= last.cell.index and any(
            magic.kind in ("shell", "cell") or magic.name in _MAGICS_THAT_DECIDE for magic in cell.magics
        ):
            return True
    if not any(word in cell.source for cell in analysis.notebook.code_cells for word in _HINTS):
        return False
    return any(
        (analysis.qualified_name(node) or "").startswith(_DECIDES)
        for statement in analysis.statements()[: last.index]
        for node in analysis.nodes_of(statement.node, ast.Attribute)
    )


def _text(statement: Statement) -> str:
    """Return the lines of an import with the comment at their end."""
    where = statement.location.range
    return newline(statement.cell).join(statement.cell.lines[where.start.line - 1 : where.end.line])


def _without(cell: CodeCell, imports: Sequence[Statement]) -> Iterator[Edit | RemoveCell]:
    """Yield what takes imports out of their cell; nothing where something else is on their lines."""
    gone: set[int] = set()
    for each in imports:
        start, end = each.location.range
        if start.column > 1 or not _END_OF_LINE.match(cell.lines[end.line - 1][end.column - 1 :]):
            return
        gone.update(range(start.line, end.line + 1))
    left = [number for number, line in enumerate(cell.lines, 1) if number not in gone and line.strip()]
    if left:
        # Blank lines between the imports and what follows them go too where nothing else is above.
        blank = {number for number in range(1, left[0]) if number > min(gone)} if left[0] > min(gone) else set()
        yield from without_lines(cell, gone | blank)
    else:
        yield RemoveCell(cell.index)
