"""The modules that hold the notebook's code: imports, functions and constants of the notebook, and its steps."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nb2prod.convert.emit.imports import import_lines, imports_by_module, own_names
from nb2prod.convert.emit.prose import docstring
from nb2prod.convert.emit.steps import emit_steps, module_level
from nb2prod.convert.withheld import shown_prose

if TYPE_CHECKING:
    from nb2prod.convert.emit.steps import StepText
    from nb2prod.convert.plan import Module, Plan


def emit_modules(plan: Plan) -> dict[str, str]:
    """Return the text of each module of the plan that holds something, by its name, not yet formatted."""
    names = own_names(plan)
    steps = list(zip(plan.steps, emit_steps(plan, names), strict=True))
    bodies: dict[str, str] = {}
    used: dict[str, list[StepText]] = {}
    for module in plan.modules:
        texts = used[module.name] = [text for step, text in steps if step.module == module.name]
        functions = tuple(each for each in plan.functions if each.module == module.name)
        definitions = module_level(replace(plan, functions=functions))
        definitions += [part for text in texts for part in (text.record, text.function) if part]
        bodies[module.name] = "\n\n\n".join(definitions)
    imports = imports_by_module(plan, bodies)
    heads = {
        module.name: [
            *docstring(_title(module, plan)),
            "",
            *import_lines(
                imports[module.name],
                plan,
                names,
                module.name,
                records=any(text.record for text in used[module.name]),
                untyped=any(text.untyped for text in used[module.name]),
            ),
        ]
        for module in plan.modules
    }
    return {
        name: "\n".join(head) + f"\n\n\n{bodies[name]}\n"
        for name, head in heads.items()
        if bodies[name] or len(bodies) == 1
    }


def _title(module: Module, plan: Plan) -> str:
    return shown_prose(module.about.replace("{}", plan.notebook.path.name, 1), plan.withheld) + "."
