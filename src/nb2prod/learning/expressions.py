"""What an expression evaluates to, as far as learning is concerned."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.learning.assignment import literal_names
from nb2prod.learning.calls import call
from nb2prod.learning.columns import ColumnNames, Columns, Table
from nb2prod.learning.comprehensions import comprehension
from nb2prod.learning.estimators import chosen_by
from nb2prod.learning.masks import condition
from nb2prod.learning.rows import RowsOf
from nb2prod.learning.subscripts import subscript
from nb2prod.learning.values import (
    Data,
    Grouped,
    Learned,
    Literal,
    Mask,
    Named,
    Prediction,
    Score,
    Sequence,
    Statistic,
    Unknown,
    as_data,
    as_estimator,
    fresh,
    selected,
)

if TYPE_CHECKING:
    from nb2prod.learning.run import Run


# What a bunch of scikit-learn calls its parts, which have the same rows.
_BUNCH = frozenset({"data", "target", "frame", "images", "DESCR"})
_SAME = frozenset({"values", "array", "str", "dt", "real", "codes", "cat", "A"})
_CHOSEN = frozenset({"pvalues_", "ranking_", "scores_", "support_"})
_SIZES = frozenset({"columns", "dtypes", "ndim", "shape", "size"})
_FITTED = frozenset({"best_estimator_", "estimator", "model"})


def evaluate(run: Run, node: ast.expr) -> object:
    """Return the value of ``node``; what happens on the way is recorded."""
    match node:
        case ast.Constant(value=value):
            return Literal(value)
        case ast.Name(id=name):
            held = run.lookup(name)
            return _unbound(name) if held is None else held
        case ast.Attribute(value=value, attr=attribute):
            return _attribute(run.value(value), attribute)
        case ast.Call():
            return call(run, node)
        case ast.Subscript():
            return subscript(run, node)
        case ast.BinOp(left=left, op=op, right=right):
            return _noted(run, _arithmetic(run.value(left), op, run.value(right)))
        case ast.Compare():
            return _comparison(run, node)
        case ast.UnaryOp(op=op, operand=operand):
            return _signed(op, run.value(operand))
        case ast.BoolOp(values=values):
            for each in values:
                run.value(each)
            return Mask(ast.dump(node))
        case ast.Tuple(elts=elements) | ast.List(elts=elements) | ast.Set(elts=elements):
            return Sequence([run.value(each) for each in elements])
        case ast.Dict(keys=keys, values=values):
            return Sequence([run.value(each) for each in values], [run.value(each) for each in keys if each])
        case ast.IfExp(test=test, body=body, orelse=orelse):
            run.value(test)
            one, other = run.value(body), run.value(orelse)
            return one if one is other else Unknown()
        case ast.JoinedStr(values=values):
            for each in values:
                if isinstance(each, ast.FormattedValue):
                    run.value(each.value)
            return Unknown()
        case ast.NamedExpr(target=ast.Name(id=name), value=value):
            held = run.value(value)
            run.bind(name, held)
            return held
        case ast.Lambda():
            return Unknown()
        case ast.Starred(value=value) | ast.Await(value=value):
            return run.value(value)
        case ast.ListComp(elt=element) | ast.GeneratorExp(elt=element):
            return comprehension(run, node, element)
        case ast.DictComp(value=element):
            return comprehension(run, node, element)
        case _:
            return Unknown()


def _signed(op: ast.unaryop, value: object) -> object:
    match value:
        case Mask(key=key, side=side, shuffled=shuffled, source=source):
            return Mask(key, not side, shuffled, source)
        case Literal(value=int(number) | float(number)) if isinstance(op, ast.USub):
            return Literal(-number)
        case Data() | Statistic():
            return value
        case _:
            return Unknown()


def _unbound(name: str) -> object:
    import builtins  # noqa: PLC0415 a module every interpreter has loaded

    return Named(f"builtins.{name}") if hasattr(builtins, name) else Unknown()


def _attribute(owner: object, attribute: str) -> object:
    estimator = as_estimator(owner)
    if estimator is not None:
        if attribute in _CHOSEN:
            return chosen_by(estimator, attribute)
        return owner if attribute in _FITTED else Unknown()
    match owner:
        case Grouped():
            return owner
        case Named(name=name):
            return Named(f"{name}.{attribute}")
        case Data() if attribute in _SAME:
            return owner._replace() if attribute in {"values", "array"} else owner
        case Data() if attribute == "columns":
            return ColumnNames(owner.columns)
        case Data() if attribute == "T":
            return Unknown()
        case Data(rows=rows) if attribute == "index":
            return RowsOf(rows)
        case Data(prediction=Prediction(), columns=None) if attribute not in _SIZES:
            return owner  # a table of predictions: `forecast.yhat`
        case Data(columns=Columns() as columns) if attribute not in _SIZES:
            return column(owner, columns, frozenset({attribute}))
        case Unknown() if attribute in _SAME:
            return owner
        case Unknown(data=data) if attribute in _BUNCH:
            return owner.attributes.setdefault(attribute, Data(data.rows))
        case Unknown() if attribute == "columns":
            return owner.attributes.setdefault(attribute, ColumnNames(Columns(Table())))
        case Unknown():
            return owner.attributes.setdefault(attribute, Unknown())
        case Statistic():
            return owner
        case _:
            return Unknown()


def column(data: Data, columns: Columns, names: frozenset[object]) -> Data:
    """Return ``data`` with these columns alone."""
    chosen = Columns(columns.table, names)
    columns.table.known.update(names)
    return data._replace(columns=chosen, learned=selected(data.learned, chosen))


def _arithmetic(left: object, op: ast.operator, right: object) -> object:
    left, right = _measured(left, right), _measured(right, left)
    for one, other in ((left, right), (right, left)):
        match one, other:
            case Data(), Statistic(fits=fits, name=name):
                if name == "min" and isinstance(op, (ast.Sub, ast.Add)):
                    return one
                names = one.columns.only if one.columns is not None else None
                return one._replace(learned=one.learned | {Learned(fit, names) for fit in fits})
            case Statistic(), Literal() | Unknown():
                return one
            case Score(), Literal() | Unknown():
                return one
    match left, right:
        case Statistic(fits=fits, name=name), Statistic(fits=more):
            return Statistic(fits | more, name if name == "min" else "")
        case Score(evaluations=one), Score(evaluations=other):
            for each in (*one, *other):
                each.used = each.compared = True
            return Score(one + other)
        case Literal(value=int(one)), Literal(value=int(other)):
            return _integers(one, op, other)
        case ColumnNames(), _ if isinstance(op, ast.Sub):
            return left.less(literal_names(right))
        case Sequence(items=one, keys=None), Sequence(items=other, keys=None) if isinstance(op, ast.Add):
            return Sequence([*one, *other])
        case Sequence(items=items, keys=None), Literal(value=int()) if isinstance(op, ast.Mult):
            return Sequence([*items, *items])
        case Mask(), Mask():
            return Mask((left.key, left.side, type(op).__name__, right.key, right.side))
    return _combined(left, op, right)


def _measured(value: object, other: object) -> object:
    """Return what is unknown as data where it stands beside a figure of its own rows: ``x - x.mean()``."""
    if isinstance(value, Unknown) and value.estimator is None and isinstance(other, Statistic):
        return value.data if any(fit.rows is value.data.rows for fit in other.fits) else value
    return value


def _noted(run: Run, value: object) -> object:
    """Take note that predictions are held against something, whatever becomes of that."""
    if isinstance(value, Data) and value.prediction is not None and value.prediction.error:
        run.history.passed.append(value)
    return value


def _integers(one: int, op: ast.operator, other: int) -> object:
    match op:
        case ast.Add():
            return Literal(one + other)
        case ast.Sub():
            return Literal(one - other)
        case ast.Mult() if abs(one) + abs(other) < 1 << 30:
            return Literal(one * other)
        case _:
            return Unknown()


def _combined(left: object, op: ast.operator, right: object) -> object:
    """Return the value of an operation on data: what was learned goes on, columns only beside a constant."""
    one, other = as_data(left), as_data(right)
    match left, right:
        case (Data(), Literal()) | (Literal(), Data()):
            return left if isinstance(left, Data) else right
        case Data(), _ if other is not None:
            error = _error(one, other, "difference") if isinstance(op, ast.Sub) else None
            columns = _together(left.columns, other.columns)
            return fresh(left)._replace(learned=left.learned | other.learned, prediction=error, columns=columns)
        case _, Data() if one is not None:
            error = _error(one, other, "difference") if isinstance(op, ast.Sub) else None
            return fresh(right)._replace(learned=one.learned | right.learned, prediction=error)
        case _:
            return Unknown()


def _together(one: Columns | None, other: Columns | None) -> Columns | None:
    """Return the columns, both single ones of a table or made of such, that values are computed from."""
    if one is None or other is None or one.table is not other.table or one.only is None or other.only is None:
        return None
    return Columns(one.table, one.only | other.only)


def _error(one: Data | None, other: Data | None, how: str) -> Prediction | None:
    """Return the prediction that is held against true values."""
    for each in (one, other):
        if each is not None and each.prediction is not None:
            return each.prediction._replace(error=how)
    return None


def _comparison(run: Run, node: ast.Compare) -> object:
    values = [run.value(each) for each in (node.left, *node.comparators)]
    for each in values:
        if isinstance(each, Score):
            for evaluation in each.evaluations:
                evaluation.used = True
                evaluation.compared = evaluation.compared or not run.gate
    if len(node.ops) == 1:
        left, right = as_data(values[0]), as_data(values[1])
        if isinstance(node.ops[0], (ast.Eq, ast.NotEq)) and left is not None and right is not None:
            error = _error(left, right, "equal")
            if error is not None:
                return _noted(run, Data(left.rows, prediction=error))
    source = values[0] if isinstance(values[0], Data) and isinstance(values[-1], (Literal, Statistic)) else None
    if isinstance(values[0], Data) and (prediction := values[0].prediction) is not None:
        source = values[0]._replace(prediction=prediction._replace(cut=values[-1]))
    text, side = condition(node)
    return Mask(text, side, "random" in text, source)
