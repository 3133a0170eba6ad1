"""Where a notebook is cut into steps, and what each takes and returns."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nb2prod.analysis import analyse_notebook
from nb2prod.convert.passes import make_plan
from nb2prod.convert.plan import EndOfCell, Moved, Options, Plan
from nb2prod.notebook.read import parse_notebook


def plan_of(*cells: str, name: str = "demo") -> Plan:
    """Return the plan of a notebook; a cell that starts with ``#`` and a space is markdown."""
    document = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": {"language": "python", "name": "python3"}},
        "cells": [
            {"cell_type": "markdown", "id": f"c{number}", "metadata": {}, "source": source}
            if source.startswith("# ")
            else {
                "cell_type": "code",
                "id": f"c{number}",
                "metadata": {},
                "outputs": [],
                "execution_count": None,
                "source": source,
            }
            for number, source in enumerate(cells)
        ],
    }
    notebook = parse_notebook(json.dumps(document).encode(), Path("notebook.ipynb"))
    return make_plan(analyse_notebook(notebook), Options(name, keep_exploration=True))


LONG = "\n".join(f"print({number})" for number in range(9))


def shapes(plan: Plan) -> list[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    """Return (name, arguments, results) of each step."""
    return [(step.name, step.arguments, step.results) for step in plan.steps]


def test_a_heading_starts_a_step_that_takes_what_it_reads_and_returns_what_is_read_later() -> None:
    plan = plan_of("# Load data", f"import math\nrows = [1, 2]\n{LONG}", "# Sum up", f"total = math.fsum(rows)\n{LONG}")
    assert shapes(plan) == [("load_data", (), ("rows",)), ("sum_up", ("rows",), ("total",))]
    assert [each.text for each in plan.imports] == ["import math"]


@pytest.mark.parametrize(
    ("heading", "name"),
    [
        ("# &ldquo;Model Selection&rdquo;", "select_model"),
        ("# Data visualization", "visualize_data"),
        ("# Loading the dataset", "load_dataset"),
        ("# Feature selection", "select_features"),
        ("# Parameter Definition", "define_parameters"),
        ("# Model Build", "build_model"),
        ("# Build the model", "build_model"),
        ("# Train-test split", "train_test_split"),
        ("# Forecasting", "forecast"),
        ("# Evaluation of the model", "evaluate_model"),
        ("# Evaluation metrics", "evaluation_metrics"),
        ("# Training data", "training_data"),
        ("# Feature scaling and data splitting", "feature_scaling_data_splitting"),
        ("# Importing", "importing"),
        ("# 3. Load the *data*", "load_data"),
        ("# [Results](http://example.org)", "results"),
        ("# Café & co", "cafe_co"),
        ("# Create X and y variable to store the features", "create_x_y_variable"),
        ("# Sets of 25 numbers whose product is a fifth power", "sets_25_numbers"),
        ("# Because all of these numbers look good, we go on", "run_notebook"),
        ("# 数据", "run_notebook"),
    ],
)
def test_a_step_is_named_by_the_words_of_its_heading(heading: str, name: str) -> None:
    assert plan_of(heading, "print(1)").steps[0].name == name


def test_a_heading_that_is_a_variable_too_gets_a_verb() -> None:
    plan = plan_of("# Model", f"model = 1\n{LONG}", "# Report", f"report = 2\n{LONG}\nprint(model, report)")
    assert [step.name for step in plan.steps] == ["show_model", "show_report"]


def test_a_change_in_place_in_a_later_step_takes_the_object_and_returns_nothing() -> None:
    plan = plan_of(
        "# One thing",
        f"xs = []\n{LONG}",
        "# Two things",
        f"xs.append(1)\n{LONG}",
        "# Three things",
        f"print(xs)\n{LONG}",
    )
    assert shapes(plan) == [("one_thing", (), ("xs",)), ("two_things", ("xs",), ()), ("three_things", ("xs",), ())]


def test_a_name_that_may_not_be_rebound_is_taken_and_returned() -> None:
    plan = plan_of(
        "# First part",
        f"x = 1\n{LONG}",
        "# Second part",
        f"if x:\n    x = 2\n{LONG}",
        "# Third part",
        f"print(x)\n{LONG}",
    )
    assert shapes(plan)[1] == ("second_part", ("x",), ("x",))


def test_steps_are_joined_where_a_name_is_bound_on_some_paths_only() -> None:
    plan = plan_of("# First part", f"p = 0\nif p:\n    x = 2\n{LONG}", "# Second part", f"if p:\n    print(x)\n{LONG}")
    assert [step.cells for step in plan.steps] == [(2, 4)]


def test_a_function_that_reads_no_variable_goes_to_module_level_with_the_constants_it_reads() -> None:
    plan = plan_of("import re\nWORD = re.compile('a')", "def f(x):\n    return WORD.match(x)", "print(f('a'))")
    assert [(each.kind, each.name) for each in plan.functions] == [("constant", "WORD"), ("function", "f")]
    assert shapes(plan) == [("run_notebook", (), ())]


def test_a_named_lambda_is_a_function() -> None:
    plan = plan_of("double = lambda x: 2 * x", "print(double(2))")
    assert [(each.kind, each.name) for each in plan.functions] == [("function", "double")]


@pytest.mark.parametrize(
    "cells",
    [
        ("def f(x):\n    return x", "def f(x):\n    return x + 1"),  # two meanings
        ("def f(x=print()):\n    return x",),  # evaluating it has an effect
        ("def f(x):\n    return xs", "xs = [1]\ng = f"),  # reads a variable, and is handed on
        ("def f():\n    global n\n    n = 1",),  # writes a global
        ("f(1)\ndef f(x):\n    return x",),  # read before, when it meant something else
        ("def f(x):\n    return x", "f.calls = 0"),  # carries state
    ],
)
def test_a_definition_that_is_not_certain_stays_in_its_step(cells: tuple[str, ...]) -> None:
    assert plan_of(*cells).functions == ()


def test_a_function_and_the_later_rebinding_of_what_it_reads_share_a_step() -> None:
    plan = plan_of(
        "# First part", f"rate = [1]\ndef f():\n    return rate\nprint(f)\n{LONG}",
        "# Second part", f"rate = [2]\n{LONG}",
        "# Third part", f"print(f())\n{LONG}",
    )  # fmt: skip
    assert [step.cells for step in plan.steps] == [(2, 4), (6,)]


def test_a_function_first_used_after_a_rebinding_moves_down_past_it() -> None:
    plan = plan_of(
        "# First part", f"rate = [1]\ndef f():\n    return rate\n{LONG}",
        "# Second part", f"rate = [2]\n{LONG}",
        "# Third part", f"print(f(), f)\n{LONG}",
    )  # fmt: skip
    assert [step.cells for step in plan.steps] == [(2,), (4,), (2, 6)]
    assert plan.steps[2].arguments == ("rate",)


def test_a_function_whose_variable_comes_later_moves_down_to_its_first_use() -> None:
    plan = plan_of(
        "# First part", f"def f():\n    return rate\n{LONG}",
        "# Second part", f"rate = [2]\n{LONG}\nprint(f(), f)",
    )  # fmt: skip
    assert [step.cells for step in plan.steps] == [(2,), (4, 2)]
    assert shapes(plan) == [("first_part", (), ()), ("second_part", (), ())]


def test_a_global_counter_becomes_a_nonlocal_of_the_step_that_holds_all_of_it() -> None:
    plan = plan_of(
        "# First part", f"n = 0\ndef f():\n    global n\n    n += 1\n{LONG}",
        "# Second part", f"f()\nprint(n)\n{LONG}",
    )  # fmt: skip
    assert [step.cells for step in plan.steps] == [(2, 4)]
    texts = [each.text for item in plan.steps[0].items if isinstance(item, Moved) for each in item.replacements]
    assert texts == ["nonlocal n"]


def test_a_global_only_functions_assign_is_declared_in_the_step() -> None:
    plan = plan_of("def f():\n    global n\n    n = 1", "f()", "print(n)")
    texts = [each.text for item in plan.steps[0].items if isinstance(item, Moved) for each in item.replacements]
    assert texts == ["nonlocal n", "n: object\n"]


def test_a_builtin_read_before_its_name_is_bound_starts_as_the_builtin() -> None:
    plan = plan_of("print(sum([1]))", "sum = 3")
    texts = [each.text for item in plan.steps[0].items if isinstance(item, Moved) for each in item.replacements]
    assert texts == ["sum = builtins.sum\n"]
    assert "import builtins" in [each.text for each in plan.imports]


def test_an_import_name_with_two_meanings_stays_where_it_is() -> None:
    plan = plan_of("import datetime", "print(datetime)", "from datetime import datetime")
    assert plan.imports == ()


def test_an_import_below_a_change_of_the_import_path_stays_unless_the_tables_know_it() -> None:
    plan = plan_of("import sys\nsys.path.append('lib')", "import math\nimport numpy\nimport somewhere_else")
    assert [each.text for each in plan.imports] == ["import sys", "import math", "import numpy"]


def test_an_import_that_has_to_stay_is_stated_again_in_each_step_that_needs_it() -> None:
    plan = plan_of(
        "# Set up",
        f"import sys\nsys.path.append('lib')\nimport own.deep, other\n{LONG}",
        "# Sum up",
        f"total = own.deep.sum(1)\n{LONG}",
        "# Tell",
        f"print(total, other)\n{LONG}",
    )
    assert shapes(plan) == [("set_up", (), ()), ("sum_up", (), ("total",)), ("tell", ("total",), ())]
    assert [step.imports for step in plan.steps] == [(), ("import own.deep",), ("import other",)]


def test_an_import_name_with_two_meanings_is_imported_where_it_is_needed() -> None:
    plan = plan_of(
        "# Set up",
        f"import datetime\n{LONG}",
        "# Begin",
        f"start = datetime.date(2020, 1, 1)\n{LONG}\nfrom datetime import datetime",
        "# End",
        f"end = datetime(2020, 2, 1)\n{LONG}",
    )
    assert [step.arguments for step in plan.steps] == [(), (), ()]
    assert [step.imports for step in plan.steps] == [(), ("import datetime",), ("from datetime import datetime",)]


def test_an_import_that_a_function_reads_whenever_it_is_called_is_handed_on() -> None:
    plan = plan_of(
        "# Set up",
        f"import datetime\n{LONG}",
        "# Begin",
        f"starts = [lambda: datetime]\n{LONG}\nfrom datetime import datetime\nprint(starts[0]())",
    )
    assert [(step.arguments, step.imports) for step in plan.steps] == [((), ()), (("datetime",), ())]


def test_what_a_module_is_given_is_handed_on_not_imported_again() -> None:
    plan = plan_of(
        "# Set up",
        f"import sys\nsys.path.append('lib')\nimport own\nfrom own import limit\nown.limit = 3\n{LONG}",
        "# Tell",
        f"print(limit)\n{LONG}",
    )
    assert [(step.arguments, step.imports) for step in plan.steps] == [((), ()), (("limit",), ())]


def test_a_method_named_like_drawing_may_leave_a_figure_open() -> None:
    plan = plan_of("import somewhere", "result = somewhere.fit()", "fig = result.plot_forest()", "result.configure()")
    assert 3 in [item.cell for step in plan.steps for item in step.items if isinstance(item, EndOfCell)]


def test_an_import_below_an_environment_magic_stays_unless_the_tables_know_it() -> None:
    plan = plan_of("%env MODE=fast", "import math\nimport somewhere_else")
    assert "import somewhere_else" not in [each.text for each in plan.imports]
    assert "import math" in [each.text for each in plan.imports]


def test_a_function_named_for_drawing_or_from_a_module_of_plots_may_draw() -> None:
    plan = plan_of(
        "from statsmodels.graphics.regressionplots import abline\nfrom statsmodels.tsa.api import STL, seasonal_plot",
        "seasonal_plot([1])",
        "abline(1)",
        "res = STL([1])",
    )

    assert [item.cell for step in plan.steps for item in step.items if isinstance(item, EndOfCell)] == [2, 3]


def test_figures_are_closed_where_a_cell_that_may_draw_ends() -> None:
    plan = plan_of(
        "import matplotlib.pyplot as plt\nx = [1]", "plt.plot(x)", "y = 2", "def draw():\n    plt.plot(x)", "draw()"
    )
    assert [item.cell for step in plan.steps for item in step.items if isinstance(item, EndOfCell)] == [2, 5]


def test_pylab_becomes_its_imports_and_says_what_it_says() -> None:
    plan = plan_of("%pylab inline", "hist([1, 2])")
    assert plan.refusals == ()
    assert "from numpy import *" in [each.text for each in plan.imports]
    texts = [each.text for item in plan.steps[0].items if isinstance(item, Moved) for each in item.replacements]
    assert len(texts) == 1
    assert texts[0].startswith('print("%pylab is deprecated')
    assert [item.cell for item in plan.steps[0].items if isinstance(item, EndOfCell)] == [2]


def test_pylab_below_a_name_it_may_bind_again_is_refused() -> None:
    plan = plan_of("x = 1", "%pylab inline")
    assert [each.cell for each in plan.refusals] == [2]


def test_a_displayed_value_gets_a_label_and_a_displayed_name_keeps_its_own() -> None:
    plan = plan_of("import pandas as pd\ndf = pd.DataFrame()", "df.head()", "df")
    assert [item.shown for step in plan.steps for item in step.items if isinstance(item, Moved)] == [
        None,
        "df_head",
        "df",
    ]


@pytest.mark.parametrize(
    ("above", "shown", "acts"),
    [
        ("from sklearn.linear_model import Ridge\nmodel = Ridge()", "model", True),
        ("from sklearn.linear_model import Ridge\nmodel = Ridge()\nmodel.fit = print", "model_fit", False),
        ("from statsmodels.api import OLS\nmodel = OLS(y, x)", "model_fit", False),  # it gives back the results
        ("class Model:\n    def fit(self, x, y): return 1\nmodel = Model()", "model_fit", False),
    ],
)
def test_a_model_that_is_fitted_and_displayed_is_shown_below_the_fit(above: str, shown: str, *, acts: bool) -> None:
    plan = plan_of(f"x, y = [[1]], [2]\n{above}", "model.fit(x, y)")
    items = [item for step in plan.steps for item in step.items if isinstance(item, Moved)]
    assert (items[-1].shown, items[-1].acts) == (shown, acts)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("exec('x = 1')", "exec() sees names that no function has"),
        ("globals()['x'] = 1", "globals() sees names that no function has"),
        ("print(Out[1])", "Out is the kernel's record of what ran before"),
        ("x = (", "'(' was never closed"),
        ("y = 1\nclass C:\n    y = y + 1", "the class body reads the notebook's y and then binds its own"),
        ("import unittest\nunittest.main('other', argv=[''])", "unittest.main() looks for tests in __main__"),
    ],
)
def test_what_no_function_can_hold_is_refused_with_its_cell(source: str, reason: str) -> None:
    plan = plan_of("a = 1", source)
    assert [each.cell for each in plan.refusals] == [2]
    assert reason in str(plan.refusals[0])


