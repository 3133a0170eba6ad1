"""The files of a package, from plans made by hand."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

import pytest

from nb2prod.analysis import Analysis, analyse_notebook
from nb2prod.convert.emit.errors import EmissionError
from nb2prod.convert.emit.literals import literal
from nb2prod.convert.emit.package import emit
from nb2prod.convert.emit.prose import code, docstring, plain, readme_markdown, table_cell
from nb2prod.convert.manifest import Provenance
from nb2prod.convert.plan import (
    Dependency,
    Dropped,
    EndOfCell,
    Function,
    Import,
    LocalFile,
    Moved,
    Package,
    Parameter,
    Plan,
    Replacement,
    Result,
    Step,
)
from nb2prod.generated import digest
from nb2prod.notebook.code import read_code
from nb2prod.notebook.location import Range
from nb2prod.notebook.model import Cell, MarkdownCell, Notebook

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nb2prod.dataflow.model import Statement

PATH = PurePath("churn.ipynb")
PROVENANCE = Provenance(digest(b"{}"))


def analysis_of(*sources: str) -> Analysis:
    """Return the analysis of a notebook; a source that starts with ``md:`` is a markdown cell."""
    cells: list[Cell] = []
    for index, source in enumerate(sources, start=1):
        if source.startswith("md:"):
            cells.append(MarkdownCell(PATH, index, None, source[3:], {}))
        else:
            cells.append(read_code(PATH, index, None, source, {}))
    return analyse_notebook(Notebook(PATH, tuple(cells), "python", (4, 5), {}))


def step(name: str, statements: Sequence[Statement], *, takes: str = "", gives: str = "", **more: Any) -> Step:
    items = tuple(Moved(statement) for statement in statements)
    return replace(Step(name, None, "", tuple(takes.split()), tuple(gives.split()), items), **more)


def plan_of(analysis: Analysis, *steps: Step, **more: Any) -> Plan:
    return replace(Plan(analysis.notebook, "churn", "churn", steps=steps), **more)


def files_of(plan: Plan, analysis: Analysis, folder: Path = Path()) -> dict[str, str]:
    package = emit(plan, analysis, folder, PROVENANCE)
    return {path: content.decode() for path, content in package.files.items()}


def run(files: dict[str, str], folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Write the package below ``folder`` and run it."""
    for path, text in files.items():
        target = folder / "package" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(folder / "package" / "src"), "PYTHONUTF8": "1"}
    return subprocess.run(
        [sys.executable, "-m", "churn", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def test_the_package_does_what_the_notebook_did(tmp_path: Path) -> None:
    analysis = analysis_of("n = 3", "md:# Squares", "squares = [i * i for i in range(n)]\nprint(squares)")
    one, two, three = analysis.statements()
    parameter = Parameter("n", "int", 3, "How many.", 1)
    plan = plan_of(
        analysis,
        step("make_squares", [two, three], takes="n", gives="squares", title="Squares"),
        parameters=(parameter,),
        lifted=((one, "n"),),
        results=(Result("squares", "make_squares", 3, displayed=False),),
    )
    files = files_of(plan, analysis)

    assert run(files, tmp_path).stdout == "[0, 1, 4]\n"
    assert run(files, tmp_path, "--n", "2").stdout == "[0, 1]\n"
    bad = run(files, tmp_path, "--n", "many")
    assert (bad.returncode, bad.stdout) == (2, "")
    assert bad.stderr.splitlines()[-1] == "churn: error: argument --n: invalid int value: 'many'"


def test_a_step_reads_like_a_function_somebody_wrote() -> None:
    analysis = analysis_of(
        "md:# Load\nReads the `file`.", "# what we have\nx = 1  # one\n\n\n# twice\ny = x * 2", "print(x,\n  y)"
    )
    statements = analysis.statements()
    plan = plan_of(analysis, step("load", statements, takes="", gives="x y", title="Load", text="Reads the `file`."))

    assert (
        files_of(plan, analysis)["src/churn/steps.py"]
        == '''"""The steps of churn.ipynb, in its order."""


def load():
    """Load.

    Reads the `file`.

    Cells 2 and 3 of the notebook.
    """
    # what we have
    x = 1  # one

    # twice
    y = x * 2

    print(x, y)
    return x, y
'''
    )


@pytest.mark.parametrize(
    ("gives", "expected"),
    [
        ("", "    pass\n    e = 5\n"),
        ("a", "    return a\n"),
        ("a b", "    return a, b\n"),
        ("a b c d", "    return a, b, c, d\n"),
        ("a b c d e", "    return MakeAll(a, b, c, d, e)\n"),
        ("a b c d _f", "    return a, b, c, d, _f\n"),
    ],
)
def test_results_are_returned_as_many_as_they_are(gives: str, expected: str) -> None:
    analysis = analysis_of("a = b = c = d = _f = count = 1\npass\ne = 5")
    plan = plan_of(analysis, step("make_all", analysis.statements(), gives=gives))

    assert files_of(plan, analysis)["src/churn/steps.py"].endswith(expected)


def test_a_named_tuple_has_a_name_nobody_else_has() -> None:
    analysis = analysis_of("MakeAll = NamedTuple = 0\na = b = c = d = e = 1")
    plan = plan_of(analysis, step("make_all", analysis.statements(), gives="a b c d e"))

    steps = files_of(plan, analysis)["src/churn/steps.py"]

    assert "from typing import Any\nfrom typing import NamedTuple as NamedTuple_\n" in steps
    assert "class MakeAll_(NamedTuple_):" in steps


def test_variables_of_the_notebook_named_like_ours_keep_their_value(tmp_path: Path) -> None:
    analysis = analysis_of("config = 1\nsteps = 2\nshow = 3\nResults = 4", "print(config, steps, show, Results)\nshow")
    one, two, three, four, five, shown = analysis.statements()
    use = step("use", [five], takes="config steps show Results")
    use = replace(use, items=(*use.items, Moved(shown, shown="show_value")))
    plan = plan_of(
        analysis,
        step("make", [one, two, three, four], gives="config steps show Results"),
        use,
        results=(Result("config", "make", 1, displayed=False),),
    )
    done = run(files_of(plan, analysis), tmp_path)

    assert (done.stdout, done.returncode) == ("1 2 3 4\n", 0)
    assert done.stderr == "show_value: 3\n"


def test_displayed_values_go_to_standard_error_by_name(tmp_path: Path) -> None:
    analysis = analysis_of("x = 5\nx", "1,  2", "(i for i in 'ab')", "x + 1  # more", "None", "display(x)")
    x, shown, pair, generator, more, none, display = analysis.statements()
    items = (
        Moved(x),
        Moved(shown, shown="x"),
        Moved(pair, shown="pair"),
        Moved(generator, shown="letters"),
        Moved(more, shown="x_more", kept=True),
        Moved(none, shown="nothing"),
        Moved(display),
    )
    plan = plan_of(
        analysis,
        step("look", [], gives="x_more", items=items),
        results=(Result("x_more", "look", 4, displayed=True),),
    )
    files = files_of(plan, analysis)
    done = run(files, tmp_path)

    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert lines[:2] == ["x: 5", "pair: (1, 2)"]
    assert lines[2].startswith("letters: <generator object")
    assert lines[3:] == ["x_more: 6", "5"]
    assert "    x_more = x + 1  # more\n" in files["src/churn/steps.py"]
    assert '    show("pair", (1, 2))\n' in files["src/churn/steps.py"]


def test_what_a_statement_gives_back_is_shown_below_it(tmp_path: Path) -> None:
    analysis = analysis_of("total = [1]", "total.sort()")
    made, acting = analysis.statements()
    plan = plan_of(analysis, step("look", [], gives="", items=(Moved(made), Moved(acting, shown="total", acts=True))))
    files = files_of(plan, analysis)

    assert '    total.sort()\n    show("total", total)\n' in files["src/churn/steps.py"]
    assert run(files, tmp_path).stderr.splitlines() == ["total: [1]"]


@pytest.mark.parametrize("kept", [True, False])
def test_what_a_pass_puts_above_a_shown_value_stands_above_it(tmp_path: Path, kept: bool) -> None:
    analysis = analysis_of("max([1, 2])", "max = 3")
    shown, bound = analysis.statements()
    start = shown.location.range.start
    above = Replacement(Range(start, start), "max = [].__len__ and __builtins__['max']\n")
    moved = Moved(shown, (above,), shown="largest", kept=kept)
    files = files_of(plan_of(analysis, step("look", [], items=(moved, Moved(bound)))), analysis)

    assert run(files, tmp_path).stderr.splitlines() == ["largest: 2"]


def test_a_step_starts_with_the_imports_that_no_module_can_hold(tmp_path: Path) -> None:
    analysis = analysis_of("print(json.dumps(1))")
    imports = ("from json import dumps", "import click", "import json")
    plan = plan_of(analysis, replace(step("tell", analysis.statements()), imports=imports))
    files = files_of(plan, analysis)

    stated = "    import json\n    from json import dumps\n\n    import click\n\n    print(json.dumps(1))\n"
    assert stated in files["src/churn/steps.py"]
    assert run(files, tmp_path).stdout == "1\n"


def test_what_libraries_display_through_ipython_is_no_output_of_the_program(tmp_path: Path) -> None:
    pytest.importorskip("IPython")
    source = "from IPython.display import clear_output\nfrom IPython.display import display as d"
    analysis = analysis_of(source, "d('text')\nclear_output()\nprint('on')")
    plan = plan_of(analysis, step("go", analysis.statements()))
    done = run(files_of(plan, analysis), tmp_path)

    assert (done.stdout, done.stderr, done.returncode) == ("on\n", "'text'\n", 0)


def test_what_libraries_write_to_the_page_in_formats_of_its_own_is_logged_as_text(tmp_path: Path) -> None:
    pytest.importorskip("IPython")
    source = "from IPython.display import display as d"
    analysis = analysis_of(source, 'd({"text/html": "<b>1</b>"}, raw=True)\nd({"text/plain": "two"}, raw=True)')
    files = files_of(plan_of(analysis, step("go", analysis.statements())), analysis)
    from_ipython = {
        path: text.replace("from .display import display as d", "from IPython.display import display as d")
        for path, text in files.items()
    }

    done = run(from_ipython, tmp_path)

    assert (done.stdout, done.stderr, done.returncode) == ("", "'two'\n", 0)


@pytest.mark.parametrize(("library", "displays"), [("plotly.offline", True), ("unheard_of", True), ("numpy", False)])
def test_what_may_display_by_itself_displays_as_in_a_notebook(library: str, displays: bool) -> None:
    analysis = analysis_of(f"import {library}")

    files = files_of(plan_of(analysis, step("load", analysis.statements())), analysis)

    assert ("notebook_display()" in files["src/churn/pipeline.py"]) == displays


def test_displaying_what_cannot_be_displayed_is_reported_and_the_run_goes_on(tmp_path: Path) -> None:
    analysis = analysis_of(
        "class Odd:\n    def __repr__(self):\n        raise ValueError('odd')", "Odd()", "print('on')"
    )
    odd, shown, last = analysis.statements()
    function = Function("Odd", "class", Moved(odd))
    plan = plan_of(analysis, step("go", [], items=(Moved(shown, shown="x"), Moved(last))), functions=(function,))
    done = run(files_of(plan, analysis), tmp_path)

    assert done.stdout == "on\n"
    assert "ValueError: odd" in done.stderr


def test_a_guarded_cell_ends_at_its_exception_and_the_next_goes_on(tmp_path: Path) -> None:
    analysis = analysis_of("print(1)\n1 / 0\nprint('no')", "print(2)\n[][0]", "print(3)")
    *guarded, last = analysis.statements()
    items = (*(Moved(each, guarded=True) for each in guarded), Moved(last))
    plan = plan_of(analysis, step("go", [], items=items))
    done = run(files_of(plan, analysis), tmp_path)

    assert (done.stdout, done.returncode) == ("1\n2\n3\n", 0)
    assert "ZeroDivisionError" in done.stderr
    assert "IndexError" in done.stderr


def test_an_exception_ends_the_run_with_exit_code_1_and_its_traceback(tmp_path: Path) -> None:
    analysis = analysis_of("print('before')\n1 / 0")
    plan = plan_of(analysis, step("go", analysis.statements()))
    done = run(files_of(plan, analysis), tmp_path)

    assert (done.stdout, done.returncode) == ("before\n", 1)
    assert "ZeroDivisionError" in done.stderr


def test_asynchronous_steps_share_one_event_loop(tmp_path: Path) -> None:
    analysis = analysis_of(
        "import asyncio", "queue = asyncio.Queue()\nawait queue.put(1)\nloop = asyncio.get_running_loop()",
        "print(await queue.get(), loop is asyncio.get_running_loop())",
    )  # fmt: skip
    imported, queue, put, loop, last = analysis.statements()
    plan = plan_of(
        analysis,
        step("first", [queue, put, loop], gives="queue loop", is_async=True),
        step("second", [last], takes="queue loop", is_async=True),
        imports=(Import(("asyncio",), "import asyncio", imported),),
    )

    assert run(files_of(plan, analysis), tmp_path).stdout == "1 True\n"


def test_a_result_that_a_later_step_rebinds_keeps_its_own_value(tmp_path: Path) -> None:
    analysis = analysis_of("x = 1", "x = x + 1")
    one, two = analysis.statements()
    plan = plan_of(
        analysis,
        step("first", [one], gives="x"),
        step("second", [two], takes="x", gives="x"),
        results=(Result("x", "first", 1, displayed=True), Result("x", "second", 2, displayed=True)),
    )
    files = files_of(plan, analysis)
    run(files, tmp_path)
    code_text = "from churn.config import Config; from churn.pipeline import run; print(run(Config()))"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "package" / "src")}
    done = subprocess.run(
        [sys.executable, "-c", code_text], env=environment, capture_output=True, encoding="utf-8", check=False
    )

    assert done.stdout == "Results(first_x=1, x=2)\n"


