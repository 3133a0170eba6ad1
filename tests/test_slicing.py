"""``--only``: what a result needs stays, with every effect it could notice; the rest goes and is listed."""

from __future__ import annotations

import ast
import json
from typing import TYPE_CHECKING

import pytest

from nb2prod.cli import run
from nb2prod.convert.api import convert_notebook, plan_notebook
from nb2prod.convert.plan import Options, moved_items
from nb2prod.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path


def notebook(folder: Path, *sources: str, tags: dict[int, list[str]] | None = None) -> Path:
    cells: list[dict[str, object]] = [
        {
            "cell_type": "code",
            "execution_count": None,
            "metadata": {"tags": (tags or {}).get(number, [])},
            "outputs": [],
            "source": source,
        }
        for number, source in enumerate(sources, 1)
    ]
    path = folder / "sales.ipynb"
    path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}))
    return path


def kept(folder: Path, source: str, *only: str, keep: tuple[str, ...] = ()) -> list[str]:
    """Return the statements that stay of a notebook with a cell for each paragraph of ``source``."""
    path = notebook(folder, *source.strip("\n").split("\n\n"))
    draft = plan_notebook(path, Options("story", only=only, keep=keep))
    return [ast.unparse(each.node) for each in draft.analysis.statements() if each.index not in draft.plan.sliced]


@pytest.mark.parametrize(
    ("source", "goes"),
    [
        pytest.param("a = 1\nb = 2\nc = a + 1", "b = 2", id="what no use reads"),
        pytest.param(
            "a = [1]\na.append(2)\nb = [3]\nb.append(4)\nc = a + [0]",
            "b = [3]\nb.append(4)",
            id="changes of other objects",
        ),
        pytest.param(
            "a = [1]\nb = a\nb.append(2)\nc = a + [0]", "", id="nothing that changes the object under another name"
        ),
        pytest.param(
            "a = [1]\nb = {'k': a}\nb['k'].append(2)\nc = a[0]", "", id="nothing that changes it inside of another"
        ),
        pytest.param(
            "def f(x):\n    x.append(1)\na = []\nf(a)\nprint(a)\nc = a",
            "print(a)",
            id="what looks at it, not what a function does to it",
        ),
        pytest.param(
            "import random\nrandom.seed(1)\na = random.random()\nb = 5\nc = random.random()",
            "b = 5",
            id="no draw before a draw",
        ),
        pytest.param(
            "import random\na = random.random()\nc = len('x')",
            "import random\na = random.random()",
            id="draws where none is read",
        ),
        pytest.param(
            "from sklearn.svm import LinearSVC\nX, y = [[1], [2]], [0, 1]\na = LinearSVC()\na.fit(X, y)\n"
            "c = LinearSVC().fit(X, y)",
            "",
            id="no draw an estimator makes before another",
        ),
        pytest.param(
            "open('a.txt', 'w').write('x')\nb = 1\nc = open('a.txt').read()", "b = 1", id="no file that is read"
        ),
        pytest.param("a = (n for n in [1, 2])\nb = next(a)\nc = list(a)", "", id="nothing that takes from an iterator"),
        pytest.param(
            "import pandas as pd\npd.set_option('mode.copy_on_write', True)\nd = 1\nc = pd.DataFrame()",
            "d = 1",
            id="no settings",
        ),
        pytest.param("from nobody import anything\na = 1\nanything(a)\nc = a", "", id="no call of what nobody knows"),
        pytest.param(
            "import math\nk = 3\ndef f(x):\n    return x * k\ndef g():\n    return 1\nc = f(2)",
            "import math\ndef g():\n    return 1",
            id="functions nobody calls",
        ),
        pytest.param(
            "a = 1\nif a > 0:\n    c = 1\nelse:\n    c = 2\nd = 4", "d = 4", id="no branch of a compound statement"
        ),
        pytest.param("c = 1\nc = 2\ndel c\nc = 3", "c = 1\nc = 2\ndel c", id="values that are bound anew"),
        pytest.param(
            "c = 1\ndef change():\n    global c\n    c = 5\nd = 1\nchange()",
            "d = 1",
            id="no call that assigns a global",
        ),
        pytest.param(
            "kept = [1]\ndef get():\n    return kept\nx = get()\nx.append(2)\nd = 1\nc = kept[1]",
            "d = 1",
            id="no change through what a function returned",
        ),
        pytest.param(
            "a = [1]\nc = a\nprint(c)\na.append(2)", "print(c)", id="no change of the value after it was bound"
        ),
    ],
)
def test_what_goes_is(source: str, goes: str, tmp_path: Path) -> None:
    """``--only c``: each case is named after what goes, or what must not."""
    stays = kept(tmp_path, source, "c")
    everything = [ast.unparse(each) for each in ast.parse(source).body]

    assert "\n".join(each for each in everything if each not in stays) == goes


PANDAS = """
import pandas as pd
df = pd.DataFrame({"a": [1, 2], "b": [3, 4]})

df.head()
print(df.describe())
df["c"] = df["a"] + df["b"]

other = df.copy()
other["c"] = 0

df["late"] = 1
total = df["c"].sum()
"""


