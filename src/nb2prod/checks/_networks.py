"""Networks that are trained step by step, by a loop of the notebook's own."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.literals import written_value
from nb2prod.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis, Call

# What every such loop has in it.
_BACKWARD = ".backward("


class Training(NamedTuple):
    """A network, by its variable, and the call that changes it: ``optimizer.step()``."""

    name: str
    call: Call


def trained_networks(analysis: Analysis) -> list[Training]:
    """Return the networks that loops of cells train and later cells put to use, by their last step."""
    if not analysis.mentions(_BACKWARD):
        return []
    last = {each.name: each for each in _steps(analysis)}
    return [each for each in last.values() if _is_used_below(analysis, each)]


def _steps(analysis: Analysis) -> Iterator[Training]:
    for call in analysis.calls():
        match call.node.func:
            case ast.Attribute(attr="step", value=ast.Name() as optimizer) if not call.deferred:
                match written_value(analysis, optimizer):
                    case ast.Call(args=[ast.Call(func=ast.Attribute(attr="parameters", value=ast.Name(id=name))), *_]):
                        yield Training(name, call)
                    case _:
                        pass
            case _:
                pass


def _is_used_below(analysis: Analysis, training: Training) -> bool:
    """Whether a cell below, or the rest of this one, asks the network for something."""
    return any(
        isinstance(call.node.func, ast.Name)
        and call.node.func.id == training.name
        and call.statement.index > training.call.statement.index
        for call in analysis.calls()
    )
