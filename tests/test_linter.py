"""A run of the linter: what is checked, in which order, and what never stops it."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nb2prod.analysis import analyse_notebook
from nb2prod.config import Globs, Selectors, Settings
from nb2prod.diagnostics import Finding, Rule, Severity
from nb2prod.discovery import Target
from nb2prod.errors import ConfigurationError
from nb2prod.linter import Check, lint, load_check
from nb2prod.notebook.location import FIRST, Location, Position
from nb2prod.pages import load_rules
from nb2prod.report.json import render as render_json
from nb2prod.report.text import render as render_text
from nb2prod.selection import UNREADABLE, select
from nb2prod.suppress import UNUSED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.lint_run import Report


def rule(code: str, name: str, severity: Severity = Severity.WARNING) -> Rule:
    return Rule(code, name, "", severity, "none", "0.1.0")


UNREADABLE_RULE = rule("NB001", UNREADABLE, Severity.ERROR)
FIRST_LINE = rule("NB301", "first-line")
LAST_LINE = rule("NB302", "last-line", Severity.NOTE)
BROKEN = rule("NB399", "broken")


def first_line(analysis: Analysis) -> Iterator[Finding]:
    for cell in analysis.notebook.code_cells:
        yield Finding(cell.location(1, 1, 1, 2), "first")


def last_line(analysis: Analysis) -> Iterator[Finding]:
    for cell in reversed(analysis.notebook.code_cells):
        yield Finding(cell.location(len(cell.lines), 1), "last")


def broken(analysis: Analysis) -> Iterator[Finding]:
    yield Finding(Location(analysis.notebook.path, None, FIRST), "found before it broke")
    raise KeyError("gone")


CHECKS = {FIRST_LINE: first_line, LAST_LINE: last_line, BROKEN: broken}


def find_check(wanted: Rule) -> Check:
    return Check(CHECKS[wanted], language_independent=wanted is LAST_LINE)


def notebook(path: Path, *sources: str, **metadata: Any) -> Path:
    cells = [
        {"cell_type": "code", "id": f"id{number}", "source": source, "metadata": {}, "outputs": []}
        | {"execution_count": number * 10}
        for number, source in enumerate(sources)
    ]
    whole = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(whole), encoding="utf-8")
    return path


def run(*paths: Path, rules: tuple[Rule, ...] = (UNREADABLE_RULE, FIRST_LINE, LAST_LINE), **settings: Any) -> Report:
    return lint([Target(path, Settings(**settings)) for path in paths], rules, find_check=find_check)


def places(report: Report) -> list[tuple[str, str, int | None, int]]:
    return [
        (each.location.path.name, each.rule.code, each.location.cell, each.location.line) for each in report.diagnostics
    ]


def words(*selectors: str) -> Selectors:
    return Selectors(selectors, "the test")


def test_findings_are_joined_with_their_rule_and_cell_and_sorted(tmp_path: Path) -> None:
    second = notebook(tmp_path / "b.ipynb", "x = 1")
    first = notebook(tmp_path / "a.ipynb", "x = 1\ny = 2", "z = 3")
    report = run(second, first)
    assert places(report) == [
        ("a.ipynb", "NB301", 1, 1),
        ("a.ipynb", "NB302", 1, 2),
        ("a.ipynb", "NB302", 2, 1),
        ("a.ipynb", "NB301", 2, 1),
        ("b.ipynb", "NB302", 1, 1),
        ("b.ipynb", "NB301", 1, 1),
    ]
    assert [(each.cell_id, each.execution_count) for each in report.diagnostics[1:3]] == [("id0", 0), ("id1", 10)]
    assert report.sources[first, 1] == ["x = 1", "y = 2"]
    assert report.files == (second, first)
    assert report.internal_errors == ()


def test_a_position_in_the_files_own_text_is_given(tmp_path: Path) -> None:
    path = notebook(tmp_path / "a.ipynb", "x = 1\ny = 2")
    (diagnostic,) = run(path, select=words("NB302")).diagnostics
    assert diagnostic.raw is not None
    assert diagnostic.raw.line == 1
    text = path.read_text(encoding="utf-8")
    assert text[diagnostic.raw.column - 1 :].startswith("y = 2")


@pytest.mark.parametrize("content", [b"", b"[]", b"not JSON", b"\xff\xfe\xfa", b'{"cells": 1}'])
def test_a_file_that_cannot_be_read_is_one_diagnostic_and_the_run_goes_on(tmp_path: Path, content: bytes) -> None:
    bad = tmp_path / "a.ipynb"
    bad.write_bytes(content)
    report = run(bad, notebook(tmp_path / "b.ipynb", "x = 1"), ignore=(words("NB302"),))
    assert places(report) == [("a.ipynb", "NB001", None, 1), ("b.ipynb", "NB301", 1, 1)]
    assert str(bad) not in report.diagnostics[0].finding.message
    assert report.diagnostics[0].raw == Position(1, 1)
    assert report.internal_errors == ()


def test_where_a_file_stops_being_json_is_its_location(tmp_path: Path) -> None:
    (tmp_path / "a.ipynb").write_text('{"cells": [\n<<<<<<< HEAD\n', encoding="utf-8")
    (diagnostic,) = run(tmp_path / "a.ipynb").diagnostics
    assert diagnostic.location.range.start == Position(2, 1)
    assert diagnostic.raw == Position(2, 1)


def test_a_missing_file_and_a_folder_are_diagnostics(tmp_path: Path) -> None:
    (tmp_path / "folder.ipynb").mkdir()
    report = run(tmp_path / "folder.ipynb", tmp_path / "gone.ipynb")
    assert [code for _, code, _, _ in places(report)] == ["NB001", "NB001"]


def test_a_bug_in_one_check_leaves_the_others_and_the_other_files(tmp_path: Path) -> None:
    paths = [notebook(tmp_path / name, "x = 1") for name in ("a.ipynb", "b.ipynb")]
    report = run(*paths, rules=(BROKEN, FIRST_LINE))
    assert places(report) == [("a.ipynb", "NB301", 1, 1), ("b.ipynb", "NB301", 1, 1)]
    assert [(error.path, error.rule) for error in report.internal_errors] == [(path, "broken") for path in paths]
    assert "KeyError: 'gone'" in report.internal_errors[0].trace


def test_a_bug_in_the_analysis_leaves_the_other_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fragile(read: Any, **options: Any) -> Analysis:
        if read.path.name == "a.ipynb":
            raise RecursionError
        return analyse_notebook(read, **options)

    monkeypatch.setattr("nb2prod.linter.analyse_notebook", fragile)
    paths = [notebook(tmp_path / name, "x = 1") for name in ("a.ipynb", "b.ipynb")]
    report = run(*paths, rules=(FIRST_LINE,))
    assert places(report) == [("b.ipynb", "NB301", 1, 1)]
    assert [(error.path, error.rule) for error in report.internal_errors] == [(paths[0], None)]


def test_a_rule_without_a_check_is_one_internal_error(tmp_path: Path) -> None:
    paths = [notebook(tmp_path / name, "x = 1") for name in ("a.ipynb", "b.ipynb")]
    report = run(*paths, rules=(rule("NB300", "nowhere"), FIRST_LINE))
    assert [(error.path, error.rule) for error in report.internal_errors] == [(None, "nowhere")]
    assert len(report.diagnostics) == 2


def test_other_languages_get_only_checks_that_look_at_any(tmp_path: Path) -> None:
    path = notebook(tmp_path / "a.ipynb", "x <- 1", kernelspec={"name": "ir", "language": "R"})
    assert places(run(path)) == [("a.ipynb", "NB302", 1, 1)]


def test_a_comment_silences_its_line(tmp_path: Path) -> None:
    path = notebook(tmp_path / "a.ipynb", "x = 1  # nb2prod: ignore[first-line]", "y = 1  # nb2prod: ignore")
    assert places(run(path)) == [("a.ipynb", "NB302", 1, 1)]


def test_what_a_rule_redacts_is_starred_in_every_frame_of_the_cell(tmp_path: Path) -> None:
    def secret(analysis: Analysis) -> Iterator[Finding]:
        yield Finding(analysis.notebook.code_cells[0].location(2, 5, 3, 4), "a secret")

    def find(wanted: Rule) -> Check:
        return Check(secret if wanted.redact else first_line, language_independent=False)

    path = notebook(tmp_path / "a.ipynb", "x = 1\nk = 'abc\ndef' + y\nz = 3")
    rules = (FIRST_LINE, rule("NB401", "secret")._replace(redact=True))
    report = lint([Target(path, Settings())], rules, find_check=find)
    assert len(report.diagnostics) == 2
    assert report.sources[path, 1] == ["x = 1", "k = ****", "********", "z = 3"]


def test_rules_are_silent_in_files_that_a_setting_names(tmp_path: Path) -> None:
    paths = [notebook(tmp_path / name, "x = 1") for name in ("a.ipynb", "b.ipynb")]
    report = run(*paths, per_file_ignores=((Globs(tmp_path, ("a.*",)), words("first-line")),))
    assert places(report) == [("a.ipynb", "NB302", 1, 1), ("b.ipynb", "NB302", 1, 1), ("b.ipynb", "NB301", 1, 1)]


@pytest.mark.parametrize(
    ("fail_on", "select_word", "expected"),
    [
        (Severity.ERROR, "NB301", False),
        (Severity.WARNING, "NB301", True),
        (Severity.WARNING, "NB302", False),
        (Severity.NOTE, "NB302", True),
        (None, "NB3", False),
    ],
)
def test_a_run_fails_from_the_severity_the_settings_name(
    tmp_path: Path, fail_on: Severity | None, select_word: str, expected: bool
) -> None:
    path = notebook(tmp_path / "a.ipynb", "x = 1")
    assert run(path, select=words(select_word), fail_on=fail_on).failed is expected


def test_each_file_fails_by_its_own_settings(tmp_path: Path) -> None:
    path = notebook(tmp_path / "a.ipynb", "x = 1")
    strict, lax = Settings(fail_on=Severity.NOTE), Settings(fail_on=None)
    rules = (FIRST_LINE,)
    assert lint([Target(path, lax)], rules, find_check=find_check).failed is False
    assert lint([Target(path, lax), Target(path, strict)], rules, find_check=find_check).failed is True


RULES = (UNREADABLE_RULE, FIRST_LINE, LAST_LINE, rule("NB310", "other"), rule("NB401", "secret"))


@pytest.mark.parametrize(
    ("chosen", "ignored", "expected"),
    [
        (None, (), ["NB001", "NB301", "NB302", "NB310", "NB401"]),
        (("NB3",), (), ["NB001", "NB301", "NB302", "NB310"]),
        (("NB3",), ("NB30",), ["NB001", "NB310"]),
        (("NB30",), ("NB3",), ["NB001", "NB301", "NB302"]),
        (("NB3", "NB302"), ("NB30",), ["NB001", "NB302", "NB310"]),
        (("last-line",), ("NB3",), ["NB001", "NB302"]),
        (("last-line",), ("NB302",), ["NB001"]),
        (None, ("NB", "secret"), []),
        (("NB4",), ("NB001",), ["NB401"]),
        (("NB0",), ("NB001",), []),
    ],
)
def test_the_more_precise_selector_wins(
    chosen: tuple[str, ...] | None, ignored: tuple[str, ...], expected: list[str]
) -> None:
    settings = Settings(select=words(*chosen) if chosen else None, ignore=(words(*ignored),) if ignored else ())
    assert [each.code for each in select(settings, RULES)] == expected


@pytest.mark.parametrize("key", ["select", "ignore", "per_file_ignores"])
def test_a_selector_that_means_no_rule_is_refused_wherever_it_is_written(key: str) -> None:
    wrong = words("lst-line")
    value = {"select": wrong, "ignore": (wrong,), "per_file_ignores": ((Globs(Path("/"), ("x",)), wrong),)}[key]
    with pytest.raises(ConfigurationError, match="the test: no rule is called `lst-line`; did you mean `last-line`"):
        select(Settings()._replace(**{key: value}), RULES)  # type: ignore[arg-type]


def test_every_shipped_check_loads() -> None:
    for each in load_rules():
        if each.name not in {UNREADABLE, UNUSED}:
            assert callable(load_check(each).run)


def test_no_message_repeats_a_credential(tmp_path: Path) -> None:
    password = "Wint3rIs" + "Here9"
    address = f"https://etl:{password}@data.acmecorp.com/exports/a-very-long-name-of-a-table/sales.csv"
    read = f"import pandas as pd\na = pd.read_csv({address!r})"
    path = notebook(tmp_path / "a.ipynb", *[read] * 3, f"print({address!r})")
    whole = json.loads(path.read_text(encoding="utf-8"))
    whole["cells"][3]["outputs"] = [
        {"output_type": "error", "ename": "OSError", "evalue": f"no answer from {address}", "traceback": []}
    ]
    path.write_text(json.dumps(whole), encoding="utf-8")
    report = lint([Target(path, Settings())], load_rules())
    messages = [each.finding.message for each in report.diagnostics]
    assert {each.rule.code for each in report.diagnostics} > {"NB107", "NB205", "NB401", "NB809"}
    assert not [each for each in messages if password[:6] in each]


def test_two_runs_find_the_same(fixtures: Path) -> None:
    targets = [Target(path, Settings()) for path in sorted(fixtures.glob("cases/*/notebook.ipynb"))]
    assert targets
    assert lint(targets, load_rules()) == lint(targets, load_rules())


FRAGMENTS = st.sampled_from(
    [
        *(
            "import numpy as np\n",
            "x = np.random.rand(3)\n",
            "def f(a):\n    return a + x\n",
            "for i in range(3):\n    ",
        ),
        *(
            "!pip install x",
            "%cd /data\n",
            "%%bash\n",
            "y = !ls\n",
            "?x\n",
            "print 'two'\n",
            "df['a'] = '/Users/ada/x'\n",
        ),
        *(
            "    ",
            "\t",
            "\r\n",
            "\r",
            "\n",
            "\\\n",
            "#",
            "'",
            '"""',
            "(",
            ")",
            ":",
            "=",
            "[",
            "]",
            "{",
            "\x0c",
            "\x00",
            "\x1b[2J",
        ),
        *(
            "\u202e",
            "\ud83d",
            "名前",
            "e\u0301",
            "\u2028",
            "# nb2prod: ignore[NB3]",
            "api_key = 'q7Zt4VhX2mLw9RkB6sNe1Yp'\n",
        ),
    ]
)


@given(st.lists(st.lists(FRAGMENTS | st.text(max_size=5), max_size=12).map("".join), max_size=4))
@settings(max_examples=150)
def test_whatever_stands_in_cells_gives_a_report_and_no_bug(sources: list[str]) -> None:
    """The report can be printed: nothing in it acts on a terminal."""
    with TemporaryDirectory() as folder:
        path = notebook(Path(folder) / "a.ipynb", *sources)
        report = lint([Target(path, Settings())], load_rules())
    assert not report.internal_errors, report.internal_errors[0].trace
    for diagnostic in report.diagnostics:
        start, end = diagnostic.location.range.start, diagnostic.location.range.end
        assert start <= end
        assert diagnostic.location.cell is None or start.line <= len(report.sources[path, diagnostic.location.cell])
    text = render_text(report)
    assert all(character == "\n" or character.isprintable() or character.isspace() for character in text)
    assert "\x1b" not in text
    json.loads(render_json(report))
