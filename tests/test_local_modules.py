"""Local modules: found beside the notebook and where it adds to sys.path, never elsewhere."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from nb2prod.convert import local_modules
from nb2prod.convert.local_modules import find_local_modules
from nb2prod.errors import RefusedError
from nb2prod.notebook.read import read_notebook

if TYPE_CHECKING:
    from pathlib import Path


def targets(folder: Path, *cells: str) -> list[str]:
    """Return the targets of what a notebook of these code cells in ``folder`` takes along."""
    saved: list[dict[str, object]] = [
        {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": cell} for cell in cells
    ]
    path = folder / "n.ipynb"
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": saved}))
    found = find_local_modules(path, read_notebook(path))
    return [file.target for file in found]


def write(folder: Path, **files: str) -> None:
    """Write files; ``__`` in a name stands for a slash."""
    for name, text in files.items():
        path = folder / (name.replace("__", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_imported_modules_come_with_what_they_import(tmp_path: Path) -> None:
    write(tmp_path, a="import b, numpy", b="def f():\n    from c import x", c="x = 1", unused="")
    assert targets(tmp_path, "import os\nfrom a import f") == ["src/a.py", "src/b.py", "src/c.py"]


def test_a_package_comes_whole_without_caches(tmp_path: Path) -> None:
    write(tmp_path, p__one="", p__sub__two="import a", a="")
    (tmp_path / "p" / "__pycache__").mkdir()
    (tmp_path / "p" / "__pycache__" / "x.py").touch()
    (tmp_path / "p" / "__init__.py").touch()
    (tmp_path / "p" / "data.csv").touch()
    assert targets(tmp_path, "import p") == ["src/a.py", "src/p/__init__.py", "src/p/one.py", "src/p/sub/two.py"]


def test_a_folder_without_init_gives_the_modules_imported(tmp_path: Path) -> None:
    write(tmp_path, p__one="from . import two\nfrom .three import x", p__two="", p__three="x = 1", p__four="")
    assert targets(tmp_path, "from p.one import f") == ["src/p/one.py", "src/p/three.py", "src/p/two.py"]


@pytest.mark.parametrize(
    "added",
    [
        "sys.path.append('../src')",
        "sys.path.insert(0, '../src')",
        "sys.path.append(os.path.join('..', 'src'))",
        "sys.path.append(os.path.abspath(os.path.join('..', 'src')))",
        "sys.path.append(str(Path('..') / 'src'))",
        "sys.path.append(str(Path.cwd().parent / 'src'))",
        "%cd ..\n%cd src",
        "os.chdir('../src')",
        "root = os.path.abspath('..')\nsys.path.append(root + '/src')",
        "sys.path.append(os.path.join(os.getcwd(), '..', 'src'))",
        "sys.path.append(os.path.join(os.path.dirname(os.getcwd()), 'src'))",
    ],
)
def test_folders_added_to_the_path_are_searched(tmp_path: Path, added: str) -> None:
    folder = tmp_path / "notebooks"
    folder.mkdir()
    write(tmp_path, src__a="import b", src__b="")
    assert targets(folder, f"import sys, os\nfrom pathlib import Path\n{added}\nimport a") == ["src/a.py", "src/b.py"]


@pytest.mark.parametrize("added", ["", "sys.path.append(where())", "sys.path.append('~/src')"])
def test_nothing_outside_the_folder_is_taken_without_a_literal_path(tmp_path: Path, added: str) -> None:
    folder = tmp_path / "notebooks"
    folder.mkdir()
    write(tmp_path, src__a="", a="")
    assert targets(folder, f"import sys\n{added}\nimport a") == []


def test_an_absolute_folder_is_not_searched(tmp_path: Path) -> None:
    folder = tmp_path / "notebooks"
    folder.mkdir()
    write(tmp_path, a="")
    assert targets(folder, f"import sys\nsys.path.append({str(tmp_path)!r})\nimport a") == []


def test_inserted_folders_come_before_the_notebooks_own(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    write(tmp_path, a="first = 1")
    write(folder, a="second = 2")
    targets(folder, "import sys\nsys.path.insert(0, '..')\nimport a")
    path = folder / "n.ipynb"
    assert [file.content for file in find_local_modules(path, read_notebook(path))] == [b"first = 1"]


def test_names_of_the_standard_library_are_not_local(tmp_path: Path) -> None:
    write(tmp_path, json="")
    assert targets(tmp_path, "import json") == []


def test_a_module_with_broken_python_comes_as_it_is(tmp_path: Path) -> None:
    write(tmp_path, a="print 'python 2'")
    assert targets(tmp_path, "import a") == ["src/a.py"]


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links")
def test_a_link_to_outside_is_refused_by_cell(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    write(tmp_path, secret="")
    (folder / "a.py").symlink_to(tmp_path / "secret.py")
    with pytest.raises(RefusedError, match=r"cell 2: a\.py is a link"):
        targets(folder, "x = 1", "import a")


def test_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_modules, "_MOST_BYTES", 10)
    write(tmp_path, a="x = 'more than ten'")
    with pytest.raises(RefusedError, match="cell 1: the modules"):
        targets(tmp_path, "import a")


def test_modules_the_notebook_writes_come_as_it_writes_them(tmp_path: Path) -> None:
    path = tmp_path / "n.ipynb"
    cells = (
        "%%writefile rates.py\nimport b\nx = 1",
        "%%writefile p/q.py\n",
        "%%writefile -a c.py\n",
        "import rates, c",
    )
    write(tmp_path, b="")
    assert targets(tmp_path, *cells, "from p.q import x") == ["src/b.py", "src/p/q.py", "src/rates.py"]
    assert find_local_modules(path, read_notebook(path))[-1].content == b"import b\nx = 1\n"


def test_a_written_module_that_stands_there_already_must_be_the_same(tmp_path: Path) -> None:
    write(tmp_path, rates="x = 1\n")
    cells = ("%%writefile rates.py\nx = 1", "import rates")
    assert targets(tmp_path, *cells) == ["src/rates.py"]
    write(tmp_path, rates="x = 2\n")
    with pytest.raises(RefusedError, match=r"cell 2: rates\.py beside the notebook is not"):
        targets(tmp_path, *cells)
