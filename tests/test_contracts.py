"""The input contract: which columns of which files, and what the package does with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from generated_suites import cell, convert, run_suite

from nb2prod.convert.agreement import compare_with_notebook
from nb2prod.convert.api import convert_notebook
from nb2prod.convert.observation import Observation
from nb2prod.convert.plan import Column, Contract
from nb2prod.convert.scaffold import contract as module
from nb2prod.convert.write import write_package
from nb2prod.verify import inputs_run

if TYPE_CHECKING:
    from pathlib import Path

PEOPLE = "name,age,city,note\n" + "".join(f"N{i},{20 + i},{'Graz' if i % 2 else 'Wien'},\n" for i in range(12))
READ = "import pandas as pd\npeople = pd.read_csv('people.csv')"
USE = "people['age'].mean(), people.city.unique()"


def contract(folder: Path, *sources: str, text: str = PEOPLE) -> str:
    folder.mkdir(exist_ok=True)
    (folder / "people.csv").write_text(text, encoding="utf-8")
    files = convert(folder, *(cell(source, None) for source in sources))
    return files.get("src/squares/contract.py", "")


def test_the_columns_the_code_names_are_in_the_contract_as_the_file_has_them(tmp_path: Path) -> None:
    text = contract(tmp_path, READ, USE)

    assert '"people.csv": (' in text
    assert 'Column(name="age", kind="number", nullable=False, minimum=20, maximum=31)' in text
    assert 'Column(name="city", kind="text", nullable=False, seen=("Graz", "Wien"))' in text
    assert 'name="name"' not in text
    steps = (tmp_path / "package" / "src" / "squares" / "steps.py").read_text(encoding="utf-8")
    assert 'check_input(people, "people.csv")' in steps


def test_missing_values_and_mixed_columns_are_as_pandas_reads_them(tmp_path: Path) -> None:
    text = contract(
        tmp_path, READ, "people[['a', 'b', 'c', 'd']]", text="a,b,c,d\n1,x,True,NA\n,2,False,\n3.5,NA,True,NaN\n"
    )

    assert 'Column(name="a", kind="number", minimum=1, maximum=3.5)' in text
    assert 'Column(name="b", kind="text")' in text
    assert 'Column(name="c", kind="bool", nullable=False)' in text
    assert 'Column(name="d")' in text


@pytest.mark.parametrize(
    "read",
    [
        "people = pd.read_csv('people.csv', header=None)",
        "people = pd.read_csv('people.csv', skiprows=1)",
        "people = pd.read_csv('people.csv').dropna()",
        "people = pd.read_csv('people.csv', **options)",
        "people = pd.read_csv(name)",
    ],
)
def test_a_file_that_is_not_read_as_it_stands_has_no_contract(tmp_path: Path, read: str) -> None:
    assert contract(tmp_path, f"import pandas as pd\nname, options = input(), {{}}\n{read}", USE) == ""


def test_a_file_with_rows_of_another_width_has_no_contract(tmp_path: Path) -> None:
    assert contract(tmp_path, READ, USE, text="age,city\n1,2\n1,2,3\n") == ""


@pytest.mark.parametrize(("more", "runs"), [("", True), ("\nother = open('not_there.txt').read()", False)])
def test_where_the_pipeline_runs_its_own_data_has_to_fit(tmp_path: Path, more: str, *, runs: bool) -> None:
    contract(tmp_path, READ, USE + more)
    text = (tmp_path / "package" / "tests" / "test_contract.py").read_text(encoding="utf-8")

    assert ("def test_the_test_data_fits(ran: PipelineRun)" in text) == runs
    assert ("def test_the_pipeline_stops_at_a_file_without_rows" in text) == runs


def test_a_file_that_may_be_read_elsewhere_first_is_not_emptied(tmp_path: Path) -> None:
    contract(tmp_path, "print(open('people.csv').read())\n" + READ, USE)
    text = (tmp_path / "package" / "tests" / "test_contract.py").read_text(encoding="utf-8")

    assert "def test_the_test_data_fits" in text
    assert "without_rows" not in text


def test_a_notebook_that_reads_nothing_has_no_contract_and_no_field_for_it(tmp_path: Path) -> None:
    files = convert(tmp_path, cell("print(1)", None))

    assert "input_checks" not in files["src/squares/config.py"]


def test_the_suite_of_a_package_with_a_contract_passes(tmp_path: Path) -> None:
    pytest.importorskip("pandas")
    contract(tmp_path, READ, USE)

    assert run_suite(tmp_path).returncode == 0
    steps = tmp_path / "package" / "src" / "squares" / "steps.py"
    steps.write_text(steps.read_text("utf-8").replace('check_input(people, "people.csv")', "pass"), encoding="utf-8")
    assert "test_the_pipeline_stops_at_a_file_without_rows" in run_suite(tmp_path).stdout


def test_every_breach_names_file_column_expected_got_and_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    pd = pytest.importorskip("pandas")
    columns = (module.Column(name="age", kind="number", nullable=False, minimum=20, maximum=30),)
    monkeypatch.setattr(module, "CONTRACTS", {"people.csv": columns})
    where = "people.csv: column 'age':"

    def wrong(values: list[object]) -> tuple[list[str], list[str]]:
        found: tuple[list[str], list[str]] = module.problems(pd.DataFrame({"age": values}), "people.csv")
        return found

    assert wrong([20, 30]) == ([], [])
    assert wrong([20, None]) == ([f"{where} expected a value in every row, got 1 missing (2 rows)"], [])
    assert wrong([20, 31]) == ([], [f"{where} expected 20 to 30, got 20 to 31 (2 rows)"])
    assert wrong([]) == (["people.csv: expected rows, got none"], [])
    assert wrong(["x", "y"])[0][0].startswith(f"{where} expected number, got ")


@pytest.mark.parametrize("use", ["people.drop('age', axis=1)", "people.iloc[:, 1:]", "people.values"])
def test_code_that_takes_columns_by_their_place_uses_all(tmp_path: Path, use: str) -> None:
    text = contract(tmp_path, READ, use)

    assert [each for each in ("name", "age", "city", "note") if f'Column(name="{each}"' in text] == [
        "name",
        "age",
        "city",
        "note",
    ]


def test_polars_reads_a_file_its_own_way(tmp_path: Path) -> None:
    read = "import polars as pl\npeople = pl.read_csv('people.csv', separator=',')"
    text = contract(tmp_path, read, "people['a', 'b', 'c']", text="a,b,c\n1,NA,true\n,x,false\n")
    tests = (tmp_path / "package" / "tests" / "test_contract.py").read_text(encoding="utf-8")

    assert 'Column(name="a", kind="number", minimum=1, maximum=1)' in text
    assert 'Column(name="b", kind="text", nullable=False)' in text
    assert 'Column(name="c", kind="bool", nullable=False)' in text
    assert '"people.csv": polars.DataFrame' in tests
    assert "pandas" not in tests


SEEN = Contract(
    "people.parquet",
    (
        Column("born", "datetime", nullable=True, minimum="1990-01-01T00:00:00", maximum="2001-02-03T00:00:00"),
        Column("age", "number", nullable=False, minimum=20.0, maximum=31.5),
        Column("unused", "text", nullable=False),
    ),
)


def observed(folder: Path, read: str, seen: Contract) -> dict[str, str]:
    """Return the files of a package whose run was seen to read a file."""
    convert(folder, cell(f"import pandas as pd\n{read}", None), cell("people['age'].mean(), people.born.max()", None))
    conversion = convert_notebook(folder / "squares.ipynb", observation=Observation({}, {seen.file: seen}))
    return {path: content.decode() for path, content in conversion.package.files.items()}


def test_a_file_that_was_seen_being_read_has_a_contract_whatever_it_is(tmp_path: Path) -> None:
    files = observed(tmp_path, "people = pd.read_parquet('./people.parquet', engine=None)", SEEN)

    born = 'Column(name="born", kind="datetime", minimum="1990-01-01T00:00:00", maximum="2001-02-03T00:00:00")'
    assert born in files["src/squares/contract.py"]
    assert (
        'Column(name="age", kind="number", nullable=False, minimum=20, maximum=31.5)'
        in (files["src/squares/contract.py"])
    )
    assert "unused" not in files["src/squares/contract.py"]
    assert 'check_input(people, "people.parquet")' in files["src/squares/steps.py"]
    assert "input_checks" in files["src/squares/config.py"]
    assert 'choices=("off", "warn", "raise", "strict")' in files["src/squares/cli.py"]


def test_a_package_with_an_observed_contract_still_matches_its_notebook(tmp_path: Path) -> None:
    """What was seen is in the manifest; without it, converting again would make another package."""
    folder = tmp_path / "package"
    observed(tmp_path, "people = pd.read_parquet('people.parquet')", SEEN)
    seen = Observation({}, {SEEN.file: SEEN})
    write_package(convert_notebook(tmp_path / "squares.ipynb", observation=seen).package, folder, force=True)

    assert compare_with_notebook(tmp_path / "squares.ipynb", folder).files == ()


@pytest.mark.parametrize(
    "read",
    [
        "people = pd.read_parquet('people.parquet').dropna()",
        "people = pd.read_parquet(input())",
        "people = pd.read_parquet('other.parquet')",
    ],
)
def test_a_table_that_is_not_certainly_the_one_that_was_seen_is_not_checked(tmp_path: Path, read: str) -> None:
    assert "src/squares/contract.py" not in observed(tmp_path, read, SEEN)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_tables_are_described_when_they_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, library: str) -> None:
    reader = pytest.importorskip(library)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "people.csv").write_text("age,city,odd\n20,Graz,\n21,Wien,\n", encoding="utf-8")
    monkeypatch.setattr(reader, "read_csv", reader.read_csv)

    seen = inputs_run.watch([], module)
    reader.read_csv("people.csv")
    reader.read_csv(tmp_path / "people.csv")

    assert seen[0] == seen[1]
    assert (seen[0]["file"], seen[0]["library"]) == ("people.csv", library)
    assert seen[0]["columns"] == [
        {"name": "age", "kind": "number", "nullable": False, "present": 2, "minimum": 20.0, "maximum": 21.0},
        {"name": "city", "kind": "text", "nullable": False, "present": 2, "texts": ["Graz", "Wien"]},
        {"name": "odd", "kind": None, "nullable": True, "present": 0},
    ]
