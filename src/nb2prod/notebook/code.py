"""Code cells: the saved source with its magics masked, parsed once for everyone."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from nb2prod.notebook.magics import blanked, mask
from nb2prod.notebook.model import CodeCell
from nb2prod.notebook.parse import parse_code

if TYPE_CHECKING:
    from collections.abc import Mapping
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
) -> CodeCell:
    """Return the code cell with its magics found and its Python parsed.

    A cell of another language (``is_python`` false) has no Python: an empty tree and no magics.
    """
    if is_python:
        python, magics = mask(source)
        tree, problem = parse_code(python)
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
