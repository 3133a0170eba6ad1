"""target-among-features: the column to be predicted, or one made of it, is among the features."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nb2prod.diagnostics import Finding, Related
from nb2prod.learning import history

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.learning.columns import Columns
    from nb2prod.learning.values import Data, Fit

_MODELS = frozenset({"model", "unknown"})


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield the fits that are given the answer, one for each target."""
    seen: set[object] = set()
    for fit in history(analysis).fits:
        if fit.kind not in _MODELS or fit.y is None:
            continue
        found = _leak(fit.x, fit.y, number=_is_regressor(analysis, fit))
        if found is None or found[0] in seen:
            continue
        if fit.model is not None and fit.model.takes is not None and found[0] not in fit.model.takes:
            continue
        seen.add(found[0])
        message = f"the features of `{fit.name}` hold {found[1]}; drop it from the features, or the score means nothing"
        place = fit.x.columns.place if fit.x.columns is not None else None
        related = (Related(place.location, "the features are chosen here"),) if place is not None else ()
        yield Finding(fit.place.location, message, related)


def _is_regressor(analysis: Analysis, fit: Fit) -> bool:
    """Whether what is fitted takes numbers alone for a target."""
    models = () if fit.model is None else (fit.model, *fit.model.parts)
    return any("sklearn.base.RegressorMixin" in analysis.libraries.ancestors(each.qualified or "") for each in models)


def _leak(x: Data, y: Data, *, number: bool) -> tuple[object, str] | None:
    """Return the column that gives the target away, and how; None where none surely does.

    ``number``: the target is known to be one.
    """
    if x.columns is None or y.columns is None or x.columns.table is not y.columns.table:
        return None
    target = y.columns.one()
    if target is None:
        return None
    if x.columns.has(target, number=number):
        what = f"`{target}`" if isinstance(target, str) else f"column number {target}"
        return target, f"{what}, which is the target"
    return _made(x.columns, target) if isinstance(target, str) else None


def _made(features: Columns, target: str) -> tuple[object, str] | None:
    """Return the feature that the target is made of, or that is made of the target."""
    table = features.table
    source = table.made_of.get(target)
    if source is not None and features.has(source):
        return target, f"`{source}`, of which the target `{target}` is made"
    copies = [name for name, source in table.made_of.items() if source == target]
    copies += [name for name, sources in table.mixed.items() if target in sources]
    copy = next((name for name in copies if features.has(name)), None)
    if copy is not None:
        return target, f"`{copy}`, which is made of the target `{target}`"
    if target in table.ahead:
        later = next((name for name in sorted(map(str, table.ahead)) if name != target and features.has(name)), None)
        if later is not None:
            return target, f"`{later}`, which like the target `{target}` holds values of rows that come later"
    return None