def test_values_that_look_like_code_stay_values(tmp_path: Path) -> None:
    nasty = '"""\'); import os; os.abort() #\\\n{x} %s'
    analysis = analysis_of("text = 0\nnumbers = 0\nflag = 0", "print([text, numbers, flag])")
    *lifted, last = analysis.statements()
    parameters = (
        Parameter("text", "str", nasty, f"doc {nasty}", 1),
        Parameter("numbers", "list", [1, (2.5, float("inf")), {"a": None}], "", 1),
        Parameter("flag", "bool", True, "", 1),  # noqa: FBT003 - the default of a parameter
    )
    plan = plan_of(
        analysis,
        step("go", [last], takes="text numbers flag", title=nasty, text=nasty),
        parameters=parameters,
        lifted=tuple(zip(lifted, ("text", "numbers", "flag"), strict=True)),
        notes=(nasty,),
        dropped=(),
        dependencies=(Dependency("pandas", nasty),),
    )
    files = files_of(plan, analysis)

    assert run(files, tmp_path).stdout == f"{[nasty, [1, (2.5, float('inf')), {'a': None}], True]}\n"
    assert run(files, tmp_path, "--numbers", "[]", "--no-flag", "--text", "x").stdout == "['x', [], False]\n"
    assert "no Python literal of type list" in run(files, tmp_path, "--numbers", "[").stderr
    assert "--numbers" in run(files, tmp_path, "--help").stdout
    import tomllib  # noqa: PLC0415 - only here

    project = tomllib.loads(files["pyproject.toml"])
    assert project["project"]["dependencies"] == ["pandas"]
    assert project["project"]["scripts"] == {"churn": "churn.cli:main"}


