"""What the README and ``Results`` say of values and figures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from notebooks import document
from test_cut import LONG, plan_of

from nb2prod.convert.api import convert_notebook
from nb2prod.convert.emit.formatting import formatted
from nb2prod.convert.emit.outputs import results_section, shown_section
from nb2prod.convert.emit.pipeline import emit_pipeline
from nb2prod.convert.emit.readme import emit_readme
from nb2prod.convert.manifest import Provenance
from nb2prod.convert.plan import Options
from nb2prod.errors import RefusedError


def test_each_displayed_value_is_listed_with_its_cell_and_what_became_of_it() -> None:
    plan = plan_of("rows = [3, 4]\nrows[:1]", "total = sum(rows)\ntotal")

    text = shown_section(plan)

    assert "The notebook displayed 2 values:" in text
    assert "| 1 | `rows[:1]` | logged as `rows_first` |" in text
    assert "| 2 | `total` | logged as `total`, returned as `Results.total` |" in text
    assert "| `total` | `run_notebook` | displayed by cell 2 |" in results_section(plan)


def test_a_notebook_that_shows_nothing_has_no_such_section() -> None:
    assert shown_section(plan_of("print(1)")) == ""


def test_results_have_the_types_that_are_certain() -> None:
    plan = plan_of(f"import pandas as pd\nframe = pd.DataFrame()\nother = unknown()\nname = 'a'\n{LONG}")

    text = emit_pipeline(plan)

    assert "    frame: pd.DataFrame\n    other: Any\n    name: str\n" in text
    assert "if TYPE_CHECKING:\n    import pandas as pd\n" in text
    assert "from typing import TYPE_CHECKING, Any\n" in text


def test_of_an_import_only_the_types_are_imported_for_results() -> None:
    text = emit_pipeline(plan_of("from collections import Counter, deque\ncounted = Counter('aab')\nprint(deque())"))

    assert "    counted: Counter\n" in text
    assert "if TYPE_CHECKING:\n    from collections import Counter\n" in text


def test_what_a_model_learns_from_is_no_result_and_the_model_is() -> None:
    learning = "from sklearn.linear_model import Ridge\nX = [[1]]\nmodel = Ridge()\nmodel.fit(X, [1])\nprint(X)"

    assert [each.name for each in plan_of(learning).results] == ["model"]


def test_what_drawing_returns_is_no_result() -> None:
    assert plan_of("import matplotlib.pyplot as plt\nbars = plt.hist([1, 2])\nn = 1").results[0].name == "n"


def test_many_results_of_a_step_stay_together_in_the_pipeline() -> None:
    names = [f"a_rather_long_name_{letter}" for letter in "abcde"]
    makes = "\n".join(f"{name} = len('{name}')" for name in names)

    text = emit_pipeline(plan_of("# Make them", f"{makes}\n{LONG}", "# Use them", f"print({names[1]}, end='')\n{LONG}"))

    assert "    make_them = steps.make_them()\n" in text
    assert f"steps.use_them(make_them.{names[1]})" in text
    assert f"{names[4]}=make_them.{names[4]}" in text


def test_a_package_of_a_notebook_that_cannot_draw_has_no_figures() -> None:
    assert not plan_of("from typing import *\nfrom itertools import chain\nCounter([1])").draws


def test_functions_of_variables_are_counted() -> None:
    plan = plan_of(
        f"rows = [len('ab')]\ndef first():\n    return rows[0]\ndef later():\n    return rows\n{LONG}",
        "print(first())\nkept = later",
    )

    text = emit_readme(plan, Provenance("0"), [])

    assert "take the notebook's variables as arguments now (1): `first`." in text
    assert "kept inside a step, whose variables they share (1): `later` (in `run_notebook`)." in text


def test_setting_something_displays_no_value() -> None:
    assert shown_section(plan_of("import matplotlib.pyplot as plt\nplt.rc('font', size=14)")) == ""


def test_a_sorted_list_displays_nothing_and_a_sorted_table_does() -> None:
    assert shown_section(plan_of("rows = [2, 1]\nrows.sort()")) == ""
    assert "by_shop" in shown_section(plan_of("import sales\nsales.table().by_shop().sort('shop')"))


def test_the_u_of_a_string_may_go() -> None:
    assert formatted({"a.py": 'x = u"a"\n'}) == {"a.py": 'x = "a"\n'}


def test_a_tab_in_a_docstring_may_stand_further_in() -> None:
    source = 'def read(name):\n  """Read a table.\n\n  sep: default is (\'\\t\')\n  """\n  return name\n'

    assert "\n    sep: default is ('\\t')\n" in formatted({"steps.py": source})["steps.py"]


def test_imports_for_types_alone_are_sorted_and_joined() -> None:
    head = "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n"

    text = formatted({"a.py": f"{head}    from m import b\n    import numpy as np\n    from m import a\n"})["a.py"]

    assert text == f"{head}    import numpy as np\n    from m import a, b\n"


def test_a_comprehension_that_waits_inside_another_makes_its_step_asynchronous() -> None:
    inside = "print([[n async for n in numbers()] for _ in range(2)])"

    plan = plan_of("async def numbers():\n    yield 1", inside, "print(1)")

    assert [step.is_async for step in plan.steps] == [True]


def test_a_saved_result_that_is_no_list_of_lines_is_read_all_the_same() -> None:
    file = json.loads(document("x = 1", "x", counts=(1, 2)))
    data = {"text/plain": ["one", ["two"], 3]}
    file["cells"][1]["outputs"] = [
        {"output_type": "execute_result", "execution_count": 2, "metadata": {}, "data": data},
        {"output_type": "stream", "name": "stdout", "text": [["printed"], None]},
    ]

    package = convert_notebook(Path("n.ipynb"), Options(), content=json.dumps(file).encode()).package

    assert "show(" in next(str(text) for path, text in package.files.items() if Path(path).name == "steps.py")


@pytest.mark.parametrize(
    "source",
    [
        "for _ in range(2):\n    from math import *\nprint(pi)",
        "import os\nos.environ['MODE'] = 'fast'\nfrom unknown import *",
    ],
)
def test_a_star_import_that_has_to_stay_in_a_step_is_refused(source: str) -> None:
    with pytest.raises(RefusedError, match="a star import has to stay"):
        convert_notebook(Path("n.ipynb"), Options(), content=document(source))


@pytest.mark.parametrize("stem", ["class", "True", "import", "pandas", "json"])
def test_a_package_is_never_called_what_cannot_be_imported_or_is_something_else(stem: str) -> None:
    package = convert_notebook(Path(f"{stem}.ipynb"), Options(), content=document("print(1)")).package

    assert package.name == f"{stem.lower()}_pipeline" or (stem, package.name) == ("True", "true")
