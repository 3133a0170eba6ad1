"""Suppression beyond a line: cells and notebooks, by comment, tag and metadata; reasons that are required."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from nb2prod.config import Selectors, Settings
from nb2prod.discovery import Target
from nb2prod.linter import lint
from nb2prod.pages import load_rules

if TYPE_CHECKING:
    from nb2prod.diagnostics import Diagnostic

RULES = load_rules()
# NB301 twice in the first cell and once in the second.
ONE = 'a = open("/home/ada/a")\nb = open("/home/ada/b")'
TWO = 'c = open("/home/ada/c")'


@pytest.fixture(autouse=True)
def _in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def found(
    *cells: tuple[str, dict[str, Any]], metadata: dict[str, Any] | None = None, settings: Settings | None = None
) -> list[Diagnostic]:
    notebook = {
        "cells": [
            {"cell_type": "code", "source": source, "execution_count": None, "metadata": more, "outputs": []}
            for source, more in cells
        ],
        "metadata": metadata or {},
        "nbformat": 4,
        "nbformat_minor": 4,
    }
    path = Path("a.ipynb")
    path.write_text(json.dumps(notebook), encoding="utf-8")
    report = lint([Target(path, settings or Settings(select=Selectors(("NB301", "NB006"), "test")))], RULES)
    assert not report.internal_errors, report.internal_errors[0].trace
    return list(report.diagnostics)


def places(*cells: tuple[str, dict[str, Any]], **more: Any) -> list[tuple[str, int | None, int]]:
    return [(each.rule.code, each.location.cell, each.location.line) for each in found(*cells, **more)]


def test_without_a_suppression_all_are_found() -> None:
    assert places((ONE, {}), (TWO, {})) == [("NB301", 1, 1), ("NB301", 1, 2), ("NB301", 2, 1)]


@pytest.mark.parametrize(
    ("source", "metadata"),
    [
        (f"# nb2prod: ignore-cell[NB301] shared disk\n{ONE}", {}),
        (f"# nb2prod: ignore-cell[hardcoded-path]\n{ONE}", {}),
        (f"{ONE}\n# nb2prod: ignore-cell[NB3]", {}),
        (ONE, {"tags": ["nb2prod-ignore-NB301"]}),
        (ONE, {"tags": ["slow", "nb2prod-ignore-hardcoded-path"]}),
        (ONE, {"tags": ["nb2prod-ignore"]}),
        (ONE, {"nb2prod": {"ignore": ["NB301"], "reason": "shared disk"}}),
        (ONE, {"nb2prod": {"ignore": True}}),
    ],
)
def test_a_cell_is_silenced_and_the_next_is_not(source: str, metadata: dict[str, Any]) -> None:
    assert places((source, metadata), (TWO, {})) == [("NB301", 2, 1)]


def test_a_notebook_is_silenced_by_a_comment_in_any_cell_or_by_its_metadata() -> None:
    assert places((ONE, {}), (f"# nb2prod: ignore-notebook[NB301] shared disk\n{TWO}", {})) == []
    assert places((ONE, {}), (TWO, {}), metadata={"nb2prod": {"ignore": ["NB301"]}}) == []


@pytest.mark.parametrize("entry", [None, "NB301", {}, {"ignore": "NB301"}, {"ignore": [1]}, {"ignore": False}])
def test_metadata_of_another_form_silences_nothing(entry: object) -> None:
    assert len(places((ONE, {"nb2prod": entry}), metadata={"nb2prod": entry})) == 2


def test_what_silences_nothing_is_reported_whatever_its_form() -> None:
    clean = "x = 1"
    assert places((f"# nb2prod: ignore-cell[NB301]\n{clean}", {})) == [("NB006", 1, 1)]
    assert places((clean, {"tags": ["nb2prod-ignore-NB301"]})) == [("NB006", 1, 1)]
    assert places((clean, {"nb2prod": {"ignore": ["NB301"]}})) == [("NB006", 1, 1)]
    assert places((clean, {}), metadata={"nb2prod": {"ignore": ["NB301"]}}) == [("NB006", None, 1)]
    (unused,) = found((f"# nb2prod: ignore-notebook[NB301]\n{clean}", {}))
    assert unused.finding.fix is not None


def test_a_required_reason_that_is_missing_silences_nothing_and_is_named() -> None:
    strict = Settings(select=Selectors(("NB301", "NB006"), "test"), require_reason=True)
    (first, second) = found(
        (f"{ONE.splitlines()[0]}  # nb2prod: ignore[NB301]\n{ONE.splitlines()[1]}", {}), settings=strict
    )
    assert [each.message for each in first.finding.related] == [
        "this comment silences nothing: it gives no reason, which the settings require"
    ]
    assert second.finding.related == ()
    assert places((f"# nb2prod: ignore-cell[NB301] shared disk\n{ONE}", {}), settings=strict) == []
    assert len(places((ONE, {"tags": ["nb2prod-ignore-NB301"]}), settings=strict)) == 2
    assert places((ONE, {"nb2prod": {"ignore": ["NB301"], "reason": "x"}}), settings=strict) == []
