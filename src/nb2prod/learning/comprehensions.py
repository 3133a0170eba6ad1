"""Comprehensions: what their elements are, item by item or once for all."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.learning.assignment import assign, literal_names
from nb2prod.learning.columns import ColumnNames, Columns
from nb2prod.learning.values import Changing, Data, Many, Sequence, Statistic, Unknown, scores_in

if TYPE_CHECKING:
    from nb2prod.learning.run import Run

    Comprehension = ast.ListComp | ast.GeneratorExp | ast.DictComp

# As many turns of a comprehension are followed.
_MOST_ITEMS = 12


def comprehension(run: Run, node: Comprehension, element: ast.expr) -> object:
    """Return what a comprehension gives: its element for each item where they are known, else for one."""
    run.scopes.append(dict(run.scopes[-1]) if len(run.scopes) > 1 else {})
    try:
        iterated = [run.value(each.iter) for each in node.generators]
        match iterated, node.generators:
            case [Data(columns=Columns() as columns)], [generator]:
                found: object = _named(run, element, generator, ColumnNames(columns))
            case [Statistic() as figures], [ast.comprehension(target=ast.Name(id=name))] if (
                isinstance(element, ast.Name) and element.id == name
            ):
                found = figures
            case [ColumnNames() as names], [generator]:
                found = _named(run, element, generator, names)
            case [Sequence(items=items)], [ast.comprehension(target=target, ifs=[])] if len(items) <= _MOST_ITEMS:
                found = _each(run, node, element, target, items)
            case _:
                found = _many(_once(run, node, element))
    finally:
        run.scopes.pop()
    for each in scores_in(found):
        each.used = True
    return found


def _named(run: Run, element: ast.expr, generator: ast.comprehension, names: ColumnNames) -> ColumnNames:
    """Return the names that ``[each for each in names if each != "this"]`` gives."""
    match element, generator.target, generator.ifs:
        case ast.Name(id=one), ast.Name(id=other), [] if one == other:
            return names
        case ast.Name(id=one), ast.Name(id=other), [
            ast.Compare(left=ast.Name(id=asked), ops=[ast.NotEq() | ast.NotIn()], comparators=[gone])
        ] if one == other == asked:
            return names.less(literal_names(run.value(gone)))
        case _:
            return ColumnNames()


def _many(item: object) -> object:
    """Return a list of such items: their scores and rows, nothing else of them, are followed."""
    if scores_in(item):
        return Many(item)
    found = Unknown()
    if isinstance(item, Data):
        found.data = Data(item.rows.some(), item.learned, None, None, item.traits)
    return found


def _each(
    run: Run,
    node: Comprehension,
    element: ast.expr,
    target: ast.expr,
    items: list[object],
) -> Sequence:
    """Return what a comprehension gives for items that are known."""
    values: list[object] = []
    keys: list[object] = []
    for item in items:
        assign(run, target, item)
        values.append(run.value(element))
        if isinstance(node, ast.DictComp):
            keys.append(run.value(node.key))
    return Sequence(values, keys if isinstance(node, ast.DictComp) else None)


def _once(run: Run, node: Comprehension, element: ast.expr) -> object:
    """Return what a comprehension gives for an item that stands for all."""
    run.loops.append(node)
    try:
        for generator in node.generators:
            for name in ast.walk(generator.target):
                if isinstance(name, ast.Name):
                    run.bind(name.id, Changing())
        return run.value(element)
    finally:
        run.loops.pop()
