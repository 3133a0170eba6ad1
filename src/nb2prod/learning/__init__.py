"""What a notebook learns from which rows: its splits, fits and evaluations, followed through its values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nb2prod.learning.history import History
from nb2prod.learning.knowledge import knowledge

if TYPE_CHECKING:
    from nb2prod.analysis import Analysis

# All that is recorded takes one of these.
_WORDS = ("fit", "cross_val", "train")

__all__ = ["History", "history"]


def history(analysis: Analysis) -> History:
    """Return what the notebook does with its data; nothing for one that imports no library of learning."""
    return analysis.once(_follow)


def _follow(analysis: Analysis) -> History:
    if not (_fits(analysis) and _learns(analysis)):
        return History()
    from nb2prod.learning.run import follow  # noqa: PLC0415 only these notebooks pay for it

    return follow(analysis)


def _fits(analysis: Analysis) -> bool:
    """Whether anything may be fitted, split or scored: most notebooks are done here."""
    return analysis.mentions(*_WORDS)


def _learns(analysis: Analysis) -> bool:
    imported = {
        definition.qualified.partition(".")[0]
        for statement in analysis.statements()
        for definition in statement.definitions
        if definition.kind == "import" and definition.qualified is not None
    }
    return bool(imported) and not imported.isdisjoint(knowledge().libraries)
