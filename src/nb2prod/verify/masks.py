"""What of a printed line is no result: addresses, clocks, durations, colours, and what module things are of."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

# A function made in a step, which at the top level of a notebook has its name alone.
_MADE_INSIDE = re.compile(r"(?<=<function )(?:\w+\.<locals>\.)+")
# A program colours what it writes to the terminal that the kernel gives it, and not what it writes to a file.
_COLOUR = re.compile(r"\x1b\[[\d;]*[mK]")
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
Mask: TypeAlias = "tuple[str, Callable[[str], str]]"


def same_but_for_durations(left: str, right: str) -> bool:
    """Return whether two texts differ in nothing but how long something took, in the shapes that are known."""
    return _without_durations(left) == _without_durations(right)


def hide(line: str, masks: Sequence[Mask]) -> tuple[str, tuple[str, ...]]:
    """Return the line with what is masked replaced, and the kinds of what was."""
    kinds = []
    for kind, mask in masks:
        hidden = mask(line)
        if hidden != line:
            kinds.append(kind)
            line = hidden
    return line, tuple(kinds)


def masks(now: datetime, window: timedelta, package: str = "") -> tuple[Mask, ...]:
    """Return what to replace in lines printed around ``now``, and its kind.

    package  the name of the package: what the notebook's ``__main__`` defined is of a module of it there
    """
    of_package = rf"|{re.escape(package)}(?:\.[a-z_]\w*)?" if package else ""
    own = re.compile(rf"\b(?:__main__{of_package})\.(?=[^\W\d])")
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

    def modules(line: str) -> str:
        return _HELP.sub(r"\g<before><module>:", own.sub("", _MADE_INSIDE.sub("", line)))

    return (
        ("address", lambda line: _ADDRESS.sub("<address>", line)),
        ("module", modules),
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
