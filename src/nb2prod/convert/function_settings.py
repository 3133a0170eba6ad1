"""Constants that functions read: fields of the configuration where every caller can hand them over.

A function at module level keeps the constants it reads beside it. Whether it could take them as arguments instead,
all calls considered, only the passes can say: they are run once more with the constants asked for, and the outcome
counts if no function is lost by it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from nb2prod.convert.plan import Function, Plan

# A function that would take more than this besides its own arguments reads better with its constants.
_MOST_ARGUMENTS = 3
_MOST_TRIALS = 3


def ask_for_constants(plan: Plan, done: Plan, passed: Callable[[Plan], Plan]) -> Plan:
    """Return the plan with the constants of functions in the configuration, as far as nothing else suffers.

    plan    before the passes
    done    after them
    passed  runs them
    """
    asked = frozenset(each.name for each in done.functions if each.kind == "constant" and each.name.isupper())
    for _ in range(_MOST_TRIALS):
        if not asked:
            break
        trial = passed(replace(plan, asked=asked))
        given = {each.name for each in trial.parameters}
        stay = {each.name: each for each in trial.functions}
        suffering = [
            each
            for each in done.functions
            if each.name not in asked and (each.name not in stay or _takes_too_much(stay[each.name], asked))
        ]
        if asked <= given and not suffering and len(trial.refusals) == len(done.refusals):
            return trial
        read = {use.name for each in suffering for use in each.moved.statement.uses}
        kept = (asked & given) - _reached(read, done)
        if kept == asked:
            break
        asked = kept
    return done


def _takes_too_much(function: Function, asked: frozenset[str]) -> bool:
    return not asked.isdisjoint(function.lifted) and len(function.lifted) > _MOST_ARGUMENTS


def _reached(names: set[str], plan: Plan) -> set[str]:
    """Return what functions of these names read, and what those read that they call, with the names themselves."""
    reads = {each.name: {use.name for use in each.moved.statement.uses} for each in plan.functions}
    found, waiting = set(names), list(names)
    while waiting:
        new = reads.get(waiting.pop(), set()) - found
        found |= new
        waiting.extend(new)
    return found
