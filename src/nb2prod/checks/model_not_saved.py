"""model-not-saved: a model is fitted and evaluated, and ends with the kernel."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.checks._networks import trained_networks
from nb2prod.diagnostics import Finding
from nb2prod.models import events, fitted_predictors, is_fitting
from nb2prod.notebook.tree import nodes
from nb2prod.operations import imports_any, operations
from nb2prod.writes import writes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis, Call
    from nb2prod.checks._networks import Training
    from nb2prod.models import Event

# What a fit leaves beside the model.
_COURSE = frozenset({"best_params_", "best_score_", "cv_results_", "feature_importances_", "history"})


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield one finding, at the last fit of a model that is put to use, where no model is saved."""
    networks = trained_networks(analysis)
    if not networks and not analysis.once(is_fitting):
        return
    fits: list[Event | Training] = [*fitted_predictors(analysis, events(analysis)), *networks]
    if not fits or imports_any(analysis, operations().registries):
        return
    fits.sort(key=lambda fit: fit.call.statement.index)
    last = fits[-1]
    for write in writes(analysis):
        # Predictions may be all that is wanted of a model; a table written before the fit is none of them.
        if write.kind == "figure" or _tells_of_fit(write.call):
            continue
        if write.kind != "data" or (write.location.cell or 0) >= fits[0].call.cell.index:
            return
    others = len({fit.name for fit in fits} - {last.name})
    more = f" (nor {others} other model{'s' if others > 1 else ''})" if others else ""
    message = (
        f"`{last.name}` is fitted and put to use, and nothing saves it{more}: it is gone with the kernel; save the one "
        "that is meant to be used, with its version and its figures"
    )
    yield Finding(last.call.location, message)


def _tells_of_fit(call: Call | None) -> bool:
    """Whether what is written is how the fit went, or what it chose: no prediction, and no model."""
    if call is None:
        return False
    if call.name == "open" and isinstance(call.statement.node, ast.With):
        inside = [each for part in call.statement.node.body for each in nodes(part) if isinstance(each, ast.Call)]
        return any(_is_course(argument) for each in inside for argument in each.args)
    owner = [call.node.func.value] if isinstance(call.node.func, ast.Attribute) else []
    return any(_is_course(each) for each in (*call.node.args, *owner))


def _is_course(node: ast.expr) -> bool:
    """Whether an expression is what a fit leaves, some of it, or a table of it: `pd.DataFrame(history.history)`."""
    while isinstance(node, (ast.Subscript, ast.Call)):
        if isinstance(node, ast.Call) and not node.args:
            return False
        node = node.value if isinstance(node, ast.Subscript) else node.args[0]
    return isinstance(node, ast.Attribute) and node.attr in _COURSE
