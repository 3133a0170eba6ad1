"""The package's tests: it imports without side effects, its entrypoint runs, its functions can be called."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nb2prod.convert.emit.literals import literal
from nb2prod.convert.emit.pipeline import output_field
from nb2prod.convert.emit.settings import needed_lines, option_names, variable_names
from nb2prod.convert.emit.step_tests import emit_run_fixture, emit_step_tests
from nb2prod.convert.emit.stored_tests import emit_stored_tests

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nb2prod.convert.expected_tests import ExpectedTests
    from nb2prod.convert.plan import Function, Plan

# A run that takes longer is no test; a notebook's kernel has no limit.
_SECONDS = 600
_OUTSIDE = re.compile(
    r"\b(?:urllib|urlretrieve|urlopen|requests|httpx|wget|socket|boto3|subprocess|input|getpass)\b|https?://"
)


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """A call of a module-level function with literal arguments, as the notebook makes it itself."""

    function: Function
    cell: int
    text: str


def emit_tests(plan: Plan, expected: ExpectedTests, *, runs: bool) -> dict[str, str]:
    """Return the files of ``tests``, by path; with ``runs`` the pipeline can be run on the test data."""
    runs_again = runs and bool(plan.steps) and expected.texts.deterministic
    files = {
        "tests/test_import.py": emit_import_test(plan),
        # Where two runs print the same there is a test of that, which is a run too.
        "tests/test_entrypoint.py": emit_entrypoint_test(plan, runs=runs and not runs_again),
    }
    function_tests = emit_function_tests(plan)
    if function_tests is not None:
        files["tests/test_functions.py"] = function_tests
    if runs:
        files |= emit_step_tests(plan, expected.texts, expected.asserts)
    if expected.observation is not None:
        files |= emit_stored_tests(plan, expected.observation, expected.room, runs=runs and bool(plan.steps))
    files["tests/conftest.py"] = emit_shared(plan, expected.folders, runs=runs, keeps="tests/stored_values.py" in files)
    return files


def emit_shared(plan: Plan, folders: Sequence[str], *, runs: bool, keeps: bool) -> str:
    """Return the text of ``tests/conftest.py``; with ``runs`` it has the fixture that runs the pipeline once.

    folders  are made beside the copy of the test data
    keeps    what the steps make is kept as it can be stored
    """
    shared = _CONFTEST
    if folders:
        shared = shared.replace("Run = Callable", f"FOLDERS = {literal(list(folders))}\nRun = Callable", 1)
        shared = shared.replace("        folder.mkdir()\n", _MAKE_FOLDERS, 1)
    if not runs or not plan.steps:
        return shared
    helpers = "from step_runs import PipelineRun, record\n" + ("from stored_values import look\n" if keeps else "")
    return shared.replace("import pytest\n", f"import pytest\n{helpers}", 1) + (emit_run_fixture(plan, keeps=keeps))


def emit_import_test(plan: Plan) -> str:
    """Return the text of ``tests/test_import.py``."""
    return _IMPORT_TEST.replace("PACKAGE", plan.package)


def emit_entrypoint_test(plan: Plan, *, runs: bool) -> str:
    """Return the text of ``tests/test_entrypoint.py``; with ``runs`` it runs the whole pipeline."""
    needed, variables = needed_lines(plan), variable_names(plan)
    text = _ENTRYPOINT_TEST + (_RUN_TEST if runs else "")
    if needed:
        text = text.replace("from pathlib import Path\n", "from pathlib import Path\n\nimport pytest\n")
        text += _NEEDED_TEST.replace("VARIABLES", repr([variables[name] for name in needed]))
        text = text.replace("LINES", repr([line.partition(":")[0] for line in needed.values()]))
    option = option_names(plan)[output_field(plan)]
    return text.replace("PACKAGE", plan.package).replace("OPTION", repr(option)).replace("SECONDS", str(_SECONDS))


def emit_function_tests(plan: Plan) -> str | None:
    """Return the text of ``tests/test_functions.py``, or None where the notebook calls nothing that could be tested."""
    calls = function_calls(plan)
    if not calls:
        return None
    tests = [
        "\n".join(
            [
                "@pytest.mark.untested",
                f"def test_{call.function.name.strip('_').lower() or 'function'}_{number}_can_be_called() -> None:",
                f'    """As cell {call.cell} of the notebook calls it; what it returns is not checked yet."""',
                f"    steps.{call.text}",
            ]
        )
        for number, call in enumerate(calls, start=1)
    ]
    head = [
        '"""The functions of the notebook, called as the notebook calls them."""',
        "",
        "from __future__ import annotations",
        "",
        "import pytest",
        "",
        f"from {plan.package} import steps",
        "",
    ]
    return "\n".join(head) + "\n\n" + "\n\n\n".join(tests) + "\n"


def function_calls(plan: Plan) -> list[FunctionCall]:
    """Return for each plain function the first call with literal arguments the notebook makes at top level."""
    functions = {
        each.name: each
        for each in plan.functions
        if isinstance(each.moved.statement.node, ast.FunctionDef) and not each.lifted
    }
    found: dict[str, FunctionCall] = {}
    for cell in plan.notebook.code_cells:
        for node in _certain_calls(cell.tree) if cell.tree is not None else ():
            if isinstance(node.func, ast.Name) and node.func.id in functions and node.func.id not in found:
                text = None if _reaches_out(functions[node.func.id]) else _literal_call(node)
                # A folder of one machine is no argument for a test, a credential still less.
                if text is not None and not any(each.text in text for each in plan.withheld):
                    found[node.func.id] = FunctionCall(functions[node.func.id], cell.index, text)
    return list(found.values())


def _reaches_out(function: Function) -> bool:
    """Return whether a function fetches something, waits for somebody or runs another program."""
    return _OUTSIDE.search(ast.unparse(function.moved.statement.node)) is not None


def _certain_calls(tree: ast.Module) -> Iterator[ast.Call]:
    """Yield the calls of statements without a body: no ``try`` or ``with`` expects them to fail there."""
    for statement in tree.body:
        if isinstance(statement, ast.Expr | ast.Assign | ast.AnnAssign):
            yield from (node for node in ast.walk(statement) if isinstance(node, ast.Call))


def _literal_call(node: ast.Call) -> str | None:
    if any(word.arg is None for word in node.keywords):
        return None
    try:
        arguments = [literal(ast.literal_eval(argument)) for argument in node.args]
        arguments += [f"{word.arg}={literal(ast.literal_eval(word.value))}" for word in node.keywords]
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None
    return f"{ast.unparse(node.func)}({', '.join(arguments)})"


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

_MAKE_FOLDERS = """        folder.mkdir()
    for name in FOLDERS:
        (folder / name).mkdir(parents=True, exist_ok=True)
