"""Fixes of what ruff finds: its own edits and ours, in our cells, only where they are certain."""

from __future__ import annotations

import json
from pathlib import Path  # noqa: TC003 - pytest reads it

import pytest

from nb2prod.cli import run
from nb2prod.config import Selectors, Settings
from nb2prod.diagnostics import Applicability
from nb2prod.discovery import Target
from nb2prod.fixer.fix import fix_notebooks
from nb2prod.linter import lint
from nb2prod.pages import load_rules
from nb2prod.ruff_rules import load_ruff_rules

RULES = (*load_rules(), *load_ruff_rules())


def fixed(path: Path, code: str, *cells: str) -> list[str]:
    """Return the cells after all fixes of one rule were made."""
    path.write_text(
        json.dumps(
            {
                "cells": [
                    {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": source}
                    for source in cells
                ],
                "metadata": {},
                "nbformat": 4,
                "nbformat_minor": 4,
            }
        ),
        encoding="utf-8",
    )
    targets = [Target(path, Settings(select=Selectors((code,), "test")))]
    results = fix_notebooks(targets, lint(targets, RULES), RULES, unsafe=True)
    return [cell.source for cell in results[0].after.cells] if results else list(cells)


@pytest.mark.parametrize(
    ("code", "before", "after"),
    [
        ("S113", "requests.get(url)", "requests.get(url, timeout=60)"),
        ("S113", "requests.get(url, timeout=None)", "requests.get(url, timeout=60)"),
        ("S113", "requests.post(\n    url,\n    3,\n)", "requests.post(\n    url,\n    3,\n    timeout=60,\n)"),
        ("S113", "é = '😀'; requests.get(url)", "é = '😀'; requests.get(url, timeout=60)"),
        ("S113", "x = [requests.get(u) for u in us]", "x = [requests.get(u, timeout=60) for u in us]"),
        ("S501", "requests.get(url, verify=False, timeout=3)", "requests.get(url, timeout=3)"),
        ("S501", "requests.get(url, timeout=3, verify=False)", "requests.get(url, timeout=3)"),
        ("S501", "requests.get(\n    url,\n    verify=False,\n)", "requests.get(\n    url,\n)"),
        ("S501", "requests.get(verify=False, url=url)", "requests.get(url=url)"),
        ("S506", "yaml.load(text)", "yaml.safe_load(text)"),
        ("S202", "import tarfile\ntarfile.open('a.tar').extractall()",
         "import tarfile\ntarfile.open('a.tar').extractall(filter=\"data\")"),
        ("F632", "if url is 'x':\n    url = 1", "if url == 'x':\n    url = 1"),
        ("NPY001", "a = np.zeros(3, dtype=np.int)", "a = np.zeros(3, dtype=int)"),
        ("NPY003", "np.product([1])", "np.prod([1])"),
        ("NPY201", "np.float_(1)", "np.float64(1)"),
    ],
)  # fmt: skip
def test_what_ruff_finds_is_fixed_in_its_cell(tmp_path: Path, code: str, before: str, after: str) -> None:
    head = "import requests, yaml\nimport numpy as np\nurl = 'https://example.org'\nus = []"
    assert fixed(tmp_path / "a.ipynb", code, head, before) == [head, after]


@pytest.mark.parametrize(
    ("code", "source"),
    [
        ("S113", "import requests\nrequests.get((url))"),
        ("S113", "import requests\nrequests.get(\n    url  # the page\n)"),
        ("S506", "import yaml\nyaml.load(text, Loader=yaml.Loader)"),
        ("S506", "from yaml import load\nload(text)"),
        ("S202", "import tarfile\ntarfile.open('a.tar').extractall(members=names())"),
        ("NPY201", "from numpy import float_\nfloat_(1)"),
        ("F523", "'{}'.format(1, 2)"),
    ],
)
def test_what_is_not_certain_stays(tmp_path: Path, code: str, source: str) -> None:
    """Brackets and comments hide the end, a loader was chosen, an import would have to be added."""
    assert fixed(tmp_path / "a.ipynb", code, source) == [source]


def test_a_fix_that_would_copy_ipython_syntax_is_not_taken(tmp_path: Path) -> None:
    """Ruff sees a mask in its place."""
    source = "if (\n    len(x) is 3\n): y = 1\nx = !ls"
    after = "if (\n    len(x) == 3\n): y = 1\nx = !ls"
    assert fixed(tmp_path / "a.ipynb", "F632", source) == [after]


def test_fixes_that_ruff_calls_safe_are_as_safe_as_our_table_says(tmp_path: Path) -> None:
    path = tmp_path / "a.ipynb"
    fixed(path, "F632", "import numpy as np\na = np.int(3) is 3\nnp.float_(1)")
    targets = [Target(path, Settings(select=Selectors(("NPY", "F632"), "test")))]
    fixes = {each.rule.code: each.finding.fix for each in lint(targets, RULES).diagnostics}
    assert {code: fix.applicability for code, fix in fixes.items() if fix} == {
        "F632": Applicability.UNSAFE,
        "NPY001": Applicability.SAFE,
        "NPY201": Applicability.UNSAFE,
    }


def test_the_rule_says_what_its_fix_does(capsys: pytest.CaptureFixture[str]) -> None:
    run(["rule", "S113"])
    assert "The unsafe fix: Passes `timeout=60`." in capsys.readouterr().out
