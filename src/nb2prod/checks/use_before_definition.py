"""use-before-definition: a run from top to bottom stops because every definition of a name stands further down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nb2prod.dataflow.handed import handed_names
from nb2prod.diagnostics import Finding, Related, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.dataflow.unbound import Unbound


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield each name whose first sure read comes before its first definition, where the run would stop."""
    known = {unbound.name for unbound in analysis.unbound()}
    yield from (_finding(each, "called") for each in analysis.unbound() if each.cause == "later")
    for each in handed_names(analysis.notebook, analysis.flow):
        if each.name not in known and each.cause == "later":
            # Without a row to call it for, nothing happens.
            yield _finding(each, "handed over")._replace(severity=Severity.WARNING)


def _finding(unbound: Unbound, how: str) -> Finding:
    name, definition = unbound.name, unbound.definition
    related: tuple[Related, ...] = ()
    where = "further down"
    if definition is not None:
        same = definition.cell is (unbound.call or unbound.use).cell
        where = "further down in this cell" if same else f"in cell {definition.cell.index}"
        related = (Related(definition.location, f"`{name}` is first defined here"),)
    if unbound.call is None:
        message = f"`{name}` is read here and first defined {where}"
    else:
        message = f"`{unbound.call.name}` is {how} here and reads `{name}`, which is first defined {where}"
        related = (*related, Related(unbound.use.location, f"`{name}` is read here"))
    if unbound.others:
        message += f"; {len(unbound.others)} more use{'s' if len(unbound.others) > 1 else ''} before that"
    return Finding((unbound.call or unbound.use).location, message, related)
