"""What the steps need of the files they read, checked when a file has been read.

A check says ``file: column: expected …, got …``. The field ``input_checks`` of the configuration decides:
``off`` checks nothing, ``warn`` (the default) logs what is wrong and goes on, ``raise`` stops where a column
is missing, has another type or missing values, or the file is empty, and logs values that were not seen
before; ``strict`` stops for those too.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

logger = logging.getLogger(__package__)

MODES = ("off", "warn", "raise", "strict")


class InputError(ValueError):
    """An input file is not what the steps need."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column the steps use, as it was when the notebook read the file.

    kind      ``number``, ``bool``, ``datetime`` or ``text``; None where it is not checked
    nullable  values may be missing
    minimum, maximum  of the numbers or times seen
    seen      the texts seen, where there are few
    """

    name: str
    kind: str | None = None
    nullable: bool = True
    minimum: float | str | None = None
    maximum: float | str | None = None
    seen: tuple[str, ...] = ()


CONTRACTS: dict[str, tuple[Column, ...]] = {}

_mode: ContextVar[str] = ContextVar("input_checks", default="off")


@contextmanager
def checking_inputs(mode: str) -> Iterator[None]:
    """Check the files that are read inside the ``with`` block; ``mode`` is one of ``MODES``."""
    if mode not in MODES:
        msg = f"input_checks: {mode!r} is none of {', '.join(MODES)}"
        raise InputError(msg)
    token = _mode.set(mode)
    try:
        yield
    finally:
        _mode.reset(token)


def check_input(table: Any, file: str) -> None:
    """Hold a table that was read from ``file`` against its contract, as strictly as the run asks for."""
    mode = _mode.get()
    if mode == "off":
        return
    wrong, unseen = problems(table, file)
    stops = {"warn": [], "raise": wrong, "strict": [*wrong, *unseen]}[mode]
    if stops:
        raise InputError("\n".join(stops))
    for text in (*wrong, *unseen):
        logger.warning("%s", text)


def problems(table: Any, file: str) -> tuple[list[str], list[str]]:
    """Return what the steps cannot work with, and what was not seen before; more columns are no problem."""
    if len(table) == 0:
        return [f"{file}: expected rows, got none"], []
    wrong: list[str] = []
    unseen: list[str] = []
    names = list(table.columns)
    for column in CONTRACTS[file]:
        where, rows = f"{file}: column {column.name!r}", f"({len(table)} rows)"
        if column.name not in names:
            wrong.append(f"{where}: expected it to be there, got {', '.join(map(repr, names))} {rows}")
            continue
        values = table[column.name]
        missing = missing_in(values)
        if missing and not column.nullable:
            wrong.append(f"{where}: expected a value in every row, got {missing} missing {rows}")
        if missing == len(values):
            continue
        if column.kind not in (None, kind_of(values)):
            wrong.append(f"{where}: expected {column.kind}, got {values.dtype} {rows}")
        elif others := _unseen(values, column):
            unseen.append(f"{where}: {others} {rows}")
    return wrong, unseen


def missing_in(values: Any) -> int:
    """Return how many values of a column are missing; it is a column of pandas or of polars."""
    return int(values.isna().sum() if hasattr(values, "isna") else values.null_count())


def kind_of(values: Any) -> str:
    """Return what is in a column, as ``Column.kind`` says it."""
    dtype = values.dtype
    if hasattr(dtype, "kind"):
        kinds = {"b": "bool", "i": "number", "u": "number", "f": "number", "c": "number", "M": "datetime"}
        return kinds.get(dtype.kind, "text")
    if dtype.is_numeric():
        return "number"
    return "bool" if str(dtype) == "Boolean" else "datetime" if str(dtype).startswith("Date") else "text"


def range_of(values: Any) -> tuple[Any, Any]:
    """Return the least and the greatest value of a column of numbers or times; times as text."""
    lowest, highest = values.min(), values.max()
    return (lowest.isoformat(), highest.isoformat()) if hasattr(lowest, "isoformat") else (lowest, highest)


def texts_in(values: Any) -> list[str]:
    """Return the different texts in a column, sorted."""
    present = values.dropna().unique() if hasattr(values, "dropna") else values.drop_nulls().unique()
    return sorted(set(map(str, present)))


def _unseen(values: Any, column: Column) -> str:
    """Return which values of a column were not seen before; an empty text where all were."""
    if column.minimum is not None and column.maximum is not None:
        lowest, highest = range_of(values)
        if lowest < column.minimum or highest > column.maximum:
            return f"expected {column.minimum} to {column.maximum}, got {lowest} to {highest}"
    elif column.seen and (others := [text for text in texts_in(values) if text not in column.seen]):
        return f"expected one of {', '.join(column.seen)}, got {', '.join(others)}"
    return ""
