"""Baselines: what is known stays known while notebooks change, what is fixed is said, what is new is reported."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from nb2prod.baseline import Compared, compare, entries_of, notebook_key, read_baseline, write_baseline
from nb2prod.cli import run
from nb2prod.config import Settings
from nb2prod.discovery import Target
from nb2prod.linter import lint
from nb2prod.pages import load_rules

if TYPE_CHECKING:
    from collections.abc import Callable

    from nb2prod.lint_run import Report

CASES = sorted((Path(__file__).resolve().parent.parent / "fixtures" / "cases").glob("*/notebook.ipynb"))
RULES = load_rules()

every_fixture = pytest.mark.parametrize("case", CASES, ids=lambda case: case.parent.name)


@pytest.fixture(autouse=True)
def _in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def linted(notebook: dict[str, Any], indent: int | None = 1) -> Report:
    path = Path("notebook.ipynb")
    path.write_text(json.dumps(notebook, indent=indent), encoding="utf-8")
    report = lint([Target(path, Settings())], RULES)
    assert not report.internal_errors, report.internal_errors[0].trace
    return report


def compared(before: Report, after: Report) -> Compared:
    """Compare through a file, as two runs do."""
    file = Path("baseline.json")
    write_baseline(file, {notebook_key(file, path): each for path, each in entries_of(before).items()})
    entries = read_baseline(file)
    known = {path: entries.get(notebook_key(file, path), entries_of(before)[path]) for path in after.files}
    return compare(after, known, {path: {rule.code for rule in RULES} for path in after.files})


def with_raw_cells_between(notebook: dict[str, Any]) -> dict[str, Any]:
    empty = {"cell_type": "raw", "metadata": {}, "source": ""}
    cells = [each for number, cell in enumerate(notebook["cells"]) for each in (empty | {"id": f"new{number}"}, cell)]
    return notebook | {"cells": cells}


def with_other_ids(notebook: dict[str, Any]) -> dict[str, Any]:
    return notebook | {"cells": [cell | {"id": f"other{i}"} for i, cell in enumerate(notebook["cells"])]}


def with_sources_in_lines(notebook: dict[str, Any]) -> dict[str, Any]:
    cells = [cell | {"source": "".join(cell["source"]).splitlines(keepends=True)} for cell in notebook["cells"]]
    return notebook | {"cells": cells}


def with_later_counts(notebook: dict[str, Any]) -> dict[str, Any]:
    """Run again in the order of last time: every number is higher by as much."""
    cells = json.loads(json.dumps(notebook["cells"]))
    for cell in cells:
        for place in (cell, *cell.get("outputs", [])):
            if place.get("execution_count"):
                place["execution_count"] += 100
    return notebook | {"cells": cells}


@every_fixture
@pytest.mark.parametrize(
    "change", [with_raw_cells_between, with_other_ids, with_sources_in_lines, dict], ids=lambda change: change.__name__
)
def test_changes_around_a_finding_make_no_new_one(
    case: Path, change: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    notebook = json.loads(case.read_text(encoding="utf-8"))
    result = compared(linted(notebook), linted(change(notebook), indent=4))
    assert result.report.diagnostics == ()
    assert not result.report.failed
    assert result.fixed == {}


@every_fixture
def test_running_again_makes_no_new_finding(case: Path) -> None:
    """A later run may well be found to be complete where numbers were missing, but nothing is new."""
    notebook = json.loads(case.read_text(encoding="utf-8"))
    rerun = linted(with_later_counts(notebook))
    assert compared(linted(notebook), rerun).report.diagnostics == ()


def cell(source: str, cell_id: str) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "id": cell_id,
        "source": source,
        "metadata": {},
        "outputs": [],
        "execution_count": None,
    }


def notebook_of(*cells: dict[str, Any]) -> dict[str, Any]:
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def save(name: str, *cells: dict[str, Any]) -> Path:
    path = Path(name)
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(notebook_of(*cells)), encoding="utf-8")
    return path


def test_a_copy_is_new_and_a_removed_one_is_fixed() -> None:
    one, two = notebook_of(cell("x = = 1", "a")), notebook_of(cell("x = = 1", "a"), cell("x = = 1", "b"))
    more = compared(linted(one), linted(two))
    assert [each.location.cell for each in more.report.diagnostics if each.rule.code == "NB002"] == [2]
    assert more.report.failed
    less = compared(linted(two), linted(one))
    assert less.report.diagnostics == ()
    ((path, gone),) = less.fixed.items()
    assert (path, {each.rule: count for each, count in gone.items()}["NB002"]) == (Path("notebook.ipynb"), 1)


def test_an_edited_line_is_new() -> None:
    result = compared(linted(notebook_of(cell("x = = 1", "a"))), linted(notebook_of(cell("x = = 2", "a"))))
    assert "NB002" in [each.rule.code for each in result.report.diagnostics]


def test_a_rule_that_did_not_run_has_fixed_nothing() -> None:
    before = linted(notebook_of(cell("x = = 1", "a")))
    after = before._replace(diagnostics=())
    assert compare(after, entries_of(before), {Path("notebook.ipynb"): {"NB101"}}).fixed == {}


def test_the_file_holds_no_source_and_is_the_same_for_the_same_findings() -> None:
    save("deep/a.ipynb", cell('password = "hunter2hunter2"; x = = 1', "a"))
    assert run(["check", "--write-baseline", "b.json"]) == 0
    text = Path("b.json").read_text(encoding="utf-8")
    assert "hunter2" not in text
    assert '"deep/a.ipynb": [' in text
    assert run(["check", "--write-baseline", "b.json"]) == 0
    assert Path("b.json").read_text(encoding="utf-8") == text


def test_the_way_of_a_repository(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Write it, pass, fail on what is new, hear of what is fixed, take that out; from any folder."""
    save("deep/a.ipynb", cell("x = = 1", "a"), cell("y = = 2", "b"))
    other = save("b.ipynb", cell("z = = 3", "a"))
    assert run(["check", "--select", "NB002", "--write-baseline", "b.json"]) == 0
    out, err = capsys.readouterr()
    assert out == "All clear: checked 2 notebooks.\n"
    assert "notice: wrote 3 findings to b.json" in err
    save("deep/a.ipynb", cell("y  = = 2", "b"), cell("new = = 1", "c"))
    monkeypatch.chdir("deep")
    assert run(["check", "--select", "NB002", "--format", "concise", "--baseline", "../b.json", "a.ipynb"]) == 1
    out, err = capsys.readouterr()
    assert out.startswith("a.ipynb:cell 2:1:7: error[NB002]")
    assert "Found 1 finding" in out
    assert "notice: 1 finding known from the baseline" in err
    assert "notice: a.ipynb: 1 finding of the baseline fixed (NB002)" in err
    both = ["--baseline", "../b.json", "--write-baseline", "../b.json"]
    assert run(["check", "--select", "NB002", *both, "a.ipynb"]) == 1
    monkeypatch.chdir("..")
    counts = {name: each.total() for name, each in read_baseline(Path("b.json")).items()}
    assert counts == {"b.ipynb": 1, "deep/a.ipynb": 1}
    other.unlink()
    assert run(["check", "--select", "NB002", "--write-baseline", "b.json"]) == 0
    assert {name: each.total() for name, each in read_baseline(Path("b.json")).items()} == {"deep/a.ipynb": 2}


