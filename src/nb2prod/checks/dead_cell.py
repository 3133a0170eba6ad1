"""dead-cell: a cell defines what nothing uses, and does nothing else."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from nb2prod.checks._dead_code import never_reached, outdated
from nb2prod.checks._table_methods import is_of_table
from nb2prod.diagnostics import Applicability, Finding, Fix, RemoveCell
from nb2prod.libraries import UNKNOWN, effects_given
from nb2prod.notebook.tree import nodes
from nb2prod.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis, Call
    from nb2prod.dataflow.model import Definition, Statement
    from nb2prod.notebook.model import CodeCell

_HARMLESS = frozenset({"pure", "does-not-retain", "predict", "score", "transform", "read-file"})
_EXPORTED = lazy_pattern(r"^\s*#\s*\|?\s*export", re.IGNORECASE | re.MULTILINE)
_MOST_NAMES = 3


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield each such cell; never the last one with code, whose result may be all the notebook is for."""
    code = [cell for cell in analysis.notebook.code_cells if cell.source.strip()]
    yield from never_reached(analysis)
    yield from outdated(analysis, code)
    # Code nobody can see may read any name, and so may a cell that could not be parsed.
    if any(cell.tree is None for cell in code) or any(each.dynamic for each in analysis.statements()):
        return
    by_cell: dict[int, list[Statement]] = {}
    for statement in analysis.statements():
        by_cell.setdefault(statement.cell.index, []).append(statement)
    computing = [cell for cell in code if by_cell.get(cell.index)]
    candidates = [cell for cell in computing[:-1] if _only_defines(cell, by_cell[cell.index])]
    if not candidates:
        return
    calls: dict[int, list[Call]] = {}
    for call in analysis.calls():
        calls.setdefault(call.cell.index, []).append(call)
    mentioned = {word for cell in code for magic in cell.magics for word in re.findall(r"\w+", magic.argument)}
    for cell in candidates:
        definitions = [each for statement in by_cell[cell.index] for each in statement.definitions]
        names = list(dict.fromkeys(each.name for each in definitions))
        if (
            not any(_is_used(analysis, each) for each in definitions)
            and mentioned.isdisjoint(names)
            and all(
                call.deferred or _is_harmless(call) or is_of_table(analysis, call) for call in calls.get(cell.index, ())
            )
        ):
            some = ", ".join(f"`{name}`" for name in names[:_MOST_NAMES]) + (", …" if len(names) > _MOST_NAMES else "")
            message = f"nothing uses {some}, and the cell does nothing else; delete it, or use what it makes"
            fix = Fix("remove the cell", (RemoveCell(cell.index),), Applicability.UNSAFE)
            yield Finding(by_cell[cell.index][0].location, message, fix=fix)


def _only_defines(cell: CodeCell, statements: list[Statement]) -> bool:
    """Whether a cell is made of plain assignments to its own names, which nobody outside asks for.

    Functions and classes are what other notebooks and modules take from this one.
    """
    if cell.magics or "parameters" in cell.tags or ("export" in cell.source.lower() and _EXPORTED.search(cell.source)):
        return False
    waits = "await" in cell.source or "yield" in cell.source
    for statement in statements:
        match statement.node:
            case ast.Assign(targets=targets):
                if not all(_is_name(each) for each in targets):
                    return False
            case ast.AnnAssign(target=ast.Name(), value=ast.expr()):
                pass
            case _:
                return False
        if any(each.kind in ("mutate", "delete", "import") for each in statement.definitions):
            return False
        if waits and any(isinstance(each, (ast.Await, ast.Yield, ast.YieldFrom)) for each in nodes(statement.node)):
            return False
    return True


def _is_name(node: ast.expr) -> bool:
    """Whether a target is a variable, or a tuple of such; `_` and names of modules mean something to others."""
    if isinstance(node, ast.Tuple):
        return all(_is_name(each) for each in node.elts)
    return isinstance(node, ast.Name) and not node.id.startswith("_")


def _is_used(analysis: Analysis, definition: Definition) -> bool:
    """Whether another cell reads what is defined, in either order, or a test of the project names it.

    A cell further up that reads a name nothing has set there can mean this cell only, whatever the counts say.
    """
    for flow in (analysis.flow, analysis.recorded):
        if flow is not None and any(use.cell is not definition.cell for use in flow.uses(definition)):
            return True
    above = (each for each in analysis.statements() if each.cell.index < definition.cell.index)
    same = (use for statement in above for use in statement.uses if use.name == definition.name)
    if any(not analysis.flow.reaching(use) for use in same):
        return True
    return analysis.project is not None and definition.name in analysis.project.test_names()


def _is_harmless(call: Call) -> bool:
    """Whether a call is known to do nothing beyond giving its value; a draw moves the generator on."""
    if call.info is None:
        return False
    values = {name: each.value if isinstance(each, ast.Constant) else UNKNOWN for name, each in call.arguments.items()}
    effects = effects_given(call.info, values, if_unknown=True)
    return bool(effects) and effects <= _HARMLESS
