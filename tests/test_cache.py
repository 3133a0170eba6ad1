"""The cache: a second run says the same, and whatever a finding depends on makes it be looked for again."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from notebooks import document

from nb2prod import checks
from nb2prod.cache import stamp
from nb2prod.cache.entry import read_entry
from nb2prod.cache.place import cache_folder, digest, is_cache, prune, read_whole, write_whole
from nb2prod.cache.store import Cache
from nb2prod.cli import run
from nb2prod.config import Configuration, Overrides, Settings
from nb2prod.data import rules_folder
from nb2prod.discovery import Target
from nb2prod.linter import lint
from nb2prod.project import Project
from nb2prod.report.formats import FORMATS, render
from nb2prod.rulebook import all_rules
from nb2prod.workers import lint_all

if TYPE_CHECKING:
    from collections.abc import Callable

    from nb2prod.lint_run import Report

CASES = Path(__file__).parent.parent / "fixtures" / "cases"
UNREADABLE = Path(__file__).parent.parent / "fixtures" / "unreadable"
# `total` comes from a cell further down (NB101); nothing tests `clean` (NB601).
CELLS = ("print(total)", "total = 2", "def clean(rows):\n    return [each for each in rows if each]")
SECRET = "hunter2-Zq8vLw3n"  # noqa: S105 - it opens nothing
OLD = 1_000_000_000
PAGE = '+++\ncode = "ACME001"\nname = "own"\nsummary = "S."\nseverity = "error"\n[forbid]\n{}\n+++\n## Bad\n'


@pytest.fixture(autouse=True)
def _in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("pyproject.toml").touch()


def notebook(*cells: str, name: str = "a.ipynb") -> Path:
    """Write a notebook that has not changed for years: its size and times alone tell that it is the same."""
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(document(*(cells or CELLS), counts=[2, 1, 3]))
    return path


def checked(*paths: Path, overrides: Overrides | None = None) -> tuple[Report, set[str]]:
    """Return the report of a run over notebooks, and the names of those it did not find in the cache."""
    configuration = Configuration(overrides or Overrides())
    targets = [Target(path, configuration.settings_for(Path.cwd())) for path in paths or (Path("a.ipynb"),)]
    folders = dict.fromkeys(folder for target in targets for folder in target.settings.extend_rules)
    rules = all_rules(folders)
    missed = {target.path.name for target in targets if Cache(rules).find(target) is None}
    report = lint_all(targets, rules, cache=Cache(rules))
    assert [str(each) for each in told(report)] == [str(each) for each in told(lint_all(targets, rules))]
    return report, missed


def told(report: Report) -> list[tuple[object, ...]]:
    """Return all of a report's diagnostics but what fixes would write."""
    return [
        (each._replace(finding=each.finding._replace(fix=None)), each.finding.fix and each.finding.fix.title)
        for each in report.diagnostics
    ]


def entries() -> list[Path]:
    folder = cache_folder(Settings())
    return sorted(folder.glob("*.json")) if folder.is_dir() else []


