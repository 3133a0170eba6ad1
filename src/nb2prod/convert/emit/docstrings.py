"""The docstrings of steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nb2prod.convert.emit.prose import docstring, step_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nb2prod.convert.plan import Step

_INDENT = "    "
# More results than this say less on one line than the class of what the step returns.
_MOST_NAMED = 4


def step_docstring(step: Step, code_cells: Sequence[int]) -> list[str]:
    """Return the lines of a step's docstring: what the markdown says of it, and the cells it comes from.

    code_cells  the numbers of all code cells of the notebook, in order
    """
    text = step_text(step.title, step.text)
    source = _source(step.numbers, code_cells) if step.cells else "nothing"
    if not text:
        named = 0 < len(step.results) <= _MOST_NAMED
        made = f"Make {_listed([f'`{name}`' for name in step.results])}: " if named else ""
        return docstring(f"{made}{source if made else source.capitalize()} of the notebook.", _INDENT)
    if "\n" not in text:
        return docstring(f"{text.rstrip('.')} ({source}).", _INDENT)
    return docstring(f"{text}\n\n{source.capitalize()} of the notebook.", _INDENT)


def _source(cells: Sequence[int], code_cells: Sequence[int]) -> str:
    """Return where a step comes from, ``cells 2 and 4 to 9``; neighbours are those without code cells between."""
    runs: list[list[int]] = []
    for cell in cells:
        place = code_cells.index(cell)
        if runs and place and code_cells[place - 1] == runs[-1][-1]:
            runs[-1].append(cell)
        else:
            runs.append([cell])
    parts: list[str] = []
    for run in runs:
        parts += [f"{run[0]} to {run[-1]}"] if len(run) > 2 else map(str, run)  # noqa: PLR2004 two are named
    return f"cell{'s' if len(cells) > 1 else ''} {_listed(parts)}"


def _listed(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))