def test_an_option_never_hides_another(tmp_path: Path) -> None:
    analysis = analysis_of("help = 1\noutput_dir = 2\nno_x = 3\nx = True", "print(help, output_dir, no_x, x)")
    *lifted, last = analysis.statements()
    values = {"help": 1, "output_dir": 2, "no_x": 3}
    parameters = [Parameter(name, "int", value, "", 1) for name, value in values.items()]
    plan = plan_of(
        analysis,
        step("go", [last], takes="help output_dir no_x x"),
        parameters=(*parameters, Parameter("x", "bool", True, "", 1)),  # noqa: FBT003 - the default of a parameter
        lifted=tuple(zip(lifted, (*values, "x"), strict=True)),
    )
    files = files_of(plan, analysis)

    assert run(files, tmp_path).stdout == "1 2 3 True\n"
    assert run(files, tmp_path, "--help").returncode == 0
    assert "output_dir_: Path" in files["src/churn/config.py"]


def test_figures_are_closed_at_the_end_of_their_cell() -> None:
    analysis = analysis_of("plt.plot()")
    items = (Moved(analysis.statements()[0]), EndOfCell(1))
    plan = plan_of(analysis, step("draw", [], items=items), draws=True)
    files = files_of(plan, analysis)

    assert files["src/churn/steps.py"].endswith("    plt.plot()\n    end_of_cell(1)\n")
    assert 'with saving_figures(config.output_dir / "figures"):' in files["src/churn/pipeline.py"]
    assert {"src/churn/figures.py", "src/churn/backend.py"} <= files.keys()


