"""The columns of tables: which are there, and what each is made of."""

from __future__ import annotations

from nb2prod.records import NamedTuple, Record, made


class Table(Record):
    """A table's set of columns.

    made_of  columns computed from one other column, value by value
    dated    columns that hold points in time
    lagged   columns that hold values of neighbouring rows
    """

    made_of: dict[str, str] = made(factory=dict)
    dated: set[object] = made(factory=set)
    lagged: set[object] = made(factory=set)


class Columns(NamedTuple):
    """Which columns of a table are there: ``only`` these, or all but ``without``. A column is a name or a number."""

    table: Table
    only: frozenset[object] | None = None
    without: frozenset[object] = frozenset()

    def has(self, column: object) -> bool:
        """Whether the column is surely there."""
        if self.only is not None:
            return column in self.only
        return isinstance(column, str) and column not in self.without

    def one(self) -> object | None:
        """Return the column where it is a single one."""
        return next(iter(self.only)) if self.only is not None and len(self.only) == 1 else None


class ColumnNames(NamedTuple):
    """Names of columns of a table, nobody knows which: ``table.columns``, or what a loop over them gives."""
