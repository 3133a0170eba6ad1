"""Binding names: what an assignment does to what names hold."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.learning.columns import ColumnNames, Columns, Table
from nb2prod.learning.values import (
    Data,
    Learned,
    Literal,
    Mask,
    Score,
    Sequence,
    Statistic,
    Unknown,
    as_data,
    selected,
)

if TYPE_CHECKING:
    from nb2prod.learning.run import Run

_PARTS = 4


def assign(run: Run, target: ast.expr, value: object) -> None:
    """Let ``target`` be ``value``; None ends it."""
    match target:
        case ast.Name(id=name):
            run.bind(name, Unknown() if value is None else value)
        case ast.Tuple(elts=targets) | ast.List(elts=targets):
            for each, item in zip(targets, unpacked(value, targets), strict=False):
                assign(run, each.value if isinstance(each, ast.Starred) else each, item)
        case ast.Subscript(value=owner, slice=index):
            _item(run, owner, index, value)
        case ast.Attribute(value=owner, attr=attribute):
            held = run.value(owner)
            if isinstance(held, Unknown):
                held.attributes[attribute] = Unknown() if value is None else value
            elif isinstance(held, Data) and attribute in {"columns", "index"}:
                dated = attribute == "index" and isinstance(value, Data) and "dates" in value.traits
                changed = held._replace(traits=held.traits | {"dated"}) if dated else held
                run.change(held, held._replace(columns=None) if attribute == "columns" else changed)
        case _:
            pass


def unpacked(value: object, targets: list[ast.expr]) -> list[object]:
    """Return what each of ``targets`` gets of ``value``."""
    count = len(targets)
    match value:
        case Sequence(items=items, keys=None) if len(items) == count:
            return _as_named(targets, items) if count == _PARTS else items
        case Unknown(attributes=attributes):
            return [attributes.setdefault(f"{number}/{count}", Unknown()) for number in range(count)]
        case Statistic():
            return [value] * count
        case _:
            return [Unknown() for _ in targets]


def _as_named(targets: list[ast.expr], items: list[object]) -> list[object]:
    """Return the four parts of a split as the names mean them.

    ``X_train, y_train, X_test, y_test = train_test_split(X, y)`` mixes them up; no such notebook can run,
    and what its author meant is plain.
    """
    names = [each.id.lower() if isinstance(each, ast.Name) else "" for each in targets]
    swapped = ["train" in name for name in names] == [True, True, False, False]
    parts = [isinstance(each, Data) and each.rows.piece for each in items]
    if swapped and parts == [("train",), ("test",), ("train",), ("test",)]:
        return [items[0], items[2], items[1], items[3]]
    return items


def replace_everywhere(scope: dict[str, object], old: object, new: object) -> None:
    """Let every name of ``scope`` that holds the object ``old`` hold ``new``."""
    for name, held in scope.items():
        if held is old:
            scope[name] = new


def _item(run: Run, owner: ast.expr, index: ast.expr, value: object) -> None:
    """``owner[index] = value``, also through ``.loc`` and its like."""
    located = isinstance(owner, ast.Attribute) and owner.attr in {"loc", "iloc", "at", "iat", "ix"}
    if located:
        assert isinstance(owner, ast.Attribute)  # noqa: S101 just asked
        owner = owner.value
    held = run.value(owner)
    if isinstance(held, Sequence):
        key = run.value(index)
        if held.keys is not None and value is not None and isinstance(key, Literal):
            held.keys.append(key)
            held.items.append(value)
        _use(value)
        return
    _use(value)
    if isinstance(held, ColumnNames):
        run.change(held, ColumnNames())
    data = as_data(held)
    if data is None:
        return
    if located and isinstance(index, ast.Tuple) and len(index.elts) > 1:
        index = index.elts[1]
        whole = False
    else:
        whole = not located
    names = literal_names(run.value(index)) if not isinstance(index, ast.Slice) else None
    changed = without(data, names) if value is None else with_column(data, names, value, whole=whole)
    if isinstance(held, Unknown):
        held.data = changed
    else:
        run.change(held, changed)


def _use(value: object) -> None:
    """Take note that a score that is stored is not only looked at."""
    if isinstance(value, Score):
        for each in value.evaluations:
            each.used = True


def literal_names(value: object) -> frozenset[object] | None:
    """Return the columns that a subscript names, if they are known."""
    match value:
        case Literal(value=str(name)):
            return frozenset({name})
        case Sequence(items=items, keys=None) if items and all(
            isinstance(each, Literal) and isinstance(each.value, str) for each in items
        ):
            return frozenset(each.value for each in items if isinstance(each, Literal))
        case _:
            return None


def without(data: Data, names: frozenset[object] | None) -> Data:
    """Return ``data`` without these columns."""
    if names is None or data.columns is None:
        return data._replace(columns=None)
    left = data.columns.less(names)
    return data._replace(columns=left, learned=selected(data.learned, left))


def with_column(data: Data, names: frozenset[object] | None, value: object, *, whole: bool) -> Data:
    """Return ``data`` after columns (None: nobody knows which) were set to ``value``; ``whole``: in every row."""
    if isinstance(value, Mask) and value.source is not None:
        value = value.source
    new: set[Learned] = set()
    traits = data.traits
    match value:
        case Data():
            new = {Learned(each.fit, names) for each in value.learned}
            traits |= value.traits & {"lagged"}
        case Statistic(fits=fits):
            new = {Learned(fit, names) for fit in fits}
        case _:
            pass
    kept = data.learned
    if whole and names is not None:
        kept = selected(data.learned, Columns(Table(), None, names))
    columns = data.columns
    if columns is not None and names is not None:
        source, mixed = _sources(columns, value)
        marks = value.traits if isinstance(value, Data) else frozenset()
        for name in names:
            table = columns.table
            for trait, marked in (
                ("dates", table.dated),
                ("lagged", table.lagged),
                ("ahead", table.ahead),
                ("number", table.numeric),
            ):
                if trait in marks:
                    marked.add(name)
                elif whole:
                    marked.discard(name)
            if isinstance(name, str):
                table.set_column(name, source if whole else None, mixed if whole else frozenset())
        only = columns.only | names if columns.only is not None else None
        columns = Columns(columns.table, only, columns.without - names, len(columns.table.added), columns.numbers)
    return data._replace(learned=kept | new, columns=columns, traits=traits)


def _sources(columns: Columns, value: object) -> tuple[str | None, frozenset[object]]:
    """Return the column of the same table that ``value`` is computed from, or the several, value by value."""
    if isinstance(value, Data) and value.columns is not None and value.columns.table is columns.table:
        one = value.columns.one()
        if one is None:
            return None, value.columns.only or frozenset()
        return one if isinstance(one, str) else None, frozenset()
    return None, frozenset()