def test_imports_stand_at_the_top_once_and_in_an_order_that_changes_nothing() -> None:
    analysis = analysis_of("# numbers\nimport os\nimport os", "from math import *\nfrom cmath import *")
    first, again, math, cmath = analysis.statements()
    imports = (
        Import(("os",), "import os", first),
        Import(("os",), "import os", again),
        Import(("*",), "from math import *", math),
        Import(("*",), "from cmath import *", cmath),
        Import(("asyncio",), "import asyncio", None),
    )
    steps = files_of(plan_of(analysis, imports=imports), analysis)["src/churn/steps.py"]

    assert steps.endswith("# numbers\nimport os\nfrom math import *\nfrom cmath import *\nimport asyncio\n")


def test_a_comment_above_the_imports_of_several_cells_is_said_once() -> None:
    source = "# The libraries we need\nimport os"
    analysis = analysis_of(source, "# The libraries we need\nimport re", "# Another\nimport json")
    imports = tuple(
        Import((name,), f"import {name}", each)
        for name, each in zip(("os", "re", "json"), analysis.statements(), strict=True)
    )
    steps = files_of(plan_of(analysis, imports=imports), analysis)["src/churn/steps.py"]

    assert steps.count("# The libraries we need") == 1
    assert "# Another\nimport json" in steps


