"""Passes that keep the meaning of what a function does not hold as a module does."""

from __future__ import annotations

import ast
import builtins
from dataclasses import replace
from typing import TYPE_CHECKING

from nb2prod.convert.naming import notebook_names
from nb2prod.convert.plan import Dropped, Import, Item, Moved, Plan, Replacement, Step, map_moved
from nb2prod.convert.stars import star_line
from nb2prod.dataflow.paths import is_guarded
from nb2prod.notebook.location import Range

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nb2prod.analysis import Analysis
    from nb2prod.dataflow.model import Statement, Use
    from nb2prod.notebook.location import Position


# Both name the module in the kernel's namespace. In a module ``__builtins__`` is a dictionary, the other is nothing.
_BUILTIN, _BUILTINS = "__builtin__", "__builtins__"


def _builtins(analysis: Analysis) -> Import:
    """Return the import of the module of builtins, by a name that is no variable of the notebook."""
    if notebook_names(analysis).isdisjoint({"builtins", _BUILTIN}):
        return Import(("builtins",), "import builtins", None)
    return Import((_BUILTIN,), f"import builtins as {_BUILTIN}", None)


def keep_main(plan: Plan, analysis: Analysis) -> Plan:
    """Keep what is true of ``__main__``: its names, ``global`` without effect, cells that may raise."""
    dropped = list(plan.dropped)
    builtins_import, reads_builtins = _builtins(analysis), False

    def kept(item: Moved) -> Moved | None:
        nonlocal reads_builtins
        if item.refused:
            return item
        statement = item.statement
        if isinstance(statement.node, ast.Global):
            dropped.append(Dropped(statement, "at module level it does nothing"))
            return None
        replacements = list(item.replacements)
        replacements.extend(
            Replacement(use.location.range, '"__main__"')
            for use in statement.uses
            if use.name == "__name__" and isinstance(use.node, ast.Name)
        )
        builtin = [
            use
            for use in statement.uses
            if use.name in (_BUILTIN, _BUILTINS) and isinstance(use.node, ast.Name) and not analysis.flow.reaching(use)
        ]
        (module,) = builtins_import.binds
        replacements.extend(Replacement(use.location.range, module) for use in builtin if use.name != module)
        reads_builtins = reads_builtins or bool(builtin)
        replacements.extend(
            # A name that is gone is missing by other words where it is a local variable: so in no scope at all.
            Replacement(use.location.range, f'eval("{use.name}", {{}})')
            for use in statement.uses
            if _is_asked_for(use, statement, analysis)
        )
        replacements.extend(
            Replacement(statement.cell.locate(node).range, "pass")
            for node in _globals_outside_functions(statement.node)
        )
        guarded = "raises-exception" in statement.cell.tags
        return replace(item, replacements=tuple(replacements), guarded=guarded)

    steps = map_moved(plan, kept)
    imports = (*plan.imports, builtins_import) if reads_builtins else plan.imports
    return replace(plan, steps=steps, dropped=tuple(dropped), imports=imports)


def _is_asked_for(use: Use, statement: Statement, analysis: Analysis) -> bool:
    """Return whether a name that surely means nothing is read where the exception is told: ``except … as error``."""
    if not isinstance(use.node, ast.Name) or use.deferred or hasattr(builtins, use.name):
        return False
    if not is_guarded(statement.node, use.node) or analysis.flow.reaching(use):
        return False
    named = any(isinstance(node, ast.ExceptHandler) and node.name for node in ast.walk(statement.node))
    every = (each for other in analysis.flow.statements for each in other.definitions)
    return named and any(each.name == use.name for each in every)


def _globals_outside_functions(node: ast.stmt) -> Iterable[ast.Global]:
    pending: list[ast.AST] = [node]
    while pending:
        current = pending.pop()
        if isinstance(current, ast.Global):
            yield current
        elif not isinstance(current, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.expr)):
            pending.extend(ast.iter_child_nodes(current))


