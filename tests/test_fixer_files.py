"""Fixes that take cells out of a notebook, or add to a requirement file beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nb2prod.cli import run
from nb2prod.diagnostics import AddLines, Edit, RemoveCell, RemoveOutputs
from nb2prod.fixer.companion import companions
from nb2prod.fixer.overlap import apart
from nb2prod.fixer.rewrite import CannotRewriteError, rewrite
from nb2prod.notebook.read import parse_notebook

FIX = ["check", "--isolated", "--select", "NB302", "--fix", "--unsafe-fixes"]


def code(source: str, **more: Any) -> dict[str, Any]:
    return {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": source} | more


def text_of(*sources: str, indent: int | None = 1) -> str:
    whole = {"cells": [code(source) for source in sources], "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
    return json.dumps(whole, indent=indent) + "\n"


@pytest.mark.parametrize("indent", [None, 1, 4])
@pytest.mark.parametrize("gone", [(1,), (2,), (3,), (1, 2), (1, 3), (2, 3)])
def test_a_file_without_a_cell_is_what_it_would_have_been(indent: int | None, gone: tuple[int, ...]) -> None:
    sources = ["a = 1", "b = 'é'", "c = 3"]
    notebook = parse_notebook(text_of(*sources, indent=indent), Path("a.ipynb"))
    result = rewrite(notebook, [RemoveCell(number) for number in gone])
    left = [number for number in (1, 2, 3) if number not in gone]
    assert result.text == text_of(*(sources[number - 1] for number in left), indent=indent)
    assert result.origins == tuple(left)


def test_the_last_cell_of_a_notebook_stays() -> None:
    notebook = parse_notebook(text_of("a = 1"), Path("a.ipynb"))
    with pytest.raises(CannotRewriteError, match="no cell would be left"):
        rewrite(notebook, [RemoveCell(1)])


def test_a_cell_is_not_removed_and_changed_at_once() -> None:
    notebook = parse_notebook(text_of("a = 1", "b = 2"), Path("a.ipynb"))
    edit = Edit(notebook.cells[0].location(1, 1), "x")
    changes = [edit, RemoveCell(1), RemoveOutputs(1), RemoveCell(2)]
    assert [fix.changes for fix in apart(map(fix_of, changes))] == [(edit,), (RemoveOutputs(1),), (RemoveCell(2),)]


def fix_of(change: Any) -> Any:
    from nb2prod.diagnostics import Applicability, Fix  # noqa: PLC0415 - beside its one use

    return Fix("fix", (change,), Applicability.SAFE)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "shap\n"),
        ("numpy\n", "numpy\nshap\n"),
        ("numpy", "numpy\nshap\n"),
        ("numpy\r\n", "numpy\r\nshap\r\n"),
        ("shap\nnumpy\n", "shap\nnumpy\n"),
    ],
)
def test_lines_are_added_as_the_file_ends_its_lines(tmp_path: Path, before: str, after: str) -> None:
    path = tmp_path / "requirements.txt"
    path.write_bytes(before.encode())
    assert [file.after for file in companions([AddLines(path, ("shap", "shap"))], ())] == (
        [after.encode()] if before != after else []
    )


def test_a_file_in_another_encoding_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "requirements.txt").write_bytes("# Größe\nnumpy\n".encode("latin-1"))
    notebook = tmp_path / "a.ipynb"
    notebook.write_text(text_of("!pip install shap", "x = 1"))
    run([*FIX, str(notebook)])
    assert "not fixed: requirements.txt cannot be added to" in capsys.readouterr().err
    assert notebook.read_text() == text_of("!pip install shap", "x = 1")


def test_notebooks_of_one_project_share_what_is_added(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The second finds declared what the first moved, and both files are written."""
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("numpy\n")
    (tmp_path / "deep").mkdir()
    notebooks = [tmp_path / "a.ipynb", tmp_path / "deep" / "b.ipynb"]
    for notebook in notebooks:
        notebook.write_text(text_of("!pip install shap==0.46.0\nimport shap"))
    run([*FIX[:4], "--diff", "--unsafe-fixes", str(tmp_path)])
    shown = capsys.readouterr().out
    assert shown.count("+shap==0.46.0") == 1
    assert requirements.read_text() == "numpy\n"
    assert run([*FIX, str(tmp_path)]) == 0
    assert requirements.read_text() == "numpy\nshap==0.46.0\n"
    assert [notebook.read_text() for notebook in notebooks] == [text_of("import shap")] * 2


def test_a_diff_shows_the_cells_that_go(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "requirements.txt").write_text("shap\n")
    (tmp_path / "a.ipynb").write_text(text_of("!pip install shap", "x = 1"))
    run([*FIX[:4], "--diff", "--unsafe-fixes", str(tmp_path)])
    name = tmp_path / "a.ipynb"
    assert f"--- {name}:cell 1\n+++ /dev/null\n@@ -1 +0,0 @@\n-!pip install shap\n" in capsys.readouterr().out