def test_lint_rules_that_moved_code_breaks_are_listed_with_their_cells() -> None:
    analysis = analysis_of("import os", "x = 1\nif x == None: pass")
    imported, *rest = analysis.statements()
    plan = plan_of(analysis, step("go", rest), imports=(Import(("os",), "import os", imported),))
    text = files_of(plan, analysis)["pyproject.toml"]

    assert '"src/churn/steps.py" = [\n  "E711", # cell 2\n  "F401", # cell 1\n]' in text


def test_names_that_look_like_figures_are_listed_where_the_pipeline_has_them() -> None:
    analysis = analysis_of("I = make()", "print(I)")
    made, printed = analysis.statements()
    plan = plan_of(analysis, step("go", [made], gives="I"), step("look", [printed], takes="I"))
    text = files_of(plan, analysis)["pyproject.toml"]

    assert '"src/churn/pipeline.py" = [\n  "E741", # cell 1\n]' in text


def test_what_is_ours_is_clean_and_formatted(tmp_path: Path) -> None:
    analysis = analysis_of("import pandas", "x = 1", "x")
    imported, one, two = analysis.statements()
    plan = plan_of(
        analysis,
        step("go", [one], gives="x"),
        step("look", [], takes="x", items=(Moved(two, shown="x"), EndOfCell(3))),
        imports=(Import(("pandas",), "import pandas", imported),),
        parameters=(Parameter("sizes", "list", [1], "", None), Parameter("path", "Path", "a.csv", "", None)),
        results=(Result("x", "go", 2, displayed=True),),
        draws=True,
        uses_pandas=True,
        uses_shell=True,
    )
    files = files_of(plan, analysis)
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    for command in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--no-cache", "."],
            cwd=tmp_path,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert done.returncode == 0, done.stdout


