"""rows-dropped-silently: rows are thrown away, and nothing shows or checks how many."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.diagnostics import Finding
from nb2prod.notebook.tree import nodes
from nb2prod.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis, Call
    from nb2prod.dataflow.model import Statement
    from nb2prod.notebook.location import Location, Position

_DROPS = (
    "pandas.DataFrame.dropna", "pandas.DataFrame.drop_duplicates",
    "polars.DataFrame.drop_nulls", "polars.LazyFrame.drop_nulls", "polars.DataFrame.drop_nans",
    "pyspark.sql.DataFrame.dropna", "pyspark.sql.DataFrame.na.drop",
    "pyspark.sql.DataFrame.dropDuplicates", "pyspark.sql.DataFrame.drop_duplicates",
)  # fmt: skip
# Readers that may be told to leave out lines they cannot read.
_READERS = ("pandas.read_csv", "pandas.read_table")
_MALFORMED = "DROPMALFORMED"
# Attributes that show how many rows would go, wherever they are asked for, and how many there are.
_GAPS = frozenset({"duplicated", "info", "isNull", "is_null", "isna", "isnull", "notna", "notnull", "null_count"})
_COUNTS = frozenset({"count", "describe", "height", "index", "shape", "size"})

# Methods that leave gaps of their own making at the edges: those are what a drop behind them takes.
_MAKES_GAPS = frozenset({"diff", "ewm", "pct_change", "reindex", "resample", "rolling", "shift"})
# Methods behind a drop that leave the rows as they are.
_KEEPING = frozenset({
    "assign", "astype", "cast", "collect", "copy", "drop_duplicates", "dropna", "fill_null", "fillna", "lazy", "rename",
    "reset_index", "select", "set_index", "sort", "sort_index", "sort_values", "with_columns",
})  # fmt: skip


class _Count(NamedTuple):
    """A statement that asks a table for its size; ``gaps``: for what is missing or there twice."""

    name: str
    statement: int
    gaps: bool


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield the first drop in each cell of whose table nobody ever asks the size."""
    cells: dict[int, list[tuple[Call, str]]] = {}
    counted: list[_Count] | None = None
    for call in sorted(analysis.calls_of(*_DROPS), key=_position):
        names = _names(call)
        if names is None or call.deferred or not _drops_rows(call):
            continue
        if counted is None:
            counted = list(_counted(analysis))
        if not any(each.name in names and (each.gaps or each.statement >= call.statement.index) for each in counted):
            cells.setdefault(call.cell.index, []).append((call, names[0]))
    for statement, name in _kept_whole(analysis):
        if counted is None:
            counted = list(_counted(analysis))
        if not any(each.name == name and (each.gaps or each.statement >= statement.index) for each in counted):
            message = (
                f"rows of `{name}` in which something is missing are thrown away here, and nothing shows or checks how "
                f"many: with other data it may be most of them; print or assert `len({name})` before and after"
            )
            yield Finding(statement.cell.locate(statement.node), message)
    for place, name in _swallowed(analysis):
        if counted is None:
            counted = list(_counted(analysis))
        if not any(each.name == name for each in counted):
            message = (
                f"what fails is left out of `{name}`, and nothing shows or checks how much: with other data it may be "
                "most of it; count it, and print or assert the number"
            )
            yield Finding(place, message)
    for call in _skipping(analysis):
        message = (
            f"`{call.name}` leaves out the lines it cannot read, and nothing says how many: mend them or count them"
        )
        yield Finding(call.location, message)
    for found in cells.values():
        call, name = found[0]
        message = (
            f"`{call.name}` throws rows of `{name}` away, and nothing shows or checks how many: with other data it may "
            f"be most of them; print or assert `len({name})` before and after"
        )
        message += f" (also {len(found) - 1} more in this cell)" if len(found) > 1 else ""
        yield Finding(call.location, message)


def _position(call: Call) -> tuple[int, Position]:
    return call.cell.index, call.location.range.start


def _names(call: Call) -> list[str] | None:
    """Return the name the rest is kept under, and the one it comes from; None where the rest has no name."""
    node, source = call.statement.node, _root(call.node.func)
    match node:
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if call.node in _chain(value):
            if any(isinstance(each, ast.Attribute) and each.attr in _MAKES_GAPS for each in nodes(call.node.func)):
                return None
            return [name] if source is None else [name, source]
        case _ if source is None:
            return None
        case ast.Expr(value=value) if value is call.node and _is_true(call.arguments.get("inplace")):
            return [source]
        case _:
            return None


def _chain(node: ast.expr) -> list[ast.expr]:
    """Return the calls of a chain of methods that keep a table's rows: ``data.dropna().reset_index(drop=True)``."""
    found = [node]
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _KEEPING:
        node = node.func.value
        found.append(node)
    return found


