"""What the notebook's markdown becomes: names and docstrings of steps, and comments inside them."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from notebooks import document

from nb2prod.convert.api import convert_notebook
from nb2prod.convert.emit.comments import prose_comment
from nb2prod.convert.sections import announces_imports, without_number

LONG = "\n".join(f"print({number})" for number in range(9))


def steps_of(*cells: str) -> str:
    """Return the module of steps of a notebook; a cell that starts with ``md:`` and a line end is markdown."""
    content = document(*cells, markdown="md:\n").replace(b"md:\\n", b"")
    package = convert_notebook(Path("n.ipynb"), content=content).package
    return next(text.decode() for path, text in package.files.items() if path.endswith("/steps.py"))


def test_markdown_inside_a_step_stands_above_the_code_it_is_about() -> None:
    text = steps_of(
        "md:\n# Clean",
        f"rows = [1, 2]\n{LONG}",
        "md:\nThe last row is a **total**, so it goes.",
        "rows = rows[:-1]",
        "md:\n## Look\n\n![](a.png)",
        "print(rows)",
    )

    assert '"""Clean (cells 2 to 6)."""\n' in text
    assert "\n\n    # The last row is a total, so it goes.\n    rows = rows[:-1]\n" in text
    assert text.endswith("\n\n    # Look\n    print(rows)\n    return rows\n")


def test_markdown_above_imports_is_said_of_what_follows_them() -> None:
    text = steps_of(f"rows = [2, 1]\n{LONG}", "md:\nThe root of each.", "import math", "print(math.sqrt(rows[0]))")

    assert "    # The root of each.\n    print(math.sqrt(rows[0]))\n" in text
    assert text.count("The root of each.") == 1


def test_a_cell_that_begins_with_imports_is_set_apart_like_any_other() -> None:
    text = steps_of("rows = [4, 9]\nprint(rows)", "import math\nprint(math.sqrt(rows[0]))")

    assert "    print(rows)\n\n    print(math.sqrt(rows[0]))\n" in text


def test_what_introduces_the_notebook_stands_in_the_readme_alone() -> None:
    content = document(
        "md:\n# The till\n\nHow much is in it.", "rows = [1]\n" + LONG, "md:\n## Count", "n = len(rows)\n" + LONG,
        markdown="md:\n",
    ).replace(b"md:\\n", b"")  # fmt: skip
    conversion = convert_notebook(Path("n.ipynb"), content=content)
    files = {path: text.decode() for path, text in conversion.package.files.items()}

    assert [step.name for step in conversion.plan.steps] == ["make_rows", "count"]
    assert files["README.md"].startswith("# The till\n\nHow much is in it.\n")
    assert not [path for path, text in files.items() if path.endswith("steps.py") and "How much is in it" in text]


def test_the_only_heading_names_the_step() -> None:
    assert "def count_till():" in steps_of("md:\n# Count the till", f"rows = [1]\n{LONG}").replace(" -> list", "")


def test_a_heading_about_imports_names_no_step() -> None:
    text = steps_of(
        "md:\n# Import the libraries", "import math\nprecision = 2", "md:\nThe data.", "rows = [1, 2]\n" + LONG,
        "md:\n# Sum up", "print(round(math.fsum(rows), precision))\n" + LONG,
    )  # fmt: skip

    assert "import_the_libraries" not in text
    assert "Import the libraries" not in text
    assert 'def make_rows() -> list:\n    """The data (cell 4)."""\n' in text


@pytest.mark.parametrize(
    ("heading", "announces"),
    [
        ("Importing the required libraries:", True),
        ("1. Imports", True),
        ("Import packages and settings", True),
        ("Load libraries", True),
        ("Import the data", False),
        ("Loading the dataset", False),
        ("Requirements", False),
        ("Import libraries and read the file", False),
    ],
)
def test_which_headings_announce_imports(heading: str, announces: bool) -> None:
    assert announces_imports(heading) is announces


@pytest.mark.parametrize(
    ("heading", "rest"),
    [
        ("1. Load data", "Load data"),
        ("2.1 Load data", "Load data"),
        ("Step 3: Load data", "Load data"),
        ("IV. Results", "Results"),
        ("X-axis labels", "X-axis labels"),
        ("2024 sales", "2024 sales"),
        ("3.", "3."),
    ],
)
def test_numbers_of_headings_are_left_out(heading: str, rest: str) -> None:
    assert without_number(heading) == rest


def test_long_prose_is_shortened_at_a_paragraph() -> None:
    short, long = "One line.", textwrap.fill("word " * 150, 90)

    assert prose_comment(f"{short}\n\n{long}") == ("# One line.",)
    assert prose_comment(long)[-1] == "# …"
    assert len(prose_comment(long)) == 6
    assert prose_comment("<br>\n\n![](a.png)") == ()


@pytest.mark.parametrize("text", ["noqa", "type: ignore", "fmt: off", "ruff: noqa: E501"])
def test_prose_gives_no_orders_to_tools(text: str) -> None:
    assert prose_comment(text) == (f"# - {text}",)


def test_a_step_that_calls_a_function_that_reads_a_file_loads() -> None:
    text = steps_of(
        "def read():\n    with open('a.txt') as file:\n        return file.readlines()",
        "lines = read()\n" + LONG,
        "md:\n# Count",
        "print(len(lines))\n" + LONG,
    )

    assert "def load_lines():" in text
