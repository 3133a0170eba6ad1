"""Relations between findings on a notebook and on a changed copy of it, over every fixture."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from nb2prod.config import Settings
from nb2prod.discovery import Target
from nb2prod.linter import lint
from nb2prod.pages import load_rules
from nb2prod.report import json as json_report
from nb2prod.report import text as text_report

if TYPE_CHECKING:
    from collections.abc import Callable

    from nb2prod.lint_run import Report

CASES = sorted((Path(__file__).resolve().parent.parent / "fixtures" / "cases").glob("*/notebook.ipynb"))
RULES = load_rules()

# Rules that read what a run left behind, so that they may also find something where it was cleared.
ABOUT_SAVED_RUNS = "NB1"
ABOUT_OUTPUTS = ("NB402", "NB403")

every_fixture = pytest.mark.parametrize("case", CASES, ids=lambda case: case.parent.name)


def linted(notebook: dict[str, Any], folder: Path) -> Report:
    """Lint ``notebook`` in an empty folder: what lies beside a fixture must not matter here."""
    path = folder / "notebook.ipynb"
    path.write_text(json.dumps(notebook, indent=1), encoding="utf-8")
    report = lint([Target(path, Settings())], RULES)
    assert not report.internal_errors, report.internal_errors[0].trace
    return report


def facts(report: Report, renumber: Callable[[int], int] = lambda cell: cell) -> list[dict[str, Any]]:
    """Return the diagnostics as documented, cells renumbered, without what depends on the file's layout."""
    diagnostics: list[dict[str, Any]] = json.loads(json_report.render(report))["diagnostics"]
    for diagnostic in diagnostics:
        del diagnostic["raw_line"], diagnostic["raw_column"]
        for place in (diagnostic, *diagnostic["related"]):
            place["cell"] = place["cell"] and renumber(place["cell"])
    return diagnostics


def read(case: Path) -> dict[str, Any]:
    notebook: dict[str, Any] = json.loads(case.read_text(encoding="utf-8"))
    return notebook


def without_messages(diagnostics: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Drop the sentences, which may name cells."""
    for diagnostic in diagnostics:
        for place in (diagnostic, *diagnostic["related"]):
            del place["message"]
    return diagnostics


def test_there_are_fixtures() -> None:
    assert len(CASES) >= 5


@every_fixture
def test_a_markdown_cell_on_top_moves_every_finding_down_by_one_cell(case: Path, tmp_path: Path) -> None:
    notebook = read(case)
    if not notebook["cells"]:
        pytest.skip("with a cell a notebook is not empty")
    before = linted(notebook, tmp_path)
    # A rule: a heading or a text is something some checks ask for, an empty cell something one finds.
    inserted = {"cell_type": "markdown", "id": "inserted", "metadata": {}, "source": "---"}
    after = linted(notebook | {"cells": [inserted, *notebook["cells"]]}, tmp_path)
    assert without_messages(facts(after)) == without_messages(facts(before, lambda cell: cell + 1))


@every_fixture
def test_execution_counts_decide_only_about_hidden_state(case: Path, tmp_path: Path) -> None:
    notebook = read(case)
    before = facts(linted(notebook, tmp_path))
    counted = [cell for cell in notebook["cells"] if cell.get("execution_count") is not None]
    counts = [cell["execution_count"] for cell in counted]
    random.Random(case.parent.name).shuffle(counts)  # noqa: S311 - a repeatable order, no secret
    for cell, count in zip(counted, counts, strict=True):
        cell["execution_count"] = count
    after = facts(linted(notebook, tmp_path))

    def others(diagnostics: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [
            {key: value for key, value in each.items() if key != "execution_count"}
            for each in diagnostics
            if not each["code"].startswith(ABOUT_SAVED_RUNS)
        ]

    assert others(after) == others(before)


@every_fixture
def test_a_second_run_gives_the_same_bytes(case: Path) -> None:
    first, second = (lint([Target(case, Settings())], RULES) for _ in range(2))
    for render in (json_report.render, text_report.render, text_report.render_concise):
        assert render(first) == render(second)


@every_fixture
def test_clearing_outputs_and_counts_finds_nothing_new(case: Path, tmp_path: Path) -> None:
    notebook = read(case)
    before = facts(linted(notebook, tmp_path))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell |= {"outputs": [], "execution_count": None}
    after = facts(linted(notebook, tmp_path))
    # Only counts tell that a name was defined once (NB105); without them it is undefined (NB103).
    lost = [(each["cell"], each["line"], each["column"]) for each in before if each["code"] == "NB105"]
    after = [
        each for each in after if each["code"] != "NB103" or (each["cell"], each["line"], each["column"]) not in lost
    ]
    for diagnostic in before:
        diagnostic["execution_count"] = None
    for diagnostic in (*before, *after):
        # A cell can be added where none has run.
        del diagnostic["fix"]
    assert [each for each in after if each not in before] == []
    kept = [each for each in before if not each["code"].startswith((ABOUT_SAVED_RUNS, *ABOUT_OUTPUTS))]
    assert [each for each in kept if each not in after] == []


@every_fixture
def test_indentation_of_the_file_moves_raw_positions_only(case: Path, tmp_path: Path) -> None:
    notebook = read(case)
    before = facts(linted(notebook, tmp_path))
    path = tmp_path / "notebook.ipynb"
    path.write_text(json.dumps(notebook, separators=(",", ":"), ensure_ascii=True), encoding="utf-8")
    assert facts(lint([Target(path, Settings())], RULES)) == before
