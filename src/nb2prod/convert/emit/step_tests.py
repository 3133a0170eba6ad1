"""The tests of the steps: what each must print and display again, and which are only run."""

from __future__ import annotations

import re
from dataclasses import replace
from importlib import resources
from typing import TYPE_CHECKING

from nb2prod.convert.emit.pipeline import output_field, step_modules
from nb2prod.convert.emit.statements import indented, snippet

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from nb2prod.convert.asserts import NotebookAssert
    from nb2prod.convert.expectations import Expectation, Expectations
    from nb2prod.convert.plan import Plan, Step

# What can stand between triple quotes as it is.
_PLAIN = re.compile(r"[^\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff]*")


def emit_step_tests(
    plan: Plan, expectations: Expectations, asserts: Sequence[NotebookAssert], stored: Collection[str]
) -> dict[str, str]:
    """Return the files that test the steps in one run of the pipeline, by path.

    The pipeline can be run: everything it reads is among the test data. ``stored`` are the steps whose values another
    file of tests has.
    """
    if not plan.steps:
        return {}
    files = {
        "tests/notebook_text.py": _fixed("notebook_text.py"),
        "tests/step_runs.py": _fixed("step_runs.py"),
        **_test_modules(plan, expectations, asserts, stored),
    }
    if not expectations.texts and not expectations.deterministic:
        del files["tests/notebook_text.py"]
    if expectations.metrics:
        files["tests/metrics.toml"] = _metrics(expectations)
    return files


def emit_run_fixture(plan: Plan, *, keeps: bool, draws: bool) -> str:
    """Return the fixture ``ran`` for ``tests/conftest.py``: the pipeline, run once for all tests.

    keeps  what each step makes is kept as it can be stored
    draws  the tests know which figures are saved
    """
    fixture = _RUN_FIXTURE.replace("        return RECORD\n", _RECORDED_WITH_FIGURES if draws else _RECORDED)
    names = "".join(f"    {step.name!r}: {step.results!r},\n" for step in plan.steps)
    return (
        fixture.replace("KEEP", ", look" if keeps else "")
        .replace("IMPORTED", ", ".join(sorted({"pipeline", *step_modules(plan)})))
        .replace("MODULES", ", ".join(step_modules(plan)))
        .replace("PACKAGE", plan.package)
        .replace("LOGGER", plan.root)
        .replace("OUTPUT", output_field(plan))
        .replace("    NAMES\n", names)
    )


def covered_steps(plan: Plan, expectations: Expectations) -> list[str]:
    """Return the steps with an expectation, in their order."""
    covered = {each.step for each in expectations.texts}
    return [step.name for step in plan.steps if step.name in covered]


def test_files(plan: Plan) -> list[str]:
    """Return the names of the files that test steps, one for each module of steps."""
    return [f"test_{name}.py" for name in step_modules(plan)]


def _test_modules(
    plan: Plan, expectations: Expectations, asserts: Sequence[NotebookAssert], stored: Collection[str]
) -> dict[str, str]:
    """Return the tests of each module of steps; those of the whole run stand beside them, if there are several."""
    files = test_files(plan)
    if len(files) == 1:
        return {f"tests/{files[0]}": _step_tests(plan, plan.steps, expectations, asserts, stored, whole=True)}
    found = {"tests/test_pipeline.py": _step_tests(plan, (), replace(expectations, texts=()), (), (), whole=True)}
    for module, file in zip(step_modules(plan), files, strict=True):
        steps = [step for step in plan.steps if step.module == module]
        names = {step.name for step in steps}
        texts = replace(expectations, texts=tuple(each for each in expectations.texts if each.step in names))
        own = [each for each in asserts if each.step in names]
        found[f"tests/{file}"] = _step_tests(plan, steps, texts, own, stored, whole=False)
    return found


