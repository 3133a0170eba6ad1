"""The module ``pipeline``: the steps called in order, and what they return."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.convert.contracts import FIELD
from nb2prod.convert.emit.errors import EmissionError
from nb2prod.convert.emit.names import fresh
from nb2prod.convert.emit.prose import docstring
from nb2prod.convert.emit.steps import returns_record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nb2prod.convert.plan import Plan, Result

# Names ``run`` uses itself; a variable of the notebook with one of them gets an underscore there.
_OURS = frozenset({"config", "Config", "Results", "run", "Any", "TYPE_CHECKING", "dataclass", "asyncio"}) | {
    "saving_figures",
    "notebook_tables",
    "notebook_display",
    "notebook_widgets",
    "checking_inputs",
}


# More text than this left of a call is no line to read: the step's results stay together.
_LONGEST_UNPACKING = 60


def emit_pipeline(plan: Plan, *, displays: bool = False, has_widgets: bool = False) -> str:
    """Return the text of ``pipeline.py``, not yet formatted.

    displays     libraries may display by themselves
    has_widgets  widgets take the output of blocks
    """
    is_async = any(step.is_async for step in plan.steps)
    calls, values = _calls(plan, _variables(plan))
    contexts = []
    if plan.draws:
        contexts.append(f'saving_figures(config.{output_field(plan)} / "figures")')
    if plan.uses_pandas:
        contexts.append("notebook_tables()")
    if displays:
        contexts.append("notebook_display()")
    if has_widgets:
        contexts.append("notebook_widgets()")
    if plan.contracts:
        contexts.append(f"checking_inputs(config.{FIELD})")
    body = [f"    with {', '.join(contexts)}:", *(f"        {line}" for line in calls or ["pass"])]
    if not contexts:
        body = [f"    {line}" for line in calls]
    body.append(f"    return Results({_returned(plan, values)})")
    from_display = [*(["notebook_display"] if displays else []), *(["notebook_tables"] if plan.uses_pandas else [])]
    types = _types(plan)
    named = _type_imports(plan, types)
    text = docstring("Run the steps of the notebook in its order and return what they made.", "    ")
    lines = [
        *docstring(f"The pipeline of {plan.notebook.path.name}, from top to bottom."),
        "",
        "from __future__ import annotations",
        "",
        *(["import asyncio"] if is_async else []),
        "from dataclasses import dataclass",
        *_typing_import(plan, types, named),
        "",
        *_module_imports(plan),
        "from .config import Config",
        *(["from .contract import checking_inputs"] if plan.contracts else []),
        *([f"from .display import {', '.join(from_display)}"] if from_display else []),
        *(["from .figures import saving_figures"] if plan.draws else []),
        *(["from .widgets import notebook_widgets"] if has_widgets else []),
        "",
        *(["if TYPE_CHECKING:", *(f"    {each}" for each in named), ""] if named else []),
        "",
        *_results_class(plan, types),
        "",
        "",
        "def run(config: Config) -> Results:",
        *text,
    ]
    if is_async:
        # Top-level ``await`` in a notebook runs in one event loop for all cells.
        lines += ["    return asyncio.run(_run(config))", "", "", "async def _run(config: Config) -> Results:"]
    return "\n".join([*lines, *body]) + "\n"


def result_fields(plan: Plan) -> dict[str, Result]:
    """Return the fields of ``Results``: each result by its name, an earlier one of that name by its step too."""
    last = {each.name: each for each in plan.results}
    fields: dict[str, Result] = {}
    for each in {(each.name, each.step): each for each in plan.results}.values():
        # Two leading underscores would be mangled in a class.
        name = each.name if not each.name.startswith("__") else "_" + each.name.lstrip("_")
        if last[each.name].step != each.step:
            name = _kept(each)
        fields[fresh(name, fields.keys() | (last.keys() - {each.name}))] = each
    return fields


def output_field(plan: Plan) -> str:
    """Return what the configuration calls the output folder."""
    return fresh("output_dir", {parameter.in_config for parameter in plan.parameters})


def step_modules(plan: Plan) -> tuple[str, ...]:
    """Return the modules that hold steps, in their order."""
    used = {step.module for step in plan.steps}
    return tuple(each.name for each in plan.modules if each.name in used)


def _called(plan: Plan) -> dict[str, str]:
    """Return what ``run`` calls each module of steps: all by another name where a variable has that of one."""
    names = {name for step in plan.steps for name in (*step.arguments, *step.results)}
    modules = step_modules(plan)
    if names.isdisjoint(modules):
        return {name: name for name in modules}
    return {name: fresh(f"{name.removesuffix('_steps')}_steps", names | {*modules} - {name}) for name in modules}


def _module_imports(plan: Plan) -> list[str]:
    parts = [name if name == called else f"{name} as {called}" for name, called in _called(plan).items()]
    return [f"from . import {', '.join(parts)}"] if parts else []


def _ours(plan: Plan) -> frozenset[str]:
    """Return the names ``run`` uses that are not the notebook's."""
    return _OURS.union(_called(plan).values())


