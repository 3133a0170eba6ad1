"""The notebook's own settings become fields of the configuration, and with no options nothing changes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from nb2prod.convert.api import convert_notebook
from nb2prod.convert.write import write_package

if TYPE_CHECKING:
    from pathlib import Path

    from nb2prod.convert.api import Conversion


def convert(folder: Path, *sources: str, tags: tuple[str, ...] = ()) -> Conversion:
    """Convert a notebook of these code cells; ``tags`` are the first's."""
    cells: list[dict[str, object]] = [
        {"cell_type": "code", "source": source, "metadata": {}, "outputs": [], "execution_count": None}
        for source in sources
    ]
    cells[0]["metadata"] = {"tags": [*tags]}
    path = folder / "churn.ipynb"
    path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}), encoding="utf-8")
    return convert_notebook(path)


def text(conversion: Conversion, name: str) -> str:
    return conversion.package.files[f"src/churn/{name}.py"].decode()


def fields(conversion: Conversion) -> dict[str, object]:
    return {each.in_config: each.default for each in conversion.plan.parameters}


def run(conversion: Conversion, folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    write_package(conversion.package, folder / "package", force=True)
    environment = {**os.environ, "PYTHONPATH": str(folder / "package" / "src"), "PYTHONUTF8": "1", **variables}
    command = [sys.executable, "-m", conversion.package.name, *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, encoding="utf-8", check=False)


# What stands in the notebook, and the field's line in ``Config``.
LIFTED = {
    "5": "int = 5",
    "-5": "int = -5",
    "0": "int = 0",
    "1_000": "int = 1000",
    "0x10": "int = 16",
    "0.2": "float = 0.2",
    ".2": "float = 0.2",
    "-1e-3": "float = -0.001",
    "2.": "float = 2.0",
    "1e999": "float = 1e309",
    "True": "bool = True",
    '"churned"': 'str = "churned"',
    "'it''s'": 'str = "its"',
    'r"a\\b"': 'str = "a\\\\b"',
    '"größe"': 'str = "größe"',
    "(3, 4)": "tuple = (3, 4)",
    '("a", -1, True)': 'tuple = ("a", -1, True)',
}


@pytest.mark.parametrize("literal", LIFTED)
def test_a_constant_is_a_field_with_the_same_value_and_type(literal: str, tmp_path: Path) -> None:
    conversion = convert(tmp_path, f"LIMIT = {literal}", "print(repr(LIMIT), type(LIMIT), [LIMIT] * 2)")
    limit = eval(literal)  # noqa: S307 ours

    assert f"    limit: {LIFTED[literal]}\n" in text(conversion, "config")
    assert "def make(LIMIT" in text(conversion, "steps").replace("run_notebook", "make")
    assert run(conversion, tmp_path).stdout == f"{limit!r} {type(limit)} {[limit] * 2}\n"


@pytest.mark.parametrize(
    "literal",
    [
        "None", "...", "b'x'", "1j", "''", "'  '", "'a\\nb'", f"'{'x' * 201}'", "[1]", "{1}", "{'a': 1}", "()",
        "(1, [2])", "((1, 2), 3)", "{'a': {'b': 1}}", "1 + 1", "int('5')", "f'{1}'", "not 1", "-True", "+1",
    ],
)  # fmt: skip
def test_what_is_no_simple_literal_stays(literal: str, tmp_path: Path) -> None:
    conversion = convert(tmp_path, f"LIMIT = {literal}", "print(LIMIT)")

    assert fields(conversion) == {}
    assert f"LIMIT = {literal}" in text(conversion, "steps").replace('"', "'")


# Cells after ``limit = 5`` in which ``limit`` is not the value of the configuration everywhere.
KEPT = {
    "bound again": "limit = 6\nprint(limit)",
    "augmented": "limit += 1\nprint(limit)",
    "deleted": "print(limit)\ndel limit",
    "target of a loop": "for limit in range(3):\n    pass\nprint(limit)",
    "target of with": "import io\nwith io.StringIO() as limit:\n    pass\nprint(type(limit))",
    "bound on a path": "if print(limit):\n    limit = 6\nprint(limit)",
    "walrus": "print((limit := 3) + limit)",
    "imported": "from math import pi as limit\nprint(limit)",
    "unpacked": "limit, other = 1, 2\nprint(limit)",
    "caught": "try:\n    1 / 0\nexcept ZeroDivisionError as limit:\n    print(limit)",
    "a global of a function": "def more():\n    global limit\n    limit += 1\nmore()\nprint(limit)",
    "declared global only": "def show():\n    global limit\n    print(limit)\nshow()",
    "read by nobody": "print(1)",
}


@pytest.mark.parametrize("form", KEPT)
def test_a_name_that_means_more_than_its_literal_stays(form: str, tmp_path: Path) -> None:
    (tmp_path / "notebook.py").write_text(f"limit = 5\n{KEPT[form]}\n", encoding="utf-8")
    conversion = convert(tmp_path, "limit = 5", KEPT[form])
    script = [sys.executable, str(tmp_path / "notebook.py")]
    expected = subprocess.run(script, capture_output=True, encoding="utf-8", check=True).stdout

    assert fields(conversion) == {}
    assert run(conversion, tmp_path).stdout == expected


def test_a_name_read_before_it_is_bound_stays(tmp_path: Path) -> None:
    conversion = convert(tmp_path, "try:\n    print(LIMIT)\nexcept NameError:\n    print('none')", "LIMIT = 5", "LIMIT")

    assert fields(conversion) == {}


def test_a_name_that_looks_like_a_figure_in_small_letters_stays_in_capitals(tmp_path: Path) -> None:
    assert fields(convert(tmp_path, "L = 1.5\nN = 2", "print(L + N)")) == {"L": 1.5, "n": 2}


def test_a_cell_that_may_raise_keeps_its_constants(tmp_path: Path) -> None:
    conversion = convert(tmp_path, "1 / 0\nLIMIT = 5", "print(LIMIT)", tags=("raises-exception",))

    assert fields(conversion) == {}


def test_a_constant_of_a_function_is_handed_to_it_where_every_call_can(tmp_path: Path) -> None:
    conversion = convert(tmp_path, "RATE = 0.5\nN = 3", "def scaled(x):\n    return x * RATE", "print(scaled(N))")

    assert fields(conversion) == {"n": 3, "rate": 0.5}
    assert "def scaled(x, RATE):" in text(conversion, "steps")
    assert run(conversion, tmp_path, "--n", "4").stdout == "2.0\n"
    assert run(conversion, tmp_path, "--n", "4", "--rate", "2").stdout == "8.0\n"


@pytest.mark.parametrize(
    "reader",
    [
        "def scaled(x, rate=RATE):\n    return x * rate",  # it is read when the function is made
        "class Scale:\n    def of(self, x):\n        return x * RATE\nscaled = Scale().of",
        "def scaled(x):\n    return x * RATE\nkept = [scaled]",  # it is read when nobody knows
        "A = B = C = 1\nA1 = 1\nB1 = 1\nC1 = 0\ndef scaled(x):\n    return x * RATE + A1 - B1 + C1",  # one too many
    ],
)
def test_a_constant_of_a_function_stays_beside_it_otherwise(reader: str, tmp_path: Path) -> None:
    conversion = convert(tmp_path, "RATE = 0.5\nN = 3", reader, "print(scaled(N))")

    assert fields(conversion) == {"n": 3}
    assert "\nRATE = 0.5\n" in text(conversion, "steps")
    assert run(conversion, tmp_path, "--n", "4").stdout == "2.0\n"


def test_a_path_used_as_text_stays_text(tmp_path: Path) -> None:
    source = 'import os\nprint(os.path.join(DATA, "a"), DATA + "/b", f"{DATA}/c", DATA.upper(), DATA / "d", sep=";")'
    conversion = convert(tmp_path, 'DATA = "data"', source.replace(', DATA / "d"', ""))

    assert fields(conversion) == {"data_dir": "data"}
    assert run(conversion, tmp_path).stdout == "data/a;data/b;data/c;DATA\n"
    assert run(conversion, tmp_path, "--data-dir", "x").stdout == "x/a;x/b;x/c;X\n"


def test_a_path_object_stays_one(tmp_path: Path) -> None:
    source = 'from pathlib import Path\nDATA = Path("data")'
    conversion = convert(tmp_path, source, 'print(repr(DATA / "a"))')

    assert 'data_dir: Path = Path("data")' in text(conversion, "config")
    assert "(DATA: Path)" in text(conversion, "steps")
    assert run(conversion, tmp_path).stdout == "PosixPath('data/a')\n"
    assert run(conversion, tmp_path, CHURN_DATA_DIR="x").stdout == "PosixPath('x/a')\n"


def test_a_lifted_name_is_an_argument_of_the_steps_that_read_it_and_no_result(tmp_path: Path) -> None:
    conversion = convert(tmp_path, 'DATA = "a.csv"\nDATA2 = "b.csv"', "print(open(DATA).read())", "open(DATA2)")
    steps = [(each.arguments, each.results) for each in conversion.plan.steps]

    assert steps == [(("DATA", "DATA2"), ())]
    assert "config.data_path, config.data2_path" in text(conversion, "pipeline")


FILES = {
    "read": ('open("in/a.csv")', {"a_csv": "in/a.csv"}),
    "written": ('open("b.txt", "w").close()', {"b_txt": "b.txt"}),
    "written, then read": ('open("b.txt", "w").close()\nopen("b.txt")', {"b_txt": "b.txt"}),
    "an address": (
        'import pandas as pd\npd.read_csv("https://a.example/x/iris.data?raw=1")',
        {"iris_url": "https://a.example/x/iris.data?raw=1"},
    ),
    "two of one name": ('open("in/a.csv")\nopen("out/a.csv")', {"in_a_csv": "in/a.csv", "out_a_csv": "out/a.csv"}),
    "a constant's": ('OUT = "b.txt"\nopen(OUT, "w").close()\nopen("b.txt")', {"out_path": "b.txt"}),
    "in a message": ('open("b.txt", "w").close()\nprint("saved to b.txt")', {"b_txt": "b.txt"}),
    "named like a variable": ('b_txt = []\nopen("b.txt").readlines(b_txt)', {}),
    "in a function": ('def load():\n    return open("b.txt")\nload()', {}),
    "elsewhere in a function": ('def load():\n    return open("b.txt")\nopen("b.txt", "w").close()\nload()', {}),
    "elsewhere in a list": ('open("b.txt", "w").close()\nnames = ["b.txt"]\nprint(names)', {}),
    "elsewhere in a longer path": ('open("b.txt", "w").close()\nprint(["./b.txt"])', {}),
    "elsewhere in the shell": ('open("b.txt", "w").close()\n!cat b.txt', {}),
    "a folder's part": ('import os\nos.makedirs("out")\nopen("out/b.txt", "w").close()', {"b_txt": "out/b.txt"}),
}


@pytest.mark.parametrize("form", FILES)
def test_a_file_is_a_field_where_all_of_the_code_can_have_it(form: str, tmp_path: Path) -> None:
    source, expected = FILES[form]

    assert fields(convert(tmp_path, source)) == expected


CALLS = {
    "a seed": ("import numpy as np\nnp.random.seed(7)", {"seed": 7}),
    "two seeds": (
        "import random\nimport numpy as np\nrandom.seed(1)\nnp.random.seed(2)",
        {"random_seed": 1, "numpy_seed": 2},
    ),
    "a split": (
        "from sklearn.model_selection import train_test_split\ntrain_test_split([1, 2], test_size=.5, random_state=0)",
        {"test_size": 0.5, "random_state": 0},
    ),
    "one seed without a name": (
        "import sklearn.svm as s, sklearn.tree as t\ns.SVC(random_state=3)\nt.DecisionTreeClassifier(random_state=3)",
        {},
    ),
    "hyperparameters": (
        "import sklearn.svm as s\nsvc = s.SVC(C=3, verbose=1).fit(x, y)\ns.SVR(C=4)",
        {"svc_c": 3, "svr_c": 4},
    ),
    "one of two values": (
        "from sklearn.cluster import KMeans as K\na = K(n_clusters=4)\nb = K(n_clusters=2)\nc = K(n_clusters=2)",
        {"a_n_clusters": 4},
    ),
    "no estimator": ("import matplotlib.pyplot as plt\nplt.plot([1], alpha=0.5)", {}),
    "a library nobody knows": ("import mylib\nmylib.model().fit(1, epochs=10, batch_size=None)", {"epochs": 10}),
    "no number": ("from sklearn.svm import SVC\nSVC(C=c, gamma=None)", {}),
    "in an f-string": ('import numpy as np\nprint(f"{np.random.seed(7)}")', {}),
    "in a function": ("import numpy as np\ndef reset():\n    np.random.seed(7)\nreset()", {}),
}


@pytest.mark.parametrize("form", CALLS)
def test_literals_of_telling_arguments_are_fields(form: str, tmp_path: Path) -> None:
    source, expected = CALLS[form]

    assert fields(convert(tmp_path, "x = y = c = [1]", source)) == expected


def test_a_literal_becomes_a_name_where_it_stood(tmp_path: Path) -> None:
    source = (
        'import random\nrandom.seed( 7 ) # once\nwith open("a.csv", "w") as f: f.write("1")\nprint(random.random())'
    )
    conversion = convert(tmp_path, source)
    plain = run(conversion, tmp_path).stdout

    assert "random.seed(seed)  # once" in text(conversion, "steps")
    assert 'with open(a_csv, "w") as f:' in text(conversion, "steps")
    assert run(conversion, tmp_path, "--seed", "7").stdout == plain
    assert run(conversion, tmp_path, "--seed", "8", "--a-csv", "b.csv").stdout != plain
    assert (tmp_path / "b.csv").read_text(encoding="utf-8") == "1"


def test_a_configuration_has_only_so_many_fields_and_first_what_is_wanted_most(tmp_path: Path) -> None:
    names = [f"value_{number}" for number in range(40)]
    constants = "\n".join(f"{name} = {number}" for number, name in enumerate(names))
    capitals = "\n".join(f"{name.upper()}S = {number}" for number, name in enumerate(names[:16]))
    reads = f"print({', '.join(names)}, {', '.join(f'{name.upper()}S' for name in names[:16])}, open('a.csv'))"
    conversion = convert(tmp_path, constants, capitals, reads)

    assert [*fields(conversion)] == [*names[:3], *(f"{name}s" for name in names[:16]), "a_csv"]


DOCUMENTED = {
    "beside": ("LIMIT = 5  # the most we send", "limit: the most we send"),
    "of a form": ('LIMIT = 5  # @param {type:"integer"}', "limit: `key` of `sorted` in cell 2"),
    "what takes it": ("LIMIT = 5", "limit: `key` of `sorted` in cell 2"),
    "not the linter's": ("LIMIT = 5  # noqa: E501", "limit: `key` of `sorted` in cell 2"),
}


@pytest.mark.parametrize("form", DOCUMENTED)
def test_a_field_is_documented_by_the_notebook(form: str, tmp_path: Path) -> None:
    source, line = DOCUMENTED[form]

    assert f"    {line}\n" in text(convert(tmp_path, source, "sorted([1], key=LIMIT)"), "config")


def test_comments_above_a_lifted_constant_stand_above_its_field(tmp_path: Path) -> None:
    source = "# Sizes\n# in rows\nLIMIT = 5\n\n# not used\n#LIMIT = 7\nSTEP = 2\n# the end"
    conversion = convert(tmp_path, source, "print(LIMIT, STEP)")

    expected = "\n    # Sizes\n    # in rows\n    limit: int = 5\n\n    # not used\n    # LIMIT = 7\n    # the end\n"
    assert f"{expected}    step: int = 2\n" in text(conversion, "config")


def test_a_comment_stays_above_the_code_it_introduces(tmp_path: Path) -> None:
    conversion = convert(tmp_path, 'import csv\n# Load the data\nfile = "a.csv"\nrows = open(file)\nprint(rows)')

    assert "    # Load the data\n    rows = open(file)" in text(conversion, "steps")
    assert "# Load" not in text(conversion, "config")


def test_fields_never_share_a_name(tmp_path: Path) -> None:
    conversion = convert(tmp_path, "LIMIT = 1\nlimit = 2\noutput_dir = 'x'", "print(LIMIT, limit, output_dir)")

    assert fields(conversion) == {"limit": 1, "limit_2": 2, "output_folder": "x"}
    assert run(conversion, tmp_path, "--limit", "3", "--output-dir", "y").stdout == "3 2 x\n"


def test_set_gives_a_value_to_any_field(tmp_path: Path) -> None:
    source = "N = 1\nRATE = 0.5\nFLAG = True\nSIZE = (1, 2)\nNAME = 'x'"
    conversion = convert(tmp_path, source, "print(N, RATE, FLAG, SIZE, NAME)")
    pairs = ["n=2", "rate=2", "flag=no", "size=(3, 4)", "name=a=b"]
    options = [word for pair in pairs for word in ("--set", pair)]

    assert run(conversion, tmp_path, *options).stdout == "2 2.0 False (3, 4) a=b\n"
    assert run(conversion, tmp_path, *options, "--set", "n=4", CHURN_N="3").stdout.startswith("4 2.0")
    assert run(conversion, tmp_path, *options, "--n", "5").stdout.startswith("5 2.0")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "m=1"], "--set m: unknown; NAME=VALUE can set output_dir, n, size"),
        (["--set", "n"], "--set n: no value; write n=VALUE"),
        (["--set", "n=many"], "--set n: 'many' is not of type int"),
        (["--set", "size=3"], "--set size: '3' is not of type tuple"),
        (["--set", "token=x"], "--set token: a command line is no place for a secret"),
        (["--size", "3"], "argument --size: '3' is no Python literal of type tuple"),
        (["--n", "many"], "argument --n: invalid int value: 'many'"),
        (["--no-such"], "unrecognized arguments: --no-such"),
    ],
)
def test_a_wrong_option_is_one_clear_error(arguments: list[str], message: str, tmp_path: Path) -> None:
    source = 'token = "q8Zr2LmX0vTnB7yKc4WdE1sJ"\nN = 1\nSIZE = (1, 2)'
    done = run(convert(tmp_path, source, "print(N, SIZE, token)"), tmp_path, *arguments, CHURN_TOKEN="t")  # noqa: S106 nobody's

    usage = "usage: churn [--config FILE] [--set NAME=VALUE] [option ...]"
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [usage, f"churn: error: {message}"]


