"""``%run``: what the file does is converted as if it stood in the cell, and what cannot be followed is refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from notebooks import document

from nb2prod.cli import run
from nb2prod.convert.api import convert_notebook, plan_notebook
from nb2prod.convert.plan import DEFAULTS
from nb2prod.convert.write import write_package

if TYPE_CHECKING:
    from pathlib import Path


def write(folder: Path, **files: list[str] | str) -> Path:
    """Write notebooks (lists of cells) and scripts (texts) by name, and return the path of ``main.ipynb``."""
    for name, content in files.items():
        if isinstance(content, list):
            (folder / f"{name}.ipynb").write_bytes(document(*content, markdown="# "))
        else:
            (folder / f"{name}.py").write_text(content)
    return folder / "main.ipynb"


def printed(path: Path) -> tuple[str, str]:
    """Return what the package of a notebook prints where the notebook is, and what it displays."""
    package = convert_notebook(path).package
    output = path.parent / "package"
    write_package(package, output)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, "-m", package.name],
        cwd=path.parent,
        env=environment | {"PYTHONPATH": str(output / "src"), "PYTHONUTF8": "1"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


def refusals(path: Path) -> list[str]:
    return [str(each) for each in plan_notebook(path, DEFAULTS).plan.refusals]


def test_names_that_a_notebook_binds_are_there_for_the_cells_below(tmp_path: Path) -> None:
    path = write(tmp_path, main=["%run other.ipynb", "print(double(base))"],
                 other=["base = 4", "def double(x):\n    return 2 * x\nprint('ran')"])  # fmt: skip

    assert printed(path) == ("ran\n8\n", "")
    package = convert_notebook(path).package
    assert "\ndef double(x):" in package.files[f"src/{package.name}/steps.py"].decode()


def test_nothing_a_file_would_display_is_shown_and_the_rest_of_the_cell_is(tmp_path: Path) -> None:
    path = write(tmp_path, main=["a = 1\n%run other.ipynb\n%run -i more.py\na + b"], other=["b = 2\nb", "b + a"],
                 more="b = b * 10\nb\n")  # fmt: skip

    assert printed(path) == ("", "cell_1_value: 21\n")


def test_a_file_that_is_run_may_run_another_from_the_folder_of_the_first(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    path = write(tmp_path, main=["%run lib/inner.ipynb", "print(x)"], setup="x = 3\n")
    write(tmp_path / "lib", inner=["%run setup.py", "x = x + 1"])

    assert printed(path) == ("4\n", "")


def test_a_module_beside_the_file_that_is_run_is_taken_along(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    path = write(tmp_path, main=["%run lib/inner.ipynb"])
    write(tmp_path / "lib", inner=["import helpermod\nprint(helpermod.VALUE)"], helpermod="VALUE = 5\n")

    assert printed(path) == ("5\n", "")


def test_paths_are_those_of_the_notebook_that_is_converted(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "data.txt").write_text("above")
    (tmp_path / "lib" / "data.txt").write_text("below")
    path = write(tmp_path, main=["%run lib/inner.ipynb"])
    write(tmp_path / "lib", inner=["print(open('data.txt').read())"])

    assert printed(path) == ("above\n", "")


def test_a_run_that_is_timed_is_followed(tmp_path: Path) -> None:
    path = write(
        tmp_path, main=["%time %run other.py", "%%time\n%run other.py\nprint(x)"], other="x = 1\nprint('ran')\n"
    )

    assert printed(path) == ("ran\nran\n1\n", "")


def test_a_script_keeps_what_it_does_when_it_is_the_program(tmp_path: Path) -> None:
    path = write(tmp_path, main=["%run tool", "print(done)"],
                 tool="def main():\n    return 7\n\nif __name__ == '__main__':\n    done = main()\n")  # fmt: skip

    assert printed(path) == ("7\n", "")


def test_the_same_imports_in_script_and_notebook_are_no_reason_to_refuse(tmp_path: Path) -> None:
    path = write(tmp_path, main=["import json\n%run tool.py", "print(text(json.loads('[1]')))"],
                 tool="import json\n\ndef text(x):\n    return json.dumps(x)\n")  # fmt: skip

    assert printed(path) == ("[1]\n", "")


def test_steps_are_named_by_the_headings_of_the_file(tmp_path: Path) -> None:
    lines = "\n".join(f"print({number})" for number in range(20))
    path = write(tmp_path, main=["# Main", f"start = 1\n{lines}", "%run other.ipynb", "print(end)"],
                 other=["# Prepare things", f"end = start\n{lines}"])  # fmt: skip
    plan = convert_notebook(path).plan

    assert [(step.name, step.numbers) for step in plan.steps] == [("main", (2,)), ("prepare_things", (3, 4))]


def test_the_manifest_says_where_each_statement_of_a_file_went(tmp_path: Path) -> None:
    path = write(tmp_path, main=["x = 0", "y = 1\n%run other.ipynb\nprint(z)"], other=["# Title", "z = [y]"])
    manifest = json.loads(convert_notebook(path).package.files["conversion.json"])
    rows = [(row["cell"], row["statement"], row.get("included")) for row in manifest["statements"]]

    assert rows == [
        (1, 1, None),
        (2, 1, None),
        (2, 2, None),
        (2, 2, {"file": "other.ipynb", "cell": 2, "statement": 1}),
        (2, 3, None),
    ]
    assert list(manifest["notebook"]["runs"]) == ["other.ipynb"]
    assert len(manifest["notebook"]["cells"]) == 2
    assert [step["cells"] for step in manifest["steps"]] == [[1, 2]]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("%run missing.ipynb", "there is no file missing.ipynb"),
        ("%run ../outside.py", "../outside.py is outside of the project"),
        ("%run /etc/setup.py", "/etc/setup.py is a place on one machine"),
        ("%run ~/setup.py", "~/setup.py is a place on one machine"),
        ("%run main.ipynb", "it runs itself (main.ipynb → main.ipynb)"),
        ("%run circle.ipynb", "it runs itself (main.ipynb → circle.ipynb → main.ipynb)"),
        ("%run notes.txt", "notes.txt is neither a notebook nor a Python script"),
        ("%run broken.ipynb", "not JSON"),
        ("%run other.py 5", "it passes arguments on"),
        ("%run -t other.py", "nobody here knows what -t changes"),
        ("%run -m other", "nobody here knows what -m changes"),
        ("%run {name}.py", "which file it runs only a run can tell"),
        ("%run", "which file it runs only a run can tell"),
        ("if True:\n    %run other.py", "it stands inside of something else"),
        ("%%capture out\n%run other.py", "it stands inside of something else"),
        ("%run arguments.py", "the script depends on its command line (argv)"),
        ("%run leaves.py", "the script depends on how it ends (exit)"),
        ("%run place.py", "the script depends on where it is (__file__)"),
        ("limit = 2\n%run limited", "functions of the script read its own limit, and the notebook binds another"),
        ("rate = 2\n%run unaware.py", "the script does not see rate of the notebook"),
    ],
)
def test_what_cannot_be_followed_is_refused_with_its_cell(line: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "outside.py").write_text("x = 1\n")
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "notes.txt").write_text("x = 1\n")
    (folder / "broken.ipynb").write_text("{")
    path = write(
        folder,
        main=["x = 1", line],
        circle=["%run main.ipynb"],
        other="x = 1\n",
        arguments="import sys\nprint(sys.argv)\n",
        leaves="import sys\nsys.exit(0)\n",
        place="print(__file__)\n",
        limited="limit = 1\n\ndef f():\n    return limit\n",
        unaware="def f():\n    return rate\n",
    )
    found = refusals(path)

    assert any(said in each for each in found), found
    assert all(each.startswith("cell 2") for each in found)


def test_a_refusal_inside_of_a_file_says_the_file_and_its_cell(tmp_path: Path) -> None:
    path = write(tmp_path, main=["x = 1", "%run other.ipynb\nexec('z = 1')"], other=["# Title", "y = 1\nexec('z = 1')"])

    assert [each.split(": exec")[0] for each in refusals(path)] == [
        "cell 2: %run other.ipynb, its cell 2, line 2",
        "cell 2, line 2",
    ]


def test_a_link_out_of_the_project_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "outside.py").write_text("x = 1\n")
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "link.py").symlink_to(tmp_path / "outside.py")

    assert "link.py is outside of the project" in refusals(write(folder, main=["%run link.py"]))[0]


def test_where_the_folder_changes_nobody_knows_which_file_is_meant(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    path = write(tmp_path, main=["import os\nos.chdir('lib')", "%run other.py"], other="x = 1\n")

    assert "cell 1 changes the folder it is looked for in" in " ".join(refusals(path))


def test_a_file_outside_of_the_folder_is_run_where_the_project_has_it(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "notebooks").mkdir()
    write(tmp_path, setup="x = 8\n")

    assert printed(write(tmp_path / "notebooks", main=["%run ../setup.py", "print(x)"])) == ("8\n", "")


def test_check_says_that_a_file_that_is_run_has_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, main=["%run other.ipynb", "print(x)"], other=["x = 1"])
    output = str(tmp_path / "package")
    assert run(["convert", str(path), "--output", output]) == 0
    assert run(["convert", str(path), "--output", output, "--check"]) == 0
    write(tmp_path, other=["x = 2"])
    capsys.readouterr()

    assert run(["convert", str(path), "--output", output, "--check"]) == 1
    assert "other.ipynb, which it runs, has changed" in capsys.readouterr().out
    assert run(["verify", str(path), output, "--python", sys.executable]) == 2
    assert "ran another state of a file" in capsys.readouterr().err


def test_with_partial_what_cannot_be_followed_raises_in_its_place(tmp_path: Path) -> None:
    path = write(tmp_path, main=["print(1)", "%run missing.ipynb", "print(2)"])

    assert run(["convert", str(path), "--output", str(tmp_path / "package"), "--partial"]) == 1
    steps = "".join(file.read_text() for file in tmp_path.glob("package/src/*/*.py"))
    assert "there is no file missing.ipynb" in steps


def test_dry_run_says_what_becomes_of_the_cells_of_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, main=["%run other.ipynb"], other=["# Title", "x = [1]\nprint(x)"])

    assert run(["convert", str(path), "--dry-run"]) == 0
    assert "cell 1, other.ipynb cell 2  lines 1-2  step title" in capsys.readouterr().out


def test_values_are_verified_where_the_run_has_ended(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("ipykernel")
    lines = "\n".join(f"print({number})" for number in range(25))
    cells = ["# First part", f"y = [x]\n{lines}", "# Second part", f"y.append(2)\nx = 5\n{lines}"]
    path = write(tmp_path, main=["x = 1\n%run other.ipynb\nprint(x)", "z = x + y[0]\nprint(z)"], other=cells)
    output = str(tmp_path / "package")
    assert run(["convert", str(path), "--output", output]) == 0
    capsys.readouterr()

    assert run(["verify", str(path), output, "--python", sys.executable]) == 0
    said = capsys.readouterr().out
    assert "not compared: step first_part, value y: its step ends inside of a %run" in said


def test_a_file_that_a_cell_above_writes_is_run_as_it_was_written(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        main=[
            "%%writefile calc.py\nx = 1\nprint('calc', x)\n",
            "%%writefile -a ./calc.py\ny = x + 1",
            "%run calc.py",
            "print(y)",
        ],
        calc="x = 'what was there before'",
    )

    assert printed(path)[0].splitlines()[-2:] == ["calc 1", "2"]
    assert (tmp_path / "calc.py").read_text() == "x = 1\nprint('calc', x)\ny = x + 1\n"


def test_a_file_that_only_a_cell_below_writes_is_not_there(tmp_path: Path) -> None:
    path = write(tmp_path, main=["%run calc.py", "%%writefile calc.py\nx = 1"])

    assert any("there is no file calc.py" in each for each in refusals(path))


def test_notebooks_that_run_the_same_file_share_what_it_defines(tmp_path: Path) -> None:
    write(tmp_path, main=["%run common.ipynb", "print(double(1))"], other=["%run common.ipynb", "print(double(2))"],
          common=["def double(x):\n    return 2 * x"])  # fmt: skip
    paths = [str(tmp_path / f"{name}.ipynb") for name in ("main", "other")]

    assert run(["convert", *paths, "--output", str(tmp_path / "package"), "--name", "house"]) == 0
    assert "def double(x):" in (tmp_path / "package" / "src" / "house" / "shared.py").read_text()
    assert "def double" not in (tmp_path / "package" / "src" / "house" / "main" / "steps.py").read_text()


def test_check_of_notebooks_reads_nothing_else_and_says_nothing_of_names_a_run_may_bind(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, main=["%run missing.ipynb", "print(from_there)"])

    assert run(["check", str(path), "--select", "NB103"]) == 0
    assert "from_there" not in capsys.readouterr().out


def test_what_readers_are_told_has_the_numbers_of_the_notebooks_own_cells(tmp_path: Path) -> None:
    cells = ["import yaml\nRATE_LIMIT = 5", "for number in range(RATE_LIMIT):\n    print(yaml.dump(number))"]
    path = write(tmp_path, main=["# Title", "%run other.ipynb"], other=cells)
    files = convert_notebook(path).package.files
    readme, project = (files[name].decode() for name in ("README.md", "pyproject.toml"))

    assert "| `5` | 2 | `RATE_LIMIT` of cell 2 |" in readme
    assert "# imported in cell 2\n" in project
    assert not any(f"cell {number}" in readme + project for number in (3, 4, 5))


def test_a_saved_picture_may_be_of_any_cell_that_was_run(tmp_path: Path) -> None:
    path = write(tmp_path, main=["%run other.ipynb"], tool="def draw():\n    pass\n",
                 other=["import tool\ntool.draw()", "tool.draw()"])  # fmt: skip
    data = json.loads(path.read_bytes())
    picture = {"output_type": "display_data", "data": {"image/png": "", "text/plain": "<Figure>"}, "metadata": {}}
    data["cells"][0] |= {"outputs": [picture], "execution_count": 1}
    path.write_text(json.dumps(data))
    package = convert_notebook(path).package

    assert package.files[f"src/{package.name}/steps.py"].decode().count("end_of_cell(1)") == 2
