"""What is left over from exploring goes by default, where nobody can tell; everything looked at stays."""

from __future__ import annotations

import ast
import json
from typing import TYPE_CHECKING

import pytest

from nb2prod.convert.api import convert_notebook, plan_notebook
from nb2prod.convert.plan import Options

if TYPE_CHECKING:
    from pathlib import Path

TABLE = "import pandas as pd\ndf = pd.DataFrame({'a': [1]})\n"


def notebook(folder: Path, *sources: str, count: int | None = 1, error: bool = False) -> Path:
    outputs = [{"output_type": "error", "ename": "KeyError", "evalue": "a", "traceback": []}] if error else []
    cells: list[dict[str, object]] = [
        {"cell_type": "code", "execution_count": count, "metadata": {}, "outputs": outputs, "source": source}
        for source in sources
    ]
    path = folder / "sales.ipynb"
    path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}))
    return path


def dropped(path: Path, options: Options = Options("story")) -> list[str]:  # noqa: B008 - it is frozen
    return [ast.unparse(each.statement.node) for each in plan_notebook(path, options).plan.dropped]


@pytest.mark.parametrize(
    "source",
    ["df.head()", "df['a'].mean()", "df.shape", "df", "len(df)", "df.describe().round(2)", "df['a'] > 0"],
)
def test_a_value_the_kernel_never_showed_goes(source: str, tmp_path: Path) -> None:
    assert dropped(notebook(tmp_path, f"{TABLE}{source}\nprint(df)")) == [source]


@pytest.mark.parametrize(
    "source",
    [
        "print(df)",
        "df.drop(columns='a', inplace=True)",
        "df.plot()",
        "df.to_csv('a.csv')",
        "df.sample(1)",
        "df.attrs.update(a=1)",
        "nobody_knows(df)",
        "[each for each in df]",
        "'a comment by another spelling'",
    ],
)
def test_what_does_more_than_make_a_value_stays(source: str, tmp_path: Path) -> None:
    assert (
        dropped(notebook(tmp_path, f"from nobody import nobody_knows\n{TABLE}{source}\nprint(df, nobody_knows)")) == []
    )


@pytest.mark.parametrize("call", ["write(rows, 'a.csv')", "write(rows, out='a.csv')"])
def test_a_function_that_writes_what_it_is_given_stays(call: str, tmp_path: Path) -> None:
    """Nobody knows the table, nor the path: ``to_csv`` writes where it is given one."""
    source = "def write(table, out):\n    table.to_csv(out, index=False)\n\nrows = [1]\n"

    assert dropped(notebook(tmp_path, f"{source}{call}\nprint(1)")) == []


@pytest.mark.parametrize("check", ["assert 1 + 1 == 2", "if 1 + 1 != 2:\n        raise ValueError", "return 1 + 1"])
def test_a_call_that_checks_something_stays(check: str, tmp_path: Path) -> None:
    found = dropped(notebook(tmp_path, f"def test_sum():\n    {check}\n\ntest_sum()\nprint(test_sum)"))

    assert found == (["test_sum()"] if check.startswith("return") else [])


def test_what_the_kernel_showed_stays(tmp_path: Path) -> None:
    assert dropped(notebook(tmp_path, f"{TABLE}df.head()")) == []


def test_what_may_have_raised_stays(tmp_path: Path) -> None:
    source = f"{TABLE}df['b']\nprint(df)"

    assert dropped(notebook(tmp_path, source, count=None)) == []
    assert dropped(notebook(tmp_path, source, error=True)) == []
    assert dropped(notebook(tmp_path, f"print(1)\nlater\nprint(2)", "later = 3")) == []  # noqa: F541 - a notebook


def test_an_import_that_nothing_uses_goes_with_its_dependency(tmp_path: Path) -> None:
    path = notebook(tmp_path, "import numpy as np\nfrom sklearn.svm import SVC\nimport nobody", "print(np.zeros(2))")

    assert dropped(path) == ["from sklearn.svm import SVC"]
    assert b"scikit" not in convert_notebook(path).package.files["pyproject.toml"]


@pytest.mark.parametrize("other", ["%timeit np.zeros(2)", "eval('np')", "print('np')", "!echo {np}", "# np\nprint(1)"])
def test_an_import_that_is_named_anywhere_stays(other: str, tmp_path: Path) -> None:
    assert "import numpy as np" not in dropped(notebook(tmp_path, "import numpy as np", other))


@pytest.mark.parametrize(
    "cell",
    [
        "import numpy as np; print(np.pi)",
        "x = 1; import numpy as np; print(np.pi)",
        "print(1); import numpy as np; \\\nprint(np.pi)",
        "import numpy as np; import nobody; np.pi",
    ],
)
def test_an_import_that_is_used_on_its_own_line_stays(cell: str, tmp_path: Path) -> None:
    assert not any("numpy" in each for each in dropped(notebook(tmp_path, cell)))


def test_an_import_beside_others_on_a_line_goes_where_nothing_uses_it(tmp_path: Path) -> None:
    assert dropped(notebook(tmp_path, "import math; import numpy as np; print(np.pi)")) == ["import math"]


def test_pandas_stays_whose_tables_other_libraries_print(tmp_path: Path) -> None:
    assert dropped(notebook(tmp_path, "import pandas as pd", "import nobody\nprint(nobody.table())")) == []


def test_cells_to_keep_stay_whole_and_all_of_them_if_asked(tmp_path: Path) -> None:
    path = notebook(tmp_path, f"{TABLE}df.head()\nprint(df)")

    assert dropped(path, Options("story", keep=("1",))) == []
    assert dropped(path, Options("story", keep_exploration=True)) == []
