"""target-among-features: the column to be predicted, or one made of it, is among the features."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nb2prod.diagnostics import Finding, Related
from nb2prod.learning import history

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.learning.values import Data, Fit

_MODELS = frozenset({"model", "unknown"})


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield the fits that are given the answer, one for each target."""
    seen: set[object] = set()
    for fit in history(analysis).fits:
        if fit.kind not in _MODELS or fit.y is None:
            continue
        found = _leak(fit.x, fit.y)
        if found is None or found[0] in seen:
            continue
        if fit.model is not None and fit.model.takes is not None and found[0] not in fit.model.takes:
            continue
        seen.add(found[0])
        message = f"the features of `{fit.name}` hold {found[1]}; drop it from the features, or the score means nothing"
        yield Finding(fit.place.location, message, _related(fit))


def _related(_: Fit) -> tuple[Related, ...]:
    return ()


def _leak(x: Data, y: Data) -> tuple[object, str] | None:
    """Return the column that gives the target away, and how; None where none surely does."""
    if x.columns is None or y.columns is None or x.columns.table is not y.columns.table:
        return None
    target = y.columns.one()
    if target is None:
        return None
    if x.columns.has(target):
        what = f"`{target}`" if isinstance(target, str) else f"column number {target}"
        return target, f"{what}, which is the target"
    made_of = x.columns.table.made_of
    if not isinstance(target, str):
        return None
    source = made_of.get(target)
    if source is not None and x.columns.has(source):
        return target, f"`{source}`, of which the target `{target}` is made"
    copy = next((name for name, source in made_of.items() if source == target and x.columns.has(name)), None)
    return None if copy is None else (target, f"`{copy}`, which is made of the target `{target}`")
