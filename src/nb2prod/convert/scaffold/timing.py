"""How long code takes, measured as the notebook did with ``%timeit -o``."""

from __future__ import annotations

import math
import timeit
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# A run is long enough to be measured from here on, in seconds.
_LONG_ENOUGH = 0.2
_MOST_POWERS = 10


class TimeitResult:
    """What was measured, with the attributes notebooks read from it.

    loops, repeat  how often the code ran in each run, and how many runs there were
    all_runs       the seconds of each run
    timings        the seconds of one time the code ran, for each run; ``best`` and ``worst`` of them
    """

    def __init__(self, loops: int, all_runs: Sequence[float]) -> None:
        """Take the seconds of each run of ``loops`` times."""
        self.loops, self.repeat, self.all_runs = loops, len(all_runs), list(all_runs)
        self.timings = [seconds / loops for seconds in all_runs]
        self.best, self.worst = min(self.timings), max(self.timings)

    @property
    def average(self) -> float:
        """The mean of the timings."""
        return math.fsum(self.timings) / len(self.timings)

    @property
    def stdev(self) -> float:
        """The standard deviation of the timings."""
        return math.sqrt(math.fsum((each - self.average) ** 2 for each in self.timings) / len(self.timings))

    def __str__(self) -> str:
        """Return what the notebook prints."""
        runs, loops = "" if self.repeat == 1 else "s", "" if self.loops == 1 else "s"
        return (
            f"{_duration(self.average)} ± {_duration(self.stdev)} per loop "
            f"(mean ± std. dev. of {self.repeat} run{runs}, {self.loops:,} loop{loops} each)"
        )

    def __repr__(self) -> str:
        """Return what the notebook displays."""
        return f"<TimeitResult : {self}>"


def measure_time(code: Callable[[], object], *, loops: int = 0, repeat: int = 7, quiet: bool = False) -> TimeitResult:
    """Run ``code`` again and again and return how long it takes; print it too, unless ``quiet``.

    ``loops`` of 0: as many as take long enough to be measured.
    """
    timer = timeit.Timer(code)
    for power in range(0 if loops else _MOST_POWERS):
        loops = 10**power
        if timer.timeit(loops) >= _LONG_ENOUGH:
            break
    result = TimeitResult(loops, timer.repeat(repeat, loops))
    if not quiet:
        print(result)
    return result


def _duration(seconds: float) -> str:
    """Return a duration with three digits and its unit."""
    for unit, scale in (("s", 1), ("ms", 1e3), ("μs", 1e6)):
        if seconds * scale >= 1:
            return f"{seconds * scale:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"
