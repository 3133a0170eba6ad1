"""What the notebook's steps need of the files they read: the columns they use, as its own files have them."""

from __future__ import annotations

import ast
import csv
import io
import posixpath
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from nb2prod.convert.data_files import constants_of, fold
from nb2prod.convert.plan import Column, Contract, Moved, Parameter, map_moved

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from nb2prod.analysis import Analysis, Call
    from nb2prod.convert.plan import Plan

FIELD = "input_checks"
_TEXT = "what to do about a file that breaks its contract: off, warn, raise, or strict (raise for new values too)"
_TABLES = {"pandas.DataFrame": "pandas", "polars.DataFrame": "polars"}
_SEPARATORS = {"pandas.read_csv": ",", "pandas.read_table": "\t", "polars.read_csv": ","}
# With any other argument the table is not the file as it stands.
_PLAIN = frozenset({"filepath_or_buffer", "source", "sep", "delimiter", "separator", "encoding", "usecols", "columns"})
_HARMLESS = frozenset({"low_memory", "engine", "infer_schema_length"})
# What each library takes for a missing value.
_MISSING = {
    "pandas": frozenset({
        "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA",
        "NULL", "NaN", "None", "n/a", "nan", "null",
    }),
    "polars": frozenset({""}),
}  # fmt: skip
_TRUTH = {
    "pandas": frozenset({"True", "False", "TRUE", "FALSE", "true", "false"}),
    "polars": frozenset({"true", "false"}),
}
_FEW, _ROWS_FOR_EACH = 12, 5
# Code that names a column this way works on all columns, or on all others.
_BY_PLACE = frozenset({"iloc", "values", "to_numpy", "drop"})
_MOST_COLUMNS = 60


@dataclass(frozen=True, slots=True)
class _Read:
    """A statement ``name = pd.read_csv("file.csv")``, of any call that makes a table of a file."""

    name: str
    file: str
    call: Call
    library: str


def add_contracts(plan: Plan, analysis: Analysis) -> Plan:
    """Check each table right after it was read, where its file is among the test data and read as it stands.

    The contract has the columns of the file that the code names, in strings or as attributes; all of them
    where the code takes columns by their place, or leaves some out.
    """
    return _checked(plan, analysis, {})


def observed_contracts(plan: Plan, analysis: Analysis, seen: Mapping[str, Contract]) -> Plan:
    """As ``add_contracts``, for each table whose file was ``seen`` being read (with all its columns) as well.

    How the file is read makes no difference then: it was the table of the contract.
    """
    return _checked(plan, analysis, seen)


def known_texts(texts: Iterable[str], present: int) -> tuple[str, ...]:
    """Return the different texts of a column where they are few beside the ``present`` values; else nothing."""
    few = sorted(set(texts))
    return tuple(few) if len(few) <= _FEW and present >= _ROWS_FOR_EACH * len(few) else ()


def _checked(plan: Plan, analysis: Analysis, seen: Mapping[str, Contract]) -> Plan:
    used = _used(cell.tree for cell in plan.notebook.code_cells if cell.tree is not None)
    moved = {item.statement.index for step in plan.steps for item in step.items if isinstance(item, Moved)}
    files = {path.as_posix() for path in plan.data_files}
    contracts: dict[str, Contract] = {}
    reads: dict[int, _Read] = {}
    for read in _reads(plan, analysis):
        if read.call.statement.index not in moved:
            continue
        plain = _as_it_stands(Path(plan.notebook.path).parent / read.file, read) if read.file in files else None
        whole = seen.get(read.file) or plain
        if whole is not None:
            whole = replace(whole, is_plain=plain is not None)
        contract = replace(whole, columns=used(whole.columns)) if whole is not None else None
        if contract is not None and contract.columns and contracts.setdefault(read.file, contract) == contract:
            reads[read.call.statement.index] = read
    contracts = {file: each for file, each in contracts.items() if any(read.file == file for read in reads.values())}
    has_field = any(each.name == FIELD for each in plan.parameters)
    if not reads or (has_field and not plan.contracts):
        return plan  # a variable of the notebook has the field's name

    def checked(item: Moved) -> Moved:
        read = reads.get(item.statement.index)
        return item if read is None or item.guarded else replace(item, read=(read.name, read.file))

    field = () if has_field else (Parameter(FIELD, "str", "warn", _TEXT, None),)
    return replace(
        plan,
        steps=map_moved(plan, checked),
        contracts=tuple(contracts.values()),
        parameters=(*plan.parameters, *field),
    )


