"""What the markdown says of each step: the heading and text that introduce it, and what stands inside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nb2prod.convert.sections import announces_imports, prose_above, title_of, without_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nb2prod.convert.grouping import Group
    from nb2prod.convert.sections import Prose
    from nb2prod.notebook.model import Notebook


@dataclass(frozen=True, slots=True)
class Introduction:
    """What the markdown says of a step, as ``Step`` has it."""

    title: str | None
    text: str
    prose: tuple[tuple[int, str], ...]


def introduce(groups: Sequence[Group], notebook: Notebook) -> list[Introduction]:
    """Return what the markdown says of each group: everything is said once, and the notebook's title in the README."""
    above = prose_above(notebook)
    title = title_of(notebook)
    # The README begins with the first cell, and what else stands above all code is about the whole.
    said = {each for parts in above.values() for each in parts if each.first}
    found: list[Introduction] = []
    for group in groups:
        cells = list(dict.fromkeys(item.statement.cell.index for item in group.items))
        section = group.section
        if section is not None and section.title:
            heading: str | None = section.title
            text = section.text
            said.update(each for cell in section.cells for each in above[cell] if each.cell == section.cells[0])
        else:
            # What stands above the first cell introduces a part of a long section, or what its title says nothing of.
            parts = [each for each in above[cells[0]] if _is_new(each, said)]
            said.update(above[cells[0]])
            heading = title if len(groups) == 1 and title and not announces_imports(title) else None
            text = "\n\n".join(each.text for each in parts if each.text)
        if not found:
            said.update(above[cells[0]])
        prose: list[tuple[int, str]] = []
        for cell in cells:
            parts = [each for each in above[cell] if _is_new(each, said)]
            said.update(above[cell])
            if markdown := "\n\n".join(_markdown(each, title) for each in parts).strip():
                prose.append((cell, markdown))
        found.append(Introduction(heading, text, tuple(prose)))
    return found


def _is_new(part: Prose, said: set[Prose]) -> bool:
    return part not in said and not (part.title and announces_imports(part.title))


def _markdown(part: Prose, title: str | None) -> str:
    heading = f"# {without_number(part.title)}" if part.title and part.title != title else ""
    return f"{heading}\n\n{part.text}".strip()
