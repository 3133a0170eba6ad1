"""Parsing: Python source to an ``ast`` tree, or the reason why there is none."""

from __future__ import annotations

import ast
import warnings
from typing import cast

from nb2prod.notebook.location import Position, Range
from nb2prod.notebook.model import SyntaxProblem

_FLAGS = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT


def parse_code(python: str) -> tuple[ast.Module | None, SyntaxProblem | None]:
    """Return the tree of a cell's Python (``await`` allowed at top level), or why it has none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return cast("ast.Module", compile(python, "<cell>", "exec", _FLAGS, dont_inherit=True)), None
    except SyntaxError as error:
        line, column = max(error.lineno or 1, 1), max(error.offset or 1, 1)
        return None, SyntaxProblem("error", error.msg, Range(Position(line, column), Position(line, column)))
    except (MemoryError, RecursionError, ValueError) as error:
        return None, SyntaxProblem("error", str(error), Range(Position(1, 1), Position(1, 1)))