def _step_tests(
    plan: Plan,
    steps: Sequence[Step],
    expectations: Expectations,
    asserts: Sequence[NotebookAssert],
    stored: Collection[str],
    *,
    whole: bool,
) -> str:
    """Return the text of a file that tests ``steps``, and with ``whole`` the run of them all."""
    figures = {step.name: expectations.figures[step.name] for step in steps if step.name in expectations.figures}
    covered = {*covered_steps(plan, expectations), *(each.step for each in asserts), *figures, *stored}
    rest = [step.name for step in steps if step.name not in covered]
    same_again = whole and expectations.deterministic
    helpers = [
        *(["assert_displayed"] if any(each.kind == "displayed" for each in expectations.texts) else []),
        *(["assert_same_run"] if same_again else []),
        *(["assert_text"] if any(each.kind == "printed" for each in expectations.texts) else []),
    ]
    source = "did when it was verified" if any(each.is_observed for each in expectations.texts) else "was saved with"
    title = (
        [
            f'"""What the steps print and display, against what the notebook {source}.',
            "",
            "The pipeline runs once, on the data in ``tests/data``; each test looks at one step of that run.",
            '"""',
        ]
        if steps
        else ['"""The run of the whole pipeline, on the data in ``tests/data``."""']
    )
    head = [
        *title,
        "",
        "from __future__ import annotations",
        "",
        *(
            ["import subprocess", "from collections.abc import Callable", "from pathlib import Path", ""]
            if same_again
            else []
        ),
        *(["import pytest"] if rest or same_again or figures else []),
        *([f"from notebook_text import {', '.join(helpers)}"] if helpers else []),
        "from step_runs import PipelineRun",
    ]
    tests = [_COMES_TO_ITS_END] if whole else []
    if rest:
        tests.append(_RUN_ONLY.replace("STEPS", repr(rest)))
    if figures:
        tests.append(_FIGURES.replace("FIGURES", repr([(step, list(names)) for step, names in figures.items()])))
    taken: set[str] = set()
    tests += [_test(each, taken) for each in expectations.texts]
    tests += [_assert_test(each, plan, taken) for each in asserts]
    if same_again:
        tests.append(_SAME_AGAIN.replace("PACKAGE", plan.package).replace("OUTPUT", output_field(plan)))
    return "\n".join(head) + "\n\n\n" + "\n\n\n".join(tests) + "\n"


def _test(each: Expectation, taken: set[str]) -> str:
    subject = f"{each.step}_prints" if each.kind == "printed" else f"{each.step}_displays_{each.label or 'a_value'}"
    name = _free(f"test_{subject}", taken)
    cells = ", ".join(map(str, each.cells))
    source = f"Cell{'s' if len(each.cells) > 1 else ''} {cells} of the notebook." if each.cells else "As the notebook."
    if each.kind == "printed":
        call = f"assert_text(ran[{each.step!r}].printed, expected)"
    else:
        call = f"assert_displayed(ran[{each.step!r}].displayed({each.label!r}), expected)"
    return "\n".join(
        [
            f"def {name}(ran: PipelineRun) -> None:",
            f'    """{source}"""',
            f"    expected = {_text_literal(each.text)}",
            "",
            f"    {call}",
        ]
    )


def _assert_test(each: NotebookAssert, plan: Plan, taken: set[str]) -> str:
    name = _free(f"test_{each.step}_keeps_what_cell_{each.moved.statement.cell.number}_asserts", taken)
    lines = [
        f"def {name}(ran: PipelineRun) -> None:",
        f'    """The notebook asserts this in cell {each.moved.statement.cell.number}."""',
    ]
    if each.imports:
        module = next(step.module for step in plan.steps if step.name == each.step)
        lines += [f"    from {plan.package}.{module} import {', '.join(each.imports)}", ""]
    lines += [f"    {result} = ran[{each.step!r}].results[{result!r}]" for result in each.results]
    return "\n".join([*lines, indented(snippet(each.moved).code, "    ")])


def _free(name: str, taken: set[str]) -> str:
    name = name.lower()
    while name in taken:
        name += "_again"
    taken.add(name)
    return name


