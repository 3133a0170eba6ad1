"""Values observed of the steps: stored, compared, and tested by the package's own suite."""

from __future__ import annotations

import json
import math
import sys
from importlib import metadata
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from generated_suites import cell, convert, heading, run_suite

from nb2prod.cli.convert import convert as command
from nb2prod.convert.agreement import compare_with_notebook
from nb2prod.convert.api import convert_notebook, plan_notebook
from nb2prod.convert.emit.stored_tests import emit_stored_tests
from nb2prod.convert.expectations_observed import observed_expectations, settled_observation
from nb2prod.convert.observation import Observation, ObservedStep, Value
from nb2prod.convert.plan import DEFAULTS, Moved
from nb2prod.convert.scaffold.tests import stored_values
from nb2prod.convert.scaffold.tests.stored_values import assert_looks, decode, describe, difference, encode, look
from nb2prod.convert.write import write_package
from nb2prod.verify import steps_run

if TYPE_CHECKING:
    from pathlib import Path

EXACT: list[Any] = [1, 0.1, True, None, "a", [1, [2.5]], (1, "b"), {"a": (1,)}, range(3), -math.inf]


@pytest.mark.parametrize("value", EXACT, ids=repr)
def test_a_plain_value_comes_back_as_it_was(value: Any) -> None:
    again = decode(json.loads(json.dumps(encode(value))))

    assert (again, type(again)) == (value, type(value))


@pytest.mark.parametrize(
    "value", [{1, 2}, object(), {1: 2}, [object()], lambda: 1], ids=["set", "object", "keys", "in a list", "function"]
)
def test_what_json_cannot_hold_is_described(value: Any) -> None:
    assert encode(value) == describe(value)
    assert not look(value)["stored"]


@pytest.mark.parametrize(
    ("actual", "expected", "found"),
    [
        ([1, 2], [1, 3], "x[1]: 2 in place of 3"),
        ([1], [1, 2], "x: 1 values in place of 2"),
        ({"a": 1}, {"a": True}, "x.values.a: 1 in place of True"),
        ("a", "b", "x: 'a' in place of 'b'"),
        (0.1 + 0.2, 0.3, None),
        (math.nan, math.nan, None),
        (1, 1.0, None),
        ((1,), [1], "x: {'kind': 'tuple', 'values': [1]} in place of [1]"),
    ],
)
def test_the_first_difference_is_named(actual: Any, expected: Any, found: str | None) -> None:
    assert difference(encode(actual), encode(expected), "x") == found


def test_of_a_described_value_only_what_it_is_like_counts() -> None:
    assert_looks({"x": look([1, 2])}, {"x": {"kind": "described", "type": "list", "length": 2}})
    with pytest.raises(AssertionError, match=r"x\.length: 3 in place of 2"):
        assert_looks({"x": look([1, 2, 3])}, {"x": {"kind": "described", "type": "list", "length": 2}})


def test_large_values_are_described(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_values, "MOST_VALUES", 2)

    assert encode([1, 2, 3])["kind"] == "described"


def test_a_verified_package_tests_its_steps_one_by_one_on_what_was_observed(tmp_path: Path) -> None:
    pytest.importorskip("ipykernel")
    convert(
        tmp_path,
        heading("Make rows"),
        cell("rows = [i * 0.5 for i in range(5)]\nscale = 3\nnames = ['x', 'y']", None),
        cell("print('rows', len(rows))", None),
        heading("Sum them"),
        cell("total = sum(rows) * scale\nmost = max(rows)\nlabel = ', '.join(names)", None),
        cell("total", None),
        heading("Shake"),
        cell("import random\nshaken = [random.random() for _ in rows]\nprint(len(shaken), total, most, label)", None),
    )
    package = tmp_path / "package"
    assert not (package / "tests" / "expected").exists()
    done = CliRunner().invoke(
        command,
        [str(tmp_path / "squares.ipynb"), "--output", str(package), "--verify", "--python", sys.executable],
        standalone_mode=False,
    )

    assert done.return_value == 0, done.output
    stored = {path.stem: json.loads(path.read_text("utf-8")) for path in (package / "tests" / "expected").iterdir()}
    assert stored["sum_them"]["made"]["total"] == 15.0
    assert stored["sum_them"]["arguments"][0] == [0.0, 0.5, 1.0, 1.5, 2.0]
    drawn = next(each for each in stored.values() if "shaken" in each["made"])
    assert drawn["made"]["shaken"] == {"kind": "described", "type": "list", "length": 5}
    assert '"rows 5"' in (package / "tests" / "test_steps.py").read_text("utf-8").replace("'", '"')
    assert json.loads((package / "verification.json").read_text("utf-8"))["verdict"] == "equal"
    assert not (package / "constraints.txt").exists()  # it needs nothing
    assert run_suite(tmp_path).returncode == 0
    steps = package / "src" / "squares" / "steps.py"
    steps.write_text(steps.read_text("utf-8").replace("max(rows)", "min(rows)"), encoding="utf-8")
    assert "test_a_step_by_itself_makes_what_it_made[sum_them]" in run_suite(tmp_path).stdout


