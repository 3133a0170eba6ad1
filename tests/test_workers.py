"""Many notebooks, checked by several processes: one report, whatever happens to a process."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nb2prod import linter
from nb2prod.config import Configuration, Overrides
from nb2prod.discovery import Target
from nb2prod.errors import ConfigurationError
from nb2prod.linter import Check, lint
from nb2prod.pages import load_rules
from nb2prod.workers import lint_all

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.diagnostics import Finding, Rule

CASES = Path(__file__).parent.parent / "fixtures" / "cases"
FORKS = sys.platform == "linux"


def targets(folder: Path, number: int, overrides: Overrides = Overrides(isolated=True)) -> list[Target]:  # noqa: B008 - immutable
    """Return ``number`` notebooks of our own, copied into ``folder``."""
    originals = [CASES / story / "notebook.ipynb" for story in ("churn", "messy_exploration", "sales_forecast")]
    settings = Configuration(overrides).settings_for(folder)
    found = []
    for copy in range(number):
        path = folder / f"copy_{copy:03}.ipynb"
        shutil.copy(originals[copy % len(originals)], path)
        found.append(Target(path, settings))
    return found


def test_several_processes_give_the_report_of_one(tmp_path: Path) -> None:
    """Diagnostics, their order, code frames and files are the same."""
    many = targets(tmp_path, 70)
    rules = load_rules()
    done: list[int] = []
    assert lint_all(many, rules, progress=done.append, jobs=2) == lint(many, rules)
    assert done == [16, 32, 48, 64, 70]


def test_few_notebooks_start_no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process costs more than a few notebooks do."""
    monkeypatch.setattr("nb2prod.workers._pool", None)
    assert len(lint_all(targets(tmp_path, 33), load_rules(), jobs=2).files) == 33


def test_wrong_settings_end_the_run(tmp_path: Path) -> None:
    """A rule that does not exist is said before any notebook is read."""
    many = targets(tmp_path, 70, Overrides(select=("NB999",), isolated=True))
    with pytest.raises(ConfigurationError, match="NB999"):
        lint_all(many, load_rules(), jobs=2)


@pytest.mark.skipif(not FORKS, reason="a process that is spawned has no broken check")
def test_a_notebook_that_takes_its_process_down_is_one_internal_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other notebooks are checked all the same, and keep their order."""
    many = targets(tmp_path, 70)
    fatal = many[20].path
    load_check = linter.load_check

    def broken(rule: Rule) -> Check:
        check = load_check(rule)
        if rule.name != "unseeded-random":
            return check

        def run(analysis: Analysis) -> Iterator[Finding]:
            if analysis.notebook.path == fatal:
                os._exit(1)
            return check.run(analysis)

        return check._replace(run=run)

    monkeypatch.setattr(linter, "load_check", broken)
    report = lint_all(many, load_rules(), jobs=2)
    assert [(error.path, error.rule) for error in report.internal_errors] == [(fatal, None)]
    assert "ended without an answer" in report.internal_errors[0].trace
    others = [target for target in many if target.path != fatal]
    assert report.diagnostics == lint(others, load_rules()).diagnostics
    assert report.files == tuple(target.path for target in many)


@pytest.mark.skipif(not FORKS, reason="process groups are another thing elsewhere")
def test_the_interrupt_key_ends_the_run_without_a_trace(tmp_path: Path) -> None:
    """The key reaches all processes; one sentence and the shell's exit code are all that is seen."""
    targets(tmp_path, 400)
    # What a shell does not wait for ignores the key, and so does what it starts in turn.
    heard = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    command = [
        sys.executable,
        "-c",
        f"{heard}; import sys, nb2prod.workers as w, nb2prod.cli as c; w._cores = lambda: 2; c.main()",
    ]
    running = subprocess.Popen(
        [*command, "check", "--isolated", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    children = Path(f"/proc/{running.pid}/task/{running.pid}/children")
    while running.poll() is None and len(children.read_text().split()) < 2:
        time.sleep(0.01)
    time.sleep(0.1)  # until the processes are at work
    os.killpg(running.pid, signal.SIGINT)
    out, error = running.communicate(timeout=60)
    assert (running.returncode, out, error.strip()) == (130, "", "interrupted")
