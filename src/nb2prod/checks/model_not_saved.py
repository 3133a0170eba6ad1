"""model-not-saved: a model is fitted and evaluated, and ends with the kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nb2prod.checks._figures_of_merit import tells_of_fit
from nb2prod.checks._networks import trained_networks
from nb2prod.diagnostics import Finding
from nb2prod.models import events, fitted_predictors, is_fitting
from nb2prod.operations import imports_any, operations
from nb2prod.writes import writes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.checks._networks import Training
    from nb2prod.models import Event


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
        if write.kind == "figure" or tells_of_fit(analysis, write.call):
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