def said(*options: str) -> tuple[int, str, str]:
    """Return exit code, output and errors of a command line in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "nb2prod", *options], capture_output=True, text=True, check=False, encoding="utf-8"
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("name", list(FORMATS))
def test_a_second_run_prints_the_same_in_every_format(name: str) -> None:
    for number, story in enumerate(("churn", "messy_exploration", "clean")):
        shutil.copy(CASES / story / "notebook.ipynb", f"{number}.ipynb")
    for number, path in enumerate(sorted(UNREADABLE.glob("*.ipynb"))):
        shutil.copy(path, f"unreadable{number}.ipynb")
    notebook("é = 'ü'\nprint(nowhere)", "print(total)", name="ä.ipynb")
    expected = said("check", "--no-cache", "--format", name)
    assert not entries()
    assert said("check", "--format", name) == expected
    assert entries()
    assert said("check", "--format", name) == expected


def test_a_second_run_looks_at_no_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    first, missed = checked(notebook())
    assert missed == {"a.ipynb"}
    monkeypatch.setattr("nb2prod.linter.lint", None)
    rules = all_rules()
    target = Target(Path("a.ipynb"), Configuration(Overrides()).settings_for(Path.cwd()))
    again = lint_all([target], rules, cache=Cache(rules))
    assert [each.rule.code for each in again.diagnostics] == [each.rule.code for each in first.diagnostics]
    for name in FORMATS:
        assert render(again, name) == render(first, name)


def write(name: str, text: str) -> Callable[[], object]:
    def act() -> None:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text, encoding="utf-8")

    return act


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(write("nb2prod.toml", 'ignore = ["NB101"]'), id="settings"),
        pytest.param(write("nb2prod.toml", '[severity]\nNB101 = "error"'), id="a severity"),
        pytest.param(write("nb2prod.toml", '[per-file-ignores]\n"a.*" = ["NB101"]'), id="ignores by file"),
        pytest.param(write("nb2prod.toml", 'transparent-magics = ["mine"]'), id="a magic"),
        pytest.param(write("nb2prod.toml", "require-reason = true"), id="reasons"),
        pytest.param(write("tests/test_a.py", "clean([])"), id="a test"),
        pytest.param(write("requirements.txt", "numpy==2.0"), id="requirements"),
        pytest.param(write("binder/environment.yml", "dependencies:\n- numpy"), id="an environment"),
        pytest.param(write("helper.py", ""), id="a module beside it"),
        pytest.param(write("src/package/__init__.py", ""), id="a package of the project"),
        pytest.param(lambda: Path("pyproject.toml").unlink(), id="the top of the project"),
        pytest.param(lambda: notebook("total = 3"), id="the notebook"),
    ],
)
def test_what_a_finding_depends_on_makes_it_be_looked_for_again(act: Callable[[], object]) -> None:
    notebook("import numpy", *CELLS)
    assert checked()[1] == {"a.ipynb"}
    assert checked()[1] == set()
    act()
    assert checked()[1] == {"a.ipynb"}
    assert checked()[1] == set()


def test_a_test_that_names_a_function_is_seen_by_a_run_that_knew_the_notebook() -> None:
    notebook()
    assert "NB601" in {each.rule.code for each in checked()[0].diagnostics}
    write("tests/test_a.py", "clean([])")()
    assert "NB601" not in {each.rule.code for each in checked()[0].diagnostics}


def test_a_changed_page_of_the_team_counts_at_once() -> None:
    write("nb2prod.toml", 'extend-rules = ["rules"]')()
    write("rules/own.md", PAGE.format('message = "no {name}"\ncalls = ["print"]'))()
    notebook()
    assert "no `print`" in [each.finding.message for each in checked()[0].diagnostics]
    assert checked()[1] == set()
    write("rules/own.md", PAGE.format('message = "not {name}"\ncalls = ["print"]'))()
    report, missed = checked()
    assert missed == {"a.ipynb"}
    assert "not `print`" in [each.finding.message for each in report.diagnostics]


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(lambda patch: patch.setattr(stamp, "__version__", "99"), id="version"),
        pytest.param(lambda patch: patch.setattr(sys, "version", "3.99"), id="Python"),
        pytest.param(lambda patch: patch.setattr(stamp, "program", lambda: None), id="ruff is gone"),
        pytest.param(lambda patch: patch.setattr(stamp, "program", lambda: sys.executable), id="another ruff"),
    ],
)
def test_another_version_of_a_tool_looks_again(
    changed: Callable[[pytest.MonkeyPatch], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    checked(notebook())
    changed(monkeypatch)
    assert checked()[1] == {"a.ipynb"}


@pytest.mark.parametrize("name", ["untested-cell.md", "libraries/numpy.toml", "ruff-rules.toml"])
def test_a_changed_file_of_our_own_looks_again(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where it keeps its size: an installation that was mended by hand."""
    copied = tmp_path / "copied"
    shutil.copytree(rules_folder(), copied)
    monkeypatch.setattr(stamp, "rules_folder", lambda: copied)
    checked(notebook())
    assert checked()[1] == set()
    os.utime(copied / name, (OLD, OLD))
    assert checked()[1] == {"a.ipynb"}


def test_our_own_code_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "nb2prod"
    (package / "checks").mkdir(parents=True)
    (package / "report").mkdir()
    (package / "cache").mkdir()
    monkeypatch.setattr(stamp, "__file__", str(package / "cache" / "stamp.py"))
    before = stamp.tool_stamp([])
    (package / "report" / "text.py").write_text("x = 1", encoding="utf-8")
    assert stamp.tool_stamp([]) == before
    (package / "checks" / "new.py").write_text("x = 1", encoding="utf-8")
    assert stamp.tool_stamp([]) != before


def test_every_answer_of_a_project_is_in_its_stamp() -> None:
    """A question that checks can ask of the project and that is not here would make the cache lie."""
    known = {
        *("declared", "requirements", "required_python", "dependency_files", "modules", "modules_above"),
        *("test_names", "test_files", "tests_complete"),  # tests_stamp
        *("folder", "root"),
        *("holds", "asked"),  # kept in the entry
        *("for_path", "for_folder", "consulted", "declaring"),  # make projects, or tell what was read
    }
    assert {name for name in dir(Project) if not name.startswith("_")} == known


