"""rows-dropped-silently: rows are thrown away, and nothing shows or checks how many."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.diagnostics import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis, Call
    from nb2prod.dataflow.model import Statement
    from nb2prod.notebook.location import Position

_DROPS = ("pandas.DataFrame.dropna", "pandas.DataFrame.drop_duplicates")
# Attributes that show how many rows there are, or how many would go.
_COUNTS = frozenset(
    {"count", "describe", "duplicated", "index", "info", "isna", "isnull", "notna", "notnull", "shape", "size"}
)


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield the first drop in each cell of whose table nobody ever asks the size."""
    counted: set[str] | None = None
    cells: dict[int, list[tuple[Call, str]]] = {}
    for call in sorted(analysis.calls_of(*_DROPS), key=_position):
        names = _names(call)
        if names is None or call.deferred or not _drops_rows(call):
            continue
        if counted is None:
            counted = _counted(analysis)
        if counted.isdisjoint(names):
            cells.setdefault(call.cell.index, []).append((call, names[0]))
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
    if source is None:
        return None
    match node:
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if value is call.node:
            return [name, source]
        case ast.Expr(value=value) if value is call.node and _is_true(call.arguments.get("inplace")):
            return [source]
        case _:
            return None


def _drops_rows(call: Call) -> bool:
    """Whether rows with content may go: not columns, not rows that are empty throughout."""
    axis, how = call.arguments.get("axis"), call.arguments.get("how")
    columns = isinstance(axis, ast.Constant) and axis.value in (1, "columns")
    empty = isinstance(how, ast.Constant) and how.value == "all"
    return not columns and not empty and not call.has_star_arguments and "0" not in call.arguments


def _counted(analysis: Analysis) -> set[str]:
    """Return the names of tables whose size is asked for, or that are shown whole."""
    found: set[str] = set()
    for statement in analysis.statements():
        found |= _shown(statement)
        for node in analysis.nodes(statement.node):
            match node:
                case ast.Attribute(value=value, attr=attribute) if attribute in _COUNTS and (name := _root(value)):
                    found.add(name)
                case ast.Call(func=ast.Name(id="len" | "display" | "print"), args=arguments):
                    found |= {each.id for each in arguments if isinstance(each, ast.Name)}
    return found


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
