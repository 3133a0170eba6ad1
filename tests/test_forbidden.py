"""Rules whose page forbids something: what counts as a use, and where it is reported."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from nb2prod.config import Selectors, Settings
from nb2prod.discovery import Target
from nb2prod.linter import lint
from nb2prod.pages import load_rules

if TYPE_CHECKING:
    from pathlib import Path

PAGE = """+++
code = "NB998"
name = "house-rule"
summary = "Not in this house."
severity = "warning"
fix = "none"
since = "0.1.0"

[forbid]
message = "{name} is not used here"
{table}
+++
"""


def found(folder: Path, table: str, *cells: str) -> list[tuple[int | None, int, str]]:
    """Return cell, line and message of what a page with ``table`` finds in a notebook of ``cells``."""
    rules = folder / "rules"
    rules.mkdir()
    (rules / "house-rule.md").write_text(PAGE.replace("{table}", table), encoding="utf-8")
    notebook = folder / "notebook.ipynb"
    code: dict[str, object] = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    data = {"cells": [{**code, "source": cell} for cell in cells], "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
    notebook.write_text(json.dumps(data), encoding="utf-8")
    settings = Settings(select=Selectors(("NB998",), "the test"))
    report = lint([Target(notebook, settings)], load_rules(rules))
    assert report.internal_errors == ()
    return [(each.location.cell, each.location.line, each.finding.message) for each in report.diagnostics]


@pytest.mark.parametrize(
    "source",
    ["import os\nos.chdir('x')", "from os import chdir as go\ngo('x')", "import os as o\nmove = o.chdir\nmove('x')"],
)
def test_a_call_is_found_under_every_name(tmp_path: Path, source: str) -> None:
    lines = source.count("\n") + 1
    assert found(tmp_path, 'calls = ["os.chdir"]', source) == [(1, lines, "`os.chdir` is not used here")]


def test_a_name_means_what_is_in_it(tmp_path: Path) -> None:
    cells = ("from google.colab import files", "files.upload()", "import google.colaboratory")
    assert found(tmp_path, 'calls = ["google.colab"]\nimports = ["google.colab"]', *cells) == [
        (1, 1, "`google.colab` is not used here"),
        (2, 1, "`google.colab.files.upload` is not used here"),
    ]


def test_what_the_notebook_defines_itself_is_something_else(tmp_path: Path) -> None:
    cells = ("class dbutils:\n    def get(self): ...", "dbutils.get(1)", "spark.get(1)")
    assert found(tmp_path, 'calls = ["dbutils", "spark"]', *cells) == [(3, 1, "`spark.get` is not used here")]


def test_several_uses_in_a_cell_are_one_finding_at_the_first(tmp_path: Path) -> None:
    cell = "import os\nos.mkdir('a')\nos.mkdir('b')\nos.rmdir('b')"
    assert found(tmp_path, 'calls = ["os.*dir"]', cell) == [(1, 2, "`os.mkdir` is not used here (also `os.rmdir`)")]


def test_magics_and_strings_are_matched_whole(tmp_path: Path) -> None:
    cells = ("%cd data", "%cdx data", "path = 'dbfs:/x'", "text = 'see dbfs:/x'")
    assert found(tmp_path, 'magics = ["cd"]\nstrings = ["dbfs:*"]', *cells) == [
        (1, 1, "`%cd` is not used here"),
        (3, 1, "`dbfs:/x` is not used here"),
    ]


def test_what_is_assigned_is_found_through_aliases_with_its_items(tmp_path: Path) -> None:
    cells = (
        "import sys as s\ns.path += ['a']",
        "s.path[:0] = ['a']",
        "print(s.path)",
        "s.pathlike = 1",
        "path = s.path",
    )
    assert found(tmp_path, 'assigns = ["sys.path"]', *cells) == [
        (1, 2, "`sys.path =` is not used here"),
        (2, 1, "`sys.path =` is not used here"),
    ]


def test_imports_are_found_inside_functions(tmp_path: Path) -> None:
    cell = "def load():\n    import pdb\n    from pdb import set_trace\n    import pdbx"
    assert found(tmp_path, 'imports = ["pdb"]', cell) == [(1, 2, "`pdb` is not used here")]
