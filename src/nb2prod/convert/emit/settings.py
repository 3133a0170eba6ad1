"""The modules ``config`` and ``cli``: the parameters of the run, and the options that set them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nb2prod.convert.emit.literals import literal
from nb2prod.convert.emit.pipeline import output_field
from nb2prod.convert.emit.prose import clean, docstring, one_line
from nb2prod.convert.plan import Refusal

if TYPE_CHECKING:
    from nb2prod.convert.plan import Parameter, Plan

_CONVERTERS = {"str": "str", "int": "int", "float": "float", "Path": "Path"}
_ANNOTATIONS = frozenset({"str", "int", "float", "bool", "bytes", "complex", "list", "dict", "tuple", "set", "Path"})


# What the class body of ``Config`` reads itself: a field of that name would stand in its way.
_TAKEN_IN_CONFIG = frozenset({"Path", "field", "from_options"})


def refused_parameters(plan: Plan) -> tuple[Refusal, ...]:
    """Return a refusal for each parameter whose name no field of ``Config`` can have."""
    lines = {name: statement for statement, name in plan.lifted}
    wrong = [each for each in plan.parameters if each.name in _TAKEN_IN_CONFIG or each.name.startswith("__")]
    return tuple(
        Refusal(
            each.cell or 0,
            lines[each.name].location.line if each.name in lines else 1,
            f"no field of a configuration can be called {each.name}",
            "rename the parameter",
        )
        for each in wrong
    )


def emit_config(plan: Plan) -> str:
    """Return the text of ``config.py``, not yet formatted."""
    output = output_field(plan)
    rows = [f"{output}: where the run writes what the notebook showed, such as figures"]
    rows += [f"{each.name}: {description(each)}" + (" (required)" if each.required else "") for each in plan.parameters]
    fields = [f'    {output}: Path = Path("output")', *(_field(each) for each in plan.parameters)]
    mutable = any(_is_mutable(each.default) or each.secret for each in plan.parameters)
    summary = "What a run can be told; the defaults are the notebook's values."
    return "\n".join(
        [
            '"""The configuration of a run."""',
            "",
            "from __future__ import annotations",
            "",
            "from collections.abc import Mapping",
            f"from dataclasses import dataclass{', field' if mutable else ''}",
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
            '        """Return the configuration with ``options``, by field name, in place of the defaults."""',
            "        return cls(**options)",
            "",
        ]
    )


def emit_cli(plan: Plan) -> str:
    """Return the text of ``cli.py``, not yet formatted."""
    options = option_names(plan)
    literals = any(_converter(each) == "_literal" for each in plan.parameters)
    calls = [
        _argument("--config", "--config", "Path", "TOML file with values for the fields of Config"),
        _argument(options[output_field(plan)], output_field(plan), "Path", "folder for what the run writes"),
    ]
    for each in plan.parameters:
        if each.secret:
            continue  # a command line is seen by every process of the machine
        text = description(each)
        text += " (required)" if each.required else f" (default: {literal(each.default)})"
        if each.type == "bool":
            action = ", action=argparse.BooleanOptionalAction"
            calls.append(_argument(options[each.name], each.name, None, text, action))
        else:
            calls.append(_argument(options[each.name], each.name, _converter(each), text))
    needed = needed_lines(plan)
    title = f"Run {clean(plan.notebook.path.name)} as a pipeline."
    helper = [
        "",
        "",
        "def _literal(text: str) -> object:",
        '    """Return the value of a Python literal such as ``[1, 2]``."""',
        "    try:",
        "        return ast.literal_eval(text)",
        "    except (SyntaxError, ValueError) as error:",
        '        raise argparse.ArgumentTypeError(f"not a Python literal: {text!r}") from error',
    ]
    return "\n".join(
        [
            '"""The command line: options in, exit code out."""',
            "",
            "from __future__ import annotations",
            "",
            "import argparse",
            *(["import ast"] if literals else []),
            "import io",
            "import logging",
            "import os",
            "import sys",
            "from collections.abc import Sequence",
            "from pathlib import Path",
            "",
            "from .config import Config",
            "from .settings import SettingError, from_environment, from_file",
            "",
            "# The environment variable of each field.",
            *_table("VARIABLES", variable_names(plan)),
            *(["", "# What has no default: what a run without it says.", *_table("NEEDED", needed)] if needed else []),
            "",
            "",
            "def build_parser() -> argparse.ArgumentParser:",
            '    """Return the parser; an option that is not given is not in its result."""',
            "    parser = argparse.ArgumentParser(",
            f"        prog={plan.distribution!r},",
            f"        description={title.replace('%', '%%')!r},",
            "        argument_default=argparse.SUPPRESS,",
            "        allow_abbrev=False,",
            "    )",
            *calls,
            "    return parser",
            "",
            "",
            "def main(arguments: Sequence[str] | None = None) -> int:",
            '    """Run the pipeline and return the exit code; a step that fails ends it with its traceback."""',
            "    parser = build_parser()",
            "    options = vars(parser.parse_args(arguments))",
            '    file = options.pop("--config", None)',
            "    try:",
            "        below = {} if file is None else from_file(file, Config)",
            "        options = {**below, **from_environment(VARIABLES, Config, os.environ), **options}",
            "    except SettingError as error:",
            "        parser.error(str(error))",
            *(
                [
                    "    missing = [line for name, line in NEEDED.items() if name not in options]",
                    "    if missing:",
                    '        print("\\n".join(missing), file=sys.stderr)',
                    "        return 2",
                ]
                if needed
                else []
            ),
            "    config = Config.from_options(options)",
            "    _log_to_standard_error()",
            "    # Imported here: ``--help`` and a wrong option need none of the notebook's libraries.",
            "    from .pipeline import run",
            "",
            "    run(config)",
            "    return 0",
            "",
            "",
            "def _log_to_standard_error() -> None:",
            '    """Send the package\'s own messages to standard error: standard output is the notebook\'s."""',
            "    handler = logging.StreamHandler()",
            '    handler.setFormatter(logging.Formatter("%(message)s"))',
            "    logger = logging.getLogger(__package__)",
            "    logger.addHandler(handler)",
            "    logger.setLevel(logging.INFO)",
            "    logger.propagate = False",
            "    if isinstance(sys.stdout, io.TextIOWrapper):",
            "        sys.stdout.reconfigure(line_buffering=True)",
            *(helper if literals else []),
            "",
        ]
    )


