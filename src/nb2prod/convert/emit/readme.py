"""The package's README: what it does, how to run it, what became of the notebook."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.convert.emit.files_section import files_sections
from nb2prod.convert.emit.literals import literal
from nb2prod.convert.emit.outputs import results_section, shown_section
from nb2prod.convert.emit.pipeline import output_field, step_modules
from nb2prod.convert.emit.prose import code, one_line, readme_markdown, table_cell
from nb2prod.convert.emit.settings import description, option_names, variable_names
from nb2prod.convert.emit.tests_section import tests_section
from nb2prod.convert.outcome import number_of_lines
from nb2prod.convert.plan import Moved
from nb2prod.convert.withheld import shown_prose
from nb2prod.notebook.model import MarkdownCell

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nb2prod.convert.expected_tests import ExpectedTests
    from nb2prod.convert.manifest import Provenance
    from nb2prod.convert.plan import Plan


def emit_readme(
    plan: Plan,
    provenance: Provenance,
    missing: Sequence[str],
    expected: ExpectedTests | None = None,
    stored: Mapping[str, bool] | None = None,
) -> str:
    """Return the text of ``README.md``.

    provenance  what the package was made of and by
    missing     why no test runs the whole pipeline; empty where one does
    expected    what the tests expect
    stored      the steps whose results are stored for the tests, and whether each is called by itself
    """
    title, introduction = (shown_prose(text, plan.withheld) for text in _introduction(plan))
    sections = [
        f"# {title}",
        introduction or f"{code(plan.notebook.path.name)} as a pipeline.",
        _not_converted(plan),
        _run(plan),
        *_about(plan, missing, expected, stored or {}),
        _provenance(plan, provenance),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def emit_part_of_readme(
    plan: Plan, missing: Sequence[str], expected: ExpectedTests | None, stored: Mapping[str, bool]
) -> str:
    """Return what the README of a package of several notebooks says of one: a section; otherwise as ``emit_readme``."""
    title, introduction = (shown_prose(text, plan.withheld) for text in _introduction(plan))
    command = code(plan.distribution)
    sections = [
        f"# {command}: {title}" if title != plan.distribution else f"# {command}",
        introduction,
        f"{command} runs what {code(plan.notebook.path.name)} did. {_where(plan)}",
        _not_converted(plan),
        *_about(plan, missing, expected, stored),
    ]
    text = "\n\n".join(section for section in sections if section)
    return _lowered(text)


def _lowered(text: str) -> str:
    """Return markdown with its headings one level down."""
    fenced = False
    lines = []
    for line in text.split("\n"):
        fenced ^= line.startswith("```")
        lines.append(f"#{line}" if line.startswith("#") and not fenced else line)
    return "\n".join(lines)


def _about(plan: Plan, missing: Sequence[str], expected: ExpectedTests | None, stored: Mapping[str, bool]) -> list[str]:
    return [
        _configure(plan),
        _steps(plan),
        results_section(plan),
        shown_section(plan),
        *files_sections(plan),
        tests_section(plan, missing, expected, stored),
        _left_out(plan),
        _notes(plan),
    ]


def _introduction(plan: Plan) -> tuple[str, str]:
    """Return the notebook's title and the text of its first markdown cell."""
    first = plan.notebook.cells[0] if plan.notebook.cells else None
    if not isinstance(first, MarkdownCell):
        return table_cell(plan.distribution), ""
    lines = [*first.lines]
    while lines and not lines[0].strip():
        lines.pop(0)
    title = one_line(lines.pop(0)) if lines and lines[0].lstrip().startswith("#") else ""
    # What follows the next heading is no introduction.
    until = next((at for at, line in enumerate(lines) if line.lstrip().startswith("#")), len(lines))
    return table_cell(title) or table_cell(plan.distribution), readme_markdown("\n".join(lines[:until]))


def _not_converted(plan: Plan) -> str:
    if not plan.refusals:
        return ""
    number = len(plan.refusals)
    head = (
        f"{number} place{'s' if number > 1 else ''} of the notebook could not be converted: a run gets as far as the "
        "first, and raises `NotImplementedError` there. The code stands beside each as a comment."
    )
    rows = [
        f"| {each.cell} | {each.line} | {table_cell(each.reason)} | {table_cell(each.advice)} |"
        for each in plan.refusals
    ]
    return "\n".join(
        ["## Not converted", "", head, "", "| cell | line | why | what helps |", "|---|---|---|---|", *rows]
    )


def _run(plan: Plan) -> str:
    return "\n".join(
        [
            "## Run",
            "",
            "```console",
            "pip install .",
            f"{plan.distribution} --help",
            plan.distribution,
            "```",
            "",
            f"`python -m {plan.package}` is the same. {_where(plan)}",
        ]
    )


def _where(plan: Plan) -> str:
    """Return where to run a notebook's pipeline, and where what it makes goes."""
    return "\n".join(
        [
            "Relative paths start at the folder the command runs in:",
            _how_far(plan),
            "What the notebook printed goes to standard output. What it displayed goes to standard error"
            + (f", and its figures to PNG files below `{output_field(plan)}`." if plan.draws else "."),
        ]
    )


