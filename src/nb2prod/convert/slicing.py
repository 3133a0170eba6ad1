"""Slicing (``--only``): the statements a result needs, backwards over the dataflow, effects included."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING

from nb2prod.convert.effects import EffectsOf
from nb2prod.convert.magics import Drop, Install, bound_names, translate
from nb2prod.convert.plan import Dropped, Moved, moved_items, without
from nb2prod.convert.sharing import Sharing
from nb2prod.convert.translate import keeps_figures
from nb2prod.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from nb2prod.analysis import Analysis
    from nb2prod.convert.plan import Plan
    from nb2prod.dataflow.model import Statement
    from nb2prod.notebook.model import CodeCell, Notebook


def slice_plan(start: Plan, whole: Plan, analysis: Analysis) -> Plan:
    """Return ``start``, a plan no pass has seen, with only what ``--only`` and ``--keep`` name and what that needs.

    whole  the plan of the whole notebook: displayed values have their names there

    Raises ConfigurationError for a name, number or tag that there is not.
    """
    effects_of = EffectsOf(analysis)
    wanted = _wanted(whole, analysis, effects_of)
    needed = _needed(wanted, whole.options.only, analysis, effects_of) | _without_effect(analysis)
    gone = frozenset(each.index for each in analysis.statements()) - needed
    reason = f"not needed for {', '.join(f'`{each}`' for each in whole.options.only)}"
    dropped = tuple(Dropped(each, reason) for each in analysis.statements() if each.index in gone)
    steps = (
        replace(
            step,
            items=tuple(item for item in step.items if not isinstance(item, Moved) or item.statement.index not in gone),
        )
        for step in start.steps
    )
    return replace(
        start,
        notebook=without_code(start.notebook, [each.statement for each in dropped]),
        steps=tuple(step for step in steps if step.items),
        dropped=dropped,
        sliced=gone,
    )


def _wanted(whole: Plan, analysis: Analysis, effects_of: EffectsOf) -> frozenset[int]:
    """Return the statements that the options name, by index.

    A name is a variable, with all that is bound to it and changes it up to the end of the notebook, or a
    displayed value.
    """
    options, statements = whole.options, analysis.statements()
    after = analysis.flow.after()
    shown = {item.shown: item.statement.index for item in moved_items(whole) if item.shown}
    found: set[int] = set()
    for each in options.only:
        if each in after:
            made = [
                one
                for one in after[each]
                if one.kind != "mutate" or _changes(one.statement, each, analysis, effects_of)
            ]
            found |= {one.statement for one in made}
        elif each in shown:
            found.add(shown[each])
        elif each.isdecimal():
            found |= _of_cells("--only", each, statements, lambda cell, number: str(cell.number) == number)
        else:
            msg = f"--only {each}: at its end the notebook has no variable of this name, and it displays no value of it"
            raise ConfigurationError(msg)
    return frozenset(found) | kept_statements(options.keep, analysis)


def kept_statements(keep: Collection[str], analysis: Analysis) -> frozenset[int]:
    """Return the statements of the cells that ``--keep`` names, by index; raises ConfigurationError as above."""
    found: set[int] = set()
    for each in keep:
        statements = analysis.statements()
        found |= _of_cells("--keep", each, statements, lambda cell, word: word in {str(cell.number), *cell.tags})
    return frozenset(found)


def _changes(index: int, name: str, analysis: Analysis, effects_of: EffectsOf) -> bool:
    return name in effects_of.of(analysis.statements()[index]).changes


def _of_cells(
    option: str, wanted: str, statements: Collection[Statement], matches: Callable[[CodeCell, str], bool]
) -> set[int]:
    found = {each.index for each in statements if matches(each.cell, wanted)}
    if not found:
        raise ConfigurationError(
            f"{option} {wanted}: no cell with code has this number{' or tag' if option == '--keep' else ''}"
        )
    return found


def _needed(
    wanted: Collection[int], names: Collection[str], analysis: Analysis, effects_of: EffectsOf
) -> frozenset[int]:
    """Return ``wanted`` and every statement without which they, or ``names`` at the end, might be other, by index.

    Those are the statements whose definitions reach a use; those that may change, in place, an object
    that can be seen through a name that is read; and those that write what a kept one below reads of
    what all share: a generator of random numbers, files, settings, the figure of the same cell, and
    the outside. What is not known to be harmless stays.
    """
    statements = analysis.statements()
    sharing = Sharing(analysis, effects_of)
    effects = [effects_of.of(each) for each in statements]
    changed = [sharing.changed(each.changes, deep=each.deep) if each.changes else frozenset() for each in effects]
    closing = not keeps_figures(analysis.notebook)
    # Names that may hold a figure: through them it is drawn on in other cells.
    drawn = {one.name for each in statements if "figures" in effects[each.index].writes for one in each.definitions}
    drawn = {name for name in drawn if not effects_of.module(name)}
    needed: set[int] = set()
    # What is asked for is the value at the end: all that changes it on the way there counts.
    at_the_end = sharing.seen_through(name for name in names if name in analysis.flow.after())
    waiting = [*wanted, *(index for index, each in enumerate(changed) if not each.isdisjoint(at_the_end))]
    while waiting:
        index = waiting.pop()
        if index in needed:
            continue
        needed.add(index)
        statement = statements[index]
        waiting += [
            each.statement
            for use in statement.uses
            for each in analysis.flow.reaching(use)
            if each.kind != "mutate" or each.name in effects[each.statement].changes
        ]
        seen = sharing.seen_through(_read(statement))
        for earlier in range(index):
            shared = effects[earlier].writes & effects[index].reads
            if closing and statements[earlier].cell is not statement.cell and _read(statement).isdisjoint(drawn):
                shared -= {"figures"}  # the kernel closes them where a cell ends
            if shared or not changed[earlier].isdisjoint(seen) or _binds_anything(statements[earlier]):
                waiting.append(earlier)
    return frozenset(needed)


def _read(statement: Statement) -> set[str]:
    return {use.name for use in statement.uses} | {each.name for each in statement.definitions if each.kind == "mutate"}


def _binds_anything(statement: Statement) -> bool:
    """Return whether nobody knows what a statement binds: a star import, ``exec``, a cell that is no Python."""
    return (
        statement.dynamic
        or statement.cell.problem is not None
        or any(each.kind == "star" for each in statement.definitions)
    )


def _without_effect(analysis: Analysis) -> frozenset[int]:
    """Return the magics that conversion leaves out by itself, or makes dependencies of."""
    bound = bound_names(analysis.notebook)
    return frozenset(
        each.index
        for each in analysis.statements()
        if each.magic is not None and isinstance(translate(each.magic, each.cell, bound), (Drop, Install))
    )


def left_out(plan: Plan, dropped: Collection[Dropped]) -> Plan:
    """Return ``plan`` without the statements of ``dropped``, which it says why it lacks."""
    gone = frozenset(each.statement.index for each in dropped)
    return replace(
        without(plan, gone),
        notebook=without_code(plan.notebook, [each.statement for each in dropped]),
        dropped=(*plan.dropped, *dropped),
        sliced=plan.sliced | gone,
    )


def without_code(notebook: Notebook, statements: Collection[Statement]) -> Notebook:
    """Return the notebook without the code of ``statements``: its other passes look at what is left."""
    gone = {id(each.node) for each in statements}
    magics = {id(each.magic) for each in statements if each.magic is not None}
    touched = {each.cell.index for each in statements}

    def rest(cell: CodeCell) -> CodeCell:
        body = [node for node in cell.tree.body if id(node) not in gone] if cell.tree is not None else []
        left = tuple(magic for magic in cell.magics if id(magic) not in magics)
        return cell._replace(tree=ast.Module(body, []), magics=left)

    cells = {cell.index: rest(cell) for cell in notebook.code_cells if cell.index in touched}
    return notebook._replace(cells=tuple(cells.get(cell.index, cell) for cell in notebook.cells))
