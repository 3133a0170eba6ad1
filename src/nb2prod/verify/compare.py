"""Whether a package's run is the notebook's run: counts, differences, and the verdict."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from nb2prod.verify.description import describe
from nb2prod.verify.lines import LineDifference, LineMatch, Masked, compare_lines, varying_lines
from nb2prod.verify.tolerance import DEFAULT, Tolerance
from nb2prod.verify.values import Difference, Incomparable, Match, compare_values, match_values

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence

    from nb2prod.verify.trace import Digest, Failure, Trace, Value

__all__ = [
    "Comparison", "Count", "Difference", "Found", "Incomparable", "Skipped", "Tolerance", "compare_lines",
    "compare_traces", "compare_values",
]  # fmt: skip

Kind = Literal["value", "printed", "error output", "displayed", "figure", "file", "failure"]
Event = TypeVar("Event")

# What the package's own ``figures`` module writes, where the notebook showed a picture.
_OWN_FIGURE = re.compile(r"(^|/)figures/(cell-\d+|unfinished)-\d+\.png$")
# `/path/file.py:12: FutureWarning: text`, then the source line indented by two. The place is the
# kernel's own, the source line is formatted, and the package's modules are not `__main__`, so that
# Python shows fewer warnings there.
_WARNING = re.compile(r"^\S.*:\d+: \w*Warning: ?")
_SOURCE_AFTER = 12
_AS_SEEDED = "as seeded"


@dataclass(frozen=True, slots=True)
class Found:
    """A difference between the notebook and the package.

    kind         what differs
    step, cell   where, as far as it is known
    name         the variable, the file, or which display or figure of the cell
    difference   the two values
    """

    kind: Kind
    step: str | None
    cell: int | None
    name: str
    difference: Difference


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something that was not compared, or only in part, and why."""

    kind: Kind
    step: str | None
    cell: int | None
    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Count:
    """How many things of one kind came out how; ``name`` is a step's name for its values."""

    name: str
    equal: int = 0
    different: int = 0
    nondeterministic: int = 0
    incomparable: int = 0

    @property
    def compared(self) -> int:
        """Everything that was compared."""
        return self.equal + self.different

    @property
    def total(self) -> int:
        """Everything there was."""
        return self.compared + self.nondeterministic + self.incomparable


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
) -> Comparison:
    """Compare the notebook's two runs, and ``more`` of them, with the package's.

    What differs between the notebook's runs is nondeterministic and not compared; what one side has
    and the other has not is a difference, save for the images the package saves of shown figures.
    """
    tally = _Tally(tolerance)
    _failures(tally, first.failure, package.failure)
    traces = (first, package, second, *more)
    for name in dict.fromkeys(value.step for trace in (first, package) for value in trace.values):
        tally.count(name, of_step=True)
    drawn, settings = _drawn(first) | _drawn(package), _settings(first)

    def says_something(value: Value) -> bool:
        if value.role == "generator":
            return (value.step, value.name) in drawn
        return value.role == "result" or value.name not in settings

    tally.match(
        "value",
        lambda key, event: (key[0], event.cell, key[1] if key[2] != "generator" else f"state of {key[1]}"),
        *(
            _keyed(filter(says_something, trace.values), lambda value: (value.step, value.name, value.role))
            for trace in traces
        ),
    )
    _lines(tally, traces, now)
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