def _variables(plan: Plan) -> dict[str, str]:
    """Return what ``run`` calls each variable of the notebook: by its name, unless ours has that name."""
    names = dict.fromkeys(name for step in plan.steps for name in (*step.arguments, *step.results))
    ours = _ours(plan)
    return {name: fresh(name, ours | (names.keys() - {name})) if name in ours else name for name in names}


def _calls(plan: Plan, variables: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """Return the lines that call the steps, and what each field of ``Results`` is after them."""
    parameters = {parameter.name: parameter.in_config for parameter in plan.parameters}
    where: dict[str, str] = {}
    values: dict[str, str] = {}
    lines: list[str] = []
    called, ours = _called(plan), _ours(plan)
    for step in plan.steps:
        missing = [name for name in step.arguments if name not in where and name not in parameters]
        if missing:
            msg = f"the step {step.name} takes {missing[0]}, which no step before it returns"
            raise EmissionError(msg)
        arguments = [where[name] if name in where else f"config.{parameters[name]}" for name in step.arguments]
        call = f"{'await ' if step.is_async else ''}{called[step.module]}.{step.name}({', '.join(arguments)})"
        unpacked = ", ".join(variables[name] for name in step.results)
        record = None
        if returns_record(step) and len(unpacked) > _LONGEST_UNPACKING:
            record = fresh(step.name, ours | {*variables.values()})
            where.update((name, f"{record}.{name}") for name in step.results)
        else:
            where.update((name, variables[name]) for name in step.results)
        lines.append(f"{record or unpacked} = {call}" if step.results else call)
        for field, each in result_fields(plan).items():
            if each.step != step.name or each.name not in step.results:
                continue
            values[field] = where[each.name]
            if record is None and _rebound(plan, each):
                # A later step makes another value of that name; this one is kept for the results.
                values[field] = fresh(_kept(each), variables.values())
                lines.append(f"{values[field]} = {variables[each.name]}")
    return lines, values


def _rebound(plan: Plan, result: Result) -> bool:
    """Return whether a step after the result's own returns another value of its name."""
    steps = [step.name for step in plan.steps]
    return any(result.name in step.results for step in plan.steps[steps.index(result.step) + 1 :])


def _kept(result: Result) -> str:
    return f"{result.step}_{result.name.lstrip('_')}"


def _returned(plan: Plan, values: Mapping[str, str]) -> str:
    for field, each in result_fields(plan).items():
        if field not in values:
            msg = f"the result {each.name} is returned by no step {each.step}"
            raise EmissionError(msg)
    return ", ".join(f"{field}={values[field]}" for field in result_fields(plan))


def _types(plan: Plan) -> dict[str, str]:
    """Return the type of each field of ``Results`` that is certain, as its step spells it."""
    of_step = {step.name: dict(step.result_types) for step in plan.steps}
    fields = result_fields(plan)
    found = {field: of_step[each.step][each.name] for field, each in fields.items() if each.name in of_step[each.step]}
    # A field, or what is imported here, may have the name of a type's module.
    hidden = _ours(plan) | fields.keys()
    return {field: text for field, text in found.items() if text.partition(".")[0] not in hidden}


def _type_imports(plan: Plan, types: Mapping[str, str]) -> list[str]:
    """Return the notebook's imports of what the types name."""
    roots = {text.partition(".")[0] for text in types.values()}
    found = (import_of(roots, each.text) for each in plan.imports if not roots.isdisjoint(each.binds))
    return sorted({text for text in found if text})


def import_of(roots: set[str], text: str) -> str:
    """Return an import without the names that are not asked for, empty if none is left; a ``try`` as it stands."""
    match ast.parse(text).body:
        case [(ast.Import() | ast.ImportFrom()) as node]:
            node.names = [each for each in node.names if (each.asname or each.name.partition(".")[0]) in roots]
            return ast.unparse(node) if node.names else ""
    return text


def _typing_import(plan: Plan, types: Mapping[str, str], named: Sequence[str]) -> list[str]:
    names = [*(["TYPE_CHECKING"] if named else []), *(["Any"] if result_fields(plan).keys() - types.keys() else [])]
    return [f"from typing import {', '.join(names)}"] if names else []


def _results_class(plan: Plan, types: Mapping[str, str]) -> list[str]:
    results = result_fields(plan)
    text = "What the notebook made and displayed." if results else "The notebook leaves no values behind."
    rows = [
        f"{name}: {'displayed by' if each.displayed else 'made by'} cell {each.cell} ({each.step})"
        for name, each in results.items()
    ]
    lines = ["@dataclass(frozen=True, eq=False)", "class Results:"]
    lines += docstring("\n".join([text, "", *rows]) if rows else text, "    ")
    return [*lines, "", *(f"    {name}: {types.get(name, 'Any')}" for name in results)] if results else lines