def keep_globals(plan: Plan, _analysis: Analysis) -> Plan:
    """Turn ``global x`` of functions inside a step into ``nonlocal x``: the step holds the variable now."""

    def rewritten(step: Step) -> Step:
        moved = [item for item in step.items if isinstance(item, Moved)]
        bound = set(step.arguments) | {
            definition.name
            for item in moved
            for definition in item.statement.definitions
            if definition.kind not in ("mutate", "star")
        }
        items: list[Item] = []
        for item in step.items:
            if not isinstance(item, Moved) or not item.statement.global_writes:
                items.append(item)
                continue
            statement = item.statement
            replacements = list(item.replacements)
            replacements.extend(
                Replacement(statement.cell.locate(node).range, f"nonlocal {', '.join(node.names)}")
                for node in ast.walk(statement.node)
                if isinstance(node, ast.Global)
            )
            missing = dict.fromkeys(each.name for each in statement.global_writes if each.name not in bound)
            if missing:
                # An annotation without a value makes the name the step's own and leaves it unbound.
                bound.update(missing)
                text = "".join(f"{name}: object\n" for name in missing)
                start = _start(statement)
                replacements.append(Replacement(Range(start, start), text))
            items.append(replace(item, replacements=tuple(replacements)))
        return replace(step, items=tuple(items))

    return replace(plan, steps=tuple(rewritten(step) for step in plan.steps))


def keep_shadowed_builtins(plan: Plan, analysis: Analysis) -> Plan:
    """Give a step that reads a builtin and binds its name later a variable that starts as the builtin.

    So it is with names that a star import has bound. Likewise ``del list`` brings the builtin back at module level,
    so it becomes an assignment of it.
    """
    builtins_import, needs_import = _builtins(analysis), False
    (module,) = builtins_import.binds

    def rewritten(step: Step) -> Step:
        nonlocal needs_import
        made: set[str] = set()
        early: dict[str, str] = {}
        defined = {
            definition.name
            for item in step.items
            if isinstance(item, Moved)
            for definition in item.statement.definitions
            if definition.kind not in ("mutate", "star")
        }
        for item in step.items:
            if isinstance(item, Moved):
                for use in item.statement.uses:
                    if not use.exposed or use.name not in defined - made:
                        continue
                    if line := star_line(use, analysis):
                        early.setdefault(use.name, line)
                    elif hasattr(builtins, use.name):
                        early[use.name] = f"{use.name} = {module}.{use.name}"
                made.update(each.name for each in item.statement.definitions if each.certain)
        for name in step.arguments:
            early.pop(name, None)
        items = tuple(_restored(item, module) if isinstance(item, Moved) else item for item in step.items)
        step = replace(step, items=items)
        needs_import = needs_import or any(f"{module}." in each.text for each in _replacements(step))
        if not early:
            return step
        needs_import = needs_import or any(f" = {module}." in line for line in early.values())
        first, head = next((at, item) for at, item in enumerate(step.items) if isinstance(item, Moved))
        start = _start(head.statement)
        text = "".join(f"{line}\n" for line in early.values())
        changed = replace(head, replacements=(*head.replacements, Replacement(Range(start, start), text)))
        return replace(step, items=(*step.items[:first], changed, *step.items[first + 1 :]))

    steps = tuple(rewritten(step) for step in plan.steps)
    imports = (*plan.imports, builtins_import) if needs_import else plan.imports
    return replace(plan, steps=steps, imports=imports)


def _replacements(step: Step) -> Iterable[Replacement]:
    return (each for item in step.items if isinstance(item, Moved) for each in item.replacements)


def _restored(item: Moved, module: str) -> Moved:
    """Return a ``del`` of names that shadow builtins as what it does: the builtins are back."""
    statement = item.statement
    if not isinstance(statement.node, ast.Delete):
        return item
    targets = statement.node.targets
    names = [target.id for target in targets if isinstance(target, ast.Name)]
    if len(names) < len(targets) or not any(hasattr(builtins, name) for name in names):
        return item
    parts = [f"{name} = {module}.{name}" if hasattr(builtins, name) else f"del {name}" for name in names]
    return replace(item, replacements=(*item.replacements, Replacement(statement.location.range, "; ".join(parts))))


def _start(statement: Statement) -> Position:
    """Return where a statement starts, the ``@`` of its first decorator included."""
    node = statement.node
    decorators = getattr(node, "decorator_list", ())
    place = statement.cell.locate(decorators[0]).range.start if decorators else statement.location.range.start
    return place._replace(column=place.column - 1) if decorators else place
