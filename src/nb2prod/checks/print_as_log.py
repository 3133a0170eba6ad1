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
# Functions whose name says that they are there to print.
_REPORTS = ("print", "show", "display", "report", "describe", "summar", "plot", "pretty", "main")


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield one finding, at the first of the prints, where functions have ``FEWEST`` or more of them."""
    prints = [
        call
        for call in analysis.calls()
        if call.deferred
        and call.name == "print"
        and call.qualified_name == "builtins.print"
        # To a file it is writing, not telling.
        and "file" not in call.arguments
    ]
    if len(prints) < FEWEST:
        return
    working = _working(analysis)
    prints = [call for call in prints if any(_stands_in(call, function) for function in working)]
    if len(prints) < FEWEST or any((call.qualified_name or "").startswith("logging.") for call in analysis.calls()):
        return
    message = (
        f"{len(prints)} prints in functions: in a job their text has no time, no level and no source, and cannot be "
        "turned off; use a logger"
    )
    yield Finding(prints[0].location, message, fix=logging_instead(analysis, prints))


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
