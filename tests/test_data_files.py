"""Data files: those the code names, inside the notebook's folder, small enough to be test data."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath

import pytest

from nb2prod.convert.data_files import find_data_files
from nb2prod.convert.plan import MOST_TEST_DATA, LocalFile
from nb2prod.notebook.read import parse_notebook


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a notebook's folder with some files, and one outside it."""
    here = tmp_path / "in"
    for name in ("a.csv", "data/b.csv", "data/c.csv", "data/deep/d.txt", ".hidden/e.csv", "other.ipynb"):
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).write_text(name)
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
        ("open('a.csv', 'w')", []),
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
