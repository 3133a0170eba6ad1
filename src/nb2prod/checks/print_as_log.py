"""print-as-log: functions tell by print what a service would log."""

from __future__ import annotations

import ast
import re
from functools import partial
from typing import TYPE_CHECKING

from nb2prod.checks._logging import logging_instead
from nb2prod.diagnostics import Finding, Related
from nb2prod.notebook.tree import nodes
from nb2prod.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis, Call

FEWEST = 2
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_GIVES = (ast.Return, ast.Yield)
_WORK = ("fit", "network", "read-file", "shell", "write-file")
# Methods of networks and their optimisers, whatever class these are of.
_TRAINING = (".backward", ".fit", ".partial_fit", ".train_on_batch")
_LEVEL = lazy_pattern(r"\W*(?:critical|debug|error|info|warn|warning)\b\W", re.IGNORECASE)
# Functions whose name says that they are there to print, or to be looked at when they run.
_REPORTS = ("test", "print", "show", "display", "report", "describe", "summar", "plot", "pretty", "main")


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield one finding, at the first of the prints, where functions have ``FEWEST`` or more, or one tells of work."""
    prints = [call for call in analysis.calls() if call.deferred and _tells(call)]
    if not prints:
        return
    # Where a function logs as well, somebody has decided what is for whom.
    logs = [call for call in analysis.calls() if (call.qualified_name or "").startswith("logging.")]
    working = [each for each in _working(analysis) if not any(_stands_in(call, each) for call in logs)]
    prints = [call for call in prints if any(_stands_in(call, function) for function in working)]
    enough = len(prints) >= FEWEST or any(_has_level(call) or _tells_of_work(analysis, call) for call in prints)
    if not enough:
        return
    what = (
        f"{len(prints)} prints in functions: in a job their text"
        if len(prints) > 1
        else ("a print in a function: in a job its text")
    )
    message = f"{what} has no time, no level and no source, and cannot be turned off; use a logger"
    fix = logging_instead(analysis, prints) if all(call.name == "print" for call in prints) else None
    firsts = {id(next(filter(partial(_stands_in, function=each), prints), None)) for each in working}
    others = tuple(Related(call.location, "this function prints too") for call in prints[1:] if id(call) in firsts)
    yield Finding(prints[0].location, message, others, fix)


def _tells(call: Call) -> bool:
    """Whether a call prints, or writes to standard output; to a file it is writing, not telling."""
    if call.name == "print":
        return call.qualified_name == "builtins.print" and "file" not in call.arguments
    return call.name == "sys.stdout.write"


def _has_level(told: Call) -> bool:
    """Whether what is printed begins with what a logger calls a level: `print("WARNING: no rows")`."""
    first = told.node.args[0] if told.node.args else None
    if isinstance(first, ast.JoinedStr) and first.values:
        first = first.values[0]
    return isinstance(first, ast.Constant) and isinstance(first.value, str) and bool(_LEVEL.match(first.value))


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
        return any(cell == told.cell.index and first <= line <= last for cell, line in _doing(analysis))
    return False


def _doing(analysis: Analysis) -> set[tuple[int, int]]:
    """Return where functions fit, read, write or send something: cell and line."""
    return {
        (call.cell.index, call.node.lineno)
        for call in analysis.calls()
        if call.deferred and (not call.effects.isdisjoint(_WORK) or call.name.endswith(_TRAINING))
    }


def _working(analysis: Analysis) -> list[tuple[int, int, int]]:
    """Return where functions stand that do something besides printing: cell, first and last line.

    They return a value, or fit, read, write or send something; any other is there to print.
    """
    doing = _doing(analysis)
    found = []
    for cell in analysis.notebook.code_cells:
        if cell.tree is None or not ("print" in cell.source or "stdout" in cell.source):
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