def test_a_step_is_tested_by_itself_only_where_it_makes_the_same_there(tmp_path: Path) -> None:
    pytest.importorskip("ipykernel")
    folder = tmp_path / "notebooks"
    folder.mkdir()
    (folder / "setup.py").touch()
    (tmp_path / "rows.txt").write_text("1\n2\n", encoding="utf-8")
    (folder / "near.txt").write_text("3\n", encoding="utf-8")
    convert(
        folder,
        heading("Set the precision"),
        cell("import decimal\nbefore = decimal.getcontext().prec\ndecimal.getcontext().prec = 10", None),
        cell("twice = before * 2\nprint(twice)", None),
        heading("Read from outside"),
        cell("outside = open('../rows.txt').read().split()\nfirst = outside[0]\nlast = outside[-1]", None),
        cell("print(first, last)", None),
        heading("Read from inside"),
        cell("inside = open('near.txt').read().split()\nhead = inside[0]\ntail = inside[-1]", None),
        cell("print(head, tail, before, twice, outside)\ndecimal.getcontext().prec = before", None),
    )
    package = folder / "package"
    done = CliRunner().invoke(
        command,
        [str(folder / "squares.ipynb"), "--output", str(package), "--verify", "--python", sys.executable],
        standalone_mode=False,
    )

    assert done.return_value == 0, done.output
    suite = (package / "tests" / "test_stored_values.py").read_text("utf-8")
    assert 'MODULE_OF = {"read_inside": "steps"}' in suite
    assert run_suite(folder).returncode == 0


@pytest.mark.parametrize(("name", "runs"), [("near.txt", True), ("far.dat", False)])
def test_a_run_with_the_tests_files_says_whether_they_suffice(tmp_path: Path, name: str, *, runs: bool) -> None:
    pytest.importorskip("ipykernel")
    (tmp_path / "near.txt").write_text("1\n", encoding="utf-8")
    (tmp_path / "far.dat").write_text("2\n", encoding="utf-8")
    convert(
        tmp_path,
        cell("print('near.txt')", None),
        cell(f"import os\nname = {name[:3]!r} + ''.join([{name[3:]!r}])\nprint(open(name).read())", None),
    )
    package = tmp_path / "package"
    assert "a file whose name only a run can tell" in (package / "README.md").read_text("utf-8")

    done = CliRunner().invoke(
        command,
        [str(tmp_path / "squares.ipynb"), "--output", str(package), "--verify", "--python", sys.executable],
        standalone_mode=False,
    )

    assert done.return_value == 0, done.output
    assert (package / "tests" / "test_steps.py").is_file() == runs
    assert ("a file whose name only a run can tell" in (package / "README.md").read_text("utf-8")) != runs
    assert run_suite(tmp_path).returncode == 0


def test_data_above_the_notebook_is_laid_out_as_the_notebook_found_it(tmp_path: Path) -> None:
    pytest.importorskip("ipykernel")
    folder = tmp_path / "notebooks"
    folder.mkdir()
    (tmp_path / "rows.txt").write_text("1\n2\n", encoding="utf-8")
    (folder / "near.txt").write_text("3\n", encoding="utf-8")
    source = "rows = open('../rows.txt').read().split() + open('near.txt').read().split()\nprint(len(rows))"
    convert(folder, cell(source, 1, printed="3\n"))
    package = folder / "package"
    assert (package / "tests" / "data" / "rows.txt").is_file()
    assert (package / "tests" / "data" / "notebooks" / "near.txt").is_file()
    assert "`tests/data/notebooks`" in (package / "README.md").read_text("utf-8")
    first = run_suite(folder)
    assert first.returncode == 0, first.stdout
    assert (package / "tests" / "test_steps.py").is_file()

    done = CliRunner().invoke(
        command,
        [str(folder / "squares.ipynb"), "--output", str(package), "--verify", "--python", sys.executable],
        standalone_mode=False,
    )

    assert done.return_value == 0, done.output
    assert "MODULE_OF = {" in (package / "tests" / "test_stored_values.py").read_text("utf-8")
    assert run_suite(folder).returncode == 0