def option_names(plan: Plan) -> dict[str, str]:
    """Return the command-line option of each field of the configuration."""
    options: dict[str, str] = {}
    taken = {"--help", "--config"}
    switches = {each.name for each in plan.parameters if each.type == "bool"}
    for name in (output_field(plan), *(each.name for each in plan.parameters)):
        # DATA_FILE is a constant in Python; on a command line it is --data-file.
        option = "--" + ((name.lower() if name.isupper() else name).strip("_").replace("_", "-") or "value")
        while not taken.isdisjoint(_spellings(option, switch=name in switches)):
            option += "-2"
        taken |= _spellings(option, switch=name in switches)
        options[name] = option
    return options


def variable_names(plan: Plan) -> dict[str, str]:
    """Return the environment variable of each field of the configuration."""
    names: dict[str, str] = {}
    for field in (output_field(plan), *(each.name for each in plan.parameters)):
        name = f"{plan.package}_{field.strip('_') or 'value'}".upper()
        while name in names.values():
            name += "_2"
        names[field] = name
    return names


def needed_lines(plan: Plan) -> dict[str, str]:
    """Return for each required field what a run without it says."""
    options, variables = option_names(plan), variable_names(plan)
    return {
        each.name: (
            f"{each.name}: needed since {description(each)} (set {variables[each.name]})"
            if each.secret
            else f"{options[each.name]}: needed since {description(each)} (or set {variables[each.name]})"
        )
        for each in plan.parameters
        if each.required
    }


def _table(name: str, rows: dict[str, str]) -> list[str]:
    return [f"{name} = {{", *(f"    {key!r}: {value!r}," for key, value in rows.items()), "}"]


def _spellings(option: str, *, switch: bool) -> set[str]:
    """Return what is typed for an option; one that is on or off has ``--no-…`` too."""
    return {option, f"--no-{option[2:]}"} if switch else {option}


def description(parameter: Parameter) -> str:
    """Return one plain line about a parameter."""
    text = one_line(parameter.text)
    if text:
        return text
    return f"from cell {parameter.cell}" if parameter.cell is not None else "a value of the notebook"


def _field(parameter: Parameter) -> str:
    annotation = parameter.type if parameter.type in _ANNOTATIONS else "Any"
    if parameter.required:
        return f"    {parameter.name}: {annotation}" + (" = field(repr=False)" if parameter.secret else "")
    value = literal(parameter.default)
    if _is_mutable(parameter.default):
        value = f"field(default_factory=lambda: {value})"
    elif parameter.type == "Path" and isinstance(parameter.default, str):
        value = f"Path({value})"
    return f"    {parameter.name}: {annotation} = {value}"


def _argument(option: str, name: str, converter: str | None, text: str, more: str = "") -> str:
    parts = [repr(option), f"dest={name!r}"]
    if converter is not None:
        parts += [f"type={converter}", f"metavar={(converter.strip('_') or name).upper()!r}"]
    parts.append(f"help={text.replace('%', '%%')!r}")
    return f"    parser.add_argument({', '.join(parts)}{more})"


def _converter(parameter: Parameter) -> str:
    return _CONVERTERS.get(parameter.type, "_literal")


def _is_mutable(value: object) -> bool:
    return isinstance(value, list | dict | set)
