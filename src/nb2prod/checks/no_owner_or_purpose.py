"""no-owner-or-purpose: nothing at the top says what a notebook is for, or whose it is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nb2prod.diagnostics import Finding
from nb2prod.notebook.model import CodeCell
from nb2prod.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis

FEWEST_CELLS = 3
FEWEST_WORDS = 4
# How many cells count as the top; of these the code may say it too, in its first comment or text.
_TOP = 4
# Words of headings that any notebook could have: `# Data analysis`, `## Import the libraries`.
_ANY_NOTEBOOK = frozenset(
    (
        *("analysis", "and", "code", "copy", "data", "dataset", "demo", "draft", "eda", "exploration", "exploratory"),
        *("for", "from", "import", "importing", "imports", "introduction", "jupyter", "libraries", "library", "load"),
        *("loading", "model", "modules", "my", "necessary", "new", "notebook", "of", "part", "project"),
        *("python", "required", "setup", "step", "test", "the", "to", "untitled", "up"),
        # Headings of parts, which say nothing about the whole.
        *("cleaning", "config", "configuration", "constants", "evaluate", "evaluation", "functions", "helper"),
        *("packages", "parameters", "preparation", "preprocessing", "read", "reading", "results", "save", "saving"),
        *("settings", "split", "train", "training", "visualization"),
    )
)
_STATED = ("author", "authors", "description", "owner", "title")
_HEADING = lazy_pattern(r"^ {0,3}#{1,6}\s*\S|<h[1-6]\b|<title>", re.MULTILINE | re.IGNORECASE)
_COMMENT = lazy_pattern(r"""\A\s*(?:(?:\#[^\n]*\n\s*)+|[rbu]*(?:\"{3}[\s\S]*?\"{3}|'{3}[\s\S]*?'{3}))""", re.IGNORECASE)
_WORD = lazy_pattern(r"[^\W\d_]{2,}")


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield one finding, at the first cell of code."""
    notebook = analysis.notebook
    code = [cell for cell in notebook.code_cells if cell.source.strip()]
    if len(code) < FEWEST_CELLS or any(notebook.metadata.get(key) for key in _STATED):
        return
    for cell in [each for each in notebook.cells if each.source.strip()][:_TOP]:
        text = cell.source
        if isinstance(cell, CodeCell):
            comment = _COMMENT.match(text)
            text = comment[0] if comment else ""
        words = [word for word in _WORD.findall(text) if word.lower() not in _ANY_NOTEBOOK]
        if len(words) >= FEWEST_WORDS or (words and not isinstance(cell, CodeCell) and _HEADING.search(text)):
            return
    message = (
        "nothing at the top says what this notebook is for or whose it is; begin with a title, a sentence on its "
        "purpose, and whom to ask"
    )
    yield Finding(code[0].location(), message)
