"""What ``%timeit`` and its like leave behind: code that is only measured may still do something that lasts."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from nb2prod.changes import surely_changes
from nb2prod.convert.effects import EffectsOf
from nb2prod.convert.magics import Drop
from nb2prod.convert.plan import Refusal
from nb2prod.notebook.bindings import names_bound

if TYPE_CHECKING:
    from collections.abc import Collection

    from nb2prod.analysis import Analysis, Call
    from nb2prod.dataflow.model import Statement
    from nb2prod.notebook.model import Magic

# Effects that anything below may notice; what is printed or drawn while something is measured, nobody needs.
_LASTING = frozenset({"write-file", "model-save", "global-setting", "seed", "shell"})
_CHANGING = frozenset({"mutates-argument", "fit"})
_ONCE = re.compile(r"(?=.*(?:^|\s)-n\s*1(?:\s|$))(?=.*(?:^|\s)-r\s*1(?:\s|$))")
_OPTIONS = re.compile(r"-[nrpv]\s*\S+|-[tcqo]+")


def what_stays(magic: Magic, statement: Statement, dropped: Drop, analysis: Analysis) -> Drop | Refusal:
    """Return what becomes of a measuring magic, whose own statement this is.

    It goes with what it measures, as ``dropped`` says; or alone, where that ran once, or does something that lasts.
    """
    statements = _measured(magic, statement, analysis)
    once = magic.name == "timeit" and _ONCE.match(magic.argument) is not None
    if not statements or not (once or leaves_something(statements, analysis)):
        return dropped
    setup = magic.kind == "cell" and _OPTIONS.sub("", magic.argument).strip()
    others = [each for each in analysis.flow.statements if each not in statements]
    elsewhere = {use.name for each in others for use in each.uses}
    elsewhere |= {definition.name for each in others for definition in each.definitions}
    if not setup and own_names(statements).isdisjoint(elsewhere):
        return Drop("it is a measurement: what it measures runs once, since that does something that lasts")
    effects = EffectsOf(analysis)
    if not leaves_something(statements, analysis) and all(effects.are_harmless(each) for each in statements):
        return dropped  # nothing is printed either
    reason = f"%%{magic.name}: what it measures does something that lasts, with names of its own"
    return Refusal(
        statement.cell.index, magic.range.start.line, reason, "write that below, in a cell without the magic"
    )


def _measured(magic: Magic, statement: Statement, analysis: Analysis) -> list[Statement]:
    """Return the statements that a measuring magic runs, ``statement`` being its own."""
    return [
        each
        for each in analysis.flow.statements[statement.index + 1 :]
        if each.cell is statement.cell and (magic.kind == "cell" or each.location.line == magic.range.start.line)
    ]


def leaves_something(statements: Collection[Statement], analysis: Analysis) -> bool:
    """Return whether running these statements does what something below may notice: fits a model, writes a file.

    What they bind is theirs, as in the function that ``%%timeit`` makes of them.
    """
    own = own_names(statements)
    effects = EffectsOf(analysis)
    indices = {each.index for each in statements}
    called = {each.index for statement in statements for each in effects.functions(statement)}
    for definition in (each for statement in statements for each in statement.definitions):
        if definition.kind == "mutate" and definition.name not in own and surely_changes(analysis, definition):
            return True
    if any(_stores(statement.node, own) for statement in statements):
        return True
    for call in analysis.calls():
        if call.statement.index in indices | called and call.effects & _LASTING:
            return True
        if call.statement.index in indices and call.effects & _CHANGING and not _is_on(call, own):
            return True
    return False


def own_names(statements: Collection[Statement]) -> frozenset[str]:
    """Return the names that statements bind themselves."""
    return frozenset(name for each in statements for name in names_bound(each.node))


def _stores(node: ast.AST, own: Collection[str]) -> bool:
    """Return whether a part of something is written that is not made here: ``x[0] = 1``."""
    return any(
        isinstance(each, (ast.Subscript, ast.Attribute))
        and isinstance(each.ctx, (ast.Store, ast.Del))
        and _root(each) not in own
        for each in ast.walk(node)
    )


def _is_on(call: Call, own: Collection[str]) -> bool:
    """Return whether a call changes only what is made here: ``rows.append(1)`` below ``rows = []``."""
    changed = [call.node.func] if isinstance(call.node.func, ast.Attribute) else [*call.node.args]
    return all(not isinstance(each, (ast.Name, ast.Attribute, ast.Subscript)) or _root(each) in own for each in changed)


def _root(node: ast.expr) -> str:
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""
