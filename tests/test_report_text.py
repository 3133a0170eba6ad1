"""The report for people: what stands where, and that nothing in a notebook can act on the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nb2prod.diagnostics import Diagnostic, Finding, Related, Rule, Severity
from nb2prod.lint_run import InternalError, Report
from nb2prod.notebook.location import FIRST, Location, Position, Range
from nb2prod.report.text import printable, render, render_concise, render_statistics, summary

if TYPE_CHECKING:
    from pathlib import PurePath

PATH = Path("churn.ipynb")
HARDCODED = Rule("NB301", "hardcoded-path", "A path.", Severity.ERROR, "none", "0.1.0")
UNSEEDED = Rule("NB201", "unseeded-random", "No seed.", Severity.WARNING, "none", "0.1.0")
UNREADABLE = Rule("NB001", "unreadable-file", "No notebook.", Severity.ERROR, "none", "0.1.0")


def place(cell: int, line: int, column: int, end_column: int, end_line: int | None = None) -> Location:
    return Location(PATH, cell, Range(Position(line, column), Position(end_line or line, end_column)))


def report_of(source: str, *diagnostics: Diagnostic, files: int = 1, errors: int = 0) -> Report:
    paths: tuple[PurePath, ...] = (PATH, *(Path(f"{number}.ipynb") for number in range(1, files)))
    internal = tuple(InternalError(PATH, "hardcoded-path", "Traceback") for _ in range(errors))
    return Report(diagnostics, {(PATH, 4): source.split("\n")}, paths, internal, failed=False)


def framed(source: str, location: Location, message: str = "a path") -> list[str]:
    text = render(report_of(source, Diagnostic(HARDCODED, Finding(location, message))))
    return text.split("\n\n")[0].split("\n")[1:]


def test_a_finding_is_a_headline_a_frame_and_its_related_places() -> None:
    finding = Finding(
        place(4, 2, 13, 29),
        "absolute path of one machine",
        (Related(place(2, 1, 1, 5), "the folder is set here"),),
    )
    source = "import pandas as pd\ndf = read_csv('/Users/ada.csv')\ndf.head()\ndf.describe()"
    assert render(report_of(source, Diagnostic(HARDCODED, finding), files=14)) == (
        "churn.ipynb:cell 4:2:13: error[NB301] hardcoded-path: absolute path of one machine\n"
        "1 | import pandas as pd\n"
        "2 | df = read_csv('/Users/ada.csv')\n"
        "  |             ^^^^^^^^^^^^^^^^\n"
        "3 | df.head()\n"
        "  = churn.ipynb:cell 2:1:1: the folder is set here\n"
        "\n"
        "Found 1 finding (1 error) in 1 of 14 notebooks.\n"
    )


def test_the_frame_ends_where_the_cell_ends() -> None:
    assert framed("only = 1", place(4, 1, 1, 5)) == ["1 | only = 1", "  | ^^^^"]


def test_a_rule_that_redacts_shows_no_neighbours() -> None:
    redacting = HARDCODED._replace(redact=True)
    found = report_of("a\nk = ****\nmore of the key", Diagnostic(redacting, Finding(place(4, 2, 5, 9), "a key")))
    assert render(found).splitlines()[1:3] == ["2 | k = ****", "  |     ^^^^"]
    assert "more" not in render(found)


def test_line_numbers_of_different_width_are_aligned() -> None:
    assert framed("\n" * 8 + "a\nb", place(4, 9, 1, 2)) == [" 8 |", " 9 | a", "   | ^", "10 | b"]


def test_a_finding_over_several_lines_is_underlined_to_the_end_of_its_first() -> None:
    assert framed("f(1,\n  2)", place(4, 1, 1, 5, end_line=2)) == ["1 | f(1,", "  | ^^^^", "2 |   2)"]


def test_a_place_without_width_still_has_a_caret() -> None:
    assert framed("", place(4, 1, 1, 1)) == ["1 |", "  | ^"]
    assert framed("x", place(4, 1, 2, 2)) == ["1 | x", "  |  ^"]


@pytest.mark.parametrize(
    ("line", "column", "end", "shown", "carets"),
    [
        ("\tx = 1", 2, 3, "    x = 1", "    ^"),
        ("a\tx = 1", 3, 4, "a   x = 1", "    ^"),
        ("名前 = 1", 6, 7, "名前 = 1", "       ^"),
        ("名前 = 1", 1, 3, "名前 = 1", "^^^^"),
        ("e\u0301 = 1", 6, 7, "e\u0301 = 1", "    ^"),
        ("'\x1b[31m' + x", 11, 12, r"'\x1b[31m' + x", "             ^"),
        ("'\ud83d' + x", 7, 8, r"'\ud83d' + x", "           ^"),
    ],
)
def test_carets_stand_below_wide_tab_and_escaped_characters(
    line: str, column: int, end: int, shown: str, carets: str
) -> None:
    assert framed(line, place(4, 1, column, end)) == [f"1 | {shown}", f"  | {carets}"]


@pytest.mark.parametrize("filler", ["x", "é"])
def test_a_huge_line_is_cut_around_the_finding(filler: str) -> None:
    line = filler * 5_000 + "HERE" + filler * 5_000
    text, carets = framed(line, place(4, 1, 5_001, 5_005))
    assert len(text) < 150
    assert text.startswith("1 | …")
    assert text.endswith("…")
    start = carets.index("^")
    assert text[start : start + 4] == "HERE"
    assert carets[start:] == "^^^^"


def test_a_finding_longer_than_the_frame_is_underlined_as_far_as_it_is_shown() -> None:
    text, carets = framed("x" * 10_000, place(4, 1, 1, 10_001))
    assert len(carets) == len(text) - 1


def test_a_cut_through_a_wide_character_keeps_the_columns() -> None:
    line = "a" + "名" * 100 + "HERE"
    text, carets = framed(line, place(4, 1, 102, 106))
    width = sum(2 if character == "名" else 1 for character in text[: text.index("HERE")])
    assert carets.index("^") == width


def test_a_finding_about_the_file_has_no_frame() -> None:
    finding = Finding(Location(PATH, None, FIRST), "the file is empty")
    assert render_concise(report_of("", Diagnostic(UNREADABLE, finding))).splitlines() == [
        "churn.ipynb:1:1: error[NB001] unreadable-file: the file is empty",
        "Found 1 finding (1 error) in 1 of 1 notebook.",
    ]


def test_concise_is_one_line_for_each_finding() -> None:
    findings = [Diagnostic(rule, Finding(place(4, 1, 1, 2), "a\nb")) for rule in (HARDCODED, UNSEEDED)]
    assert render_concise(report_of("x", *findings)).splitlines() == [
        r"churn.ipynb:cell 4:1:1: error[NB301] hardcoded-path: a\nb",
        r"churn.ipynb:cell 4:1:1: warning[NB201] unseeded-random: a\nb",
        "Found 2 findings (1 error, 1 warning) in 1 of 1 notebook.",
    ]


def test_statistics_count_each_rule_the_most_frequent_first() -> None:
    findings = [Diagnostic(UNSEEDED, Finding(place(4, 1, 1, 2), "x"))] * 10
    found = report_of("x", Diagnostic(HARDCODED, Finding(place(4, 1, 1, 2), "x")), *findings)
    assert render_statistics(found).splitlines() == [
        "10  warning[NB201]  unseeded-random",
        " 1  error[NB301]  hardcoded-path",
        "Found 11 findings (1 error, 10 warnings) in 1 of 1 notebook.",
    ]


def test_the_summary_says_what_was_checked_and_what_was_not() -> None:
    assert summary(report_of("", files=2)) == "All clear: checked 2 notebooks."
    assert summary(report_of("", files=2, errors=1)) == (
        "Found nothing: checked 2 notebooks; the report is incomplete: 1 internal error."
    )
    finding = Diagnostic(HARDCODED, Finding(place(4, 1, 1, 2), "x"))
    assert summary(report_of("x", finding, files=2, errors=2)) == (
        "Found 1 finding (1 error) in 1 of 2 notebooks; the report is incomplete: 2 internal errors."
    )


def test_colours_only_where_they_are_asked_for() -> None:
    found = report_of("x = 1", Diagnostic(HARDCODED, Finding(place(4, 1, 1, 2), "x")))
    assert "\x1b" not in render(found) + render_concise(found) + render_statistics(found)
    assert "\x1b[31merror[NB301]\x1b[0m" in render(found, colour=True)
    assert "\x1b[31m^\x1b[0m" in render(found, colour=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("naïve 名前 🎉\u00a0x", "naïve 名前 🎉\u00a0x"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("a\r\n\tb", r"a\r\n\tb"),
        ("\x9b31m", r"\x9b31m"),
        ("\u202edesrever\u202c", r"\u202edesrever\u202c"),
        ("\u2066x\u2069\u200f\u061c", r"\u2066x\u2069\u200f\u061c"),
        ("\u2028\u2029\x85", r"\u2028\u2029\x85"),
        ("\ud800", r"\ud800"),
        ("\U000e0041", r"\U000e0041"),
        ("\ufeff\u200b", r"\ufeff\u200b"),
    ],
)
def test_what_acts_on_a_terminal_is_shown_escaped(text: str, expected: str) -> None:
    assert printable(text) == expected


def test_file_names_and_messages_are_escaped() -> None:
    path = Path("a\x1b[2J\n::error::\u202e.ipynb")
    finding = Finding(Location(path, None, FIRST), "bad \x1b[31m name", (Related(Location(path, 2, FIRST), "\x07"),))
    text = render(Report((Diagnostic(UNREADABLE, finding),), {}, (path,), (), failed=True))
    assert text.splitlines()[:2] == [
        r"a\x1b[2J\n::error::\u202e.ipynb:1:1: error[NB001] unreadable-file: bad \x1b[31m name",
        r"  = a\x1b[2J\n::error::\u202e.ipynb:cell 2:1:1: \x07",
    ]
