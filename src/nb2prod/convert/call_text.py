"""Where the parentheses of a call or a definition close in the notebook's text, to put arguments there."""

from __future__ import annotations

import ast
import io
import tokenize
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nb2prod.notebook.location import Position, Range

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nb2prod.notebook.model import CodeCell

_NOTHING = frozenset({tokenize.NL, tokenize.COMMENT, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT})


@dataclass(frozen=True, slots=True)
class ArgumentEnd:
    """The place before a closing parenthesis.

    range     an empty range there
    has_more  something stands before it that needs a comma behind it
    """

    range: Range
    has_more: bool

    def joined(self, arguments: Iterable[str]) -> str:
        """Return the text that adds ``arguments`` here."""
        return (", " if self.has_more else "") + ", ".join(arguments)


def argument_end(cell: CodeCell, node: ast.Call | ast.stmt) -> ArgumentEnd | None:
    """Return where the arguments of a call, or the parameters of a ``def``, end.

    None where none can be added: the function is in parentheses, or the only argument is a bare generator.
    """
    match node:
        case ast.Call(args=[ast.GeneratorExp() as only], keywords=[]) if cell.locate(only).range.end == (
            cell.locate(node).range.end
        ):
            return None
        case ast.Call(func=func):
            start = cell.locate(func).range.end
        case _:
            start = cell.locate(node).range.start
    lines = cell.python.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    text = "\n".join((lines[start.line - 1][start.column - 1 :], *lines[start.line :]))
    depth, before = 0, ""
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type in _NOTHING:
                continue
            if token.string in ("(", "[", "{"):
                depth += 1
            elif token.string in (")", "]", "}"):
                depth -= 1
                if token.string == ")" and depth == 0:
                    row, column = token.start
                    place = Position(start.line + row - 1, column + (start.column if row == 1 else 1))
                    return ArgumentEnd(Range(place, place), before not in ("(", ","))
            if depth < 0 or (depth == 0 and isinstance(node, ast.Call)):
                return None
            before = token.string
    except (tokenize.TokenError, SyntaxError):
        return None
    return None
