"""A notebook has no ``__file__``, a module of a package has: code that asks for it goes the way the notebook went.

``try: here = Path(__file__).parent`` / ``except NameError: here = Path()`` becomes ``here = Path()``.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.convert.rewriting import Rewriting
from nb2prod.dataflow.paths import surely_runs

if TYPE_CHECKING:
    from nb2prod.analysis import Analysis
    from nb2prod.notebook.model import CodeCell, Notebook

_CATCHING = frozenset({"NameError", "Exception", "BaseException"})


def settle_file_of_module(analysis: Analysis) -> Notebook:
    """Return the notebook with what its handlers do in place of each ``try`` that fails for want of ``__file__``."""
    rewriting = Rewriting()
    for statement in analysis.flow.statements:
        missing = [use.node for use in statement.uses if use.name == "__file__" and not analysis.flow.reaching(use)]
        for node in ast.walk(statement.node) if missing else ():
            if isinstance(node, ast.Try) and any(surely_runs(node.body[0], each) for each in missing):
                _take_handler(node, statement.cell, rewriting)
    return rewriting.applied(analysis.notebook) if rewriting.texts else analysis.notebook


def _take_handler(node: ast.Try, cell: CodeCell, rewriting: Rewriting) -> None:
    """Put the handler of a NameError in the place of a ``try``, if that is all that happens."""
    handler = next((each for each in node.handlers if _catches(each)), None)
    if handler is None or handler.name is not None or node.finalbody:
        return
    lines = cell.python_lines
    header = handler.lineno if handler.type is None else handler.type.end_lineno or handler.lineno
    first, last = cell.locate(handler.body[0]).range.start, cell.locate(handler.body[-1]).range.end
    if len(handler.body) == 1 and first.line == last.line <= header + 1:
        rewriting.replace(cell, node, lines[first.line - 1][first.column - 1 : last.column - 1])
    elif first.line > header:
        # With the comments above its first statement.
        body = [*lines[header : last.line - 1], lines[last.line - 1][: last.column - 1]]
        rewriting.replace(cell, node, "\n".join(("if True:", *body)))


def _catches(handler: ast.ExceptHandler) -> bool:
    match handler.type:
        case None:
            return True
        case ast.Tuple(elts=kinds):
            return any(isinstance(kind, ast.Name) and kind.id in _CATCHING for kind in kinds)
        case ast.Name(id=name):
            return name in _CATCHING
        case _:
            return False
