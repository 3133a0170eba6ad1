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
_INSERT = lazy_pattern(r"\s*insert\s+into\b", re.IGNORECASE)
# What makes an insertion one that may be repeated, in its own text or before it.
_BY_KEY = lazy_pattern(r"\bon\s+(?:conflict|duplicate)\b|\bwhere\s+not\s+exists\b", re.IGNORECASE)
_EMPTIES = lazy_pattern(
    r"\b(?:drop\s+table|delete\s+from|truncate|create\s+(?:temp\w*\s+)?table)\b|:memory:", re.IGNORECASE
)
_APPENDS = lazy_pattern(r"(?<![\d&>])>>\s*[\"']?([\w./{}$-]+)")
_MAKES = lazy_pattern(r"(?<![\d&>-])>\s*[\"']?([\w./{}$-]+)|\brm\s+(?:-\w+\s+)*([\w./{}$-]+)")
# Settings of the machine and logs are meant to grow; what has a variable in its name is another file each time.
_GROWS = lazy_pattern(r"^(?:~|/etc|/dev|/root|/home)|rc$|profile$|\.(?:log|env)$|log|tmp|temp|[{$]")


def inserted(analysis: Analysis) -> Iterator[Call]:
    """Yield the calls that insert rows into a table that the notebook neither makes nor empties."""
    if not analysis.mentions("INSERT", "insert", "Insert") or _EMPTIES.search(analysis.code()):
        return
    for call in analysis.calls():
        if call.name.rpartition(".")[2] in _EXECUTES and call.node.args:
            text = _text(call.node.args[0])
            if text is not None and _INSERT.match(text) and not _BY_KEY.search(text):
                yield call


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
