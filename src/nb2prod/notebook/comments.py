"""The comments of a code cell: also those behind magics, and in cells that are not Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.notebook.model import CodeCell


def comments(cell: CodeCell, part: str) -> list[tuple[int, int, str]]:
    """Return line, column and text of every comment of a cell that has ``part`` in it; text in strings is none."""
    lines = cell.lines
    # Masked IPython syntax is not Python: a comment at the end of `!pip install x` has to be found
    # in the text. So it is in a cell that does not parse, which the tokenizer would refuse as well.
    masked = {
        line
        for magic in cell.magics
        for line in range(magic.range.start.line, len(lines) + 1 if magic.kind == "cell" else magic.range.end.line + 1)
    }
    by_text = [
        (number, len(line) - len(comment) + 1, comment)
        for number, line in enumerate(lines, 1)
        if part in line and (cell.tree is None or number in masked) and (comment := _comment_in_text(line))
    ]
    if cell.tree is None:
        return by_text
    seen = {number for number, *_ in by_text}
    return by_text + [each for each in _comment_tokens(cell.python, part) if each[0] not in seen]


def _comment_tokens(python: str, part: str) -> Iterator[tuple[int, int, str]]:
    from io import StringIO  # noqa: PLC0415 - few cells are tokenised
    from tokenize import COMMENT, TokenError, generate_tokens  # noqa: PLC0415 - the same

    try:
        for token in generate_tokens(StringIO(python).readline):
            if token.type == COMMENT and part in token.string:
                yield token.start[0], token.start[1] + 1, token.string
    except (TokenError, SyntaxError):
        # The cell parses, so what the tokenizer refuses is its end (a backslash before nothing);
        # the comments before that have been seen.
        return


def _comment_in_text(line: str) -> str | None:
    """Return the comment at the end of a line, ``#`` after an even number of each quote; None without."""
    quote = ""
    for index, character in enumerate(line):
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character == "#" and (index == 0 or line[index - 1].isspace()):
            return line[index:]
    return None