@pytest.mark.parametrize(
    ("cells", "answer"),
    [
        (("if 'x' not in globals():\n    x = 1",), "True"),
        (("x = 1", "if 'x' not in globals():\n    x = 2"), "False"),
        (("x = 1", "del x", "print('x' in locals())"), "False"),
    ],
)
def test_whether_a_name_is_defined_is_answered_where_it_is_sure(cells: tuple[str, ...], answer: str) -> None:
    plan = plan_of(*cells)
    moved = [item for step in plan.steps for item in step.items if isinstance(item, Moved)]
    assert plan.refusals == ()
    assert [each.text for each in moved[-1].replacements] == [answer]


def test_whether_a_name_is_defined_is_refused_where_only_a_run_can_tell() -> None:
    plan = plan_of("import os\nif os.name:\n    x = 1", "print('x' in globals())")
    assert "whether x is defined here depends on the run" in str(plan.refusals[0])


def test_parts_that_rows_are_split_into_are_what_the_whole_is() -> None:
    plan = plan_of(
        "# Split",
        "import pandas as pd\nfrom sklearn.model_selection import train_test_split\ndf = pd.read_csv('a.csv')\n"
        f"X_train, X_test, y_train, y_test = train_test_split(df.drop('y', axis=1), df['y'])\n{LONG}",
        "# Look", f"print(X_train, X_test, y_train, y_test)\n{LONG}",
    )  # fmt: skip
    types = {"X_train": "pd.DataFrame", "X_test": "pd.DataFrame", "y_train": "pd.Series", "y_test": "pd.Series"}
    assert dict(plan.steps[0].result_types) == types


