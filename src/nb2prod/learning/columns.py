"""The columns of tables: which are there, and what each is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nb2prod.records import NamedTuple, Record, made

if TYPE_CHECKING:
    from nb2prod.learning.rows import Place


class Table(Record):
    """A table's set of columns.

    made_of  columns computed from one other column, value by value
    dated    columns that hold points in time
    numeric  columns known to hold numbers
    mixed    columns computed from several others, row by row
    lagged   columns that hold values of neighbouring rows
    ahead    columns that hold values of rows that come later
    known    columns that were asked for by name
    added    columns that were not known when they were set, and the how manieth each was
    """

    made_of: dict[str, str] = made(factory=dict)
    mixed: dict[str, frozenset[object]] = made(factory=dict)
    dated: set[object] = made(factory=set)
    numeric: set[object] = made(factory=set)
    lagged: set[object] = made(factory=set)
    ahead: set[object] = made(factory=set)
    known: set[object] = made(factory=set)
    added: dict[object, int] = made(factory=dict)

    def set_column(self, name: str, source: str | None, mixed: frozenset[object]) -> None:
        """Take note that a column is set in every row: what was made of its old values is of them no more."""
        if name not in self.known:
            self.added.setdefault(name, len(self.added) + 1)
        if source == name:
            return
        self.made_of = {each: of for each, of in self.made_of.items() if name not in {each, of}}
        self.mixed = {each: of for each, of in self.mixed.items() if name != each and name not in of}
        if source is not None:
            self.made_of[name] = source
        elif mixed and name not in mixed:
            self.mixed[name] = mixed


class Columns(NamedTuple):
    """Which columns of a table are there: ``only`` these, or all but ``without``. A column is a name or a number.

    at       how many columns had been added to the table when these were taken
    numbers  only those of them that hold numbers
    place    where they were chosen
    """

    table: Table
    only: frozenset[object] | None = None
    without: frozenset[object] = frozenset()
    at: int = 0
    numbers: bool = False
    place: Place | None = None

    def has(self, column: object, *, number: bool = False) -> bool:
        """Whether the column is surely there; ``number``: it is known to hold numbers."""
        if self.numbers and not (number or column in self.table.numeric):
            return False
        if self.only is not None:
            return column in self.only
        if not isinstance(column, str):
            return not self.without and not self.table.added
        return column not in self.without and self.table.added.get(column, 0) <= self.at

    def one(self) -> object | None:
        """Return the column where it is a single one."""
        return next(iter(self.only)) if self.only is not None and len(self.only) == 1 else None

    def less(self, names: frozenset[object]) -> Columns:
        """Return them without these."""
        if self.only is not None:
            return self._replace(only=self.only - names)
        return self._replace(without=self.without | names)

    def among(self, names: Columns) -> Columns | None:
        """Return those that ``names``, a list taken from a table, chooses; None where nobody knows."""
        if names.only is not None or names.table is self.table:
            return names._replace(table=self.table)
        return None


class ColumnNames(NamedTuple):
    """Names of columns of a table, as ``table.columns`` or a loop over them gives: which, if that is known."""

    columns: Columns | None = None

    def less(self, names: frozenset[object] | None) -> ColumnNames:
        """Return them without these; None: nobody knows which."""
        return ColumnNames(None if self.columns is None or names is None else self.columns.less(names))
