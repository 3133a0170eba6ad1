"""Data files: those the code names, in the notebook's folder and project, small enough to be test data."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path, PurePosixPath

import pytest
from notebooks import document

import nb2prod
from nb2prod.convert.api import convert_notebook
from nb2prod.convert.data_files import find_data_files, named_folders
from nb2prod.convert.plan import MOST_TEST_DATA, LocalFile
from nb2prod.convert.write import write_package
from nb2prod.notebook.read import parse_notebook


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a notebook's folder with some files, and one outside it."""
    here = tmp_path / "in"
    for name in ("a.csv", "data/b.csv", "data/c.csv", "data/deep/d.txt", ".hidden/e.csv", "other.ipynb"):
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).write_text(name)
    (here / "pyproject.toml").touch()
    (tmp_path / "outside.csv").write_text("x")
    return here


def named(folder: Path, source: str, local: tuple[LocalFile, ...] = (), most_bytes: int = MOST_TEST_DATA) -> list[str]:
    """Return the files that a notebook with this code names."""
    cell: dict[str, object] = {
        "cell_type": "code",
        "metadata": {},
        "outputs": [],
        "execution_count": None,
        "source": source,
    }
    content = json.dumps({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": [cell]})
    found = find_data_files(parse_notebook(content, folder / "n.ipynb"), folder, local, most_bytes)
    return [path.as_posix() for path in found]


@pytest.mark.parametrize(
    ("source", "files"),
    [
        ("read('a.csv')", ["a.csv"]),
        ("read('./data/../a.csv')", ["a.csv"]),
        ("read('data/b.csv', 'a.csv')", ["a.csv", "data/b.csv"]),
        ("read(os.path.join('data', 'b.csv'))", ["data/b.csv"]),
        ("read(Path('data') / 'b.csv')", ["data/b.csv"]),
        ("folder = 'data/'\nread(folder + 'b.csv')", ["data/b.csv"]),
        ("folder = 'data'\nread(f'{folder}/b.csv')", ["data/b.csv"]),
        ("glob.glob('data/*.csv')", ["data/b.csv", "data/c.csv"]),
        ("os.listdir('data')", ["data/b.csv", "data/c.csv", "data/deep/d.txt"]),
        ("Path('data').rglob('*.txt')", ["data/b.csv", "data/c.csv", "data/deep/d.txt"]),
        ("folder = 'data'", []),
        ("read('missing.csv')", []),
        ("read('../outside.csv')", []),
        ("read('.hidden/e.csv')", []),
        ("read('other.ipynb')", []),
        ("table.to_csv('a.csv')", []),
        ("dump(model, 'a.csv')", []),
        ("open('a.csv', 'w')", []),
        ("joblib.dump(model, 'a.csv')", []),
        ("table.to_csv(path_or_buf='a.csv')", []),
        ("out = 'a.csv'\ntable.to_csv(out)", []),
        ("out = 'data'\nnp.save(os.path.join(out, 'b.csv'), rows)", []),
        ("both = 'a.csv'\ntable = read(both)\ntable.to_csv(both)", ["a.csv"]),
        ("name = 'a.csv'\nsave_report(rows, name)", ["a.csv"]),
        ("open('a.csv')", ["a.csv"]),
        ("load('a.csv').to_csv('data/b.csv')", ["a.csv"]),
        ("'a text with a * and a ['", []),
        ("'x' * 3, '', '\\0', 'https://example.org/z.csv'", []),
        ("download('https://example.org/data/a.csv?raw=1')", ["a.csv"]),
        ("folder = 'data/'\nfolder = g()\nread(folder + 'b.csv')", []),
    ],
)
def test_files_are_found_by_the_texts_that_name_them(folder: Path, source: str, files: list[str]) -> None:
    assert named(folder, source) == files


@pytest.fixture
def deep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a notebook that stands two folders below the top of its project."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    top = tmp_path / "home" / "project"
    for name in ("data/a.csv", "notebooks/b.csv", ".env", "notebooks/work/c.csv", "../outside.csv"):
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(name)
    return top / "notebooks" / "work"


@pytest.mark.parametrize(
    ("source", "files"),
    [
        ("read('../../data/a.csv', '../b.csv', 'c.csv')", ["../../data/a.csv", "../b.csv", "c.csv"]),
        ("read('../work/../../data/a.csv')", ["../../data/a.csv"]),
        ("glob('../*.csv')", ["../b.csv"]),
        ("os.listdir('../../data')", ["../../data/a.csv"]),
        ("os.listdir('../..'), os.listdir('..')", []),
        ("read('../../.env')", []),
        ("read('../../../outside.csv')", []),
        ("read('../../../../home/outside.csv')", []),
        ("table.to_csv('../b.csv')", []),
    ],
)
@pytest.mark.parametrize("top", [".git", "setup.py", None])
def test_files_above_the_notebook_are_found_in_its_project(
    deep: Path, top: str | None, source: str, files: list[str]
) -> None:
    if top is not None:
        (deep.parent.parent / top).touch()
    assert sorted(named(deep, source)) == files


@pytest.mark.parametrize(
    ("source", "folders"),
    [
        ("table.to_csv('../../data/b.csv')", ("../../data",)),
        ("table.to_csv('../../data/none/b.csv')", ()),
        ("table.to_csv('../b.csv')", ()),
        ("table.to_csv('../../../b.csv')", ()),
        ("table.to_csv('../../../project/b.csv')", ()),
    ],
)
def test_folders_above_the_notebook_are_named_in_its_project(deep: Path, source: str, folders: tuple[str, ...]) -> None:
    (deep.parent.parent / ".git").touch()
    notebook = parse_notebook(document(source), deep / "n.ipynb")

    assert named_folders(notebook, deep) == folders


@pytest.mark.parametrize("reads", ["", "data = open('../b.csv').read()\n"])
def test_tests_run_below_the_folders_that_are_written_to(deep: Path, reads: str) -> None:
    source = f"{reads}with open('../../data/out.txt', 'w') as file:\n    file.write('1')\nprint('written')"
    path = deep / "n.ipynb"
    path.write_bytes(document(source))
    write_package(convert_notebook(path).package, deep / "out")
    environment = {**os.environ, "PYTHONPATH": str(Path(nb2prod.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"],
        cwd=deep / "out",
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout
    assert not (deep.parent.parent / "data" / "out.txt").exists()


def test_no_file_is_found_above_the_top_of_a_project(deep: Path) -> None:
    (deep / "pyproject.toml").touch()
    assert named(deep, "read('../b.csv', 'c.csv')") == ["c.csv"]


def test_a_link_out_of_the_folder_that_is_named_is_not_followed(deep: Path) -> None:
    (deep / "link.csv").symlink_to(deep.parent / "b.csv")
    assert named(deep, "read('link.csv')") == []


def test_an_absolute_path_names_nothing(folder: Path) -> None:
    assert named(folder, f"read({str(folder / 'a.csv')!r})") == []


def test_local_modules_name_files_as_well(folder: Path) -> None:
    local = (LocalFile(PurePosixPath("m.py"), "src/m.py", b"PATH = 'data/c.csv'"),)
    assert named(folder, "import m", local) == ["data/c.csv"]


def test_a_link_to_outside_is_not_followed(folder: Path) -> None:
    (folder / "link.csv").symlink_to(folder.parent / "outside.csv")
    assert named(folder, "read('link.csv')") == []


def test_nothing_comes_where_it_is_too_much_together(folder: Path) -> None:
    assert named(folder, "read('a.csv')", most_bytes=12) == ["a.csv"]
    assert named(folder, "read('a.csv', 'data/b.csv')", most_bytes=12) == []