def test_the_manifest_has_every_statement_once() -> None:
    analysis = analysis_of("import os\nn = 1", "def f(): return 1", "%matplotlib inline\nprint(n); f()")
    imported, n, f, magic, printed, shown = analysis.statements()
    plan = plan_of(
        analysis,
        step("go", [], takes="n", items=(Moved(printed), Moved(shown, shown="f_value"))),
        imports=(Import(("os",), "import os", imported),),
        functions=(Function("f", "function", Moved(f)),),
        parameters=(Parameter("n", "int", 1, "", 1),),
        lifted=((n, "n"),),
        dropped=(Dropped(magic, "it only concerns the screen"),),
    )
    files = files_of(plan, analysis)
    data = json.loads(files["conversion.json"])

    assert [(row["cell"], row["statement"], row["kind"]) for row in data["statements"]] == [
        (1, 1, "import"),
        (1, 2, "parameter"),
        (2, 1, "function"),
        (3, 1, "dropped"),
        (3, 2, "step"),
        (3, 3, "step"),
    ]
    assert data["files"].keys() == files.keys() - {"conversion.json"}
    assert "| 3 | 1 | it only concerns the screen |" in files["README.md"]


def test_a_statement_that_went_nowhere_is_an_error() -> None:
    analysis = analysis_of("x = 1\ny = 2")

    with pytest.raises(EmissionError, match="cell 1: a statement went nowhere"):
        files_of(plan_of(analysis, step("go", analysis.statements()[:1])), analysis)


def test_an_argument_nobody_makes_is_an_error() -> None:
    analysis = analysis_of("print(x)")

    with pytest.raises(EmissionError, match="the step go takes x, which no step before it returns"):
        files_of(plan_of(analysis, step("go", analysis.statements(), takes="x")), analysis)


def test_code_that_is_no_python_in_a_function_is_an_error() -> None:
    analysis = analysis_of("from math import *")

    with pytest.raises(EmissionError, match=r"steps\.py cannot be compiled"):
        files_of(plan_of(analysis, step("go", analysis.statements())), analysis)


@pytest.mark.parametrize("target", ["../x.py", "churn/steps.py", "src/../../x.py"])
def test_a_module_taken_along_leaves_the_package_alone(target: str) -> None:
    analysis = analysis_of("x = 1")
    plan = plan_of(analysis, step("go", analysis.statements()), local_files=(LocalFile(PurePath("x.py"), target, b""),))

    with pytest.raises(EmissionError):
        files_of(plan, analysis)


def test_data_and_modules_are_taken_along(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").write_text("a\n1\n")
    analysis = analysis_of("open('data/a.csv').read()")
    plan = plan_of(
        analysis,
        step("go", analysis.statements()),
        local_files=(LocalFile(PurePath("mine.py"), "src/mine.py", b"x = 1\n"),),
        data_files=(PurePath("data/a.csv"),),
    )
    files = files_of(plan, analysis, tmp_path)

    assert files["tests/data/data/a.csv"] == "a\n1\n"
    assert files["src/mine.py"] == "x = 1\n"
    assert 'only-include = ["src/churn", "src/mine.py"]' in files["pyproject.toml"]
    assert "test_the_command_line_prints_the_same_again" in files["tests/test_steps.py"]


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("open('b.csv')", "cell 1 names b.csv, which is not among the test data"),
        ("open(name)", "cell 1 reads a file whose name only a run can tell (open)"),
        ("input('name')", "cell 1 waits for input (input)"),
        ("f('https://a.example/b.csv')", "cell 1 uses the network (f)"),
        ("!ls", "cell 1 runs shell commands"),
    ],
)
def test_a_pipeline_whose_inputs_are_not_there_is_not_run_by_a_test(source: str, reason: str) -> None:
    analysis = analysis_of(source)
    statement = analysis.statements()[0]
    files = files_of(plan_of(analysis, dropped=(Dropped(statement, "here"),)), analysis)

    assert "test_the_whole_pipeline_runs" not in files["tests/test_entrypoint.py"]
    assert f"- {reason}\n" in files["README.md"]


