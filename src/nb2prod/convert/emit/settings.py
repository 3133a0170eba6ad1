"""The module ``config``: the parameters of the run, and what sets each from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nb2prod.convert.emit.literals import literal
from nb2prod.convert.emit.pipeline import output_field
from nb2prod.convert.emit.prose import docstring, one_line
from nb2prod.convert.plan import Refusal

if TYPE_CHECKING:
    from nb2prod.convert.plan import Parameter, Plan

_ANNOTATIONS = frozenset({"str", "int", "float", "bool", "bytes", "complex", "list", "dict", "tuple", "set", "Path"})


# What the class body of ``Config`` reads itself: a field of that name would stand in its way.
_TAKEN_IN_CONFIG = frozenset({"Path", "field", "from_options"})


def refused_parameters(plan: Plan) -> tuple[Refusal, ...]:
    """Return a refusal for each parameter whose name no field of ``Config`` can have."""
    lines = {name: statement for statement, name in plan.lifted}
    wrong = [each for each in plan.parameters if each.in_config in _TAKEN_IN_CONFIG or each.name.startswith("__")]
    return tuple(
        Refusal(
            each.cell or 0,
            lines[each.name].location.line if each.name in lines else 1,
            f"no field of a configuration can be called {each.name}",
            "rename the parameter",
        )
        for each in wrong
    )


_FROM_OPTIONS = '''\
        """Return the configuration with ``options``, by field name, in place of the defaults.

        Raise ValueError for a name that is no field.
        """
        names = [each.name for each in fields(cls)]
        if unknown := [name for name in options if name not in names]:
            raise ValueError(f"unknown {', '.join(unknown)}; a configuration has {', '.join(names)}")
        return cls(**options)
'''


def emit_config(plan: Plan) -> str:
    """Return the text of ``config.py``, not yet formatted."""
    output = output_field(plan)
    rows = [f"{output}: where the run writes what the notebook showed, such as figures"]
    rows += [
        f"{each.in_config}: {description(each)}" + (" (required)" if each.required else "") for each in plan.parameters
    ]
    fields = [f'    {output}: Path = Path("{plan.output_folder}")']
    fields += [line for each in plan.parameters for line in _field(each)]
    mutable = any(_is_mutable(each.default) or each.secret for each in plan.parameters)
    summary = "What a run can be told; the defaults are the notebook's values."
    return "\n".join(
        [
            '"""The configuration of a run."""',
            "",
            "from __future__ import annotations",
            "",
            "from collections.abc import Mapping",
            f"from dataclasses import dataclass, {'field, ' if mutable else ''}fields",
            "from pathlib import Path",
            "from typing import Any",
            "",
            "",
            "@dataclass(frozen=True, kw_only=True)",
            "class Config:",
            *docstring("\n".join([summary, "", *rows]), "    "),
            "",
            *fields,
            "",
            "    @classmethod",
            "    def from_options(cls, options: Mapping[str, Any]) -> Config:",
            _FROM_OPTIONS,
        ]
    )


def option_names(plan: Plan) -> dict[str, str]:
    """Return the command-line option of each field of the configuration."""
    options: dict[str, str] = {}
    taken = {"--help", "--config", "--set"}
    switches = {each.in_config for each in plan.parameters if each.type == "bool"}
    for name in (output_field(plan), *(each.in_config for each in plan.parameters)):
        option = "--" + (name.strip("_").replace("_", "-") or "value")
        while not taken.isdisjoint(_spellings(option, switch=name in switches)):
            option += "-2"
        taken |= _spellings(option, switch=name in switches)
        options[name] = option
    return options


def variable_names(plan: Plan) -> dict[str, str]:
    """Return the environment variable of each field of the configuration."""
    names: dict[str, str] = {}
    for field in (output_field(plan), *(each.in_config for each in plan.parameters)):
        name = f"{plan.package.replace('.', '_')}_{field.strip('_') or 'value'}".upper()
        while name in names.values():
            name += "_2"
        names[field] = name
    return names


def needed_lines(plan: Plan) -> dict[str, str]:
    """Return for each required field what a run without it says."""
    options, variables = option_names(plan), variable_names(plan)
    return {
        each.in_config: (
            f"{each.in_config}: needed since {description(each)} (set {variables[each.in_config]})"
            if each.secret
            else f"{options[each.in_config]}: needed since {description(each)} (or set {variables[each.in_config]})"
        )
        for each in plan.parameters
        if each.required
    }


def _spellings(option: str, *, switch: bool) -> set[str]:
    """Return what is typed for an option; one that is on or off has ``--no-…`` too."""
    return {option, f"--no-{option[2:]}"} if switch else {option}


def description(parameter: Parameter) -> str:
    """Return one plain line about a parameter."""
    text = one_line(parameter.text)
    if text:
        return text
    return f"from cell {parameter.cell}" if parameter.cell is not None else "a value of the notebook"


def _field(parameter: Parameter) -> list[str]:
    comments = ["", *(f"    {line}" for line in parameter.comments)] if parameter.comments else []
    return [*comments, f"    {parameter.in_config}: {_annotation_and_default(parameter)}"]


def _annotation_and_default(parameter: Parameter) -> str:
    if parameter.required:
        return annotation(parameter) + (" = field(repr=False)" if parameter.secret else "")
    value = literal(parameter.default)
    if _is_mutable(parameter.default):
        value = f"field(default_factory=lambda: {value})"
    elif parameter.type == "Path" and isinstance(parameter.default, str):
        value = f"Path({value})"
    return f"{annotation(parameter)} = {value}"


def annotation(parameter: Parameter) -> str:
    """Return how the type of a field is written."""
    return parameter.type if parameter.type in _ANNOTATIONS else "Any"


def _is_mutable(value: object) -> bool:
    return isinstance(value, list | dict | set)
