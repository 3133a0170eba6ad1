"""The JSON report: the contract of docs/json-output.md, and its example."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from nb2prod.config import Selectors, Settings
from nb2prod.diagnostics import Applicability, Diagnostic, Finding, Fix, Related, Rule, Severity
from nb2prod.discovery import Target
from nb2prod.lint_run import InternalError, Report
from nb2prod.linter import lint
from nb2prod.notebook.location import FIRST, Location, Position
from nb2prod.pages import load_rules
from nb2prod.report.json import render

FIX = Fix("make it relative", (), Applicability.UNSAFE)
RULE = Rule("NB301", "hardcoded-path", "A path.", Severity.ERROR, "none", "0.1.0")
PATH = Path("folder", "churn.ipynb")

if TYPE_CHECKING:
    from collections.abc import Iterator


def documented(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each section of the document with the keys its table lists."""
    for section in text.split("\n## ")[1:]:
        rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", section, re.MULTILINE)
        yield section.splitlines()[0], [key for row in rows for key in re.findall(r"`(\w+)`", row)]


@pytest.fixture
def document(checkout: Path) -> str:
    return (checkout / "docs" / "json-output.md").read_text(encoding="utf-8")


def one_finding() -> dict[str, Any]:
    finding = Finding(Location(PATH, 4, FIRST), "x", (Related(Location(PATH, None, FIRST), "y"),), FIX)
    diagnostic = Diagnostic(RULE, finding, Position(12, 9), "abc", 7)
    error = InternalError(None, None, "Traceback")
    whole: dict[str, Any] = json.loads(render(Report((diagnostic,), {}, (PATH,), (error,), failed=True)))
    return whole


def test_every_key_is_documented_in_its_order_and_no_other(document: str) -> None:
    keys = dict(documented(document))
    whole = one_finding()
    assert list(whole) == keys["The object"]
    assert list(whole["diagnostics"][0]) == keys["A diagnostic"]
    assert list(whole["summary"]) == keys["The summary"]
    (related,) = re.findall(r"\| `related` \| [^|]*", document)
    assert list(whole["diagnostics"][0]["related"][0]) == re.findall(r"`(\w+)`", related)[1:]
    (fix,) = re.findall(r"\| `fix` \| [^|]*", document)
    assert list(whole["diagnostics"][0]["fix"]) == re.findall(r"`(\w+)`", fix)[1:3]


def test_values_are_as_documented() -> None:
    whole = one_finding()
    assert whole["version"] == 1
    assert whole["diagnostics"] == [
        {
            "path": "folder/churn.ipynb",
            "code": "NB301",
            "name": "hardcoded-path",
            "severity": "error",
            "message": "x",
            "cell": 4,
            "line": 1,
            "column": 1,
            "end_line": 1,
            "end_column": 1,
            "raw_line": 12,
            "raw_column": 9,
            "cell_id": "abc",
            "execution_count": 7,
            "related": [
                {
                    "path": "folder/churn.ipynb",
                    "message": "y",
                    "cell": None,
                    "line": 1,
                    "column": 1,
                    "end_line": 1,
                    "end_column": 1,
                }
            ],
            "fix": {"title": "make it relative", "applicability": "unsafe"},
        }
    ]
    assert whole["summary"] == {
        "files": 1,
        "packages": 0,
        "severities": {"error": 1, "warning": 0, "note": 0},
        "codes": {"NB301": 1},
        "internal_errors": 1,
    }


def test_the_text_is_ascii_whatever_the_notebook_holds() -> None:
    finding = Finding(Location(Path("名\udce9.ipynb"), 1, FIRST), "\ud83d 🎉 \x1b")
    text = render(Report((Diagnostic(RULE, finding),), {}, (), (), failed=True))
    assert text.isascii()
    assert text.endswith("}\n")
    assert json.loads(text)["diagnostics"][0]["message"] == "\ud83d 🎉 \x1b"


def test_the_documented_example_is_what_comes_out(
    document: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = re.findall(r"```python\n(.*?)```", document, re.DOTALL)[0]
    cells = [
        {"cell_type": "markdown", "id": "title", "metadata": {}, "source": ["# Churn"]},
        {
            "cell_type": "code",
            "execution_count": 1,
            "id": "load",
            "metadata": {},
            "outputs": [],
            "source": source.rstrip("\n").splitlines(keepends=True),
        },
    ]
    notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    monkeypatch.chdir(tmp_path)
    # The layout Jupyter saves.
    Path("churn.ipynb").write_text(json.dumps(notebook, indent=1) + "\n", encoding="utf-8")
    report = lint([Target(Path("churn.ipynb"), Settings(select=Selectors(("NB301",), "the test")))], load_rules())
    assert render(report) == re.findall(r"```json\n(.*?)```", document, re.DOTALL)[0]
