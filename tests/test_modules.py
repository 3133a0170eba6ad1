"""Large packages: their steps in modules by concern, by heading or by what they pass on, proven by running them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from notebooks import analysis_of, document

from nb2prod.cli import run
from nb2prod.convert.concerns import concerns_of
from nb2prod.convert.passes import make_plan

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# Statements enough that no step is small; each is read by the next, so that nothing is dropped.
LONG = "\n".join(["print(0)", *(f"print({number})" for number in range(1, 66))])

MEAN = """\
class Mean:
    '''A model.'''

    def fit(self, rows):
        self.value = average(rows)
        return self

    def predict(self, rows):
        return [self.value for _ in rows]
"""
TRAINED = (
    "# Prices",
    "## Load the data",
    f"import json, math\nwith open('rows.json') as file:\n    data = json.load(file)\n{LONG}",
    "## Prepare the features",
    "LIMIT = 100\ndef average(rows):\n    return math.fsum(rows) / len(rows)\ndef small(row):\n    return row < LIMIT",
    f"rows = [row for row in data if small(row)]\ncentre = average(rows)\n{LONG}",
    "## Train the model",
    f"{MEAN}\nmodel = Mean().fit(rows)\n{LONG}",
    "## Evaluate",
    "def error(one, other):\n    return math.sqrt(sum((a - b) ** 2 for a, b in zip(one, other)))",
    f"result = error(rows, model.predict(rows))\n{LONG}\nprint(round(result, 3), round(centre, 3))\nmodel",
)
HEADINGS = (
    "# Story",
    "## Rivers",
    f"import math\n{LONG}",
    "### Of the north",
    f"north = math.pi\nprint(north)\n{LONG}",
    "## Mountains",
    f"high = 3\nprint(high)\n{LONG}",
    "### Of the south",
    f"print(high + 1)\n{LONG}",
    "## Lakes",
    f"deep = 1\nprint(deep)\n{LONG}",
    "### Of the west",
    f"print(deep, high)\n{LONG}",
)
PARTS = (
    "## Rivers",
    f"import math\nriver = math.floor(1.5)\n{LONG}",
    "## Streams",
    f"print(river)\n{LONG}",
    "## Mountains",
    f"mountain = math.floor(2.5)\n{LONG}",
    "## Hills",
    f"print(mountain)\nimport os.path\n{LONG}",
)


def write(folder: Path, cells: Sequence[str]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "story.ipynb"
    path.write_bytes(document(*cells, markdown="#"))
    (folder / "rows.json").write_text("[1, 2, 4, 500]")
    return path


def convert(tmp_path: Path, cells: Sequence[str]) -> tuple[Path, Path]:
    path = write(tmp_path / "work", cells)
    assert run(["convert", str(path), "--output", str(tmp_path / "out")]) == 0
    return path, tmp_path / "out"


def manifest(package: Path) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((package / "conversion.json").read_text(encoding="utf-8"))
    return data


def ran(package: Path, *command: str) -> int:
    """Run a module of Python in the package's folder and return its exit code."""
    environment = {**os.environ, "PYTHONPATH": str(package / "src")}
    return subprocess.run([sys.executable, "-m", *command], cwd=package, env=environment, check=False).returncode


def module_of_steps(package: Path) -> dict[str, str]:
    return {each["name"]: each["module"] for each in manifest(package)["steps"]}


def module(package: Path, name: str) -> str:
    return (package / "src" / "story" / f"{name}.py").read_text(encoding="utf-8")


def test_a_small_notebook_keeps_one_module_of_steps(tmp_path: Path) -> None:
    _, package = convert(tmp_path, [cell.replace(LONG, "print(0)") for cell in TRAINED])

    assert set(module_of_steps(package).values()) == {"steps"}
    assert "from . import steps\n" in module(package, "pipeline")


def test_a_large_notebook_about_a_model_has_modules_by_concern(tmp_path: Path) -> None:
    _, package = convert(tmp_path, TRAINED)

    assert list(module_of_steps(package).values()) == ["data", "features", "model", "report"]
    assert not (package / "src" / "story" / "steps.py").exists()
    assert module(package, "data").startswith('"""The data of story.ipynb: the steps that read and clean it."""\n')


def test_modules_import_what_they_read_and_nothing_else(tmp_path: Path) -> None:
    _, package = convert(tmp_path, TRAINED)

    assert "import json" in module(package, "data")
    assert "import math" not in module(package, "data")
    assert "from .functions import average" in module(package, "features")
    assert "from .functions import average" in module(package, "model")
    assert "import math" in module(package, "report")
    assert "functions" not in module(package, "report")
    found = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--no-cache", "."],
        cwd=package,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stdout


def test_what_one_module_uses_stands_there_and_what_several_use_is_shared(tmp_path: Path) -> None:
    _, package = convert(tmp_path, TRAINED)

    rows = manifest(package)["statements"]
    where = {each["name"]: each["module"] for each in rows if each["kind"] in ("function", "class", "constant")}
    assert where == {
        "average": "functions",
        "small": "features",
        "Mean": "model",
        "error": "report",
    }


def test_a_module_steps_aside_for_a_variable_of_its_name(tmp_path: Path) -> None:
    _, package = convert(tmp_path, TRAINED)

    text = module(package, "pipeline")
    assert "from . import data as data_steps" in text
    assert "data = data_steps.load_data(" in text


@pytest.mark.parametrize("cells", [TRAINED, HEADINGS, PARTS], ids=["concern", "headings", "parts"])
def test_a_package_of_several_modules_is_equal_to_its_notebook(tmp_path: Path, cells: Sequence[str]) -> None:
    pytest.importorskip("ipykernel")
    path, package = convert(tmp_path, cells)
    assert len(set(module_of_steps(package).values())) > 1

    assert run(["verify", str(path), str(package)]) == 0