def _kept_whole(analysis: Analysis) -> Iterator[tuple[Statement, str]]:
    """Yield statements that keep the rows of a table where nothing is missing: ``table = table[table.a.notna()]``."""
    if not analysis.mentions("notna", "notnull", "isna", "isnull"):
        return
    for statement in analysis.statements():
        name = _kept_by_condition(statement.node)
        if name is not None:
            yield statement, name


def _kept_by_condition(node: ast.stmt) -> str | None:
    """Return the table of which a statement keeps the rows where nothing is missing; None where it does not."""
    match node:
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.Subscript(value=owner, slice=condition)):
            pass
        case _:
            return None
    if isinstance(owner, ast.Attribute) and owner.attr == "loc":
        owner = owner.value
    match condition:
        case ast.Call(func=ast.Attribute(value=asked, attr="notna" | "notnull"), args=[]):
            pass
        case ast.UnaryOp(
            op=ast.Invert(), operand=ast.Call(func=ast.Attribute(value=asked, attr="isna" | "isnull"), args=[])
        ):
            pass
        case _:
            return None
    return name if isinstance(owner, ast.Name) and owner.id == name == _root(asked) else None


def _swallowed(analysis: Analysis) -> Iterator[tuple[Location, str]]:
    """Yield what skips an item that fails, in a loop that puts the others into a list."""
    if not (analysis.mentions("append") and analysis.mentions("except")):
        return
    for statement in analysis.statements():
        # Of most cells none has to be walked, statement by statement.
        if statement.cell.tree is None or not analysis.nodes_of(statement.cell.tree, ast.Try):
            continue
        for loop in analysis.nodes_of(statement.node, ast.For):
            for tried in loop.body:
                if not isinstance(tried, ast.Try) or (name := _collected(tried.body)) is None:
                    continue
                for handler in tried.handlers:
                    match handler.type, handler.body:
                        case ast.Name(id="KeyError" | "IndexError" | "LookupError"), _:
                            pass  # it asks whether something is there
                        case _, [ast.Continue() | ast.Pass() as left_out]:
                            yield statement.cell.locate(left_out), name


def _collected(body: list[ast.stmt]) -> str | None:
    """Return the list that statements put an item into."""
    for each in body:
        match each:
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="append"))):
                return name
    return None


def _skipping(analysis: Analysis) -> Iterator[Call]:
    """Yield the reads of files that are told to leave out what does not fit."""
    if analysis.mentions(_MALFORMED):
        yield from (call for call in analysis.calls() if _drops_malformed(call.node))
    if not analysis.mentions("bad_lines"):
        return
    for call in analysis.calls_of(*_READERS):
        skips = call.arguments.get("on_bad_lines")
        old = call.arguments.get("error_bad_lines")
        if (isinstance(skips, ast.Constant) and skips.value == "skip") or (
            isinstance(old, ast.Constant) and old.value is False
        ):
            yield call


def _drops_malformed(node: ast.Call) -> bool:
    """Whether a reader of Spark is told so: ``option("mode", "DROPMALFORMED")``, ``mode="DROPMALFORMED"``."""
    given = [*node.args, *(each.value for each in node.keywords)]
    return any(isinstance(each, ast.Constant) and each.value == _MALFORMED for each in given)


def _drops_rows(call: Call) -> bool:
    """Whether rows with content may go: not columns, not rows that are empty throughout."""
    axis, how = call.arguments.get("axis"), call.arguments.get("how")
    columns = isinstance(axis, ast.Constant) and axis.value in (1, "columns")
    empty = isinstance(how, ast.Constant) and how.value == "all"
    return not columns and not empty and not call.has_star_arguments and "0" not in call.arguments


def _counted(analysis: Analysis) -> Iterator[_Count]:
    """Yield where tables are asked for their size or their gaps, or are shown whole."""
    for statement in analysis.statements():
        if _kept_by_condition(statement.node) is not None:
            continue
        yield from (_Count(name, statement.index, gaps=False) for name in _shown(statement))
        for node in analysis.nodes(statement.node):
            match node:
                case ast.Attribute(value=value, attr=attribute) if attribute in _GAPS | _COUNTS and (
                    name := _root(value)
                ):
                    yield _Count(name, statement.index, gaps=attribute in _GAPS)
                case ast.Call(func=ast.Name(id="len" | "display" | "print"), args=arguments):
                    for each in arguments:
                        if isinstance(each, ast.Name):
                            yield _Count(each.id, statement.index, gaps=False)


def _shown(statement: Statement) -> set[str]:
    """Return the table that a cell ends in: its picture has the number of rows below."""
    node = statement.node
    return (
        {node.value.id}
        if statement.displayed and isinstance(node, ast.Expr) and isinstance(node.value, ast.Name)
        else set()
    )


def _root(node: ast.expr) -> str | None:
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def _is_true(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is True
