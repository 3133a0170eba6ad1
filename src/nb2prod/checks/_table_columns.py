"""Which columns of a table a notebook uses by name, and whether anything checks the table."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.notebook.tree import nodes
from nb2prod.operations import operations

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.dataflow.model import Definition, Use

# Calls whose name says that they hold a table against something.
_CHECKS = ("valid", "check", "schema", "expect", "assert", "verify", "ensure", "contract", "conform")
# What tells which columns are there, and of what they are made.
_ASKED = frozenset({"columns", "dtypes", "isna", "isnull", "notna", "schema"})
_FRAME = "pandas.DataFrame"
# Attributes that tables of some version or with some library have, and are no columns.
_ACCESSORS = frozenset({"ix", "plot", "sparse", "hist", "geometry", "crs", "ta", "dask"})
_STOPS = (ast.Assert, ast.Raise)


def columns_used(analysis: Analysis, table: Definition) -> list[str]:
    """Return the columns of a table that the notebook names and did not make; none where something checks it."""
    found: dict[str, None] = {}
    made: set[str] = set()
    waiting, seen = [table], {id(table)}
    for definition in waiting:
        for use in analysis.flow.uses(definition):
            statement = analysis.statements()[use.statement].node
            if _is_checked(statement, use) or _is_checked_later(analysis, use):
                return []
            parts = nodes(statement)
            for part in parts:
                made.update(_created(part, use))
                found.update(dict.fromkeys(name for name in _named(part, use) if name not in made))
            found.update(dict.fromkeys(name for name in _attributes(analysis, parts, use) if name not in made))
            match statement:
                case ast.Assign(targets=[ast.Name() as target], value=value) if root_of(value) is use.node:
                    for each in analysis.statements()[use.statement].definitions:
                        if each.node is target and id(each) not in seen:
                            seen.add(id(each))
                            waiting.append(each)
                case ast.Assign(targets=[ast.Attribute(value=owner, attr="columns")]) if owner is use.node:
                    return []  # the notebook gives the names itself
                case _:
                    pass
    return [name for name in found if name not in made]


def root_of(node: ast.expr) -> ast.expr:
    """Return what a chain of methods that keep the columns begins with."""
    kept = operations().keeping
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in kept:
        node = node.func.value
    return node


def _is_checked_later(analysis: Analysis, use: Use) -> bool:
    """Whether what is asked of the table goes into a name that is held against something.

    ``missing = {"a", "b"} - set(table.columns)``, then ``if missing: raise …``
    """
    statement = analysis.statements()[use.statement]
    if not isinstance(statement.node, ast.Assign) or not any(
        isinstance(each, ast.Attribute) and each.attr in _ASKED and each.value is use.node
        for each in nodes(statement.node.value)
    ):
        return False
    return any(
        _is_checked(analysis.statements()[later.statement].node, later)
        for each in statement.definitions
        for later in analysis.flow.uses(each)
    )


def _is_checked(statement: ast.stmt, use: Use) -> bool:
    """Whether a statement holds the table against something: asserts it, or raises after looking at it."""
    for part in nodes(statement):
        match part:
            case ast.Assert() if _has(part, use):
                return True
            case ast.If(test=test) if _has(test, use) and any(
                isinstance(each, ast.Raise) for body in part.body for each in nodes(body)
            ):
                return True
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if _is_check(name):
                if _has(part, use):
                    return True
            case ast.For(iter=source) if _has(source, use) and any(isinstance(each, _STOPS) for each in nodes(part)):
                return True
            case _:
                pass
    return False


def _is_check(name: str) -> bool:
    lowered = name.lower()
    return any(each in lowered for each in _CHECKS)


def _has(node: ast.AST, use: Use) -> bool:
    return any(each is use.node for each in nodes(node))


def _created(node: ast.AST, use: Use) -> Iterator[str]:
    """Yield the columns a statement makes: `table["x"] = …`, `table.assign(x=…)`, `table.rename(columns={…: "x"})`.

    Expressions of polars and Spark name no table: they mean the one their statement has.
    """
    match node:
        case ast.Assign(targets=targets):
            for target in targets:
                if isinstance(target, ast.Subscript) and target.value is use.node:
                    yield from _texts(target.slice)
        case ast.Call(func=ast.Attribute(value=value, attr="assign"), keywords=keywords) if _has(value, use):
            yield from (each.arg for each in keywords if each.arg)
        case ast.Call(func=ast.Attribute(value=value, attr="rename"), keywords=keywords) if _has(value, use):
            for each in keywords:
                if isinstance(each.value, ast.Dict):
                    for new in each.value.values:
                        yield from _texts(new)
        case ast.Call(func=ast.Attribute(attr="alias" | "withColumn"), args=[first, *_]):
            yield from _texts(first)
        case ast.Call(func=ast.Attribute(attr="withColumnRenamed"), args=[_, new]):
            yield from _texts(new)
        case ast.Call(func=ast.Attribute(attr="agg" | "select" | "with_columns"), keywords=keywords):
            yield from (each.arg for each in keywords if each.arg)
        case _:
            pass


def _named(node: ast.AST, use: Use) -> Iterator[str]:
    """Yield the columns read by name: `table["x"]`, `table[["x", "y"]]`, `table.select("x")`, `pl.col("x")`."""
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name(id="pl" | "polars" | "F"), attr="col"), args=args):
            for each in args:
                yield from _texts(each)
        case ast.Subscript(value=value, slice=part, ctx=ast.Load()) if value is use.node:
            yield from _texts(part)
        case ast.Call(func=ast.Attribute(value=value, attr=attr), args=[first, *_]) if value is use.node:
            if attr in operations().by_column:
                yield from _texts(first)
        case _:
            pass


def _attributes(analysis: Analysis, parts: list[ast.AST], use: Use) -> Iterator[str]:
    """Yield the columns of a pandas table that are read as attributes: `table.delivered > table.promised`."""
    called = {id(part.func) for part in parts if isinstance(part, ast.Call)}
    for part in parts:
        if (
            isinstance(part, ast.Attribute)
            and part.value is use.node
            and id(part) not in called
            and isinstance(part.ctx, ast.Load)
            and not part.attr.startswith("_")
            and part.attr not in _ACCESSORS
            and analysis.qualified_name(part.value) == _FRAME
            and not analysis.libraries.attribute(_FRAME, part.attr)[0]
            and analysis.libraries.call(f"{_FRAME}.{part.attr}") is None
        ):
            yield part.attr


def _texts(node: ast.expr) -> list[str]:
    given = node.elts if isinstance(node, (ast.List, ast.Tuple)) else [node]
    return [each.value for each in given if isinstance(each, ast.Constant) and isinstance(each.value, str)]
