"""Questions about the namespace that have one answer from top to bottom: ``"x" in globals()``."""

from __future__ import annotations

import ast
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nb2prod.convert.plan import Moved, Plan, Refusal, Replacement, map_moved

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.dataflow.model import Statement

# What every kernel binds before the first cell.
_KERNEL_NAMES = frozenset({
    "In", "Out", "__builtin__", "__builtins__", "__doc__", "__name__", "exit", "get_ipython", "open", "quit",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class MembershipTest:
    """``"name" in globals()``: the comparison, the call in it, the name, and whether it is ``not in``."""

    node: ast.Compare
    call: ast.Call
    name: str
    negated: bool


def membership_tests(statement: Statement) -> Iterator[MembershipTest]:
    """Yield the questions a statement asks at module level about names of the namespace."""
    if not statement.dynamic:
        return
    at_once = {id(call) for call, deferred in statement.calls if not deferred}
    for node in ast.walk(statement.node):
        match node:
            case ast.Compare(
                left=ast.Constant(value=str(name)),
                ops=[ast.In() | ast.NotIn() as operator],
                comparators=[
                    ast.Call(func=ast.Name(id="globals" | "locals" | "vars" | "dir"), args=[], keywords=[]) as call
                ],
            ) if id(call) in at_once:
                yield MembershipTest(node, call, name, isinstance(operator, ast.NotIn))
            case _:
                pass


def settle_membership(plan: Plan, analysis: Analysis) -> Plan:
    """Put the answer in place of ``"x" in globals()`` where it is sure; refuse where a run has to tell."""
    refusals = list(plan.refusals)

    def settled(item: Moved) -> Moved:
        statement = item.statement
        replacements = list(item.replacements)
        for test in membership_tests(statement):
            answer = _is_bound(test.name, statement, analysis)
            place = statement.cell.locate(test.node)
            if answer is None:
                reason = f"whether {test.name} is defined here depends on the run"
                refusals.append(Refusal(statement.cell.index, place.line, reason, "give it a value on every path"))
            else:
                replacements.append(Replacement(place.range, str(answer != test.negated)))
        return replace(item, replacements=tuple(replacements))

    return replace(plan, steps=map_moved(plan, settled), refusals=tuple(refusals))


def _is_bound(name: str, statement: Statement, analysis: Analysis) -> bool | None:
    """Return whether ``name`` is bound when ``statement`` starts; None where that is not sure."""
    state: bool | None = name in _KERNEL_NAMES
    for earlier in analysis.flow.statements[: statement.index]:
        # A star import brings no name with an underscore before it, ``__file__`` least of all.
        starred = not name.startswith("_") and any(each.kind == "star" for each in earlier.definitions)
        if starred or any(each.name == name for each in earlier.global_writes):
            state = True if state else None
        for definition in earlier.definitions:
            if definition.name != name or definition.kind == "mutate":
                continue
            if definition.kind == "except" or (definition.kind == "delete" and not definition.certain):
                # A handler's name is gone when it ends, and without an exception it was never bound.
                state = None if state else state
            elif definition.kind == "delete":
                state = False
            elif definition.certain:
                state = True
            elif not state:
                state = None
    # Inside a compound statement the name may have been bound since it started.
    if (
        state is False
        and any(each.name == name for each in statement.definitions)
        and isinstance(statement.node, (ast.For, ast.While))
    ):
        return None
    return state
