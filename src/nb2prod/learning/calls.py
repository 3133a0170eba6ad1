"""What a call does: which library's it is, or which of the notebook's own functions."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.learning.assignment import literal_names
from nb2prod.learning.columns import ColumnNames
from nb2prod.learning.construction import construct, kind_of
from nb2prod.learning.estimators import estimator_call, is_fit
from nb2prod.learning.functions import library_call
from nb2prod.learning.tables import grouped_call, table_call
from nb2prod.learning.values import (
    Data,
    Estimator,
    Function,
    Grouped,
    Literal,
    Mask,
    Named,
    Score,
    Sequence,
    Statistic,
    Unknown,
    as_estimator,
    scores_in,
)
from nb2prod.records import NamedTuple

if TYPE_CHECKING:
    from nb2prod.learning.run import Run

# Methods of the names of columns that give them all, change them in place, and give all but some.
_SAME_NAMES = frozenset({"copy", "sort_values", "to_list", "tolist"})
_CHANGES_NAMES = frozenset({"append", "clear", "discard", "extend", "insert", "pop", "remove", "update"})
_FEWER_NAMES = frozenset({"difference", "drop"})
# Methods that try what is best for a function they are given: a study of optuna, `hyperopt.fmin`.
_SEARCHES = frozenset({"optimize", "fmin"})
# Tables of figures, to be looked at.
_SHOWS = frozenset({"pandas.DataFrame", "pandas.Series"})
_LOOKS = frozenset({"print", "display", "round", "float", "str", "format", "len", "int", "type"})


class Arguments(NamedTuple):
    """The values a call is given."""

    positional: list[object]
    keywords: dict[str, object]
    starred: bool

    def get(self, number: int, *names: str) -> object | None:
        """Return the argument at a position, or by one of its names."""
        if number < len(self.positional):
            return self.positional[number]
        return next((self.keywords[name] for name in names if name in self.keywords), None)

    def literal(self, name: str) -> object:
        """Return the constant passed by ``name``; None for none, ``...`` for what is no constant."""
        value = self.keywords.get(name)
        return None if value is None else value.value if isinstance(value, Literal) else ...

    def every(self) -> list[object]:
        """Return all values, those of keywords last."""
        return [*self.positional, *self.keywords.values()]


def call(run: Run, node: ast.Call) -> object:
    """Return what ``node`` returns."""
    if isinstance(node.func, ast.Attribute):
        owner = run.value(node.func.value)
        method = node.func.attr
        if not isinstance(owner, Named):
            return _method(run, node, owner, method)
        function: object = Named(f"{owner.name}.{method}")
    else:
        function = run.value(node.func)
    given = _arguments(run, node)
    match function:
        case Function():
            if given.starred:
                return _unknown(run, given)
            return run.call(function, given.positional, given.keywords)
        case Named(name=name):
            return _library(run, node, name, given)
        case _:
            return _unknown(run, given)


def _library(run: Run, node: ast.Call, name: str, given: Arguments) -> object:
    canonical = run.libraries.canonical(name)
    word = name.rpartition(".")[2]
    if not (name.startswith("builtins.") and word in _LOOKS) and canonical not in _SHOWS:
        _use(given)
    found = library_call(run, node, canonical, given)
    if found is not None:
        return found
    kind = kind_of(run, canonical, given)
    if kind is not None:
        return construct(run, node, canonical, kind, given)
    if run.libraries.call(canonical) is None:
        return _unknown(run, given)
    return Unknown()


def _arguments(run: Run, node: ast.Call) -> Arguments:
    positional = [run.value(each) for each in node.args]
    keywords = {each.arg: run.value(each.value) for each in node.keywords if each.arg is not None}
    starred = len(keywords) < len(node.keywords) or any(isinstance(each, ast.Starred) for each in node.args)
    return Arguments(positional, keywords, starred)


def _method(run: Run, node: ast.Call, owner: object, method: str) -> object:
    given = _arguments(run, node)
    if not (isinstance(owner, Literal) and method == "format"):
        _use(given)
    estimator = as_estimator(owner)
    if estimator is None and isinstance(owner, Unknown) and is_fit(method, given):
        estimator = owner.estimator = Estimator(None, "unknown", run.place(node))
    if estimator is not None:
        return estimator_call(run, node, estimator, method, given, owner)
    _searched(run, method, given)
    match owner:
        case ColumnNames():
            return _names(run, owner, method, given)
        case Sequence():
            return _sequence(owner, method, given)
        case Statistic():
            return owner
        case Grouped():
            return grouped_call(run, node, owner, method)
        case Score():
            if method in {"argmax", "argmin", "idxmax", "idxmin"}:
                for each in owner.evaluations:
                    each.compared = True
            if method not in {"round", "mean", "std", "item", "numpy"}:
                _use(Arguments([owner], {}, starred=False))
            return owner
        case Mask(source=Data() as source):
            found = table_call(run, node, source, method, given)
            return Unknown() if found is None else found
        case Data() | Unknown():
            found = table_call(run, node, owner, method, given)
            if found is not None:
                return found
            return _unknown(run, given)
        case _:
            return _unknown(run, given)


def _searched(run: Run, method: str, given: Arguments) -> None:
    """Follow a function that is called again and again with other parameters, and what it returns compared."""
    if method not in _SEARCHES:
        return
    for value in given.every():
        if isinstance(value, Function) and isinstance(value.node, ast.FunctionDef):
            run.loops.append(value.node)
            _use(Arguments([run.call(value, [], {})], {}, starred=False))
            run.loops.pop()


def _names(run: Run, owner: ColumnNames, method: str, given: Arguments) -> object:
    """Return what a method of the names of columns returns; a list of them may be changed in place."""
    gone = literal_names(given.get(0, "other", "labels"))
    if method in _SAME_NAMES:
        return owner._replace()
    if method in _FEWER_NAMES:
        return owner.less(gone)
    if method in _CHANGES_NAMES:
        run.change(owner, owner.less(gone) if method in {"discard", "remove"} else ColumnNames())
    return ColumnNames() if method == "intersection" else Unknown()


def _sequence(owner: Sequence, method: str, given: Arguments) -> object:
    match method, given.positional:
        case "append", [item] if owner.keys is None:
            owner.items.append(item)
        case "extend", [Sequence(items=items)] if owner.keys is None:
            owner.items.extend(items)
        case "items", [] if owner.keys is not None:
            return Sequence([Sequence([key, item]) for key, item in zip(owner.keys, owner.items, strict=False)])
        case "values", []:
            return Sequence(list(owner.items))
        case "keys", [] if owner.keys is not None:
            return Sequence(list(owner.keys))
    return Unknown()


def _use(given: Arguments) -> None:
    """Figures that go into a call do more than meet the eye."""
    for value in given.every():
        for each in scores_in(value):
            each.used = True


def _unknown(run: Run, given: Arguments) -> Unknown:
    """Return the value of a call nobody knows; what it is given may be used for anything."""
    for value in given.every():
        model = as_estimator(value)
        if isinstance(value, Data):
            run.history.passed.append(value)
        elif model is not None:
            run.history.lent.append(model)
    return Unknown()