def test_a_file_that_is_there_and_too_large_for_the_tests_is_said_to_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "b.csv").write_text("a", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    analysis = analysis_of("open('b.csv')")
    files = files_of(plan_of(analysis, dropped=(Dropped(analysis.statements()[0], "here"),)), analysis)

    reason = "cell 1 names b.csv, which is not among the test data: the files are more than `--max-test-data` takes"
    assert f"- {reason}\n" in files["README.md"]


def test_a_text_in_memory_is_no_file() -> None:
    analysis = analysis_of("import io\nimport pandas as pd\ntable = pd.read_csv(io.StringIO('a,b'), sep=',')")
    importing_io, importing_pandas, reading = analysis.statements()
    gone = tuple(Dropped(each, "here") for each in (importing_io, importing_pandas, reading))

    assert "No test runs the whole pipeline" not in files_of(plan_of(analysis, dropped=gone), analysis)["README.md"]


def test_functions_are_called_as_the_notebook_calls_them() -> None:
    analysis = analysis_of("def f(a, b=1): return a", "def g(): pass", "x = f('a', b=[2])\ny = f(x)\nz = g(*x)")
    f, g, *rest = analysis.statements()
    functions = (Function("f", "function", Moved(f)), Function("g", "function", Moved(g)))
    files = files_of(plan_of(analysis, step("go", rest), functions=functions), analysis)

    assert '    steps.f("a", b=[2])\n' in files["tests/test_functions.py"]
    assert "steps.g" not in files["tests/test_functions.py"]
    assert "No test calls these functions by themselves: `g`." in files["README.md"]


@pytest.mark.parametrize(
    ("function", "called"),
    [
        ("def f(p): return list(open(p))", False),
        ("def f(p): return len(p)", True),
        ("def f(p, seen=[]): seen.append(p)", False),
        ("import sys; sys.setrecursionlimit(9999)\ndef f(p): return p and f(p[1:])", False),
    ],
)
def test_functions_that_read_a_missing_file_or_remember_are_not_called(function: str, called: bool) -> None:
    analysis = analysis_of(function, "f('work/b.txt')")
    (f,) = (each for each in analysis.statements() if isinstance(each.node, ast.FunctionDef))
    rest = [each for each in analysis.statements() if each is not f]
    files = files_of(plan_of(analysis, step("go", rest), functions=(Function("f", "function", Moved(f)),)), analysis)

    assert ("tests/test_functions.py" in files) == called


def test_the_same_plan_gives_the_same_bytes() -> None:
    analysis = analysis_of("x = {3, 1, 2}\nprint(x)")
    plan = plan_of(analysis, step("go", analysis.statements(), gives="x"))

    first: Package = emit(plan, analysis, Path(), PROVENANCE)
    assert emit(plan, analysis, Path(), PROVENANCE).files == first.files


def test_code_that_reads_its_docstrings_is_left_unformatted() -> None:
    source = "def f():\n  '''one \n  two '''\nprint(f.__doc__)"
    analysis = analysis_of(source)
    f, printed = analysis.statements()
    plan = plan_of(analysis, step("go", [printed]), functions=(Function("f", "function", Moved(f)),))

    assert "def f():\n  '''one \n  two '''\n" in files_of(plan, analysis)["src/churn/steps.py"]


@pytest.mark.parametrize(
    "text",
    [
        'a "quoted"',
        'ends with "',
        "ends with \\",
        '"""',
        "a\\nb",
        '"starts',
        "\u202eevil\x00",
        'two\n\nlines \\ """ end"',
    ],
)
def test_a_docstring_stays_within_its_quotes(text: str) -> None:
    source = "\n".join(["def f():", *docstring(text, "    "), "    return 1"])
    function = ast.parse(source).body[0]

    assert isinstance(function, ast.FunctionDef)
    assert len(function.body) == 2
    assert "\u202e" not in source


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("# Title\nSome **bold** and *soft* text.", "Title\n\nSome bold and soft text."),
        ("See [the docs](https://a.example/b) ![plot](x.png)", "See the docs plot"),
        ("- one\n- two\n  more", "- one\n- two more"),
        ("<script>alert(1)</script>a<br>b &lt; c", "ab < c"),
        ("a * b * c and x_1_2", "a * b * c and x_1_2"),
        ("| a | b |\n|---|---|\n| 1 | 2 |\n\nafter", "after"),
    ],
)
def test_markdown_becomes_plain_text(markdown: str, expected: str) -> None:
    assert plain(markdown) == expected


