"""print-as-log: functions report what they do with print, where a service would log."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from nb2prod.diagnostics import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis, Call

FEWEST = 4
# Functions that are there to print.
_SHOWS = re.compile(r"print|show|display|report|describe|summar|dump|log|help|main|test|demo|plot|draw", re.IGNORECASE)


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield one finding, at the first message, where functions print ``FEWEST`` messages or more."""
    if analysis.notebook.text.count("print(") < FEWEST:
        return
    messages = [call for call in analysis.calls() if call.name == "print" and _is_message(call)]
    if len(messages) >= FEWEST:
        message = f"functions print {len(messages)} messages; `logging` lets whoever calls them choose what is said"
        yield Finding(messages[0].location, message)


def _is_message(call: Call) -> bool:
    """Whether a function that is not there to print prints a text of its own to standard output."""
    node = call.statement.node
    if not call.deferred or not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return False
    return (
        not _SHOWS.search(node.name)
        and "file" not in call.arguments
        and bool(call.node.args)
        and _is_text(call.node.args[0])
    )


def _is_text(node: ast.expr) -> bool:
    """Whether an expression is a text with words written out in it."""
    match node:
        case ast.Constant(value=str() as text):
            return any(character.isalpha() for character in text)
        case ast.JoinedStr(values=values):
            return any(_is_text(value) for value in values)
        case ast.BinOp(left=left):
            return _is_text(left)
        case ast.Call(func=ast.Attribute(value=value, attr="format")):
            return _is_text(value)
    return False
