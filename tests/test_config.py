"""Settings: what pyproject.toml may say, what the command line changes, and how wrong values are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from nb2prod.config import Configuration, Globs, Overrides, Selectors, Settings, read_settings
from nb2prod.diagnostics import Severity
from nb2prod.errors import ConfigurationError


def written(folder: Path, text: str) -> Path:
    path = folder / "pyproject.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_every_key_is_read(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        """
        [tool.nb2prod]
        select = ["NB3", "unseeded-random"]
        ignore = ["NB302"]
        exclude = ["old", "data/*.ipynb"]
        fail-on = "note"
        [tool.nb2prod.per-file-ignores]
        "teaching/*" = ["NB101"]
        """,
    )
    assert read_settings(path) == Settings(
        source=path,
        select=Selectors(("NB3", "unseeded-random"), f"{path}: `select`"),
        ignore=(Selectors(("NB302",), f"{path}: `ignore`"),),
        exclude=(Globs(tmp_path, ("old", "data/*.ipynb")),),
        fail_on=Severity.NOTE,
        per_file_ignores=(
            (Globs(tmp_path, ("teaching/*",)), Selectors(("NB101",), f"{path}: `per-file-ignores.teaching/*`")),
        ),
    )


@pytest.mark.parametrize("text", ["", "[tool.other]\nx = 1", "this is [ not TOML", "# nb2prod\n[tool]\n"])
def test_a_file_that_does_not_configure_us_gives_no_settings(tmp_path: Path, text: str) -> None:
    assert read_settings(written(tmp_path, text)) is None


def test_a_missing_file_gives_no_settings(tmp_path: Path) -> None:
    assert read_settings(tmp_path / "pyproject.toml") is None
    assert read_settings(tmp_path / "no" / "folder" / "pyproject.toml") is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("selct = []", "unknown key `selct` in [tool.nb2prod]; did you mean `select`?"),
        ("fail_on = 'note'", "unknown key `fail_on` in [tool.nb2prod]; did you mean `fail-on`?"),
        ("zzz = 1", "known keys are baseline, cache-dir, exclude, extend-"),
        ("select = 'NB3'", "`select` must be a list of strings, not a string ('NB3')"),
        ("ignore = ['NB3', 1]", "`ignore` must be a list of strings, not with an integer (1)"),
        ("exclude = true", "`exclude` must be a list of strings, not a boolean (True)"),
        ("fail-on = 'never ever'", "`fail-on` must be error, warning, note or never, not a string ('never ever')"),
        ("fail-on = ['note']", "`fail-on` must be error, warning, note or never, not a list (['note'])"),
        ("per-file-ignores = ['a']", "`per-file-ignores` must be a table of file pattern to rules, not a list"),
        ("per-file-ignores = {'a' = 'NB1'}", "`per-file-ignores.a` must be a list of strings, not a string"),
    ],
)
def test_a_wrong_setting_is_named_with_what_was_expected(tmp_path: Path, text: str, message: str) -> None:
    path = written(tmp_path, f"[tool.nb2prod]\n{text}\n")
    with pytest.raises(ConfigurationError) as refusal:
        read_settings(path)
    assert str(refusal.value).startswith(f"{path}: ")
    assert message in str(refusal.value)


def test_a_file_that_speaks_of_us_and_is_not_toml_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="not TOML"):
        read_settings(written(tmp_path, "[tool.nb2prod\n"))
    with pytest.raises(ConfigurationError, match=r"`tool\.nb2prod` must be a table, not an integer"):
        read_settings(written(tmp_path, "[tool]\nnb2prod = 1\n"))


def test_the_nearest_file_with_our_table_counts(tmp_path: Path) -> None:
    outer = written(tmp_path, "[tool.nb2prod]\nfail-on = 'note'\n")
    written(tmp_path / "a", "[project]\nname = 'a'\n")
    inner = written(tmp_path / "a" / "b", "[tool.nb2prod]\n")
    configuration = Configuration(Overrides())
    assert configuration.settings_for(tmp_path / "a").source == outer
    assert configuration.settings_for(tmp_path / "a").fail_on is Severity.NOTE
    assert configuration.settings_for(tmp_path / "a" / "b" / "c").source == inner
    assert configuration.settings_for(tmp_path / "a" / "b" / "c").fail_on is Severity.ERROR


def test_isolated_reads_no_file(tmp_path: Path) -> None:
    written(tmp_path, "[tool.nb2prod]\nbroken = 1\n")
    assert Configuration(Overrides(isolated=True)).settings_for(tmp_path) == Settings()


def test_the_command_line_beats_the_file(tmp_path: Path) -> None:
    written(
        tmp_path,
        "[tool.nb2prod]\nselect = ['NB1']\nignore = ['NB101']\nexclude = ['a']\nfail-on = 'never'\n"
        "per-file-ignores = {'x' = ['NB3']}\n",
    )
    globs = Globs(tmp_path, ("b",))
    afresh = Configuration(Overrides(select=("NB3",), fail_on="warning")).settings_for(tmp_path)
    assert (afresh.select, afresh.ignore, afresh.per_file_ignores) == (Selectors(("NB3",), "--select"), (), ())
    assert afresh.fail_on is Severity.WARNING
    added = Configuration(Overrides(ignore=("NB3",), exclude=globs)).settings_for(tmp_path)
    assert [selectors.words for selectors in added.ignore] == [("NB101",), ("NB3",)]
    assert added.exclude == (Globs(tmp_path, ("a",)), globs)
    assert added.fail_on is None


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("old", "old/x.ipynb", True),
        ("old", "a/old/x.ipynb", True),
        ("old/", "a/old/x.ipynb", True),
        ("old", "older/x.ipynb", False),
        ("*.ipynb", "a/b.ipynb", True),
        ("a/*.ipynb", "a/b.ipynb", True),
        ("a/*.ipynb", "c/a/b.ipynb", False),
        ("./a/b.ipynb", "a/b.ipynb", True),
        ("/a", "a/b.ipynb", True),
        ("/a", "c/a/b.ipynb", False),
        ("a/b", "a/b/c/d.ipynb", True),
        ("**/b.ipynb", "b.ipynb", True),
        ("**/b.ipynb", "a/c/b.ipynb", True),
        ("A", "a/b.ipynb", False),
    ],
)
def test_patterns_match_names_anywhere_and_paths_from_their_folder(pattern: str, path: str, expected: bool) -> None:
    folder = Path("/project")
    assert Globs(folder, (pattern,)).match(folder / path) is expected


def test_patterns_do_not_reach_outside_their_folder() -> None:
    assert not Globs(Path("/project/sub"), ("*",)).match(Path("/project/x.ipynb"))
