"""Names that are read unbound: what the rule pages cannot show, and real notebooks where they are there."""

from __future__ import annotations

import ast
import json
from typing import TYPE_CHECKING, Any

import pytest
from notebooks import notebook_of

from nb2prod.analysis import analyse_notebook
from nb2prod.dataflow.flow import analyse, collect_statements
from nb2prod.dataflow.names import given_names, name_table
from nb2prod.dataflow.paths import is_guarded, path_to, surely_runs
from nb2prod.dataflow.unbound import Unbound, unbound_names
from nb2prod.libraries import Libraries
from nb2prod.notebook.read import read_notebook

if TYPE_CHECKING:
    from pathlib import Path

# Real latent bugs in notebooks that run from top to bottom: methods nothing calls read a name nobody defines.
LATENT = {("sklearn_api.ipynb", "score"), ("sklearn_api.ipynb", "X_prime")}


def unbound(*cells: str, **metadata: Any) -> tuple[Unbound, ...]:
    """Return the unbound names of a notebook with these code cells."""
    notebook = notebook_of(*cells, metadata=metadata)
    return unbound_names(notebook, analyse(collect_statements(notebook)))


def causes(*cells: str, **metadata: Any) -> list[tuple[str, str]]:
    """Return (name, cause) of each."""
    return [(each.name, each.cause) for each in unbound(*cells, **metadata)]


@pytest.mark.parametrize(
    ("metadata", "names"),
    [
        ({"application/vnd.databricks.v1+notebook": {}}, {"dbutils", "spark", "sc", "sqlContext", "displayHTML"}),
        ({"kernelspec": {"name": "pysparkkernel", "language": "python"}}, {"spark", "sc"}),
        ({"kernelspec": {"name": "synapse_pyspark", "language": "python"}}, {"spark", "mssparkutils"}),
        ({"language_info": {"name": "python", "version": "2.7.18"}}, {"xrange", "unicode", "reduce"}),
        ({}, {"__IPYTHON__", "exit", "quit", "help"}),
    ],
)
def test_the_platform_in_the_metadata_says_which_names_are_given(metadata: dict[str, Any], names: set[str]) -> None:
    notebook = notebook_of("1", metadata=metadata)
    given = given_names(notebook)
    assert given is not None
    assert names <= given
    assert ("spark" in given) == ("spark" in names)


def test_a_kernel_that_defines_too_much_ends_all_knowledge() -> None:
    assert causes("factor(7)", kernelspec={"name": "SageMath-9.5", "language": "python"}) == []


@pytest.mark.parametrize("metadata", [{"kernelspec": "python3"}, {"kernelspec": None}, {"language_info": []}])
def test_malformed_metadata_gives_no_names_and_no_error(metadata: dict[str, Any]) -> None:
    assert causes("nowhere", **metadata) == [("nowhere", "nowhere")]


def test_modules_whose_stars_are_known_can_be_asked_for_their_names() -> None:
    assert all("." not in module or module == "os.path" for module in name_table().star_modules)
    assert causes("from os.path import *", "print(join('a', 'b'), expanded)") == [("expanded", "nowhere")]


def test_each_name_is_found_once_with_its_other_uses() -> None:
    (found,) = unbound("print(a)", "print(a + a)", "def f():\n    return a")
    assert (found.use.cell.index, len(found.others)) == (1, 3)


def test_the_call_is_where_a_function_reads_too_early() -> None:
    (found,) = unbound("def f():\n    return late", "f()", "late = 1\nf()")
    assert found.cause == "later"
    assert found.call is not None
    assert found.call.cell.index == 2
    assert found.definition is not None
    assert found.definition.cell.index == 3


def test_a_function_defined_twice_is_the_one_defined_last_before_the_call() -> None:
    assert causes("def f():\n    return late\n", "def f():\n    return 1\n", "f()", "late = 1") == []
    assert causes("def f():\n    return 1\n", "def f():\n    return late\n", "f()", "late = 1") == [("late", "later")]


def test_recursion_ends() -> None:
    assert causes("def f():\n    return g()\ndef g():\n    return f() + late", "f()", "late = 1") == [("late", "later")]


