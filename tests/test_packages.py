"""``nb2prod check`` on generated packages: steps without a test, and what has changed since the conversion."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, NamedTuple

import pytest
from generated_suites import cell, convert, heading

from nb2prod.cli import run
from nb2prod.generated import cell_changes

if TYPE_CHECKING:
    from pathlib import Path

SQUARES = """
squares = []
for n in range(10):
    squares.append(n * n)
print(squares)
odd = [n for n in squares if n % 2]
print(odd)
"""
TOTAL = """
total = 0
for n in squares:
    if n > 1:
        total += n
largest = max(odd)
smallest = min(odd)
"""
REPORT = "print(total)\nprint(largest)\nprint(smallest)\nprint(total - largest)"
# Nothing was saved that tells what the second step makes.
CELLS = (
    heading("Squares"),
    cell(SQUARES, 1, "[0, 1, 4, 9, 16, 25, 36, 49, 64, 81]\n[1, 9, 25, 49, 81]\n"),
    heading("Total"),
    cell(TOTAL, 2),
    heading("Report"),
    cell(REPORT, 3, "284\n81\n1\n203\n"),
)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with a notebook and, in ``package``, what it was converted to."""
    folder = tmp_path / "project"
    convert(folder, *CELLS)
    monkeypatch.chdir(folder)
    return folder


class Said(NamedTuple):
    """What a run printed, to standard output and to standard error, and how it ended."""

    out: str
    err: str
    exit_code: int