def test_looking_at_a_table_goes_and_filling_it_stays(tmp_path: Path) -> None:
    assert kept(tmp_path, PANDAS, "total") == [
        "import pandas as pd",
        "df = pd.DataFrame({'a': [1, 2], 'b': [3, 4]})",
        "df['c'] = df['a'] + df['b']",
        "df['late'] = 1",
        "total = df['c'].sum()",
    ]


def test_cells_and_displayed_values_can_be_named_too(tmp_path: Path) -> None:
    source = "a = 1\nb = 2\n\na + 1\n\nlen([a])\n\nc = 5"

    assert kept(tmp_path, source, "3") == ["a = 1", "len([a])"]
    path = tmp_path / "sales.ipynb"
    moved = moved_items(convert_notebook(path).plan)
    label = next(item.shown for item in moved if item.shown and item.statement.cell.index == 2)
    assert kept(tmp_path, source, label) == ["a = 1", "a + 1"]
    assert kept(tmp_path, source, "c", "2") == ["a = 1", "a + 1", "c = 5"]


def test_kept_cells_stay_beside(tmp_path: Path) -> None:
    path = notebook(tmp_path, "a = 1", "print(a)", "b = 2", "c = 3", tags={3: ["always"]})
    plan = plan_notebook(path, Options(only=("c",), keep=("2", "always"))).plan

    assert plan.sliced == frozenset()


def test_a_figure_needs_its_cell_and_no_other(tmp_path: Path) -> None:
    source = """
import matplotlib.pyplot as plt
plt.rcParams["figure.dpi"] = 60

plt.plot([1])
plt.title("one")

plt.plot([2])
plt.title("two")

c = 1
"""
    assert kept(tmp_path, source, "3") == [
        "import matplotlib.pyplot as plt",
        "plt.rcParams['figure.dpi'] = 60",
        "plt.plot([2])",
        "plt.title('two')",
    ]
    assert kept(tmp_path, source, "c") == ["c = 1"]


def test_a_figure_that_goes_on_in_another_cell_needs_both(tmp_path: Path) -> None:
    source = """
import matplotlib.pyplot as plt
fig, ax = plt.subplots()
ax.plot([1])

plt.plot([2])

ax.set_title("a")
print(1)

fig.savefig("a.png")
"""
    assert kept(tmp_path, source, "4") == [
        "import matplotlib.pyplot as plt",
        "fig, ax = plt.subplots()",
        "ax.plot([1])",
        "plt.plot([2])",
        "ax.set_title('a')",
        "fig.savefig('a.png')",
    ]


def test_what_was_named_is_what_run_returns(tmp_path: Path) -> None:
    path = notebook(tmp_path, "a = 1\nb = 2", "c = a + 1\nprint(c)", "d = c * b")
    package = convert_notebook(path, Options("story", only=("a", "c"))).package

    pipeline = package.files["src/story/pipeline.py"].decode()
    assert "return Results(a=a, c=c)" in pipeline
    assert b"print" not in package.files["src/story/steps.py"]


def test_what_only_dropped_code_needs_is_no_dependency(tmp_path: Path) -> None:
    path = notebook(tmp_path, "import pandas as pd\nimport numpy as np", "a = np.array([1])", "pd.DataFrame(a)")
    files = convert_notebook(path, Options("story", only=("a",))).package.files

    assert b"numpy" in files["pyproject.toml"]
    assert b"pandas" not in files["pyproject.toml"]


def test_what_is_left_out_is_listed_and_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = notebook(tmp_path, "a = 1", "print(\n    'x',\n)", "c = a")
    assert run(["convert", str(path), "--output", str(tmp_path / "out"), "--only", "c"]) == 0

    assert "1 statement left out (3 lines)" in capsys.readouterr().out
    readme = (tmp_path / "out" / "README.md").read_text()
    assert "3 lines of the notebook's code are not in the package." in readme
    assert "| 2 | 1 | not needed for `c` |" in readme
    manifest = json.loads((tmp_path / "out" / "conversion.json").read_text())
    assert manifest["options"] == {"only": ["c"]}
    assert [row["kind"] for row in manifest["statements"]] == ["step", "dropped", "step"]
    assert run(["convert", str(path), "--output", str(tmp_path / "out"), "--check"]) == 0


def test_a_refusal_goes_with_what_it_is_about_unless_it_could_do_anything(tmp_path: Path) -> None:
    magic = notebook(tmp_path, "a = 1", "%no_such_magic", "c = a")
    assert convert_notebook(magic, Options(only=("a",))).plan.refusals == ()

    for could_bind_anything in ("exec('a = 2')", "for"):
        path = notebook(tmp_path, "a = 1", could_bind_anything, "c = a")
        assert [each.cell for each in plan_notebook(path, Options(only=("c",))).plan.refusals] == [2]


@pytest.mark.parametrize(
    "arguments", [["--only", "nothing"], ["--only", "9"], ["--only", "c", "--keep", "no-tag"], ["--keep", "7"]]
)
def test_names_and_cells_that_are_not_there_are_a_usage_error(arguments: list[str], tmp_path: Path) -> None:
    path = notebook(tmp_path, "c = 1")

    assert run(["convert", str(path), "--output", str(tmp_path / "out"), *arguments]) == 2
    assert not (tmp_path / "out").exists()


def test_a_deleted_name_is_no_result(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="--only c"):
        convert_notebook(notebook(tmp_path, "c = 1\ndel c"), Options(only=("c",)))
