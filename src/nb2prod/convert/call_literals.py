"""Literals given to calls that a run may want to set: paths, seeds, split ratios, hyperparameters."""

from __future__ import annotations

import ast
import re
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from nb2prod.convert.candidates import Candidate, Rank
from nb2prod.convert.constants import is_place_name, place_rank, purpose, simple_value, takes_place
from nb2prod.convert.knowledge import knowledge
from nb2prod.convert.plan import Parameter, moved_items

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from nb2prod.analysis import Analysis, Call
    from nb2prod.convert.plan import Moved, Plan
    from nb2prod.dataflow.model import Statement

_ESTIMATOR = "sklearn.base.BaseEstimator"
_KINDS = ("_classifier", "_regressor")
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@dataclass(frozen=True, slots=True)
class _Found:
    """A literal in a call: how much it is wanted, what it could be called, best first, and what it is."""

    rank: Rank
    call: Call
    parameter: str
    node: ast.expr
    value: object
    names: tuple[str, ...]
    text: str


def call_literals(
    plan: Plan, analysis: Analysis, constants: Collection[Candidate], taken: Collection[str]
) -> Iterator[Candidate]:
    """Yield the literals in calls of the steps themselves, each under a name that is not ``taken``.

    A literal in a function is the function's. A path is one field wherever it is written, and none
    where it is also written in a place no name can stand in: what writes and what reads a file must
    not part. The assignments of ``constants`` are none of these. What is one idea without a name, as
    ``random_state=42`` in several calls, stays: neither one field nor many would be the notebook.
    """
    items = {item.statement.index: item for item in moved_items(plan)}
    formatted = _inside_fstrings(items.values())
    everywhere = [each for call in analysis.calls() for each in _literals_of(call, analysis)]
    found = [
        each
        for each in everywhere
        if _is_of_steps(each.call, items, formatted) and not _is_replaced(items[each.call.statement.index], each.node)
    ]
    places = [each for each in found if each.rank in (Rank.READ, Rank.WRITTEN)]
    assignments = [each.statement.node for each in constants if each.statement is not None]
    known = {id(each.node) for each in places} | {id(node) for each in assignments for node in ast.walk(each)}
    elsewhere = _texts_elsewhere(analysis, known)
    texts = dict.fromkeys(str(each.value) for each in places)
    groups = [
        [each for each in places if each.value == text]
        for text in texts
        if not any(_mentions(other, text) for other in (*elsewhere, *texts) if other != text or other in elsewhere)
    ]
    others = [each for each in found if each.rank not in (Rank.READ, Rank.WRITTEN)]
    often = Counter(_idea(each) for each in everywhere)
    given = Counter(each.parameter for each in everywhere)
    groups += [[_owned(each) if given[each.parameter] > 1 else each] for each in others if often[_idea(each)] == 1]
    for name, group in _named(groups, taken):
        first = group[0]
        parameter = Parameter(name, type(first.value).__name__, first.value, first.text, first.call.cell.number)
        literals: tuple[tuple[Statement, ast.expr], ...] = tuple((each.call.statement, each.node) for each in group)
        yield Candidate(min(each.rank for each in group), parameter, literals=literals)


def _idea(each: _Found) -> tuple[object, ...]:
    """Return what two literals share that mean one thing: a seed and a ratio do whatever takes them."""
    return each.parameter, each.value, each.rank is not Rank.SPLIT and each.call.name.rpartition(".")[2]


def _owned(each: _Found) -> _Found:
    """Return the literal without the name that says only what it is: other calls are given one too."""
    return replace(each, names=tuple(name for name in each.names if name != each.parameter) or each.names)


def _is_of_steps(call: Call, items: Mapping[int, Moved], formatted: Collection[int]) -> bool:
    return (
        call.statement.index in items
        and not call.deferred
        and not isinstance(call.statement.node, _DEFINITIONS)
        and id(call.node) not in formatted
    )


def _inside_fstrings(items: Collection[Moved]) -> set[int]:
    """Return what stands in f-strings: before Python 3.12 nobody knows where."""
    return {
        id(inner)
        for item in items
        for node in ast.walk(item.statement.node)
        if isinstance(node, ast.JoinedStr)
        for inner in ast.walk(node)
    }


def _is_replaced(item: Moved, node: ast.expr) -> bool:
    place = item.statement.cell.locate(node).range
    return any(each.range.start < place.end and place.start < each.range.end for each in item.replacements)