class Check:
    """Runs ``nb2prod check`` for the two rules."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: str) -> Said:
        """Run it."""
        exit_code = run(["check", "--isolated", "--select", "NB603,NB604", *arguments])
        return Said(*self._capsys.readouterr(), exit_code)

    def found(self, *arguments: str) -> list[tuple[str, str, str]]:
        """Return path, code and severity of each finding."""
        report = json.loads(self("--format", "json", *arguments).out)
        return [(each["path"], each["code"], each["severity"]) for each in report["diagnostics"]]


@pytest.fixture
def check(capsys: pytest.CaptureFixture[str]) -> Check:
    return Check(capsys)


def change(notebook: Path, number: int, source: str) -> None:
    data = json.loads(notebook.read_text(encoding="utf-8"))
    data["cells"][number - 1]["source"] = source
    notebook.write_text(json.dumps(data), encoding="utf-8")


def test_a_step_that_is_only_run_is_found_where_its_function_stands(project: Path, check: Check) -> None:
    lines = (project / "package/src/squares/steps.py").read_text(encoding="utf-8").split("\n")
    line = 1 + next(at for at, text in enumerate(lines) if text.startswith("def make_total"))

    result = check("package")

    assert f"package/src/squares/steps.py:{line}:1: note[NB603]" in result.out
    assert "`make_total`" in result.out
    assert "1 of 1 generated package" in result.out
    assert (result.exit_code, result.err) == (0, "")


def test_a_test_that_calls_the_step_ends_the_finding(project: Path, check: Check) -> None:
    text = "from squares.steps import make_total\n\ndef test_it():\n    assert make_total([1, 2], [1]) == (2, 1, 1)\n"
    (project / "package/tests/test_made.py").write_text(text, encoding="utf-8")

    assert check.found("package") == []


def test_a_step_no_test_names_is_found_though_the_tests_are_gone(project: Path, check: Check) -> None:
    for test in (project / "package/tests").glob("test_*.py"):
        test.unlink()

    assert check.found("package") == [("package/src/squares/steps.py", "NB603", "note")] * 3


def test_a_list_of_steps_counts_for_the_tests_that_use_it(project: Path, check: Check) -> None:
    text = 'STEPS = ["make_total"]\n\ndef test_steps(ran):\n    assert all(ran[step].made for step in STEPS)\n'
    (project / "package/tests/test_all.py").write_text(text, encoding="utf-8")

    assert check.found("package") == []


def test_a_cell_that_was_edited_is_drift_wherever_the_package_is_checked_from(project: Path, check: Check) -> None:
    change(project / "squares.ipynb", 4, "total = sum(squares) + 1")
    drift = ("package/conversion.json", "NB604", "warning")

    assert drift in check.found("package")
    assert drift in check.found(".")
    assert "squares.ipynb:cell 4:1:1: this cell has changed" in check("package").out
    assert check("package", "--fail-on", "warning").exit_code == 1


def test_a_notebook_that_was_only_run_again_is_no_drift(project: Path, check: Check) -> None:
    data = json.loads((project / "squares.ipynb").read_text(encoding="utf-8"))
    data["cells"][1] |= {"execution_count": 7, "outputs": []}
    (project / "squares.ipynb").write_text(json.dumps(data), encoding="utf-8")

    assert [code for _, code, _ in check.found("package")] == ["NB603"]


def test_a_module_that_was_edited_is_a_note_and_one_that_is_gone_a_warning(project: Path, check: Check) -> None:
    steps, config = (project / "package/src/squares" / name for name in ("steps.py", "config.py"))
    steps.write_text(steps.read_text(encoding="utf-8") + "\n# faster now\n", encoding="utf-8")
    config.unlink()

    assert [each for each in check.found("package") if each[1] == "NB604"] == [
        ("package/conversion.json", "NB604", "warning"),
        ("package/src/squares/steps.py", "NB604", "note"),
    ]


def test_the_notebook_with_the_most_cells_of_the_package_is_its_own(project: Path, check: Check) -> None:
    """Another of the same name elsewhere is another notebook."""
    other = project / "other" / "squares.ipynb"
    other.parent.mkdir()
    other.write_text((project / "squares.ipynb").read_text(encoding="utf-8"), encoding="utf-8")
    change(other, 4, "total = 0")

    assert [code for _, code, _ in check.found(".")] == ["NB603"]


def test_what_cannot_be_looked_at_is_said(project: Path, check: Check) -> None:
    (project / "squares.ipynb").rename(project / "renamed.ipynb")
    (project / "package/tests/test_steps.py").write_text("def test_(", encoding="utf-8")

    said = check("package").err

    assert "package `package`: its notebook squares.ipynb was not found" in said
    assert "`package/tests/test_steps.py` is no Python that can be read" in said


def test_a_package_of_another_version_is_said_and_other_peoples_files_are_not(project: Path, check: Check) -> None:
    manifest = project / "package/conversion.json"
    manifest.write_text(manifest.read_text(encoding="utf-8").replace('"version": 1', '"version": 99', 1))
    (project / "units").mkdir()
    (project / "units/conversion.json").write_text('{"mile": 1.609}', encoding="utf-8")

    said = check(".").err

    assert "`package/conversion.json` is of another version of nb2prod" in said
    assert "units" not in said


def test_findings_of_packages_can_be_known_from_a_baseline(project: Path, check: Check) -> None:
    change(project / "squares.ipynb", 4, "total = sum(squares) + 1")
    check("package", "--write-baseline", "known.json")

    assert check.found("package", "--baseline", "known.json") == []


def test_findings_of_packages_are_silenced_by_file(
    project: Path, check: Check, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check.found(".", "--exclude", "package") == []

    settings = project / "nb2prod.toml"
    for pattern, said in (("package/*", "All clear"), ("elsewhere/*", "Found 1 finding")):
        settings.write_text(f'[per-file-ignores]\n"{pattern}" = ["untested-step"]\n', encoding="utf-8")
        assert run(["check", "package"]) == 0
        assert said in capsys.readouterr().out


def test_since_a_revision_only_what_has_changed_counts(project: Path, check: Check) -> None:
    """A finding stays where its file has changed, or a place that belongs to it."""
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    for arguments in (["init"], ["add", "."], ["commit", "-m", "first"]):
        subprocess.run(["git", *who, *arguments], check=True, capture_output=True)
    assert check.found(".", "--since", "HEAD") == []

    change(project / "squares.ipynb", 4, "total = 0")
    assert check.found(".", "--since", "HEAD") == [("package/conversion.json", "NB604", "warning")]

    steps = project / "package/src/squares/steps.py"
    steps.write_text(steps.read_text(encoding="utf-8") + "\n# faster now\n", encoding="utf-8")
    assert {code for path, code, _ in check.found(".", "--since", "HEAD") if path.endswith("steps.py")} == {
        "NB603",
        "NB604",
    }


def test_cells_that_are_gone_have_the_numbers_they_had() -> None:
    changes = cell_changes(["a", "b", "c"], ["a", "x", "y"])

    assert list(map(str, changes)) == ["cell 2 has changed", "cell 3 has changed"]
    assert list(map(str, cell_changes(["a", "b"], ["b", "c"]))) == ["what was cell 1 is gone", "cell 2 is new"]
