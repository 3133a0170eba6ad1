"""The tests of the package as a whole: it imports without side effects, and its command line says what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.requirements import Requirement

from nb2prod.convert.emit.pipeline import output_field
from nb2prod.convert.emit.settings import needed_lines, option_names, variable_names

if TYPE_CHECKING:
    from nb2prod.convert.plan import Plan

# A run that takes longer is no test; a notebook's kernel has no limit.
_SECONDS = 600


def emit_import_test(plan: Plan) -> str:
    """Return the text of ``tests/test_import.py``."""
    may_lack = plan.draws and not any(Requirement(each.requirement).name == "matplotlib" for each in plan.dependencies)
    text = _IMPORT_TEST.replace(_EVERY_MODULE, _BUT_FOR_THE_BACKEND) if may_lack else _IMPORT_TEST
    return text.replace("PACKAGE", plan.package)


def emit_entrypoint_test(plan: Plan, *, runs: bool) -> str:
    """Return the text of ``tests/test_entrypoint.py``; with ``runs`` it runs the whole pipeline once more."""
    needed, variables = needed_lines(plan), variable_names(plan)
    text = _ENTRYPOINT_TEST + (_RUN_TEST if runs else "")
    if needed or runs:
        text = text.replace("from pathlib import Path\n", "from pathlib import Path\n\nimport pytest\n")
    if needed:
        text += _NEEDED_TEST.replace("VARIABLES", repr([variables[name] for name in needed]))
        text = text.replace("LINES", repr([line.partition(":")[0] for line in needed.values()]))
    option = option_names(plan)[output_field(plan)]
    return text.replace("PACKAGE", plan.package).replace("OPTION", repr(option)).replace("SECONDS", str(_SECONDS))


_EVERY_MODULE = """    importlib.import_module(module.name)
"""
# Only matplotlib loads its backend, where something the package needs has brought it.
_BUT_FOR_THE_BACKEND = """    if importlib.util.find_spec("matplotlib") or module.name != "PACKAGE.backend":
        importlib.import_module(module.name)
"""

_IMPORT_TEST = '''"""Importing the package does nothing else."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

Run = Callable[..., subprocess.CompletedProcess[str]]

IMPORT_EVERYTHING = """
import importlib.util, pkgutil
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

@pytest.mark.usefixtures("quick")
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
