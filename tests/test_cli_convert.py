"""``nb2prod convert`` from the outside: exit codes, messages, what is on disk."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from nb2prod.cli import run
from nb2prod.convert import convert

if TYPE_CHECKING:
    from pathlib import Path


def notebook(folder: Path, *sources: str, name: str = "sales.ipynb") -> Path:
    cells: list[dict[str, object]] = [
        {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": source}
        for source in sources
    ]
    path = folder / name
    path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}))
    return path


def test_a_conversion_says_what_it_made_and_what_comes_next(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = notebook(tmp_path, "x = 1", "print(x)")

    assert run(["convert", str(path), "--output", str(tmp_path / "out")]) == 0

    printed = capsys.readouterr()
    assert printed.err == ""
    assert f"{path} → {tmp_path / 'out'}" in printed.out
    assert "cells 1, 2" in printed.out
    assert (tmp_path / "out" / "src" / "sales_pipeline" / "__main__.py").is_file() or (
        tmp_path / "out" / "src" / "sales" / "__main__.py"
    ).is_file()


def test_refusals_come_all_at_once_with_their_cells_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = notebook(tmp_path, "x = 1", "exec('y = 2')", "%no_such_magic")

    assert run(["convert", str(path), "--output", str(tmp_path / "out")]) == 1

    lines = capsys.readouterr().err.removeprefix("error: ").splitlines()
    assert [line.split(":")[0] for line in lines] == ["cell 2, line 1", "cell 3, line 1"]
    assert not (tmp_path / "out").exists()


def test_the_package_can_be_named(tmp_path: Path) -> None:
    path = notebook(tmp_path, "x = 1")

    assert run(["convert", str(path), "--output", str(tmp_path / "out"), "--name", "monthly"]) == 0

    assert (tmp_path / "out" / "src" / "monthly" / "pipeline.py").is_file()


@pytest.mark.parametrize("name", ["1st", "a-b", "class", "json", "numpy", "../x", "é"])
def test_a_name_no_package_can_have_is_a_usage_error(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = notebook(tmp_path, "import numpy as np")

    assert run(["convert", str(path), "--output", str(tmp_path / "out"), "--name", name]) == 2

    assert f"--name {name}: " in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("content", [None, "", "{", "[]"])
def test_what_is_no_notebook_is_a_usage_error(
    content: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.ipynb"
    if content is not None:
        path.write_text(content)

    assert run(["convert", str(path), "--output", str(tmp_path / "out")]) == 2

    assert str(path) in capsys.readouterr().err


def test_a_missing_output_is_a_usage_error(tmp_path: Path) -> None:
    assert run(["convert", str(notebook(tmp_path, "x = 1"))]) == 2


def test_edits_are_kept_unless_forced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = notebook(tmp_path, "x = 1")
    arguments = ["convert", str(path), "--output", str(tmp_path / "out"), "--name", "monthly"]
    assert run(arguments) == 0
    edited = tmp_path / "out" / "README.md"
    edited.write_text("mine")
    capsys.readouterr()

    assert run(arguments) == 1
    assert "README.md has been edited since it was generated" in capsys.readouterr().err
    assert edited.read_text() == "mine"

    assert run([*arguments, "--force"]) == 0
    assert edited.read_text() != "mine"


def test_converting_again_changes_nothing(tmp_path: Path) -> None:
    path = notebook(tmp_path, "x = {1, 2}\nprint(x)")
    arguments = ["convert", str(path), "--output", str(tmp_path / "out"), "--name", "monthly"]
    assert run(arguments) == 0
    before = {file: (file.read_bytes(), file.stat().st_mtime_ns) for file in (tmp_path / "out").rglob("*.*")}

    assert run(arguments) == 0

    assert {file: (file.read_bytes(), file.stat().st_mtime_ns) for file in (tmp_path / "out").rglob("*.*")} == before


def test_conversion_is_a_function_too(tmp_path: Path) -> None:
    package = convert(notebook(tmp_path, "x = 1\nprint(x)"), name="monthly")

    assert package.name == "monthly"
    assert b"print(x)" in package.files["src/monthly/steps.py"]


def test_a_parameter_no_configuration_can_have_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = notebook(tmp_path, "Path = 'a.csv'\nfield = 1", "print(Path, field)")
    data = json.loads(path.read_text())
    data["cells"][0]["metadata"]["tags"] = ["parameters"]
    path.write_text(json.dumps(data))

    assert run(["convert", str(path), "--output", str(tmp_path / "out")]) == 1

    lines = capsys.readouterr().err.removeprefix("error: ").splitlines()
    assert [line.split(":")[0] for line in lines] == ["cell 1, line 1", "cell 1, line 2"]
