"""Names bound once to a literal and only read: what ``DATA = "customers.csv"`` is to the configuration."""

from __future__ import annotations

import ast
import builtins
import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from nb2prod.convert.candidates import Candidate, Rank
from nb2prod.convert.definitions import meanings
from nb2prod.convert.emit.statements import snippet
from nb2prod.convert.field_names import field_of_place
from nb2prod.convert.knowledge import knowledge
from nb2prod.convert.namespace_reads import may_read_any_name
from nb2prod.convert.path_uses import file_verb
from nb2prod.convert.plan import Moved, Parameter, moved_items
from nb2prod.convert.required import OWN_FIELDS
from nb2prod.dataflow.flow import PREDEFINED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nb2prod.analysis import Analysis, Call
    from nb2prod.convert.plan import Plan
    from nb2prod.dataflow.model import Definition, Use

# What a call does to the file or address it is given.
FILE_EFFECTS = frozenset({"read-file", "write-file", "network", "model-save", "model-load"})
# ``x = 5`` says nothing as a field, ``k = 5`` little.
_SHORTEST = 3
_LONGEST_TEXT = 200
_MOST_WORDS = 3
_MOST_ITEMS = 8
_ADDRESS = re.compile(r"[a-z][a-z0-9+]*://\S+", re.IGNORECASE)
_SEED = re.compile(r"(?:^|_)(?:seed|random_state)(?:$|_)", re.IGNORECASE)
_NO_DOCUMENTATION = re.compile(r"(?:noqa|type:|pylint:|pragma|fmt:|@(?:param|title)\b)")


def named_constants(plan: Plan, analysis: Analysis) -> Iterator[Candidate]:
    """Yield each ``NAME = literal`` whose name means that value wherever the steps read it.

    Not: names bound or changed anywhere else, read before, declared ``global``, read by nobody, or
    read out of texts by functions; and nothing at all where code nobody can see may read any name.
    """
    if may_read_any_name(plan, analysis):
        return
    defined = meanings(analysis)
    declared = _declared_names(analysis)
    reads = _reads(plan)
    last_star = max((each.statement for each in defined.get("*", ())), default=-1)
    given = {each.name for each in plan.parameters}
    for item in moved_items(plan):
        found = _assigned(item, analysis)
        if found is None:
            continue
        name, value, kind = found
        own = [each for each in defined.get(name, ()) if each.kind != "mutate"]  # what is immutable is not changed
        if len(own) != 1 or own[0].statement < last_star or name in declared or name in given:
            continue
        uses = reads.get(name, [])
        if uses and all(_always_means(each, own[0], analysis) for each in uses):
            calls = calls_with(name, analysis)
            rank = _rank(name, value, calls)
            if rank is not None:
                text, comments = documentation(item, purpose(name, calls, item.statement.cell.number))
                field = field_of_place(name, str(value)) if rank in (Rank.READ, Rank.WRITTEN) else ""
                cell = item.statement.cell.number
                parameter = Parameter(name, kind, value, text, cell, field_name=field, comments=comments)
                yield Candidate(rank, parameter, item.statement)


def documentation(item: Moved, otherwise: str) -> tuple[str, tuple[str, ...]]:
    """Return what documents an assignment, the comment beside it if there is one, and its other comments."""
    cut = snippet(item)
    beside = cut.beside.lstrip("#:! ").strip()
    comments = tuple(line for line in (*cut.before, *cut.after) if line)
    return (otherwise if not beside or _NO_DOCUMENTATION.match(beside) else beside), comments


def simple_value(node: ast.expr) -> object:
    """Return the number, text or switch a literal is; None for any other expression."""
    match node:
        case ast.Constant(value=bool() | int() | float() as value):
            return value
        case ast.Constant(value=str(text)) if text.strip() and "\n" not in text and len(text) <= _LONGEST_TEXT:
            return text
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)) if not isinstance(
            value, bool
        ):
            return -value
    return None


def is_place_name(text: str) -> bool:
    """Return whether a text can only be an address or the name of a file."""
    if any(character.isspace() for character in text):
        return False
    return _ADDRESS.fullmatch(text) is not None or text.rpartition(".")[2].lower() in knowledge().file_endings


