"""The module ``cli``: the command line of the package, which needs the standard library alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nb2prod.convert.contracts import FIELD
from nb2prod.convert.emit.literals import literal
from nb2prod.convert.emit.pipeline import output_field
from nb2prod.convert.emit.prose import clean
from nb2prod.convert.emit.settings import annotation, description, needed_lines, option_names, variable_names
from nb2prod.convert.scaffold.contract import MODES

if TYPE_CHECKING:
    from nb2prod.convert.plan import Parameter, Plan

_CONVERTERS = frozenset({"str", "int", "float", "Path"})
_SET = "value for a field of Config, as often as needed; the option of a field counts more"


def emit_cli(plan: Plan) -> str:
    """Return the text of ``cli.py``, not yet formatted."""
    options = option_names(plan)
    literals = any(each.type not in (*_CONVERTERS, "bool") for each in plan.parameters)
    imported = ["SettingError", "from_environment", "from_file", "from_pairs", *(["literal_of"] if literals else [])]
    folder = output_field(plan)
    calls = [
        _argument("--config", "--config", "TOML file with values for the fields of Config", "type=Path", "FILE"),
        _argument("--set", "--set", _SET, 'action="append"', "NAME=VALUE"),
        _argument(options[folder], folder, "folder for what the run writes", "type=Path", "PATH"),
        # A command line is seen by every process of the machine.
        *(_option(each, options[each.in_config]) for each in plan.parameters if not each.secret),
    ]
    needed = needed_lines(plan)
    # What the parts of a package of several notebooks share logs by the name of the package.
    logger = "__package__" if plan.package == plan.root else repr(plan.root)
    title = f"Run {clean(plan.notebook.path.name)} as a pipeline."
    return "\n".join(
        [
            '"""The command line: options in, exit code out."""',
            "",
            "from __future__ import annotations",
            "",
            "import argparse",
            "import io",
            "import logging",
            "import os",
            "import sys",
            "from collections.abc import Sequence",
            "from pathlib import Path",
            "",
            "from .config import Config",
            f"from .settings import {', '.join(imported)}",
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
            '        usage="%(prog)s [--config FILE] [--set NAME=VALUE] [option ...]",',
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
            '    file, pairs = options.pop("--config", None), options.pop("--set", ())',
            "    try:",
            "        values = {} if file is None else from_file(file, Config)",
            "        values |= from_environment(VARIABLES, Config, os.environ)",
            "        options = values | from_pairs(pairs, Config) | options",
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
            f"    logger = logging.getLogger({logger})",
            "    logger.addHandler(handler)",
            "    logger.setLevel(logging.INFO)",
            "    logger.propagate = False",
            "    if isinstance(sys.stdout, io.TextIOWrapper):",
            "        sys.stdout.reconfigure(line_buffering=True)",
            "",
        ]
    )


def _table(name: str, rows: dict[str, str]) -> list[str]:
    return [f"{name} = {{", *(f"    {key!r}: {value!r}," for key, value in rows.items()), "}"]


def _option(parameter: Parameter, option: str) -> str:
    text = description(parameter)
    text += " (required)" if parameter.required else f" (default: {literal(parameter.default)})"
    if parameter.name == FIELD and parameter.cell is None:
        return _argument(option, parameter.in_config, text, f"choices={MODES!r}")
    if parameter.type == "bool":
        return _argument(option, parameter.in_config, text, "action=argparse.BooleanOptionalAction")
    if parameter.type in _CONVERTERS:
        return _argument(option, parameter.in_config, text, f"type={parameter.type}", parameter.type.upper())
    return _argument(option, parameter.in_config, text, f"type=literal_of({annotation(parameter)!r})", "LITERAL")


def _argument(option: str, name: str, text: str, how: str, metavar: str | None = None) -> str:
    parts = [repr(option), f"dest={name!r}", how, *([f"metavar={metavar!r}"] if metavar else [])]
    parts.append(f"help={text.replace('%', '%%')!r}")
    return f"    parser.add_argument({', '.join(parts)})"