def test_what_two_runs_drew_alike_by_chance_is_described(tmp_path: Path) -> None:
    convert(
        tmp_path, cell("import random\nlucky = random.random() < 0.9\ncount = len([1, 2, 3])\nprint(lucky, count)", 1)
    )
    draft = plan_notebook(tmp_path / "squares.ipynb", DEFAULTS)
    about = {"kind": "described", "type": "bool"}
    made = {"lucky": Value(node=True, stored=True, about=about), "count": Value(3, stored=True, about={})}
    (step,) = draft.plan.steps
    seen = ObservedStep("True 3\n", (), (), made, alone=False)
    observed = Observation({step.name: seen})

    settled = settled_observation(draft.plan, draft.analysis, observed).steps[step.name].made
    assert (settled["lucky"].node, settled["count"].node) == (about, 3)
    texts = observed_expectations(draft.plan, draft.analysis, observed).texts
    assert not any("True" in each.text for each in texts)


def test_a_value_that_varies_leaves_the_others_of_its_step_expected(tmp_path: Path) -> None:
    convert(tmp_path, cell("size = 3\nsize", None), cell("import os\nseen = os.urandom(2)\nseen", None))
    draft = plan_notebook(tmp_path / "squares.ipynb", DEFAULTS)
    (step,) = draft.plan.steps
    names = [item.shown for item in step.items if isinstance(item, Moved) and item.shown]
    logged = tuple(f"{name}: {text}" for name, text in zip(names, ["3", "b'ab'"], strict=True))
    seen = ObservedStep("", logged, (), {}, alone=False, varying={1: f"{names[1]}: b'xyz'"})

    found = observed_expectations(draft.plan, draft.analysis, Observation({step.name: seen}))

    assert [(each.label, each.text) for each in found.texts] == [(names[0], "3")]
    assert not found.deterministic


def test_a_step_whose_values_are_stored_is_not_called_untested(tmp_path: Path) -> None:
    convert(tmp_path, cell("rows = [1, 2]\ncount = len(rows)", None))
    draft = plan_notebook(tmp_path / "squares.ipynb", DEFAULTS)
    (step,) = draft.plan.steps
    made = {name: Value(2, stored=True, about={}) for name in step.results}
    assert made

    def written(*, alone: bool) -> str:
        seen = Observation({step.name: ObservedStep("", (), (), made if alone else {}, alone=alone)})
        package = convert_notebook(tmp_path / "squares.ipynb", DEFAULTS, observation=seen).package
        return package.files["tests/test_steps.py"].decode()

    assert "untested" in written(alone=False)
    assert "untested" not in written(alone=True)


def test_figures_that_were_saved_are_expected_of_the_step_that_draws_them(tmp_path: Path) -> None:
    convert(
        tmp_path,
        cell("import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()", None),
        cell("print(1)", None),
    )
    draft = plan_notebook(tmp_path / "squares.ipynb", DEFAULTS)
    (step,) = draft.plan.steps
    seen = Observation({step.name: ObservedStep("1\n", (), (), {}, alone=False)}, figures=("cell-01-1.png", "x.png"))

    package = convert_notebook(tmp_path / "squares.ipynb", DEFAULTS, observation=seen).package
    files = {path: content.decode() for path, content in package.files.items()}

    assert f'("{step.name}", ["cell-01-1.png"])' in files["tests/test_steps.py"]
    assert "done.figures = frozenset(" in files["tests/conftest.py"]
    assert f"| `{step.name}` | observed output, number of figures |" in files["README.md"]


@pytest.mark.parametrize(("displays", "named"), [(True, 1), (False, 0)])
def test_what_a_library_displays_through_is_a_dependency(tmp_path: Path, *, displays: bool, named: int) -> None:
    convert(tmp_path, cell("import some_library\nsome_library.show()", None))
    observation = Observation({}, versions={"ipython": "8.1"}, displays=displays)

    package = convert_notebook(tmp_path / "squares.ipynb", DEFAULTS, observation=observation).package
    assert package.files["pyproject.toml"].decode().count('"ipython"') == named


