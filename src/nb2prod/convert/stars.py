"""Star imports that give builtins another meaning: above them these mean what they always do.

A package has its imports at the top. ``max`` above ``from numpy import *`` is the builtin all the same.
"""

from __future__ import annotations

import ast
import builtins
import sys
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING

from nb2prod.convert.knowledge import knowledge
from nb2prod.convert.naming import notebook_names
from nb2prod.convert.plan import Import, Moved, Plan, Replacement, map_moved
from nb2prod.dataflow.paths import is_guarded
from nb2prod.starred import starred_modules, starred_name

if TYPE_CHECKING:
    from nb2prod.analysis import Analysis
    from nb2prod.dataflow.model import Statement, Use


def keep_builtins_above_stars(plan: Plan, analysis: Analysis) -> Plan:
    """Name the module of builtins where one is read above a star import that binds its name again.

    In a function that is where all statements that use the function stand above the star import.
    """
    stars = _stars(analysis)
    if not stars or "builtins" in notebook_names(analysis):
        return plan
    changed = False

    def kept(item: Moved) -> Moved:
        nonlocal changed
        found = [
            Replacement(use.location.range, f"builtins.{use.name}")
            for use in item.statement.uses
            if not item.refused and isinstance(use.node, ast.Name) and _is_above(use, item.statement, stars, analysis)
        ]
        changed = changed or bool(found)
        return replace(item, replacements=(*item.replacements, *found)) if found else item

    steps = map_moved(plan, kept)
    return (
        replace(plan, steps=steps, imports=(*plan.imports, Import(("builtins",), "import builtins", None)))
        if changed
        else plan
    )


def star_line(use: Use, analysis: Analysis) -> str:
    """Return the line that binds a name as the star imports above its use have; empty where none surely has."""
    above = [module for at, module in starred_modules(analysis.flow.statements) if at < use.statement]
    statement = analysis.flow.statements[use.statement]
    # Else it may be read only where the notebook has bound it, in a function or below a loop, or nothing has it.
    sure = (
        not use.deferred
        and all(each.kind == "star" for each in analysis.flow.reaching(use))
        and not is_guarded(statement.node, use.node)
        and "raises-exception" not in statement.cell.tags
    )
    if hasattr(builtins, use.name):
        above = [module for module in above if use.name in knowledge().stars.get(module, ())]
    elif not sure and starred_name(use, [(0, each) for each in above], analysis.libraries) is None:
        above = [each for each in above if each in sys.stdlib_module_names and hasattr(import_module(each), use.name)]
    modules = set(above)
    if len(modules) == 1 and "pylab" not in modules:
        return f"from {modules.pop()} import {use.name}"
    return f'{use.name} = globals()["{use.name}"]' if modules else ""


def _stars(analysis: Analysis) -> dict[str, int]:
    """Return the builtins that star imports bind, with the first statement that does."""
    found: dict[str, int] = {}
    for statement in analysis.flow.statements:
        match statement.node:
            case ast.ImportFrom(module=str(module), names=[ast.alias(name="*")], level=0):
                for name in knowledge().stars.get(module, ()):
                    found.setdefault(name, statement.index)
            case _:
                pass
    return found


def _is_above(use: Use, statement: Statement, stars: dict[str, int], analysis: Analysis) -> bool:
    """Return whether a use of a name is of the builtin, since it happens above the star import."""
    star = stars.get(use.name)
    if star is None or statement.index > star or not hasattr(builtins, use.name):
        return False
    if any(each.kind != "star" for each in analysis.flow.reaching(use)):
        return False
    if not use.deferred:
        return True
    names = {each.name for each in statement.definitions}
    users = [each.index for each in analysis.flow.statements if names & {other.name for other in each.uses}]
    return all(index < star for index in users if index != statement.index)
