"""What methods of tables, columns and arrays do to rows and columns."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.learning.assignment import literal_names, with_column, without
from nb2prod.learning.columns import Columns, Table
from nb2prod.learning.functions import statistic
from nb2prod.learning.history import Mixed
from nb2prod.learning.knowledge import knowledge
from nb2prod.learning.masks import written_mask
from nb2prod.learning.polars_frames import TRAIT, frame_call
from nb2prod.learning.rows import Rows, RowsOf, Split
from nb2prod.learning.values import (
    Data,
    Grouped,
    Learned,
    Literal,
    Mask,
    Named,
    Sequence,
    Statistic,
    Unknown,
    fresh,
    selected,
)
from nb2prod.notebook.tree import nodes

if TYPE_CHECKING:
    from nb2prod.learning.calls import Arguments
    from nb2prod.learning.run import Run

# Methods of much else than tables, with other meanings.
_OTHERS_TOO = frozenset(
    {"add", "apply", "filter", "get", "insert", "join", "map", "pipe", "split", "transform", "update"}
)
_TAKE_FIGURES = frozenset({"clip", "div", "fillna", "join", "map", "mask", "replace", "sub", "where"})
_WINDOWS = frozenset({"ewm", "expanding", "rolling"})
_COLUMNS = frozenset({1, "columns"})
_COUNTS = frozenset({"count", "nunique", "size"})
# Kinds of columns: all numbers, and what is none.
_NUMBERS = frozenset({"number", "numpy.number"})
_WORDS = frozenset({"object", "O", "builtins.object"})


def table_call(run: Run, node: ast.Call, owner: Data | Unknown, method: str, given: Arguments) -> object | None:
    """Return what a method of a table, column or array returns; None where it is none that is known."""
    data = owner.data if isinstance(owner, Unknown) else owner
    if isinstance(owner, Unknown) and method in _OTHERS_TOO:
        return None
    result = _result(run, node, data, method, given)
    if given.literal("inplace") is True and isinstance(result, Data):
        if isinstance(owner, Unknown):
            owner.data = result
        else:
            run.change(owner, result)
            _written_through(run, node, data, result)
        return Literal(None)
    if method == "pop":
        names = literal_names(given.get(0, "item"))
        if names is None or data.columns is None:
            return None
        run.change(owner, without(data, names))
        chosen = Columns(data.columns.table, names)
        return data._replace(columns=chosen, learned=selected(data.learned, chosen))
    return result


def _written_through(run: Run, node: ast.Call, old: Data, new: Data) -> None:
    """``df["age"].fillna(df["age"].mean(), inplace=True)`` changes the column of the table."""
    from nb2prod.learning.assignment import assign  # noqa: PLC0415

    func = node.func
    if isinstance(func, ast.Attribute) and isinstance(func.value, (ast.Subscript, ast.Attribute)) and new is not old:
        if isinstance(func.value, ast.Subscript):
            assign(run, func.value, new)
        elif isinstance(func.value.value, ast.Name):
            target = ast.Subscript(func.value.value, ast.Constant(func.value.attr), ast.Store())
            assign(run, ast.copy_location(target, func.value), new)


def _result(run: Run, node: ast.Call, data: Data, method: str, given: Arguments) -> object | None:
    known = knowledge()
    if TRAIT in data.traits and (found := frame_call(run, node, data, method, given)) is not None:
        return found
    if method == "drop":
        return _dropped(run, node, data, given)
    if method == "sample":
        return _sampled(run, node, data, given)
    if known.has("methods.masks", method):
        return Mask(ast.dump(node))
    if method == "query" and node.args and (mask := written_mask(node.args[0])) is not None:
        part = data.rows.part(("mask", mask.key, mask.side), run.place(node), shuffled=mask.shuffled)
        return data._replace(rows=part)
    if known.has("methods.some-rows", method):
        return data._replace(rows=data.rows.some())
    if known.has("methods.statistics", method):
        if "window" in data.traits:
            return data._replace(traits=data.traits - {"window"})
        if given.literal("axis") in _COLUMNS or (given.positional and method != "quantile"):
            return Data(data.rows, data.learned)
        return statistic(run, node, data, method)
    if method in {"corr", "corrwith"}:
        return statistic(run, node, data, method)
    if method == "merge" and isinstance(figures := given.get(0, "right"), Statistic):
        learned = data.learned | {Learned(fit) for fit in figures.fits}
        return Data(Rows([data.rows], copies=data.rows.copies), learned, Columns(Table()), None, data.traits)
    if method in {"randomSplit", "random_split"}:
        return _drawn_apart(run, node, data, given)
    if method == "withColumn":
        lagged = any(isinstance(each, ast.Attribute) and each.attr in {"lag", "lead"} for each in nodes(node))
        return data._replace(traits=data.traits | {"lagged"}) if lagged else data
    if method == "groupby":
        return Grouped(data)
    if method == "assign" and given.keywords and not given.starred:
        for name, value in given.keywords.items():
            data = with_column(data, frozenset({name}), value, whole=True)
        return data
    if known.has("methods.neighbours", method):
        marks = {"lagged", "window"} if method in _WINDOWS else {"lagged"}
        if method == "shift" and _is_negative(given.get(0, "periods")):
            marks.add("ahead")
        return fresh(data)._replace(traits=data.traits | marks)
    if method == "select_dtypes":
        return _of_kinds(run, node, data, given)
    if method in {"set_index", "resample"}:
        return _indexed(data, method, given)
    if known.has("methods.keep-rows", method):
        kept = _kept(data, method, given)
        numbers = {"number"} if method == "astype" and _is_number(node) else set()
        return kept._replace(traits=kept.traits - {"number"} | numbers)
    return None


def _is_number(node: ast.Call) -> bool:
    """Whether `astype` is asked for a kind of number."""
    match node.args:
        case [ast.Name(id=name)] | [ast.Attribute(attr=name)] | [ast.Constant(value=str(name))]:
            return name.rstrip("0123456789").lower() in {"int", "float", "uint"}
        case _:
            return False


def _is_negative(value: object) -> bool:
    return isinstance(value, Literal) and isinstance(value.value, int) and value.value < 0


def _of_kinds(run: Run, node: ast.Call, data: Data, given: Arguments) -> Data:
    """Return the columns that hold numbers, where these are asked for; else nobody knows which."""
    include, exclude = (given.get(number, name) for number, name in enumerate(("include", "exclude")))
    numbers = any(_is_one_of(value, kinds) for value, kinds in ((include, _NUMBERS), (exclude, _WORDS)))
    known = data.columns is not None and numbers and (include is None or exclude is None)
    if data.columns is None or not known:
        return data._replace(columns=None)
    return data._replace(columns=data.columns._replace(numbers=True, place=run.place(node)))


def _is_one_of(value: object, kinds: frozenset[str]) -> bool:
    items = value.items if isinstance(value, Sequence) else [value]
    names = {
        each.value if isinstance(each, Literal) else each.name if isinstance(each, Named) else None for each in items
    }
    return len(names) == 1 and not kinds.isdisjoint(names)


def _kept(data: Data, method: str, given: Arguments) -> Data:
    learned = data.learned
    if method == "sort_values" and data.columns is not None:
        by = literal_names(given.get(0, "by"))
        if by is not None and not by.isdisjoint(data.columns.table.dated):
            data = data._replace(traits=data.traits | {"dated"})
    names = data.columns.only if data.columns is not None else None
    for value in given.every():
        if isinstance(value, Statistic) and method in _TAKE_FIGURES:
            learned |= {Learned(fit, names) for fit in value.fits}
        elif isinstance(value, Data) and method in {"join", "combine_first", "add", "sub", "mul", "div"}:
            learned |= value.learned
    kept = data._replace(learned=learned)
    known = knowledge()
    one = data.columns is not None and data.columns.one() is not None
    if one and not known.has("methods.element-wise", method):
        return fresh(kept)._replace(prediction=data.prediction)
    if known.has("methods.new-columns", method) and not one:
        # Whatever they are called now: it is one set of columns.
        return kept._replace(
            columns=None if method in {"filter", "pipe", "join"} else data.columns and Columns(Table())
        )
    return kept


def grouped_call(run: Run, node: ast.Call, grouped: Grouped, method: str) -> object:
    """Return what a method of groups returns: a statistic of their rows, or one beside each row."""
    known = knowledge()
    if known.has("methods.statistics", method) or (method in {"agg", "aggregate"} and not _counts(node)):
        return statistic(run, node, fresh(grouped.data), method)
    if method == "transform":
        found = statistic(run, node, fresh(grouped.data), method)
        fits = found.fits if isinstance(found, Statistic) else frozenset()
        return Data(grouped.data.rows, grouped.data.learned | {Learned(fit) for fit in fits})
    if known.has("methods.neighbours", method):
        return fresh(grouped.data)._replace(traits=grouped.data.traits | {"lagged"})
    return Unknown()


def _counts(node: ast.Call) -> bool:
    """Whether groups are asked for nothing but how many rows or values they have."""
    asked = {each.value for each in nodes(node) if isinstance(each, ast.Constant) and isinstance(each.value, str)}
    return not asked.isdisjoint(_COUNTS) and asked.isdisjoint(knowledge().names["methods.statistics"])


def _dropped(run: Run, node: ast.Call, data: Data, given: Arguments) -> object:
    """``drop`` takes columns away, or rows."""
    columns = given.keywords.get("columns")
    axis = given.literal("axis")
    if axis is None and len(given.positional) > 1 and isinstance(given.positional[1], Literal):
        axis = given.positional[1].value
    if columns is None and axis in _COLUMNS:
        columns = given.get(0, "labels")
    if columns is not None:
        names = literal_names(columns)
        left = without(data, names) if names is not None else _unknown_columns(data)
        return left._replace(columns=left.columns and left.columns._replace(place=run.place(node)))
    which = given.get(0, "labels", "index")
    if isinstance(which, RowsOf) and which.rows.within(data.rows):
        return data._replace(rows=_rest(data, which.rows, run, node))
    if axis is ...:
        return _unknown_columns(data)._replace(rows=data.rows.some())
    return data._replace(rows=data.rows.some())


def _unknown_columns(data: Data) -> Data:
    return data._replace(columns=None)


def _rest(data: Data, gone: Rows, run: Run, node: ast.Call) -> Rows:
    """Return the rows that are not ``gone``: the other side of a split by hand."""
    rows, key = data.rows, ("rest", gone)
    if key not in rows.parts:
        if gone.split is None:
            drawn = any(gone is each for each in run.history.drawn)
            gone.split = Split(run.place(node), shuffled=drawn, inputs=(data,))
            gone.piece = ("rows", gone)
            run.history.splits.append(gone.split)
            rows.parts[key] = Rows([rows], gone.split, ("rest", gone), rows.copies)
        else:
            rows.parts[key] = Rows([rows], copies=rows.copies)
    return rows.parts[key]


def _sampled(run: Run, node: ast.Call, data: Data, given: Arguments) -> Data:
    copies = data.rows.copies
    if given.literal("replace") is True:
        copies = (*copies, run.place(node))
    rows = Rows([data.rows], copies=copies)
    if given.literal("frac") == 1:
        data.rows.supersets.append(rows)
        run.history.mixed.append(Mixed(data._replace(rows=rows), run.place(node)))
    else:
        run.history.drawn.append(rows)
    return data._replace(rows=rows)


def _drawn_apart(run: Run, node: ast.Call, data: Data, given: Arguments) -> object:
    """``randomSplit`` of Spark and its like: the first part is learned from, the last is the test."""
    shares = given.get(0, "weights", "frac")
    count = len(shares.items) if isinstance(shares, Sequence) else 0
    if count <= 1:
        return Unknown()
    split = Split(run.place(node), shuffled=True, inputs=(data,))
    run.history.splits.append(split)
    pieces = [("train",), *((("part", number)) for number in range(count - 2)), ("test",)]
    return Sequence([data._replace(rows=Rows([data.rows], split, piece, data.rows.copies)) for piece in pieces])


def _indexed(data: Data, method: str, given: Arguments) -> Data:
    if method == "resample":
        return Data(data.rows.some(), data.learned, None, None, data.traits | {"dated"})
    names = literal_names(given.get(0, "keys"))
    kept = without(data, names) if names is not None else data._replace(columns=None)
    dated = data.columns is not None and names is not None and not names.isdisjoint(data.columns.table.dated)
    return kept._replace(traits=kept.traits | {"dated"}) if dated else kept
