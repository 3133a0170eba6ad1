"""Whether a package's run is the notebook's run: counts, differences, and the verdict."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from nb2prod.verify.lines import Masked, compare_lines, unsettled_lines
from nb2prod.verify.tally import ROWS, Count, Found, Skipped, Tally
from nb2prod.verify.tolerance import DEFAULT, Tolerance
from nb2prod.verify.trace import OF_PROCESS
from nb2prod.verify.values import Difference

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence

    from nb2prod.verify.trace import Failure, Role, Trace, Value

Event = TypeVar("Event")

# What the package's own ``figures`` module writes, where the notebook showed a picture.
_OWN_FIGURE = re.compile(r"(^|/)figures/(cell-\d+|unfinished)-\d+\.png$")
# `/path/file.py:12: FutureWarning: text`, then the source line indented by two. The place is the
# kernel's own, the source line is formatted, and the package's modules are not `__main__`, so that
# Python shows fewer warnings there.
_WARNING = re.compile(r"^\S.*:\d+: \w*Warning: ?")
# Some warnings come with advice of a dozen lines.
_SOURCE_AFTER = 40
_UNCHANGED = {"generator": "as seeded", "setting": "as loaded"}
_NAMES = {"generator": "state of {}", "setting": "settings of {}"}


@dataclass(frozen=True, slots=True)
class Comparison:
    """A package's run held against the notebook's runs.

    steps      counts of values, a row for each step, in their order
    others     counts of printed lines, error output, displayed values, figures and files
    masked     printed lines that are the same save for an address, a clock, a duration, progress
    skipped    what differs between the notebook's own runs, and what cannot be compared
    """

    steps: tuple[Count, ...]
    others: tuple[Count, ...]
    differences: tuple[Found, ...]
    masked: tuple[Masked, ...]
    skipped: tuple[Skipped, ...]

    @property
    def compared(self) -> int:
        """The number of results that were compared."""
        return sum(row.compared for row in (*self.steps, *self.others))

    @property
    def total(self) -> int:
        """The number of results there were."""
        return sum(row.total for row in (*self.steps, *self.others))

    @property
    def nondeterministic(self) -> int:
        """The number of results that differ between the notebook's own runs."""
        return sum(row.nondeterministic for row in (*self.steps, *self.others))

    @property
    def share(self) -> float:
        """The compared share of all results, from 0 to 1; 0 where there were none."""
        return self.compared / self.total if self.total else 0.0

    @property
    def verdict(self) -> Literal["equal", "different", "nothing comparable"]:
        """Say how it came out; ``equal`` needs at least one compared result."""
        if self.differences:
            return "different"
        return "equal" if self.compared else "nothing comparable"


def compare_traces(
    first: Trace,
    second: Trace,
    package: Trace,
    tolerance: Tolerance = DEFAULT,
    *,
    more: Sequence[Trace] = (),
    now: datetime | None = None,
    called: str = "",
) -> Comparison:
    """Compare the notebook's two runs, and ``more`` of them, with that of the package ``called`` so.

    What differs between the notebook's runs is nondeterministic and not compared; what one side has
    and the other has not is a difference, save for the images the package saves of shown figures.
    """
    tally = Tally(tolerance)
    _failures(tally, first.failure, package.failure)
    traces = (first, package, second, *more)
    for name in dict.fromkeys(value.step for trace in (first, package) for value in trace.values):
        tally.count(name, of_step=True)
    changed, told = _changed(first) | _changed(package), _told(first)

    def says_something(value: Value) -> bool:
        if value.role in OF_PROCESS:
            return (value.step, value.role, value.name) in changed
        return value.role == "result" or value.name not in told

    tally.match(
        "value",
        lambda key, event: (key[0], event.cell, _NAMES.get(key[2], "{}").format(key[1])),
        *(
            _keyed(filter(says_something, trace.values), lambda value: (value.step, value.name, value.role))
            for trace in traces
        ),
    )
    _lines(tally, traces, now, called)
    tally.match(
        "displayed",
        lambda key, _: (None, key[0], f"display {key[1]}" if key[1] else "value"),
        *(_keyed(trace.displayed, lambda each: (each.cell, each.number)) for trace in traces),
    )
    tally.match(
        "figure",
        lambda key, _: (None, key[0], f"figure {key[1]}"),
        *(_keyed(trace.figures, lambda each: (each.cell, each.number)) for trace in traces),
    )
    tally.match(
        "file",
        lambda key, _: (None, None, key[0]),
        *(
            _keyed(
                (file for file in trace.files if trace is not package or not _OWN_FIGURE.search(file.path)),
                lambda file: (file.path,),
            )
            for trace in traces
        ),
    )
    return Comparison(
        tally.rows(of_step=True),
        tally.rows(of_step=False),
        tuple(tally.differences),
        tuple(tally.masked),
        tuple(tally.skipped),
    )


