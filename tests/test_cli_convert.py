"""``nb2prod convert`` from the outside: exit codes, messages, what is on disk."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from nb2prod import __version__
from nb2prod.cli import run
from nb2prod.convert import convert
from nb2prod.generated import digest

if TYPE_CHECKING:
    from pathlib import Path


def notebook(folder: Path, *sources: str, name: str = "sales.ipynb") -> Path:
    cells: list[dict[str, object]] = [
        {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": source}
        for source in sources
    ]
    path = folder / name
    path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}))
    return path


def test_a_conversion_says_what_it_made_and_what_comes_next(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = notebook(tmp_path, "x = 1", "print(x)")

    assert run(["convert", str(path), "--output", str(tmp_path / "out")]) == 0

    printed = capsys.readouterr()
    assert printed.err == ""
    assert f"{path} → {tmp_path / 'out'}" in printed.out
    assert "cells 1, 2" in printed.out
    assert (tmp_path / "out" / "src" / "sales_pipeline" / "__main__.py").is_file() or (
        tmp_path / "out" / "src" / "sales" / "__main__.py"
    ).is_file()


def test_refusals_come_all_at_once_with_their_cells_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = notebook(tmp_path, "x = 1", "exec('y = 2')", "%no_such_magic")

    assert run(["convert", str(path), "--output", str(tmp_path / "out")]) == 1

    head, *lines, empty, advice = capsys.readouterr().err.splitlines()
    assert head == "error: not converted, and nothing was written:"
    assert [line.split(":")[0] for line in lines] == ["  cell 2, line 1", "  cell 3, line 1"]
    assert (empty, advice) == ("", "Next: change these cells, or convert the rest with --partial")
    assert not (tmp_path / "out").exists()


def test_the_package_can_be_named(tmp_path: Path) -> None:
    path = notebook(tmp_path, "x = 1")

    assert run(["convert", str(path), "--output", str(tmp_path / "out"), "--name", "monthly"]) == 0

    assert (tmp_path / "out" / "src" / "monthly" / "pipeline.py").is_file()


@pytest.mark.parametrize("name", ["1st", "a-b", "class", "json", "numpy", "../x", "é"])
def test_a_name_no_package_can_have_is_a_usage_error(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = notebook(tmp_path, "import numpy as np")

    assert run(["convert", str(path), "--output", str(tmp_path / "out"), "--name", name]) == 2

    assert f"--name {name}: " in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("content", [None, "", "{", "[]"])
def test_what_is_no_notebook_is_a_usage_error(
    content: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.ipynb"
    if content is not None:
        path.write_text(content)

    assert run(["convert", str(path), "--output", str(tmp_path / "out")]) == 2

    assert str(path) in capsys.readouterr().err


def test_a_missing_output_is_a_usage_error(tmp_path: Path) -> None:
    assert run(["convert", str(notebook(tmp_path, "x = 1"))]) == 2


def test_edits_are_kept_unless_forced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = notebook(tmp_path, "x = 1")
    arguments = ["convert", str(path), "--output", str(tmp_path / "out"), "--name", "monthly"]
    assert run(arguments) == 0
    edited = tmp_path / "out" / "README.md"
    edited.write_text("mine")
    capsys.readouterr()

    assert run(arguments) == 1
    assert "README.md has been edited since it was generated" in capsys.readouterr().err
    assert edited.read_text() == "mine"

    assert run([*arguments, "--force"]) == 0
    assert edited.read_text() != "mine"


def test_converting_again_changes_nothing(tmp_path: Path) -> None:
    path = notebook(tmp_path, "x = {1, 2}\nprint(x)")
    arguments = ["convert", str(path), "--output", str(tmp_path / "out"), "--name", "monthly"]
    assert run(arguments) == 0
    before = {file: (file.read_bytes(), file.stat().st_mtime_ns) for file in (tmp_path / "out").rglob("*.*")}

    assert run(arguments) == 0

    assert {file: (file.read_bytes(), file.stat().st_mtime_ns) for file in (tmp_path / "out").rglob("*.*")} == before


def test_conversion_is_a_function_too(tmp_path: Path) -> None:
    package = convert(notebook(tmp_path, "x = 1\nprint(x)"), name="monthly")

    assert package.name == "monthly"
    assert b"print(x)" in package.files["src/monthly/steps.py"]


def test_a_parameter_no_configuration_can_have_stays_a_value_of_its_step(tmp_path: Path) -> None:
    path = notebook(tmp_path, "Path = 'a.csv'\nfield = 1", "print(Path, field)")
    data = json.loads(path.read_text())
    data["cells"][0]["metadata"]["tags"] = ["parameters"]
    path.write_text(json.dumps(data))

    assert run(["convert", str(path), "--output", str(tmp_path / "out"), "--name", "story"]) == 0

    assert 'Path = "a.csv"\n    field = 1\n' in (tmp_path / "out" / "src" / "story" / "steps.py").read_text()


def test_a_dry_run_says_what_would_become_of_each_cell_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = notebook(
        tmp_path, "import math\n%matplotlib inline", "x = 1\nx", "def f(a):\n    return a\nprint(f(math.pi), x)"
    )

    assert run(["convert", str(path), "--dry-run"]) == 0

    rows = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines() if line.startswith("  ")]
    assert rows == [
        "cell 1 line 1 import at module level",
        "line 2 left out: it only concerns what the notebook shows",
        "cell 2 line 1 step run_notebook",
        "line 2 step run_notebook, shown as x",
        "cell 3 lines 1-2 function f at module level",
        "line 3 step run_notebook",
    ]
    assert [each.name for each in tmp_path.iterdir()] == ["sales.ipynb"]


def test_a_dry_run_shows_refusals_among_the_rest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = notebook(tmp_path, "x = 1", "exec('y = 2')\nprint(x)", "print(")

    assert run(["convert", str(path), "--dry-run", "--output", str(tmp_path / "out")]) == 1

    out = capsys.readouterr().out
    assert "cell 2  line 1  refused: exec() sees names that no function has; pass the values it needs" in out
    assert "cell 3  line 1  refused: " in out
    assert "2 refusals: the notebook would not be converted; nothing was written" in out
    assert not (tmp_path / "out").exists()


def test_a_diff_shows_what_would_change_and_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = notebook(tmp_path, "x = 1", "print(x)")
    arguments = ["convert", str(path), "--output", str(tmp_path / "out"), "--name", "monthly"]
    assert run([*arguments, "--diff"]) == 1
    assert "+++ b/src/monthly/steps.py" in capsys.readouterr().out
    assert not (tmp_path / "out").exists()
    assert run(arguments) == 0
    capsys.readouterr()
    assert run([*arguments, "--diff"]) == 0
    assert capsys.readouterr().out == ""

    steps = tmp_path / "out" / "src" / "monthly" / "steps.py"
    steps.write_text(steps.read_text().replace("print(x)", "print(x + 1)"))
    assert run([*arguments, "--diff"]) == 1

    out = capsys.readouterr().out
    assert "-    print(x + 1)\n+    print(x)\n" in out
    assert "print(x + 1)" in steps.read_text()


def test_the_notebook_is_never_touched(tmp_path: Path) -> None:
    path = notebook(tmp_path, "x = 1")
    before = (path.read_bytes(), path.stat().st_mtime_ns)
    for mode in ([], ["--diff"], ["--dry-run"]):
        run(["convert", str(path), "--output", str(tmp_path / "out"), *mode])

    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


def test_a_package_beside_its_notebook_keeps_its_name_when_converted_again(tmp_path: Path) -> None:
    path = notebook(tmp_path, "x = 1")
    arguments = ["convert", str(path), "--output", str(tmp_path / "sales")]
    assert run(arguments) == 0
    (tmp_path / "sales.csv").write_text("what a run has written")
    before = {file: file.read_bytes() for file in (tmp_path / "sales").rglob("*.*")}

    assert run(arguments) == 0

    assert {file: file.read_bytes() for file in (tmp_path / "sales").rglob("*.*")} == before
    assert (tmp_path / "sales" / "src" / "sales").is_dir()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--dry-run", "--diff"],
        ["--diff", "--verify"],
        ["--dry-run", "--force"],
        ["--diff", "--force"],
        ["--python", "p"],
    ],
)
def test_options_that_contradict_each_other_are_a_usage_error(arguments: list[str], tmp_path: Path) -> None:
    assert run(["convert", str(notebook(tmp_path, "x = 1")), "--output", str(tmp_path / "out"), *arguments]) == 2


def test_a_request_to_end_leaves_nothing_half_written(tmp_path: Path) -> None:
    """SIGTERM while the files are being written, as a build server sends it."""
    path = notebook(tmp_path, "x = 1")
    code = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom nb2prod.cli import main\n"
        "real = Path.write_bytes\n"
        "def write(self, data):\n    done = real(self, data)\n"
        "    if self.name == 'pyproject.toml':\n        os.kill(os.getpid(), signal.SIGTERM)\n    return done\n"
        "Path.write_bytes = write\nmain(sys.argv[1:])"
    )
    done = subprocess.run([sys.executable, "-c", code, "convert", str(path), "-o", str(tmp_path / "out")], check=False)

    assert done.returncode == 128 + signal.SIGTERM
    assert [each.name for each in tmp_path.iterdir()] == ["sales.ipynb"]


@pytest.fixture
def converted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Convert a notebook of three cells and return how to ask whether the package still matches."""
    arguments = ["convert", str(notebook(tmp_path, "x = 1", "y = 2", "print(x)")), "--output", str(tmp_path / "out")]
    assert run([*arguments, "--name", "monthly"]) == 0
    capsys.readouterr()
    return [*arguments, "--check"]