def test_the_readme_names_every_field_with_its_cell(tmp_path: Path) -> None:
    readme = convert(tmp_path, "LIMIT = 5  # most", "print(LIMIT)").package.files["README.md"].decode()

    assert "| `--limit` | `limit` | `5` | 1 | most |" in readme
    assert "is `CHURN_` and its name in capitals" in readme


def test_a_path_given_to_a_function_that_opens_it_is_a_field(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("from a", encoding="utf-8")
    (tmp_path / "b.csv").write_text("from b", encoding="utf-8")
    source = "def load(file, mode='r'):\n    with open(file, mode) as stream:\n        return stream.read()"
    conversion = convert(tmp_path, source, "text = load('a.csv')\nprint(text)")

    assert fields(conversion) == {"a_csv": "a.csv"}
    assert conversion.plan.parameters[0].text == "what `load` in cell 2 reads"
    assert run(conversion, tmp_path).stdout == "from a\n"
    assert run(conversion, tmp_path, "--a-csv", "b.csv").stdout == "from b\n"


def test_a_path_that_a_function_makes_another_of_stays(tmp_path: Path) -> None:
    source = "import os\ndef load(file):\n    return open(os.path.join('data', file)).read()"

    assert fields(convert(tmp_path, source, "text = load('a.csv')\nprint(text)")) == {}
