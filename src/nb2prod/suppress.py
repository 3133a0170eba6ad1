"""Suppression: which findings a comment `# nb2prod: ignore[...]` silences."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nb2prod.pages import matching

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nb2prod.diagnostics import Finding, Rule
    from nb2prod.notebook.model import CodeCell

_COMMENT = re.compile(r"#\s*nb2prod:\s*ignore(?:\[(?P<rules>[^\]]*)\])?(?=\s|$|#)")
# A cheap look before anything is tokenised: most cells have no such comment.
_HINT = "nb2prod:"


@dataclass(frozen=True, slots=True)
class Suppression:
    """One comment: its line in the cell, and the codes, names or prefixes it lists; None for all rules."""

    line: int
    rules: tuple[str, ...] | None


def suppressions(cell: CodeCell) -> tuple[Suppression, ...]:
    """Return the suppression comments of a cell, in order; text inside strings is no comment."""
    if _HINT not in cell.source:
        return ()
    found = []
    for line, text in _comments(cell):
        for match in _COMMENT.finditer(text):
            rules = match["rules"]
            listed = None if rules is None else tuple(word.strip() for word in rules.split(",") if word.strip())
            found.append(Suppression(line, listed))
    return tuple(found)


def suppressed(cell: CodeCell, finding: Finding, rule: Rule, comments: Sequence[Suppression]) -> bool:
    """Whether one of the cell's ``comments`` silences ``finding`` of ``rule``.

    A comment counts on the line where the finding starts or ends, and on the first and last line of
    the simple statement or compound statement's header the finding starts in: a formatter may move
    it there, and inside a string that spans lines no comment can stand.
    """
    naming = [each for each in comments if each.rules is None or any(matching(word, (rule,)) for word in each.rules)]
    if not naming:
        return False
    start, end = finding.location.range.start.line, finding.location.range.end.line
    lines = {start, end} | set(_statement_lines(cell, start))
    return any(comment.line in lines for comment in naming)


def _statement_lines(cell: CodeCell, line: int) -> tuple[int, int]:
    """Return first and last line of the innermost statement, or statement header, that covers ``line``."""
    spans = [_span(node) for node in ast.walk(cell.tree) if isinstance(node, ast.stmt)] if cell.tree else []
    covering = [(last - first, first, last) for first, last in spans if first <= line <= last]
    if not covering:
        return line, line
    _, first, last = min(covering)
    return first, last


def _span(statement: ast.stmt) -> tuple[int, int]:
    body = getattr(statement, "body", None) or getattr(statement, "cases", None)
    if isinstance(body, list) and body:
        # `match` bodies hold match_case nodes, whose pattern has the position.
        first = body[0].pattern if isinstance(body[0], ast.match_case) else body[0]
        return statement.lineno, max(statement.lineno, first.lineno - 1)
    return statement.lineno, statement.end_lineno or statement.lineno


def _comments(cell: CodeCell) -> list[tuple[int, str]]:
    """Return line and text of every comment that may be ours."""
    lines = cell.lines
    # Masked IPython syntax is not Python: a comment at the end of `!pip install x` has to be found
    # in the text. So it is in a cell that does not parse, which the tokenizer would refuse as well.
    masked = {
        line
        for magic in cell.magics
        for line in range(magic.range.start.line, len(lines) + 1 if magic.kind == "cell" else magic.range.end.line + 1)
    }
    by_text = [
        (number, comment)
        for number, line in enumerate(lines, 1)
        if _HINT in line and (cell.tree is None or number in masked) and (comment := _comment_in_text(line))
    ]
    if cell.tree is None:
        return by_text
    seen = {number for number, _ in by_text}
    return by_text + [(number, text) for number, text in _comment_tokens(cell.python) if number not in seen]


def _comment_tokens(python: str) -> Iterator[tuple[int, str]]:
    from io import StringIO  # noqa: PLC0415 - only cells with our comment are tokenised
    from tokenize import COMMENT, TokenError, generate_tokens  # noqa: PLC0415 - the same

    try:
        for token in generate_tokens(StringIO(python).readline):
            if token.type == COMMENT and _HINT in token.string:
                yield token.start[0], token.string
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
