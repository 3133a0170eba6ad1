"""Which notebooks are found: named ones always, and in folders what a person would call theirs."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from nb2prod.config import Configuration, Globs, Overrides
from nb2prod.discovery import Discovered, discover
from nb2prod.errors import ConfigurationError


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def found(*paths: Path, exclude: tuple[str, ...] = (), force: bool = False) -> Discovered:
    globs = Globs(Path.cwd(), exclude) if exclude else None
    return discover(paths, Configuration(Overrides(exclude=globs)), force_exclude=force)


def names(*paths: str, exclude: tuple[str, ...] = (), force: bool = False) -> list[str]:
    targets = found(*map(Path, paths), exclude=exclude, force=force).targets
    return [target.path.as_posix() for target in targets]


@pytest.fixture(autouse=True)
def _in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    try:
        subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True, capture_output=True)
    except OSError:
        pytest.skip("needs git")
    return tmp_path


def test_a_folder_gives_its_notebooks_sorted_and_spelled_as_named(tmp_path: Path) -> None:
    touch(tmp_path, "b.ipynb", "a/z.ipynb", "a/readme.md", "c.IPYNB.txt")
    assert names(".") == ["a/z.ipynb", "b.ipynb"]
    assert names("a") == ["a/z.ipynb"]
    assert names(str(tmp_path / "a")) == [(tmp_path / "a" / "z.ipynb").as_posix()]


def test_each_file_is_checked_once(tmp_path: Path) -> None:
    touch(tmp_path, "a/x.ipynb")
    (tmp_path / "link.ipynb").symlink_to("a/x.ipynb")
    assert names("a", "a/x.ipynb", ".", "./a") == ["a/x.ipynb"]


def test_what_nobody_wrote_is_left_out(tmp_path: Path) -> None:
    touch(
        tmp_path,
        "x.ipynb",
        ".ipynb_checkpoints/x-checkpoint.ipynb",
        "node_modules/x.ipynb",
        "lib/site-packages/x.ipynb",
        "env/pyvenv.cfg",
        "env/share/x.ipynb",
    )
    assert names(".") == ["x.ipynb"]


def test_links_to_folders_are_not_followed_and_loops_end(tmp_path: Path) -> None:
    touch(tmp_path, "a/x.ipynb")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    (tmp_path / "other").symlink_to("a")
    assert names(".") == ["a/x.ipynb"]
    assert names("other") == ["other/x.ipynb"]


def test_a_dangling_link_is_found_so_that_it_is_reported(tmp_path: Path) -> None:
    (tmp_path / "gone.ipynb").symlink_to("nowhere")
    assert names(".") == ["gone.ipynb"]
    assert names("gone.ipynb") == ["gone.ipynb"]


def test_a_folder_with_a_notebooks_name_is_a_folder(tmp_path: Path) -> None:
    touch(tmp_path, "odd.ipynb/x.ipynb")
    assert names(".") == ["odd.ipynb/x.ipynb"]


def test_a_path_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"path `nowhere\.ipynb` does not exist"):
        found(Path("nowhere.ipynb"))


def test_a_named_file_is_checked_whatever_it_is_called_and_even_if_excluded(tmp_path: Path) -> None:
    touch(tmp_path, "a/x.ipynb", "a/notes.json", ".ipynb_checkpoints/c.ipynb")
    assert names(".", exclude=("a",)) == []
    assert names("a", exclude=("a",)) == ["a/x.ipynb"]
    assert names("a", exclude=("x.*",)) == []
    assert names("a", exclude=("a/x.*",)) == []
    assert names("a/x.ipynb", exclude=("a",)) == ["a/x.ipynb"]
    assert names("a/notes.json", ".ipynb_checkpoints/c.ipynb") == [".ipynb_checkpoints/c.ipynb", "a/notes.json"]


def test_force_exclude_excludes_named_files_too(tmp_path: Path) -> None:
    touch(tmp_path, "a/x.ipynb", "b/x.ipynb")
    assert names("a/x.ipynb", "b/x.ipynb", exclude=("a",), force=True) == ["b/x.ipynb"]
    assert names("a", "b", exclude=("a",), force=True) == ["b/x.ipynb"]


def test_the_settings_of_the_nearest_project_hold(tmp_path: Path) -> None:
    touch(tmp_path, "a/old/x.ipynb", "a/x.ipynb", "old/x.ipynb")
    (tmp_path / "a" / "pyproject.toml").write_text("[tool.nb2prod]\nexclude = ['old']\n", encoding="utf-8")
    targets = found(Path()).targets
    assert [target.path.as_posix() for target in targets] == ["a/x.ipynb", "old/x.ipynb"]
    assert [target.settings.source for target in targets] == [tmp_path / "a" / "pyproject.toml", None]


def test_git_ignored_notebooks_are_left_out_unless_tracked_or_named(repository: Path) -> None:
    touch(repository, "x.ipynb", "scratch/y.ipynb", "scratch/kept.ipynb", "deep/scratch/z.ipynb")
    (repository / ".gitignore").write_text("scratch/\n", encoding="utf-8")
    subprocess.run(["git", "-C", str(repository), "add", "-f", "scratch/kept.ipynb"], check=True)
    assert names(".") == ["scratch/kept.ipynb", "x.ipynb"]
    assert names("deep") == []
    assert names("scratch/y.ipynb") == ["scratch/y.ipynb"]


def test_an_ignored_folder_that_is_named_is_searched(repository: Path) -> None:
    touch(repository, "build/x.ipynb")
    (repository / ".gitignore").write_text("build/\n", encoding="utf-8")
    assert names(".") == []
    assert names("build") == ["build/x.ipynb"]


def test_a_repository_inside_a_repository_has_its_own_rules(repository: Path) -> None:
    touch(repository, "inner/a.ipynb", "inner/b.ipynb")
    subprocess.run(["git", "init", "--quiet", str(repository / "inner")], check=True, capture_output=True)
    (repository / "inner" / ".gitignore").write_text("b.ipynb\n", encoding="utf-8")
    assert names(".") == ["inner/a.ipynb"]


def test_without_git_ignored_files_are_checked_and_it_is_said(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(repository, "x.ipynb")
    (repository / ".gitignore").write_text("*.ipynb\n", encoding="utf-8")
    monkeypatch.setenv("PATH", os.devnull)
    result = found(Path())
    assert [target.path.name for target in result.targets] == ["x.ipynb"]
    assert result.notices == (f"git could not list `{repository}`: git-ignored notebooks are checked as well",)


def test_a_repository_cannot_make_the_search_run_its_programs(repository: Path) -> None:
    touch(repository, "x.ipynb")
    program = repository / "spy.sh"
    program.write_text(f"#!/bin/sh\ntouch {repository / 'ran'}\n", encoding="utf-8")
    program.chmod(0o755)
    subprocess.run(["git", "-C", str(repository), "config", "core.fsmonitor", str(program)], check=True)
    assert names(".") == ["x.ipynb"]
    assert not (repository / "ran").exists()


def test_a_git_hook_environment_does_not_mislead_the_search(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(repository, "x.ipynb")
    monkeypatch.setenv("GIT_DIR", str(repository / "elsewhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(repository / "elsewhere" / "index"))
    assert names(".") == ["x.ipynb"]
    assert found(Path()).notices == ()


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs a folder that may not be read")
def test_a_folder_that_cannot_be_read_is_said_and_the_search_goes_on(tmp_path: Path) -> None:
    touch(tmp_path, "a/x.ipynb", "b/x.ipynb")
    (tmp_path / "a").chmod(0)
    result = found(Path())
    (tmp_path / "a").chmod(0o755)
    assert [target.path.as_posix() for target in result.targets] == ["b/x.ipynb"]
    assert result.notices == ("folder `a` cannot be read: Permission denied",)
