"""After which cells figures are saved and closed: after every one that may leave one open."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from notebooks import document

from nb2prod.convert.api import convert_notebook


@pytest.mark.parametrize(
    ("cell", "closes"),
    [
        ("plt.plot([1])", True),
        ("model.check(1, show_plots=True)", True),
        ("model.check(1, plot=True)", True),
        ("model.check(1, ax=axes)", True),
        ("model.check(1, show_plots=False)", False),
        ("model.check(1, ax=None)", False),
        ("model.check(1, figure_size=3)", False),
        ("def look():\n    model.check(1, draw_figure=1)\nlook()", True),
        ("def look():\n    model.check(1, draw_figure=1)", False),
        ("@interact(n=3)\ndef look(n):\n    plt.plot([n])", True),
        ("@widgets.interact\ndef look(n=3):\n    plt.plot([n])", True),
    ],
)
def test_an_argument_that_asks_to_draw_leaves_a_figure_open(cell: str, *, closes: bool) -> None:
    above = (
        "import matplotlib.pyplot as plt\nfrom ipywidgets import interact, widgets\naxes = 1\n"
        "class Model:\n    def check(self, *a, **k): pass\nmodel = Model()"
    )
    files = convert_notebook(Path("n.ipynb"), content=document(above, cell, "print(1)")).package.files

    assert (b"end_of_cell(2)" in files["src/n/steps.py"]) == closes


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("ax.figure", True),
        ("grid.fig", True),
        ("ax.figure.dpi", True),
        ("ax.plot([1])", False),
    ],
)
def test_a_figure_named_by_an_attribute_is_shown_again(cell: str, *, shown: bool) -> None:
    above = "import matplotlib.pyplot as plt\nfig, ax = plt.subplots()\nfigs = [fig]\ngrid = make(fig)"
    files = convert_notebook(Path("n.ipynb"), content=document(above, cell, "print(1)")).package.files

    assert ("show(" in files["src/n/steps.py"].decode()) == shown


def test_a_call_that_was_saved_with_a_figure_shows_it_as_well() -> None:
    code = {"cell_type": "code", "metadata": {}, "source": "sm.qqplot([1])", "execution_count": 2}
    result = {"output_type": "execute_result", "metadata": {}, "execution_count": 2}
    content = json.loads(document("import statsmodels.api as sm"))
    content["cells"].append(
        {**code, "outputs": [{**result, "data": {"text/plain": "<Figure size 640x480 with 1 Axes>"}}]}
    )
    files = convert_notebook(Path("n.ipynb"), content=json.dumps(content).encode()).package.files

    assert 'show("qqplot", sm.qqplot([1]))' in files["src/n/steps.py"].decode()
    assert "Figure size" not in files.get("tests/test_steps.py", b"").decode()


@pytest.mark.parametrize(
    ("cell", "data", "shown"),
    [
        ("look(1)", None, False),  # it ran and has no result
        ("look(1)", {"text/plain": "three"}, True),
        ("look(1)", {"text/html": "<b>3</b>"}, True),
        ("np.zeros(2)", None, True),  # whoever took the output out
        ("plt.plot([1])", None, False),
    ],
)
def test_a_saved_result_tells_whether_a_call_has_a_value(
    cell: str, data: dict[str, str] | None, *, shown: bool
) -> None:
    above = "import matplotlib.pyplot as plt\nimport numpy as np\nfrom anywhere import look"
    notebook = json.loads(document(above, cell, "1 + 1", counts=[1, 2, 3]))
    result = {"output_type": "execute_result", "execution_count": 2, "metadata": {}}
    notebook["cells"][1]["outputs"] = [] if data is None else [result | {"data": data}]
    notebook["cells"][2]["outputs"] = [result | {"data": {"text/plain": "2"}}]
    files = convert_notebook(Path("n.ipynb"), content=json.dumps(notebook).encode()).package.files

    assert (f", {cell})" in files["src/n/steps.py"].decode()) == shown


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("table.to_csv('a.csv')", False),
        ("table.to_csv(path_or_buf=place, index=False)", False),
        ("table.to_csv()", True),
        ("table.to_csv(None)", True),
        ("table.to_json(orient='records')", True),
        ("plt.savefig('a.png')", False),
    ],
)
def test_what_is_told_where_to_write_gives_nothing_back(cell: str, *, shown: bool) -> None:
    above = "import matplotlib.pyplot as plt\nfrom anywhere import table, place"
    files = convert_notebook(Path("n.ipynb"), content=document(above, cell, "print(1)")).package.files

    assert ("show(" in files["src/n/steps.py"].decode()) == shown


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ("print(x)", False),
        ("if x:\n        return\n    return None", False),
        ("def inner():\n        return 1\n    inner()", False),
        ("if x:\n        return x", True),
        ("yield x", True),
    ],
)
def test_a_function_without_a_result_shows_nothing(body: str, *, shown: bool) -> None:
    function = f"def f(x):\n    {body}"
    files = convert_notebook(Path("n.ipynb"), content=document(function, "f(1)", "print(1)")).package.files

    assert ("show(" in files["src/n/steps.py"].decode()) == shown


def test_a_decorated_function_may_show_something() -> None:
    cells = ("from anywhere import wrap\n@wrap\ndef f():\n    print(1)", "f()", "print(1)")

    assert b"show(" in convert_notebook(Path("n.ipynb"), content=document(*cells)).package.files["src/n/steps.py"]


def test_what_comes_from_one_module_of_the_package_is_one_import() -> None:
    above = "from numpy import *\nimport matplotlib.pyplot as plt"  # the star keeps the order of the imports
    files = convert_notebook(Path("n.ipynb"), content=document(above, "plt.plot([1])", "1 + 1")).package.files

    assert files["src/n/steps.py"].count(b"from .figures import") == 1
