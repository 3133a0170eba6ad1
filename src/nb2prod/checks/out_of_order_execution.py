"""out-of-order-execution: a saved result used a value that a run from top to bottom would not give it."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nb2prod.diagnostics import Finding, Related

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.dataflow.flow import Flow
    from nb2prod.dataflow.model import Definition, Use

# Running these again gives the same thing, unless the text was edited, which nobody can see.
_STABLE = frozenset({"import", "function", "class"})


@dataclass(frozen=True, slots=True)
class _Displaced:
    """A use whose value came from ``recorded`` in the saved run, or from before ``rerun`` ran."""

    use: Use
    recorded: Definition | None
    rerun: Definition | None
    written: Definition | None

    @property
    def cause(self) -> tuple[bool, int]:
        """What one finding is about: the cell that ran too early or too late."""
        definition = self.recorded or self.rerun
        return self.recorded is not None, definition.cell.index if definition else 0


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield one finding for each cell that ran too early or too late for the cells that use it."""
    causes: dict[tuple[bool, int], list[_Displaced]] = {}
    for displaced in _displaced(analysis):
        causes.setdefault(displaced.cause, []).append(displaced)
    for found in causes.values():
        yield _finding(found)


def _displaced(analysis: Analysis) -> Iterator[_Displaced]:
    recorded = analysis.recorded
    if recorded is None:
        return
    for statement in analysis.statements():
        count = statement.cell.execution_count
        for use in statement.uses if count is not None else ():
            # A word in a string may be a column.
            if isinstance(use.node, ast.Name) and recorded.reaching(use) != analysis.flow.reaching(use):
                found = _compare(analysis, recorded, use)
                if found is not None and (not use.deferred or _is_called(analysis, recorded, use)):
                    yield found


def _compare(analysis: Analysis, recorded: Flow, use: Use) -> _Displaced | None:
    now, then = _values(analysis, analysis.flow, use), _values(analysis, recorded, use)
    usual = next((each for each in reversed(now) if each.kind != "mutate"), None)
    gone = [each for each in then if not any(_same(analysis, each, other) for other in now)]
    new = [each for each in now if not any(_same(analysis, each, other) for other in then)]
    for definition in gone:
        if definition.cell.index > use.cell.index:
            return _Displaced(use, definition, None, usual)
    for definition in new:
        ran = definition.cell.execution_count
        if ran is not None and ran > (use.cell.execution_count or 0) and definition.kind not in _STABLE:
            return _Displaced(use, None, definition, definition)
    if usual is not None and usual.cell.execution_count is not None:
        for definition in gone:
            if definition.kind not in _STABLE:
                return _Displaced(use, definition, None, usual)
    return None


def _values(analysis: Analysis, flow: Flow, use: Use) -> list[Definition]:
    """Return what reaches ``use`` in ``flow`` without changes to modules and changes that are only possible."""
    found = flow.reaching(use)
    if any(each.kind == "import" for each in found):
        return [each for each in found if each.kind != "mutate"]
    return [each for each in found if each.kind != "mutate" or _surely_changes(analysis, each)]


def _surely_changes(analysis: Analysis, definition: Definition) -> bool:
    """Whether an in-place change is written as one (``x[0] = …``) or is a call known to make one."""
    calls = [
        call
        for call in analysis.calls()
        if call.statement.index == definition.statement and _root(call.node.func) is definition.node
    ]
    return not calls or any(call.effects & {"mutates-argument", "fit"} for call in calls)


def _root(node: ast.expr) -> ast.expr:
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    return node


def _is_called(analysis: Analysis, recorded: Flow, use: Use) -> bool:
    """Whether a function that reads ``use`` is called, not only passed on; a method runs when nobody can tell."""
    statement = analysis.statements()[use.statement]
    if use.owner is None or isinstance(statement.node, ast.ClassDef):
        return False
    return any(
        not caller.deferred
        for definition in statement.definitions
        if definition.name == use.owner
        for caller in recorded.uses(definition)
    )


def _same(analysis: Analysis, one: Definition, other: Definition) -> bool:
    """Whether two definitions are the same text, or import the same thing."""
    if one.kind == other.kind == "import":
        return one.qualified == other.qualified
    if one is other:
        return True
    statements = analysis.statements()
    return ast.dump(statements[one.statement].node) == ast.dump(statements[other.statement].node)


def _finding(found: list[_Displaced]) -> Finding:
    first = found[0]
    use, source = first.use, first.recorded or first.rerun
    assert source is not None  # noqa: S101 one of the two is the cause
    ran, count = source.cell.execution_count, use.cell.execution_count
    reader = f"`{use.name}`, which `{use.owner}` reads," if use.owner else f"`{use.name}`"
    if first.rerun is not None:
        message = f"{reader} is set in cell {source.cell.index}, which last ran after this result was made"
        counts = f" (number {ran}, this cell {count})"
    else:
        message = f"{reader} came from cell {source.cell.index} in the saved run"
        counts = f" (number {ran}, before this cell's {count})"
        if first.written is None:
            counts += "; from top to bottom nothing has set it here"
        else:
            counts += f"; from top to bottom it comes from cell {first.written.cell.index}"
    # The count of the cell that defines a function says nothing about when the function was called.
    message += counts.partition(")")[2] if use.owner else counts
    names = sorted({each.use.name for each in found} - {use.name})
    cells = {each.use.cell.index for each in found} - {use.cell.index}
    if names:
        message += f"; the same holds for {_listed(names)}"
    if cells:
        message += f"; {len(cells)} more cell{'s' if len(cells) > 1 else ''} affected"
    return Finding(use.location, message, (Related(source.location, f"`{use.name}` is set here"),))


def _listed(names: list[str]) -> str:
    shown = ", ".join(f"`{name}`" for name in names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"  # noqa: PLR2004 as many as are read
