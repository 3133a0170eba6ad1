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
from typing import TYPE_CHECKING

from pandas.api.types import is_bool_dtype, is_numeric_dtype

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

logger = logging.getLogger(__package__)

MODES = ("off", "warn", "raise", "strict")


class InputError(ValueError):
    """An input file is not what the steps need."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column the steps use, as the notebook's own file has it.

    kind      ``number``, ``bool`` or ``text``; None where it is not checked
    nullable  values may be missing
    minimum, maximum  of the numbers seen
    seen      the texts seen, where there are few
    """

    name: str
    kind: str | None = None
    nullable: bool = True
    minimum: float | None = None
    maximum: float | None = None
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


def check_input(table: pd.DataFrame, file: str) -> None:
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


def problems(table: pd.DataFrame, file: str) -> tuple[list[str], list[str]]:
    """Return what the steps cannot work with, and what was not seen before; more columns are no problem."""
    rows = f"({len(table)} rows)"
    if table.empty:
        return [f"{file}: expected rows, got none"], []
    wrong: list[str] = []
    unseen: list[str] = []
    for column in CONTRACTS[file]:
        where = f"{file}: column {column.name!r}"
        if column.name not in table.columns:
            got = ", ".join(map(repr, table.columns))
            wrong.append(f"{where}: expected it to be there, got {got} {rows}")
            continue
        values = table[column.name]
        missing = int(values.isna().sum())
        if missing and not column.nullable:
            wrong.append(f"{where}: expected a value in every row, got {missing} missing {rows}")
        if column.kind not in (None, _kind(values)) and missing < len(values):
            wrong.append(f"{where}: expected {column.kind}, got {values.dtype} {rows}")
        elif column.kind == "number":
            unseen += _out_of_range(values, column, where, rows)
        elif column.seen:
            others = sorted(set(values.dropna().astype(str)) - set(column.seen))
            if others:
                unseen.append(f"{where}: expected one of {', '.join(column.seen)}, got {', '.join(others)} {rows}")
    return wrong, unseen


def _kind(values: pd.Series) -> str:
    if is_bool_dtype(values):
        return "bool"
    return "number" if is_numeric_dtype(values) else "text"


def _out_of_range(values: pd.Series, column: Column, where: str, rows: str) -> Iterator[str]:
    lowest, highest = values.min(), values.max()
    if (column.minimum is not None and lowest < column.minimum) or (
        column.maximum is not None and highest > column.maximum
    ):
        yield f"{where}: expected {column.minimum} to {column.maximum}, got {lowest} to {highest} {rows}"