def _reads(plan: Plan, analysis: Analysis) -> Iterable[_Read]:
    constants = constants_of([cell.tree for cell in plan.notebook.code_cells if cell.tree is not None])
    for call in analysis.calls({"read-file"}):
        library = _TABLES.get(str(call.info.returns)) if call.info is not None else None
        match call.statement.node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if value is call.node and library is not None:
                file = _file(call, constants)
                if file:
                    yield _Read(name, file, call, library)


def _file(call: Call, constants: dict[str, str]) -> str:
    """Return the file a call reads, relative to where it runs; an empty text where that is not certain."""
    parameters = call.info.path if call.info is not None else ()
    path = next((call.arguments[each] for each in parameters if each in call.arguments), None)
    text = fold(path, constants) if path is not None and not call.has_star_arguments else None
    return "" if not text or posixpath.isabs(text) or "://" in text else posixpath.normpath(text)


def _as_it_stands(file: Path, read: _Read) -> Contract | None:
    """Return a contract with all columns of a file that a call reads as it stands."""
    call = read.call
    separator = _separator(call)
    if separator is None or not call.arguments.keys() <= _PLAIN | _HARMLESS:
        return None
    encoding = call.arguments.get("encoding")
    text = str(encoding.value) if isinstance(encoding, ast.Constant) else "utf-8"
    columns = _columns(file, separator, "utf-8" if text.startswith("utf8") else text, read.library)
    return Contract(read.file, columns, read.library) if columns else None


def _separator(call: Call) -> str | None:
    if call.qualified_name not in _SEPARATORS:
        return None
    given = next((call.arguments[each] for each in ("sep", "delimiter", "separator") if each in call.arguments), None)
    if given is None:
        return _SEPARATORS[call.qualified_name]
    return given.value if isinstance(given, ast.Constant) and given.value in (",", ";", "\t", "|") else None


def _used(trees: Iterable[ast.Module]) -> Callable[[tuple[Column, ...]], tuple[Column, ...]]:
    """Return what picks the columns that the code uses: those it names, in texts or as attributes."""
    names: set[str] = set()
    for node in (node for tree in trees for node in ast.walk(tree)):
        match node:
            case ast.Constant(value=str(text)):
                names.add(text)
            case ast.Attribute(attr=attr):
                names.add(attr)

    def pick(columns: tuple[Column, ...]) -> tuple[Column, ...]:
        whole = not names.isdisjoint(_BY_PLACE) and len(columns) <= _MOST_COLUMNS
        return columns if whole else tuple(each for each in columns if each.name in names)

    return pick


def _columns(file: Path, separator: str, encoding: str, library: str) -> tuple[Column, ...]:
    try:
        text = file.read_bytes().decode(encoding).removeprefix("\ufeff")
        rows = [row for row in csv.reader(io.StringIO(text), delimiter=separator) if row]
    except (OSError, UnicodeDecodeError, LookupError, csv.Error):
        return ()  # the notebook may read it otherwise; we know nothing of it
    # Another number of fields than the header has is an index, or broken: no file as it stands.
    if len(rows) < 2 or len(set(rows[0])) < len(rows[0]) or any(len(row) != len(rows[0]) for row in rows):  # noqa: PLR2004 a header and a row
        return ()
    return tuple(_column(name, [row[at] for row in rows[1:]], library) for at, name in enumerate(rows[0]) if name)


def _column(name: str, values: list[str], library: str) -> Column:
    present = [value for value in values if value not in _MISSING[library]]
    nullable = len(present) < len(values)
    if not present:
        return Column(name, None, nullable)
    if set(present) <= _TRUTH[library]:
        # With a value missing it is no column of truth values any more.
        return Column(name, None if nullable else "bool", nullable)
    try:
        numbers = [float(value.strip()) for value in present if "_" not in value]
    except ValueError:
        numbers = []
    if len(numbers) == len(present):
        return Column(name, "number", nullable, min(numbers), max(numbers))
    return Column(name, "text", nullable, None, None, known_texts(present, len(present)))
