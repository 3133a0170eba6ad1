"""Whether two runs printed the same lines, save for addresses, clocks, durations, progress and installing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_PROGRESS = re.compile(
    r"\r"
    r"|\d+%\|.*\|\s*[\d.]+\w?/[\d.]+\w?\s*\["  # tqdm:   42%|####   | 42/100 [00:01<00:02, 30it/s]
    r"|\d+(it|\w?B) \[\d+:\d\d, "  # tqdm without a total: 42it [00:01, 30it/s]
    r"|^\s*\d+/\d+ (\[=*>?[.=]*\]|━+)"  # Keras: 42/100 [===>....] - ETA: 3s
)
# What `%time` and `%timeit` print; a package has a message of its own instead.
_TIMING = re.compile(
    r"^CPU times: (?:user|total)|^Wall time: |^Compiler time: |\d ?[a-zµμ]+ ± .* per loop \(mean ± std\. dev\. of"
    r"|^The slowest run took [\d.]+ times longer than the fastest\."
    r"|^\s+\d+(?:/\d+)?(?:\s+\d+\.\d{3}){4}\s"  # a row of cProfile's table
)
# The same behind what was printed without a newline: what is printed next stands on that line in a package.
_TIMING_INSIDE = re.compile(r"(?<=.)CPU times: (?:user|total) .*$")
# What pip says while it installs what a package has as its dependencies, colours and all.
_COLOURS = r"(?:\x1b\[[\d;]*m)*"
_INSTALLING = re.compile(
    rf"^{_COLOURS}(?:Requirement already satisfied: |Collecting \S|Looking in (?:indexes|links): |Processing \S+\.whl"
    r"|  (?:Downloading|Using cached|Preparing metadata|Installing build dependencies|Getting requirements"
    r"|Attempting uninstall:|Building wheel for|Created wheel for|Stored in directory:) "
    r"|    (?:Found existing installation: |Uninstalling \S+:$|  Successfully uninstalled )"
    r"|Building wheels for collected packages: |Successfully built \S|Defaulting to user installation because "
    r"|Installing collected packages: |Successfully installed \S|\S+ \S+ requires .*, (?:but you have|which is not)"
    r"|WARNING: (?:Running pip as the 'root' user|Retrying \(Retry\(|Location '\S+' is ignored: |You are using pip )"
    r"|ERROR: (?:Could not find a version that satisfies|No matching distribution found|Could not install packages due"
    r"|pip's dependency resolver )"
    r"|You should consider upgrading via the |Could not fetch URL "
    r"|Note: you may need to restart the kernel to use updated packages|\[notice\] )"
)
# A program colours what it writes to the terminal that the kernel gives it, and not what it writes to a file.
_COLOUR = re.compile(r"\x1b\[[\d;]*[mK]")
# matplotlib's word on the fonts of the machine, as often as something is drawn.
_FONTS = re.compile(r"^findfont: ")
# What `name?` prints where there is no such name; where there is one it opens a page.
_NOT_FOUND = re.compile(r"^Object `.+` not found\.$")
_HELP = re.compile(r"^(?P<before>Help on \w+ \S+ in module )[\w.]+:$")
_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,16}\b")
_NUMBER = r"\d+(?:[.,]\d+)?(?:e[-+]?\d+)?"
_UNIT = r"(?:hours?|hrs?|h|minutes?|mins?|m|seconds?|secs?|sec|s|milliseconds?|ms|microseconds?|[µμu]s|nanoseconds?|ns)"
_DURATION = re.compile(
    rf"(?P<before>\b(?:took|taken|time|elapsed|duration|runtime|total|user|sys|finished in|done in|completed in|ran in"
    rf"|fitted in|trained in|training in|ran \d+ tests? in"
    rf"|calls(?: \(\d+ primitive calls\))? in)\b[^\d\n]{{0,40}}?)(?:{_NUMBER}\s*{_UNIT}\b(?:[ ,]+(?:and )?)?)+",
    re.IGNORECASE,
)
# The same words with a bare number: `elapsed: 0.53`, `--- 0.53 seconds ---`, `2.3 s ± 12 ms per loop`.
_BARE_DURATION = re.compile(
    rf"(?P<before>\b(?:elapsed|took|runtime|duration|time taken|elapsed time)\b\s*[:=]?\s*)"
    rf"{_NUMBER}(?![\d.,]*\d|\s*[A-Za-z%])",
    re.IGNORECASE,
)
# `KNeighborsClassifier fit in 0.01 seconds`
_IN_SECONDS = re.compile(
    rf"(?P<before>\bin (?:about |~ ?)?){_NUMBER} ?(?:minutes?|mins?|seconds?|secs?|s|milliseconds?|ms)\b", re.IGNORECASE
)
_CLOCK_TIMES = re.compile(
    rf"---\s*{_NUMBER}\s*{_UNIT}\s*---|(?P<keras>\b{_NUMBER}(?:s|ms|us)/(?:step|epoch|sample))", re.IGNORECASE
)
_TIME = re.compile(
    r"\b(?P<hour>[01]?\d|2[0-3]):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d)(?:[.,]\d+)?)?(?:\s?[AP]M)?\b"
)
_DATE = re.compile(
    r"\b\d{4}[-/]\d{1,2}[-/]\d{1,2}\b|\b\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}\b|\b\d{8}\b"
    r"|\b(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? )?(?:\d{1,2} )?(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
    r"[a-z]*\.?(?: \d{1,2})?(?:,? \d{4})?\b"
)
_DATE_FORMATS = (
    "%Y-%m-%d", "%Y/%m/%d", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%d.%m.%Y", "%d/%m/%y", "%m/%d/%y",
    "%Y%m%d", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%B %d %Y", "%a %b %d", "%a %d %b %Y",
)  # fmt: skip
# Longer than this, what lies between the common start and end is compared place by place.
_ALIGNED = 3_000


@dataclass(frozen=True, slots=True)
class Masked:
    """A line that counts as the same only because a part of it is no result (an address, a clock)."""

    line: int
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class LineDifference:
    """Where two outputs part.

    line   of the left output, from 1
    left   the line there, None where there is none
    right  the line of the other output, None where there is none
    """

    line: int
    left: str | None
    right: str | None

    def __str__(self) -> str:
        """Return the difference on one line."""
        left, right = ("nothing" if each is None else repr(each) for each in (self.left, self.right))
        return f"line {self.line}: {left} ≠ {right}"


@dataclass(frozen=True, slots=True)
class LineMatch:
    """How the comparison of two outputs came out.

    equal, different  numbers of lines
    left_out          lines that were not compared: they differ between two runs of the notebook
    """

    equal: int
    different: int
    left_out: int
    differences: tuple[LineDifference, ...]
    masked: tuple[Masked, ...]


def compare_lines(
    left: Sequence[str],
    right: Sequence[str],
    *,
    now: datetime | None = None,
    window: timedelta = timedelta(minutes=15),
    without: frozenset[int] = frozenset(),
    extra_allowed: bool = False,
) -> LineMatch:
    """Compare two outputs line by line, in order.

    A line that differs is masked and looked at again: addresses, durations in their known shapes, today's
    date, times of day within ``window`` of ``now``, and the module ``help`` says a function is in. Lines of
    progress bars, of ``%time``, of pip, of ``name?`` and of matplotlib on missing fonts are left out on both sides.
    What was masked is listed.

    without        lines of ``left`` (from 0) that are not compared
    extra_allowed  lines that only ``right`` has are no difference
    """
    masks = _masks(now or datetime.now(UTC).astimezone(), window)
    masked = [Masked(number, kind, line) for number, line in enumerate(left, start=1) if (kind := _no_result(line))]
    rows = _results(left)
    others = [line for _, line in _results(right)]
    equal = different = left_out = 0
    differences: list[LineDifference] = []
    for one, other in _aligned([_hide(line, masks)[0] for _, line in rows], [_hide(line, masks)[0] for line in others]):
        pairs = rows[one.start : one.stop], others[other.start : other.stop]
        around = rows[max(one.start - 1, 0) : one.stop + 1] if not pairs[0] else pairs[0]
        free = any(number in without for number, _ in around)
        for place in range(max(len(pairs[0]), len(pairs[1]))):
            number, line = pairs[0][place] if place < len(pairs[0]) else (-1, None)
            text = pairs[1][place] if place < len(pairs[1]) else None
            if line is None and (free or extra_allowed):
                continue
            if number in without:
                left_out += 1
            elif line is not None and text is not None and _same(line, text, masks):
                equal += 1
                if line != text:
                    masked += [Masked(number + 1, kind, line) for kind in _hide(line, masks)[1]]
            else:
                different += 1
                at = number + 1 if line is not None else (pairs[0][-1][0] + 1 if pairs[0] else _before(rows, one.start))
                differences.append(LineDifference(at, line, text))
    return LineMatch(equal, different, left_out, tuple(differences), tuple(masked))


def same_but_for_durations(left: str, right: str) -> bool:
    """Return whether two texts differ in nothing but how long something took, in the shapes that are known."""
    return _without_durations(left) == _without_durations(right)


def varying_lines(first: Sequence[str], second: Sequence[str], *, now: datetime | None = None) -> frozenset[int]:
    """Return the lines (from 0) of ``first`` that a second run of the same code did not print alike."""
    found = compare_lines(first, second, now=now, window=timedelta(days=1)).differences
    return frozenset(each.line - 1 for each in found)


def _results(lines: Sequence[str]) -> list[tuple[int, str]]:
    """Return the lines that say something of a result, each with its number, from 0."""
    rows: list[tuple[int, str]] = []
    begun = None
    for number, line in enumerate(lines):
        if _no_result(line):
            continue
        start, before = begun or (number, "")
        text = _TIMING_INSIDE.sub("", line)
        begun = (start, before + text) if text != line else None
        if begun is None:
            rows.append((start, before + text))
    return [*rows, begun] if begun else rows


def _no_result(line: str) -> str:
    """Return what a line is that says nothing but how the run went; empty for every other line."""
    if _PROGRESS.search(line):
        return "progress"
    if _TIMING.search(line):
        return "duration"
    if _INSTALLING.search(line):
        return "installation"
    if _NOT_FOUND.match(line):
        return "help"
    return "fonts" if _FONTS.search(line) else ""


def _before(rows: Sequence[tuple[int, str]], place: int) -> int:
    return rows[place - 1][0] + 1 if place and rows else 1


def _same(left: str, right: str, masks: Sequence[tuple[str, Callable[[str], str]]]) -> bool:
    return left == right or _hide(left, masks)[0] == _hide(right, masks)[0]


def _hide(line: str, masks: Sequence[tuple[str, Callable[[str], str]]]) -> tuple[str, tuple[str, ...]]:
    """Return the line with what is masked replaced, and the kinds of what was."""
    kinds = []
    for kind, mask in masks:
        hidden = mask(line)
        if hidden != line:
            kinds.append(kind)
            line = hidden
    return line, tuple(kinds)


def _masks(now: datetime, window: timedelta) -> tuple[tuple[str, Callable[[str], str]], ...]:
    clocks = (now, now.astimezone(UTC))
    days = {
        (each + shift).strftime(form)
        for each in clocks
        for shift in (-window, timedelta(0), window)
        for form in _DATE_FORMATS
    }
    days |= {_without_zeros(day) for day in days}

    def times(line: str) -> str:
        return _TIME.sub(lambda found: "<time>" if _near(found, clocks, window) else found.group(), line)

    def dates(line: str) -> str:
        return _DATE.sub(lambda found: "<today>" if found.group() in days else found.group(), line)

    return (
        ("address", lambda line: _ADDRESS.sub("<address>", line)),
        ("module", lambda line: _HELP.sub(r"\g<before><module>:", line)),
        ("colour", lambda line: _COLOUR.sub("", line)),
        ("duration", _without_durations),
        ("time of day", times),
        ("today's date", dates),
    )


def _without_durations(line: str) -> str:
    line = _CLOCK_TIMES.sub("<duration>", line)
    line = _DURATION.sub(r"\g<before><duration>", line)
    line = _IN_SECONDS.sub(r"\g<before><duration>", line)
    return _BARE_DURATION.sub(r"\g<before><duration>", line)


def _near(found: re.Match[str], clocks: Iterable[datetime], window: timedelta) -> bool:
    """Return whether a time of day is one the clock showed while the runs ran, and so no data."""
    seconds = int(found["hour"]) % 12 * 3600 + int(found["minute"]) * 60 + int(found["second"] or 0)
    half_day = 12 * 3600
    for clock in clocks:
        at = clock.hour % 12 * 3600 + clock.minute * 60 + clock.second
        apart = abs(at - seconds)
        if min(apart, half_day - apart) <= window.total_seconds():
            return True
    return False


def _without_zeros(day: str) -> str:
    return re.sub(r"\b0(\d)\b", r"\1", day)


def _aligned(left: Sequence[str], right: Sequence[str]) -> list[tuple[range, range]]:
    """Return stretches that belong together: the same on both sides, or between such stretches."""
    start = 0
    while start < min(len(left), len(right)) and left[start] == right[start]:
        start += 1
    end = 0
    while end < min(len(left), len(right)) - start and left[-1 - end] == right[-1 - end]:
        end += 1
    rows = [(range(start), range(start))]
    middle, other = left[start : len(left) - end], right[start : len(right) - end]
    if len(middle) + len(other) > _ALIGNED:
        rows.append((range(start, len(left) - end), range(start, len(right) - end)))
    else:
        for _, a, b, c, d in SequenceMatcher(None, middle, other, autojunk=False).get_opcodes():
            rows.append((range(start + a, start + b), range(start + c, start + d)))
    rows.append((range(len(left) - end, len(left)), range(len(right) - end, len(right))))
    return rows