def test_its_tests_are_by_module_and_pass(tmp_path: Path) -> None:
    pytest.importorskip("ipykernel")
    path = write(tmp_path / "work", TRAINED)
    package = tmp_path / "out"
    assert run(["convert", str(path), "--output", str(package), "--verify"]) == 0

    names = {file.name for file in (package / "tests").glob("test_*.py")}
    assert {f"test_{name}.py" for name in ("data", "features", "model", "report", "pipeline")} <= names
    assert ran(package, "pytest", "-q", "-p", "no:cacheprovider") == 0


def test_a_difference_is_found_in_the_module_of_its_step(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("ipykernel")
    path, package = convert(tmp_path, TRAINED)
    file = package / "src" / "story" / "report.py"
    file.write_text(file.read_text(encoding="utf-8").replace("** 2", "** 3"), encoding="utf-8")

    assert run(["verify", str(path), str(package)]) == 1
    assert "src/story/report.py:" in capsys.readouterr().out


def test_the_notebooks_top_headings_name_modules_where_nothing_is_learned(tmp_path: Path) -> None:
    _, package = convert(tmp_path, HEADINGS)

    assert list(module_of_steps(package).values()) == ["rivers", "rivers", "mountains", "mountains", "lakes", "lakes"]
    assert "under “Rivers”" in module(package, "rivers")


def test_steps_that_pass_values_on_stand_together_where_headings_are_flat(tmp_path: Path) -> None:
    _, package = convert(tmp_path, PARTS)

    found = list(module_of_steps(package).values())
    assert found[0] == found[1] != found[2] == found[3]


def test_an_import_whose_order_matters_keeps_one_module(tmp_path: Path) -> None:
    _, package = convert(tmp_path, ["from math import *", *TRAINED])

    assert set(module_of_steps(package).values()) == {"steps"}


def test_many_functions_are_kept_apart_from_the_steps(tmp_path: Path) -> None:
    functions = "\n".join(f"def f{number}(x):\n    return x + {number}\n" for number in range(60))
    _, package = convert(tmp_path, ["# Tools", functions, f"print(f1(2))\n{LONG}"])

    assert set(module_of_steps(package).values()) == {"steps"}
    assert "from .functions import f1\n" in module(package, "steps")
    assert "def f59(x):" in module(package, "functions")


def test_converting_again_removes_the_module_that_is_no_longer_made(tmp_path: Path) -> None:
    path, package = convert(tmp_path, [cell.replace(LONG, "print(0)") for cell in TRAINED])
    write(path.parent, TRAINED)

    assert run(["convert", str(path), "--output", str(package)]) == 0
    assert not (package / "src" / "story" / "steps.py").exists()
    assert run(["convert", str(path), "--output", str(package), "--check"]) == 0


@pytest.mark.parametrize(
    ("heading", "source", "concern"),
    [
        ("Data visualization", "print(1)", "report"),
        ("Feature importance", "print(1)", "report"),
        ("Split the data into training and testing sets", "x = 1", "features"),
        ("Train the model", "x = 1", "model"),
        ("Rivers", "x = open('rows.csv').read()", "data"),
        ("Rivers", "x = Lake().fit([1])", "model"),
        ("Rivers", "x = 1", None),
    ],
)
def test_a_step_is_concerned_with_what_its_heading_or_its_calls_say(
    heading: str, source: str, concern: str | None
) -> None:
    plan = make_plan(analysis := analysis_of(f"# {heading}", f"{source}\n{LONG}", "# Other", LONG, markdown="#"))

    assert concerns_of(plan, analysis)[0] == concern


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("# Where modules are.\nimport sys\nsys.path.append('..')", "    # Where modules are.\n    sys.path.append"),
        ("# Tools.\n\nimport math\n\ndef f(x):\n    return math.sqrt(x)", "# Tools.\ndef f(x):"),
        ("# Tools.\nimport math\n\nprint(math.pi)", "# Tools.\nimport math\n"),
        (
            "# Tools.\nimport sys\nif sys.path:\n    !echo one\nelse:\n    %matplotlib inline",
            "# Tools.\n    if sys.path",
        ),
        ("# Tools.\n\nimport os\nif os.sep:\n    !echo one", "    # Tools.\n    if os.sep"),
        ("# Tools.\nimport math\n# The value.\nprint(math.pi)", "# Tools.\nimport math\n"),
    ],
)
def test_a_comment_above_an_import_stays_with_what_it_heads(tmp_path: Path, cell: str, expected: str) -> None:
    _, package = convert(tmp_path, [f"\n{cell}", "print(1)"])

    text = module(package, "steps")
    assert expected in text
    assert text.count("# Tools.") + text.count("# Where") == 1


def test_a_heading_that_is_a_thing_names_a_step_with_what_is_done_to_it(tmp_path: Path) -> None:
    _, package = convert(
        tmp_path, ["# Story", "## Data", f"rows = list(range(9))\n{LONG}", "## Totals", f"{LONG}\nprint(rows)"]
    )

    assert list(module_of_steps(package)) == ["make_data", "totals"]


def test_a_package_with_modules_taken_along_is_ruff_clean(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "tools.py").write_text("import os, sys\ndef half(x): return x/2\n", encoding="utf-8")
    _, package = convert(tmp_path, ["import json\nimport pytest\nfrom tools import half\nprint(json, pytest, half(2))"])

    assert (package / "src" / "tools.py").is_file()
    assert ran(package, "ruff", "check", "--no-cache", ".") == 0
    assert ran(package, "ruff", "format", "--check", "--no-cache", ".") == 0