def test_what_a_function_of_the_notebook_returns_has_its_class() -> None:
    plan = plan_of(
        "# Load",
        f"import pandas as pd\ndef load():\n    d = pd.read_csv('a.csv')\n    return d\n\nrows = load()\n{LONG}",
        "# Look", f"print(rows)\n{LONG}",
    )  # fmt: skip
    assert dict(plan.steps[0].result_types) == {"rows": "pd.DataFrame"}


def test_what_a_later_step_displays_is_a_result_of_the_run() -> None:
    plan = plan_of(
        "# Begin", f"scores = {{}}\n{LONG}", "# Score", f"scores['a'] = 1\nrest = len(scores)\n{LONG}\nscores",
        "# End", f"print(rest, scores)\n{LONG}",
    )  # fmt: skip
    assert [(each.name, each.step, each.cell, each.displayed) for each in plan.results] == [
        ("scores", "begin", 4, True)
    ]


def test_a_return_outside_a_function_is_refused_and_a_late_future_import_is_not() -> None:
    plan = plan_of("x = 1\nfrom __future__ import annotations", "return x")
    assert ["'return' outside function" in str(each) for each in plan.refusals] == [True]


def test_arguments_and_results_are_typed_where_their_class_is_certain() -> None:
    plan = plan_of(
        "# First part", f"import pandas as pd\ndf = pd.read_csv('a.csv')\nn = 3\nx = unknown()\n{LONG}",
        "# Second part", f"y = df.head(n)\nz = x\n{LONG}",
        "# Third part", f"if n:\n    y = 1\nprint(y, z)\n{LONG}",
    )  # fmt: skip
    assert dict(plan.steps[0].result_types) == {"df": "pd.DataFrame", "n": "int"}
    assert dict(plan.steps[1].argument_types) == {"df": "pd.DataFrame", "n": "int"}
    assert dict(plan.steps[1].result_types) == {"y": "pd.DataFrame"}
    assert "y" not in dict(plan.steps[2].result_types)


