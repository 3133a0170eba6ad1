"""The GitHub Action and the hooks: what they run is what we accept, and no input becomes part of a script."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

yaml = pytest.importorskip("yaml")

if sys.platform == "win32":
    pytest.skip("runs the scripts of the action with bash", allow_module_level=True)


@pytest.fixture
def action(checkout: Path) -> dict[str, Any]:
    whole: dict[str, Any] = yaml.safe_load((checkout / "action.yml").read_text(encoding="utf-8"))
    return whole


def notebook(path: Path, source: str) -> None:
    cell: dict[str, Any] = {
        "cell_type": "code",
        "source": source,
        "execution_count": None,
        "metadata": {},
        "outputs": [],
    }
    whole = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
    path.write_text(json.dumps(whole), encoding="utf-8")


def test_inputs_reach_scripts_as_variables_only(action: dict[str, Any]) -> None:
    used = set()
    for step in action["runs"]["steps"]:
        assert "${{" not in step["run"]
        used.update(re.findall(r"\$\{\{ inputs\.([\w-]+) \}\}", " ".join(step["env"].values())))
    assert used == set(action["inputs"])


def check_as_the_action(action: dict[str, Any], folder: Path, **inputs: str) -> subprocess.CompletedProcess[str]:
    """Run the step that checks, with ourselves in the place of what the first step installs."""
    program = folder / "program"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m nb2prod "$@"\n', encoding="utf-8")
    program.chmod(0o700)
    (folder / "nb2prod-program").write_text(str(program), encoding="utf-8")
    (step,) = [step for step in action["runs"]["steps"] if step["name"] == "Check notebooks"]
    given = {key: str(value["default"]) for key, value in action["inputs"].items()} | inputs
    variables = {name: given[re.findall(r"inputs\.(\w+)", value)[0]] for name, value in step["env"].items()}
    source = str(Path(__file__).resolve().parent.parent / "src")
    environment = (
        os.environ | variables | {"RUNNER_TEMP": str(folder), "GITHUB_STEP_SUMMARY": str(folder / "summary.md")}
    )
    environment.setdefault("PYTHONPATH", source)
    environment.pop("GITHUB_WORKSPACE", None)
    return subprocess.run(
        ["bash", "-eo", "pipefail", "-c", step["run"]],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_action_annotates_summarises_and_fails(action: dict[str, Any], tmp_path: Path) -> None:
    notebook(tmp_path / "a.ipynb", "x = = 1")
    done = check_as_the_action(action, tmp_path, args="--isolated --profile commit", sarif="out.sarif")
    assert done.returncode == 1, done.stderr
    assert done.stdout.startswith("::error file=a.ipynb,line=1,")
    assert (tmp_path / "summary.md").read_text(encoding="utf-8").startswith("## nb2prod\n")
    assert json.loads((tmp_path / "out.sarif").read_text(encoding="utf-8"))["version"] == "2.1.0"


def test_the_action_passes_without_findings_and_runs_nothing_of_its_inputs(
    action: dict[str, Any], tmp_path: Path
) -> None:
    notebook(tmp_path / "a.ipynb", "x = = 1")
    notebook(tmp_path / "b.ipynb", "print(1)")
    assert check_as_the_action(action, tmp_path, args="--isolated", paths="b.ipynb").returncode == 0
    done = check_as_the_action(action, tmp_path, paths="$(touch${IFS}evil);b.ipynb")
    assert done.returncode == 2
    assert not (tmp_path / "evil").exists()


def test_the_hooks_run_what_we_accept(checkout: Path, tmp_path: Path) -> None:
    notebook(tmp_path / "a.ipynb", "x = = 1")
    for hook in yaml.safe_load((checkout / ".pre-commit-hooks.yaml").read_text(encoding="utf-8")):
        command = [sys.executable, "-m", *hook["entry"].split(), *hook["args"], "--isolated", "a.ipynb"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 1, done.stderr
        assert "error[NB002]" in done.stdout