def _keyed(events: Iterable[Event], key: Callable[[Event], tuple[Any, ...]]) -> dict[Hashable, Event]:
    """Return the events by their key; where a key comes again its number is part of it."""
    seen: Counter[tuple[Any, ...]] = Counter()
    found: dict[Hashable, Event] = {}
    for event in events:
        own = key(event)
        seen[own] += 1
        found[(*own, seen[own])] = event
    return found


def _changed(trace: Trace) -> set[tuple[str, Role, str]]:
    """Return the steps in which a global generator was drawn from or seeded, or a library set otherwise.

    With the role and the library's name. In all other steps their state says nothing of the step; were it compared
    there, a package that does nothing would have something equal.
    """
    found = set()
    before: dict[tuple[str, str], str] = {}
    for value in trace.values:
        if value.role in OF_PROCESS:
            state = value.digest["value"]
            if state != before.get((value.role, value.name), _UNCHANGED[value.role]):
                found.add((value.step, value.role, value.name))
            before[value.role, value.name] = state
    return found


def _told(notebook: Trace) -> set[str]:
    """Return the arguments that are no variables of the notebook: values of its code the package can be told."""
    named = {value.name for value in notebook.values if value.digest["kind"] != "unbound"}
    return {value.name for value in notebook.values if value.role == "argument"} - named


def _failures(tally: Tally, notebook: Failure | None, package: Failure | None) -> None:
    if notebook is None and package is None:
        return
    row = tally.count(ROWS["failure"])
    left, right = ("no failure" if each is None else f"{each.kind}: {each.message}" for each in (notebook, package))
    if left == right:
        row["equal"] += 1
        return
    row["different"] += 1
    at = package or notebook
    step, cell = (at.step, at.cell) if at is not None else (None, None)
    tally.found("failure", step, cell, "the run", Difference("", left, right, "one run failed otherwise"))


def _lines(tally: Tally, traces: Sequence[Trace], now: datetime | None, called: str) -> None:
    first, package, *others = traces
    window = timedelta(minutes=5, seconds=sum(trace.seconds for trace in traces))
    varying = unsettled_lines(first.out, [other.out for other in others], now=now)
    match = compare_lines(first.out, package.out, now=now, window=window, without=varying, package=called)
    tally.lines("printed", match)
    errors, by_package, *by_others = (_without_warnings(trace.err) for trace in traces)
    varying = unsettled_lines(errors, by_others, now=now)
    # The package tells on standard error what the notebook displayed and which figures it saved.
    match = compare_lines(
        errors, by_package, now=now, window=window, without=varying, extra_allowed=True, package=called
    )
    tally.lines("error output", match)
    warned = len(first.err) - len(errors)
    if warned:
        tally.skipped.append(
            Skipped("error output", None, None, f"{warned} lines", "warnings say where they come from")
        )


def _without_warnings(lines: Sequence[str]) -> list[str]:
    """Return the lines without the warnings Python prints, each down to the source line it quotes."""
    kept: list[str] = []
    at = 0
    while at < len(lines):
        if _WARNING.match(lines[at]):
            at = _end_of_warning(lines, at)
        else:
            kept.append(lines[at])
        at += 1
    return kept


def _end_of_warning(lines: Sequence[str], at: int) -> int:
    """Return the number of a warning's last line: a message may have several, and then its source is quoted."""
    for end in range(at + 1, min(at + 1 + _SOURCE_AFTER, len(lines))):
        if _WARNING.match(lines[end]):
            break
        if lines[end].startswith("  ") and not lines[end].startswith("   "):
            return end
    return at
