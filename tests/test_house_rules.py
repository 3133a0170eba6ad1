"""Rules of a team's own: pages in folders that its settings name, data and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nb2prod.cli import run

PAGE = """+++
code = "ACME001"
name = "old-warehouse"
summary = "The old warehouse is switched off in spring."
severity = "error"

[forbid]
message = "{name} talks to the old warehouse; use `acme.lake`"
imports = ["acme_warehouse"]
+++

## What to use instead

`acme.lake.read(table)` has the same arguments.
"""


@pytest.fixture(autouse=True)
def _in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def house(folder: str = ".", page: str = PAGE, name: str = "old-warehouse") -> Path:
    """Write a project whose settings name a folder of rules with one page, and a notebook that breaks it."""
    root = Path(folder)
    path = root / "ci" / "notebook-rules" / f"{name}.md"
    path.parent.mkdir(parents=True)
    path.write_text(page, encoding="utf-8")
    (root / "pyproject.toml").write_text('[tool.nb2prod]\nextend-rules = ["ci/notebook-rules"]\n', encoding="utf-8")
    notebook(root / "work" / "a.ipynb", "import acme_warehouse")
    return path


def notebook(path: Path, *cells: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    code: dict[str, object] = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    data = {"cells": [code | {"source": cell} for cell in cells], "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
    path.write_text(json.dumps(data), encoding="utf-8")


def test_a_page_in_a_folder_that_the_settings_name_is_a_rule(capsys: pytest.CaptureFixture[str]) -> None:
    """The folder is relative to the file with the settings, wherever the run starts."""
    house("project")
    assert run(["check", "project", "--select", "ACME", "--format", "concise"]) == 1
    assert "a.ipynb:cell 1:1:1: error[ACME001] old-warehouse: `acme_warehouse` talks to the" in capsys.readouterr().out


@pytest.mark.parametrize("options", [["--ignore", "ACME001"], ["--ignore", "old-warehouse"], ["--isolated"]])
def test_it_is_ignored_by_code_and_name(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    house()
    assert run(["check", "--fail-on", "never", *options]) == 0
    assert "ACME001" not in capsys.readouterr().out


def test_a_comment_silences_it(capsys: pytest.CaptureFixture[str]) -> None:
    house()
    notebook(Path("work/a.ipynb"), "import acme_warehouse  # nb2prod: ignore[ACME001] until April")
    assert run(["check", "--select", "ACME001,NB006"]) == 0
    assert capsys.readouterr().out.startswith("All clear")


def test_the_rules_of_a_project_are_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    house("project")
    notebook(Path("other/b.ipynb"), "import acme_warehouse")
    assert run(["check", "project", "other", "--select", "ACME001", "--format", "json"]) == 1
    found = json.loads(capsys.readouterr().out)["diagnostics"]
    assert [each["path"] for each in found] == ["project/work/a.ipynb"]


def test_rule_explains_and_lists_it(capsys: pytest.CaptureFixture[str]) -> None:
    house()
    assert run(["rule", "ACME001"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("old-warehouse (ACME001)\n\nThe old warehouse is switched off")
    assert "`acme.lake.read(table)` has the same arguments." in text
    assert run(["rule"]) == 0
    assert "ACME001" in capsys.readouterr().out
    assert run(["rule", "--all", "--format", "markdown"]) == 0
    assert "## Rules of this project\n" in capsys.readouterr().out


def test_reports_with_help_have_its_page(capsys: pytest.CaptureFixture[str]) -> None:
    house()
    assert run(["check", "--select", "ACME001", "--format", "sarif"]) == 1
    rules = json.loads(capsys.readouterr().out)["runs"][0]["tool"]["driver"]["rules"]
    assert "acme.lake.read(table)" in rules[0]["help"]["markdown"]


def test_rules_of_ruff_are_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rule", "S113"]) == 0
    assert "Found by ruff: `ruff rule S113`" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('code = "ACME001"', 'code = "NB301"', ":2: `code` is a prefix of your own and digits, such as ACME001"),
        ('code = "ACME001"', 'code = "acme"', ":2: `code` is a prefix of your own and digits"),
        ('code = "ACME001"', 'code = "PLE0704"', ":1: `PLE0704` is already a rule of ruff"),
        ('name = "old-warehouse"', 'name = "other"', ":3: `name` is the file's name"),
        ('severity = "error"', 'severity = "bad"', ":5: `severity` is error, warning or note"),
        ('severity = "error"', "severity = ", ":5: front matter is not TOML"),
        ("imports =", "run =", ":9: `[forbid]` has no `run`"),
        ('imports = ["acme_warehouse"]', "imports = []", ":9: `imports` is a list of names or globs"),
        ("[forbid]", "[forbids]", "unknown key `forbids`"),
        ("## What to use", "```\n## What to use", "a code fence is not closed"),
    ],
)
def test_a_page_that_is_wrong_is_refused_with_file_and_line(
    old: str, new: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = house(page=PAGE.replace(old, new, 1))
    # What stands below the front matter is read by those who ask for it.
    assert run(["rule", "ACME001"] if "fence" in message else ["check"]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert str(path.parent) in error


def test_a_page_without_a_table_forbid_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """It could only be a rule with a check, and a page runs nothing."""
    house(page=PAGE[: PAGE.index("[forbid]")] + "+++\n")
    assert run(["check"]) == 2
    assert "old-warehouse.md:1: a page of your own needs a table `[forbid]`" in capsys.readouterr().err


def test_a_name_that_is_ours_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    house(page=PAGE.replace("old-warehouse", "hardcoded-path"), name="hardcoded-path")
    assert run(["check"]) == 2
    assert "`hardcoded-path` is already our rule hardcoded-path (NB301)" in capsys.readouterr().err


@pytest.mark.parametrize("there", [False, True], ids=["missing", "empty"])
def test_a_folder_without_pages_is_refused(there: bool, capsys: pytest.CaptureFixture[str]) -> None:
    notebook(Path("a.ipynb"), "x = 1")
    if there:
        Path("nowhere/rules").mkdir(parents=True)
    Path("pyproject.toml").write_text('[tool.nb2prod]\nextend-rules = ["nowhere/rules"]\n', encoding="utf-8")
    assert run(["check"]) == 2
    assert "nowhere" in capsys.readouterr().err


def test_python_beside_the_pages_is_never_run() -> None:
    path = house()
    code = "import pathlib; pathlib.Path('ran').write_text('')"
    for name in ("old_warehouse.py", "__init__.py", "conftest.py"):
        (path.parent / name).write_text(code, encoding="utf-8")
    assert run(["check"]) == 1
    assert not list(Path().rglob("ran"))


def test_the_reference_is_what_the_pages_say(checkout: Path, capsys: pytest.CaptureFixture[str], update: bool) -> None:
    """Nothing is kept by hand twice: docs/rules.md is what the command prints."""
    assert run(["rule", "--all", "--format", "markdown", "--isolated"]) == 0
    printed = capsys.readouterr().out
    reference = checkout / "docs" / "rules.md"
    if update:
        reference.write_text(printed, encoding="utf-8")
    assert reference.read_text(encoding="utf-8") == printed, (
        "make test TESTS='tests/test_house_rules.py --update' writes docs/rules.md again"
    )
