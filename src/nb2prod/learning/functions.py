"""What functions of libraries do to rows and columns, and to what was learned from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nb2prod.learning.assignment import literal_names
from nb2prod.learning.columns import ColumnNames, Columns, Table
from nb2prod.learning.construction import callback, is_callback
from nb2prod.learning.estimators import record_fit
from nb2prod.learning.history import Mixed
from nb2prod.learning.knowledge import knowledge
from nb2prod.learning.polars_frames import TRAIT
from nb2prod.learning.rows import Folds, Rows, RowsOf, Split
from nb2prod.learning.statistical import made_with_data
from nb2prod.learning.validation import cross_validated
from nb2prod.learning.values import (
    Data,
    Estimator,
    Evaluation,
    Fit,
    Learned,
    Literal,
    Many,
    Score,
    Sequence,
    Statistic,
    Unknown,
    as_data,
    as_estimator,
    fresh,
    scores_in,
)

if TYPE_CHECKING:
    import ast

    from nb2prod.learning.calls import Arguments
    from nb2prod.learning.run import Run

_TABLES = ("pandas.DataFrame",)
_FRAMES = ("polars.DataFrame", "polars.LazyFrame")
_ARRAY_FILES = frozenset({"numpy.genfromtxt", "numpy.load", "numpy.loadtxt"})
_CHOOSE = frozenset({
    "builtins.max", "builtins.min", "builtins.sorted",
    "numpy.amax", "numpy.amin", "numpy.argmax", "numpy.argmin", "numpy.max", "numpy.min",
})  # fmt: skip
_LOOKS = frozenset({"builtins.float", "builtins.round", "builtins.int", "builtins.abs", "numpy.round", "numpy.sqrt"})


def _chosen(scores: object) -> None:
    """Record that the best of several scores is looked for: ``max(scores, key=scores.get)``."""
    for each in scores_in(scores):
        each.used = each.compared = True


def library_call(run: Run, node: ast.Call, name: str, given: Arguments) -> object | None:
    """Return what the function ``name`` returns; None where it is not one about data."""
    known = knowledge()
    first = given.get(0, "X", "x", "data", "arrays")
    if isinstance(first, (Statistic, Score)) and (name in _LOOKS or known.has("functions.statistics", name)):
        return first
    if known.has("functions.train-test-split", name):
        return _split(run, node, given)
    if known.has("functions.cross-validation", name):
        return cross_validated(run, node, given)
    if name.startswith("sklearn.metrics."):
        return measured(run, node, name, given)
    if known.has("functions.statistics", name):
        data = as_data(first)
        return None if data is None else statistic(run, node, data, name.rpartition(".")[2])
    if known.has("functions.learning", name):
        data = as_data(first)
        return None if data is None else _learned_from(run, node, data, name)
    if known.has("functions.stack-rows", name) or known.has("functions.stack-columns", name):
        return _stacked(run, node, name, given)
    if isinstance(first, ColumnNames) and name in {"builtins.list", "builtins.set", "builtins.sorted"}:
        return first._replace()
    if known.has("functions.keep-rows", name):
        return _kept(name, first, given)
    if name in _CHOOSE and isinstance(first, (Sequence, Many)):
        _chosen(first)
    if is_callback(name):
        return callback(given)
    if name in {"builtins.zip", "builtins.enumerate"}:
        run.history.passed += [each for each in given.positional if isinstance(each, Data)]
        return _zipped(name, given)
    if name in {"sklearn.utils.resample", "sklearn.utils.shuffle"}:
        return _redrawn(run, node, name, given)
    if name == "sklearn.base.clone":
        return _cloned(run, node, given)
    if name.startswith("statsmodels."):
        return made_with_data(run, node, name, given)
    return _boosted(run, node, name, given) or _read(run, node, name, given)


def _split(run: Run, node: ast.Call, given: Arguments) -> object:
    inputs = [Data(each.rows) if isinstance(each, RowsOf) else as_data(each) for each in given.positional]
    if given.starred or not inputs or any(each is None for each in inputs):
        return Unknown()
    data = [each for each in inputs if each is not None]
    split = Split(run.place(node), given.literal("shuffle") is not False, inputs=tuple(data))
    run.history.splits.append(split)
    supersets = list({id(each.rows): each.rows for each in data}.values())
    copies = tuple(place for rows in supersets for place in rows.copies)
    train = Rows(supersets, split, ("train",), copies)
    test = Rows(list(supersets), split, ("test",), copies)
    return Sequence([each._replace(rows=rows) for each in data for rows in (train, test)])


def measured(run: Run, node: ast.Call, name: str, given: Arguments) -> object | None:
    """Record a metric of what a model predicted."""
    found = []
    for value in given.every():
        data = as_data(value)
        if data is not None and data.prediction is not None:
            prediction = data.prediction
            evaluation = Evaluation(
                prediction.fit,
                prediction.x,
                name.rpartition(".")[2],
                run.place(node),
                tuple(run.loops),
                cut=prediction.cut,
            )
            run.history.evaluations.append(evaluation)
            found.append(evaluation)
    return Score(tuple(found)) if found else None


def statistic(run: Run, node: ast.Call, data: Data, name: str) -> object:
    """Return a figure about ``data``: how good a model is, where it held predictions against true values."""
    if data.prediction is not None and data.prediction.error:
        metric = "accuracy" if name == "mean" and data.prediction.error == "equal" else name
        found = Evaluation(data.prediction.fit, data.prediction.x, metric, run.place(node), tuple(run.loops))
        run.history.evaluations.append(found)
        return Score((found,))
    return Statistic(frozenset({Fit(None, "learns", data, None, run.place(node), name, tuple(run.loops))}), name)


def _learned_from(run: Run, node: ast.Call, data: Data, name: str) -> Data:
    fit = Fit(None, "learns", data, None, run.place(node), name.rpartition(".")[2], tuple(run.loops))
    run.history.fits.append(fit)
    columns = data.columns.only if data.columns is not None else None
    return Data(data.rows, data.learned | {Learned(fit, columns)}, None, None, data.traits)


def _stacked(run: Run, node: ast.Call, name: str, given: Arguments) -> object:
    first = given.get(0, "objs", "tup", "arrays")
    items = first.items if isinstance(first, Sequence) else given.positional if name == "numpy.append" else []
    parts = [each for each in map(as_data, items) if each is not None]
    if not parts or len(parts) < len(items):
        return Unknown()
    learned = frozenset().union(*(each.learned for each in parts))
    traits = frozenset[str]().union(*(each.traits for each in parts))
    if knowledge().has("functions.stack-columns", name) or _is_sidewise(name, given):
        # Joined side by side: the rows of the first, as far as anybody knows.
        return Data(parts[0].rows, learned, None, None, traits)
    if len({id(each.rows) for each in parts}) == 1:
        # The same rows twice.
        twice = (run.place(node),) if len(parts) > 1 else ()
        return Data(Rows([parts[0].rows], copies=(*parts[0].rows.copies, *twice)), learned, None, None, traits)
    key = tuple(id(each.rows) for each in parts)
    if key not in run.stacked:
        copies = {id(place.node): place for each in parts for place in each.rows.copies}
        if any(one is not other and one.rows.within(other.rows) for one in parts for other in parts):
            copies[id(node)] = run.place(node)
        run.stacked[key] = Rows(copies=tuple(copies.values()))
        for each in parts:
            each.rows.supersets.append(run.stacked[key])
    rows = run.stacked[key]
    return Data(rows, learned, parts[0].columns if parts[0].columns == parts[-1].columns else None, None, traits)


def _is_sidewise(name: str, given: Arguments) -> bool:
    """Whether tables or arrays are not put one below the other."""
    axis = given.get(2 if name == "numpy.append" else 1, "axis")
    return axis is not None and not (isinstance(axis, Literal) and axis.value in {0, "index", "rows"})


_ARRAYS = frozenset({"numpy.array", "numpy.asarray", "numpy.stack"})


def _kept(name: str, first: object, given: Arguments) -> object | None:
    if (
        name in _ARRAYS
        and isinstance(first, Sequence)
        and len(parts := list(filter(None, map(as_data, first.items)))) == 1
    ):
        # Windows of one array, put into a list in a loop.
        return Data(parts[0].rows.some(), parts[0].learned, None, None, parts[0].traits)
    if isinstance(first, (Statistic, Score, Sequence)):
        return first if name in _LOOKS or name in {"builtins.list", "numpy.array", "numpy.asarray"} else None
    if name in {"pandas.DataFrame", "pandas.Series"} and (figures := scores_in(first)):
        return Score(tuple(figures))
    data = as_data(first)
    if data is None or not isinstance(first, Data):
        return first if isinstance(first, Unknown) and data is not None else None
    if name == "pandas.to_datetime":
        return data._replace(traits=data.traits | {"dates"})
    if knowledge().has("functions.keep-columns", name):
        return data._replace(prediction=data.prediction)
    kept = fresh(data)._replace(prediction=data.prediction)
    if name in {"pandas.DataFrame", "pandas.get_dummies"}:
        # Dummies of given columns, or of one, leave the others' names.
        columns = given.keywords.get("columns")
        if (
            name == "pandas.get_dummies"
            and (columns is None or isinstance(columns, Sequence))
            and data.columns is not None
        ):
            items = columns.items if isinstance(columns, Sequence) else []
            gone = frozenset(each.value for each in items if isinstance(each, Literal))
            return kept._replace(columns=data.columns._replace(without=data.columns.without | gone))
        return kept._replace(columns=Columns(Table()))
    return kept


def _zipped(name: str, given: Arguments) -> object:
    sequences = [each for each in given.positional if isinstance(each, Sequence)]
    if name == "builtins.enumerate":
        if isinstance(given.get(0), Folds):
            return given.get(0)
        return Sequence([Sequence([Unknown(), each]) for each in sequences[0].items]) if sequences else Unknown()
    if not sequences or len(sequences) < len(given.positional):
        return Unknown()
    return Sequence([Sequence(list(each)) for each in zip(*(one.items for one in sequences), strict=False)])


def _redrawn(run: Run, node: ast.Call, name: str, given: Arguments) -> object:
    """``resample`` draws rows, by default with replacement; ``shuffle`` puts them in another order."""
    data = [as_data(each) for each in given.positional]
    if not data or any(each is None for each in data):
        return Unknown()
    known = [each for each in data if each is not None]
    again = name.endswith("resample") and given.literal("replace") is not False
    place = run.place(node)
    rows = Rows([known[0].rows], copies=(*known[0].rows.copies, place) if again else known[0].rows.copies)
    if name.endswith("shuffle"):
        known[0].rows.supersets.append(rows)
        run.history.mixed.append(Mixed(known[0]._replace(rows=rows), place))
    found: list[object] = [each._replace(rows=rows) for each in known]
    return found[0] if len(found) == 1 else Sequence(found)


def _cloned(run: Run, node: ast.Call, given: Arguments) -> object:
    model = as_estimator(given.get(0, "estimator"))
    if model is None:
        return Unknown()
    return Estimator(model.qualified, model.kind, run.place(node), model.parts, model.given, searches=model.searches)


def _boosted(run: Run, node: ast.Call, name: str, given: Arguments) -> object | None:
    """``DMatrix`` and ``Dataset`` hold data with its target; ``train`` fits a model on one."""
    library, _, word = name.rpartition(".")
    if library not in {"xgboost", "lightgbm", "catboost"}:
        return None
    if word in {"DMatrix", "Dataset", "Pool"}:
        data = as_data(given.get(0, "data"))
        return None if data is None else data._replace(label=as_data(given.get(1, "label")))
    if word != "train":
        return None
    data = as_data(given.get(1, "dtrain", "train_set", "pool"))
    model = Estimator(None, "model", run.place(node))
    if data is not None:
        record_fit(run, node, model, data, data.label)
    for key in ("evals", "valid_sets"):
        if isinstance(value := given.keywords.get(key), Sequence):
            run.history.passed += [each for each in value.items if isinstance(each, Data)]
    return model


def _read(run: Run, node: ast.Call, name: str, given: Arguments) -> object | None:
    """Return a table of its own for what reads or makes one."""
    info = run.libraries.call(name)
    if info is not None and info.returns in _TABLES:
        parsed = given.keywords.get("parse_dates")
        indexed = parsed is not None and given.literal("parse_dates") is not False and "index_col" in given.keywords
        table = Table(dated=set(literal_names(parsed) or ()))
        return Data(Rows(), columns=Columns(table), traits=frozenset({"dated"}) if indexed else frozenset())
    if info is not None and info.returns in _FRAMES:
        return Data(Rows(), columns=Columns(Table()), traits=frozenset({TRAIT}))
    if name in _ARRAY_FILES:
        return Data(Rows(), columns=Columns(Table()))
    if name.startswith("keras.datasets.") and name.endswith(".load_data"):
        split = Split(run.place(node), shuffled=True)
        train, test = Rows(split=split, piece=("train",)), Rows(split=split, piece=("test",))
        return Sequence([Sequence([Data(train), Data(train)]), Sequence([Data(test), Data(test)])])
    if name.startswith("sklearn.datasets.make_") or (
        name.startswith(("sklearn.datasets.load_", "sklearn.datasets.fetch_")) and given.literal("return_X_y") is True
    ):
        rows = Rows()
        return Sequence([Data(rows), Data(rows)])
    return None