def test_reading_a_namespace_defines_nothing() -> None:
    assert causes("print(globals()['x'], len(locals()), vars().keys())", "y") == [("y", "nowhere")]
    assert causes("globals().update(a=1)", "y") == []


def test_what_a_broken_cell_mentions_it_may_define_and_nothing_else() -> None:
    assert causes("data = = 1", "print(data, other)") == [("other", "nowhere")]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("x", True),
        ("f(a, b=[x])", True),
        ("if x: pass", True),
        ("if p: x", False),
        ("a = x if p else 1", False),
        ("a = 1 if x else 1", True),
        ("p and x", False),
        ("x and p", True),
        ("for i in r:\n    x", True),
        ("while p:\n    x", False),
        ("for i in r:\n    if i: continue\n    x", False),
        ("with a:\n    x", True),
        ("try:\n    x\nexcept E:\n    pass", True),
        ("try:\n    a\nexcept E:\n    x", False),
        ("match a:\n    case 1:\n        x", False),
        ("lambda: x", False),
        ("[x for i in r]", True),
        ("class C:\n    a = x", True),
        ("def f(a=x): pass", True),
        ("@x\ndef f(): pass", True),
        ("async def f(): pass\nx", True),
    ],
)
def test_what_surely_runs(source: str, expected: bool) -> None:
    module = ast.parse(source)
    (target,) = (node for node in ast.walk(module) if isinstance(node, ast.Name) and node.id == "x")
    assert surely_runs(module, target) is expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [("return x", True), ("if p:\n        return 1\n    return x", False), ("def g():\n        return x", False)],
)
def test_what_surely_runs_when_a_function_is_called(source: str, expected: bool) -> None:
    function = ast.parse(f"def f():\n    {source}").body[0]
    (target,) = (node for node in ast.walk(function) if isinstance(node, ast.Name) and node.id == "x")
    assert surely_runs(function, target) is expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("try:\n    x\nexcept NameError:\n    pass", True),
        ("try:\n    x\nexcept (KeyError, NameError):\n    pass", True),
        ("try:\n    x\nexcept:\n    pass", True),
        ("try:\n    x\nexcept KeyError:\n    pass", False),
        ("try:\n    pass\nexcept NameError:\n    x", False),
        ("with pytest.raises(NameError):\n    x", True),
        ("with open(x):\n    pass", False),
        ("if 0:\n    x", True),
        ("if TYPE_CHECKING:\n    x", True),
    ],
)
def test_what_is_guarded_against_a_missing_name(source: str, expected: bool) -> None:
    statement = ast.parse(source).body[0]
    (target,) = (node for node in ast.walk(statement) if isinstance(node, ast.Name) and node.id == "x")
    assert is_guarded(statement, target) is expected


def test_a_node_that_is_not_below_has_no_path() -> None:
    one, other = ast.parse("a\nb").body
    assert path_to(one, other) == []


def test_notebooks_that_run_have_no_unbound_names_but_in_code_nothing_calls(corpus: Path) -> None:
    found = set()
    libraries = Libraries()
    for path in sorted((corpus / "runnable").rglob("*.ipynb")):
        if path.name != "executed.ipynb":
            analysis = analyse_notebook(read_notebook(path), libraries=libraries)
            found |= {(path.name, each.name) for each in analysis.unbound()}
    assert found == LATENT


def test_every_labelled_name_error_is_found_at_its_cell_and_none_beside(corpus: Path) -> None:
    folder = corpus / "truth" / "junobench"
    rows = [json.loads(line) for line in (folder / "truth.jsonl").read_text(encoding="utf-8").splitlines()]
    rows = [row for row in rows if row["rule"] == "undefined-name"]
    libraries = Libraries()
    checked = 0
    for row in rows:
        names = analyse_notebook(read_notebook(folder / row["file"]), libraries=libraries).unbound()
        if row["label"] == "positive":
            # These labels count cells from 0.
            cells = {use.cell.index for each in names if each.name == row["name"] for use in (each.use, *each.others)}
            assert row["cell"] + 1 in cells, row
            checked += 1
        elif row["usable_for_false_positives"]:
            assert {each.name for each in names} <= set(row["except"]), row
    assert checked == 6
