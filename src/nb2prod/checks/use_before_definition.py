"""use-before-definition: a run from top to bottom stops because every definition of a name stands further down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nb2prod.diagnostics import Finding, Related

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield each name whose first sure read comes before its first definition, where the run would stop."""
    for unbound in analysis.unbound():
        if unbound.cause != "later" or unbound.definition is None:
            continue
        name, definition = unbound.name, unbound.definition
        same = definition.cell is (unbound.call or unbound.use).cell
        where = "further down in this cell" if same else f"in cell {definition.cell.index}"
        related = [Related(definition.location, f"`{name}` is first defined here")]
        if unbound.call is None:
            message = f"`{name}` is read here and first defined {where}"
        else:
            message = f"`{unbound.call.name}` is called here and reads `{name}`, which is first defined {where}"
            related.append(Related(unbound.use.location, f"`{name}` is read here"))
        if unbound.others:
            message += f"; {len(unbound.others)} more use{'s' if len(unbound.others) > 1 else ''} before that"
        yield Finding((unbound.call or unbound.use).location, message, tuple(related))
