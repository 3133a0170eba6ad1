"""The package's tests, put together, and what they share."""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from nb2prod.convert.data_files import place_in_test_data
from nb2prod.convert.emit.entrypoint_tests import emit_entrypoint_test, emit_import_test
from nb2prod.convert.emit.function_tests import emit_function_tests
from nb2prod.convert.emit.literals import literal
from nb2prod.convert.emit.step_tests import emit_run_fixture, emit_step_tests
from nb2prod.convert.emit.stored_tests import emit_stored_tests, stored_steps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nb2prod.convert.expected_tests import ExpectedTests
    from nb2prod.convert.plan import Plan


def emit_tests(plan: Plan, expected: ExpectedTests, *, runs: bool) -> dict[str, str]:
    """Return the files of ``tests``, by path; with ``runs`` the pipeline can be run on the test data."""
    runs_again = runs and bool(plan.steps) and expected.texts.deterministic
    files = {
        "tests/test_import.py": emit_import_test(plan),
        # Where two runs print the same there is a test of that, which is a run too.
        "tests/test_entrypoint.py": emit_entrypoint_test(plan, runs=runs and bool(plan.steps) and not runs_again),
    }
    function_tests = emit_function_tests(plan)
    if function_tests is not None:
        files["tests/test_functions.py"] = function_tests
    if expected.observation is not None:
        files |= emit_stored_tests(plan, expected.observation, expected.room, runs=runs and bool(plan.steps))
    if runs:
        files |= emit_step_tests(plan, expected.texts, expected.asserts, stored=stored_steps(files))
    files["tests/conftest.py"] = emit_shared(
        plan,
        expected.folders,
        runs=runs,
        keeps="tests/stored_values.py" in files,
        draws=bool(expected.texts.figures),
    )
    return files


def emit_shared(plan: Plan, folders: Sequence[str], *, runs: bool, keeps: bool, draws: bool) -> str:
    """Return the text of ``tests/conftest.py``; with ``runs`` it has the fixture that runs the pipeline once.

    folders  are made beside the copy of the test data
    keeps    what the steps make is kept as it can be stored
    draws    the tests know which figures are saved
    """
    here = Path(plan.notebook.path).parent
    data = place_in_test_data(here, plan.data_files)
    place = place_in_test_data(here, [*plan.data_files, *map(PurePath, folders)])
    copy, constants = _COPY, ""
    if data.parts:
        copy = _COPY_ABOVE.replace("UP", str(len(data.parts) - 1))
        constants = "# Where the notebook stands in the test data, which begins above it.\n"
        constants += f"PLACE = {literal(place.as_posix())}\n"
    elif place.parts:
        copy = _COPY.replace("mkdir()", "mkdir(parents=True)")
        constants = "# Where the notebook stands below the folders it writes to.\n"
        constants += f"PLACE = {literal(place.as_posix())}\n"
    if folders:
        copy += _MAKE_FOLDERS
        constants += f"FOLDERS = {literal(list(folders))}\n"
    shared = _CONFTEST.replace(_COPY, copy, 1).replace("Run = Callable", f"{constants}Run = Callable", 1)
    if place.parts:
        shared = shared.replace('/ "work"', '/ "work" / PLACE', 1)
    if not runs or not plan.steps:
        return shared
    helpers = "from step_runs import PipelineRun, record\n" + ("from stored_values import look\n" if keeps else "")
    fixture = emit_run_fixture(plan, keeps=keeps, draws=draws)
    if place.parts:
        fixture = fixture.replace('/ "work"', '/ "work" / PLACE', 1)
    return shared.replace("import pytest\n", f"import pytest\n{helpers}", 1) + fixture


_CONFTEST = '''"""What the tests share: a folder with the test data, and the package in a process of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run each test in a folder of its own, with a copy of the test data."""
    work = tmp_path / "work"
    copy_data(work)
    monkeypatch.chdir(work)
    return work


def copy_data(folder: Path) -> None:
    """Make ``folder`` and copy the test data there."""
    if (HERE / "data").is_dir():
        shutil.copytree(HERE / "data", folder)
    else:
        folder.mkdir()


@pytest.fixture
def python() -> Run:
    """Run Python with the package importable, installed or not."""

    def run(*arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        paths = [str(HERE.parent / "src"), *filter(None, [os.environ.get("PYTHONPATH")])]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
        return subprocess.run(
            [sys.executable, *arguments],
            env=environment,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=timeout,
            check=False,
        )

    return run
'''

_COPY = """    if (HERE / "data").is_dir():
        shutil.copytree(HERE / "data", folder)
    else:
        folder.mkdir()
"""
_COPY_ABOVE = """    shutil.copytree(HERE / "data", folder.parents[UP])
    folder.mkdir(parents=True, exist_ok=True)
"""
_MAKE_FOLDERS = """    for name in FOLDERS:
        (folder / name).mkdir(parents=True, exist_ok=True)
"""
