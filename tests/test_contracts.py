"""The input contract: which columns of which files, and what the package does with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from generated_suites import cell, convert, run_suite

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


def test_a_notebook_that_reads_nothing_has_no_contract_and_no_field_for_it(tmp_path: Path) -> None:
    files = convert(tmp_path, cell("print(1)", None))

    assert "input_checks" not in files["src/squares/config.py"]


def test_the_suite_of_a_package_with_a_contract_passes(tmp_path: Path) -> None:
    pytest.importorskip("pandas")
    contract(tmp_path, READ, USE)

    assert run_suite(tmp_path).returncode == 0


def test_every_breach_names_file_column_expected_got_and_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    pd = pytest.importorskip("pandas")
    from nb2prod.convert.scaffold import contract as module  # noqa: PLC0415 - it imports pandas

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
