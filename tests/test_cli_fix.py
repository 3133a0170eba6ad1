"""The command line of fixes: what is written, what is only shown, exit codes, and what goes to which stream."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nb2prod.cli import run

# `rate` took its value from a cell further down: NB101, with an unsafe fix.
# The first cell does something in either order.
FIRST = "rate = 0.1\nprint(rate)"
OUT_OF_ORDER = ((FIRST, 1), ("print(rate)", 3), ("rate = 0.5", 2))
UNUSED = "x = 1  # nb2prod: ignore[NB301]"


def notebook(name: str, *cells: tuple[str, int | None], outputs: Any = ()) -> Path:
    whole = {
        "cells": [
            {"cell_type": "code", "source": source, "execution_count": count, "metadata": {}, "outputs": list(outputs)}
            for source, count in cells
        ],
        "metadata": {},
        "nbformat": 4,
        "nbformat_minor": 4,
    }
    path = Path(name)
    path.write_text(json.dumps(whole), encoding="utf-8")
    return path


def sources(path: Path) -> list[str]:
    return [cell["source"] for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]]


@pytest.fixture(autouse=True)
def _in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_report_says_what_can_be_fixed_and_how(capsys: pytest.CaptureFixture[str]) -> None:
    notebook("a.ipynb", (UNUSED, None))
    assert run(["check"]) == 0
    out = capsys.readouterr().out
    assert "\n  = fix: remove the comment\n" in out
    assert out.endswith("Found 1 finding (1 note) in 1 of 1 notebook, 1 fixable with `--fix`.\n")
    notebook("b.ipynb", *OUT_OF_ORDER)
    run(["check", "--format", "concise", "--ignore", "NB2,NB6"])
    assert capsys.readouterr().out.endswith(", 1 fixable with `--fix` (1 more with `--unsafe-fixes`).\n")
    run(["check", "b.ipynb", "--statistics"])
    assert capsys.readouterr().out.endswith(", 1 fixable with `--fix --unsafe-fixes`.\n")


def test_safe_fixes_are_written_and_the_rest_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    path = notebook("a.ipynb", *OUT_OF_ORDER, (UNUSED, 4))
    assert run(["check", "--fix", "--fail-on", "warning", "--select", "NB1,NB0,NB3"]) == 1
    assert sources(path) == [FIRST, "print(rate)", "rate = 0.5", "x = 1"]
    out, err = capsys.readouterr()
    assert "NB101" in out
    assert "NB006" not in out
    assert err == "Fixed 1 finding in 1 notebook.\n"


def test_unsafe_fixes_are_written_where_that_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    path = notebook("a.ipynb", *OUT_OF_ORDER)
    assert run(["check", "--fix", "--unsafe-fixes", "--show-fixes", "--fail-on", "note", "--select", "NB1"]) == 0
    assert sources(path) == [FIRST, "rate = 0.5", "print(rate)"]
    out, err = capsys.readouterr()
    assert out == "All clear: checked 1 notebook.\n"
    assert err == (
        "a.ipynb:cell 2:1:7: NB101 out-of-order-execution: put the cells in the order they ran in\n"
        "Fixed 1 finding in 1 notebook.\n"
    )


def test_a_diff_shows_cells_and_writes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    output = {"output_type": "stream", "name": "stdout", "text": "old\n"}
    path = notebook("a.ipynb", *OUT_OF_ORDER, (UNUSED, 4))
    other = notebook("b.ipynb", ("# gone", 1), outputs=[output])
    notebook("c.ipynb", ("x = 1", 1))
    before = path.read_bytes(), other.read_bytes()
    assert run(["check", "--diff", "--unsafe-fixes"]) == 1
    assert (path.read_bytes(), other.read_bytes()) == before
    out, err = capsys.readouterr()
    assert out == (
        "a.ipynb:cell 2: becomes cell 3: print(rate)\n"
        "--- a.ipynb:cell 4\n"
        "+++ a.ipynb:cell 4\n"
        "@@ -1 +1 @@\n"
        "-x = 1  # nb2prod: ignore[NB301]\n"
        "+x = 1\n"
        "b.ipynb:cell 1: 1 saved output removed\n"
    )
    assert err == "Would fix 3 findings in 2 notebooks.\n"
    assert run(["check", "--diff", "c.ipynb"]) == 0
    assert capsys.readouterr() == ("", "Would fix nothing.\n")


def test_a_diff_shows_no_secret(capsys: pytest.CaptureFixture[str]) -> None:
    token = "ghp_" + "a1B2c3D4e5F6g7H8i9J0" + "k1L2m3N4o5P6q7R8"
    notebook("a.ipynb", (f'token = "{token}"\n{UNUSED}', 1))
    assert run(["check", "--diff"]) == 1
    out = capsys.readouterr().out
    assert token not in out
    assert ' token = "***' in out


def test_json_stays_json(capsys: pytest.CaptureFixture[str]) -> None:
    notebook("a.ipynb", (UNUSED, None))
    assert run(["check", "--fix", "--format", "json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["diagnostics"] == []
    assert err == "Fixed 1 finding in 1 notebook.\n"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--unsafe-fixes"], "--unsafe-fixes needs --fix or --diff"),
        (["--show-fixes"], "--show-fixes needs --fix or --diff"),
        (["--diff", "--format", "json"], "--diff prints differences and no report"),
        (["--diff", "--statistics"], "--diff prints differences and no report"),
    ],
)
def test_options_that_make_no_sense_together_exit_2(
    options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    notebook("a.ipynb", (UNUSED, None))
    assert run(["check", *options]) == 2
    assert message in capsys.readouterr().err


def test_a_notebook_that_cannot_be_written_exits_2_and_stays(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = notebook("a.ipynb", (UNUSED, None))
    monkeypatch.setattr("nb2prod.fixer.file.os.access", lambda *_: False)
    assert run(["check", "--fix"]) == 2
    assert capsys.readouterr().err == "error: a.ipynb: writing it is not permitted\n"
    assert sources(path) == [UNUSED]