class _Tally:
    """Counts and lists while a comparison goes on."""

    def __init__(self, tolerance: Tolerance) -> None:
        self.tolerance = tolerance
        self.counts: dict[tuple[bool, str], Counter[str]] = {}
        self.differences: list[Found] = []
        self.masked: list[Masked] = []
        self.skipped: list[Skipped] = []

    def count(self, name: str, *, of_step: bool = False) -> Counter[str]:
        return self.counts.setdefault((of_step, name), Counter())

    def rows(self, *, of_step: bool) -> tuple[Count, ...]:
        return tuple(Count(name, **counts) for (step, name), counts in self.counts.items() if step == of_step)

    def match(
        self,
        kind: Kind,
        place: Callable[[Any, Any], tuple[str | None, int | None, str]],
        first: dict[Hashable, Any],
        package: dict[Hashable, Any],
        *others: dict[Hashable, Any],
    ) -> None:
        """Hold the events of one kind against each other, matched by their keys; ``place`` says where one is.

        others  what the notebook's other runs have
        """
        for key in dict.fromkeys((*first, *package)):
            event = first.get(key)
            step, cell, name = place(key, event or package[key])
            row = self.count(step or _ROWS[kind], of_step=step is not None)
            if any((key in other) != (event is not None) for other in others):
                outcome = "nondeterministic"
                self.skipped.append(Skipped(kind, step, cell, name, "not all of the notebook's runs have it"))
            elif event is None:
                outcome = "different"
                self.found(
                    kind, step, cell, name, Difference("", "nothing", _said(package[key]), "the notebook has none")
                )
            elif key not in package:
                if kind == "displayed" and _is_drawing(event.digest):
                    continue  # compared as a figure
                if kind == "value" and event.digest["kind"] == "unbound":
                    continue
                if kind == "displayed" and event.digest["kind"] == "incomparable":
                    outcome = "incomparable"  # a widget, a progress bar
                    self.skipped.append(Skipped(kind, step, cell, name, event.digest["reason"]))
                else:
                    outcome = "different"
                    self.found(kind, step, cell, name, Difference("", _said(event), "nothing", "the package has none"))
            else:
                outcome = self.compare(kind, (step, cell, name), event, package[key], [other[key] for other in others])
            row[outcome] += 1

    def compare(
        self,
        kind: Kind,
        where: tuple[str | None, int | None, str],
        first: Any,
        package: Any,
        others: Sequence[Any],
    ) -> str:
        """Return how two events came out that are there in all runs."""
        if kind == "file" and all(each.sha256 == first.sha256 for each in (package, *others)):
            return "equal"
        if any(each.digest is None for each in (first, package, *others)):
            if any(each.sha256 != first.sha256 for each in others):
                self.skipped.append(Skipped(kind, *where, "the notebook's own runs differ"))
                return "nondeterministic"
            self.found(kind, *where, Difference("", _said(first), _said(package), "another content"))
            return "different"
        own = [
            each for other in others for each in match_values(first.digest, other.digest, self.tolerance).differences
        ]
        match = match_values(first.digest, package.digest, self.tolerance, frozenset(each.node for each in own))
        return self.outcome(kind, where, match, own)

    def outcome(
        self, kind: Kind, where: tuple[str | None, int | None, str], match: Match, own: Sequence[Difference]
    ) -> str:
        if match.differences:
            self.found(kind, *where, match.differences[0])
            return "different"
        if match.left_out:
            parts = ", ".join(list(dict.fromkeys(each.path or "all of it" for each in own))[:3])
            self.skipped.append(Skipped(kind, *where, f"the notebook's own runs differ: {parts}"))
        if match.incomparable:
            one = match.incomparable[0]
            self.skipped.append(Skipped(kind, *where, f"{one.path}: {one.reason}" if one.path else one.reason))
        if match.compared:
            return "equal"
        return "nondeterministic" if match.left_out else "incomparable"

    def found(self, kind: Kind, step: str | None, cell: int | None, name: str, difference: Difference) -> None:
        self.differences.append(Found(kind, step, cell, name, difference))

    def lines(self, kind: Kind, match: LineMatch) -> None:
        row = self.count(_ROWS[kind])
        row["equal"] += match.equal
        row["different"] += match.different
        row["nondeterministic"] += match.left_out
        self.masked += match.masked
        for each in match.differences:
            self.found(kind, None, None, f"line {each.line}", _line_difference(each))


_ROWS: dict[Kind, str] = {
    "value": "values",
    "printed": "printed lines",
    "error output": "error output",
    "displayed": "displayed values",
    "figure": "figures",
    "file": "files",
    "failure": "failures",
}


