"""changed-through-alias: an object with two names is changed through one of them and read through the other later."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.changes import surely_changes
from nb2prod.diagnostics import Applicability, Finding, Fix, Related
from nb2prod.edits import replaced

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.dataflow.model import Definition, Statement, Use

# What a name stands for while nothing but a definition of this kind gave it its value.
# What has a `copy()` that is another object with the same in it.
_COPIED = frozenset({
    "builtins.dict", "builtins.list", "builtins.set", "numpy.ndarray", "pandas.DataFrame", "pandas.Series",
})  # fmt: skip
_NO_VALUE = frozenset({"import", "function", "class", "loop"})


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield the first change of each object that got a second name without a copy, if another cell reads the other."""
    for statement in analysis.statements():
        alias = _alias(analysis, statement)
        if alias is None:
            continue
        new, source = alias
        found = _change(analysis, statement, new, source)
        if found is not None:
            yield found


def _alias(analysis: Analysis, statement: Statement) -> tuple[Definition, Use] | None:
    """Return the definition and the read of ``backup = data``."""
    match statement.node:
        case ast.Assign(targets=[ast.Name(id=new)], value=ast.Name(id=old) as value) if new != old:
            use = analysis.use_at(value)
            values = analysis.flow.reaching(use) if use is not None else ()
            if use is None or not values or any(each.kind in _NO_VALUE for each in values):
                return None
            return statement.definitions[0], use
        case _:
            return None


def _change(analysis: Analysis, statement: Statement, new: Definition, source: Use) -> Finding | None:
    origin = [each for each in analysis.flow.reaching(source) if each.kind != "mutate"]
    for later in analysis.statements()[statement.index + 1 :]:
        for change in later.definitions:
            if change.kind != "mutate" or change.name not in (new.name, source.name):
                continue
            use = next((each for each in later.uses if each.name == change.name and not each.deferred), None)
            holds = [new] if change.name == new.name else origin
            if use is None or not _holds(analysis, use, holds) or not surely_changes(analysis, change):
                continue
            other, values = (source.name, origin) if change.name == new.name else (new.name, [new])
            read = _read_later(analysis, later, other, values)
            if read is not None:
                message = (
                    f"this changes `{other}` too: `{new.name} = {source.name}` in cell {new.cell.index} makes no copy,"
                    f" and cell {read.cell.index} reads `{other}` afterwards"
                )
                related = (
                    Related(new.location, f"`{new.name}` and `{source.name}` are one object from here on"),
                    Related(read.location, f"`{other}` is read here"),
                )
                return Finding(later.location, message, related, _copied(analysis, source, origin))
    return None


def _copied(analysis: Analysis, source: Use, origin: list[Definition]) -> Fix | None:
    """Return the fix that makes a copy where the second name is given; None unless the object is known to have one."""
    if {analysis.object_class(each) for each in origin} - _COPIED or not isinstance(source.node, ast.Name):
        return None
    edit = replaced(source.cell, source.node, f"{source.name}.copy()")
    return Fix(f"copy `{source.name}`", (edit,), Applicability.UNSAFE)


def _holds(analysis: Analysis, use: Use, values: list[Definition]) -> bool:
    """Whether ``use`` reads exactly what ``values`` gave the name."""
    return [each for each in analysis.flow.reaching(use) if each.kind != "mutate"] == values


def _read_later(analysis: Analysis, change: Statement, name: str, values: list[Definition]) -> Use | None:
    """Return the first read of ``name``, in another cell, that still finds the object."""
    for statement in analysis.statements()[change.index + 1 :]:
        for use in statement.uses:
            if (
                use.name == name
                and use.cell is not change.cell
                and not use.deferred
                and isinstance(use.node, ast.Name)
                and _holds(analysis, use, values)
                and not any(each.name == name and each.kind == "delete" for each in statement.definitions)
            ):
                return use
    return None
