"""changed-through-alias: an object with two names is changed through one of them and read through the other later."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.changes import surely_changes
from nb2prod.checks._shared_objects import live_weights, returned, same_elements, viewed
from nb2prod.diagnostics import Applicability, Finding, Fix, Related
from nb2prod.edits import replaced

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.dataflow.model import Definition, Statement, Use

# What a name stands for while nothing but a definition of this kind gave it its value.
# What has a `copy()` that is another object with the same in it.
_COPIED = frozenset({
    "builtins.dict", "builtins.list", "builtins.set", "numpy.ndarray", "pandas.DataFrame", "pandas.Series",
})  # fmt: skip
# What `+=` changes in place.
_ARRAYS = frozenset({"numpy.ndarray", "torch.Tensor"})
_IN_PLACE = _ARRAYS | {"builtins.list", "builtins.set"}
_NO_VALUE = frozenset({"import", "function", "class", "loop"})


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield the first change of each object that got a second name without a copy, if another cell reads the other."""
    for statement in analysis.statements():
        alias = _alias(analysis, statement)
        if alias is not None:
            new, source = alias
            found = _change(analysis, statement, new, source)
        else:
            found = _given_back(analysis, statement)
        if found is not None:
            yield found
    yield from same_elements(analysis)
    yield from live_weights(analysis)


def _alias(analysis: Analysis, statement: Statement) -> tuple[Definition, Use] | None:
    """Return the definition and the read of ``backup = data``, or of ``head = series[:24]`` where that is a view."""
    match statement.node:
        case ast.Assign(targets=[ast.Name(id=new)], value=value):
            old = value if isinstance(value, ast.Name) else viewed(value)
            use = analysis.use_at(old) if old is not None else None
            values = analysis.flow.reaching(use) if use is not None else ()
            if old is None or use is None or old.id == new or not values or any(e.kind in _NO_VALUE for e in values):
                return None
            if old is not value and not _are(analysis, values, _ARRAYS):
                return None
            return statement.definitions[0], use
        case _:
            return None


def _are(analysis: Analysis, values: Iterable[Definition], classes: frozenset[str]) -> bool:
    """Whether all that gave a name its value is known to be of one of ``classes``."""
    return {_class(analysis, each) for each in values if each.kind != "mutate"} <= classes


def _class(analysis: Analysis, definition: Definition) -> str:
    """Return the class of what a definition binds; of files of numbers numpy says none, and gives an array."""
    known = analysis.object_class(definition)
    value = getattr(analysis.statements()[definition.statement].node, "value", None)
    if known is not None or not isinstance(value, ast.Call):
        return known or ""
    name = analysis.qualified_name(value.func) or ""
    one = name in ("numpy.loadtxt", "numpy.genfromtxt") or (name == "numpy.load" and ".npy" in ast.unparse(value))
    return "numpy.ndarray" if one else ""


def _given_back(analysis: Analysis, statement: Statement) -> Finding | None:
    """Return the finding for ``ready = prepare(raw)`` where the function changes and returns what it is given."""
    value = statement.node.value if isinstance(statement.node, ast.Assign) else None
    given = returned(analysis, value) if isinstance(value, ast.Call) else None
    use = analysis.use_at(given) if given is not None else None
    if (
        given is None
        or use is None
        or any(each.name == given.id for each in statement.definitions if each.kind != "mutate")
    ):
        return None
    change = next((each for each in statement.definitions if each.name == given.id and each.kind == "mutate"), None)
    if change is None or not change.sure or change.through is None:
        return None
    values = [each for each in analysis.flow.reaching(use) if each.kind != "mutate"]
    read = _read_later(analysis, statement, given.id, values)
    if read is None:
        return None
    message = (
        f"this changes `{given.id}` too: `{change.through}` changes and returns what it is given, and cell "
        f"{read.cell.index} reads `{given.id}` afterwards"
    )
    return Finding(statement.location, message, (Related(read.location, f"`{given.id}` is read here"),))


def _change(analysis: Analysis, statement: Statement, new: Definition, source: Use) -> Finding | None:
    origin = [each for each in analysis.flow.reaching(source) if each.kind != "mutate"]
    for later in analysis.statements()[statement.index + 1 :]:
        for change in later.definitions:
            if change.kind not in ("mutate", "augment") or change.name not in (new.name, source.name):
                continue
            use = next((each for each in later.uses if each.name == change.name and not each.deferred), None)
            holds = [new] if change.name == new.name else origin
            if use is None or not _holds(analysis, use, holds, but=change):
                continue
            if not (
                _are(analysis, origin, _IN_PLACE) if change.kind == "augment" else surely_changes(analysis, change)
            ):
                continue
            other, values = (source.name, origin) if change.name == new.name else (new.name, [new])
            read = _read_later(analysis, later, other, values)
            if read is not None:
                written = ast.unparse(statement.node)
                message = (
                    f"this changes `{other}` too: `{written}` in cell {new.cell.index} makes no copy,"
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


def _holds(analysis: Analysis, use: Use, values: list[Definition], *, but: Definition | None = None) -> bool:
    """Whether ``use`` reads exactly what ``values`` gave the name; ``but`` is a change of it, in a loop perhaps."""
    return [each for each in analysis.flow.reaching(use) if each.kind != "mutate" and each is not but] == values


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
