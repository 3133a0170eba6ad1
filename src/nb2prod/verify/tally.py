"""What a comparison counts and lists: things that are the same, that differ, that could not be compared."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from nb2prod.verify.description import describe
from nb2prod.verify.masks import same_but_for_durations
from nb2prod.verify.values import Difference, Match, match_values

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from nb2prod.verify.lines import LineDifference, LineMatch, Masked
    from nb2prod.verify.tolerance import Tolerance
    from nb2prod.verify.trace import Digest

Kind = Literal["value", "printed", "error output", "displayed", "figure", "file", "failure"]
ROWS: dict[Kind, str] = {
    "value": "values",
    "printed": "printed lines",
    "error output": "error output",
    "displayed": "displayed values",
    "figure": "figures",
    "file": "files",
    "failure": "failures",
}


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


_INDEX = re.compile(r"\[\d+(?:, \d+)*\]")


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


class Tally:
    """Counts and lists while a comparison goes on."""

    def __init__(self, tolerance: Tolerance) -> None:
        self.tolerance = tolerance
        self.counts: dict[tuple[bool, str], Counter[str]] = {}
        self.differences: list[Found] = []
        self.masked: list[Masked] = []
        self.skipped: list[Skipped] = []

    def count(self, name: str, *, of_step: bool = False) -> Counter[str]:
        """Return the counts of a row, which are zero at first; rows stand in the order they are asked for."""
        return self.counts.setdefault((of_step, name), Counter())

    def rows(self, *, of_step: bool) -> tuple[Count, ...]:
        """Return the rows: those of steps, or the others."""
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
            row = self.count(step or ROWS[kind], of_step=step is not None)
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
        without = frozenset(each.node for each in own)
        match = match_values(first.digest, package.digest, self.tolerance, without)
        if kind == "figure":
            drawn = {_drawn(each) for each in own}
            without |= frozenset(each.node for each in match.differences if _drawn(each) in drawn)
            match = match_values(first.digest, package.digest, self.tolerance, without)
        timed = frozenset(each.node for each in match.differences if kind == "figure" and _is_timed(each))
        if timed:
            match = match_values(first.digest, package.digest, self.tolerance, without | timed)
            self.skipped.append(Skipped(kind, *where, "a text in it says how long something took"))
        return self.outcome(kind, where, match, own)

    def outcome(
        self, kind: Kind, where: tuple[str | None, int | None, str], match: Match, own: Sequence[Difference]
    ) -> str:
        """Return how two values came out, and list what is to be said of them."""
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
        """List a difference."""
        self.differences.append(Found(kind, step, cell, name, difference))

    def lines(self, kind: Kind, match: LineMatch) -> None:
        """Count and list how printed lines came out."""
        row = self.count(ROWS[kind])
        row["equal"] += match.equal
        row["different"] += match.different
        row["nondeterministic"] += match.left_out
        self.masked += match.masked
        for each in match.differences:
            self.found(kind, None, None, f"line {each.line}", _line_difference(each))


def _line_difference(each: LineDifference) -> Difference:
    left, right = ("nothing" if text is None else repr(text) for text in (each.left, each.right))
    missing = "the package does not print it" if each.right is None else "the notebook does not print it"
    reason = missing if None in {each.left, each.right} else "another line"
    return Difference("", left, right, reason)


def _drawn(each: Difference) -> str:
    """Return what is drawn in which axes, for all bars or points alike: where some of them vary, the others do.

    Two runs may well have as many in one bar of a histogram.
    """
    axes = _INDEX.search(each.path)
    end = axes.end() if axes else 0
    return each.path[:end] + _INDEX.sub("[]", each.path[end:])


def _is_timed(each: Difference) -> bool:
    """Return whether two texts differ only in a duration; what is cut short may differ where it is not seen."""
    return "…" not in each.left + each.right and same_but_for_durations(each.left, each.right)


def _is_drawing(digest: Digest) -> bool:
    """Return whether a displayed value is, or holds, a part of a figure."""
    waiting: list[Any] = [digest]
    while waiting:
        match waiting.pop():
            case {"type": "artist" | "Axes" | "Figure"}:
                return True
            case dict() as inner:
                waiting += inner.values()
            case list() | tuple() as inner:
                waiting += inner
            case _:
                pass
    return False


def _said(event: Any) -> str:
    """Return an event shortly."""
    if event.digest is not None:
        return describe(event.digest)
    return f"{event.size} bytes"