def _keyed(events: Iterable[Event], key: Callable[[Event], tuple[Any, ...]]) -> dict[Hashable, Event]:
    """Return the events by their key; where a key comes again its number is part of it."""
    seen: Counter[tuple[Any, ...]] = Counter()
    found: dict[Hashable, Event] = {}
    for event in events:
        own = key(event)
        seen[own] += 1
        found[(*own, seen[own])] = event
    return found


def _drawn(trace: Trace) -> set[tuple[str, str]]:
    """Return the steps in which a global generator was drawn from or seeded, with the generator's name.

    In all other steps its state says nothing of the step; were it compared there, a package that does
    nothing would have something equal.
    """
    found = set()
    before: dict[str, str] = {}
    for value in trace.values:
        if value.role == "generator":
            state = value.digest["value"]
            if state != before.get(value.name, _AS_SEEDED):
                found.add((value.step, value.name))
            before[value.name] = state
    return found


def _settings(notebook: Trace) -> set[str]:
    """Return the arguments that are no variables of the notebook: values of its code the package can be told."""
    named = {value.name for value in notebook.values if value.digest["kind"] != "unbound"}
    return {value.name for value in notebook.values if value.role == "argument"} - named


def _failures(tally: _Tally, notebook: Failure | None, package: Failure | None) -> None:
    if notebook is None and package is None:
        return
    row = tally.count(_ROWS["failure"])
    left, right = ("no failure" if each is None else f"{each.kind}: {each.message}" for each in (notebook, package))
    if left == right:
        row["equal"] += 1
        return
    row["different"] += 1
    at = package or notebook
    step, cell = (at.step, at.cell) if at is not None else (None, None)
    tally.found("failure", step, cell, "the run", Difference("", left, right, "one run failed otherwise"))


def _lines(tally: _Tally, traces: Sequence[Trace], now: datetime | None) -> None:
    first, package, *others = traces
    window = timedelta(minutes=5, seconds=sum(trace.seconds for trace in traces))
    varying = frozenset(line for other in others for line in varying_lines(first.out, other.out, now=now))
    tally.lines("printed", compare_lines(first.out, package.out, now=now, window=window, without=varying))
    errors, by_package, *by_others = (_without_warnings(trace.err) for trace in traces)
    varying = frozenset(line for other in by_others for line in varying_lines(errors, other, now=now))
    # The package tells on standard error what the notebook displayed and which figures it saved.
    match = compare_lines(errors, by_package, now=now, window=window, without=varying, extra_allowed=True)
    tally.lines("error output", match)
    warned = len(first.err) - len(errors)
    if warned:
        tally.skipped.append(
            Skipped("error output", None, None, f"{warned} lines", "warnings say where they come from")
        )


def _without_warnings(lines: Sequence[str]) -> list[str]:
    """Return the lines without the warnings Python prints, each with the source line it quotes."""
    kept: list[str] = []
    source_until = -1
    for number, line in enumerate(lines):
        if _WARNING.match(line):
            source_until = number + _SOURCE_AFTER
        elif number <= source_until and line.startswith("  ") and not line.startswith("   "):
            source_until = -1
        else:
            kept.append(line)
    return kept


def _line_difference(each: LineDifference) -> Difference:
    left, right = ("nothing" if text is None else repr(text) for text in (each.left, each.right))
    missing = "the package does not print it" if each.right is None else "the notebook does not print it"
    reason = missing if None in {each.left, each.right} else "another line"
    return Difference("", left, right, reason)


def _is_drawing(digest: Digest) -> bool:
    """Return whether a displayed value is, or holds, a part of a figure."""
    if digest.get("type") in {"artist", "Axes", "Figure"}:
        return True
    inner = [*digest.get("fields", {}).values(), *digest.get("items", [])]
    inner += digest.get("elements", {}).get("items", [])
    return any(isinstance(each, dict) and _is_drawing(each) for each in inner)


def _said(event: Any) -> str:
    """Return an event shortly."""
    if event.digest is not None:
        return describe(event.digest)
    return f"{event.size} bytes"