def test_a_file_that_a_fix_asks_for_counts() -> None:
    notebook("import pandas as pd\nframe = pd.read_csv('/home/ann/work/data/prices.csv')")
    first, _ = checked()
    assert checked()[1] == set()
    write("data/prices.csv", "a")()
    report, missed = checked()
    assert missed == {"a.ipynb"}
    titles = [[each.finding.fix and each.finding.fix.title for each in found.diagnostics] for found in (first, report)]
    assert titles[0] != titles[1]


def test_checks_ask_the_project_for_files() -> None:
    """What a check would look up on its own, the cache would not know of."""
    asks = ("exists", "is_file", "is_dir", "iterdir", "glob", "rglob", "scandir", "listdir", "stat", "resolve")
    asking = {*asks, "open", "read_text", "read_bytes"}
    about_packages = {"package_drift.py", "untested_step.py"}  # what is found there is not kept
    found = [
        f"{path.name}:{node.lineno}"
        for path in sorted(Path(checks.__file__).parent.glob("*.py"))
        if path.name not in about_packages
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in asking
    ]
    assert found == []


def test_a_file_with_another_time_and_the_same_content_is_known_and_then_known_by_its_time() -> None:
    """As after a clone, where every file is new."""
    path = notebook()
    checked()
    os.utime(path, (OLD, OLD))
    assert checked()[1] == set()


def test_a_changed_file_with_the_size_and_time_it_had_is_looked_at_again() -> None:
    path = notebook("print(total)", "total = 2")
    os.utime(path, (OLD, OLD))
    assert "NB101" in {each.rule.code for each in checked()[0].diagnostics}
    status = path.stat()
    path.write_bytes(path.read_bytes().replace(b"total = 2", b"other = 2"))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert path.stat().st_size == status.st_size
    report, missed = checked()
    assert missed == {"a.ipynb"}
    assert "NB103" in {each.rule.code for each in report.diagnostics}


def test_times_of_a_file_written_this_moment_are_not_trusted() -> None:
    """It may change once more within the resolution of the clock."""
    path = notebook()
    checked()
    entry = read_entry(read_whole(str(entries()[0])))
    assert entry is not None
    assert entry.status is None
    assert entry.content == digest(path.read_bytes())


def test_times_of_an_old_file_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    notebook()
    later = time.time_ns() + 10**10
    monkeypatch.setattr("nb2prod.cache.store.time.time_ns", lambda: later)
    checked()
    monkeypatch.setattr("nb2prod.cache.store._read_file", None)
    assert checked_names() == set()


def checked_names() -> set[str]:
    rules = all_rules()
    target = Target(Path("a.ipynb"), Configuration(Overrides()).settings_for(Path.cwd()))
    return {target.path.name} if Cache(rules).find(target) is None else set()


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda _: b"", id="empty"),
        pytest.param(lambda content: content[: len(content) // 2], id="cut off"),
        pytest.param(lambda content: content.replace(b"NB101", b"NB102"), id="changed"),
        pytest.param(lambda content: content + b" ", id="longer"),
        pytest.param(lambda _: bytes(range(256)), id="noise"),
        pytest.param(lambda _: digest(b"[]").encode() + b"\n[]", id="of another form"),
        pytest.param(lambda _: digest(b"{}").encode() + b"\n{}", id="of another kind"),
    ],
)
def test_a_damaged_entry_is_none_and_is_mended(damage: Callable[[bytes], bytes]) -> None:
    first, _ = checked(notebook())
    place = entries()[0]
    whole = place.read_bytes()
    place.write_bytes(damage(whole))
    again, missed = checked()
    assert missed == {"a.ipynb"}
    assert again == first
    assert checked()[1] == set()


def test_several_runs_at_once_say_the_same_and_leave_whole_entries() -> None:
    for number in range(6):
        notebook(f"print(total{number})", f"total{number} = 1", name=f"{number}.ipynb")
    expected = said("check", "--no-cache", "--format", "json")
    command = [sys.executable, "-m", "nb2prod", "check", "--format", "json"]
    several = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    assert [each.communicate()[0] for each in several] == [expected[1]] * 3
    assert len(entries()) == 6
    assert all(read_entry(read_whole(str(place))) for place in entries())
    folder = cache_folder(Settings())
    # The mark of the day's tidying is there if any of the runs began when the folder was.
    others = {each.name for each in folder.iterdir() if each.suffix not in {".json", ".TAG"}}
    assert others - {"pruned"} == {".gitignore"}