def _literals_of(call: Call, analysis: Analysis) -> Iterator[_Found]:
    known = knowledge()
    inside = handed_on(call, analysis)
    is_estimator = call.qualified_name is not None and _ESTIMATOR in analysis.libraries.ancestors(call.qualified_name)
    for parameter, node in call.arguments.items():
        value = simple_value(node)
        if value is None:
            continue
        if parameter in inside and isinstance(value, str) and is_place_name(value):
            inner = inside[parameter]
            verb = "writes" if place_rank(inner) is Rank.WRITTEN else "reads"
            text = f"what `{call.name}` in cell {call.cell.number} {verb}"
            yield _Found(place_rank(inner), call, parameter, node, value, _place_names(value), text)
            continue
        if takes_place(call, parameter) or (call.info is not None and parameter in call.info.path):
            if isinstance(value, str) and _is_place(call, parameter, value):
                text = purpose("", [(call, parameter)], call.cell.number)
                yield _Found(place_rank(call), call, parameter, node, value, _place_names(value), text)
            continue
        text = purpose("", [(call, parameter)], call.cell.number)
        owners = _owners(call)
        if call.info is not None and parameter == call.info.seed:
            if isinstance(value, int):
                names = (
                    ("seed", f"{call.library}_seed")
                    if "seed" in call.effects
                    else _own_names(parameter if parameter == "random_state" else "seed", owners)
                )
                yield _Found(Rank.SPLIT, call, parameter, node, value, names, text)
        elif parameter in known.splits and isinstance(value, int | float):
            yield _Found(Rank.SPLIT, call, parameter, node, value, _own_names(parameter, owners), text)
        elif parameter in known.training:
            yield _Found(Rank.ARGUMENT, call, parameter, node, value, _own_names(parameter, owners), text)
        elif is_estimator and parameter in known.hyperparameters:
            yield _Found(Rank.ARGUMENT, call, parameter, node, value, _own_names(parameter, owners)[1:], text)


def handed_on(call: Call, analysis: Analysis) -> dict[str, Call]:
    """Return which arguments of a call of the notebook's own function that reads or writes the file they name.

    By what ``call.arguments`` calls them, the call in the function's body that is given each as it is.
    """
    function = analysis.own_function(call.node.func)
    if function is None or call.deferred:
        return {}
    own = [each.arg for each in (*function.args.posonlyargs, *function.args.args)]
    inside = {id(node) for node in ast.walk(function) if isinstance(node, ast.Call)}
    found: dict[str, Call] = {}
    for inner in analysis.calls():
        for parameter, argument in inner.arguments.items() if id(inner.node) in inside else ():
            if isinstance(argument, ast.Name) and argument.id in own and takes_place(inner, parameter):
                found.setdefault(argument.id, inner)
                found.setdefault(str(own.index(argument.id)), inner)
    return found


def _is_place(call: Call, parameter: str, text: str) -> bool:
    """Return whether a call goes to the file or address that it is given as ``text``."""
    there = bool(re.search(r"\w", text)) and not text.startswith(("/", "~"))
    # What is displayed as it is, such as a picture, is no input.
    return there and call.library != "IPython" and takes_place(call, parameter)


def _place_names(text: str) -> tuple[str, ...]:
    """Return names for a file or address: ``daily_sales_csv``, ``iris_url``."""
    path, suffix = text, ""
    if "://" in text:
        parts = urlsplit(text)
        path, suffix = PurePosixPath(parts.path).stem or (parts.hostname or ""), "_url"
    base = PurePosixPath(path.replace("\\", "/"))
    name = _snake(base.name) + suffix
    folder = _snake(base.parent.name)
    is_file = bool(base.suffix) or bool(suffix)
    name = name if is_file or name.endswith(("folder", "dir", "directory")) else f"{name}_path"
    name = f"path_{name}" if name[:1].isdigit() else name
    return tuple(dict.fromkeys((name, f"{folder}_{name}" if folder and not folder[0].isdigit() else name)))


def _owners(call: Call) -> tuple[str, ...]:
    """Return what a call's arguments are the arguments of: the variable it makes, else what is called."""
    called = _snake(call.name.rpartition(".")[2])
    for kind in _KINDS:
        called = called.removesuffix(kind)
    match call.statement.node:
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if _made_by(value) is call.node:
            return (_snake(name), called)
    return (called,)


def _made_by(value: ast.expr) -> ast.expr:
    """Return the call an assigned value begins with: ``Ridge()`` of ``Ridge().fit(X, y)``."""
    node = value
    while True:
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Call() as inner, attr="fit")):
                node = inner
            case _:
                return node


def _own_names(parameter: str, owners: Sequence[str]) -> tuple[str, ...]:
    return (parameter, *(f"{owner}_{parameter.lower()}" for owner in owners if owner))


def _snake(text: str) -> str:
    text = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", text)
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")


def _texts_elsewhere(analysis: Analysis, known: Collection[int]) -> list[str]:
    """Return the texts of the code that no field would stand for; sentences are no names of files."""
    found = [magic.argument for cell in analysis.notebook.code_cells for magic in cell.magics]
    found += [cell.source for cell in analysis.notebook.code_cells if cell.tree is None or not cell.tree.body]
    for cell in analysis.notebook.code_cells:
        for node in ast.walk(cell.tree) if cell.tree is not None else ():
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in known:
                found.append("" if re.search(r"\S\s+\S", node.value) else node.value)
    return found


def _mentions(text: str, path: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(path)}(?![\w-])", text) is not None


def _named(groups: Sequence[list[_Found]], taken: Collection[str]) -> Iterator[tuple[str, list[_Found]]]:
    """Yield each group with the first of its names that it alone wants."""
    waiting = [(group, group[0].names) for group in groups]
    used = set(taken)
    while waiting:
        wanted = [names[0] for _, names in waiting]
        later: list[tuple[list[_Found], tuple[str, ...]]] = []
        for group, names in waiting:
            name = names[0]
            if wanted.count(name) == 1 and name not in used and name.isidentifier():
                yield name, group
            elif len(names) > 1:
                later.append((group, names[1:]))
        used.update(wanted)
        waiting = later
