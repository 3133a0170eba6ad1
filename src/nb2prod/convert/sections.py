"""The notebook's own outline: which code cells stand under which markdown heading."""

from __future__ import annotations

import ast
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nb2prod.convert.knowledge import knowledge
from nb2prod.notebook.model import CodeCell, MarkdownCell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nb2prod.notebook.model import Notebook

_HEADING = re.compile(r"^ {0,3}(#{1,6})[ \t]+(.+?)[ \t]*#*[ \t]*$")
_SETEXT = re.compile(r"^ {0,3}(=+|-{2,})[ \t]*$")
_HTML_HEADING = re.compile(r"<h([1-6])\b[^>]*>(.*?)</h\1>", re.IGNORECASE | re.DOTALL)
_NUMBER = re.compile(
    r"^(?:(?:step|part|section|chapter|exercise|task)\s+)?"
    r"(?:\d+(?:\.\d+)+\s+|\d+(?:[.\-:)]\d+)*\s*[.:)\-]+\s*|[ivx]+\s*[.:)\-]+\s+)",
    re.IGNORECASE,
)
_FENCE = re.compile(r"^ {0,3}(```|~~~)")


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and the code cells below it, up to the next heading.

    title  the heading's text, markdown as written; None before the first heading
    level  1 to 6; 0 before the first heading
    text   the markdown between the heading and the section's first code cell
    cells  indices of its code cells; never empty
    """

    title: str | None
    level: int
    text: str
    cells: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Prose:
    """What the markdown says above a code cell.

    title  a heading, markdown as written; None for text that stands under none of its own
    text   the markdown below it; may be empty
    cell   the index of the code cell it stands directly above
    first  it stands in the notebook's first cell, which introduces the whole
    """

    title: str | None
    text: str
    cell: int
    first: bool


def find_sections(notebook: Notebook) -> tuple[Section, ...]:
    """Return the sections that hold code, in document order."""
    sections: list[Section] = []
    title: str | None = None
    level = 0
    texts: list[str] = []
    cells: list[int] = []

    def close() -> None:
        if cells:
            sections.append(Section(title, level, "\n\n".join(text for text in texts if text), tuple(cells)))

    for cell in notebook.cells:
        if isinstance(cell, CodeCell):
            cells.append(cell.index)
        elif isinstance(cell, MarkdownCell):
            for found_level, found_title, text in _outline(cell.source):
                if found_title is not None:
                    close()
                    title, level, texts, cells = found_title, found_level, [], []
                if not cells:
                    texts.append(text)
    close()
    return tuple(sections)


def top_headings(notebook: Notebook) -> dict[int, str]:
    """Return for each code cell the heading of the notebook's top level it stands under, by the cell's index.

    The top level is the highest with more than one heading: a title stands alone above it. Cells before the first
    such heading are left out; all are where there is no such level.
    """
    outlines = {
        cell.index: [(level, title) for level, title, _ in _outline(cell.source) if title is not None]
        for cell in notebook.cells
        if isinstance(cell, MarkdownCell)
    }
    counts = Counter(level for headings in outlines.values() for level, _ in headings)
    top = min((level for level, count in counts.items() if count > 1), default=None)
    found: dict[int, str] = {}
    current: str | None = None
    for cell in notebook.cells:
        for level, title in outlines.get(cell.index, ()):
            current = title if level == top else current
        if isinstance(cell, CodeCell) and current is not None:
            found[cell.index] = current
    return found


def prose_above(notebook: Notebook) -> dict[int, tuple[Prose, ...]]:
    """Return for each code cell, by its index, what the markdown between it and the code above says.

    What stands above a cell that only imports is said of the next cell as well: nothing else is left of that one.
    """
    found: dict[int, tuple[Prose, ...]] = {}
    carried: list[Prose] = []
    parts: list[tuple[str | None, str, bool]] = []
    for cell in notebook.cells:
        if isinstance(cell, MarkdownCell):
            parts += [(title, text, cell is notebook.cells[0]) for _, title, text in _outline(cell.source)]
        elif isinstance(cell, CodeCell):
            carried += [Prose(title, text, cell.index, first) for title, text, first in parts]
            parts = []
            found[cell.index] = tuple(carried)
            if cell.tree is None or not all(isinstance(node, ast.Import | ast.ImportFrom) for node in cell.tree.body):
                carried = []
    return found


def names_no_step(section: Section, sections: Sequence[Section], notebook: Notebook) -> bool:
    """Return whether a heading says nothing of what stands below it alone.

    It is the notebook's title, which stands alone above the other headings, or it announces imports.
    """
    if section.title is None:
        return False
    if announces_imports(section.title):
        return True
    others = [each for each in sections if each is not section and each.title is not None]
    is_first = section is sections[0] or all(each.title is None for each in sections[: sections.index(section)])
    alone = all(each.level > section.level for each in others)
    return bool(others) and is_first and alone and section.title == title_of(notebook)


def announces_imports(title: str) -> bool:
    """Return whether a heading is about imports: ``Importing the libraries``, ``Imports``."""
    words = {word.lower() for word in re.findall(r"[^\W\d_]+", title)}
    return not knowledge().import_words.isdisjoint(words) and words <= knowledge().words_with_imports


def without_number(title: str) -> str:
    """Return a heading without what counts it: ``2.1 Load data``, ``Step 3: Load data``; a number alone stays."""
    return _NUMBER.sub("", title) or title


def title_of(notebook: Notebook) -> str | None:
    """Return the notebook's own title: its first heading."""
    for cell in notebook.cells:
        if isinstance(cell, MarkdownCell):
            for _, title, _ in _outline(cell.source):
                if title is not None:
                    return title
    return None


def _outline(source: str) -> list[tuple[int, str | None, str]]:
    """Split markdown at its headings: (level, title, text below); the first title may be None."""
    parts: list[tuple[int, str | None, list[str]]] = [(0, None, [])]
    fenced = False
    for line in source.splitlines():
        if _FENCE.match(line):
            fenced = not fenced
        heading = None if fenced else _HEADING.match(line)
        html = None if fenced else _HTML_HEADING.search(line)
        body = parts[-1][2]
        if heading:
            parts.append((len(heading[1]), heading[2], []))
        elif html:
            parts.append((int(html[1]), re.sub(r"<[^>]+>", "", html[2]).strip(), []))
        elif (
            not fenced
            and body
            and body[-1].strip()
            and _SETEXT.match(line)
            and (len(body) == 1 or not body[-2].strip())
        ):
            parts.append((1 if "=" in line else 2, body.pop().strip(), []))
        else:
            body.append(line)
    return [
        (level, title or None, "\n".join(body).strip())
        for level, title, body in parts
        if title or "".join(body).strip()
    ]
