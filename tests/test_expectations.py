"""What saved outputs let a generated test expect, and that the tests bite."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from generated_suites import cell, convert, heading, run_suite

from nb2prod.convert.expected_tables import table_as_now
from nb2prod.convert.expected_text import whatever_is_drawn
from nb2prod.convert.scaffold.tests.notebook_text import assert_same_run, assert_text

if TYPE_CHECKING:
    from pathlib import Path


def expected(files: dict[str, str]) -> str:
    return files.get("tests/test_steps.py", "")


SQUARES = (
    heading("Make squares"),
    cell("n = 4\nsquares = [i * i for i in range(n)]\nprint('made', len(squares))", 1, printed="made 4\n"),
    cell("squares", 2, displayed="[0, 1, 4, 9]"),
    heading("Add them up"),
    cell("total = sum(squares)\nprint(f'total: {total}')", 3, printed="total: 14\n"),
)


def test_a_suite_passes_on_the_package_it_comes_with(tmp_path: Path) -> None:
    files = convert(tmp_path, *SQUARES)
    done = run_suite(tmp_path)

    assert done.returncode == 0, done.stdout
    assert "def test_make_squares_displays_squares" in expected(files)
    assert "def test_the_command_line_prints_the_same_again" in expected(files)


@pytest.mark.parametrize(
    ("old", "new", "killer"),
    [
        ("i * i", "i + i", "displays_squares"),
        ("len(squares)", "len(squares) + 1", "_prints"),
        ("sum(squares)", "max(squares)", "_prints"),
    ],
)
def test_a_suite_fails_on_a_package_that_computes_something_else(
    tmp_path: Path, old: str, new: str, killer: str
) -> None:
    convert(tmp_path, *SQUARES)
    steps = tmp_path / "package" / "src" / "squares" / "steps.py"
    text = steps.read_text(encoding="utf-8")
    assert old in text
    steps.write_text(text.replace(old, new), encoding="utf-8")
    done = run_suite(tmp_path)

    assert done.returncode == 1
    assert killer in done.stdout


def test_what_fails_in_one_step_is_said_by_the_tests_of_that_step(tmp_path: Path) -> None:
    convert(tmp_path, *SQUARES)
    steps = tmp_path / "package" / "src" / "squares" / "steps.py"
    text = steps.read_text(encoding="utf-8")
    steps.write_text(text.replace("sum(squares)", "sum(squares) / 0"), encoding="utf-8")
    done = run_suite(tmp_path)

    assert "did not come to its end: ZeroDivisionError" in done.stdout
    assert "FAILED tests/test_import.py" not in done.stdout


def test_an_output_that_depends_on_another_order_is_not_expected(tmp_path: Path) -> None:
    files = convert(
        tmp_path,
        cell("a = 1", 1),
        cell("print('now', a)", 3, printed="now 2\n"),
        cell("a = 2", 2),
        cell("b = 5\nprint('then', b)", 4, printed="then 5\n"),
    )

    assert "now 2" not in expected(files)
    assert "then 5" in expected(files)


def test_the_output_of_an_edited_cell_is_not_expected(tmp_path: Path) -> None:
    files = convert(tmp_path, cell("print('rows', 3)", 1, printed="lines 3\n"))

    assert "lines 3" not in expected(files)


def test_of_random_values_only_the_words_are_expected(tmp_path: Path) -> None:
    files = convert(
        tmp_path, cell("import random\nx = random.random()\nprint('drawn', x)", 1, printed="drawn 0.8444218515250481\n")
    )

    assert "drawn ..." in expected(files)
    assert "0.84" not in expected(files)
    assert "prints_the_same_again" not in expected(files)


def test_of_the_time_nothing_is_expected(tmp_path: Path) -> None:
    files = convert(
        tmp_path, cell("import time\nstart = time.time()\nprint('started', start)", 1, printed="started 1711.5\n")
    )

    assert "1711" not in expected(files)


@pytest.mark.parametrize(
    ("source", "known"),
    [
        ("for word in set('to be or'.split()):\n    print(word)", False),
        ("words = {'to', 'be', 'or'}\nprint(*[word for word in enumerate(words)])", False),
        (
            "def show(words):\n    seen = set(words)\n    for word in seen:\n        print(word)\nshow(['to', 'be'])",
            False,
        ),
        ("words = set('to be or'.split())\nfor word in sorted(words):\n    print(word)", True),
        ("words = set('to be or'.split())\nwords = sorted(words)\nfor word in words:\n    print(word)", True),
        ("for number in {1, 2}:\n    print(number)", True),
        ("words = set('to be or'.split())\nprint(len(words))", True),
    ],
)
def test_what_is_printed_in_the_order_of_a_set_is_not_expected(source: str, *, known: bool, tmp_path: Path) -> None:
    files = convert(tmp_path, cell(source, 1, printed="be\nor\nto\n"))

    assert ("_prints(" in expected(files)) == known
    assert ("prints_the_same_again(" in expected(files)) == known


def test_addresses_and_folders_are_not_expected(tmp_path: Path) -> None:
    printed = "ok\n<object object at 0x7f0c3a2b10>\nsaved to /home/me/models/a.pkl\n"
    files = convert(tmp_path, cell("print('ok')\nshow_all()\n", 1), cell("pass", 2))
    assert "0x7f" not in expected(files)
    files = convert(tmp_path / "two", cell("print('ok', object())", 1, printed=printed))
    assert "0x7f" not in expected(files)
    assert "/home/me" not in expected(files)


def test_formulas_that_are_drawn_in_characters_are_not_expected(tmp_path: Path) -> None:
    start = cell("from sympy import init_printing, symbols\ninit_printing()\nx = symbols('x')", 1)
    files = convert(
        tmp_path, start, cell("x**2 + 1", 2, displayed=" 2    \nx  + 1"), cell("len('drawn')", 3, displayed="5")
    )

    assert "x  + 1" not in expected(files)
    assert '"5"' in expected(files)


def test_functions_that_are_displayed_are_not_expected(tmp_path: Path) -> None:
    files = convert(
        tmp_path,
        cell("def f(x): return x", 1),
        cell("[f, 7]", 2, displayed="[<function __main__.f(x)>, 7]"),
        cell("lambda x: x", 3, displayed="<function __main__.<lambda>(x)>"),
        cell("len('shown')", 4, displayed="5"),
    )

    assert "function" not in expected(files)
    assert '"5"' in expected(files)


def test_a_step_without_any_output_is_run_and_marked(tmp_path: Path) -> None:
    files = convert(tmp_path, cell("x = 1\ny = [x]", 1))

    assert "@pytest.mark.untested" in expected(files)
    assert run_suite(tmp_path).returncode == 0


def test_an_assert_is_asked_again_of_what_the_step_returned(tmp_path: Path) -> None:
    files = convert(
        tmp_path,
        heading("Load rows"),
        cell("import math\nrows = [1, 2, 3]\nfirst = rows[0]\nassert math.prod(rows) == 6, 'lost rows'", 1),
        cell("print(first)", 2, printed="1\n"),
        heading("Count rows"),
        cell("count = len(rows)\nmost = max(rows)\nprint(count, most, first)", 3, printed="3 3 1\n"),
        cell("print(count + most)", 4, printed="6\n"),
    )

    assert 'results["rows"]' in expected(files)
    assert "assert math.prod(rows) == 6, " in expected(files)
    assert "assert math.prod(rows) == 6" in files["src/squares/steps.py"]
    assert run_suite(tmp_path).returncode == 0


def test_the_imports_of_an_assert_are_sorted_as_all_others(tmp_path: Path) -> None:
    width = "def width(xs):\n    return len(xs)\nclass Box:\n    pass\nprint('defined')"
    asserted = "squares = [i * i for i in range(4)]\nassert width(squares) == 4 and not isinstance(squares, Box)"
    files = convert(tmp_path, cell(width, 1), heading("Make squares"), cell(asserted, 2), cell("print(squares)", 3))

    assert "from squares.steps import Box, width" in expected(files)
    assert run_suite(tmp_path).returncode == 0


def test_an_assert_about_what_changes_later_is_no_test(tmp_path: Path) -> None:
    files = convert(tmp_path, cell("rows = [1]\nassert len(rows) == 1", 1), cell("rows.append(2)\nprint(rows)", 2))

    assert "assert len(rows)" not in expected(files)
    assert run_suite(tmp_path).returncode == 0


def test_a_folder_that_is_there_for_what_is_written_is_there_in_the_tests(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    convert(tmp_path, cell("with open('images/a.txt', 'w') as file:\n    file.write('a')\nprint('done')", 1, "done\n"))

    assert run_suite(tmp_path).returncode == 0


def test_of_random_values_the_line_below_a_series_is_not_expected(tmp_path: Path) -> None:
    printed = "drawn\n0    0.84\nName: drawn, Length: 1, dtype: float64\n"
    files = convert(tmp_path, cell("import random\nprint('drawn', random.random())", 1, printed=printed))

    assert "drawn\n" in expected(files)
    assert "Name" not in expected(files)
    assert "Length" not in expected(files)


def test_a_long_table_is_expected_as_pandas_cuts_it_today() -> None:
    rows = [f"{number}  {number / 4:.2f}" for number in range(30)]
    last = [f"{number}  {number / 4:.2f}" for number in range(70, 100)]
    text = "\n".join(["      x", *rows, "..    ...", *last, "", "[100 rows x 1 columns]"])

    lines = table_as_now(text).split("\n")

    assert lines[:6] == ["      x", *rows[:5]]
    assert lines[6:] == ["...", *last[-5:], "", "[100 rows x 1 columns]"]


def test_of_a_table_with_columns_left_out_those_before_are_expected_and_a_shape_that_is_printed_again() -> None:
    head = "    a  b  ...  y  z\n0   1  2  ...  3  4\n\n"
    left = "    a  b ...\n0   1  2 ..."

    assert table_as_now(head + "[1 rows x 26 columns]") == f"{left}\n[1 rows x 26 columns]"
    assert table_as_now(head + "[1 rows x 8 columns]") == left


def test_of_a_table_with_rows_and_columns_left_out_only_the_shape_is_expected() -> None:
    text = "    a  ...  z\n0   1  ...  4\n..  ..  ...  ..\n99  1  ...  4\n\n[100 rows x 26 columns]"

    assert table_as_now(text) == "...\n[100 rows x 26 columns]"


DRAW = "import pandas as pd\nfrom sklearn.naive_bayes import GaussianNB\nimport random\nx = random.random()\n"


@pytest.mark.parametrize(
    ("source", "displayed", "is_expected"),
    [
        ("GaussianNB().fit([[x], [1]], [0, 1])", "GaussianNB(priors=None)", '"GaussianNB(..."'),
        ("accuracy = x\naccuracy", "0.84", '"{'),
        ("x", "0.84", None),
    ],
)
def test_of_a_random_value_that_is_displayed_a_class_and_a_floor_are_expected(
    tmp_path: Path, source: str, displayed: str, is_expected: str | None
) -> None:
    files = convert(tmp_path, cell(DRAW + source, 1, displayed=displayed))

    assert (f"expected = {is_expected}" if is_expected else "untested") in expected(files)
    assert displayed not in expected(files)
    assert ("floor = 0.54" in files.get("tests/metrics.toml", "")) == (is_expected == '"{')


def test_what_is_scaled_is_expected_as_it_is(tmp_path: Path) -> None:
    """Scaling fits, and comes out the same with every version; so does a split under a seed."""
    source = (
        "from sklearn.model_selection import train_test_split\nfrom sklearn.preprocessing import StandardScaler\n"
        "rows = StandardScaler().fit_transform([[number] for number in range(720)])\n"
        "train, test = train_test_split(rows, test_size=0.25, random_state=1)\nprint('train', len(train))"
    )
    files = convert(tmp_path, cell(source, 1, printed="train 540\n"))

    assert '"train 540"' in expected(files)


def test_of_a_random_table_the_header_is_expected() -> None:
    table = "   age  bill ($)\n0   36     12.25\n"

    assert whatever_is_drawn(table, is_table=True) == "age bill ($)\n..."
    assert whatever_is_drawn("   0     1\n0  36  0.25\n", is_table=True) == "..."
    assert whatever_is_drawn(table, is_table=False) == "..."
    wide = f"{'model':>20}{'best_parameters':>25}\n"  # printed in two parts where the parameters are longer
    assert whatever_is_drawn(f"{wide}0 {{'criterion': 'gini'}}\n", is_table=True) == "model ... best_parameters\n..."


LEARN = "from sklearn.linear_model import LinearRegression\nmodel = LinearRegression().fit([[1], [2]], [1, 2])\n"


def test_of_what_is_learnt_sentences_are_expected_within_limits_and_coefficients_are_not(tmp_path: Path) -> None:
    printed = "slope 2.5\n[[ 0.7 -0.4]\n [ 0.7 -0.4]]\n['age', 'fare']\n"
    files = convert(tmp_path, cell(LEARN + "print('slope', model.coef_, names)", 1, printed=printed))

    assert "slope 2.5±0.25" in expected(files)
    assert "-0.4" not in expected(files)
    assert "age" not in expected(files)


LEARNT = (
    heading("Fit it"),
    cell(
        "model = load().fit(4)\nprint('shape', model.shape)\nprint(model.coefficients)\nprint(model.forecast)",
        1,
        printed="shape (120, 3)\n[[1.5 2.5 3.5]\n [1.5 2.5 4.5]\n [2.5 3.5 4.5]]\n2024-01-07  12.5\n2024-01-14  13.5\n"
        "2024-01-21  14.5\n",
    ),
)


def test_of_what_is_learnt_shapes_and_dates_are_expected_and_one_mark_stands_for_rows_of_figures(
    tmp_path: Path,
) -> None:
    assert """    expected = \"\"\"
