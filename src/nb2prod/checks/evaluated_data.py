"""evaluated-data: `eval` is handed to a call that runs it on values of data."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.diagnostics import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis

_EVALUATORS = frozenset({"eval", "exec"})


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield the first place of each cell where the builtin is an argument, or a value of a dictionary."""
    if not analysis.mentions(*_EVALUATORS):
        return
    for cell in analysis.notebook.code_cells:
        if cell.tree is None or not any(word in cell.source for word in _EVALUATORS):
            continue
        given = [
            each
            for call in analysis.nodes_of(cell.tree, ast.Call)
            for each in (*call.args, *(keyword.value for keyword in call.keywords))
        ]
        given += [each for mapping in analysis.nodes_of(cell.tree, ast.Dict) for each in mapping.values]
        handed = [each for each in given if _is_evaluator(analysis, each)]
        for node in sorted(handed, key=lambda each: (each.lineno, each.col_offset))[:1]:
            yield Finding(
                cell.locate(node),
                f"`{ast.unparse(node)}` runs whatever stands in the data as code: read values with "
                "`ast.literal_eval`, or `json.loads`",
            )


def _is_evaluator(analysis: Analysis, node: ast.expr) -> bool:
    """Whether ``node`` is Python's own ``eval`` or ``exec``, and no function of the notebook under that name."""
    if not (isinstance(node, ast.Name) and node.id in _EVALUATORS):
        return False
    return analysis.qualified_name(node) == f"builtins.{node.id}"
