"""``--since REV`` and standard input: what changed is reported, and what an editor holds is checked."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from nb2prod.cli import run


@pytest.fixture(autouse=True)
def _in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def git(*arguments: str) -> None:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *who, *arguments], check=True, capture_output=True)


def text_of(*sources: str, count: int | None = None) -> str:
    cells: list[dict[str, Any]] = [
        {"cell_type": "code", "source": source, "execution_count": count, "metadata": {}, "outputs": []}
        for source in sources
    ]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}, indent=1)


def save(name: str, *sources: str, count: int | None = None) -> None:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text_of(*sources, count=count), encoding="utf-8")


@pytest.fixture
def repository() -> None:
    """Make a repository with a notebook of two broken cells, and one with another."""
    git("init")
    save("a.ipynb", "x = = 1", "y = = 2")
    save("deep/b.ipynb", "z = = 3")
    git("add", ".")
    git("commit", "-m", "first")


def places(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[tuple[str, int]]:
    code = run(["check", "--select", "NB002", "--format", "json", *arguments])
    out, err = capsys.readouterr()
    assert code in (0, 1), err
    found = [(each["path"], each["cell"]) for each in json.loads(out)["diagnostics"]]
    assert code == bool(found)
    return found


@pytest.mark.usefixtures("repository")
def test_only_cells_that_changed_are_reported(capsys: pytest.CaptureFixture[str]) -> None:
    assert places(capsys, "--since", "HEAD") == []
    save("a.ipynb", "new = = 0", "x = = 1", "y = = 22")
    assert places(capsys, "--since", "HEAD") == [("a.ipynb", 1), ("a.ipynb", 3)]
    git("commit", "-am", "second")
    assert places(capsys, "--since", "HEAD") == []
    assert places(capsys, "--since", "HEAD~1") == [("a.ipynb", 1), ("a.ipynb", 3)]


@pytest.mark.usefixtures("repository")
def test_moving_and_running_again_change_no_cell(capsys: pytest.CaptureFixture[str]) -> None:
    save("a.ipynb", "y = = 2", "x = = 1", count=7)
    assert places(capsys, "--since", "HEAD") == []


@pytest.mark.usefixtures("repository")
def test_new_and_renamed_notebooks(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    save("new.ipynb", "n = = 1")
    git("mv", "a.ipynb", "deep/c.ipynb")
    assert places(capsys, "--since", "HEAD") == [("new.ipynb", 1)]
    git("add", ".")
    monkeypatch.chdir("deep")
    assert places(capsys, "--since", "HEAD", "..") == [("../new.ipynb", 1)]


@pytest.mark.usefixtures("repository")
def test_what_the_other_branch_did_meanwhile_is_not_ours(capsys: pytest.CaptureFixture[str]) -> None:
    git("branch", "ours")
    save("a.ipynb", "x = = 1", "y = 2")
    git("commit", "-am", "theirs")
    git("checkout", "ours")
    save("deep/b.ipynb", "z = = 3", "mine = = 4")
    git("commit", "-am", "ours")
    assert places(capsys, "--since", "main") == [("deep/b.ipynb", 2)]


@pytest.mark.usefixtures("repository")
def test_a_finding_whose_other_half_changed_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    save("a.ipynb", "print(late)", "early = 1")
    git("commit", "-am", "second")
    save("a.ipynb", "print(late)", "late = 1")
    run(["check", "--select", "NB104", "--format", "json", "--since", "HEAD"])
    (found,) = json.loads(capsys.readouterr().out)["diagnostics"]
    assert (found["cell"], found["related"][0]["cell"]) == (1, 2)


@pytest.mark.usefixtures("repository")
def test_a_notebook_that_could_not_be_read_before_is_new(capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.ipynb").write_text("{", encoding="utf-8")
    git("commit", "-am", "broken")
    save("a.ipynb", "x = = 1")
    assert places(capsys, "--since", "HEAD") == [("a.ipynb", 1)]


@pytest.mark.usefixtures("repository")
def test_an_unknown_revision_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "--since", "no-such-branch"]) == 2
    assert "git has no revision `no-such-branch`" in capsys.readouterr().err
    assert run(["check", "--since", "--output=x"]) == 2
    assert not Path("x").exists()


def test_outside_a_repository_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    save("a.ipynb", "x = = 1")
    assert run(["check", "--since", "HEAD"]) == 2
    assert "--since needs a git repository" in capsys.readouterr().err


def test_git_that_is_missing_is_an_error(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    save("a.ipynb", "x = = 1")
    monkeypatch.setenv("PATH", "")
    assert run(["check", "--since", "HEAD", "a.ipynb"]) == 2
    assert "git cannot be run" in capsys.readouterr().err


class _Standard:
    def __init__(self, content: str) -> None:
        self.buffer = io.BytesIO(content.encode())


def test_standard_input_is_checked_under_a_name(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    save("deep/a.ipynb", "on_disk = 1")
    Path("deep/nb2prod.toml").write_text('select = ["NB002"]\nexclude = ["old"]\n', encoding="utf-8")
    monkeypatch.setattr(sys, "stdin", _Standard(text_of("typed = = 1")))
    assert run(["check", "--format", "concise", "--stdin-filename", "deep/a.ipynb", "-"]) == 1
    assert capsys.readouterr().out.startswith("deep/a.ipynb:cell 1:1:9: error[NB002]")
    assert "on_disk" in Path("deep/a.ipynb").read_text(encoding="utf-8")


def test_standard_input_needs_no_file_of_that_name(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", _Standard(text_of("typed = = 1")))
    assert run(["check", "--format", "concise", "-"]) == 1
    assert capsys.readouterr().out.startswith("stdin.ipynb:cell 1:1:9: error[NB002]")
    monkeypatch.setattr(sys, "stdin", _Standard("{"))
    assert run(["check", "--format", "concise", "--stdin-filename", "b.ipynb", "-"]) == 1
    assert capsys.readouterr().out.startswith("b.ipynb:1:2: error[NB001]")


def test_excluded_names_are_not_checked_where_excluding_is_forced(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", _Standard(text_of("typed = = 1")))
    arguments = ["check", "--exclude", "old", "--force-exclude", "--stdin-filename", "old/a.ipynb", "-"]
    assert run(arguments) == 0
    assert "All clear: checked 0 notebooks." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-", "a.ipynb"], "`-` stands alone"),
        (["--stdin-filename", "a.ipynb"], "--stdin-filename needs `-`"),
        (["-", "--fix"], "standard input is checked, not changed"),
        (["-", "--diff"], "standard input is checked, not changed"),
        (["-", "--since", "HEAD"], "--since compares files"),
    ],
)
def test_wrong_uses_of_standard_input(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", *arguments]) == 2
    assert message in capsys.readouterr().err
