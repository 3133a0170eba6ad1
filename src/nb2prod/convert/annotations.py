"""Types of what steps take and return, where they are certain and the module has a name for them."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING

from nb2prod.convert.plan import Moved
from nb2prod.names import Names

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nb2prod.analysis import Analysis
    from nb2prod.convert.plan import Plan, Step
    from nb2prod.dataflow.model import Definition

# Builtins that say something as an annotation and need no import.
_BUILTINS = frozenset({"bool", "bytes", "complex", "dict", "float", "int", "list", "set", "str", "tuple"})
# Classes that every release of their library has under this name: an annotation is evaluated at import.
_PUBLIC = frozenset(
    {"pandas.DataFrame", "pandas.Series", "pandas.Index", "pandas.Timestamp", "numpy.ndarray", "pathlib.Path"}
)
# They split each of their arguments in two, and leave these what they are.
_SPLITS = frozenset({"sklearn.model_selection.train_test_split", "sklearn.cross_validation.train_test_split"})
_SPLIT_ALIKE = frozenset({"pandas.DataFrame", "pandas.Series", "numpy.ndarray"})


def annotate_steps(plan: Plan, analysis: Analysis) -> Plan:
    """Annotate arguments and results whose class is the same whichever definition they come from.

    Only classes the generated module can name count: builtins, and what the notebook's own imports
    reach (``pd.DataFrame`` where it says ``import pandas as pd``, an estimator imported by name).
    """
    spellings = _spellings(plan, analysis)
    # What functions of the notebook return has a class for readers; nothing is moved or left out for it.
    names = Names(analysis.notebook, analysis.flow, analysis.libraries, analysis.nodes, local_types=True)
    known = {each.name: each.type for each in plan.parameters if each.type in _BUILTINS}
    if path := spellings.get("pathlib.Path"):
        known.update((each.name, path) for each in plan.parameters if each.type == "Path")
    steps = []
    for step in plan.steps:
        arguments = {name: known[name] for name in step.arguments if name in known}
        results = {name: text for name in step.results if (text := _result(name, step, names, spellings, arguments))}
        for name in step.results:
            known.pop(name, None)
        known.update(results)
        steps.append(replace(step, argument_types=tuple(arguments.items()), result_types=tuple(results.items())))
    return replace(plan, steps=tuple(steps))


def _spellings(plan: Plan, analysis: Analysis) -> dict[str, str]:
    """Return how the module can name a class, by its qualified name."""
    spellings = {f"builtins.{name}": name for name in _BUILTINS if name not in _bound_names(analysis)}
    for each in plan.imports:
        if each.statement is None:
            continue
        for definition in each.statement.definitions:
            if definition.kind == "import" and definition.certain and definition.qualified is not None:
                canonical = analysis.libraries.canonical(definition.qualified)
                if analysis.libraries.klass(canonical) is not None:
                    spellings.setdefault(canonical, definition.name)
                spellings.update(
                    (name, f"{definition.name}.{name.rpartition('.')[2]}")
                    for name in _PUBLIC
                    if name.rpartition(".")[0] == definition.qualified
                )
    return spellings


def _bound_names(analysis: Analysis) -> set[str]:
    return {each.name for statement in analysis.flow.statements for each in statement.definitions}


def _result(
    name: str, step: Step, names: Names, spellings: Mapping[str, str], arguments: Mapping[str, str]
) -> str | None:
    """Return the annotation of a result: the class that every definition that may be the last one has."""
    last: list[Definition] = []
    for item in step.items:
        for definition in item.statement.definitions if isinstance(item, Moved) else ():
            if definition.name != name or definition.kind == "mutate":
                continue
            if definition.certain:
                last.clear()
            last.append(definition)
    if not last:
        return arguments.get(name)
    classes = _classes(last, names)
    if len(classes) != 1:
        return None
    text = spellings.get(next(iter(classes)))
    if not any(each.certain for each in last) and name in step.arguments:
        return text if text == arguments.get(name) else None
    return text


def _classes(definitions: Iterable[Definition], names: Names) -> set[str]:
    """Return the classes of the objects that definitions bind; empty where one is unknown."""
    found: set[str] = set()
    for definition in definitions:
        made = names.object_class(definition) or _class_of_part(definition, names)
        if made is None:
            return set()
        found.add(names.libraries.canonical(made))
    return found


def _class_of_part(definition: Definition, names: Names) -> str | None:
    """Return the class of one of two parts that rows were split into: that of the whole."""
    match names.flow.statements[definition.statement].node:
        case ast.Assign(
            targets=[ast.Tuple(elts=parts) | ast.List(elts=parts)], value=ast.Call(func=func, args=wholes)
        ) if len(parts) == 2 * len(wholes) and names.qualified_name(func) in _SPLITS:
            at = next((at for at, part in enumerate(parts) if part is definition.node), None)
            whole = None if at is None else names.qualified_name(wholes[at // 2])
            return whole if whole in _SPLIT_ALIKE else None
    return None
