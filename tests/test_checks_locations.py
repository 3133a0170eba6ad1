"""Where findings stand, to the character, and what they say: a page example can only mark a line."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import pytest

from nb2prod.analysis import analyse_notebook
from nb2prod.notebook.read import parse_notebook

if TYPE_CHECKING:
    from nb2prod.diagnostics import Finding
    from nb2prod.notebook.location import Location
    from nb2prod.notebook.model import Notebook


def covered(notebook: Notebook, location: Location) -> str:
    """Return the text a location covers."""
    assert location.cell is not None
    lines = notebook.cells[location.cell - 1].lines
    start, end = location.range.start, location.range.end
    text = "\n".join(lines[start.line - 1 : end.line])
    return text[start.column - 1 : len(text) - len(lines[end.line - 1]) + end.column - 1]


def findings_of(rule: str, *sources: str, counts: tuple[int | None, ...] = ()) -> tuple[list[Finding], Notebook]:
    """Return the findings of ``rule`` in a notebook of these cells, and the notebook."""
    cells: list[dict[str, object]] = [
        {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": count, "source": source}
        for source, count in zip(sources, counts or (None,) * len(sources), strict=True)
    ]
    notebook = parse_notebook(
        json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}), PurePosixPath("n.ipynb")
    )
    check = import_module(f"nb2prod.checks.{rule.replace('-', '_')}").check
    return list(check(analyse_notebook(notebook))), notebook


def found(rule: str, *sources: str, counts: tuple[int | None, ...] = (), related: bool = False) -> list[str]:
    """Return the texts under the findings of ``rule``, or under what is ``related``, in a notebook of these cells."""
    findings, notebook = findings_of(rule, *sources, counts=counts)
    places = [each.location for finding in findings for each in (finding.related if related else (finding,))]
    return [covered(notebook, each) for each in places]


@pytest.mark.parametrize(
    ("rule", "source", "text"),
    [
        ("hardcoded-path", 'größe = open("/home/anna/größe.csv")', '"/home/anna/größe.csv"'),
        ("hardcoded-path", 'x = f"/home/anna/{größe}.csv"', 'f"/home/anna/{größe}.csv"'),
        ("hardcoded-path", "if x:\n    %cd -q /home/anna/churn", "/home/anna/churn"),
        ("hardcoded-path", "!cp ö.csv \\\n   '/Users/anna/x.csv' .", "/Users/anna/x.csv"),
        ("hardcoded-path", "%%bash\ncd data\nls  /mnt/raw/x; pwd", "/mnt/raw/x"),
        ("hardcoded-path", "%%writefile /home/anna/x.py\nx = 1", "/home/anna/x.py"),
        ("shell-or-install-command", "ö = 1\nif ö:\n    !pip install shap", "!pip install shap"),
        ("shell-or-install-command", "lines = !ls -l", "!ls -l"),
        ("secret-in-source", 'a = dict(ö=1, password="Herbst-in-Jena-7")', '"Herbst-in-Jena-7"'),
        ("secret-in-source", "%env DB_PASSWORD=Herbst-in-Jena-7", "DB_PASSWORD=Herbst-in-Jena-7"),
        ("secret-in-source", "!tool --password Herbst-in-Jena-7 -v", "--password Herbst-in-Jena-7"),
        ("secret-in-source", "# ftp://anna:Herbst-in-Jena-7@db.internal/x", "ftp://anna:Herbst-in-Jena-7@db.internal"),
        ("unseeded-random", "import random\nö, y = 1, random.random()", "random.random()"),
        ("untested-cell", "@decorate\ndef ö():\n    return 1", "def ö():\n    return 1"),
        ("syntax-error", "ö = 1\nx = 1 +* 2", ""),
        ("python2-code", 'print "ö"', ""),
    ],
)
def test_a_finding_covers_what_it_is_about(rule: str, source: str, text: str) -> None:
    (only,) = found(rule, source)
    assert only.startswith(text)
    assert only == text or not text


def test_a_displaced_value_is_shown_where_it_is_used() -> None:
    sources = ("print(dict(ö=1)); print(ö, limit)", "ö = limit = 1")
    assert found("out-of-order-execution", *sources, counts=(2, 1)) == ["ö"]


def test_several_cells_of_one_cause_are_one_finding_and_two_causes_are_two() -> None:
    sources = ("print(a)", "print(a, b)", "a = 1", "b = 2")
    assert found("out-of-order-execution", *sources, counts=(3, 4, 1, 2)) == ["a", "b"]


def test_the_first_print_of_each_other_function_is_shown_beside_the_first() -> None:
    sources = (
        "def load(path):\n    print('a')\n    print('b')\n    return path",
        "def store(rows):\n    print('c')\n    print('d')\n    return rows",
    )
    assert found("print-as-log", *sources) == ["print('a')"]
    assert found("print-as-log", *sources, related=True) == ["print('c')"]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ("aba", "`a` and `b` are"),
        ("aa", "function `a` is"),
        ("abcda", "`a`, `b`, `c` and `d` are"),
        ("abacded", "`a`, `b`, `c` and 2 more are"),
    ],
)
def test_a_function_that_is_defined_again_is_named_once(names: str, said: str) -> None:
    (finding,), _ = findings_of("untested-cell", *(f"def {name}():\n    return 1" for name in names))
    assert finding.message.startswith(f"{said} touched by no assert")
    assert len(finding.related) == len(names) - 1