def test_a_cell_that_may_raise_makes_no_result() -> None:
    document = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {},
        "cells": [
            {
                "cell_type": "code",
                "id": "a",
                "metadata": {"tags": ["raises-exception"]},
                "outputs": [],
                "execution_count": None,
                "source": "x = 1 / 0",
            }
        ],
    }
    notebook = parse_notebook(json.dumps(document).encode(), Path("notebook.ipynb"))
    assert make_plan(analyse_notebook(notebook), Options("demo")).steps[0].results == ()


def test_looking_at_main_is_refused_but_for_its_name() -> None:
    plan = plan_of('if __name__ == "__main__":\n    print(1)', "import sys\nprint(sys.modules['__main__'])")
    assert [each.cell for each in plan.refusals] == [2]
    assert "it looks at the module __main__" in str(plan.refusals[0])


def test_a_notebook_that_stops_on_a_missing_name_is_converted_and_says_so() -> None:
    plan = plan_of("print(total)", "total = 1")
    assert plan.refusals == ()
    assert plan.notes == (
        "Cell 1 reads `total`, which is defined only further down: a run stops there, the notebook's as well.",
    )


@pytest.mark.parametrize(
    ("cells", "texts"),
    [
        (("import numpy as np", "%precision 3"), ["numpy.set_printoptions(precision=3)"]),
        (("from numpy import array", "%precision 2"), ["numpy.set_printoptions(precision=2)"]),
        (("import math", "%precision 3"), []),
        (("import numpy as np", "%precision"), []),
    ],
)
def test_the_precision_of_the_kernel_is_that_of_numpy(cells: tuple[str, ...], texts: list[str]) -> None:
    plan = plan_of(*cells, "print(1)")
    items = [item for step in plan.steps for item in step.items if isinstance(item, Moved)]
    assert [each.text for item in items for each in item.replacements] == texts


