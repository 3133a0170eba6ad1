"""The GitHub Action and the hooks: what they run is what we accept, and no input becomes part of a script."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from nb2prod.cli import run

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


def test_zizmor_has_nothing_to_say_about_the_workflow_and_the_action(checkout: Path, tmp_path: Path) -> None:
    beside = Path(sys.executable).with_name("zizmor")
    zizmor = str(beside) if beside.exists() else shutil.which("zizmor")
    if zizmor is None:
        pytest.skip("the group dev has zizmor")
    commit = "7d2a8f0c41e95b63d8f12a70c9be46d35f80e1a2"
    assert run(["init", str(tmp_path), "--repo", "https://github.com/example/nb2prod", "--rev", commit]) == 0
    (tmp_path / "action.yml").write_text((checkout / "action.yml").read_text(encoding="utf-8"), encoding="utf-8")
    command = [zizmor, "--offline", "--persona", "auditor", "--quiet", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_workflow_that_names_a_tag_is_written_and_what_is_better_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["init", str(tmp_path), "--repo", "https://github.com/example/nb2prod", "--rev", "v1"]) == 0
    assert "v1 can be moved to other code: --rev with a whole commit" in capsys.readouterr().out
    workflow = yaml.safe_load((tmp_path / ".github/workflows/nb2prod.yml").read_text(encoding="utf-8"))
    assert workflow["jobs"]["nb2prod"]["steps"][-1] == {"uses": "example/nb2prod@v1"}
