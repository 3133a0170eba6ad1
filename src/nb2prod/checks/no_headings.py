"""no-headings: a notebook of some length has no heading that says what its parts do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nb2prod.diagnostics import Finding
from nb2prod.notebook.model import MarkdownCell
from nb2prod.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis

SHORTEST = 8
# https://spec.commonmark.org/0.31.2/#atx-headings, #setext-headings; HTML as notebooks have it.
_HEADING = lazy_pattern(
    r"^ {0,3}#{1,6}\s*\S|^\S[^\n]*\n {0,3}(?:=+|-{2,})[ \t]*$|<h[1-6]\b", re.MULTILINE | re.IGNORECASE
)


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield one finding, at the first cell of code, where there is no heading at all."""
    code = [cell for cell in analysis.notebook.code_cells if cell.source.strip()]
    if len(code) < SHORTEST:
        return
    if any(isinstance(cell, MarkdownCell) and _HEADING.search(cell.source) for cell in analysis.notebook.cells):
        return
    message = f"{len(code)} cells of code and no heading; say in a line of markdown what each part does"
    yield Finding(code[0].location(), message)
