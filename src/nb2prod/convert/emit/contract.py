"""The module ``contract`` of a package, and its tests."""

from __future__ import annotations

import ast
from importlib import resources
from typing import TYPE_CHECKING

from nb2prod.convert.emit.literals import literal
from nb2prod.convert.emit.pipeline import output_field

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
    columns = [column for each in plan.contracts for column in each.columns]
    text = _TESTS
    text = text.replace("MAKERS", "".join(f"    {file!r}: {name}.DataFrame,\n" for file, name in libraries.items()))
    text = text.replace("IMPORTS", "\n".join(f"import {name}" for name in sorted({*libraries.values()})))
    if any(column.kind == "datetime" for column in columns):
        text = text.replace(
            "from typing import Any\n", "from datetime import date, datetime\nfrom typing import Any\n", 1
        )
        text = text.replace(_A_VALUE, _A_TIME + _A_VALUE, 1)
    # A list of nothing would be a test that is always skipped.
    if not all(column.nullable for column in columns):
        text += _MISSING_VALUE
    if any(column.kind is not None for column in columns):
        text += _OTHER_KIND
    if any(_has_range(column) for column in columns):
        text += _OUT_OF_RANGE
    if any(column.seen for column in columns):
        text += _NOT_SEEN
    if runs:
        text = text.replace("import pytest\n", "import pytest\nfrom step_runs import PipelineRun\n", 1) + _FITS
        plain = next((each.file for each in plan.contracts if each.is_plain and _is_named_once(each.file, plan)), None)
        if plain is not None:
            text = text.replace(
                "from PACKAGE.contract",
                "from PACKAGE import pipeline\nfrom PACKAGE.config import Config\nfrom PACKAGE.contract",
                1,
            )
            text = text.replace("from typing import Any\n", "from pathlib import Path\nfrom typing import Any\n", 1)
            text += _STOPS.replace("FILE", repr(plain)).replace("OUTPUT", output_field(plan))
    return text.replace("PACKAGE", plan.package)


def _is_named_once(file: str, plan: Plan) -> bool:
    """Return whether only one place of the notebook can read a file: what it reads first is what is checked."""
    texts = [
        node.value
        for cell in plan.notebook.code_cells
        if cell.tree is not None
        for node in ast.walk(cell.tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    return sum(file.rpartition("/")[2] in text for text in texts) == 1


def _has_range(column: Column) -> bool:
    """Return whether a column is of numbers with a least and a greatest one that can be written down."""
    unwritten = {None, float("inf"), float("-inf")}
    return column.kind == "number" and unwritten.isdisjoint({column.minimum, column.maximum})


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

from typing import Any

IMPORTS
import pytest

from PACKAGE.contract import CONTRACTS, Column, InputError, check_input, checking_inputs

TABLES = {
MAKERS}
ALL = [(file, column) for file, columns in CONTRACTS.items() for column in columns]


def fitting(column: Column) -> Any:
    """Return a value that fits a column."""
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


@pytest.mark.parametrize(("file", "name"), [(file, column.name) for file, column in ALL])
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

@pytest.mark.parametrize(("file", "name"), [(file, column.name) for file, column in ALL if not column.nullable])
def test_a_missing_value_is_named(file: str, name: str) -> None:
    values = table_of(file)[name].to_list()
    said = said_of(table_of(file, **{name: [values[0], None, values[0]]}), file)

    assert f"{file}: column {name!r}: expected a value in every row, got 1 missing (3 rows)" in said
"""

_OTHER_KIND = """

@pytest.mark.parametrize(
    ("file", "name", "kind"), [(file, column.name, column.kind) for file, column in ALL if column.kind is not None]
)
def test_a_column_of_another_kind_is_named(file: str, name: str, kind: str) -> None:
    other = [1, 2, 3] if kind == "text" else ["many", "few", "none"]

    assert f"{file}: column {name!r}: expected {kind}, got " in said_of(table_of(file, **{name: other}), file)
"""

_OUT_OF_RANGE = """

@pytest.mark.parametrize(
    ("file", "column"),
    [each for each in ALL if each[1].kind == "number" and None not in (each[1].minimum, each[1].maximum)],
)
def test_numbers_beyond_those_seen_are_named_where_that_is_asked_for(file: str, column: Column) -> None:
    least, most = column.minimum, column.maximum
    said = said_of(table_of(file, **{column.name: [least, most, 2 * abs(most) + 1]}), file, "strict")

    assert f"{file}: column {column.name!r}: expected {least} to {most}, got " in said
"""

_NOT_SEEN = """

@pytest.mark.parametrize(("file", "name"), [(file, column.name) for file, column in ALL if column.seen])
def test_texts_that_were_not_seen_are_named_where_that_is_asked_for(file: str, name: str) -> None:
    said = said_of(table_of(file, **{name: ["not seen before"] * 3}), file, "strict")

    assert f"{file}: column {name!r}: expected one of " in said
"""

_FITS = """

def test_the_test_data_fits(ran: PipelineRun) -> None:
    said = [text for step in ran.steps.values() for text in step.logged]

    assert [text for text in said if text.startswith(tuple(f"{file}: " for file in CONTRACTS))] == []
"""

_STOPS = """

@pytest.mark.usefixtures("quick")
def test_the_pipeline_stops_at_a_file_without_rows_where_that_is_asked_for(folder: Path) -> None:
    file = folder / FILE
    file.write_bytes(file.read_bytes().splitlines(keepends=True)[0])
    with pytest.raises(InputError, match="expected rows, got none"):
        pipeline.run(Config(input_checks="raise", OUTPUT=folder / "results"))
"""

_A_VALUE = """    kinds = {"number": 1.0, "bool": True, "text": "a", None: "a"}
"""
_A_TIME = """    if column.kind == "datetime":
        text = str(column.minimum or "2000-01-01T00:00:00")
        return (datetime if "T" in text else date).fromisoformat(text)
"""
