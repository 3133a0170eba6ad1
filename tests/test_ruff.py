"""Ruff's findings in our report: in our cells, by its own codes, and never in the way."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path  # noqa: TC003 - pytest reads it
from typing import Any

import pytest

from nb2prod import ruff
from nb2prod.cli import run
from nb2prod.config import Selectors, Settings
from nb2prod.discovery import Target
from nb2prod.linter import lint
from nb2prod.pages import load_rules
from nb2prod.ruff_rules import load_ruff_rules
from nb2prod.ruff_rules import program as installed

RULES = (*load_rules(), *load_ruff_rules())


def notebook(path: Path, *cells: str, language: str = "python", nbformat: int = 4) -> Path:
    """Write a notebook of code cells; one that starts like a heading is markdown."""
    kinds = ["markdown" if source.startswith("# ") else "code" for source in cells]
    written: list[dict[str, Any]] = [
        {"cell_type": kind, "metadata": {}, "source": source}
        | ({"execution_count": None, "outputs": []} if kind == "code" else {})
        for kind, source in zip(kinds, cells, strict=True)
    ]
    whole: dict[str, Any] = {"cells": written, "metadata": {"language_info": {"name": language}}}
    path.write_text(json.dumps(whole | {"nbformat": nbformat, "nbformat_minor": 4}), encoding="utf-8")
    return path


def found(*paths: Path, select: tuple[str, ...] = ("S", "E722")) -> list[str]:
    settings = Settings(select=Selectors(select, "test"))
    report = lint([Target(path, settings) for path in paths], RULES)
    assert not report.notices
    assert not report.internal_errors
    places = [(each.location, each.rule.code) for each in report.diagnostics]
    return [f"{where.path.name}:{where.cell}:{where.range.start} {code}" for where, code in places]


def test_findings_stand_in_our_cells_lines_and_columns(tmp_path: Path) -> None:
    """Cells of every kind count, magics keep their lines, columns are characters."""
    path = notebook(
        tmp_path / "a.ipynb",
        "# Title",
        "%matplotlib inline\ntext = '1'",
        "%%bash\nls",
        "",
        "%%time\ns = '😀é'; eval(text)",
    )
    assert found(path) == ["a.ipynb:5:2:11 S307"]


def test_a_finding_has_its_place_in_the_file(tmp_path: Path) -> None:
    path = notebook(tmp_path / "a.ipynb", "x = input()\neval(x)")
    diagnostic = lint([Target(path, Settings(select=Selectors(("S307",), "test")))], RULES).diagnostics[0]
    text = path.read_text(encoding="utf-8")
    assert diagnostic.raw is not None
    assert text.splitlines()[diagnostic.raw.line - 1][diagnostic.raw.column - 1 :].startswith("eval(x)")


def test_a_broken_cell_does_not_hide_the_others(tmp_path: Path) -> None:
    path = notebook(tmp_path / "a.ipynb", "def (:", "eval(input())", "print 'Python 2'")
    assert found(path) == ["a.ipynb:2:1:1 S307"]


def test_notebooks_of_one_run_do_not_see_each_other(tmp_path: Path) -> None:
    """What one of them imports, the other may define itself."""
    paths = [
        notebook(tmp_path / "a.ipynb", "import requests"),
        notebook(tmp_path / "b.ipynb", "requests = make()\nrequests.get(url)"),
        notebook(tmp_path / "c.ipynb", "import requests\nrequests.get(url)"),
        notebook(tmp_path / "r.ipynb", "eval(x)", language="r"),
    ]
    assert found(*paths) == ["c.ipynb:1:2:1 S113"]


def test_what_cannot_be_read_is_no_failure_of_ruff(tmp_path: Path) -> None:
    broken = tmp_path / "broken.ipynb"
    broken.write_text("{", encoding="utf-8")
    paths = [broken, notebook(tmp_path / "ok.ipynb", "lone = '\ud800'", "try:\n    f()\nexcept:\n    pass")]
    assert [each for each in found(*paths) if each.startswith("ok")] == ["ok.ipynb:2:3:1 E722"]


def test_what_the_code_around_refutes_is_left_out(tmp_path: Path) -> None:
    """A limit may be among arguments nobody sees, a text only shown no query; tables and `?` are no values."""
    path = notebook(
        tmp_path / "a.ipynb",
        "import requests\noptions = {'timeout': 3}\nrequests.get('https://a.org', **options)",
        "requests.get('https://a.org')",
        "n = 3\nprint(f'Select one of {n} rows from the table')\nraise ValueError(f'Select {n} from the list')",
        "connection.execute(f'SELECT * FROM t WHERE n = {n}')",
        "connection.execute(f'CREATE TABLE {t} AS SELECT a FROM `{d}.{t}`')",
        "connection.execute('SELECT a FROM {d}.t'.format(d=d))\nconnection.execute('SELECT a FROM %s' % t)",
        "connection.execute('SELECT a FROM %s WHERE n = %s' % (t, n))",
        "marks = ','.join('?' * 3)\nconnection.execute(f'DELETE FROM t WHERE n IN ({marks})', ns)",
        'connection.execute(f\'DELETE FROM t WHERE n IN ({", ".join(["?"] * 3)})\', ns)',
    )
    assert found(path) == ["a.ipynb:2:1:1 S113", "a.ipynb:4:1:20 S608", "a.ipynb:7:1:20 S608"]


def test_comments_silence_its_rules_by_code_and_name(tmp_path: Path) -> None:
    path = notebook(
        tmp_path / "a.ipynb",
        "eval(x)  # nb2prod: ignore[S307] a constant",
        "eval(x)  # nb2prod: ignore[suspicious-eval-usage]",
        "eval(x)  # nb2prod: ignore[S]",
        "eval(x)  # noqa: S307",
    )
    assert found(path) == []


def test_a_comment_for_a_rule_of_ruff_that_found_nothing_is_reported(tmp_path: Path) -> None:
    path = notebook(tmp_path / "a.ipynb", "x = 1  # nb2prod: ignore[S307]")
    assert found(path, select=("S307", "NB006")) == ["a.ipynb:1:1:8 NB006"]


@pytest.mark.parametrize(("word", "codes"), [("S", {"S307"}), ("S3", {"S307"}), ("S307", {"S307"}), ("E7", {"E722"})])
def test_its_codes_and_their_prefixes_select(tmp_path: Path, word: str, codes: set[str]) -> None:
    path = notebook(tmp_path / "a.ipynb", "try:\n    eval(x)\nexcept:\n    y = []")
    assert {each.split()[1] for each in found(path, select=(word,))} == codes


def test_it_is_not_run_where_none_of_its_rules_is_selected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(ruff, "_process", never)
    path = notebook(tmp_path / "a.ipynb", "eval(x)")
    assert found(path, select=("NB3",)) == []


def test_the_repository_does_not_configure_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ruff.toml").write_text('extend-exclude = ["*.ipynb"]\n[lint]\nignore = ["S307"]\n', encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RUFF_OUTPUT_FILE", str(tmp_path / "elsewhere"))
    assert found(notebook(tmp_path / "a.ipynb", "eval(x)")) == ["a.ipynb:1:1:1 S307"]


def test_without_ruff_there_is_a_notice_and_everything_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ruff, "program", lambda: None)
    paths = [notebook(tmp_path / f"{name}.ipynb", "open('/home/anna/x.csv')\neval(x)") for name in "ab"]
    assert run(["check", "--select", "NB301,S307", "--format", "concise", "--fail-on", "never", *map(str, paths)]) == 0
    printed = capsys.readouterr()
    assert printed.err.count("ruff is not installed") == 1
    assert printed.out.count("[NB301]") == 2
    assert "S307" not in printed.out


@pytest.mark.skipif(os.name == "nt", reason="a shell script stands for ruff")
@pytest.mark.parametrize("count", [1, 2])
def test_a_ruff_that_fails_is_a_notice_with_its_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    program = tmp_path / "ruff"
    program.write_text("#!/bin/sh\necho 'error: no such rule' >&2\nexit 2\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setattr(ruff, "program", lambda: str(program))
    paths = [notebook(tmp_path / f"{number}.ipynb", "eval(x)") for number in range(count)]
    report = lint([Target(path, Settings(select=Selectors(("S",), "test"))) for path in paths], RULES)
    assert report.notices == ("ruff failed, its rules were not run: error: no such rule",)
    assert not report.diagnostics


def test_the_installed_ruff_knows_every_rule_under_its_name() -> None:
    program = installed()
    assert program is not None
    answer = subprocess.run(
        [program, "rule", "--all", "--output-format", "json"], capture_output=True, encoding="utf-8", check=True
    )
    known = {row["code"]: row["name"] for row in json.loads(answer.stdout)}
    rules = load_ruff_rules()
    assert {rule.code: rule.name for rule in rules} == {rule.code: known.get(rule.code) for rule in rules}
