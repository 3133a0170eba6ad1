"""no-input-contract: columns of a file are used by name, and nothing checks that they are there."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.checks._table_columns import columns_used, root_of
from nb2prod.diagnostics import Finding
from nb2prod.operations import imports_any, operations
from nb2prod.writes import writes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis, Call
    from nb2prod.dataflow.model import Definition

# Arguments with which no single table of the file as it stands comes back.
_OTHER = ("chunksize", "iterator")
_MOST_NAMES = 4


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield one finding for each file that is read, naming the columns."""
    if next(analysis.calls({"read-file"}), None) is None:
        return
    if imports_any(analysis, operations().contracts):
        return
    files: set[str] = set()
    for call in analysis.calls(effects=("read-file",)):
        known = operations()
        if call.deferred or call.qualified_name not in known.readers or call.has_star_arguments:
            continue
        if not known.declaring.isdisjoint(call.arguments) or any(name in call.arguments for name in _OTHER):
            continue
        if ".schema()" in call.name:  # `spark.read.schema(columns).csv(path)`
            continue
        sheet = call.arguments.get("sheet_name")
        if sheet is not None and not (isinstance(sheet, ast.Constant) and sheet.value is not None):
            continue
        table = _bound(call)
        given = call.node.args[0] if call.node.args else next(iter(call.arguments.values()), None)
        file = "" if given is None else ast.unparse(given)
        if table is None or file in files or _is_own(analysis, given):
            continue
        columns = columns_used(analysis, table)
        if columns:
            files.add(file)
            yield Finding(call.location, _message(given, columns))


def _is_own(analysis: Analysis, given: ast.expr | None) -> bool:
    """Whether what is read is text of the notebook (`StringIO(text)`), or a file it has written itself."""
    if given is None or analysis.qualified_name(given) in ("io.StringIO", "io.BytesIO"):
        return True
    if isinstance(given, ast.Call) and ast.unparse(given.func).endswith(("StringIO", "BytesIO")):
        return True
    path = ast.unparse(given)
    return any(
        write.call is not None and any(ast.unparse(each) == path for each in write.call.arguments.values())
        for write in writes(analysis)
    )


def _message(given: ast.expr | None, columns: list[str]) -> str:
    match given:
        case ast.Constant(value=str(path)):
            file = f"`{path.rpartition('/')[2]}`"
        case _:
            file = "this file"
    some = ", ".join(f"`{name}`" for name in columns[:_MOST_NAMES])
    more = f" and {len(columns) - _MOST_NAMES} more" if len(columns) > _MOST_NAMES else ""
    return (
        f"columns of {file} are used by name and never checked: {some}{more}; assert after reading that they are "
        "there and of the type that is meant, or say so in the call (`usecols`, `dtype`)"
    )


def _bound(call: Call) -> Definition | None:
    """Return the variable that holds what was read, other methods in between or not."""
    node = call.statement.node
    if not isinstance(node, ast.Assign) or len(node.targets) != 1 or not isinstance(node.targets[0], ast.Name):
        return None
    if root_of(node.value) is not call.node:
        return None
    return next((each for each in call.statement.definitions if each.node is node.targets[0]), None)