def test_a_package_matches_its_notebook_until_one_of_them_changes(
    converted: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(converted) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'sales.ipynb'} and {tmp_path / 'out'} match\n"

    notebook(tmp_path, "x = 1", "print(x + 1)", "z = 3")
    assert run(converted) == 1

    lines = capsys.readouterr().out.splitlines()
    assert lines[1:4] == [
        "  cell 2 has changed",
        "  cell 3 has changed",
        "  README.md is out of date: the notebook has changed",
    ]
    assert "  src/monthly/steps.py is out of date: the notebook has changed" in lines


def test_cells_that_come_and_go_are_told_from_those_that_change(
    converted: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    notebook(tmp_path, "n = 0", "x = 1", "print(x)")
    assert run(converted) == 1

    assert capsys.readouterr().out.splitlines()[1:3] == ["  cell 1 is new", "  what was cell 2 is gone"]


def test_edited_and_lost_files_of_a_package_are_named(
    converted: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out" / "README.md").write_text("mine")
    (tmp_path / "out" / "src" / "monthly" / "cli.py").unlink()
    before = sorted((tmp_path / "out").rglob("*"))

    assert run(converted) == 1

    assert capsys.readouterr().out.splitlines()[1:3] == [
        "  README.md has been edited since it was generated",
        "  src/monthly/cli.py is gone",
    ]
    assert sorted((tmp_path / "out").rglob("*")) == before


def test_a_notebook_saved_again_still_matches(
    converted: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "sales.ipynb"
    data = json.loads(path.read_text())
    data["cells"][0]["execution_count"] = 7
    path.write_text(json.dumps(data))

    assert run(converted) == 0

    assert "saved again; that makes no difference" in capsys.readouterr().out


def test_another_version_that_makes_other_files_is_named(
    converted: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The files of an older nb2prod: one of them was another then, and the manifest says so."""
    folder = tmp_path / "out"
    for file in (folder / "README.md", folder / "conversion.json"):
        text = file.read_text().replace(f"nb2prod {__version__}", "nb2prod 0.0.1")
        file.write_text(text.replace("## Run", "## How to run"))
    manifest = json.loads((folder / "conversion.json").read_text())
    manifest["files"]["README.md"] = digest((folder / "README.md").read_bytes())
    (folder / "conversion.json").write_text(json.dumps(manifest))

    assert run(converted) == 1

    made_by = f"nb2prod {__version__} makes another than nb2prod 0.0.1 did"
    assert capsys.readouterr().out.splitlines()[1] == f"  README.md is out of date: {made_by}"


def test_only_a_package_of_this_notebook_can_match(converted: list[str], tmp_path: Path) -> None:
    other = notebook(tmp_path, "x = 1", name="other.ipynb")
    assert run(["convert", str(other), "--output", str(tmp_path / "out"), "--check"]) == 2
    assert run([*converted, "--name", "x"]) == 2
    (tmp_path / "out" / "conversion.json").unlink()
    assert run(converted) == 2


def test_the_package_itself_is_the_way_to_the_function(tmp_path: Path) -> None:
    """``nb2prod.convert(path)`` works before and after anything has imported the modules of that name."""
    path = notebook(tmp_path, "x = 1", "exec('y')")
    code = (
        "import sys, nb2prod\n"
        "assert not any(name.startswith('nb2prod.') for name in sys.modules)\n"
        "package = nb2prod.convert(sys.argv[1], partial=True)\n"
        "import nb2prod.convert.write\n"
        "again = nb2prod.convert(sys.argv[1], 'sales', partial=True)\n"
        "print(package.name, package == again, package.not_converted)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, encoding="utf-8", check=False)

    assert done.stdout.startswith("sales True ('cell 2, line 1: exec()"), done.stderr


def test_tests_made_of_an_observed_run_are_not_made_again_to_be_compared(
    converted: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What ``--verify`` leaves: tests with values nobody can know without a run, and a manifest that says so."""
    folder = tmp_path / "out"
    test = folder / "tests" / "test_observed.py"
    test.write_text("x = 1\n")
    manifest = json.loads((folder / "conversion.json").read_text())
    manifest["files"]["tests/test_observed.py"] = digest(test.read_bytes())
    (folder / "conversion.json").write_text(json.dumps(manifest))
    assert run(converted) == 1

    (folder / "conversion.json").write_text(json.dumps({**manifest, "observed": True}))
    assert run(converted) == 0

    test.write_text("x = 2\n")
    assert run(converted) == 1
    assert "tests/test_observed.py has been edited" in capsys.readouterr().out
