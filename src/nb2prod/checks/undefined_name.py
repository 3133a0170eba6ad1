"""undefined-name: a name is read that no cell defines, or that was deleted before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nb2prod.checks.lost_definition import lost_use
from nb2prod.dataflow.names import name_table
from nb2prod.diagnostics import Finding, Related

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.dataflow.unbound import Unbound


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield each undefined name once, where it is read first; what `lost-definition` explains is left to it."""
    for unbound in analysis.unbound():
        if unbound.cause == "later" or lost_use(analysis, unbound) is not None:
            continue
        related: tuple[Related, ...] = ()
        if unbound.cause == "deleted" and unbound.definition is not None:
            message = f"`{unbound.name}` was deleted in cell {unbound.definition.cell.index}"
            related = (Related(unbound.definition.location, f"`{unbound.name}` is deleted here"),)
        else:
            message = _message(analysis, unbound)
        if unbound.others:
            message += f"; {len(unbound.others)} more use{'s' if len(unbound.others) > 1 else ''}"
        yield Finding(unbound.use.location, message, related)


def _message(analysis: Analysis, unbound: Unbound) -> str:
    name, use = unbound.name, unbound.use
    owner = f"`{name}`, which `{use.owner}` reads," if use.deferred and use.owner else f"`{name}`"
    if name == "__file__":
        return f"{owner} does not exist in a notebook"
    if name in name_table().python2:
        return f"{owner} exists in Python 2 only"
    if any(each.name == name and each.kind != "mutate" for each in analysis.statements()[use.statement].definitions):
        return f"{owner} is read before it has a value, and no other statement gives it one"
    message = f"{owner} is defined nowhere in this notebook"
    return (
        message if not use.deferred or _is_used(analysis, unbound) else f"{message}; nothing here calls `{use.owner}`"
    )


def _is_used(analysis: Analysis, unbound: Unbound) -> bool:
    """Whether the function or class that reads the name is used anywhere; a lambda without a name is."""
    owner = unbound.use.owner
    return owner is None or any(
        use.name == owner and use.owner != owner for statement in analysis.statements() for use in statement.uses
    )