shape (120, 3)
...
2024-01-07  ...
2024-01-14  ...
2024-01-21  ...
\"\"\"
""" in expected(convert(tmp_path, *LEARNT))


def test_a_figure_is_named_by_its_own_label(tmp_path: Path) -> None:
    files = convert(
        tmp_path,
        heading("Score"),
        cell(
            "error = load().fit(4)\nprint('ridge MAPE', error, 'RMSE', error)", 1, printed="ridge MAPE 4.3 RMSE 8.6\n"
        ),
    )

    assert "ridge MAPE {score_ridge_mape} RMSE {score_ridge_rmse}" in expected(files)


@pytest.mark.parametrize(("seed", "said"), [("random_state=1", "'a 3'"), ("random_state=None", "'a ...'")])
def test_what_an_unknown_object_draws_with_a_seed_is_expected(tmp_path: Path, seed: str, said: str) -> None:
    files = convert(
        tmp_path, heading("Draw"), cell(f"row = load().sample(1, {seed})\nprint('a', row)", 1, printed="a 3\n")
    )

    assert f"    expected = {said}\n".replace("'", '"') in expected(files)


def test_of_a_random_value_that_is_displayed_nothing_is_expected(tmp_path: Path) -> None:
    source = "import random\nkinds = ['mse', 'gini']\nrandom.choice(kinds)"
    files = convert(tmp_path, cell(source, 1, displayed="'gini'"))

    assert "gini" not in expected(files)


def test_words_that_are_printed_for_some_values_only_are_not_expected(tmp_path: Path) -> None:
    source = (
        "import random\nx = random.random()\nprint('drawn', x)\nif x > 0.5:\n    print('high')\nelse:\n    print('low')"
    )
    files = convert(tmp_path, cell(source, 1, printed="drawn 0.8444218515250481\nhigh\n"))

    assert "drawn ..." in expected(files)
    assert "high" not in expected(files)


@pytest.mark.parametrize(
    ("source", "printed"),
    [
        ("print({'b', 'a'})", "{'a', 'b'}\n"),
        ("from IPython.display import clear_output\nprint('one')\nclear_output()\nprint('two')", "two\n"),
        ("import sys\nprint(sys.getsizeof(1))", "28\n"),
        ("import math\nprint(math.__doc__)", "This module provides access\n"),
    ],
)
def test_what_another_process_or_version_says_otherwise_is_not_expected(
    tmp_path: Path, source: str, printed: str
) -> None:
    files = convert(tmp_path, cell(source, 1, printed=printed))

    assert printed.strip() not in expected(files)


def test_a_cell_that_prints_and_has_no_output_may_have_lost_it(tmp_path: Path) -> None:
    convert(
        tmp_path,
        cell("x = 3\nprint('x is', x)", 1, printed="x is 3\n"),
        cell("print('saved')", 2),
        cell("print('twice', 2 * x)", 3, printed="twice 6\n"),
    )

    assert run_suite(tmp_path).returncode == 0


def test_a_pipeline_that_takes_long_is_run_once(tmp_path: Path) -> None:
    convert(tmp_path, *SQUARES)
    shared = tmp_path / "package" / "tests" / "conftest.py"
    text = shared.read_text(encoding="utf-8")
    assert "ONCE_MORE = 20" in text
    shared.write_text(text.replace("ONCE_MORE = 20", "ONCE_MORE = -1"), encoding="utf-8")
    done = run_suite(tmp_path)

    assert done.returncode == 0, done.stdout
    assert "1 skipped" in done.stdout


@pytest.mark.parametrize(
    ("actual", "other", "same"),
    [
        ("Date: 3 May 2024\nrows 3", "Date: 4 May 2024\nrows 3", True),
        ("took 3.2 s\nrows 3", "took 4.9 s\nrows 3", True),
        ("rows 3", "rows 4", False),
    ],
)
def test_two_runs_differ_in_what_is_not_about_the_time(actual: str, other: str, *, same: bool) -> None:
    if same:
        assert_same_run(actual, other)
    else:
        with pytest.raises(AssertionError, match="says '4'"):
            assert_same_run(actual, other)


@pytest.mark.parametrize(
    ("actual", "saved"),
    [
        ("<class 'numpy.ndarray'>", "numpy.ndarray"),
        ("[[1. 2.]\n ...\n [3. 4.]]", "[[1. 2.]\n ..., \n [3. 4.]]"),
        ("mean 2.87e-16", "mean 1.15e-16"),
    ],
)
def test_spellings_of_versions_are_the_same(actual: str, saved: str) -> None:
    assert_text(actual, saved)


def test_the_readme_says_of_each_step_what_it_is_tested_by(tmp_path: Path) -> None:
    """A row for each step, those without expectations and those without input too."""
    saved = convert(tmp_path / "saved", *SQUARES)
    nothing = convert(tmp_path / "nothing", cell("x = 1\ny = [x]", 1))
    source = "import pandas as pd\nframe = pd.read_csv('not_there.csv')\nprint(len(frame))"
    missing = convert(tmp_path / "missing", cell(source, 1, printed="3\n"))

    assert "| `make_squares` | saved output |" in saved["README.md"]
    assert "No test expects anything of the steps. They are only run, once." in nothing["README.md"]
    assert "No test expects anything of the steps. None of them is run." in missing["README.md"]
