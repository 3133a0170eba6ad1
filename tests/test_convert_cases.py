"""Every fixture through conversion: the package prints exactly what its notebook printed."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nb2prod.convert.api import convert_notebook
from nb2prod.convert.write import write_package
from nb2prod.errors import RefusedError
from nb2prod.notebook.read import read_notebook

if TYPE_CHECKING:
    from nb2prod.convert.api import Conversion

CASES = sorted(path.parent for path in (Path(__file__).parent.parent / "fixtures" / "cases").glob("*/notebook.ipynb"))

# The stories whose meaning a package cannot hold yet, with the cells that say so.
REFUSED: dict[str, list[str]] = {
    "constructs_module_name": ["cell 4", "cell 5"],
    "constructs_star_import": ["cell 5"],
}
# Libraries the tests can do without: a story that imports one that is not installed is not run.
NEEDED = {"pandas", "numpy", "matplotlib", "sklearn", "joblib"}


@pytest.fixture(scope="module", params=CASES, ids=lambda path: path.name)
def case(request: pytest.FixtureRequest) -> Path:
    folder: Path = request.param
    return folder


@pytest.fixture(scope="module")
def conversion(case: Path) -> Conversion:
    if case.name in REFUSED:
        pytest.skip("refused: see the test of refusals")
    return convert_notebook(case / "notebook.ipynb")


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_a_refused_story_names_its_cells(name: str) -> None:
    folder = next((case for case in CASES if case.name == name), None)
    if folder is None:
        pytest.skip("no such story here")
    with pytest.raises(RefusedError) as refused:
        convert_notebook(folder / "notebook.ipynb")

    assert [reason.split(",")[0] for reason in refused.value.reasons] == REFUSED[name]


def test_the_package_prints_what_the_notebook_printed(conversion: Conversion, case: Path, tmp_path: Path) -> None:
    expected = case / "stdout.txt"
    if not expected.is_file():
        pytest.skip("the notebook does not run from top to bottom")
    imported = {name for each in conversion.plan.imports for name in _roots(each.text)} & NEEDED
    if missing := sorted(name for name in imported if importlib.util.find_spec(name) is None):
        pytest.skip(f"needs {', '.join(missing)}")
    write_package(conversion.package, tmp_path / "package")
    work = tmp_path / "work"
    shutil.copytree(case, work)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "package" / "src"), "PYTHONUTF8": "1"}
    done = subprocess.run(
        [sys.executable, "-m", conversion.package.name],
        cwd=work,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout == expected.read_text(encoding="utf-8")


def test_every_statement_of_the_notebook_is_in_the_manifest_once(conversion: Conversion, case: Path) -> None:
    data = json.loads(conversion.package.files["conversion.json"])
    found = [(row["cell"], row["statement"]) for row in data["statements"] if "included" not in row]
    notebook = read_notebook(case / "notebook.ipynb")
    expected = [
        (cell.index, number)
        for cell in notebook.code_cells
        for number in range(1, len(cell.tree.body if cell.tree is not None else ()) + 1)
    ]

    assert found == expected, case.name


def test_every_comment_beside_moved_code_is_kept(conversion: Conversion) -> None:
    source = f"src/{conversion.package.name}"
    text = "".join(conversion.package.files[f"{source}/{name}.py"].decode() for name in ("steps", "config"))
    moved = [row["cell"] for row in json.loads(conversion.package.files["conversion.json"])["statements"]]
    for cell in conversion.plan.notebook.code_cells:
        if cell.index not in moved or cell.magics:
            continue
        for line in cell.lines:
            if line.lstrip().startswith("# "):
                assert line.strip() in text


def test_the_generated_python_compiles_and_none_of_ours_breaks_a_lint_rule(
    conversion: Conversion, tmp_path: Path
) -> None:
    for path, content in conversion.package.files.items():
        if path.endswith(".py"):
            compile(content, path, "exec", dont_inherit=True)
    write_package(conversion.package, tmp_path / "package")
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--no-cache", "."],
        cwd=tmp_path / "package",
        capture_output=True,
        encoding="utf-8",
        check=False,
    )

    assert done.returncode == 0, done.stdout


def test_importing_the_package_prints_nothing_and_leaves_nothing(conversion: Conversion, tmp_path: Path) -> None:
    write_package(conversion.package, tmp_path / "package")
    (tmp_path / "empty").mkdir()
    modules = ["", ".cli", ".config", ".settings"]
    code = "; ".join(f"import {conversion.package.name}{module}" for module in modules)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "package" / "src")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path / "empty",
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list((tmp_path / "empty").iterdir()) == []


def _roots(text: str) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names
