"""Folders added to ``sys.path``: they go where the package has the modules itself, and stay where it may not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from generated_suites import cell, convert, run_suite

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a notebook's folder beside one with a module."""
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "tools.py").write_text("def double(x):\n    return 2 * x\n", encoding="utf-8")
    (tmp_path / "empty").mkdir()
    (tmp_path / "notebooks").mkdir()
    return tmp_path / "notebooks"


def steps(folder: Path, *sources: str) -> str:
    """Return the steps of a package made of these cells, whose suite passes."""
    files = convert(folder, *(cell(source, None) for source in sources))
    assert run_suite(folder).returncode == 0
    return files["src/squares/steps.py"]


USE = "from tools import double\nprint(double(21))"


@pytest.mark.parametrize(
    "source",
    [
        "import sys\nsys.path.append('../lib')",
        "import sys\nsys.path.insert(0, '../lib')",
        "import sys; sys.path.append('../lib')",
        "import os\nimport sys\nsys.path.append(os.path.join('..', 'lib'))",
        "import os\nimport sys\nsys.path.insert(1, os.path.abspath('../lib'))",
        "from pathlib import Path\nimport sys\nsys.path.append(str(Path('../lib').resolve()))",
    ],
)
def test_a_folder_whose_modules_come_along_is_no_longer_searched(folder: Path, source: str) -> None:
    text = steps(folder, source, USE)

    assert "from tools import double" in text
    assert not any(word in text for word in ("sys", "import os", "pathlib", "../lib"))
    readme = (folder / "package" / "README.md").read_text("utf-8")
    assert "the modules found there come with the package" in readme


@pytest.mark.parametrize(
    "sources",
    [
        ("import sys\nsys.path.append('../empty')", "print(1)"),
        ("import sys\nsys.path.append('../lib')", USE, "print(len(sys.path) > 0)"),
        ("import sys\nsys.path.append('../lib')", USE, "import importlib\nimportlib.import_module('json')"),
        ("import sys\nsys.path.append('../lib')", USE, "import pickle\nprint(pickle.loads(pickle.dumps(1)))"),
        ("import sys\nif True:\n    sys.path.append('../lib')", USE),
    ],
    ids=["nothing there", "read", "by name", "unpickles", "guarded"],
)
def test_a_folder_stays_where_something_else_may_be_found_in_it(folder: Path, sources: tuple[str, ...]) -> None:
    assert "sys.path.append" in steps(folder, *sources)


def test_a_name_that_stands_in_a_text_keeps_its_import(folder: Path) -> None:
    text = steps(folder, "import sys\nsys.path.append('../lib')", USE, "print(eval('sys.maxsize') > 0)")

    assert "import sys" in text


def test_what_else_uses_the_module_keeps_its_import(folder: Path) -> None:
    text = steps(folder, "import sys\nsys.path.append('../lib')", USE, "print(sys.maxsize > 0)")

    assert "import sys" in text
    assert "../lib" not in text
