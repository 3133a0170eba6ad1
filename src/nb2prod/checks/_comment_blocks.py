"""How code in comments is taken out of a cell: whole statements, and nothing that is no code."""

from __future__ import annotations

import ast
import re
from itertools import groupby
from textwrap import dedent
from typing import TYPE_CHECKING
from warnings import catch_warnings, simplefilter

from nb2prod.diagnostics import Applicability, Fix, RemoveCell
from nb2prod.edits import without_lines

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from nb2prod.notebook.model import CodeCell


def removal(cell: CodeCell, comments: Sequence[int], code: Collection[int]) -> Fix | None:
    """Return the fix that removes the lines ``code`` and what belongs to their statements.

    ``comments`` are the lines that are nothing but a comment. None where the end of a statement is not certain.
    """
    gone: set[int] = set()
    for block in _blocks(comments):
        if any(line in code for line in block):
            lines = _statements(cell, block, code)
            if lines is None:
                return None
            gone.update(lines)
    left = [number for number, line in enumerate(cell.lines, 1) if number not in gone and line.strip()]
    changes = tuple(without_lines(cell, gone)) if left else (RemoveCell(cell.index),)
    return Fix("remove the code in comments", changes, Applicability.UNSAFE)


def _blocks(comments: Sequence[int]) -> Iterator[list[int]]:
    """Yield the lines of comments that follow each other."""
    for _, group in groupby(enumerate(comments), lambda pair: pair[1] - pair[0]):
        yield [number for _, number in group]


def _statements(cell: CodeCell, block: Sequence[int], code: Collection[int]) -> Sequence[int] | None:
    """Return the lines of a block from its first code to the end of its last; what is between is code too."""
    inside = [number for number in block if number in code]
    first = block.index(inside[0])
    for end in range(len(block), block.index(inside[-1]), -1):
        texts = (re.sub(r"^\s*#+ ?", "", cell.lines[number - 1]) for number in block[first:end])
        if _parses(dedent("\n".join(texts))):
            return block[first:end]
    return None


def _parses(text: str) -> bool:
    with catch_warnings():
        simplefilter("ignore")
        try:
            ast.parse(text)
        except (SyntaxError, ValueError):
            return False
    return True