def test_figures_that_a_backend_keeps_open_stay_open() -> None:
    plan = plan_of("%matplotlib notebook\nimport matplotlib.pyplot as plt", "plt.plot([1])")
    assert not plan.draws
    assert [item for step in plan.steps for item in step.items if isinstance(item, EndOfCell)] == []
    texts = [each.text for item in plan.steps[0].items if isinstance(item, Moved) for each in item.replacements]
    assert texts == ['matplotlib.use("agg")']


READ = "import pandas as pd\nrows = pd.read_csv('a.csv')\nX, y = rows.drop('y', axis=1), rows['y']\nrows.info()"
SCALE = "from sklearn.preprocessing import StandardScaler\nscaler = StandardScaler()\nX = scaler.fit_transform(X)"
SPLIT = (
    "from sklearn.model_selection import train_test_split\nX_train, X_test, y_train, y_test = train_test_split(X, y)\n"
    "print(len(X_train))\nprint(len(X_test))"
)
FIT = "from sklearn.linear_model import Ridge\nmodel = Ridge()\nmodel.fit(X_train, y_train)\nprint(model.coef_)"
SCORE = f"print(model.score(X_test, y_test))\n{LONG}"


def test_a_notebook_without_headings_is_cut_where_a_model_is_made_and_where_it_is_judged() -> None:
    steps = plan_of(READ, SCALE, SPLIT, FIT, SCORE).steps

    assert [(step.name, step.cells) for step in steps] == [
        ("load_rows", (1, 2)),
        ("fit_model", (3, 4)),
        ("evaluate_model", (5,)),
    ]


