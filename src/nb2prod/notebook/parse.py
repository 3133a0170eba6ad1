"""Parsing: Python source to an ``ast`` tree, or the reason why there is none."""

from __future__ import annotations

import ast
import re
import warnings
from typing import cast

from nb2prod.notebook.location import Position, Range
from nb2prod.notebook.model import SyntaxProblem
from nb2prod.patterns import lazy_pattern

_FLAGS = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
_INDENTATION = lazy_pattern(r"^[ \t]*(?=[^ \t\r\n])", re.MULTILINE)

# A tree this deep is no one's notebook, and whoever walks it with a recursive function gets a
# RecursionError. CPython itself reads some 3,000 levels.
_DEEPEST = 200
# A piece of text cannot be nested deeper than it is long; most statements are shorter than this.
_SHORT = 100
# Every level of a tree takes one of these to write, and none of them makes more than three levels:
# counting them spares nine of ten long cells the walk.
_NESTING = (*".([{:+-*/%&|^~<>@", "not", "else", "await", "yield")
_LEVELS = 3


def silenced() -> warnings.catch_warnings[None]:
    """Return a context in which Python does not warn of what it parses (``1or 2``)."""
    return warnings.catch_warnings(action="ignore")


def parse_code(python: str) -> tuple[ast.Module | None, SyntaxProblem | None]:
    """Return the tree of a cell's Python (``await`` allowed at top level), or why it has none.

    A cell that is indented as a whole is parsed without the indentation, as IPython does; the
    positions stay those of ``python``. A tree of more than some 200 levels counts as a problem.
    """
    with silenced():
        return parse_silenced(python)


def parse_silenced(python: str) -> tuple[ast.Module | None, SyntaxProblem | None]:
    """Do as ``parse_code``, for a caller that parses many pieces inside ``silenced()``."""
    margin = ""
    try:
        tree = _compiled(python)
    except IndentationError as error:
        margin = _margin(python)
        if not margin:
            return None, _problem(python, error)
        try:
            tree = _compiled(_without_margin(python, margin))
        except (SyntaxError, MemoryError, RecursionError, ValueError) as inner:
            return None, _problem(python, inner, len(margin))
        _shift(tree, len(margin))
    except (SyntaxError, MemoryError, RecursionError, ValueError) as error:
        return None, _problem(python, error)
    if _may_be_deep(python, tree) and (deep := _too_deep(tree)):
        line = min(deep.lineno, python.count("\n") + 1)
        at = Position(line, 1)
        return None, SyntaxProblem("unsupported", f"this is nested more than {_DEEPEST} levels deep", Range(at, at))
    return tree, None


def syntax_tree(python: str) -> ast.Module | None:
    """Return the tree of a piece of Python, None where it does not parse."""
    try:
        with silenced():
            return _compiled(python)
    except (SyntaxError, MemoryError, RecursionError, ValueError):
        return None


def _compiled(python: str) -> ast.Module:
    return cast("ast.Module", compile(python, "<cell>", "exec", _FLAGS, dont_inherit=True))


def _problem(python: str, error: Exception, margin: int = 0) -> SyntaxProblem:
    from nb2prod.notebook.problems import explain  # noqa: PLC0415 - few notebooks need it

    return explain(python, error, margin)


def _margin(python: str) -> str:
    """Return the indentation all lines share; blank lines do not count."""
    indentations = _INDENTATION.findall(python)
    margin = min(indentations, key=len, default="")
    while not all(indentation.startswith(margin) for indentation in indentations):
        margin = margin[:-1]
    return margin


def _without_margin(python: str, margin: str) -> str:
    return re.sub(rf"^(?:{margin}|[ \t]+(?=\r?$))", "", python, flags=re.MULTILINE)


def _shift(tree: ast.Module, columns: int) -> None:
    """Move every node of ``tree`` to the right; indentation is ASCII, so bytes are characters."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.stmt, ast.expr, ast.excepthandler, ast.pattern, ast.arg, ast.keyword, ast.alias)):
            node.col_offset += columns
            if node.end_col_offset is not None:
                node.end_col_offset += columns


def _may_be_deep(python: str, tree: ast.Module) -> bool:
    # Every second long cell has only short statements, and needs no counting.
    return (
        len(python) > _DEEPEST
        and any(map(_is_long, tree.body))
        and _LEVELS * sum(map(python.count, _NESTING)) > _DEEPEST - 2 * _LEVELS
    )


def _too_deep(tree: ast.Module) -> ast.stmt | ast.expr | None:
    """Return a node that stands too deep in ``tree``, None where there is none.

    Pieces that are too short to be deep are not entered: that is most of a notebook.
    """
    level: list[ast.AST] = [tree]
    for depth in range(_DEEPEST + 1):
        inner: list[ast.AST] = []
        for node in level:
            for name in node._fields:
                value = getattr(node, name, None)
                if value.__class__ is list:
                    inner += [child for child in value if isinstance(child, ast.AST) and _is_long(child)]
                elif isinstance(value, ast.AST) and _is_long(value):
                    inner.append(value)
        if not inner:
            return None
        if depth == _DEEPEST:
            return next((node for node in inner if isinstance(node, (ast.stmt, ast.expr))), None)
        level = inner
    return None


def _is_long(node: ast.AST) -> bool:
    """Return whether the node is long enough to be deep; parts without a position always may be."""
    try:
        return node.lineno != node.end_lineno or node.end_col_offset - node.col_offset > _SHORT  # type: ignore[attr-defined, no-any-return]
    except AttributeError:
        return node._fields != ()
