"""scattered-imports: imports stand in the middle of the notebook, below code that has already run."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.checks._import_block import gathering
from nb2prod.diagnostics import Finding, Related

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.dataflow.model import Statement

_SHOWN = 5
# What has to come before an import if it is there at all, and settings that may stand anywhere.
_SETTINGS = ("sys.path", "os.environ", "os.putenv", "os.chdir", "site.", "warnings.", "matplotlib.")
_SETS = frozenset({"global-setting", "seed"})


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield the first late import, with the cells of the others."""
    if not _has_late_imports(analysis):
        return
    working: int | None = None
    late: list[Statement] = []
    for statement in analysis.statements():
        if isinstance(statement.node, (ast.Import, ast.ImportFrom)):
            if working is not None and statement.cell.index > working:
                late.append(statement)
        elif _prepares(analysis, statement):
            # What is imported below may need it.
            if _changes_imports(statement):
                return
        elif working is None and _works(statement):
            working = statement.cell.index
    if late:
        first = late[0]
        cells = list(dict.fromkeys(each.cell.index for each in late if each.cell is not first.cell))
        message = f"imported below cell {working}, which has already done something; collect imports in the first cell"
        if cells:
            shown = ", ".join(map(str, cells[:_SHOWN])) + (f" and {len(cells) - _SHOWN} more" if cells[_SHOWN:] else "")
            message += f" (also in cell{'s' if len(cells) > 1 else ''} {shown})"
        seen = {first.cell.index: first} | {each.cell.index: each for each in reversed(late)}
        related = tuple(Related(seen[index].location, "a late import") for index in cells[:_SHOWN])
        yield Finding(first.location, message, related, gathering(analysis, late, working or 0))


def _has_late_imports(analysis: Analysis) -> bool:
    """Whether any import stands in a cell below one with anything else: a look before each statement is judged."""
    first: int | None = None
    for statement in analysis.statements():
        if not isinstance(statement.node, (ast.Import, ast.ImportFrom)):
            first = statement.cell.index if first is None else first
        elif first is not None and statement.cell.index > first:
            return True
    return False


def _works(statement: Statement) -> bool:
    """Whether a statement computes something: no text alone, no function or constant, no guarded import.

    A cell with shell lines prepares the machine, and imports wait for what it installs.
    """
    if any(magic.kind == "shell" or magic.name in ("pip", "conda") for magic in statement.cell.magics):
        return False
    match statement.node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef() | ast.Try() | ast.If():
            return False
        case ast.Expr(value=ast.Constant()) | ast.Assign(value=ast.Constant()):
            return False
    return statement.magic is None


def _prepares(analysis: Analysis, statement: Statement) -> bool:
    """Whether a statement changes settings, which imports below may depend on."""
    match statement.node:
        case ast.Expr(value=ast.Call(func=changed)):
            pass
        case ast.Assign(targets=[ast.Subscript(value=changed) | ast.Attribute(value=changed)]):
            pass
        case _:
            return False
    name = analysis.qualified_name(changed) or ""
    info = analysis.libraries.call(name)
    return name.startswith(_SETTINGS) or (info is not None and not _SETS.isdisjoint(info.effects))


def _changes_imports(statement: Statement) -> bool:
    """Whether a statement changes where imports look."""
    if not any(word in statement.cell.source for word in ("path", "site", "chdir")):
        return False
    code = ast.unparse(statement.node)
    return any(name in code for name in ("sys.path", "site.", "chdir"))
