"""The command line of ``check`` and ``rule``: options, exit codes, and what goes to which stream."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import nb2prod.cli
from nb2prod import __version__
from nb2prod.cli import main, run
from nb2prod.errors import RefusedError
from nb2prod.linter import Check, load_check
from nb2prod.pages import load_rules
from nb2prod.rulebook import all_rules

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.diagnostics import Finding, Rule

# `rate` took its value from a cell further down: NB101, a warning. `x = = 1`: NB002, an error.
OUT_OF_ORDER = (("print(rate)", 2), ("rate = 0.5", 1))


def notebook(name: str, *cells: tuple[str, int | None]) -> Path:
    whole = {
        "cells": [
            {"cell_type": "code", "source": source, "execution_count": count, "metadata": {}, "outputs": []}
            for source, count in cells
        ],
        "metadata": {},
        "nbformat": 4,
        "nbformat_minor": 4,
    }
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(whole), encoding="utf-8")
    return path


@pytest.fixture(autouse=True)
def _in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def codes(text: str) -> list[str]:
    return [diagnostic["code"] for diagnostic in json.loads(text)["diagnostics"]]


def test_a_clean_folder_exits_0(capsys: pytest.CaptureFixture[str]) -> None:
    notebook("a.ipynb", ("rate = 0.5", 1), ("print(rate)", 2))
    assert run(["check"]) == 0
    assert capsys.readouterr().out == "All clear: checked 1 notebook.\n"


def test_an_error_exits_1_and_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    notebook("a.ipynb", ("x = = 1", None))
    assert run(["check", "a.ipynb"]) == 1
    out, err = capsys.readouterr()
    assert out.startswith("a.ipynb:cell 1:1:5: error[NB002] syntax-error: ")
    assert out.endswith("Found 1 finding (1 error) in 1 of 1 notebook.\n")
    assert err == ""


@pytest.mark.parametrize(("fail_on", "code"), [("error", 0), ("warning", 1), ("note", 1), ("never", 0)])
def test_fail_on_decides_between_0_and_1(fail_on: str, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    notebook("a.ipynb", *OUT_OF_ORDER)
    assert run(["check", "--fail-on", fail_on, "--format", "json", "--select", "NB101"]) == code
    assert codes(capsys.readouterr().out) == ["NB101"]


def test_unreadable_files_are_errors_among_others(capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.ipynb").write_bytes(b"")
    notebook("b.ipynb", ("x = = 1", None))
    assert run(["check", "--format", "json"]) == 1
    assert codes(capsys.readouterr().out) == ["NB001", "NB002"]


def test_select_and_ignore_may_be_repeated_and_hold_commas(capsys: pytest.CaptureFixture[str]) -> None:
    notebook("a.ipynb", *OUT_OF_ORDER, ("x = = 1", None))
    assert run(["check", "--format", "json", "--select", "NB101,syntax-error"]) == 1
    assert codes(capsys.readouterr().out) == ["NB101", "NB002"]
    select = ["--select", "NB0,NB1,NB6"]
    assert run(["check", "--format", "json", *select, "--ignore", "NB1", "--ignore", "syntax-error, NB6"]) == 0
    assert codes(capsys.readouterr().out) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check", "nowhere.ipynb"], "error: path `nowhere.ipynb` does not exist"),
        (["check", "--select", "NB999"], "error: --select: no rule is called `NB999`"),
        (["check", "--ignore", "sintax-error"], "did you mean `syntax-error`?"),
        (["check", "--fail-on", "sometimes"], "'sometimes' is not one of"),
        (["check", "--nonsense"], "No such option"),
        (["check", "--statistics", "--format", "json"], "--statistics is text"),
        (["check", "--output-file", "no/such/folder.txt"], "--output-file"),
        (["chek"], "No such command 'chek'"),
        (["rule", "NB999"], "error: nb2prod rule: no rule is called `NB999`"),
    ],
)
def test_wrong_usage_exits_2_and_says_what_is_wrong(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    out, err = capsys.readouterr()
    assert message in err
    assert out == ""


def test_a_wrong_setting_exits_2(capsys: pytest.CaptureFixture[str]) -> None:
    notebook("a.ipynb", ("x = 1", None))
    Path("pyproject.toml").write_text("[tool.nb2prod]\nselct = []\n", encoding="utf-8")
    assert run(["check"]) == 2
    assert "did you mean `select`?" in capsys.readouterr().err
    assert run(["check", "--isolated"]) == 0


def test_settings_hold_and_the_command_line_beats_them(capsys: pytest.CaptureFixture[str]) -> None:
    notebook("a.ipynb", *OUT_OF_ORDER)
    Path("pyproject.toml").write_text("[tool.nb2prod]\nignore = ['NB1']\n", encoding="utf-8")
    assert run(["check", "--format", "json"]) == 0
    assert codes(capsys.readouterr().out) == []
    assert run(["check", "--format", "json", "--select", "NB101"]) == 0
    assert codes(capsys.readouterr().out) == ["NB101"]


def test_exclude_leaves_files_out_unless_they_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    path = notebook("old/a.ipynb", ("x = = 1", None))
    assert run(["check", "--exclude", "old"]) == 0
    assert "notice: no notebooks found in this folder" in capsys.readouterr().err
    assert run(["check", "--exclude", "old", str(path)]) == 1
    assert run(["check", "--exclude", "old", "--force-exclude", str(path)]) == 0


def test_statistics_count_rules(capsys: pytest.CaptureFixture[str]) -> None:
    notebook("a.ipynb", ("x = = 1", None), ("y = = 1", None))
    assert run(["check", "--statistics"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "2  error[NB002]  syntax-error",
        "Found 2 findings (2 errors) in 1 of 1 notebook.",
    ]


def test_timing_goes_to_standard_error_and_changes_no_report(capsys: pytest.CaptureFixture[str]) -> None:
    notebook("a.ipynb", ("x = = 1", None))
    assert run(["check"]) == 1
    plain = capsys.readouterr().out
    assert run(["check", "--timing"]) == 1
    timed = capsys.readouterr()
    assert timed.out == plain
    lines = timed.err.splitlines()
    assert {"reading", "syntax-error", "unseeded-random"} <= {line.split("%  ")[-1] for line in lines}
    assert lines[-1].endswith("s of CPU for 1 notebooks")


def test_progress_is_for_whoever_watches_a_long_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    notebook("a.ipynb", ("x = 1", None))
    notebook("b.ipynb", ("x = 1", None))
    monkeypatch.setattr("nb2prod.workers._MOST_FILES", 1)
    monkeypatch.setattr("nb2prod.cli.checking._PATIENCE", -1)
    assert run(["check"]) == 0
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert run(["check", "--no-cache"]) == 0
    assert capsys.readouterr().err == "\r\x1b[Kchecked 1 of 2 notebooks\r\x1b[K"


def test_a_report_may_go_to_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    notebook("a.ipynb", ("x = = '\ud83d名'", None))
    assert run(["check", "--output-file", "report.txt"]) == 1
    assert capsys.readouterr().out == ""
    assert r"x = = '\ud83d名'" in Path("report.txt").read_text(encoding="utf-8")


@pytest.fixture
def _broken_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the check of NB101 raise."""

    def broken(_: Analysis) -> Iterator[Finding]:
        raise ZeroDivisionError("our bug\x1b[31m")

    def find(rule: Rule) -> Check:
        return Check(broken, language_independent=True) if rule.code == "NB101" else load_check(rule)

    monkeypatch.setattr("nb2prod.linter.load_check", find)


