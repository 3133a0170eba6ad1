"""shuffled-time-split: rows that follow each other in time are split at random."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nb2prod.diagnostics import Finding
from nb2prod.learning import history

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.learning.values import Data


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield the random splits of data that goes by time."""
    past = history(analysis)
    found = [(split.place, split.inputs) for split in past.splits if split.shuffled and past.is_evaluated(split)]
    found += [
        (call.place, tuple(each for each in (call.x, call.y) if each is not None))
        for call in past.cross_validations
        if call.shuffled
    ]
    for place, inputs in found:
        reason = next((reason for data in inputs if (reason := _goes_by_time(data))), None)
        if reason is not None:
            yield Finding(
                place.location,
                f"{reason} and are split at random, so the model knows the days after those it is tested on; keep the "
                "order (`shuffle=False`, a date to cut at, `TimeSeriesSplit`)",
            )


def _goes_by_time(data: Data) -> str | None:
    """Return how the notebook shows that the order of rows means something; None where it does not."""
    if "dated" in data.traits:
        return "the rows go by time (their index holds dates, or they are sorted by one)"
    if "lagged" not in data.traits:
        return None
    columns = data.columns
    if columns is None or not columns.table.lagged:
        return "the rows hold values of the rows before or after them"
    names = sorted(str(name) for name in columns.table.lagged if columns.has(name))
    return f"the rows hold values of their neighbours (`{names[0]}`)" if names else None
