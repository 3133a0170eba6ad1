"""unseeded-random: random numbers are drawn before a seed is set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nb2prod.checks._draws import draws_of
from nb2prod.checks._seeding import seeding
from nb2prod.diagnostics import Finding, Related

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis, Call
    from nb2prod.checks._draws import Draws
    from nb2prod.diagnostics import Fix

# What seeds the one generator of a library.
_GLOBAL = frozenset({"random.seed", "numpy.random.seed", "torch.manual_seed", "tensorflow.random.set_seed"})


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield the first unseeded draw from each generator, and once a cell those that a seed can be passed to."""
    run = draws_of(analysis)
    for draws in run.unseeded.values():
        first, *more = draws
        alike: list[Call] = []
        elsewhere: dict[int, list[Call]] = {}
        for each in more:
            own = _takes_random_state(each) and each.cell is not first.cell
            (elsewhere.setdefault(each.cell.index, []) if own else alike).append(each)
        late = _late(run, first)
        every = seeding(analysis, draws, late)
        yield _finding(run, first, len(alike), every or seeding(analysis, [first, *alike], late))
        for found in elsewhere.values():
            yield _finding(run, found[0], len(found) - 1, every or seeding(analysis, found, None))


def _takes_random_state(call: Call) -> bool:
    """Whether a seed is passed to each such call by itself, as is usual with scikit-learn and pandas."""
    return call.info is not None and call.info.seed == "random_state"


def _late(run: Draws, draw: Call) -> Call | None:
    assert draw.info is not None  # noqa: S101 only known calls are known to draw
    return run.seeds.get(next(iter(draw.info.seeded_by), ""))


def _others(run: Draws, draw: Call) -> tuple[Related, ...]:
    """Return the seed of another library's generator above a draw, which somebody may have meant for it."""
    above = (each for each in run.seeds.values() if each.statement.index < draw.statement.index)
    found = next((each for each in above if each.qualified_name in _GLOBAL), None)
    return () if found is None else (Related(found.location, f"`{found.name}` seeds another generator"),)


def _finding(run: Draws, first: Call, more: int, fix: Fix | None) -> Finding:
    assert first.info is not None  # noqa: S101 only known calls are known to draw
    message = f"`{first.name}` draws random numbers, and no seed makes them the same again"
    cures = [f"pass `{first.info.seed}`"] if first.info.seed else []
    cures += [f"call `{seeder}` before" for seeder in first.info.seeded_by if seeder != "self"][:1]
    message += f"; {' or '.join(cures)}" if cures else ""
    late = _late(run, first)
    related = (Related(late.location, "this seed is set after the draw"),) if late else _others(run, first)
    if more:
        message += f" ({more} more call{'s' if more > 1 else ''} like it)"
    return Finding(first.location, message, related, fix)