def test_settings_name_the_baseline(capsys: pytest.CaptureFixture[str]) -> None:
    save("deep/a.ipynb", cell("x = = 1", "a"))
    Path("pyproject.toml").write_text('[tool.nb2prod]\nbaseline = "known.json"\n', encoding="utf-8")
    assert run(["check", "deep"]) == 2
    assert "known.json does not exist; --write-baseline" in capsys.readouterr().err
    assert run(["check", "--write-baseline", "known.json"]) == 0
    assert run(["check", "deep"]) == 0


@pytest.mark.parametrize("text", ["", "[]", "{", '{"version": 1}', '{"version": 1, "notebooks": {"a": [{}]}}'])
def test_what_is_no_baseline_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    save("a.ipynb", cell("x = 1", "a"))
    Path("b.json").write_text(text, encoding="utf-8")
    assert run(["check", "--baseline", "b.json"]) == 2
    assert "b.json is no baseline" in capsys.readouterr().err


def test_a_baseline_of_another_version_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    save("a.ipynb", cell("x = 1", "a"))
    Path("b.json").write_text('{"version": 9, "notebooks": {}}', encoding="utf-8")
    assert run(["check", "--baseline", "b.json"]) == 2
    assert "is of version 9, not 1" in capsys.readouterr().err


def test_an_incomplete_report_is_not_written(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_: object) -> None:
        raise ZeroDivisionError

    save("a.ipynb", cell("x = 1", "a"))
    monkeypatch.setattr("nb2prod.checks.syntax_error.check", broken)
    assert run(["check", "--select", "NB002", "--write-baseline", "b.json"]) == 3
    assert "b.json is not written: the report is incomplete" in capsys.readouterr().err
    assert not Path("b.json").exists()
