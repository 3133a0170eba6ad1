"""Code cells: the saved source with its magics masked, parsed once for everyone."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from nb2prod.notebook.bindings import names_bound
from nb2prod.notebook.magics import automagic_candidate, blanked, mask, mask_automagic
from nb2prod.notebook.model import Cell, CodeCell
from nb2prod.notebook.parse import parse_silenced

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import PurePath


def read_code(
    path: PurePath,
    index: int,
    cell_id: str | None,
    source: str,
    metadata: Mapping[str, Any],
    *,
    execution_count: int | None = None,
    outputs: tuple[Mapping[str, Any], ...] = (),
    is_python: bool = True,
    transparent: Collection[str] = (),
) -> CodeCell:
    """Return the code cell with its magics found and its Python parsed; call it inside ``silenced()``.

    A cell of another language (``is_python`` false) has no Python: an empty tree and no magics.
    ``transparent``: see ``mask``.
    """
    if is_python:
        python, magics = mask(source, transparent)
        tree, problem = parse_silenced(python)
    else:
        python, magics = blanked(source), ()
        tree, problem = ast.Module(body=[], type_ignores=[]), None
    return CodeCell(
        path,
        index,
        cell_id,
        source,
        metadata,
        execution_count=execution_count,
        outputs=outputs,
        magics=magics,
        python=python,
        tree=tree,
        problem=problem,
    )


def with_automagics(cells: tuple[Cell, ...]) -> tuple[Cell, ...]:
    """Return the cells with those masked that are a magic without ``%`` (``ls``, ``pip install x``).

    That takes the whole notebook: a name that any cell binds is a variable.
    """
    candidates = [
        number
        for number, cell in enumerate(cells)
        if isinstance(cell, CodeCell) and not cell.magics and automagic_candidate(cell.source)
    ]
    if not candidates:
        return cells
    bound = {
        name
        for cell in cells
        if isinstance(cell, CodeCell)
        for name in (*(names_bound(cell.tree) if cell.tree else ()), *(n for magic in cell.magics for n in magic.binds))
    }
    changed = list(cells)
    for number in candidates:
        cell = changed[number]
        if isinstance(cell, CodeCell) and (masked := mask_automagic(cell.source, bound)):
            python, magics = masked
            tree, problem = parse_silenced(python)
            changed[number] = cell._replace(python=python, magics=magics, tree=tree, problem=problem)
    return tuple(changed)
