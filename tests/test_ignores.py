"""``check --add-ignores``: where what silences a finding is written, that nothing else changes, and that it works."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from nb2prod.cli import run
from nb2prod.config import Selectors, Settings
from nb2prod.diagnostics import Finding
from nb2prod.discovery import Target
from nb2prod.fixer.ignore import ignore_findings
from nb2prod.fixer.metadata import with_member
from nb2prod.linter import Check, lint
from nb2prod.pages import load_rules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.diagnostics import Rule

RULES = load_rules()
HERE = Path(__file__).resolve().parent
CASES = sorted((HERE.parent / "fixtures" / "cases").glob("*/notebook.ipynb"))
PATH = 'a = open("/home/ada/a")'
SELECT = ["--select", "NB301,NB302,NB103,NB006", "--fail-on", "note"]


@pytest.fixture(autouse=True)
def _in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def code(source: str, **more: Any) -> dict[str, Any]:
    return {"cell_type": "code", "source": source, "metadata": {}, "outputs": [], "execution_count": None} | more


def write(*cells: dict[str, Any], indent: int | None = 1, **more: Any) -> Path:
    whole = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4} | more
    path = Path("a.ipynb")
    path.write_text(json.dumps(whole, indent=indent), encoding="utf-8")
    return path


def source(path: Path, cell: int = 1) -> str:
    whole = json.loads(path.read_text(encoding="utf-8"))["cells"][cell - 1]["source"]
    return whole if isinstance(whole, str) else "".join(whole)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (PATH, f"{PATH}  # nb2prod: ignore[NB301]"),
        (f"{PATH} ", f"{PATH}  # nb2prod: ignore[NB301]"),
        (f"{PATH}\nb = 1", f"{PATH}  # nb2prod: ignore[NB301]\nb = 1"),
        (f"{PATH}\r\nb = 1", f"{PATH}  # nb2prod: ignore[NB301]\r\nb = 1"),
        (f"{PATH}  # opened late", f"{PATH}  # opened late  # nb2prod: ignore[NB301]"),
        (f"{PATH};", f"{PATH};  # nb2prod: ignore[NB301]"),
        # One comment for all that is found on a line, and what is there already is added to.
        ('open("/home/ada/a", nowhere)', 'open("/home/ada/a", nowhere)  # nb2prod: ignore[NB103, NB301]'),
        (
            'open("/home/ada/a", nowhere)  # nb2prod: ignore[NB103] set by hand',
            'open("/home/ada/a", nowhere)  # nb2prod: ignore[NB103, NB301] set by hand',
        ),
        (f"{PATH}  # nb2prod: ignore[]", f"{PATH}  # nb2prod: ignore[NB301]"),
        # In a string no comment can stand, and behind a backslash none may: it stands at the statement's end.
        (
            'f = open("/home/ada/a", """\n""")',
            'f = open("/home/ada/a", """\n""")  # nb2prod: ignore[NB301]',
        ),
        ('f = \\\n    open("/home/ada/a")', 'f = \\\n    open("/home/ada/a")  # nb2prod: ignore[NB301]'),
        ('f = open("/home/ada/a", \\\n    "w")', 'f = open("/home/ada/a", \\\n    "w")  # nb2prod: ignore[NB301]'),
        # Behind a magic it would be its argument.
        ("!pip install x", "!pip install x\n# nb2prod: ignore-cell[NB302]"),
        ("!pip install x\n", "!pip install x\n# nb2prod: ignore-cell[NB302]"),
        ("!pip install x\r\ny = 1", "!pip install x\r\ny = 1\r\n# nb2prod: ignore-cell[NB302]"),
        (
            f"!pip install x\n{PATH}",
            f"!pip install x\n{PATH}  # nb2prod: ignore[NB301]\n# nb2prod: ignore-cell[NB302]",
        ),
        ("%%time\n!pip install x", "%%time\n!pip install x\n# nb2prod: ignore-cell[NB302]"),
        (
            "# nb2prod: ignore-cell[NB301]\n!pip install x\n" + PATH,
            "# nb2prod: ignore-cell[NB301, NB302]\n!pip install x\n" + PATH,
        ),
    ],
)
def test_comments_stand_at_the_narrowest_place_that_changes_nothing(before: str, after: str) -> None:
    path = write(code(before))
    assert run(["check", "--add-ignores", *SELECT]) == 0
    assert source(path) == after
    assert run(["check", *SELECT]) == 0


def first_shout(analysis: Analysis) -> Iterator[Finding]:
    """Yield the first line that ends with an exclamation mark: a comment behind it makes it another line."""
    for cell in analysis.notebook.code_cells:
        loud = [number for number, line in enumerate(cell.lines, 1) if line.endswith("!")]
        if loud:
            yield Finding(cell.location(loud[0], 1, loud[0], 2), "loud")


def test_a_comment_that_makes_its_finding_another_one_stands_for_the_cell_instead() -> None:
    path = write(code("# a!\n# b!"))
    target = Target(path, Settings(select=Selectors(("NB301", "NB006"), "test")))
    find_check: Callable[[Rule], Check] = lambda _: Check(first_shout, language_independent=False)  # noqa: E731 one line
    found = lint([target], RULES, find_check=find_check).diagnostics
    (fixed,) = ignore_findings([target], found, RULES, find_check=find_check)
    assert fixed.after.cells[0].source == "# a!\n# b!\n# nb2prod: ignore-cell[NB301]"
    assert fixed.report.diagnostics == ()


@pytest.mark.parametrize(
    "before", ["%%bash\npip install x", "!pip install x \\", "%%bash\npip install x\n", "pip install x"]
)
def test_where_no_comment_can_stand_the_metadata_of_the_cell_silence(before: str) -> None:
    path = write(code(before))
    assert run(["check", "--add-ignores", "--reason", "an old one", *SELECT]) == 0
    (cell,) = json.loads(path.read_text(encoding="utf-8"))["cells"]
    assert cell["source"] == before
    assert cell["metadata"] == {"nb2prod": {"ignore": ["NB302"], "reason": "an old one"}}
    assert run(["check", *SELECT]) == 0


def test_what_is_found_about_a_cell_of_text_or_the_file_goes_into_metadata(capsys: pytest.CaptureFixture[str]) -> None:
    markdown = {"cell_type": "markdown", "metadata": {"tags": ["a"]}, "source": "See `x`"}
    path = write(markdown, metadata={"language_info": {"name": "R"}, "kernelspec": {"name": "ir"}})
    select = ["--select", "NB004", "--fail-on", "note"]
    assert run(["check", "--add-ignores", "--diff", *select]) == 1
    assert capsys.readouterr().out == 'a.ipynb: metadata: {"nb2prod": {"ignore": ["NB004"]}}\n'
    assert run(["check", "--add-ignores", *select]) == 0
    assert json.loads(path.read_text(encoding="utf-8"))["metadata"]["nb2prod"] == {"ignore": ["NB004"]}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("{}", '{"a": 1}'),
        ("{ }", '{"a": 1}'),
        ('{"b": {}}', '{"b": {}, "a": 1}'),
        ('{"b": 1, "c": 2}', '{"b": 1, "c": 2, "a": 1}'),
        ('{"b":1}', '{"b":1,"a":1}'),
        ('{\n  "b": 1\n }', '{\n  "b": 1,\n  "a": 1\n }'),
        ('{"a": [2, 3], "b": 1}', '{"a": 1, "b": 1}'),
        ('{\n  "b": {"a": 2}\n }', '{\n  "b": {"a": 2},\n  "a": 1\n }'),
    ],
)
def test_a_member_is_set_and_every_other_byte_stays(before: str, after: str) -> None:
    assert with_member(before, "a", "1") == after
    assert json.loads(after) == json.loads(before) | {"a": 1}


def test_a_reason_is_written_where_settings_require_one() -> None:
    Path("nb2prod.toml").write_text("require-reason = true\n", encoding="utf-8")
    path = write(code(PATH), code("nowhere  # nb2prod: ignore[NB103]"), code("%%bash\npip install x"))
    assert run(["check", "--add-ignores", *SELECT]) == 0
    assert source(path) == f"{PATH}  # nb2prod: ignore[NB301] not looked into yet"
    assert source(path, 2) == "nowhere  # nb2prod: ignore[NB103] not looked into yet"
    assert run(["check", *SELECT]) == 0


def test_a_reason_that_is_given_is_written_and_one_that_is_there_stays() -> None:
    path = write(code(PATH), code('open("/home/ada/b", nowhere)  # nb2prod: ignore[NB103] set by hand'))
    assert run(["check", "--add-ignores", "--reason", "moves in May", *SELECT]) == 0
    assert source(path) == f"{PATH}  # nb2prod: ignore[NB301] moves in May"
    assert source(path, 2).endswith("# nb2prod: ignore[NB103, NB301] set by hand")


@pytest.mark.parametrize("indent", [None, 1, 4])
def test_a_second_run_changes_nothing(indent: int | None, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(code(f"{PATH}\n!pip install x"), code("%%bash\npip install x"), indent=indent)
    assert run(["check", "--add-ignores", *SELECT]) == 0
    assert capsys.readouterr().err == "Ignored 3 findings in 1 notebook.\n"
    once = path.read_bytes()
    assert run(["check", "--add-ignores", *SELECT]) == 0
    assert path.read_bytes() == once
    assert capsys.readouterr().err == "Ignored nothing.\n"


def test_a_diff_shows_it_and_writes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    path = write(code(PATH), code("%%bash\npip install x"))
    before = path.read_bytes()
    assert run(["check", "--add-ignores", "--diff", "--show-fixes", *SELECT]) == 1
    assert path.read_bytes() == before
    out, err = capsys.readouterr()
    assert out == (
        "--- a.ipynb:cell 1\n+++ a.ipynb:cell 1\n@@ -1 +1 @@\n"
        f"-{PATH}\n+{PATH}  # nb2prod: ignore[NB301]\n"
        'a.ipynb:cell 2: metadata: {"nb2prod": {"ignore": ["NB302"]}}\n'
    )
    assert err == (
        "a.ipynb:cell 1:1:10: NB301 hardcoded-path: ignored on line 1\n"
        "a.ipynb:cell 2:1:1: NB302 shell-or-install-command: ignored in the metadata of the cell\n"
        "Would ignore 2 findings in 1 notebook.\n"
    )


def test_findings_of_the_baseline_are_left_and_stay_known(capsys: pytest.CaptureFixture[str]) -> None:
    path = write(code(PATH))
    assert run(["check", "--write-baseline", "known.json", *SELECT]) == 0
    write(code(f"{PATH}, nowhere"), code("x = nowhere"))
    Path("nb2prod.toml").write_text('baseline = "known.json"\n', encoding="utf-8")
    write(code(PATH), code("x = nowhere"))
    capsys.readouterr()
    assert run(["check", "--add-ignores", *SELECT]) == 0
    assert source(path) == PATH
    assert source(path, 2) == "x = nowhere  # nb2prod: ignore[NB103]"
    assert "1 finding known from the baseline" in capsys.readouterr().err


def test_a_comment_beside_a_known_finding_makes_it_no_new_one() -> None:
    write(code("open('/home/ada/a')"))
    assert run(["check", "--write-baseline", "known.json", "--select", "NB301", "--fail-on", "note"]) == 0
    write(code("open('/home/ada/a')  # nb2prod: ignore[NB103]"))
    assert run(["check", "--baseline", "known.json", "--select", "NB301", "--fail-on", "note"]) == 0


def test_a_suppression_of_nothing_is_not_silenced_but_left_to_its_fix() -> None:
    path = write(code("x = 1  # nb2prod: ignore[NB301]"))
    assert run(["check", "--add-ignores", *SELECT]) == 1
    assert source(path) == "x = 1  # nb2prod: ignore[NB301]"


def test_old_files_are_not_written_and_the_reason_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    cell = {"cell_type": "code", "language": "python", "input": PATH, "metadata": {}, "outputs": []}
    whole = {"worksheets": [{"cells": [cell], "metadata": {}}], "metadata": {}, "nbformat": 3, "nbformat_minor": 0}
    path = Path("a.ipynb")
    path.write_text(json.dumps(whole), encoding="utf-8")
    before = path.read_bytes()
    Path("b.ipynb").write_text("{", encoding="utf-8")
    assert run(["check", "--add-ignores", "--select", "NB301", "--fail-on", "note"]) == 1
    assert path.read_bytes() == before
    out, err = capsys.readouterr()
    assert "hardcoded-path: not ignored: files of nbformat 3 are not rewritten" in err
    assert "NB001" in out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--add-ignores", "--fix"], "--add-ignores stands alone"),
        (["--add-ignores", "--write-baseline", "b.json"], "--add-ignores stands alone"),
        (["--reason", "x"], "--reason needs --add-ignores"),
        (["--add-ignores", "--reason", "x # y"], "--reason is one line without `#`"),
        (["--add-ignores", "--since", "HEAD"], "--since reports what changed"),
        (["--add-ignores", "-"], "standard input is checked, not changed"),
    ],
)
def test_options_that_make_no_sense_together_exit_2(
    options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write(code(PATH))
    assert run(["check", *options]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.parent.name)
def test_in_every_fixture_nothing_is_found_any_more(case: Path, tmp_path: Path) -> None:
    path = tmp_path / case.name
    path.write_bytes(case.read_bytes())
    target = Target(path, Settings())
    found = lint([target], RULES).diagnostics
    fixed = ignore_findings([target], found, RULES)
    assert not [str(each) for one in fixed for each in one.report.diagnostics]
    assert sum(len(each.applied) for each in fixed) == len(found)
    assert not [each for one in fixed for each in one.dropped]


def ruff(*arguments: str, text: str) -> str:
    command = [sys.executable, "-m", "ruff", *arguments, "--isolated", "--quiet", "--stdin-filename", "a.py", "-"]
    return subprocess.run(command, input=text, capture_output=True, text=True, encoding="utf-8", check=False).stdout


def test_ruff_leaves_our_comments_alone(tmp_path: Path) -> None:
    """They are none of ruff's: neither an unused nor a wrong ``noqa``, nor code in a comment; formatting keeps them."""
    text = "x = 1  # nb2prod: ignore[NB301, NB601]\n# nb2prod: ignore-cell[NB302] not looked into yet\n"
    assert ruff("check", "--select", "RUF100,RUF102,ERA,PGH,E26,W", "--preview", text=text) == ""
    assert ruff("format", text=text) == text
    long = f"result = compute({', '.join(f'argument_{number}' for number in range(6))})  # nb2prod: ignore[NB103]\n"
    path = tmp_path / "a.ipynb"
    whole = {"cells": [code(ruff("format", text=long))], "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
    path.write_text(json.dumps(whole), encoding="utf-8")
    settings = Settings(select=Selectors(("NB103",), "test"))
    assert "\n    argument_0" in ruff("format", text=long)
    assert lint([Target(path, settings)], RULES).diagnostics == ()