@pytest.mark.usefixtures("_broken_rule")
def test_a_bug_exits_3_even_if_there_are_findings(capsys: pytest.CaptureFixture[str]) -> None:
    notebook("a.ipynb", ("x = = 1", None))
    assert run(["check", "--format", "json"]) == 3
    out, err = capsys.readouterr()
    assert codes(out) == ["NB002"]
    assert json.loads(out)["summary"]["internal_errors"] == 1
    assert err.startswith("internal error, please report in a.ipynb, rule out-of-order-execution:\n")
    assert err.endswith("\nZeroDivisionError: our bug\\x1b[31m\n")


@pytest.mark.usefixtures("_broken_rule")
def test_a_bug_on_many_notebooks_is_traced_a_few_times_and_named_for_each(capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(7):
        notebook(f"{number}.ipynb", ("x = 1", None))
    assert run(["check"]) == 3
    err = capsys.readouterr().err
    assert err.count("Traceback") == 5
    assert err.splitlines()[-1] == (
        "internal error, please report in 6.ipynb, rule out-of-order-execution: ZeroDivisionError: our bug\\x1b[31m"
    )


def test_any_other_bug_exits_3_with_a_trace(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("our bug")

    monkeypatch.setattr("nb2prod.cli.checking.all_rules", broken)
    assert run(["check"]) == 3
    err = capsys.readouterr().err
    assert err.startswith("internal error, please report:\nTraceback")
    assert "our bug" in err


def test_an_error_of_the_user_exits_with_its_own_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(*_: object) -> None:
        raise RefusedError(("cell 3: why", "cell 5: why"))

    monkeypatch.setattr("nb2prod.cli.checking.all_rules", refused)
    assert run(["check"]) == 1
    assert capsys.readouterr().err == (
        "error: not converted, and nothing was written:\n  cell 3: why\n  cell 5: why\n\n"
        "Next: change these cells, or convert the rest with --partial\n"
    )


def test_an_interrupt_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("nb2prod.cli.checking.all_rules", interrupted)
    assert run(["check"]) == 130
    assert capsys.readouterr().err.endswith("interrupted\n")


def test_main_exits_with_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    # What suits a process of our own does not suit the one that runs the tests.
    monkeypatch.setattr("gc.freeze", lambda: None)
    monkeypatch.setattr("gc.set_threshold", lambda _: None)
    notebook("a.ipynb", ("x = = 1", None))
    with pytest.raises(SystemExit) as end:
        main(["check"])
    assert end.value.code == 1


def test_the_script_ends_at_once_with_everything_said(tmp_path: Path) -> None:
    """What was registered for the end runs, and the output is whole."""
    notebook("a.ipynb", ("x = = 1", None))
    code = "import atexit, sys; atexit.register(print, 'registered'); from nb2prod.cli import main; main()"
    command = [sys.executable, "-c", code, "check", "--format", "concise"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout.splitlines()[0].startswith("a.ipynb:cell 1:1:5: error[NB002]")
    assert done.stdout.splitlines()[-1] == "registered"
    assert list(tmp_path.iterdir()) == [tmp_path / "a.ipynb"]


def test_an_encoding_that_cannot_show_a_character_shows_its_escape(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))
    notebook("a.ipynb", ("x = = '名'", None))
    assert run(["check"]) == 1
    assert rb"x = = '\u540d'" in written.getvalue()


def command(*arguments: str) -> subprocess.Popen[bytes]:
    """Start the command line in a process of its own."""
    source = str(Path(nb2prod.__file__).parent.parent)
    environment = os.environ | {"PYTHONPATH": source}
    whole = [sys.executable, "-m", "nb2prod", *arguments]
    return subprocess.Popen(whole, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)


@pytest.mark.skipif(os.name == "nt", reason="pipes break differently there")
def test_a_reader_that_goes_away_changes_nothing_and_prints_nothing() -> None:
    """`nb2prod check | head -1`: the exit code still says what was found."""
    notebook("a.ipynb", *[("x = = 1", 1)] * 2_000)
    with command("check") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 1


def test_a_pipe_gets_no_colours() -> None:
    notebook("a.ipynb", ("x = = 1", None))
    with command("check") as process:
        out, err = process.communicate()
    assert b"error[NB002]" in out
    assert b"\x1b" not in out + err


@pytest.mark.parametrize(("variables", "expected"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_a_terminal_gets_colours_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variables: dict[str, str], expected: bool
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    notebook("a.ipynb", ("x = = 1", None))
    run(["check"])
    assert ("\x1b[" in capsys.readouterr().out) is expected


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"nb2prod {__version__}\n"


def test_the_help_lists_the_commands_in_the_order_of_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    out = capsys.readouterr().out
    commands = out.partition("Commands:\n")[2].partition("\n\n")[0]
    listed = [line.split()[0] for line in commands.splitlines()]
    assert listed == [
        name for name in ("init", "check", "convert", "verify", "graph", "rule", "config", "clean") if name in listed
    ]
    assert {"check", "rule"} <= set(listed)
    assert "\n  Examples:\n    nb2prod check   " in out


@pytest.mark.parametrize("name", ["syntax-error", "NB002"])
def test_rule_prints_a_page(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rule", name]) == 0
    out = capsys.readouterr().out
    assert out.startswith("syntax-error (NB002)\n\n")
    assert "\nWHY IS THIS BAD?\n" in out
    assert "```" not in out
    assert "# error: NB002" in out


def test_rule_prints_every_page_in_every_format(capsys: pytest.CaptureFixture[str]) -> None:
    for rule in load_rules():
        assert run(["rule", rule.code]) == 0
        assert rule.summary in capsys.readouterr().out
        assert run(["rule", rule.name, "--format", "json"]) == 0
        page = json.loads(capsys.readouterr().out)
        assert (page["code"], page["name"], page["severity"]) == (rule.code, rule.name, str(rule.severity))
        assert page["sections"]["Bad"]
        assert run(["rule", rule.name, "--format", "markdown"]) == 0
        assert f"# {rule.name} ({rule.code})\n" in capsys.readouterr().out


def test_rule_without_a_name_lists_all(capsys: pytest.CaptureFixture[str]) -> None:
    expected = [rule.code for rule in all_rules()]
    assert run(["rule"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == expected
    assert run(["rule", "--format", "json"]) == 0
    assert [rule["code"] for rule in json.loads(capsys.readouterr().out)] == expected
    assert run(["rule", "NB0", "--format", "markdown"]) == 0
    lines = capsys.readouterr().out.splitlines()[2:]
    assert [line.split()[1] for line in lines] == [code for code in expected if code.startswith("NB0")]
