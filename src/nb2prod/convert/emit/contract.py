"""The module ``contract`` of a package, and its tests."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

from nb2prod.convert.emit.literals import literal

if TYPE_CHECKING:
    from nb2prod.convert.plan import Column, Plan

_EMPTY = "CONTRACTS: dict[str, tuple[Column, ...]] = {}"


def emit_contract(plan: Plan) -> str:
    """Return the text of ``contract.py``, not yet formatted."""
    text = resources.files("nb2prod.convert.scaffold").joinpath("contract.py").read_text(encoding="utf-8")
    rows = [
        f"{each.file!r}: ({''.join(f'{_column(column)}, ' for column in each.columns)})," for each in plan.contracts
    ]
    return text.replace(_EMPTY, _EMPTY.removesuffix("{}") + "{" + "\n".join(rows) + "}")


def emit_contract_tests(plan: Plan, *, runs: bool) -> str:
    """Return the text of ``tests/test_contract.py``; the files are among the test data.

    runs  the pipeline can be run on the test data
    """
    files = {each.file: list(each.columns) for each in plan.contracts}
    text = _TESTS.replace("PACKAGE", plan.package).replace("FILES", literal(list(files)))
    numbers = [(file, column.name) for file, columns in files.items() for column in columns if column.kind == "number"]
    filled = [(file, column.name) for file, columns in files.items() for column in columns if not column.nullable]
    if filled:
        text += _MISSING_VALUE.replace("COLUMNS", literal(filled))
    if numbers:
        text += _OTHER_KIND.replace("COLUMNS", literal(numbers))
    if runs:
        text = text.replace("import pytest\n", "import pytest\nfrom step_runs import PipelineRun\n", 1) + _FITS
    return text


def _column(column: Column) -> str:
    parts = [repr(column.name)]
    if column.kind is not None:
        parts.append(f"kind={column.kind!r}")
    if not column.nullable:
        parts.append("nullable=False")
    parts += [
        f"{name}={int(value) if value.is_integer() else value!r}"
        for name, value in (("minimum", column.minimum), ("maximum", column.maximum))
        if value is not None and abs(value) != float("inf")
    ]
    if column.seen:
        parts.append(f"seen={literal(column.seen)}")
    return f"Column(name={', '.join(parts)})"


_TESTS = '''"""The input contract: what a file may be, and what is said of one that is something else."""

from __future__ import annotations

import pandas as pd
import pytest

from PACKAGE.contract import CONTRACTS, InputError, check_input, checking_inputs


ALL = [(file, column.name) for file, columns in CONTRACTS.items() for column in columns]


def columns_of(file: str) -> pd.DataFrame:
    """Return a table of three rows that fits the contract of ``file``."""
    kinds = {"number": 1.0, "bool": True, "text": "a", None: "a"}
    return pd.DataFrame(
        {
            column.name: [next(iter(column.seen), kinds[column.kind]) if column.minimum is None else column.minimum] * 3
            for column in CONTRACTS[file]
        }
    )


@pytest.mark.parametrize("file", FILES)
def test_a_file_with_more_columns_is_accepted(file: str) -> None:
    with checking_inputs("strict"):
        check_input(columns_of(file).assign(one_more_column=1), file)


@pytest.mark.parametrize(("file", "name"), ALL)
def test_a_missing_column_is_named(file: str, name: str) -> None:
    with checking_inputs("raise"), pytest.raises(InputError) as raised:
        check_input(columns_of(file).drop(columns=name).assign(other=1), file)

    assert f"{file}: column {name!r}: expected it to be there" in str(raised.value)
    assert "(3 rows)" in str(raised.value)


@pytest.mark.parametrize("file", FILES)
def test_an_empty_file_is_named(file: str) -> None:
    with checking_inputs("raise"), pytest.raises(InputError, match="expected rows, got none"):
        check_input(columns_of(file).head(0), file)


@pytest.mark.parametrize("file", FILES)
def test_unless_it_is_asked_for_nothing_stops_a_run(file: str) -> None:
    for mode in ("off", "warn"):
        with checking_inputs(mode):
            check_input(columns_of(file).head(0), file)
'''

_MISSING_VALUE = """

@pytest.mark.parametrize(("file", "name"), COLUMNS)
def test_a_missing_value_is_named(file: str, name: str) -> None:
    table = columns_of(file).astype({name: object})
    table.loc[1, name] = None
    with checking_inputs("raise"), pytest.raises(InputError) as raised:
        check_input(table, file)

    assert f"{file}: column {name!r}: expected a value in every row, got 1 missing (3 rows)" in str(raised.value)
"""

_OTHER_KIND = """

@pytest.mark.parametrize(("file", "name"), COLUMNS)
def test_text_in_place_of_numbers_is_named(file: str, name: str) -> None:
    table = columns_of(file).assign(**{name: "many"})
    with checking_inputs("raise"), pytest.raises(InputError) as raised:
        check_input(table, file)

    assert f"{file}: column {name!r}: expected number, got " in str(raised.value)
"""

_FITS = """

def test_the_test_data_fits(ran: PipelineRun) -> None:
    said = [text for step in ran.steps.values() for text in step.logged]

    assert [text for text in said if text.startswith(tuple(f"{file}: " for file in CONTRACTS))] == []
"""
