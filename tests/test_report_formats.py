"""Reports for other programs: each format as its specification says, places exact, nothing in a notebook active."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft7Validator, Draft202012Validator  # type: ignore[import-untyped]

from nb2prod.cli import run
from nb2prod.config import Settings
from nb2prod.diagnostics import Diagnostic, Finding, Rule, Severity
from nb2prod.discovery import Target
from nb2prod.lint_run import InternalError, Report
from nb2prod.linter import lint
from nb2prod.notebook.location import FIRST, Location
from nb2prod.pages import load_rules
from nb2prod.report.formats import FORMATS, render

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import PurePath

HERE = Path(__file__).resolve().parent
CASES = sorted((HERE.parent / "fixtures" / "cases").glob("*/notebook.ipynb"))
RULES = load_rules()
# What stands before the finding on its line is one column, two UTF-16 code units and four bytes wide.
WIDE = 'x = "🦜"; y = = 1'
BROKEN = Rule("NB002", "syntax-error", "Not Python.", Severity.ERROR, "none", "0.1.0")


@pytest.fixture(autouse=True)
def _in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_WORKSPACE", "CI_PROJECT_DIR"):
        monkeypatch.delenv(name, raising=False)


def cell(source: str, **more: Any) -> dict[str, Any]:
    return {"cell_type": "code", "source": source, "metadata": {}, "outputs": [], "execution_count": None} | more


def write(name: str, *cells: dict[str, Any], indent: int | None = 1) -> Path:
    whole = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(whole, indent=indent, ensure_ascii=False), encoding="utf-8")
    return path


def linted(*paths: Path) -> Report:
    report = lint([Target(path, Settings()) for path in paths], RULES)
    assert not report.internal_errors, report.internal_errors[0].trace
    return report


def made_up(severity: Severity, count: int, message: str = "no", path: Path = Path("a.ipynb")) -> Report:
    rule = BROKEN._replace(severity=severity)
    found = tuple(
        Diagnostic(rule, Finding(Location(path, number, FIRST), message), failing=severity is Severity.ERROR)
        for number in range(1, count + 1)
    )
    sources: dict[tuple[PurePath, int], Sequence[str]] = {(path, number): ["x"] for number in range(1, count + 1)}
    return Report(found, sources, (path,), (), failed=severity is Severity.ERROR)


def validate(name: str, text: str) -> Any:
    """Return the JSON document ``text``, valid by our schema of the format, and by the public one if there is one."""
    document = json.loads(text)
    own = json.loads((HERE / "schemas" / f"{name}.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(own)
    Draft202012Validator(own).validate(document)
    if name == "sarif":
        public = json.loads((HERE / "schemas" / "sarif-schema-2.1.0.json").read_text(encoding="utf-8"))
        Draft7Validator(public, format_checker=Draft7Validator.FORMAT_CHECKER).validate(document)
    return document


def odd_reports(everything: Report) -> Iterator[Report]:
    """Yield reports of all kinds: nothing found, unreadable files, bugs of ours, names nobody would choose."""
    yield everything
    yield Report((), {}, (Path("a.ipynb"),), (), failed=False)
    Path("empty.ipynb").write_bytes(b"")
    yield linted(Path("empty.ipynb"))
    yield made_up(Severity.ERROR, 3, "a | b\x00\ud800 <!-- ]]> -->", Path("a b%,:.ipynb"))
    bug = InternalError(Path("a.ipynb"), "syntax-error", "Traceback\n\x1b[1m")
    yield made_up(Severity.NOTE, 1)._replace(internal_errors=(bug, InternalError(None, None, "Traceback")))


@pytest.fixture(scope="module")
def everything() -> Report:
    """Return what is found in all fixtures, by relative paths."""
    report = lint([Target(path, Settings()) for path in CASES], RULES)
    assert len({each.rule.code for each in report.diagnostics}) > 10
    return report


@pytest.mark.parametrize("name", ["sarif", "gitlab", "rdjson"])
def test_what_is_found_in_all_fixtures_is_valid(name: str, everything: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(HERE.parent)
    validate(name, render(everything, name))


@pytest.mark.parametrize("name", ["sarif", "gitlab", "rdjson"])
def test_every_kind_of_report_is_valid(name: str, everything: Report) -> None:
    for report in odd_reports(everything._replace(diagnostics=())):
        validate(name, render(report, name))


def test_junit_is_valid_by_the_schema_of_jenkins(everything: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    xmlschema = pytest.importorskip("xmlschema", reason="the group dev has it")
    schema = xmlschema.XMLSchema(HERE / "schemas" / "junit-10.xsd")
    for report in [*odd_reports(everything), everything]:
        schema.validate(render(report, "junit"))
        monkeypatch.chdir(HERE.parent)
    with pytest.raises(xmlschema.XMLSchemaValidationError):
        schema.validate(render(everything, "junit").replace("<testcase ", '<testcase line="1" ', 1))


def test_the_public_schema_of_sarif_refuses_what_is_no_sarif(everything: Report) -> None:
    public = json.loads((HERE / "schemas" / "sarif-schema-2.1.0.json").read_text(encoding="utf-8"))
    document = json.loads(render(everything, "sarif"))
    document["runs"][0]["results"][0]["level"] = "fatal"
    assert not Draft7Validator(public).is_valid(document)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_written_of_every_kind_of_report(name: str, everything: Report) -> None:
    for report in odd_reports(everything):
        text = render(report, name)
        assert text == render(report, name)
        text.encode("utf-8", "strict" if name not in {"json", "github"} else "backslashreplace")
        assert all(ord(character) >= 32 or character == "\n" for character in text)


def test_places_are_those_of_the_file_in_the_columns_each_format_counts() -> None:
    path = write("a.ipynb", cell("ok = 1\n" + WIDE))
    report = linted(path)
    (found,) = [each for each in report.diagnostics if each.rule.code == "NB002"]
    line, column = found.raw or (0, 0)
    raw = path.read_text(encoding="utf-8").split("\n")[line - 1]
    # Where the cell says 2:14 (the second `=`), the file has an escaped line end and quotes before it.
    assert raw[column - 1 :].startswith("= 1")
    report = report._replace(diagnostics=(found,))
    (result,) = json.loads(render(report, "sarif"))["runs"][0]["results"]
    region = result["locations"][0]["physicalLocation"]["region"]
    assert (region["startLine"], region["startColumn"]) == (line, column + 1)
    start = json.loads(render(report, "rdjson"))["diagnostics"][0]["location"]["range"]["start"]
    assert (start["line"], start["column"]) == (line, column + 3)
    begin = json.loads(render(report, "gitlab"))[0]["location"]["positions"]["begin"]
    assert (begin["line"], begin["column"]) == (line, column)
    assert f"line={line},endLine={line},col={column}," in render(report, "github")


def test_both_places_are_in_every_format_that_has_room(everything: Report) -> None:
    first = everything.diagnostics[0]
    place = f"cell {first.location.cell}:{first.location.range.start}"
    for name in ("github", "gitlab", "rdjson", "sarif", "junit", "markdown", "text", "concise", "grouped"):
        assert place in render(everything._replace(diagnostics=(first,)), name), name


def test_related_places_are_in_sarif_and_rdjson(everything: Report) -> None:
    related = [each for each in everything.diagnostics if each.finding.related]
    assert related
    report = everything._replace(diagnostics=tuple(related))
    for result, each in zip(json.loads(render(report, "sarif"))["runs"][0]["results"], related, strict=True):
        assert [one["message"]["text"] for one in result["relatedLocations"]] == [
            one.message for one in each.finding.related
        ]
        assert all("region" in one["physicalLocation"] for one in result["relatedLocations"])
    for diagnostic in json.loads(render(report, "rdjson"))["diagnostics"]:
        assert diagnostic["related_locations"]


def test_the_help_of_a_rule_in_sarif_is_its_page(everything: Report) -> None:
    driver = json.loads(render(everything, "sarif"))["runs"][0]["tool"]["driver"]
    for rule in driver["rules"]:
        assert "## Why is this bad?" in rule["help"]["markdown"], rule["id"]


# As the runner reads a line of the log: the command, its properties, its message.
COMMAND = re.compile(r"::(?P<command>error|warning|notice) (?P<properties>[^:]*)::(?P<message>.*)", re.DOTALL)
PROPERTIES = {"file", "line", "endLine", "col", "endColumn", "title"}


def test_annotations_are_what_the_runner_reads_and_no_more_than_it_keeps(everything: Report) -> None:
    """At most ten of each kind from one step, each with a file of the checkout, a line, and a column on one line."""
    for report in odd_reports(everything):
        annotations = [line for line in render(report, "github").splitlines() if line.startswith("::")]
        kinds = []
        for line in annotations:
            command = COMMAND.fullmatch(line)
            assert command, line
            properties = dict(each.split("=", 1) for each in command["properties"].split(","))
            assert properties.keys() <= PROPERTIES
            assert int(properties["line"]) >= 1
            one_line = properties["line"] == properties["endLine"]
            assert ("col" in properties) == ("endColumn" in properties) == one_line
            kinds.append(command["command"])
        assert max(map(kinds.count, kinds), default=0) <= 10
        assert min(10, len(report.diagnostics)) <= len(annotations)


def test_github_gets_ten_annotations_of_each_severity_and_the_rest_as_lines() -> None:
    text = render(made_up(Severity.WARNING, 13), "github")
    lines = text.splitlines()
    assert sum(line.startswith("::warning ") for line in lines) == 10
    assert "3 findings more than GitHub annotates" in text
    assert sum("warning[NB002]" in line for line in lines) == 3


def test_nothing_in_a_notebook_is_a_command_to_github() -> None:
    report = made_up(Severity.ERROR, 12, "100%\n::add-mask::x\r##[add-path]/evil", Path("::set-env name=A::b.ipynb"))
    lines = render(report, "github").split("\n")
    for line in lines:
        if not line.startswith("::error "):
            assert not line.lstrip().startswith("::")
            assert "##[" not in line
    assert "::100%25\\n::add-mask::x\\r" in lines[0]
    assert "file=%3A%3Aset-env name=A%3A%3Ab.ipynb," in lines[0]


def test_paths_are_relative_to_the_checkout_of_the_service(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = write("models/a b.ipynb", cell("x = = 1"))
    monkeypatch.chdir("models")
    report = linted(Path("a b.ipynb"))
    assert json.loads(render(report, "gitlab"))[0]["location"]["path"] == "a b.ipynb"
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    assert "file=models/a b.ipynb," in render(report, "github")
    absolute = linted(tmp_path / path)
    artifact = json.loads(render(absolute, "sarif"))["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert artifact["artifactLocation"] == {"uri": "models/a%20b.ipynb"}


def test_junit_fails_where_the_run_does() -> None:
    failing = ET.fromstring(render(made_up(Severity.ERROR, 2), "junit"))  # noqa: S314 - our own
    assert (failing.get("tests"), failing.get("failures"), failing.get("errors")) == ("2", "2", "0")
    passing = ET.fromstring(render(made_up(Severity.WARNING, 2), "junit"))  # noqa: S314 - our own
    assert (passing.get("tests"), passing.get("failures")) == ("2", "0")
    clean = ET.fromstring(render(Report((), {}, (Path("a.ipynb"),), (), failed=False), "junit"))  # noqa: S314 - our own
    assert failing[0].get("file") == "a.ipynb"
    assert [case.attrib for case in clean.iter("testcase")] == [{"name": "nb2prod", "classname": "a.ipynb"}]


def test_a_summary_of_a_job_stays_short_and_inactive() -> None:
    text = render(made_up(Severity.NOTE, 700, "[click](https://evil.example) <img> @team " * 50), "markdown")
    assert len(text) < 1_000_000
    assert "200 findings more, not shown." in text
    assert not re.search(r"(?<!\\)[<@\[]", text.partition("### ")[2])


def test_json_lines_are_the_diagnostics_of_the_json_report(everything: Report) -> None:
    lines = [json.loads(line) for line in render(everything, "json-lines").splitlines()]
    assert lines == json.loads(render(everything, "json"))["diagnostics"]


def test_grouped_names_each_notebook_once(everything: Report) -> None:
    lines = render(everything, "grouped").splitlines()
    named = [line for line in lines if line.endswith(".ipynb")]
    assert named == sorted(set(named), key=named.index)
    assert sum(line.startswith("  ") for line in lines) == len(everything.diagnostics)


def marks(report: Report) -> Sequence[tuple[str, str]]:
    results = json.loads(render(report, "sarif"))["runs"][0]["results"]
    return sorted((each["ruleId"], each["partialFingerprints"]["primaryLocationLineHash"]) for each in results)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.parent.name)
def test_fingerprints_stay_when_cells_move_and_the_file_is_laid_out_anew(case: Path, tmp_path: Path) -> None:
    notebook = json.loads(case.read_text(encoding="utf-8"))
    path = tmp_path / "notebook.ipynb"
    path.write_text(json.dumps(notebook, indent=1), encoding="utf-8")
    before = marks(linted(path))
    assert len(before) == len(set(before))
    inserted = {"cell_type": "raw", "id": "inserted", "metadata": {}, "source": ""}
    moved = notebook | {"cells": [inserted, *notebook["cells"]]}
    path.write_text(json.dumps(moved, indent=None, sort_keys=True), encoding="utf-8")
    assert marks(linted(path)) == before


def test_fingerprints_of_like_findings_differ_and_those_of_others_stay() -> None:
    one = linted(write("a.ipynb", cell("x = = 1", id="a"), cell("x = = 1", id="b")))
    two = linted(write("a.ipynb", cell("x  =  = 1", id="a"), cell("print(1)"), cell("y = = 2", id="b")))
    before, after = ([each for each in marks(report) if each[0] == "NB002"] for report in (one, two))
    assert len(set(before)) == 2
    assert len(set(before) & set(after)) == 1


def test_several_reports_are_written_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    write("a.ipynb", cell("x = = 1"))
    assert run(["check", "--output", "sarif:a.sarif", "--output", "junit:a.xml", "--format", "concise", "a.ipynb"]) == 1
    assert capsys.readouterr().out.startswith("a.ipynb:cell 1:1:5: error[NB002]")
    validate("sarif", Path("a.sarif").read_text(encoding="utf-8"))
    assert Path("a.xml").read_text(encoding="utf-8").startswith("<?xml")
    assert run(["check", "--output", "github", "--output", "json:a.json", "a.ipynb"]) == 1
    assert capsys.readouterr().out.startswith("::error file=a.ipynb,line=")
    assert json.loads(Path("a.json").read_text(encoding="utf-8"))["version"] == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--output", "sarf:x"], "`sarf` is no format; there are text,"),
        (["--output", "sarif:"], "names no file after the colon"),
        (["--output", "sarif", "--format", "json"], "one report is printed"),
        (["--output", "sarif", "--output", "json"], "one report is printed"),
        (["--output", "sarif:x", "--output", "json:x"], "two reports would be written to one file"),
        (["--output", "sarif:no/such/x"], "no/such/x cannot be written"),
        (["--output", "json", "--statistics"], "--statistics is text"),
    ],
)
def test_wrong_outputs_are_usage_errors(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    write("a.ipynb", cell("x = 1"))
    assert run(["check", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_places_of_the_file_are_in_order_on_every_line_of_the_fixtures(everything: Report) -> None:
    """Starts and ends are characters of the file: of one finding the end never stands before the start."""
    for each in everything.diagnostics:
        if each.raw_range is not None:
            start, end = each.raw_range
            for before, after in pairwise([(start.line, start.utf16), (end.line, end.utf16)]):
                assert before <= after