"""

_IMPORT_TEST = '''"""Importing the package does nothing else."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

Run = Callable[..., subprocess.CompletedProcess[str]]

IMPORT_EVERYTHING = """
import importlib, pkgutil
import PACKAGE
for module in pkgutil.walk_packages(PACKAGE.__path__, "PACKAGE."):
    importlib.import_module(module.name)
"""


def test_importing_every_module_prints_nothing_and_leaves_no_file(python: Run, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()

    result = python("-c", f"import os; os.chdir({str(empty)!r})\\n{IMPORT_EVERYTHING}")

    assert result.returncode == 0, result.stderr
    assert result.stdout == ""
    assert list(empty.iterdir()) == []
'''

_ENTRYPOINT_TEST = '''"""The entrypoint."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

Run = Callable[..., subprocess.CompletedProcess[str]]


def test_help_is_printed(python: Run) -> None:
    result = python("-m", "PACKAGE", "--help")

    assert result.returncode == 0, result.stderr
    assert "--help" in result.stdout


def test_an_unknown_option_is_a_usage_error(python: Run) -> None:
    result = python("-m", "PACKAGE", "--no-such-option")

    assert result.returncode == 2
    assert "--no-such-option" in result.stderr


def test_a_configuration_that_cannot_be_read_is_a_usage_error(python: Run) -> None:
    result = python("-m", "PACKAGE", "--config", "no_such_file.toml")

    assert (result.returncode, result.stdout) == (2, "")
    assert "no_such_file.toml" in result.stderr


def test_an_unknown_field_in_a_configuration_is_a_usage_error(python: Run, folder: Path) -> None:
    (folder / "settings.toml").write_text("no_such_field = 1", encoding="utf-8")
    result = python("-m", "PACKAGE", "--config", "settings.toml")

    assert (result.returncode, result.stdout) == (2, "")
    assert "no_such_field" in result.stderr
'''

_RUN_TEST = """

def test_the_whole_pipeline_runs(python: Run) -> None:
    result = python("-m", "PACKAGE", OPTION, "results", timeout=SECONDS)

    assert result.returncode == 0, result.stderr
"""

_NEEDED_TEST = """

def test_a_run_without_the_required_values_names_them(python: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)

    result = python("-m", "PACKAGE")

    assert (result.returncode, result.stdout) == (2, "")
    assert [line.partition(":")[0] for line in result.stderr.splitlines()] == LINES
"""
