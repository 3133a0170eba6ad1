"""Choosing rows and columns: ``X[:800]``, ``df[mask]``, ``df[["a", "b"]]``, ``df.iloc[train, 1:]``."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.learning.assignment import literal_names
from nb2prod.learning.columns import ColumnNames, Columns, Table
from nb2prod.learning.masks import mask_of
from nb2prod.learning.rows import Indices, Rows, RowsOf, Split
from nb2prod.learning.values import (
    Data,
    Grouped,
    Learned,
    Literal,
    Many,
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

_LOCATORS = frozenset({"loc", "iloc", "ix"})
# Arguments of a `range` that says how far to go at each turn.
_WITH_STEP = 3
# Figures that tell which columns are good for something.
_CHOOSE_COLUMNS = frozenset({"corr", "corrwith", "get_support", "pvalues_", "ranking_", "scores_", "support_"})
_MOST_COLUMNS = 2000
# Of those that a slice without an end takes.
_SOME_COLUMNS = 100


def subscript(run: Run, node: ast.Subscript) -> object:
    """Return what ``node`` chooses."""
    owner, located = node.value, False
    if isinstance(owner, ast.Attribute) and owner.attr in _LOCATORS:
        owner, located = owner.value, True
    held = run.value(owner)
    if isinstance(held, Sequence):
        return _item(held, run.value(node.slice))
    if isinstance(held, (Statistic, Score, Grouped)):
        return held
    if isinstance(held, ColumnNames):
        value = Unknown() if isinstance(node.slice, ast.Slice) else run.value(node.slice)
        return value if isinstance(value, Statistic) else ColumnNames()
    if isinstance(held, Many):
        run.value(node.slice)
        return held.item
    data = as_data(held)
    if data is None:
        if not isinstance(node.slice, ast.Slice):
            run.value(node.slice)
        return Unknown()
    match node.slice:
        case ast.Tuple(elts=[ast.Constant(value=one), ast.Constant(value=None)]) if one is ...:
            return data._replace(columns=None)  # another axis: `windows[..., None]`
        case ast.Tuple(elts=[rows, columns]):
            return _columns(run, _rows(run, data, rows), columns)
        case ast.Tuple(elts=[rows, *_]):
            return _rows(run, data, rows)._replace(columns=None)
        case ast.Slice():
            return _rows(run, data, node.slice)
        case index:
            return _one(run, held, data, index, located=located)


def _item(held: Sequence, key: object) -> object:
    if isinstance(key, Literal):
        if held.keys is not None:
            found = [item for name, item in zip(held.keys, held.items, strict=False) if name == key]
            return found[-1] if found else Unknown()
        if isinstance(key.value, int) and -len(held.items) <= key.value < len(held.items):
            return held.items[key.value]
    return Unknown()


def _one(run: Run, held: object, data: Data, index: ast.expr, *, located: bool) -> object:
    """Return ``data[index]``: columns by name, or rows by a condition or their numbers."""
    value = run.value(index)
    names = literal_names(value)
    if names is not None and not located:
        if isinstance(held, Unknown):
            # A dictionary as well as a table: its parts need not have the same rows.
            key = ",".join(sorted(map(str, names)))
            return held.attributes.setdefault(key, Unknown())
        table = data.columns.table if data.columns is not None else Table()
        chosen = Columns(table, names, place=run.place(index))
        table.known.update(names)
        return data._replace(columns=chosen, learned=selected(data.learned, chosen))
    if not located and isinstance(value, Statistic) and value.name in _CHOOSE_COLUMNS:
        return _chosen(data, value)
    if not located and _names_columns(value):
        return _named(run, data, index, value)
    found = _rows_by(run, data, index, value)
    # ``df[names]`` may choose columns.
    return found._replace(columns=None) if isinstance(value, Data) and not located else found


def _chosen(data: Data, figures: Statistic) -> Data:
    """Return the columns of ``data`` that figures about rows choose."""
    return data._replace(columns=None, learned=data.learned | {Learned(fit) for fit in figures.fits})


def _named(run: Run, data: Data, index: ast.expr, names: object) -> Data:
    """Return the columns of ``data`` that are named."""
    found = names.columns if isinstance(names, ColumnNames) else None
    if found is None or data.columns is None or (columns := data.columns.among(found)) is None:
        return data._replace(columns=None)
    columns = columns._replace(place=run.place(index))
    return data._replace(columns=columns, learned=selected(data.learned, columns))


def _names_columns(value: object) -> bool:
    """Whether a subscript is names of columns, whichever: ``table[table.columns]``, ``table[[column]]`` in a loop."""
    return isinstance(value, ColumnNames) or (
        isinstance(value, Sequence) and any(isinstance(each, ColumnNames) for each in value.items)
    )


def _rows(run: Run, data: Data, index: ast.expr) -> Data:
    if isinstance(index, ast.Slice):
        return _sliced(run, data, index)
    return _rows_by(run, data, index, run.value(index))


def _sliced(run: Run, data: Data, index: ast.Slice) -> Data:
    lower, upper = _bound(run, index.lower), _bound(run, index.upper)
    if lower in {None, 0} and upper is None:
        return data
    if index.step is not None:
        return data._replace(rows=data.rows.some())
    if _is_window(run, index):
        return data._replace(rows=data.rows.some(), traits=data.traits | {"lagged"})
    place = run.place(index)
    return data._replace(rows=data.rows.part(("slice", None, lower, upper), place))


def _is_window(run: Run, index: ast.Slice) -> bool:
    """Whether a slice moves on by one row at each turn of a loop, and holds several: ``series[i : i + 48]``."""
    match run.loops[-1] if run.loops else None:
        case ast.For(target=ast.Name(id=name), iter=ast.Call(func=ast.Name(id="range"), args=bounds)):
            pass
        case ast.ListComp(generators=[ast.comprehension(target=ast.Name(id=name), iter=ast.Call(args=bounds))]):
            pass
        case _:
            return False
    match index.lower, index.upper:
        case ast.Name(id=lower), ast.BinOp(left=ast.Name(), right=ast.Constant(value=1)):
            return False
        case ast.Name(id=lower), ast.BinOp() | ast.Name():
            return lower == name and len(bounds) < _WITH_STEP
        case ast.BinOp(left=ast.Name(id=lower)), ast.Name(id=upper):
            return lower == upper == name and len(bounds) < _WITH_STEP
        case _:
            return False


def _bound(run: Run, node: ast.expr | None) -> object:
    if node is None:
        return None
    value = run.value(node)
    return value.value if isinstance(value, Literal) else ast.dump(node)


def _rows_by(run: Run, data: Data, index: ast.expr, value: object) -> Data:
    place = run.place(index)
    if data.prediction is not None and isinstance(value, Unknown):
        run.history.passed.append(data)  # one prediction after the other
    match value:
        case Indices(split=split, piece=piece):
            return data._replace(rows=_folded(data.rows, split, piece))
        case RowsOf(rows=rows):
            return data._replace(rows=rows if rows.within(data.rows) else data.rows.some())
        case Mask(key=key, side=side, shuffled=shuffled):
            return data._replace(rows=data.rows.part(("mask", key, side), place, shuffled=shuffled))
        case Data(rows=Rows(split=Split() as split, piece=piece) as numbers, columns=None):
            # Numbers of rows that were split themselves: ``order[:800]``, ``train_test_split(range(n))``.
            key = ("numbers", id(numbers))
            if key not in data.rows.parts:
                data.rows.parts[key] = Rows([data.rows], split, piece, data.rows.copies, place=place)
            return data._replace(rows=data.rows.parts[key])
        case Literal(value=int()):
            return data._replace(rows=data.rows.some(), columns=None)
    mask = mask_of(index)
    if mask is not None:
        return data._replace(rows=data.rows.part(("mask", mask.key, mask.side), place, shuffled=mask.shuffled))
    # Rows or columns: nobody knows which. They are among these rows, and the same for the same index.
    return data._replace(rows=data.rows.some(("index", id(value), ast.dump(index))), columns=None)


def _folded(rows: Rows, split: Split, piece: tuple[object, ...]) -> Rows:
    key = ("fold", id(split), piece)
    if key not in rows.parts:
        rows.parts[key] = Rows([rows], split, piece, rows.copies)
    return rows.parts[key]


def _columns(run: Run, data: Data, index: ast.expr) -> Data:
    """Return columns of ``data`` by name or number."""
    table = data.columns.table if data.columns is not None else None
    if isinstance(index, ast.Slice):
        lower, upper = _bound(run, index.lower), _bound(run, index.upper)
        if lower in {None, 0} and upper is None:
            return data
        chosen = _numbers(lower, upper) if index.step is None else None
    else:
        value = run.value(index)
        match value:
            case Literal(value=int(number)):
                chosen = frozenset({number})
            case Sequence(items=items) if items and all(
                isinstance(each, Literal) and isinstance(each.value, int) for each in items
            ):
                chosen = frozenset(each.value for each in items if isinstance(each, Literal))
            case Statistic() as figures:
                return _chosen(data, figures)
            case ColumnNames() as names:
                return _named(run, data, index, names)
            case _:
                chosen = literal_names(value)
    if chosen is None or table is None:
        learned = frozenset(each for each in data.learned if each.columns is None)
        return data._replace(columns=None, learned=learned)
    whole = data.columns is not None and data.columns.only is None and not data.columns.without
    if not whole and not all(isinstance(each, str) for each in chosen):
        return data._replace(columns=None)  # numbers count what is left
    columns = Columns(table, chosen, place=run.place(index))
    if all(isinstance(each, str) for each in chosen):
        return data._replace(columns=columns, learned=selected(data.learned, columns))
    learned = frozenset(each for each in data.learned if each.columns is None)
    return data._replace(columns=columns, learned=learned)


def _numbers(lower: object, upper: object) -> frozenset[object] | None:
    """Return the numbers of columns between two bounds; ``...`` where there may be more than those."""
    lower = 0 if lower is None else lower
    if not isinstance(lower, int) or lower < 0:
        return None
    if upper is None:
        return frozenset((*range(lower, lower + _SOME_COLUMNS), -1, ...))
    if isinstance(upper, int) and upper < 0:
        return frozenset((lower, upper - 1, ...))
    if isinstance(upper, int) and lower <= upper <= lower + _MOST_COLUMNS:
        return frozenset(range(lower, upper))
    return None