def _text_literal(text: str) -> str:
    """Return Python source for ``text``, over several lines where it has several."""
    lines = text.split("\n")
    if len(lines) == 1:
        return repr(text.strip())
    if _PLAIN.fullmatch(text) and '"""' not in text and not text.endswith('"'):
        # White space at the ends of lines does not count.
        return ('r"""\n' if "\\" in text else '"""\n') + "\n".join(line.rstrip() for line in lines) + '\n"""'
    return "(\n" + "\n".join(f"        {line + chr(10)!r}" for line in lines) + "\n    )"


def _metrics(expectations: Expectations) -> str:
    lines = [
        "# The figures of merit the notebook reported, and what a run on the test data may report instead:",
        "# no further from `notebook` than `tolerance`, no less than `floor`, no more than `ceiling`.",
        "# Change a floor knowingly: it is what the model has to reach.",
    ]
    for each in expectations.metrics:
        lines += ["", f"[{_key(each.name)}]  # step {each.step}", f"notebook = {each.notebook!r}"]
        limits = (("tolerance", each.tolerance), ("floor", each.floor), ("ceiling", each.ceiling))
        lines += [f"{key} = {value!r}" for key, value in limits if value is not None]
    return "\n".join(lines) + "\n"


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else f'"{name}"'


def _fixed(name: str) -> str:
    return resources.files("nb2prod.convert.scaffold.tests").joinpath(name).read_text(encoding="utf-8")


_RECORD = 'record(lambda: pipeline.run(config), [MODULES], STEPS, "LOGGER", work.parentKEEP)'
_RECORDED = f"        return {_RECORD}\n"
_RECORDED_WITH_FIGURES = f"""        done = {_RECORD}
    done.figures = frozenset(file.name for file in (work / "results" / "figures").glob("*.png"))
    return done
"""
_RUN_FIXTURE = '''

# The pipeline is run once more where it took no longer than that many seconds.
ONCE_MORE = 20
# What each step returns.
STEPS = {
    NAMES
}


@pytest.fixture(scope="session")
def ran(tmp_path_factory: pytest.TempPathFactory) -> PipelineRun:
    """Run the pipeline once, as the command line does, and keep what each step printed and displayed."""
    from PACKAGE import IMPORTED
    from PACKAGE.config import Config

    work = tmp_path_factory.mktemp("run") / "work"
    copy_data(work)
    config = Config(OUTPUT=work / "results")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(work)
        return RECORD


@pytest.fixture
def quick(ran: PipelineRun) -> None:
    """Skip a test that would run the pipeline once more where that takes long."""
    if ran.seconds > ONCE_MORE:
        pytest.skip(f"the pipeline took {ran.seconds:.0f} seconds, it is not run once more")
'''

_RUN_ONLY = '''@pytest.mark.untested
@pytest.mark.parametrize("step", STEPS)
def test_a_step_comes_to_its_end(ran: PipelineRun, step: str) -> None:
    """Nothing is known of what it should print or display."""
    assert ran[step] is not None'''

_FIGURES = '''@pytest.mark.parametrize(("step", "figures"), FIGURES)
def test_a_step_saves_the_figures_of_its_cells(ran: PipelineRun, step: str, figures: list[str]) -> None:
    """As many as the notebook drew; what is on them is not compared."""
    assert ran[step] is not None
    assert [name for name in figures if name not in ran.figures] == []'''

_COMES_TO_ITS_END = """def test_the_pipeline_comes_to_its_end(ran: PipelineRun) -> None:
    assert ran.error is None, ran.error"""

_SAME_AGAIN = '''@pytest.mark.usefixtures("quick")
def test_the_command_line_prints_the_same_again(
    ran: PipelineRun, python: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    """Nothing in the notebook depends on chance that no seed settles."""
    Path("settings.toml").write_text('OUTPUT = "results"', encoding="utf-8")
    result = python("-m", "PACKAGE", "--config", "settings.toml", timeout=600)

    assert result.returncode == 0, result.stderr
    assert_same_run(result.stdout, ran.printed)'''
