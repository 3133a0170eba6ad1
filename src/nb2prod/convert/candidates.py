"""What could become a field of the configuration, and how much of it does."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from nb2prod.convert.knowledge import knowledge

if TYPE_CHECKING:
    import ast
    from collections.abc import Sequence

    from nb2prod.convert.plan import Parameter
    from nb2prod.dataflow.model import Statement


class Rank(IntEnum):
    """How much a reader wants to set a value from outside; the least comes first."""

    READ = 1
    WRITTEN = 2
    SPLIT = 3
    CONSTANT = 4
    VARIABLE = 5
    ARGUMENT = 6


@dataclass(frozen=True, slots=True)
class Candidate:
    """A value of the notebook that could become a field.

    statement  the assignment that would go; None where the value has no name in the notebook
    literals   where the field's name would stand in place of the value, each with its statement
    """

    rank: Rank
    parameter: Parameter
    statement: Statement | None = None
    literals: tuple[tuple[Statement, ast.expr], ...] = ()

    @property
    def place(self) -> tuple[int, int, int]:
        """Where the value is written first: statement, line, column."""
        statement, node = self.literals[0] if self.statement is None else (self.statement, self.statement.node)
        return statement.index, node.lineno, node.col_offset


def choose(candidates: Sequence[Candidate], fields: int) -> list[Candidate]:
    """Return the candidates that become fields beside ``fields`` others, in the notebook's order.

    A configuration that nobody reads to its end configures nothing: the limits are in
    ``rules/conversion.toml``.
    """
    known = knowledge()
    left = {Rank.VARIABLE: known.most_variables}
    literals = known.most_arguments
    chosen: list[Candidate] = []
    for each in sorted(candidates, key=lambda each: (each.rank, each.place)):
        is_literal = each.statement is None
        if fields + len(chosen) >= known.most_fields or (is_literal and not literals) or left.get(each.rank) == 0:
            continue
        chosen.append(each)
        literals -= is_literal
        if each.rank in left:
            left[each.rank] -= 1
    return sorted(chosen, key=lambda each: each.place)