def _how_far(plan: Plan) -> str:
    if any(each.required for each in plan.parameters):
        return "run it where the notebook was, with the required values of the table below."
    if plan.refusals:
        return (
            "run it where the notebook was; with no options it does what the notebook did, up to the first place above."
        )
    return "run it where the notebook was, and with no options it does what the notebook did."


def _configure(plan: Plan) -> str:
    options, variables = option_names(plan), variable_names(plan)
    output = output_field(plan)
    rows = [(f"`{options[output]}`", output, plan.output_folder, "", "folder for what the run writes")]
    for each in plan.parameters:
        default = "required" if each.required else literal(each.default)
        option = "none: a secret" if each.secret else f"`{options[each.in_config]}`"
        rows.append((option, each.in_config, default, str(each.cell or ""), description(each)))
    prefix = next(iter(variables.values())).removesuffix(output.upper())
    # A secret's variable is spelled out: there is no other way to give it but a file.
    regular = all(name == prefix + field.upper() for field, name in variables.items()) and not any(
        each.secret for each in plan.parameters
    )
    table = [
        f"| option | field of `Config` |{'' if regular else ' environment |'} default | cell | what it is |",
        f"|---|---|{'' if regular else '---|'}---|---|---|",
    ]
    table += [
        f"| {o} | `{n}` |{'' if regular else f' `{variables[n]}` |'} {table_cell(code(d))} | {c} | {table_cell(t)} |"
        for o, n, d, c, t in rows
    ]
    text = [
        "An option counts more than an environment variable, that more than the file of `--config FILE`,",
        "that more than the default. `--set NAME=VALUE` is an option for any field but a secret.",
        *([f"The environment variable of a field is `{prefix}` and its name in capitals."] if regular else []),
        'The file is TOML, one line a field: `output_dir = "results"`.'.replace("output_dir", output),
    ]
    needed = [each.in_config for each in plan.parameters if each.required]
    if needed:
        text.append(f"A run needs {_names(needed)}; without one it says so and ends with exit code 2.")
    return "\n".join(["## Configure", "", *text, "", *table])


def _steps(plan: Plan) -> str:
    if not plan.steps:
        return ""
    table = ["| step | cells | takes | returns |", "|---|---|---|---|"]
    several = len(step_modules(plan)) > 1
    for step in plan.steps:
        cells = ", ".join(map(str, step.numbers))
        name = f"{step.module}.{step.name}" if several else step.name
        table.append(f"| `{name}` | {cells} | {_names(step.arguments)} | {_names(step.results)} |")
    head = f"`{plan.package}.pipeline.run` calls them in this order:"
    return "\n".join(["## Steps", "", *_modules(plan), head, "", *table, *_functions(plan)])


def _modules(plan: Plan) -> list[str]:
    """Return what each module of the notebook's code is about, where there are several."""
    if len(plan.modules) == 1:
        return []
    name = code(plan.notebook.path.name)
    rows = [f"- `{each.name}`: {table_cell(each.about.replace('{}', name, 1))}." for each in plan.modules]
    return ["The notebook's code is in these modules:", "", *rows, ""]


def _functions(plan: Plan) -> list[str]:
    """Return what became of functions that read or assign variables of the notebook."""
    lifted = [each.name for each in plan.functions if each.lifted]
    inside = [(step.name, item.statement) for step in plan.steps for item in step.items if isinstance(item, Moved)]
    kept = [
        f"`{statement.node.name}` (in `{step}`)"
        for step, statement in inside
        if isinstance(statement.node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    ]
    lines: list[str] = []
    if lifted:
        lines += [
            "",
            f"Functions that take the notebook's variables as arguments now ({len(lifted)}): {_names(lifted)}.",
        ]
    if kept:
        lines += [
            "",
            f"Functions and classes kept inside a step, whose variables they share ({len(kept)}): {', '.join(kept)}.",
        ]
    return lines


def _left_out(plan: Plan) -> str:
    if not plan.dropped:
        return ""
    rows = [
        f"| {each.statement.cell.number} | {each.statement.location.line} | {table_cell(each.reason)} |"
        for each in sorted(plan.dropped, key=lambda each: each.statement.index)
    ]
    number = number_of_lines(plan.dropped)
    lines = "1 line" if number == 1 else f"{number} lines"
    head = f"{lines} of the notebook's code {'is' if number == 1 else 'are'} not in the package."
    return "\n".join(["## Left out", "", head, "", "| cell | line | why |", "|---|---|---|", *rows])


def _notes(plan: Plan) -> str:
    return "\n".join(["## Notes", "", *(f"- {table_cell(note)}" for note in plan.notes)]) if plan.notes else ""


def _provenance(plan: Plan, provenance: Provenance) -> str:
    cells = len({cell.index for cell in plan.notebook.code_cells if not cell.run_by})
    info = plan.notebook.metadata.get("language_info")
    version = info.get("version") if isinstance(info, dict) else None
    python = f", saved by Python {table_cell(version)}" if isinstance(version, str) else ""
    return "\n".join(
        [
            "## Provenance",
            "",
            f"Converted by {provenance.generator} from {code(plan.notebook.path.name)} ({cells} code cells{python}).",
            f"SHA-256 of the notebook: `{provenance.notebook}`.",
            "`conversion.json` says for every statement of the notebook where it went.",
        ]
    )


def _names(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "none"
