"""python2-code: a code cell is Python 2."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.diagnostics import Finding, Severity
from nb2prod.words import words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis

_RULE = "python2-code"
_METHODS = frozenset({"has_key", "iteritems", "iterkeys", "itervalues", "viewitems", "viewkeys", "viewvalues"})
_DICTS = ("builtins.dict", "collections.Counter", "collections.OrderedDict", "collections.defaultdict")


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield each cell that is valid Python 2 and not valid Python 3, or asks for what only Python 2 has."""
    for cell in analysis.notebook.code_cells:
        problem = cell.problem
        if problem is not None and problem.kind == "python2":
            start, end = problem.range.start, problem.range.end
            yield Finding(
                cell.location(start.line, start.column, end.line, end.column),
                "this cell is Python 2, which no supported Python runs, so nothing in it is checked",
            )
    seen: set[int] = set()
    for found in (*_modules(analysis), *_methods(analysis)):
        if found.location.cell not in seen:
            seen.add(found.location.cell or 0)
            yield found


def _modules(analysis: Analysis) -> Iterator[Finding]:
    """Yield the imports, not in a ``try`` or an ``if``, of modules that only Python 2 had."""
    only = words(_RULE)["modules"]
    for statement in analysis.statements():
        node = statement.node
        if isinstance(node, ast.Import):
            names = [alias.name.partition(".")[0] for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module.partition(".")[0]]
        else:
            continue
        for name in names:
            if name in only and not (analysis.project is not None and name in analysis.project.modules()):
                message = f"only Python 2 has the module `{name}`: this cell stops here"
                yield Finding(statement.location, message, severity=Severity.WARNING)


def _methods(analysis: Analysis) -> Iterator[Finding]:
    """Yield the calls of methods that dictionaries had in Python 2."""
    for call in analysis.calls():
        func = call.node.func
        if isinstance(func, ast.Attribute) and func.attr in _METHODS and analysis.qualified_name(func.value) in _DICTS:
            message = f"only Python 2 has `{func.attr}` of a dictionary: this cell stops here"
            yield Finding(call.location, message, severity=Severity.WARNING)
