"""Settings as users meet them: keys that change what runs, profiles, ``nb2prod config`` and ``nb2prod init``."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from nb2prod.cli import run
from nb2prod.config import Configuration, Overrides, Settings
from nb2prod.pages import load_rules
from nb2prod.ruff_rules import load_ruff_rules
from nb2prod.selection import select
from nb2prod.settings_keys import KEYS, schema

RULES = (*load_rules(), *load_ruff_rules())


@pytest.fixture(autouse=True)
def _in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def settings(*config: str) -> Settings:
    return Configuration(Overrides(isolated=True, config=config)).settings_for(Path.cwd())


def running(*config: str) -> dict[str, str]:
    """Return code and severity of the rules that run."""
    return {rule.code: str(rule.severity) for rule in select(settings(*config), RULES)}


def notebook(name: str, *sources: str) -> Path:
    cells: list[dict[str, Any]] = [
        {"cell_type": "code", "source": source, "execution_count": None, "metadata": {}, "outputs": []}
        for source in sources
    ]
    path = Path(name)
    path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}), encoding="utf-8")
    return path


def found(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    run(["check", "--format", "json", *arguments])
    diagnostics: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["diagnostics"]
    return diagnostics


def test_a_profile_is_a_part_of_all_rules() -> None:
    everything, commit = running(), running('profile="commit"')
    assert set(everything) == {rule.code for rule in RULES}
    assert {"NB002", "NB101", "NB401"} <= set(commit) < set(everything)
    assert "note" not in commit.values()
    assert not [code for code in commit if code.startswith("NB7")]


def test_every_profile_of_the_file_can_be_chosen(checkout: Path) -> None:
    rows = tomllib.loads((checkout / "rules" / "profiles.toml").read_text(encoding="utf-8"))
    assert tuple(rows) == KEYS["profile"].choices
    # `production` is not looked up, so it has to be what it says.
    assert rows["production"] == {"least": "note", "ignore": []}


def test_extend_select_adds_to_the_profile_and_to_select() -> None:
    commit = set(running('profile="commit"'))
    assert set(running('profile="commit"', 'extend-select=["NB601"]')) == commit | {"NB601"}
    assert set(running('select=["NB002"]', 'extend-select=["NB601"]')) == {"NB001", "NB002", "NB601"}


def test_select_beats_the_profile() -> None:
    assert "NB601" in running('profile="commit"', 'select=["NB6"]')


def test_severity_is_that_of_the_most_precise_word() -> None:
    rated = running('severity={"NB3" = "error", "NB301" = "note", "untested-cell" = "warning"}')
    assert (rated["NB302"], rated["NB301"], rated["NB601"]) == ("error", "note", "warning")
    assert "NB601" in running('profile="commit"', "severity.NB601=warning")


def test_a_severity_of_the_settings_decides_about_failure(capsys: pytest.CaptureFixture[str]) -> None:
    notebook("a.ipynb", "!ls")
    assert run(["check", "--select", "NB302"]) == 0
    assert run(["check", "--select", "NB302", "--config", "severity.NB302=error"]) == 1
    assert run(["check", "--config", "severity.NB999=error"]) == 2
    assert "--config: `severity.NB999`: no rule is called `NB999`" in capsys.readouterr().err


def test_config_takes_the_place_of_the_file(capsys: pytest.CaptureFixture[str]) -> None:
    notebook("a.ipynb", "x = = 1")
    Path("nb2prod.toml").write_text('ignore = ["NB002"]\n', encoding="utf-8")
    assert "NB002" not in [each["code"] for each in found(capsys)]
    assert "NB002" in [each["code"] for each in found(capsys, "--config", "ignore=[]")]


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("select", "--config: `select` is not KEY=VALUE"),
        ("selct=[]", "--config: unknown key `selct` in [tool.nb2prod]; did you mean `select`?"),
        ("fail-on=sometimes", "--config: `fail-on` must be error, warning, note or never, not a string ('sometimes')"),
        ("require-reason=1", "--config: `require-reason` must be true or false, not an integer (1)"),
        ("severity.NB301=bad", "--config: `severity.NB301` must be error, warning or note"),
        ("profile=all", "--config: `profile` must be commit or production"),
        ("baseline=[]", "--config: `baseline` must be a string"),
    ],
)
def test_a_wrong_assignment_is_named(word: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "--config", word]) == 2
    assert message in capsys.readouterr().err


def test_nb2prod_toml_counts_before_a_pyproject_beside_it() -> None:
    Path("pyproject.toml").write_text('[tool.nb2prod]\nfail-on = "note"\n', encoding="utf-8")
    Path("nb2prod.toml").write_text('profile = "commit"\n', encoding="utf-8")
    held = Configuration(Overrides()).settings_for(Path.cwd())
    assert (held.profile, held.fail_on, held.source) == ("commit", Settings().fail_on, Path.cwd() / "nb2prod.toml")


def test_the_cell_of_a_transparent_magic_is_python(capsys: pytest.CaptureFixture[str]) -> None:
    path = notebook("a.ipynb", "%%stopwatch\nx = = 1")
    assert "NB002" not in [each["code"] for each in found(capsys, str(path))]
    for spelling in ("stopwatch", "%%stopwatch"):
        (place,) = [
            (each["line"], each["column"])
            for each in found(capsys, "--config", f'transparent-magics=["{spelling}"]', str(path))
            if each["code"] == "NB002"
        ]
        assert place == (2, 5)


def test_config_says_what_holds_and_who_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    Path("pyproject.toml").write_text('[tool.nb2prod]\nignore = ["NB6"]\n', encoding="utf-8")
    Path("deep").mkdir()
    assert run(["config", "deep", "--config", "fail-on=note"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert f'ignore = ["NB6"]  # {Path.cwd() / "pyproject.toml"}' in lines
    assert 'fail-on = "note"  # --config' in lines
    assert 'profile = "production"  # default' in lines
    assert "# select is not set" in lines
    running_now = len(running('ignore=["NB6"]'))
    assert lines[-1] == f"# {running_now} of {len(RULES)} rules run"
    assert set(tomllib.loads("\n".join(lines))) == {key for key, known in KEYS.items() if known.default is not None}


def test_the_schema_is_the_one_in_the_documentation(
    checkout: Path, update: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["config", "--schema"]) == 0
    text = capsys.readouterr().out
    path = checkout / "docs" / "settings.schema.json"
    if update:
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text


def test_the_schema_agrees_with_what_is_read() -> None:
    from jsonschema import Draft202012Validator  # type: ignore[import-untyped] # noqa: PLC0415

    validator = Draft202012Validator(schema())
    good = {key: known.default for key, known in KEYS.items() if known.default is not None}
    assert validator.is_valid(good | {"severity": {"NB3": "note"}, "per-file-ignores": {"a/*": ["NB1"]}})
    wrong: tuple[dict[str, Any], ...] = (
        {"selct": []},
        {"select": "NB1"},
        {"severity": {"NB3": "bad"}},
        {"fail-on": "x"},
    )
    for bad in wrong:
        assert not validator.is_valid(bad)


def test_every_key_is_documented(checkout: Path) -> None:
    text = (checkout / "docs" / "settings.md").read_text(encoding="utf-8")
    assert [key for key in KEYS if f"| `{key}` |" not in text] == []


def test_init_writes_what_a_repository_needs(capsys: pytest.CaptureFixture[str]) -> None:
    Path("pyproject.toml").write_text("[project]\nname = 'x'\n", encoding="utf-8")
    notebook("a.ipynb", "print(1)")
    assert run(["init", "--repo", "https://github.com/example/nb2prod", "--rev", "v1.2.3"]) == 0
    assert "added [tool.nb2prod] to pyproject.toml" in capsys.readouterr().out
    written = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))
    assert written["tool"]["nb2prod"] == {"fail-on": "error", "baseline": "nb2prod-baseline.json"}
    assert "rev: v1.2.3" in Path(".pre-commit-config.yaml").read_text(encoding="utf-8")
    workflow = Path(".github/workflows/nb2prod.yml").read_text(encoding="utf-8")
    assert "uses: example/nb2prod@v1.2.3" in workflow
    assert "group: notebooks-${{ github.ref }}" in workflow
    assert run(["check"]) == 0


def test_that_cleared_notebooks_do_not_tell_how_they_ran_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a.ipynb", "b.ipynb"):
        notebook(name, "rate = 0.5", "print(rate)")
    assert run(["check", "--fail-on", "error"]) == 0
    assert capsys.readouterr().err.count("notice: hidden state is unknown") == 1
    assert run(["check", "--select", "NB3"]) == 0
    assert capsys.readouterr().err == ""
    notebook("a.ipynb", "one_cell = 1")
    assert run(["check", "a.ipynb"]) == 0
    assert "hidden state" not in capsys.readouterr().err


def test_init_leaves_what_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    Path(".pre-commit-config.yaml").write_text("repos: []\n", encoding="utf-8")
    assert run(["init"]) == 0
    out = capsys.readouterr().out
    assert ".pre-commit-config.yaml is there; add the hook to it:" in out
    assert "wrote nb2prod.toml" in out
    assert "wrote no workflow" in out
    assert Path(".pre-commit-config.yaml").read_text(encoding="utf-8") == "repos: []\n"
    before = Path("nb2prod.toml").read_text(encoding="utf-8")
    assert run(["init"]) == 0
    assert "nb2prod.toml has settings already" in capsys.readouterr().out
    assert Path("nb2prod.toml").read_text(encoding="utf-8") == before


def test_the_hooks_are_written_alike_here_and_by_init(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init"]) == 0
    capsys.readouterr()
    ours = (checkout / ".pre-commit-hooks.yaml").read_text(encoding="utf-8")
    local = Path(".pre-commit-config.yaml").read_text(encoding="utf-8")
    for line in ("args: [--force-exclude, --profile, commit]", "types_or: [jupyter]", "require_serial: true"):
        assert line in ours
        assert line in local
