"""Compilation: why a cell that parses cannot run all the same."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.notebook.parse import silenced
from nb2prod.patterns import lazy_pattern

if TYPE_CHECKING:
    from nb2prod.notebook.location import Location
    from nb2prod.notebook.model import CodeCell

# What only compiling finds is nearly always about scopes and jumps: nine of ten cells have none of these words.
_WORDS = ("def", "lambda", "async", "await", "return", "yield", "break", "continue", "nonlocal", "global")
_SIGNS = ("import", ":=", "__debug__")
_ABOUT_SCOPES = lazy_pattern(rf"\b(?:{'|'.join(_WORDS)})\b|import[ \t]*\*|:=|__debug__")


def is_about_scopes(cell: CodeCell) -> bool:
    """Return whether a cell has words that may make it fail to compile; compiling the rest costs more than it finds."""
    # Words are found in a tenth of the time a pattern takes.
    code = cell.python
    return any(word in code for word in (*_WORDS, *_SIGNS)) and _ABOUT_SCOPES.search(code) is not None


def compile_problem(cell: CodeCell) -> tuple[str, Location] | None:
    """Return why a cell that parses cannot run, and where: ``return`` outside a function, ``break`` outside a loop.

    Nothing is run. Statement by statement, as IPython compiles them: ``from __future__`` may stand in the middle.
    """
    if cell.tree is None:
        return None
    with silenced():
        try:
            _compile(cell.tree)
        except SyntaxError:
            # Indented as a whole, or an import from the future: each statement says whether it is really wrong.
            for node in cell.tree.body:
                try:
                    _compile(ast.Module([node], []))
                except SyntaxError as error:
                    return error.msg, _place(cell, node, error)
    return None


def _compile(code: str | ast.Module) -> None:
    compile(code, "<cell>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)


def _place(cell: CodeCell, node: ast.stmt, error: SyntaxError) -> Location:
    """Return where the error is: its own place where it has one, else the statement."""
    if error.lineno is None or error.offset is None or not cell.python.isascii():
        return cell.locate(node)
    end = (error.end_lineno or error.lineno, error.end_offset or error.offset)
    end_line, end_column = max(end, (error.lineno, error.offset))
    return cell.location(error.lineno, max(error.offset, 1), end_line, max(end_column, 1))
