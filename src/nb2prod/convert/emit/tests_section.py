"""The README's section about the tests: what they expect and from where, and what no test looks at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nb2prod.convert.emit.prose import table_cell
from nb2prod.convert.emit.step_tests import covered_steps
from nb2prod.convert.emit.testing import function_calls
from nb2prod.convert.plan import Moved

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nb2prod.convert.expected_tests import ExpectedTests
    from nb2prod.convert.plan import Plan


def tests_section(plan: Plan, missing: Sequence[str], expected: ExpectedTests | None) -> str:
    """Return the section; ``missing`` says why no test runs the whole pipeline, empty where one does."""
    lines = [
        "## Test",
        "",
        "```console",
        "pip install . pytest",
        "pytest",
        "```",
        "",
        "The tests import every module in an empty folder and use the command line"
        + (
            "."
            if missing
            else f"; one run of the whole pipeline{' on `tests/data`' if plan.data_files else ''} is kept."
        ),
    ]
    if expected is not None:
        lines += _expected(plan, expected, runs=not missing)
    if plan.contracts:
        files = _names([each.file for each in plan.contracts])
        lines += ["", f"`contract.py` says what the steps need of {files}; `test_contract.py` breaks it in every way."]
    called = {call.function.name for call in function_calls(plan)}
    if called:
        text = f"The tests call {_names(sorted(called))} as the notebook does (marked `untested`: no value is checked)."
        lines += ["", text]
    if missing:
        lines += ["", "No test runs the whole pipeline:", "", *(f"- {table_cell(reason)}" for reason in missing)]
    others = [each.name for each in plan.functions if each.kind == "function" and each.name not in called]
    if others:
        lines += ["", f"No test calls these functions by themselves: {_names(others)}."]
    return "\n".join(lines)


def _expected(plan: Plan, expected: ExpectedTests, *, runs: bool) -> list[str]:
    source = (
        "the notebook's saved outputs" if expected.observation is None else "what was observed when it was verified"
    )
    lines: list[str] = []
    if runs and expected.texts.texts:
        shown = sum(isinstance(item, Moved) and item.shown is not None for step in plan.steps for item in step.items)
        tested = sum(each.kind == "displayed" for each in expected.texts.texts)
        printed = sum(each.kind == "printed" for each in expected.texts.texts)
        text = f"`test_steps.py` expects {source}: {tested} of {shown} displayed values and what "
        lines += ["", text + f"{printed} of {len(plan.steps)} steps print, numbers by value."]
    if runs and expected.texts.metrics:
        lines.append("Figures of merit have a tolerance and a floor, or a ceiling, in `tests/metrics.toml`.")
    if expected.observation is not None:
        alone = [name for name, step in expected.observation.steps.items() if step.alone]
        if alone:
            lines += ["", f"`test_stored_values.py` calls steps by themselves on stored inputs: {_names(alone)}."]
    tested_steps = {*covered_steps(plan, expected.texts), *(each.step for each in expected.asserts)}
    rest = [step.name for step in plan.steps if step.name not in tested_steps]
    if runs and rest:
        lines += ["", f"Run, but of their printed and displayed text nothing is known (`untested`): {_names(rest)}."]
    return lines


def _names(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