def test_a_notebook_with_one_heading_is_cut_as_one_without() -> None:
    steps = plan_of("# The price", READ, SCALE, SPLIT, FIT, SCORE).steps

    assert [step.name for step in steps] == ["load_rows", "fit_model", "evaluate_model"]


def test_headings_decide_where_there_are_several() -> None:
    steps = plan_of("# Get ready", READ, SCALE, "# Learn", SPLIT, FIT, SCORE).steps

    assert [step.name for step in steps] == ["get_ready", "learn"]


def test_what_a_step_fits_and_keeps_names_it_even_where_another_result_comes_first() -> None:
    steps = plan_of(
        READ, SPLIT, f"{FIT}\n{LONG}\ny_hat = model.predict(X_test)", "# Look", f"print(y_hat)\n{LONG}"
    ).steps

    assert [step.name for step in steps] == ["load_rows", "fit_model", "look"]


def test_a_heading_like_a_function_of_the_notebook_is_told_apart_by_what_the_step_makes() -> None:
    plan = plan_of(
        "# Prune", f"def prune(rows):\n    return rows[1:]\n\nkept = prune([1, 2])\n{LONG}",
        "# Look", f"print(kept)\n{LONG}",
    )  # fmt: skip
    assert [step.name for step in plan.steps] == ["prune_kept", "look"]


def test_a_first_step_that_only_prepares_sets_up() -> None:
    source = (
        "import warnings\nimport matplotlib.pyplot as plt\nwarnings.filterwarnings('ignore')\nplt.rc('font', size=12)"
    )
    steps = plan_of(f"{source}\nplt.style.use('ggplot')", "# Count", f"rows = [1]\n{LONG}").steps

    assert [step.name for step in steps] == ["set_up", "count"]


def test_a_step_that_only_shows_what_it_is_given_is_named_after_that() -> None:
    steps = plan_of(
        "# Load", f"rows = [1, 2]\n{LONG}", "# Oops, it is not what I thought it would be", f"rows\n{LONG}"
    ).steps

    assert [step.name for step in steps] == ["load", "show_rows"]