def _assigned(item: Moved, analysis: Analysis) -> tuple[str, object, str] | None:
    """Return name, value and type of ``NAME = literal``, where nothing else is to be done for the statement."""
    annotation: ast.expr | None = None
    match item.statement.node:
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            pass
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value, annotation=annotation):
            pass
        case _:
            return None
    if item.replacements or item.guarded or item.shown or item.statement.displayed:
        return None
    if [each.name for each in item.statement.definitions] != [name] or name.startswith("_"):
        return None
    if name in PREDEFINED | OWN_FIELDS or hasattr(builtins, name):
        return None
    default = simple_value(value)
    match value:
        case ast.Tuple(elts=elements) if name.isupper() and 0 < len(elements) <= _MOST_ITEMS:
            parts = [simple_value(each) for each in elements]
            default = None if None in parts else tuple(parts)
        case ast.Call(func=func, args=[ast.Constant(value=str(text))], keywords=[]) if text.strip():
            default = PurePosixPath(text) if analysis.qualified_name(func) == "pathlib.Path" else None
    if default is None:
        return None
    kind = "Path" if isinstance(default, PurePosixPath) else type(default).__name__
    if kind == "int" and isinstance(annotation, ast.Name) and annotation.id == "float":
        kind = "float"
    return name, default, kind


def _declared_names(analysis: Analysis) -> set[str]:
    return {
        name
        for statement in analysis.flow.statements
        for node in ast.walk(statement.node)
        if isinstance(node, ast.Global | ast.Nonlocal)
        for name in node.names
    }


def _reads(plan: Plan) -> dict[str, list[Use]]:
    """Return the uses of each name in what is left of the steps."""
    found: dict[str, list[Use]] = {}
    for item in moved_items(plan):
        for use in item.statement.uses:
            found.setdefault(use.name, []).append(use)
    return found


def _always_means(use: Use, definition: Definition, analysis: Analysis) -> bool:
    """Return whether a use reads what ``definition`` bound, and a step can pass it on to it."""
    if use.deferred and not isinstance(use.node, ast.Name):
        return False  # ``df.query("a > @limit")`` in a function looks for a global
    if not use.deferred and use.statement <= definition.statement:
        return False
    reaching = [each for each in analysis.flow.reaching(use) if each.kind != "mutate"]
    return all(each is definition for each in reaching) and not analysis.flow.maybe_unbound(use)


def calls_with(name: str, analysis: Analysis) -> list[tuple[Call, str]]:
    """Return the calls that are given the name, each with the parameter it is given for."""
    return [
        (call, parameter)
        for call in analysis.calls()
        for parameter, argument in call.arguments.items()
        if isinstance(argument, ast.Name) and argument.id == name and analysis.use_at(argument) is not None
    ]


def _rank(name: str, value: object, calls: Sequence[tuple[Call, str]]) -> Rank | None:
    """Return how much the value is wanted in the configuration; None where it is none of its business."""
    known = knowledge()
    for call, parameter in calls:
        if call.info is not None and parameter in call.info.path and isinstance(value, str | PurePosixPath):
            return place_rank(call)
        if parameter in known.splits or (call.info is not None and parameter == call.info.seed):
            return Rank.SPLIT
    if isinstance(value, PurePosixPath) or (isinstance(value, str) and is_place_name(value)):
        return Rank.READ
    if _SEED.search(name):
        return Rank.SPLIT
    if name.isupper() or any(parameter in known.training | known.hyperparameters for _, parameter in calls):
        return Rank.CONSTANT
    is_prose = isinstance(value, str) and len(value.split()) > _MOST_WORDS
    return None if len(name) < _SHORTEST or is_prose else Rank.VARIABLE


def place_rank(call: Call) -> Rank:
    """Return how much a path given to ``call`` is wanted in the configuration."""
    return Rank.WRITTEN if file_verb(call) in ("writes", "makes") else Rank.READ


def takes_place(call: Call, parameter: str) -> bool:
    """Return whether a call reads or writes the file that an argument names.

    Of an object nobody knows it is the first argument of a method named as in pandas: ``sums.to_csv("sums.csv")``.
    """
    if call.info is not None:
        return parameter in call.info.path and not call.effects.isdisjoint(FILE_EFFECTS)
    return parameter == "0" and isinstance(call.node.func, ast.Attribute) and call.node.func.attr in knowledge().writers


def purpose(name: str, calls: Sequence[tuple[Call, str]], cell: int) -> str:
    """Return what a value of cell ``cell`` is for, as far as the code says: what it is given to first."""
    more = " and elsewhere" if len(calls) > 1 else ""
    for call, parameter in calls:
        if takes_place(call, parameter):
            return f"what {_called(call)} {file_verb(call) or 'goes to'}{more}"
    for call, parameter in calls:
        if "seed" in call.effects:
            return f"seed of {_called(call)}{more}"
        if not parameter.isdigit() and (call.info is None or parameter not in call.info.path):
            return f"`{parameter}` of {_called(call)}{more}"
    return f"`{name}` of cell {cell}"


def _called(call: Call) -> str:
    """Return what is called and where, short: of ``table["mae"].unstack().to_csv`` the method."""
    name = call.name if call.name.replace(".", "").isidentifier() else call.name.rpartition(".")[2]
    return f"`{name}` in cell {call.cell.number}"
