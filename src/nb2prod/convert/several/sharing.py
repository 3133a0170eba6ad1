"""What several notebooks define alike: functions, classes and constants that stand once in the package."""

from __future__ import annotations

import ast
import builtins
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nb2prod.convert.emit.imports import sortable_imports
from nb2prod.convert.emit.pipeline import import_of
from nb2prod.convert.emit.statements import snippet
from nb2prod.convert.plan import Import, Moved, moved_items
from nb2prod.convert.several.layout import SHARED
from nb2prod.notebook.parse import parse_code

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from nb2prod.convert.plan import Function, Plan

_WORD = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True, slots=True)
class Shared:
    """A definition that several notebooks have alike.

    function  as the first of them has it
    plans     their places among the notebooks
    """

    function: Function
    plans: frozenset[int]


def find_shared(plans: Sequence[Plan]) -> tuple[Shared, ...]:
    """Return what several notebooks define alike, in an order in which each finds what it reads above it.

    Alike are definitions whose code is the same, comments aside, and for which every name they read means the
    same: the same import, another definition that is shared, or a builtin.
    """
    chosen: dict[str, Shared] = {}
    for at, plan in enumerate(plans):
        for each in plan.functions:
            found = [other for other, that in enumerate(plans) if _meaning(each) in map(_meaning, _named(that, each))]
            if len(found) > 1 and found[0] == at and each.name not in chosen:
                chosen[each.name] = Shared(each, frozenset(found))
    while True:
        kept = {name: each for name, each in chosen.items() if _stands_alone(each, plans, chosen)}
        if len(kept) == len(chosen):
            return tuple(kept.values())
        chosen = kept


def without_shared(plan: Plan, at: int, shared: Sequence[Shared]) -> Plan:
    """Return the plan of the notebook at place ``at`` with what is shared imported, without what only that needs."""
    names = {each.function.name for each in shared if at in each.plans}
    if not names:
        return plan
    rest = tuple(each for each in plan.functions if each.name not in names)
    left = replace(plan, functions=rest)
    read = set(_read_names(left))
    taken = {name for each in shared if at in each.plans for name in _global_names(each.function)}
    imports = [each for one in plan.imports if (each := _still_needed(one, taken - read)) is not None]
    wanted = sorted(names & read)
    if wanted:
        imports.append(Import(tuple(wanted), f"from {plan.root}.{SHARED} import {', '.join(wanted)}", None))
    if any(each.function.kind == "class" for each in shared if at in each.plans):
        own = f"`{plan.package}.steps.…`"
        notes = tuple(note.replace(own, f"`{plan.root}.{SHARED}.…` or {own}") for note in plan.notes)
        left = replace(left, notes=notes)
    used = {*(each.module for each in rest), *(step.module for step in plan.steps)}
    modules = tuple(each for each in plan.modules if each.name in used)
    return replace(left, imports=tuple(imports), modules=modules or plan.modules)


def shared_imports(plans: Sequence[Plan], shared: Sequence[Shared]) -> tuple[Import, ...]:
    """Return the imports that what is shared needs, each name once."""
    found: dict[str, Import] = {}
    for each in shared:
        plan = plans[min(each.plans)]
        for name in sorted(_global_names(each.function)):
            for one in _imports_of(plan, name):
                text = import_of({name}, one.text)
                found[text] = Import((name,), text, None)
        for one in plan.imports:
            if one.text.startswith("from __future__"):
                found[one.text] = one
    return tuple(sorted(found.values(), key=lambda one: not one.text.startswith("from __future__")))


def _named(plan: Plan, function: Function) -> list[Function]:
    return [each for each in plan.functions if each.name == function.name]


def _meaning(function: Function) -> str:
    tree, _ = parse_code(snippet(function.moved).code)
    return f"{function.kind} {function.lifted} {ast.dump(tree) if tree is not None else ''}"


def _stands_alone(each: Shared, plans: Sequence[Plan], chosen: Mapping[str, Shared]) -> bool:
    """Return whether every name a definition reads is found in the module of what is shared, and means the same."""
    own = [plans[at] for at in sorted(each.plans)]
    text = snippet(each.function.moved).code
    if any(withheld.text in text for plan in own for withheld in plan.withheld):
        return False
    if len({tuple(one.text for one in plan.imports if one.text.startswith("from __future__")) for plan in own}) > 1:
        return False
    for name in _global_names(each.function):
        if any(name == one.name for plan in own for one in plan.functions):
            if name not in chosen or not each.plans <= chosen[name].plans:
                return False
        elif not _same_import(name, own) and not _is_builtin(name, own):
            return False
    return True


def _same_import(name: str, plans: Collection[Plan]) -> bool:
    """Return whether a name is the same plain import in all plans, and no other import has to come before it."""
    texts = [[import_of({name}, one.text) for one in _imports_of(plan, name)] for plan in plans]
    return (
        all(len(found) == 1 and found == texts[0] for found in texts)
        and not texts[0][0].startswith("try")
        and all(sortable_imports(plan) for plan in plans)
    )


def _is_builtin(name: str, plans: Collection[Plan]) -> bool:
    stars = any("*" in one.binds for plan in plans for one in plan.imports)
    bound = any(name in one.binds for plan in plans for one in plan.imports)
    return hasattr(builtins, name) and not stars and not bound


def _imports_of(plan: Plan, name: str) -> list[Import]:
    # ``import re, csv`` is an import each, and both say that they bind both names.
    return [one for one in plan.imports if name in one.binds and import_of({name}, one.text)]


def _global_names(function: Function) -> set[str]:
    """Return the names a definition reads at module level: all but its own and what it takes as arguments."""
    return set(_names_of(function.moved)) - {function.name, *function.lifted}


def _read_names(plan: Plan) -> Iterator[str]:
    """Yield the names that the steps and definitions of a plan read, and those their annotations name."""
    for item in (*moved_items(plan), *(each.moved for each in plan.functions)):
        yield from _names_of(item)
    for step in plan.steps:
        for _, text in (*step.argument_types, *step.result_types):
            yield from (node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name))


def _names_of(item: Moved) -> Iterator[str]:
    yield from (use.name for use in item.statement.uses)
    for each in item.replacements:
        yield from each.names
        # What stands in place of a magic or a call may read names the notebook's own code does not.
        yield from _WORD.findall(each.text)


def _still_needed(one: Import, gone: Collection[str]) -> Import | None:
    """Return an import without the names that only the shared definitions read; None where none is left."""
    left = tuple(name for name in one.binds if name not in gone)
    if left == one.binds:
        return one
    text = import_of(set(left), one.text) if left else ""
    return replace(one, binds=left, text=text) if text else None
