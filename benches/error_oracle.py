"""Holds what `undefined-name` and `use-before-definition` report against what an interpreter does.

    python benches/error_oracle.py [--programs N] [--seed S]

Every generated program is run cell by cell from top to bottom on its paths (up to a bound); a cell that
fails is left there and the next goes on. A finding is refuted if

- a name that "is defined nowhere" ever has a value in the notebook (where something is imported with a star:
  up to that cell), or
- a cell that reads a name too early, or after its deletion, comes to its end.

That a read fails where only its own statement binds the name (``count = count + 1``, another branch)
is what `dataflow_oracle.py` compares. A loop has a first round here, as the page of
`use-before-definition` says. Exit code 1 if a finding is refuted.
"""

from __future__ import annotations

import argparse
import builtins
import sys
import types
import warnings
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kernel_oracle import choose, drive, every_path, notebook_of
from programs import FLAGS, programs

from nb2prod.analysis import analyse_notebook

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence
    from types import CodeType

    from programs import Program

    from nb2prod.analysis import Analysis
    from nb2prod.dataflow.unbound import Unbound

_RULES = {
    "nowhere": "undefined-name",
    "deleted": "undefined-name, deleted",
    "itself": "undefined-name, its own",
    "later": "use-before-definition",
}
_PATHS = 24
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Claim:
    """What a finding says: the cell (from 0) that it stands in cannot come to its end, because of ``name``."""

    name: str
    cause: str
    cell: int


def claims_of(program: Program) -> tuple[Claim, ...]:
    """Return what the analysis reports of a program."""
    analysis = analyse_notebook(notebook_of(program.cells))
    unbound = analysis.unbound()
    return tuple(Claim(each.name, _cause(each, analysis), _cell(each)) for each in unbound)


def _cause(unbound: Unbound, analysis: Analysis) -> str:
    own = analysis.statements()[unbound.use.statement]
    binds = any(each.name == unbound.name and each.kind not in ("mutate", "delete") for each in own.definitions)
    return "itself" if unbound.cause == "nowhere" and binds else unbound.cause


def _cell(unbound: Unbound) -> int:
    return (unbound.call or unbound.use).cell.index - 1


def refuted(program: Program, claims: Sequence[Claim], confirmed: Counter[str]) -> set[Claim]:
    """Run ``program``; return the claims that do not hold, and count those a NameError confirms."""
    codes = [compile(cell, str(number), "exec", FLAGS, dont_inherit=True) for number, cell in enumerate(program.cells)]
    wrong: set[Claim] = set()
    stopped: set[Claim] = set()
    every_path(lambda: _run(codes, claims, wrong, stopped), _PATHS)
    confirmed.update(claim.cause for claim in stopped)
    return wrong


def _rounds() -> Iterator[int]:
    yield 1
    if choose():
        yield 2


async def _around() -> AsyncIterator[int]:
    for value in _rounds():
        yield value


def _run(codes: Sequence[CodeType], claims: Sequence[Claim], wrong: set[Claim], stopped: set[Claim]) -> None:
    stars = any("names" in code.co_names for code in codes)
    names: dict[str, Any] = {"__name__": "__main__", "__builtins__": builtins}
    harness = vars(sys.modules["harness"])
    harness.update(some=_rounds, asome=_around, pairs=lambda: ((value, (value)) for value in _rounds()))
    all_came_through = True
    for number, code in enumerate(codes):
        failure: Exception | None = None
        try:
            value = eval(code, names)  # noqa: S307 - our own programs
            if isinstance(value, types.CoroutineType):
                drive(value)
        except Exception as error:  # noqa: BLE001 - programs fail as they like
            failure = error
        for claim in claims:
            # A star import further down may bring the name, too late.
            if claim.cause == "nowhere" and claim.name in names and (number <= claim.cell or not stars):
                wrong.add(claim)
            if claim.cell != number:
                continue
            # A deletion that an earlier failure skipped has not happened.
            if failure is None and (claim.cause == "later" or (claim.cause == "deleted" and all_came_through)):
                wrong.add(claim)
            if isinstance(failure, NameError) and failure.name == claim.name:
                stopped.add(claim)
        all_came_through = all_came_through and failure is None


def main() -> int:
    """Print the table; return the exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--programs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    made: Counter[str] = Counter()
    confirmed: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # coroutines nobody awaits
        for program in programs(options.programs, options.seed):
            claims = claims_of(program)
            made.update(claim.cause for claim in claims)
            for claim in refuted(program, claims, confirmed):
                wrong[claim.cause] += 1
                if wrong[claim.cause] <= _SHOWN:
                    print("\n# next cell\n".join(program.cells), claim, sep="\n", end="\n\n")
    print(f"{'finding':<26} {'findings':>8} {'confirmed':>10} {'refuted':>8}")
    for cause, rule in _RULES.items():
        print(f"{rule:<26} {made[cause]:>8} {confirmed[cause]:>10} {wrong[cause]:>8}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
