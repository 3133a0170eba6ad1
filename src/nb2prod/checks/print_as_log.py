"""print-as-log: functions tell by print what a service would log."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.checks._logging import logging_instead
from nb2prod.diagnostics import Finding
from nb2prod.notebook.tree import nodes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis, Call

FEWEST = 2
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_GIVES = (ast.Return, ast.Yield)
_WORK = ("fit", "network", "read-file", "shell", "write-file")
# Functions whose name says that they are there to print, or to be looked at when they run.
_REPORTS = ("test", "print", "show", "display", "report", "describe", "summar", "plot", "pretty", "main")


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield one finding, at the first of the prints, where functions have ``FEWEST`` or more, or one tells of work."""
    prints = [
        call
        for call in analysis.calls()
        if call.deferred
        and call.name == "print"
        and call.qualified_name == "builtins.print"
        # To a file it is writing, not telling.
        and "file" not in call.arguments
    ]
    if not prints:
        return
    working = _working(analysis)
    prints = [call for call in prints if any(_stands_in(call, function) for function in working)]
    enough = len(prints) >= FEWEST or any(_tells_of_work(analysis, call) for call in prints)
    if not enough or any((call.qualified_name or "").startswith("logging.") for call in analysis.calls()):
        return
    what = (
        f"{len(prints)} prints in functions: in a job their text"
        if len(prints) > 1
        else ("a print in a function: in a job its text")
    )
    message = f"{what} has no time, no level and no source, and cannot be turned off; use a logger"
    yield Finding(prints[0].location, message, fix=logging_instead(analysis, prints))


def _tells_of_work(analysis: Analysis, told: Call) -> bool:
    """Whether a print with words stands in a handler of errors, or where something is read, written, sent or fitted."""
    if not any(isinstance(each, ast.Constant) and isinstance(each.value, str) for each in nodes(told.node)):
        return False
    for function in told.cell.tree.body if told.cell.tree is not None else ():
        first, last = function.lineno, function.end_lineno or function.lineno
        if not isinstance(function, _FUNCTIONS) or not first <= told.node.lineno <= last:
            continue
        if any(isinstance(each, ast.ExceptHandler) and told.node in nodes(each) for each in nodes(function)):
            return True
        return any(
            call.deferred and call.cell is told.cell and first <= call.node.lineno <= last
            for call in analysis.calls(_WORK)
        )
    return False


def _working(analysis: Analysis) -> list[tuple[int, int, int]]:
    """Return where functions stand that do something besides printing: cell, first and last line.

    They return a value, or fit, read, write or send something; any other is there to print.
    """
    doing = {(call.cell.index, call.node.lineno) for call in analysis.calls(_WORK) if call.deferred}
    found = []
    for cell in analysis.notebook.code_cells:
        if cell.tree is None or "print" not in cell.source:
            continue
        for node in analysis.nodes(cell.tree):
            if isinstance(node, _FUNCTIONS) and not node.name.startswith(_REPORTS):
                last = node.end_lineno or node.lineno
                returns = any(isinstance(part, _GIVES) and part.value is not None for part in nodes(node))
                if returns or any(at == cell.index and node.lineno <= line <= last for at, line in doing):
                    found.append((cell.index, node.lineno, last))
    return found


def _stands_in(call: Call, function: tuple[int, int, int]) -> bool:
    cell, first, last = function
    return call.cell.index == cell and first <= call.node.lineno <= last
