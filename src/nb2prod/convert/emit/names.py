"""Names in the generated modules: those of the notebook stay, ours step aside."""

from __future__ import annotations

import ast
import keyword
from typing import TYPE_CHECKING

from nb2prod.convert.emit.errors import EmissionError
from nb2prod.convert.plan import Moved

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from nb2prod.convert.plan import Plan


def notebook_names(plan: Plan) -> frozenset[str]:
    """Return every name the notebook's code, the plan's imports and its steps bind or read, in any scope."""
    names = {name for step in plan.steps for name in (step.name, *step.arguments, *step.results)}
    names.update(function.name for function in plan.functions)
    names.update(result.name for result in plan.results)
    names.update(parameter.name for parameter in plan.parameters)
    names.update(name for each in plan.imports for name in each.binds)
    for cell in plan.notebook.code_cells:
        names.update(name for magic in cell.magics for name in magic.binds)
        for node in ast.walk(cell.tree) if cell.tree else ():
            names.update(_names_of(node))
    return frozenset(names)


def fresh(name: str, taken: Collection[str]) -> str:
    """Return ``name`` with as many underscores appended as it takes to be nobody else's."""
    while name in taken or keyword.iskeyword(name):
        name += "_"
    return name


def camel_case(name: str) -> str:
    """Return a step's name as a class name: ``clean_data`` → ``CleanData``."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_")) or "Results"


def check_names(plan: Plan) -> None:
    """Raise EmissionError where the plan holds a name that is no identifier, or one name twice."""
    steps = [step.name for step in plan.steps]
    variables = [name for step in plan.steps for name in (*step.arguments, *step.results)]
    variables += [item.shown for step in plan.steps for item in step.items if isinstance(item, Moved) and item.shown]
    others = [function.name for function in plan.functions] + [each.name for each in plan.parameters]
    wrong = [name for name in (*plan.package.split("."), *steps, *variables, *others) if not _is_name(name)]
    wrong += _twice(steps) + _twice([each.name for each in plan.parameters])
    for step in plan.steps:
        wrong += _twice(step.arguments) + _twice(step.results)
    if wrong:
        msg = f"the plan holds names that cannot be used: {', '.join(sorted(set(wrong)))}"
        raise EmissionError(msg)


def _names_of(node: ast.AST) -> Iterable[str]:
    match node:
        case ast.Name(id=name) | ast.arg(arg=name):
            yield name
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.alias(name=name, asname=asname):
            yield asname or name.partition(".")[0]
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            yield name
        case ast.MatchMapping(rest=str(name)):
            yield name
        case ast.Global(names=names) | ast.Nonlocal(names=names):
            yield from names


def _is_name(name: str) -> bool:
    return name.isidentifier() and not keyword.iskeyword(name)


def _twice(names: Iterable[str]) -> list[str]:
    names = list(names)
    return [name for name in names if names.count(name) > 1]
