"""Whether two runs printed the same lines, save for addresses, clocks, durations, progress and installing."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from difflib import SequenceMatcher
from itertools import pairwise
from typing import TYPE_CHECKING

from nb2prod.verify.masks import hide, masks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nb2prod.verify.masks import Mask

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
# matplotlib's word on the fonts of the machine, as often as something is drawn.
_FONTS = re.compile(r"^findfont: ")
# What `name?` prints where there is no such name; where there is one it opens a page.
_NOT_FOUND = re.compile(r"^Object `.+` not found\.$")
_NUMBERS = re.compile(r"\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
# So many lines of one kind that differ tell of the others; so near, lines of workers mix.
_SEVERAL, _BETWEEN = 3, 4
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
    package: str = "",
) -> LineMatch:
    """Compare two outputs line by line, in order.

    A line that differs is masked and looked at again: addresses, durations in their known shapes, today's
    date, times of day within ``window`` of ``now``, and the module ``help`` says a function is in. Lines of
    progress bars, of ``%time``, of pip, of ``name?`` and of matplotlib on missing fonts are left out on both sides.
    What was masked is listed.

    without        lines of ``left`` (from 0) that are not compared
    extra_allowed  lines that only ``right`` has are no difference
    package        the name of the package that has printed ``right``
    """
    hidden = masks(now or datetime.now(UTC).astimezone(), window, package)
    masked = [Masked(number, kind, line) for number, line in enumerate(left, start=1) if (kind := _no_result(line))]
    rows = _results(left)
    others = [line for _, line in _results(right)]
    equal = different = left_out = 0
    differences: list[LineDifference] = []
    for one, other in _aligned([hide(line, hidden)[0] for _, line in rows], [hide(line, hidden)[0] for line in others]):
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
            elif line is not None and text is not None and _same(line, text, hidden):
                equal += 1
                if line != text:
                    masked += [Masked(number + 1, kind, line) for kind in hide(line, hidden)[1]]
            else:
                different += 1
                at = number + 1 if line is not None else (pairs[0][-1][0] + 1 if pairs[0] else _before(rows, one.start))
                differences.append(LineDifference(at, line, text))
    return LineMatch(equal, different, left_out, tuple(differences), tuple(masked))


def varying_lines(first: Sequence[str], second: Sequence[str], *, now: datetime | None = None) -> frozenset[int]:
    """Return the lines (from 0) of ``first`` that a second run of the same code did not print alike."""
    found = compare_lines(first, second, now=now, window=timedelta(days=1)).differences
    return frozenset(each.line - 1 for each in found)


def unsettled_lines(
    first: Sequence[str], others: Sequence[Sequence[str]], *, now: datetime | None = None
) -> frozenset[int]:
    """Return the lines (from 0) of ``first`` that other runs of the same code settle nothing of.

    They are those that another run does not print alike, those of a kind of which most are such (``epoch 7: 0.91``:
    that one of them came out alike is chance), and what stands between them where workers print in any order.
    """
    own = frozenset(line for other in others for line in varying_lines(first, other, now=now))
    kinds, varying = Counter(map(_kind, first)), Counter(_kind(first[line]) for line in own if line < len(first))
    mostly = {kind for kind, count in varying.items() if count >= _SEVERAL and count * 3 >= kinds[kind] * 2}
    found = own | {number for number, line in enumerate(first) if _kind(line) in mostly}
    if not any(_have_moved(first, other, own) for other in others):
        return found
    places = sorted(found)
    near = (range(a + 1, b) for a, b in pairwise(places) if b - a <= _BETWEEN)
    return found | {line for gap in near for line in gap}


def _kind(line: str) -> str:
    return _NUMBERS.sub("0", line)


def _have_moved(first: Sequence[str], other: Sequence[str], varying: frozenset[int]) -> bool:
    """Return whether lines of the one run stand elsewhere in the other."""
    here, there = Counter(first), Counter(other)
    texts = {first[line] for line in varying if line < len(first)}
    return any(text.strip() and there[text] >= here[text] for text in texts)


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


def _same(left: str, right: str, masks: Sequence[Mask]) -> bool:
    return left == right or hide(left, masks)[0] == hide(right, masks)[0]


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