def test_what_a_step_displays_through_ipython_is_noticed(tmp_path: Path) -> None:
    pytest.importorskip("ipykernel")
    (tmp_path / "shown.py").write_text(
        "def show(value):\n    from IPython.display import display\n    display(value)\n", encoding="utf-8"
    )
    convert(tmp_path, cell("import shown\nshown.show(1)\nprint(2)", None))
    package = tmp_path / "package"
    (package / "pyproject.toml").write_text(
        (package / "pyproject.toml").read_text("utf-8").replace('"ipython"', ""), encoding="utf-8"
    )

    done = CliRunner().invoke(
        command,
        [str(tmp_path / "squares.ipynb"), "--output", str(package), "--verify", "--force", "--python", sys.executable],
        standalone_mode=False,
    )

    assert done.return_value == 0, done.output
    assert '"ipython"' in (package / "pyproject.toml").read_text("utf-8")
    assert "\nipython==" in (package / "constraints.txt").read_text("utf-8")


def test_of_an_open_value_that_is_displayed_a_class_and_a_floor_are_expected(tmp_path: Path) -> None:
    source = "import random\nx = random.random()\n{}"
    convert(
        tmp_path,
        cell(source.format("model_score = x\nmodel_score"), 1),
        cell("class Net:\n    def fit(self, x):\n        return self\nNet().fit(x)", 2),
        cell("x", 3),
    )
    draft = plan_notebook(tmp_path / "squares.ipynb", DEFAULTS)
    names = [item.shown for step in draft.plan.steps for item in step.items if isinstance(item, Moved) and item.shown]
    logged = [f"{name}: {text}" for name, text in zip(names, ["0.84", "Net(x=0.84)", "0.84"], strict=True)]
    steps = {step.name: ObservedStep("", tuple(logged), (), {}, alone=False) for step in draft.plan.steps}

    found = observed_expectations(draft.plan, draft.analysis, Observation(steps))

    assert [each.text[:4] for each in found.texts] == [f"{{{found.metrics[0].name}}}"[:4], "Net("]
    assert [each.floor for each in found.metrics] == [0.54]


def test_the_versions_of_a_verified_run_are_constraints(tmp_path: Path) -> None:
    seen = Observation({}, python="3.11.7", versions={"numpy": "1.23.5", "pandas": "1.5.3"})
    convert(tmp_path, cell("import pandas\nprint(pandas.Series([1]).sum())", 1))

    package = convert_notebook(tmp_path / "squares.ipynb", observation=seen).package
    write_package(package, tmp_path / "package", force=True)

    lines = package.files["constraints.txt"].decode().splitlines()
    assert "Python 3.11.7" in lines[0]
    assert lines[1:] == ["numpy==1.23.5", "pandas==1.5.3"]
    assert "pip install -c constraints.txt . pytest" in package.files["README.md"].decode()
    assert compare_with_notebook(tmp_path / "squares.ipynb", tmp_path / "package").files == ()


def test_versions_are_those_of_what_is_needed_and_of_what_that_needs() -> None:
    versions = steps_run._versions(["pytest", "not-there-at-all"])  # noqa: SLF001 - it runs in another process

    assert {"pytest", "pluggy", "iniconfig"} <= versions.keys()
    assert versions["pytest"] == metadata.version("pytest")
    assert "not-there-at-all" not in versions


def test_of_what_an_open_step_prints_the_words_its_literals_write_are_expected(tmp_path: Path) -> None:
    source = "import random\nx = random.random() < 0.9\nprint('lucky:', x)\nif x:\n    print('again')\nprint('done')"
    convert(tmp_path, cell(source, 1))
    draft = plan_notebook(tmp_path / "squares.ipynb", DEFAULTS)
    (step,) = draft.plan.steps
    seen = ObservedStep("lucky: True\nagain\ndone\n", (), (), {}, alone=False)

    (found,) = observed_expectations(draft.plan, draft.analysis, Observation({step.name: seen})).texts

    assert found.text.split() == ["lucky:", "...", "...", "done"]


def test_a_large_array_is_stored_row_by_row(tmp_path: Path) -> None:
    """So that a reader of differences sees which row has changed."""
    node = {"kind": "array", "dtype": "int64", "shape": [300, 3], "values": list(range(900))}
    convert(tmp_path, cell("import numpy\nrows = numpy.arange(900).reshape(300, 3)\nprint(rows.sum())", 1))
    plan = plan_notebook(tmp_path / "squares.ipynb", DEFAULTS).plan
    seen = ObservedStep("", (), (), {"rows": Value(node, stored=True, about={})}, alone=True)

    files = emit_stored_tests(plan, Observation({plan.steps[0].name: seen}), 100_000, runs=True)

    (text,) = (content for name, content in files.items() if name.endswith(".rows.json"))
    assert "\n    3, 4, 5,\n" in text
    assert json.loads(text) == node
