"""The README's section about the tests: what they expect and from where, and what no test looks at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nb2prod.convert.emit.function_tests import function_calls
from nb2prod.convert.emit.project import CONSTRAINTS
from nb2prod.convert.emit.prose import table_cell
from nb2prod.convert.emit.step_tests import test_files
from nb2prod.convert.plan import Moved

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nb2prod.convert.expectations import Expectation
    from nb2prod.convert.expected_tests import ExpectedTests
    from nb2prod.convert.plan import Plan


_ONLY_RUN, _NOT_RUN = "untested: it is only run", "no input: it is not run"


def tests_section(
    plan: Plan, missing: Sequence[str], expected: ExpectedTests | None, stored: Mapping[str, bool]
) -> str:
    """Return the section.

    missing  why no test runs the whole pipeline, empty where one does
    stored   the steps whose results are stored for the tests, and whether each is called by itself
    """
    seen = expected.observation if expected is not None else None
    constrained = seen is not None and bool(seen.versions)
    lines = [
        "## Test",
        "",
        "```console",
        f"pip install {f'-c {CONSTRAINTS} ' if constrained else ''}. pytest",
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
    if constrained:
        lines[-1] += f" `{CONSTRAINTS}` has the versions that the package was verified with."
    if expected is not None:
        lines += _expected(plan, expected, stored, runs=not missing)
        lines += _table(plan, expected, stored, runs=not missing)
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


def _expected(plan: Plan, expected: ExpectedTests, stored: Mapping[str, bool], *, runs: bool) -> list[str]:
    lines: list[str] = []
    if runs and expected.texts.texts:
        files = _names(test_files(plan))
        expect = "expects" if len(test_files(plan)) == 1 else "expect"
        lines += ["", f"{files} {expect} {_source(expected.texts.texts)}: {_counted(plan, expected.texts.texts)}."]
    if runs and expected.texts.metrics:
        lines.append("Figures of merit have a tolerance and a floor, or a ceiling, in `tests/metrics.toml`.")
    order = [step.name for step in plan.steps if step.name in stored]
    alone, together = ([name for name in order if stored[name] is kind] for kind in (True, False))
    if stored:
        lines += ["", "`test_stored_values.py` holds what steps make against what they made when it was verified:"]
    if alone:
        lines.append(f"called by themselves, on stored inputs: {_names(alone)}" + (";" if together else "."))
    if together:
        lines.append(f"in the run of the pipeline, as their inputs cannot be stored: {_names(together)}.")
    return lines


def _source(texts: Sequence[Expectation]) -> str:
    sources = [
        *(["the notebook's saved outputs"] if any(not each.is_observed for each in texts) else []),
        *(["what was observed when it was verified"] if any(each.is_observed for each in texts) else []),
    ]
    return " and ".join(sources)


def _counted(plan: Plan, texts: Sequence[Expectation]) -> str:
    """Return how many of the values that are displayed, and of the steps, are held against something."""
    shown = sum(isinstance(item, Moved) and item.shown is not None for step in plan.steps for item in step.items)
    displayed, printed = (sum(each.kind == kind for each in texts) for kind in ("displayed", "printed"))
    counted = [
        *([f"{displayed} of {shown} displayed values"] if shown else []),
        *([f"what {printed} of {len(plan.steps)} steps print"] if printed else []),
    ]
    return f"{' and '.join(counted)}, numbers by value"


def _table(plan: Plan, expected: ExpectedTests, stored: Mapping[str, bool], *, runs: bool) -> list[str]:
    """Return a row for each step: what the tests hold it against."""
    found = {step.name: _tested_by(step.name, expected, stored, runs=runs) for step in plan.steps}
    if not found:
        return []
    if set(found.values()) <= {_ONLY_RUN, _NOT_RUN}:
        what = "They are only run, once" if runs else "None of them is run"
        return ["", f"No test expects anything of the steps. {what}."]
    rows = [f"| `{name}` | {how} |" for name, how in found.items()]
    return ["", "| step | tested by |", "|---|---|", *rows]


def _tested_by(step: str, expected: ExpectedTests, stored: Mapping[str, bool], *, runs: bool) -> str:
    texts = [each for each in expected.texts.texts if each.step == step] if runs else []
    found = ["observed output"] if any(each.is_observed for each in texts) else []
    found += ["saved output"] if any(not each.is_observed for each in texts) else []
    if step in stored:
        found.append("observed values")
    if runs and step in expected.texts.figures:
        found.append("number of figures")
    if runs and any(each.step == step for each in expected.asserts):
        found.append("assert")
    return ", ".join(found) or (_ONLY_RUN if runs else _NOT_RUN)


def _names(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