def test_a_place_that_cannot_be_written_keeps_nothing_and_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    notebook()
    expected = said("check", "--no-cache")
    Path("taken").write_text("a file", encoding="utf-8")
    monkeypatch.setenv("NB2PROD_CACHE_DIR", "taken/below")
    assert said("check") == expected
    assert said("check") == expected
    assert Path("taken").read_text(encoding="utf-8") == "a file"


def test_no_source_is_kept_and_no_secret() -> None:
    notebook(f'print(total)  # remarkable\npassword = "{SECRET}"', "total = 2")
    expected = said("check", "--no-cache")
    assert "NB401" in expected[1]
    assert SECRET not in expected[1]
    assert said("check") == expected
    assert said("check") == expected
    (kept,) = entries()
    assert b"remarkable" not in kept.read_bytes()
    assert SECRET.encode() not in kept.read_bytes()


def test_what_would_tell_a_secret_is_not_kept() -> None:
    """A rule that is not about secrets may show a text of the code in its message."""
    write("nb2prod.toml", 'extend-rules = ["rules"]')()
    write("rules/own.md", PAGE.format('message = "no {name}"\nstrings = ["hunter*"]'))()
    notebook(f'password = "{SECRET}"')
    report, _ = checked()
    assert {"NB401", "ACME001"} <= {each.rule.code for each in report.diagnostics}
    assert not entries()


def test_a_fix_is_applied_after_a_run_that_was_kept() -> None:
    """An entry has a fix's title only, so a run that changes something looks for itself."""
    path = notebook("x = 1  # nb2prod: ignore[NB301]\nprint(x)")
    assert run(["check", "--format", "json"]) == 0
    assert run(["check", "--format", "json"]) == 0
    assert run(["check", "--fix"]) == 0
    assert "nb2prod" not in json.loads(path.read_text(encoding="utf-8"))["cells"][0]["source"]


def test_a_run_with_a_bug_of_ours_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    from nb2prod.checks import no_headings  # noqa: PLC0415 - the check that fails here alone

    def fail(_: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(no_headings, "check", fail)
        rules = all_rules()
        target = Target(notebook(), Settings())
        assert lint([target], rules, store=Cache(rules)).internal_errors
    assert not entries()


def test_a_run_without_ruff_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it says of its absence has to be said again."""
    monkeypatch.setattr("nb2prod.ruff.program", lambda: None)
    monkeypatch.setattr(stamp, "program", lambda: None)
    report, _ = checked(notebook())
    assert report.notices
    assert not entries()


def test_the_settings_say_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NB2PROD_CACHE_DIR")
    write("nb2prod.toml", 'cache-dir = ".kept"')()
    notebook()
    run(["check"])
    assert is_cache(Path(".kept"))
    assert Path(".kept/.gitignore").read_text(encoding="utf-8") == "*\n"
    assert len(list(Path(".kept").glob("*.json"))) == 1


def test_without_settings_it_is_the_users_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NB2PROD_CACHE_DIR")
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert cache_folder(Settings()) == Path("/somewhere/nb2prod")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/somebody")
    assert cache_folder(Settings()) == Path("/home/somebody/.cache/nb2prod")


def test_nobody_without_a_home_gets_a_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NB2PROD_CACHE_DIR")
    monkeypatch.setattr("os.path.expanduser", lambda path: path)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    write_whole(str(cache_folder(Settings()) / "x"), b"")
    assert not list(Path().glob("~*"))


def test_old_entries_go_once_a_day(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    write_whole(str(folder / "old.json"), b"")
    write_whole(str(folder / "new.json"), b"")
    os.utime(folder / "old.json", (OLD, OLD))
    prune(folder)
    assert sorted(path.name for path in folder.glob("*.json")) == ["new.json"]
    os.utime(folder / "new.json", (OLD, OLD))
    prune(folder)
    assert (folder / "new.json").exists()
    os.utime(folder / "pruned", (OLD, OLD))
    prune(folder)
    assert not (folder / "new.json").exists()
    assert is_cache(folder)


def test_clean_removes_a_cache_and_nothing_else(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    notebook()
    run(["check"])
    folder = cache_folder(Settings())
    assert run(["clean"]) == 0
    assert not folder.exists()
    assert run(["clean"]) == 0
    assert "no cache" in capsys.readouterr().out
    Path("mine").mkdir()
    monkeypatch.setenv("NB2PROD_CACHE_DIR", "mine")
    assert run(["clean"]) == 2
    assert Path("mine").is_dir()
