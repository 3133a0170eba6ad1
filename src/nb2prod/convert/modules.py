"""The pass that gives the steps of a large package several modules, and its functions the modules that use them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nb2prod.convert.emit.docstrings import step_docstring
from nb2prod.convert.emit.imports import names_read, names_read_by, sortable_imports
from nb2prod.convert.emit.statements import statement_range
from nb2prod.convert.layouts import find_layout
from nb2prod.convert.plan import EndOfCell, Module, Moved

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nb2prod.analysis import Analysis
    from nb2prod.convert.layouts import Layout
    from nb2prod.convert.plan import Function, Plan, Step

# A module of steps up to this long is read as it is; with imports, comments and blank lines it has some 300.
_LONGEST = 240
_FEWEST_STEPS = 4
# Functions have a module of their own where they are as much of the whole as this.
_FUNCTIONS_SHARE = 0.25
# The module of what several use: it imports from none of them.
_SHARED = "functions"


def place_in_modules(plan: Plan, analysis: Analysis) -> Plan:
    """Give the steps of a large package modules, and its functions the module that uses them.

    A package that can be read as one module of steps keeps it, and so does one whose imports depend on their order.
    """
    functions = sum(_lines(each.moved) + 2 for each in plan.functions)
    lengths = [_length(step, plan) for step in plan.steps]
    total = functions + sum(lengths)
    if total <= _LONGEST or not sortable_imports(plan):
        return plan
    if len(plan.steps) >= _FEWEST_STEPS:
        layout = find_layout(plan, analysis, lengths)
        if layout is not None:
            return _placed(plan, layout)
    if plan.steps and total * _FUNCTIONS_SHARE <= functions:
        return _with_functions_apart(plan)
    return plan


def _placed(plan: Plan, layout: Layout) -> Plan:
    """Return the plan with its steps in their modules, and each function where it is used, or with the shared ones."""
    steps = tuple(replace(step, module=name) for step, name in zip(plan.steps, layout.of_steps, strict=True))
    modules_of = _users(replace(plan, steps=steps))
    functions = tuple(replace(each, module=_only(modules_of[each.name]) or _SHARED) for each in plan.functions)
    modules = tuple(Module(name, about) for name, about in layout.about.items())
    shared = [each for each in functions if each.module == _SHARED]
    if shared:
        modules = (Module(_SHARED, f"{_kinds(shared)} of {{}} that several modules use"), *modules)
    return replace(plan, steps=steps, functions=functions, modules=modules)


def _with_functions_apart(plan: Plan) -> Plan:
    functions = tuple(replace(each, module=_SHARED) for each in plan.functions)
    apart = Module(_SHARED, f"{_kinds(functions)} of {{}}")
    return replace(plan, functions=functions, modules=(apart, *plan.modules))


def _only(names: set[str]) -> str | None:
    return next(iter(names)) if len(names) == 1 else None


def _kinds(functions: Sequence[Function]) -> str:
    kinds = {each.kind for each in functions}
    plurals = {"function": "functions", "class": "classes", "constant": "constants"}
    words = [plural for kind, plural in plurals.items() if kind in kinds]
    return "The " + " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _users(plan: Plan) -> dict[str, set[str]]:
    """Return the modules that use each function, directly or through others.

    A function no step uses stands with the shared ones, so what it uses itself must stand there too: modules
    import from the shared one, never the other way.
    """
    reads = {each.name: names_read([each.moved]) for each in plan.functions}
    used: dict[str, set[str]] = {name: set() for name in reads}
    for step in plan.steps:
        _reach(step.module, names_read_by(step), reads, used)
    for name in [name for name, modules in used.items() if not modules]:
        _reach(_SHARED, {name}, reads, used)
    return used


def _reach(module: str, names: set[str], reads: Mapping[str, set[str]], used: Mapping[str, set[str]]) -> None:
    """Note for each function that ``names`` lead to that ``module`` uses it."""
    pending = [name for name in names if name in reads]
    while pending:
        name = pending.pop()
        if module not in used[name]:
            used[name].add(module)
            pending += [each for each in reads[name] if each in reads]


def _length(step: Step, plan: Plan) -> int:
    """Return about how many lines a step takes in its module."""
    code_cells = [cell.index for cell in plan.notebook.code_cells if not cell.run_by]
    lines = 4 + len(step_docstring(step, code_cells)) + len(step.results)
    return lines + sum(1 if isinstance(item, EndOfCell) else _lines(item) + item.kept for item in step.items)


def _lines(item: Moved) -> int:
    place = statement_range(item.statement.cell.python_lines, item.statement.node)
    return place.end.line - place.start.line + 1
