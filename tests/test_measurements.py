"""What ``%timeit`` measures goes, unless it does something that lasts."""

from __future__ import annotations

from pathlib import Path

import pytest
from notebooks import document

from nb2prod.convert.api import convert_notebook
from nb2prod.errors import RefusedError

MADE = "import numpy as np\nfrom sklearn.linear_model import LinearRegression\nx = np.arange(9.0)\nrows = []\nd = {}"
DEFINED = "def put(n):\n    d[n] = n\ndef save(n):\n    np.save('n.npy', n)\nmodel = LinearRegression()"


def steps(*cells: str) -> str:
    """Return the module of steps of a notebook with these cells below the definitions."""
    content = document(MADE, DEFINED, *cells, "print(rows, d, model)")
    return convert_notebook(Path("n.ipynb"), content=content).package.files["src/n/steps.py"].decode()


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("%timeit x.sum()", "x.sum()"),
        ("%timeit -n 10 -r 3 y = np.sort(x)", "np.sort(x)"),
        ("%%timeit\nout = []\nfor each in x:\n    out.append(each)", "out"),
        ("%%timeit -n 1 -r 1\nx = sorted([2, 1])", "sorted"),
        ("%%timeit\npart = x.copy()\npart[0] = 1", "part"),
        ("%%timeit -n 2\nfresh = LinearRegression()\nfresh.fit([[1], [2]], [1, 2])", "fresh"),
    ],
)
def test_a_measurement_that_leaves_nothing_goes_with_its_code(cell: str, code: str) -> None:
    assert code not in steps(cell)


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("%timeit model.fit([[1], [2]], [1, 2])", "    model.fit([[1], [2]], [1, 2])\n"),
        ("%timeit x.sort()", "    x.sort()\n"),
        ("%timeit put(3)", "    put(3, d)\n"),
        ("%timeit save(x)", "    save(x)\n"),
        ("%timeit -n 5 -r2 np.save('x.npy', x)", '    np.save("x.npy", x)\n'),
        ("%%timeit -r 3\nd['k'] = 5", '    d["k"] = 5\n'),
        ("%%timeit\nrows.append(1)\nrows.append(2)", "    rows.append(1)\n    rows.append(2)\n"),
        ("%timeit -n 1 -r 1 print('once')", '    print("once")\n'),
        ("%%timeit -n1 -r1\nfor each in x:\n    print(each)", "        print(each)\n"),
    ],
)
def test_what_is_measured_runs_once_where_it_does_something_that_lasts(cell: str, code: str) -> None:
    assert code in steps(cell)


@pytest.mark.parametrize(
    "cell", ["%%timeit\nx = [1]\nrows.append(x)", "%%timeit n = 5\nrows.append(n)", "%%timeit -n1 -r1\nd = 5\nprint(d)"]
)
def test_names_of_a_measurement_that_mean_something_else_outside_are_refused(cell: str) -> None:
    with pytest.raises(RefusedError, match="something that lasts"):
        steps(cell)
