"""What a statement's result depends on: whether a saved output still follows from the notebook as written."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nb2prod.libraries import UNKNOWN, effects_given

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from nb2prod.analysis import Analysis, Call
    from nb2prod.dataflow.flow import Flow
    from nb2prod.dataflow.model import Definition, Statement

# Calls of objects nobody knows that draw random numbers, by their names.
_DRAWS = re.compile(r"rand|shuffle|(?<!re)sample|permut|choice|rvs|bootstrap", re.IGNORECASE)
_SEEDS = ("random_state", "random_seed", "seed")
_LEARNS = re.compile(r"fit|train|compile|minimi[sz]e|optimi[sz]e|learn", re.IGNORECASE)
_EXACT = ("sklearn.preprocessing.", "sklearn.impute.", "sklearn.feature_extraction.")
_OUTSIDE = frozenset({"clock", "input", "network", "shell"})


@dataclass(frozen=True, slots=True)
class Slice:
    """The statements a statement's result comes from, itself among them.

    indices  of the statements
    same     the saved run took the same values for all of them, in the same order
    random   it draws random numbers and nothing makes them the same again
    learnt   it fits or simulates something: its figures differ a little between versions of the libraries
    outside  it depends on the time, on somebody's input, on the network or on another program
    """

    indices: frozenset[int]
    same: bool
    random: bool
    learnt: bool
    outside: bool


@dataclass(slots=True)
class Slices:
    """The slices of a notebook's statements, each computed once."""

    analysis: Analysis
    _calls: dict[int, list[Call]] = field(default_factory=dict)
    _traits: dict[int, tuple[bool, bool, bool]] = field(default_factory=dict)
    _seeders: tuple[Call, ...] = ()
    _in_order: bool = False

    def __post_init__(self) -> None:
        """Sort the notebook's calls by statement, and see whether the saved run was the written one."""
        for call in self.analysis.calls():
            self._calls.setdefault(call.statement.index, []).append(call)
        self._seeders = tuple(self.analysis.calls({"seed"}))
        counts = [statement.cell.execution_count for statement in self.analysis.statements()]
        distinct = list(dict.fromkeys(counts))
        self._in_order = None not in counts and distinct == sorted(distinct, key=lambda count: count or 0)

    def of(self, statement: Statement) -> Slice:
        """Return what the result of ``statement`` depends on."""
        written, same = self._closure(statement)
        traits = [self._trait(index) for index in sorted(written)]
        return Slice(
            frozenset(written),
            same,
            any(random for random, _, _ in traits),
            any(learnt for _, learnt, _ in traits),
            any(outside for _, _, outside in traits),
        )

    def is_open(self, statement: Statement, settled: Collection[int] = ()) -> bool:
        """Return whether the result of ``statement`` depends on chance, or on anything outside.

        settled  statements whose values are given
        """
        traits = [self._trait(index) for index in self.of(statement).indices if index not in settled]
        return any(random or outside for random, _, outside in traits)

    def _closure(self, statement: Statement) -> tuple[set[int], bool]:
        flow, recorded = self.analysis.flow, self.analysis.recorded
        seen = {statement.index}
        waiting = [statement]
        same = recorded is not None
        while waiting:
            current = waiting.pop()
            same = same and current.cell.execution_count is not None
            for use in current.uses:
                if not isinstance(use.node, ast.Name):
                    continue  # a word in a string may be a column
                found = flow.reaching(use)
                if recorded is not None and recorded is not flow:
                    same = same and _alike(found, recorded.reaching(use))
                for definition in found:
                    if definition.statement not in seen:
                        seen.add(definition.statement)
                        waiting.append(self.analysis.statements()[definition.statement])
        if same and recorded is not None and recorded is not flow:
            same = _order(recorded, seen, self.analysis) == _order(flow, seen, self.analysis)
        return seen, same

    def _trait(self, index: int) -> tuple[bool, bool, bool]:
        if index not in self._traits:
            calls = self._calls.get(index, [])
            self._traits[index] = (
                any(self._is_random(call) for call in calls),
                any(self._is_fit(call) for call in calls) or (self._is_body(index) and any(map(_draws, calls))),
                any(not _OUTSIDE.isdisjoint(_surely(call)) for call in calls),
            )
        return self._traits[index]

    def _is_body(self, index: int) -> bool:
        """Return whether a statement is a function or a class: what it draws is part of something larger."""
        return any(each.kind in ("function", "class") for each in self.analysis.statements()[index].definitions)

    def _is_own(self, call: Call) -> bool:
        """Return whether a call is of a function of the notebook."""
        use = self.analysis.use_at(call.node.func)
        return use is not None and any(each.kind in ("function", "class") for each in self.analysis.flow.reaching(use))

    def _is_fit(self, call: Call) -> bool:
        """Return whether a call fits a model, or asks one; scaling and encoding come out the same everywhere."""
        if call.info is None:
            return not self._is_own(call) and bool(_LEARNS.search(call.name.rpartition(".")[2]))
        # The name of its class: methods are listed where they are inherited from.
        name = call.qualified_name or call.info.qualified_name
        return not call.effects.isdisjoint({"fit", "predict"}) and not name.startswith(_EXACT)

    def _is_random(self, call: Call) -> bool:
        """Return whether a call draws what a later run would not draw again."""
        info = call.info
        if info is None and self._is_own(call):
            return False  # what its body calls is part of the slice
        if info is None:
            return bool(_DRAWS.search(call.name.rpartition(".")[2])) and not any(
                _is_seed(call.arguments.get(name)) for name in _SEEDS
            )
        if "random" not in info.effects or "random" not in effects_given(info, _values(call), if_unknown=True):
            return False
        if info.seed and _is_seed(call.arguments.get(info.seed)):
            return False
        seeders = (each for each in self._seeders if each.statement.index <= call.statement.index)
        seeded = {name for each in seeders if each.info is not None for name in each.info.seeds}
        # What a global generator draws depends on every draw before.
        return not (self._in_order and not seeded.isdisjoint(info.seeded_by))


def _is_seed(argument: ast.expr | None) -> bool:
    return argument is not None and not (isinstance(argument, ast.Constant) and argument.value is None)


def _draws(call: Call) -> bool:
    return "random" in call.effects


def _surely(call: Call) -> frozenset[str]:
    """Return the effects a call has for sure, whatever the arguments nobody knows."""
    return frozenset() if call.info is None else effects_given(call.info, _values(call), if_unknown=False)


def _values(call: Call) -> Mapping[str, object]:
    return {name: value.value if isinstance(value, ast.Constant) else UNKNOWN for name, value in call.arguments.items()}


def _alike(written: tuple[Definition, ...], recorded: tuple[Definition, ...]) -> bool:
    """Return whether two runs read the same; an import is the same whenever it ran."""
    if any(each.kind == "import" for each in written):
        return True
    return set(written) == set(recorded)


def _order(flow: Flow, indices: set[int], analysis: Analysis) -> list[int]:
    statements = analysis.statements()
    stable = ("import", "function", "class")
    return [
        each.index
        for each in flow.order
        if each.index in indices
        and not (each.definitions and all(one.kind in stable for one in statements[each.index].definitions))
    ]