def test_markdown_cannot_break_the_readme() -> None:
    text = readme_markdown("<script>x</script>\n# Title\n```\nopen\n<b>bold</b>")

    assert "<" not in text
    assert "# " not in text
    assert "```" not in text
    assert table_cell("a|b\n`c`") == "a\\|b `c`"
    assert code("a`b") == "``a`b``"


@pytest.mark.parametrize("value", [1, -2.5, 1e999, "a'\"\\\n", b"\x00", None, True, [1, (2,)], {"a": {1, 2}}, 1j, ()])
def test_a_literal_evaluates_to_its_value(value: object) -> None:
    assert ast.literal_eval(literal(value)) == value


def test_what_no_literal_says_is_an_error() -> None:
    with pytest.raises(TypeError):
        literal(object())


def test_imports_are_sorted_where_their_order_means_nothing() -> None:
    analysis = analysis_of("import os.path\nimport os\nfrom IPython.display import HTML, display\nfrom abc import ABC")
    statements = analysis.statements()
    texts = ["import os.path", "import os", "from IPython.display import HTML, display", "from abc import ABC"]
    imports = tuple(Import((), text, statement) for text, statement in zip(texts, statements, strict=True))
    steps = files_of(plan_of(analysis, imports=imports), analysis)["src/churn/steps.py"]

    standard, library, ours = steps.split("\n\n")[1:]
    assert standard == "import os\nimport os.path\nfrom abc import ABC"
    assert library == "from IPython.display import HTML"
    assert ours == "from .display import display\n"


def test_nothing_is_imported_that_only_looks_used() -> None:
    analysis = analysis_of("plt = 0\nplt.show()")
    steps = files_of(plan_of(analysis, step("go", analysis.statements())), analysis)["src/churn/steps.py"]

    assert "import" not in steps


def test_imports_inside_a_step_keep_their_order() -> None:
    analysis = analysis_of("if True:\n    import zlib\n    import abc")
    files = files_of(plan_of(analysis, step("look", analysis.statements())), analysis)
    text = files["src/churn/steps.py"]
    assert text.index("import zlib") < text.index("import abc")
    assert "isort" not in text


def test_a_shell_line_continued_over_lines_is_replaced_whole() -> None:
    analysis = analysis_of("!echo one \\\n  two\nx = 1")
    first, second = analysis.statements()
    replaced = Moved(first, (Replacement(first.cell.magics[0].range, "print('one two')"),))
    whole = replace(step("shout", ()), items=(replaced, Moved(second)))
    text = files_of(plan_of(analysis, whole), analysis)["src/churn/steps.py"]
    assert 'print("one two")\n\n    x = 1\n' in text


def test_an_option_that_no_configuration_has_is_named(tmp_path: Path) -> None:
    analysis = analysis_of("1 + 1")
    parameter = Parameter("depth", "int", 3, "how deep", 1)
    files = files_of(plan_of(analysis, step("load", analysis.statements()), parameters=(parameter,)), analysis)
    run(files, tmp_path)
    code_text = (
        "from churn.config import Config; print(Config.from_options({'depth': 4})); Config.from_options({'dpth': 4})"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "package" / "src")}

    done = subprocess.run(
        [sys.executable, "-c", code_text], env=environment, capture_output=True, encoding="utf-8", check=False
    )

    assert "depth=4" in done.stdout
    assert done.stderr.endswith("ValueError: unknown dpth; a configuration has output_dir, depth\n")
