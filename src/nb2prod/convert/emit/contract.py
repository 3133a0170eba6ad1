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
    """Return the text of ``tests/test_contract.py``; nothing but the contracts is needed to run it.

    runs  the pipeline can be run on the test data
    """
    libraries = {each.file: each.library for each in plan.contracts}
    columns = [(each.file, column) for each in plan.contracts for column in each.columns]
    text = _TESTS.replace("PACKAGE", plan.package)
    text = text.replace("MAKERS", "".join(f"    {file!r}: {name}.DataFrame,\n" for file, name in libraries.items()))
    text = text.replace("IMPORTS", "\n".join(f"import {name}" for name in sorted({*libraries.values()})))
    if filled := [(file, column.name) for file, column in columns if not column.nullable]:
        text += _MISSING_VALUE.replace("COLUMNS", literal(filled))
    if known := [(file, column.name, column.kind) for file, column in columns if column.kind is not None]:
        text += _OTHER_KIND.replace("COLUMNS", literal(known))
    if ranged := [(file, column.name) for file, column in columns if column.kind == "number" and _has_range(column)]:
        text += _OUT_OF_RANGE.replace("COLUMNS", literal(ranged))
    if few := [(file, column.name) for file, column in columns if column.seen]:
        text += _NOT_SEEN.replace("COLUMNS", literal(few))
    if runs:
        text = text.replace("import pytest\n", "import pytest\nfrom step_runs import PipelineRun\n", 1) + _FITS
    return text


def _has_range(column: Column) -> bool:
    return column.maximum is not None and column.maximum != float("inf")


def _column(column: Column) -> str:
    parts = [repr(column.name)]
    if column.kind is not None:
        parts.append(f"kind={column.kind!r}")
    if not column.nullable:
        parts.append("nullable=False")
    parts += [
        f"{name}={_bound(value)}"
        for name, value in (("minimum", column.minimum), ("maximum", column.maximum))
        if value not in (None, float("inf"), float("-inf"))
    ]
    if column.seen:
        parts.append(f"seen={literal(column.seen)}")
    return f"Column(name={', '.join(parts)})"


def _bound(value: float | str | None) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else repr(value)


_TESTS = '''"""The input contract: what a file may be, and what is said of one that is something else."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

IMPORTS
import pytest

from PACKAGE.contract import CONTRACTS, Column, InputError, check_input, checking_inputs

TABLES = {
MAKERS}
ALL = [(file, column.name) for file, columns in CONTRACTS.items() for column in columns]


def fitting(column: Column) -> Any:
    """Return a value that fits a column."""
    if column.kind == "datetime":
        text = str(column.minimum or "2000-01-01T00:00:00")
        return (datetime if "T" in text else date).fromisoformat(text)
    kinds = {"number": 1.0, "bool": True, "text": "a", None: "a"}
    return next(iter(column.seen), kinds[column.kind]) if column.minimum is None else column.minimum


def table_of(file: str, /, **changed: list[Any] | None) -> Any:
    """Return a table of three rows that fits the contract of ``file``, but for the columns given; None: left out."""
    values = {column.name: [fitting(column)] * 3 for column in CONTRACTS[file]} | changed
    return TABLES[file]({name: value for name, value in values.items() if value is not None})


def said_of(table: Any, file: str, mode: str = "raise") -> str:
    with checking_inputs(mode), pytest.raises(InputError) as raised:
        check_input(table, file)
    return str(raised.value)


@pytest.mark.parametrize("file", TABLES)
def test_a_file_with_more_columns_is_accepted(file: str) -> None:
    with checking_inputs("strict"):
        check_input(table_of(file, one_more_column=[1, 2, 3]), file)


@pytest.mark.parametrize(("file", "name"), ALL)
def test_a_missing_column_is_named(file: str, name: str) -> None:
    said = said_of(table_of(file, **{name: None}, other=[1, 2, 3]), file)

    assert f"{file}: column {name!r}: expected it to be there" in said
    assert "(3 rows)" in said


@pytest.mark.parametrize("file", TABLES)
def test_an_empty_file_is_named(file: str) -> None:
    assert said_of(table_of(file).head(0), file) == f"{file}: expected rows, got none"


@pytest.mark.parametrize("file", TABLES)
def test_unless_it_is_asked_for_nothing_stops_a_run(file: str) -> None:
    for mode in ("off", "warn"):
        with checking_inputs(mode):
            check_input(table_of(file).head(0), file)
'''

_MISSING_VALUE = """

@pytest.mark.parametrize(("file", "name"), COLUMNS)
def test_a_missing_value_is_named(file: str, name: str) -> None:
    values = table_of(file)[name].to_list()
    said = said_of(table_of(file, **{name: [values[0], None, values[0]]}), file)

    assert f"{file}: column {name!r}: expected a value in every row, got 1 missing (3 rows)" in said
"""

_OTHER_KIND = """

@pytest.mark.parametrize(("file", "name", "kind"), COLUMNS)
def test_a_column_of_another_kind_is_named(file: str, name: str, kind: str) -> None:
    other = [1, 2, 3] if kind == "text" else ["many", "few", "none"]

    assert f"{file}: column {name!r}: expected {kind}, got " in said_of(table_of(file, **{name: other}), file)
"""

_OUT_OF_RANGE = """

@pytest.mark.parametrize(("file", "name"), COLUMNS)
def test_numbers_beyond_those_seen_are_named_where_that_is_asked_for(file: str, name: str) -> None:
    least, most = next((each.minimum, each.maximum) for each in CONTRACTS[file] if each.name == name)
    said = said_of(table_of(file, **{name: [least, most, 2 * abs(most) + 1]}), file, "strict")

    assert f"{file}: column {name!r}: expected {least} to {most}, got " in said
"""

_NOT_SEEN = """

@pytest.mark.parametrize(("file", "name"), COLUMNS)
def test_texts_that_were_not_seen_are_named_where_that_is_asked_for(file: str, name: str) -> None:
    said = said_of(table_of(file, **{name: ["not seen before"] * 3}), file, "strict")

    assert f"{file}: column {name!r}: expected one of " in said
"""

_FITS = """

def test_the_test_data_fits(ran: PipelineRun) -> None:
    said = [text for step in ran.steps.values() for text in step.logged]

    assert [text for text in said if text.startswith(tuple(f"{file}: " for file in CONTRACTS))] == []
"""
