"""model-not-saved: a model is fitted and evaluated, and ends with the kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nb2prod.diagnostics import Finding
from nb2prod.models import events, fitted_predictors, is_fitting
from nb2prod.operations import imports_any, operations
from nb2prod.writes import writes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield one finding, at the last fit of a model that is put to use, where no model is saved."""
    if not analysis.once(is_fitting):
        return
    fits = fitted_predictors(analysis, events(analysis))
    if not fits or imports_any(analysis, operations().registries):
        return
    last = fits[-1]
    for write in writes(analysis):
        # Predictions may be all that is wanted of a model; a table written before the fit is none of them.
        if write.kind in ("model", "unknown") or (
            write.kind == "data" and write.location.cell is not None and write.location.cell >= fits[0].call.cell.index
        ):
            return
    others = len({fit.name for fit in fits} - {last.name})
    more = f" (nor {others} other model{'s' if others > 1 else ''})" if others else ""
    message = (
        f"`{last.name}` is fitted and put to use, and nothing saves it{more}: it is gone with the kernel; save the one "
        "that is meant to be used, with its version and its figures"
    )
    yield Finding(last.call.location, message)
