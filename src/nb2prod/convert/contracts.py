"""What the notebook's steps need of the files they read: the columns they name, as its own files have them."""

from __future__ import annotations

import ast
import csv
import io
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from nb2prod.convert.data_files import constants_of, fold
from nb2prod.convert.plan import Column, Contract, Moved, Parameter, map_moved

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nb2prod.analysis import Analysis, Call
    from nb2prod.convert.plan import Plan

FIELD = "input_checks"
_TEXT = "what a file that breaks its contract does: off, warn, raise, or strict (raise for new values too)"
_SEPARATORS = {"pandas.read_csv": ",", "pandas.read_table": "\t"}
# With any other argument the table is not the file as it stands.
_PLAIN = frozenset({"filepath_or_buffer", "sep", "delimiter", "encoding", "usecols", "low_memory", "engine"})
# What pandas takes for a missing value.
_MISSING = frozenset({
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA",
    "NULL", "NaN", "None", "n/a", "nan", "null",
})  # fmt: skip
_FEW, _ROWS_FOR_EACH = 12, 5


@dataclass(frozen=True, slots=True)
class _Read:
    """A statement ``name = pd.read_csv("file.csv")``."""

    statement: int
    name: str
    file: str
    separator: str
    encoding: str


def add_contracts(plan: Plan, analysis: Analysis) -> Plan:
    """Check each table right after it was read, where its file is among the test data and read as it stands.

    The contract has the columns of the file that the code names, in strings or as attributes.
    """
    folder = Path(plan.notebook.path).parent
    named = _names(cell.tree for cell in plan.notebook.code_cells if cell.tree is not None)
    moved = {item.statement.index for step in plan.steps for item in step.items if isinstance(item, Moved)}
    contracts: dict[str, Contract] = {}
    reads: dict[int, _Read] = {}
    for read in _reads(plan, analysis):
        if read.statement not in moved:
            continue
        columns = _columns(folder / read.file, read, named)
        if columns and contracts.setdefault(read.file, Contract(read.file, columns)).columns == columns:
            reads[read.statement] = read
    contracts = {file: each for file, each in contracts.items() if any(read.file == file for read in reads.values())}
    if not reads or any(each.name == FIELD for each in plan.parameters):
        return plan

    def checked(item: Moved) -> Moved:
        read = reads.get(item.statement.index)
        return item if read is None or item.guarded else replace(item, read=(read.name, read.file))

    return replace(
        plan,
        steps=map_moved(plan, checked),
        contracts=tuple(contracts.values()),
        parameters=(*plan.parameters, Parameter(FIELD, "str", "warn", _TEXT, None)),
    )


def _reads(plan: Plan, analysis: Analysis) -> Iterable[_Read]:
    constants = constants_of([cell.tree for cell in plan.notebook.code_cells if cell.tree is not None])
    known = {path.as_posix() for path in plan.data_files}
    for call in analysis.calls():
        match call.statement.node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if value is call.node:
                file = _plain_file(call, constants)
                if file in known and (separator := _separator(call)) is not None:
                    encoding = call.arguments.get("encoding")
                    text = encoding.value if isinstance(encoding, ast.Constant) else "utf-8"
                    yield _Read(call.statement.index, name, file, separator, str(text))


def _plain_file(call: Call, constants: dict[str, str]) -> str:
    """Return the file a call reads as it stands, or an empty text."""
    if call.qualified_name not in _SEPARATORS or call.has_star_arguments or not call.arguments.keys() <= _PLAIN:
        return ""
    path = call.arguments.get("filepath_or_buffer")
    return (fold(path, constants) or "").removeprefix("./") if path is not None else ""


def _separator(call: Call) -> str | None:
    given = call.arguments.get("sep", call.arguments.get("delimiter"))
    if given is None:
        return _SEPARATORS[call.qualified_name or ""]
    return given.value if isinstance(given, ast.Constant) and given.value in (",", ";", "\t", "|") else None


def _names(trees: Iterable[ast.Module]) -> frozenset[str]:
    """Return every text and every attribute in the code: what a column can be named by."""
    names: set[str] = set()
    for node in (node for tree in trees for node in ast.walk(tree)):
        match node:
            case ast.Constant(value=str(text)):
                names.add(text)
            case ast.Attribute(attr=attr):
                names.add(attr)
    return frozenset(names)


def _columns(file: Path, read: _Read, named: frozenset[str]) -> tuple[Column, ...]:
    try:
        text = file.read_bytes().decode(read.encoding).removeprefix("\ufeff")
        rows = [row for row in csv.reader(io.StringIO(text), delimiter=read.separator) if row]
    except (OSError, UnicodeDecodeError, LookupError, csv.Error):
        return ()  # the notebook may read it otherwise; we know nothing of it
    # Another number of fields than the header has is an index, or broken: no file as it stands.
    if len(rows) < 2 or len(set(rows[0])) < len(rows[0]) or any(len(row) != len(rows[0]) for row in rows):  # noqa: PLR2004 a header and a row
        return ()
    return tuple(
        _column(name, [row[at] for row in rows[1:]]) for at, name in enumerate(rows[0]) if name in named and name
    )


def _column(name: str, values: list[str]) -> Column:
    present = [value for value in values if value not in _MISSING]
    nullable = len(present) < len(values)
    if not present:
        return Column(name, None, nullable)
    if set(present) <= {"True", "False", "TRUE", "FALSE", "true", "false"}:
        # With a value missing it is no column of truth values any more.
        return Column(name, None if nullable else "bool", nullable)
    try:
        numbers = [float(value.strip()) for value in present if "_" not in value]
    except ValueError:
        numbers = []
    if len(numbers) == len(present):
        return Column(name, "number", nullable, min(numbers), max(numbers))
    few = sorted(set(present))
    known = tuple(few) if len(few) <= _FEW and len(present) >= _ROWS_FOR_EACH * len(few) else ()
    return Column(name, "text", nullable, None, None, known)
