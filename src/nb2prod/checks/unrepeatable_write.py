"""unrepeatable-write: a second run fails on, or adds to, what the first run has written."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.checks._appending import appended_by_shell, created, inserted
from nb2prod.checks._repeatable import RULE, repeatable, switch_of
from nb2prod.diagnostics import Applicability, Finding, Fix
from nb2prod.notebook.tree import nodes
from nb2prod.words import words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis, Call
    from nb2prod.notebook.model import CodeCell

_APPENDS = "appends to what is there, so a second run writes everything twice; replace it, or write by key"

_CREATES = (
    "fails if the table is already there, so a second run stops here; say `CREATE TABLE IF NOT EXISTS`, or replace it"
)


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield the first such write of each cell, unless the code asks first or catches the error."""
    known = words(RULE)
    touching = known["makes"] | known["removes"] | known["opens"]
    cells: dict[int, list[Call]] = {}
    removed, made = False, False
    for call in analysis.calls():
        name = call.qualified_name or ""
        if (
            name not in touching
            and "write-file" not in call.effects
            and ".to_" not in f".{name}"
            and ".write." not in call.name
        ):
            continue
        problem = _problem(call, name)
        # What is removed in any case is not there afterwards, and what was just made is there to be removed.
        if name in known["removes"] and (problem is None or not made):
            removed = True
        harmless = (name in known["makes"] and removed) or (name in known["removes"] and made)
        made = (
            made
            or name in known["makes"]
            or (name in known["opens"] and problem is None)
            or "write-file" in call.effects
        )
        if problem is not None and not harmless and not _is_asked(analysis, call) and not _is_harmless(analysis, call):
            cells.setdefault(call.cell.index, []).append(call)
    for calls in cells.values():
        message = _problem(calls[0], calls[0].qualified_name or "") or ""
        edits = [edit for call in calls for edit in repeatable(call)]
        fix = Fix("let it be there already", tuple(filter(None, edits)), Applicability.UNSAFE) if all(edits) else None
        yield Finding(calls[0].location, message, fix=fix)
    seen = set(cells)
    for call in created(analysis):
        if call.cell.index not in seen and not _is_asked(analysis, call):
            seen.add(call.cell.index)
            yield Finding(call.location, _CREATES)
    for index, location in (
        *((call.cell.index, call.location) for call in inserted(analysis)),
        *appended_by_shell(analysis),
    ):
        if index not in seen:
            seen.add(index)
            yield Finding(location, _APPENDS)


def _problem(call: Call, name: str) -> str | None:
    """Return what a second run of the call would do, if it is something else."""
    if call.has_star_arguments:
        return None
    known = words(RULE)
    for key, what in (("makes", "fails if it is already there"), ("removes", "fails if it is not there")):
        if name in known[key]:
            switch = switch_of(name)
            if switch is not None and _is_true(call.arguments.get(switch)):
                return None
            cure = f"pass `{switch}=True`" if switch else "ask first, or use a call that does not mind"
            return f"`{call.name}` {what}, so a second run stops here; {cure}"
    mode = _text(call.arguments.get("mode")) or ""
    if name in known["opens"] and "x" in mode:
        return "fails if the file is already there, so a second run stops here"
    if name == "pandas.DataFrame.to_sql" and not {"if_exists", "3"} & set(call.arguments):
        return "fails if the table is already there, so a second run stops here; say what is meant with `if_exists`"
    if _spark_mode(call) == "append":
        return _APPENDS
    writes = "write-file" in call.effects or name.rpartition(".")[2].startswith("to_")
    if (name in known["opens"] and "a" in mode) or (
        writes and (mode == "a" or _text(call.arguments.get("if_exists")) == "append")
    ):
        return _APPENDS
    return None


def _spark_mode(call: Call) -> str | None:
    """Return how a write of Spark treats what is there: ``table.write.mode("append").parquet(path)``."""
    if call.name.rpartition(".")[2] not in words(RULE)["spark"] or ".write." not in call.name:
        return None
    node: ast.expr = call.node
    while isinstance(node, (ast.Call, ast.Attribute)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "mode":
            return _text(node.args[0]) if node.args else None
        node = node.func if isinstance(node, ast.Call) else node.value
    return None


def _is_true(node: ast.expr | None) -> bool:
    """Whether an argument is given and is not written out as false."""
    return node is not None and not (isinstance(node, ast.Constant) and not node.value)


def _text(node: ast.expr | None) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _is_harmless(analysis: Analysis, call: Call) -> bool:
    """Whether a log or something temporary is written, by the text of the call and of what its variables are."""
    written = [ast.unparse(call.node)]
    for node in nodes(call.node):
        use = analysis.use_at(node)
        written += (
            [ast.unparse(analysis.statements()[each.statement].node) for each in analysis.flow.reaching(use)]
            if use
            else []
        )
    return any(part in text.lower() for text in written if "\n" not in text for part in words(RULE)["harmless"])


def _is_asked(analysis: Analysis, call: Call) -> bool:
    """Whether the call stands where the code has asked what is there, or catches that it is not."""
    cell: CodeCell = call.cell
    if cell.tree is None:
        return True
    line = call.node.lineno
    for node in analysis.nodes(cell.tree):
        if isinstance(node, (ast.If, ast.IfExp, ast.While)) and node.lineno <= line <= (node.end_lineno or line):
            if any(word in ast.unparse(node.test) for word in words(RULE)["asks"]):
                return True
        elif isinstance(node, ast.Try) and node.lineno <= line <= (node.body[-1].end_lineno or line):
            caught = {part.id for handler in node.handlers for part in ast.walk(handler.type or ast.Name("OSError"))
                      if isinstance(part, ast.Name)}  # fmt: skip
            if caught & words(RULE)["expected"]:
                return True
    return False
