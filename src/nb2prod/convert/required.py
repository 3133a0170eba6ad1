"""Required fields of the configuration: takes texts out of the code, and puts the fields' names there."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nb2prod.convert.plan import Moved, Parameter, Plan, Replacement, map_moved
from nb2prod.convert.substitution import Substitute, literals, substituted, substituted_code

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nb2prod.analysis import Analysis
    from nb2prod.convert.naming import Names

# Fields and methods ``Config`` and its command line have anyway.
OWN_FIELDS = frozenset({"from_options", "config", "set", "help", "field", "Path"})


@dataclass(frozen=True, slots=True)
class Wanted:
    """A text to lift: the field it shall be, and the literals it may be looked for in (None: all)."""

    text: str
    parameter: Parameter
    is_path: bool
    nodes: frozenset[int] | None = None


def lift_texts(plan: Plan, analysis: Analysis, wanted: Sequence[Wanted], names: Names) -> tuple[Plan, set[str]]:
    """Return the plan with fields for those of the texts that stand in its code, and which these are.

    ``NAME = "…"`` is lifted whole where ``NAME`` means nothing else; in other literals, and in the code
    that magics became, a fresh name takes the text's place.
    """
    by_text = {each.text: each for each in wanted}
    parameters: list[Parameter] = []
    lifted = list(plan.lifted)
    fields: dict[str, str] = {}
    gone: set[int] = set()
    for item in moved(plan):
        constant = _assigned_constant(item, analysis)
        if constant is None or constant[1] not in by_text or constant[1] in fields:
            continue
        name, text, kind, node = constant
        each = by_text[text]
        if each.nodes is not None and node not in each.nodes:
            continue
        parameters.append(replace(each.parameter, name=name, type=kind))
        lifted.append((item.statement, name))
        fields[text] = name
        gone.add(item.statement.index)
    own = {text: each.parameter for text, each in by_text.items() if text not in fields}
    # Another literal of the same text cannot use a field that is a path object.
    substitutes = []
    for text, each in sorted(by_text.items(), key=lambda pair: -len(pair[0])):
        if text in own:
            fields[text] = names.fresh(each.parameter.name)
            own[text] = replace(each.parameter, name=fields[text])
        substitutes.append(Substitute(text, fields[text], each.is_path, each.nodes))
    used: set[str] = set()

    def changed(item: Moved) -> Moved:
        new = [replace(each, text=substituted_code(each.text, substitutes)) for each in item.replacements]
        for literal, parent in literals(item.statement.node):
            if not any(_covers(each, item, literal) for each in item.replacements):
                new += substituted(item.statement.cell, literal, parent, substitutes)
        if new == [*item.replacements]:
            return item
        added = {each.text for each in new} - {each.text for each in item.replacements}
        used.update(text for text, name in fields.items() if any(re.search(rf"\b{name}\b", each) for each in added))
        return replace(item, replacements=tuple(new))

    steps = map_moved(plan, lambda item: None if item.statement.index in gone else changed(item))
    parameters += [parameter for text, parameter in own.items() if text in used]
    parameters.sort(key=lambda each: each.cell or 0)
    found = used | (by_text.keys() - own.keys())
    return (
        replace(plan, steps=steps, parameters=(*plan.parameters, *parameters), lifted=tuple(lifted)),
        found,
    )


def _assigned_constant(item: Moved, analysis: Analysis) -> tuple[str, str, str, int] | None:
    """Return name, text, type and literal of ``NAME = "…"`` or ``NAME = Path("…")`` if nothing else binds ``NAME``."""
    match item.statement.node:
        case (
            ast.Assign(targets=[ast.Name(id=name)], value=value)
            | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
        ):
            pass
        case _:
            return None
    if item.replacements or name in OWN_FIELDS or name.startswith("_") or _times_bound(name, analysis) != 1:
        return None
    match value:
        case ast.Constant(value=str() as text):
            return name, text, "str", id(value)
        case ast.Call(func=func, args=[ast.Constant(value=str() as text) as literal], keywords=[]):
            return (name, text, "Path", id(literal)) if analysis.qualified_name(func) == "pathlib.Path" else None
    return None


def _times_bound(name: str, analysis: Analysis) -> int:
    """Return how often any code binds ``name``, in any scope: in an inner one it would hide the field."""
    count = 0
    for statement in analysis.flow.statements:
        for node in ast.walk(statement.node):
            match node:
                case ast.Name(id=bound, ctx=ast.Store() | ast.Del()) | ast.arg(arg=bound):
                    count += bound == name
                case ast.FunctionDef(name=bound) | ast.AsyncFunctionDef(name=bound) | ast.ClassDef(name=bound):
                    count += bound == name
                case ast.alias(name=imported, asname=alias):
                    count += (alias or imported.partition(".")[0]) == name
                case ast.ExceptHandler(name=str(bound)) | ast.MatchAs(name=str(bound)) | ast.MatchStar(name=str(bound)):
                    count += bound == name
                case ast.Global(names=bounds) | ast.Nonlocal(names=bounds):
                    count += name in bounds
        magic = statement.magic
        count += magic is not None and name in magic.binds
    return count


def _covers(replacement: Replacement, item: Moved, node: ast.expr) -> bool:
    place = item.statement.cell.locate(node).range
    return replacement.range.start <= place.start and place.end <= replacement.range.end


def moved(plan: Plan) -> Iterator[Moved]:
    """Yield the moved statements of a plan in order."""
    for step in plan.steps:
        yield from (item for item in step.items if isinstance(item, Moved))
