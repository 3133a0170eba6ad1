"""Rows and lines that are added to what is there by SQL and by the shell."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from nb2prod.notebook.commands import command_lines
from nb2prod.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis, Call
    from nb2prod.notebook.location import Location

_EXECUTES = ("execute", "executemany")
_INSERT = lazy_pattern(r"\s*insert\s+into\s+([\w.\"`]+)", re.IGNORECASE)
_CREATE = lazy_pattern(r"\s*create\s+table\s+(?!if\b)([\w.\"`]+)", re.IGNORECASE)
# What makes an insertion one that may be repeated, in its own text or before it.
_BY_KEY = lazy_pattern(r"\bon\s+(?:conflict|duplicate)\b|\bwhere\s+not\s+exists\b", re.IGNORECASE)
# In front of a table's name: it is made or emptied. And what says that the database ends with the run.
_EMPTIES = r"(?i)\b(?:drop\s+table|delete\s+from|truncate|create\s+(?:temp\w*\s+)?table)\s+(?:\w+\s+){0,3}?"
_MEMORY = lazy_pattern(r":memory:|sqlite://[\"']|duckdb\.(?:connect\(\)|sql\(|execute\()")
_APPENDS = lazy_pattern(r"(?<![\d&>])>>\s*[\"']?([\w./{}$-]+)")
_MAKES = lazy_pattern(r"(?<![\d&>-])>\s*[\"']?([\w./{}$-]+)|\brm\s+(?:-\w+\s+)*([\w./{}$-]+)")
# Settings of the machine and logs are meant to grow; what has a variable in its name is another file each time.
_GROWS = lazy_pattern(r"^(?:~|/etc|/dev|/root|/home)|rc$|profile$|\.(?:log|env)$|log|tmp|temp|[{$]")


def inserted(analysis: Analysis) -> Iterator[Call]:
    """Yield the calls that insert rows into a table that the notebook neither makes nor empties."""
    if not analysis.mentions("INSERT", "insert", "Insert"):
        return
    for call, text in _executed(analysis):
        table = _INSERT.match(text)
        if table and not _BY_KEY.search(text) and not re.search(_EMPTIES + re.escape(table[1]), analysis.code()):
            yield call


def created(analysis: Analysis) -> Iterator[Call]:
    """Yield the calls that create a table of a database that stays, which the notebook never drops."""
    # Where a file is removed it may be the database.
    if not analysis.mentions("CREATE", "create", "Create") or analysis.mentions("remove", "unlink"):
        return
    for call, text in _executed(analysis):
        table = _CREATE.match(text)
        if table and not re.search(rf"(?i)\bdrop\s+table\s+(?:\w+\s+){{0,3}}?{re.escape(table[1])}", analysis.code()):
            yield call


def _executed(analysis: Analysis) -> Iterator[tuple[Call, str]]:
    """Yield the statements of SQL that are executed, unless the database is in memory."""
    if _MEMORY.search(analysis.code()):
        return
    for call in analysis.calls():
        if call.name.rpartition(".")[2] in _EXECUTES and call.node.args:
            text = _text(call.node.args[0])
            if text is not None:
                yield call, text


def appended_by_shell(analysis: Analysis) -> Iterator[tuple[int, Location]]:
    """Yield, by cell, the shell lines that add to a file the shell has not made or removed before."""
    if not analysis.mentions(">>"):
        return
    made: set[str] = set()
    for cell in analysis.notebook.code_cells:
        for line in command_lines(cell):
            for found in _APPENDS.finditer(line.text):
                if found[1] not in made and not _GROWS.search(found[1]):
                    yield cell.index, line.location
            made |= {found[1] or found[2] for found in _MAKES.finditer(line.text)}


def _text(node: ast.expr) -> str | None:
    """Return the text of a statement of SQL, also one wrapped for SQLAlchemy: ``text("INSERT …")``."""
    if isinstance(node, ast.Call) and len(node.args) == 1:
        node = node.args[0]
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
