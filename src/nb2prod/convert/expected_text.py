"""Saved texts made into expected ones: what need not come again is marked, what only one machine says is taken out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nb2prod.convert.expected_tables import header_alone, shape_alone, without_choices, without_sets

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

_ANYTHING = "..."
# As many lines of one text as a reviewer reads; of more, the first and the last.
_MOST_LINES, _FIRST, _LAST = 60, 40, 10
_LONGEST_LINE = 400
_NUMBER = re.compile(r"(?:(?<![\w.)])[-+]|(?<![\w.]))(?:\d+\.\d*|\.\d+|\d+)(?:[eE][-+]?\d+)?(?![\w.]*\w)")
# As NumPy writes it, and as it did before version 2.
_SCALAR = re.compile(r"(?:np\.float\d+\()?(\d+\.\d*(?:[eE][-+]?\d+)?)\)?")
_ANY_WORD = re.compile(r"[^\W\d]\w*")
# What the words around a number call it: the more the better, and the less the better.
_MERIT = re.compile(
    r"(?<![a-z])(?:acc(?:uracy)?|auc|auroc|f1|precision|recall|r2|r\^2|score|specificity|sensitivity|kappa)(?![a-z])",
    re.IGNORECASE,
)
_COST = re.compile(
    r"(?<![a-z])(?:rmse|mse|mae|mape|rmsle|loss|error|deviation|residual)(?![a-z])",
    re.IGNORECASE,
)
# Texts of one run or one machine: addresses, folders, times something took.
_PASSING = re.compile(
    r"\bat 0x[0-9a-fA-F]{4,}|(?<![\w./])(?:/[\w.~-]+){2,}/?|\b[A-Za-z]:\\\S+|\b(?:wall|cpu) times?\b|"
    r"\b(?:date|time) *: |\b(?:elapsed|seconds?|took|runtime|duration|minutes)\b|"
    r"\d\s?(?:ms|µs|us|ns|s|sec|min)\b|\bit/s",
    re.IGNORECASE,
)
_OBJECT = re.compile(r"\s*<[\w.]+(?: object)? at 0x[0-9a-f]+>\s*\Z", re.IGNORECASE)
# A class and its arguments: which arguments it shows differs between versions of libraries.
_CONSTRUCTED = re.compile(r"\s*([A-Z]\w*)\((?:\w+=|\)|\w+\()")
_WITH_OPTIONS = re.compile(r"\b([A-Z]\w*)\(\w+=[^()]*\)")
_WITH_VALUES = frozenset(
    {"Index", "RangeIndex", "Int64Index", "Float64Index", "DatetimeIndex", "Timestamp", "Timedelta"}
)
# When something was is no figure that a model gives.
_DATE = re.compile(r"(?<!\d)\d{4}-\d{2}-\d{2}(?!\d)")
_SAYS = re.compile(r"\w")
_FOOTER = re.compile(r"(?:Freq: .*, )?(?:Name: .*, )?(?:Length: \d+, )?dtype: \S+")
_TOLERANCE = 0.05
_UNSEEDED = 0.3
# An error that is nearly none says nothing of how large it is in another run.
_NO_COST = 0.05
_SENTENCE, _ROWS, _REPORTS = 3, 3, 6


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure of merit the notebook reported.

    name       what stands for it in the expected texts
    notebook   the figure as saved
    tolerance  how far from that a run may be; None where the notebook sets no seed
    floor, ceiling  the least, or the most, that is accepted; one of them is None
    step       the step that reports it
    """

    name: str
    notebook: float
    tolerance: float | None
    floor: float | None
    ceiling: float | None
    step: str


def classless(text: str) -> str:
    """Return the text of a displayed value; of an object that shows its arguments only the class."""
    found = _CONSTRUCTED.match(text)
    if found is not None and found[1] not in _WITH_VALUES and text.rstrip().endswith(")"):
        return f"{found[1]}({_ANYTHING}"
    if _OBJECT.match(text):
        return _ANYTHING
    return text


def whatever_is_drawn(text: str, *, is_table: bool) -> str:
    """Return what a displayed value says whatever random numbers it came from: a class, the header of a table."""
    shown = classless(text)
    if shown != text:
        return shown
    return header_alone(text) if is_table else shape_alone(text)


def comparable(text: str) -> str:
    """Return a saved text without what only that run or that machine could say, and not longer than is read."""
    text = _WITH_OPTIONS.sub(_class_alone, without_sets(text))
    lines = [_ANYTHING if _PASSING.search(line) else _short(line) for line in text.split("\n")]
    if len(lines) > _MOST_LINES:
        lines = [*lines[:_FIRST], _ANYTHING, *lines[-_LAST:]]
    return "\n".join(lines)


def _class_alone(found: re.Match[str]) -> str:
    return found[0] if found[1] in _WITH_VALUES else f"{found[1]}({_ANYTHING})"


def without_ties(text: str) -> str:
    """Return counts of values without the lines that count alike: their order differs between versions of pandas."""
    lines = text.split("\n")
    counts = [line.split()[-1] if line.split() else "" for line in lines]
    truncated = any(line.strip() in ("...", "..") for line in lines)
    tied = {count for count in counts if count.isdigit() and counts.count(count) > 1}
    # What is left out of a long list belongs to the smallest counts that are shown.
    tied |= {count for count in counts[-3:] if truncated and count.isdigit()}
    kept = [
        _ANYTHING if count in tied or line.strip() == _ANYTHING else line
        for line, count in zip(lines, counts, strict=True)
    ]
    # Anything, and then anything, is anything.
    return "\n".join(line for at, line in enumerate(kept) if line != _ANYTHING or at == 0 or kept[at - 1] != _ANYTHING)


def without_figures(text: str, words: Collection[str]) -> str:
    """Return only the words of ``text`` that are among ``words``, with marks for anything between them."""
    return shortened("\n".join(_only(line, words) for line in text.split("\n")))


def shortened(text: str) -> str:
    """Return a text with one mark for anything in place of lines that hold marks and no words."""
    kept: list[str] = []
    for line in text.split("\n"):
        marked = _ANYTHING in line and _SAYS.search(line) is None
        if not marked or not kept or kept[-1] != _ANYTHING:
            kept.append(_ANYTHING if marked else line)
    return "\n".join(kept)


def figures_open(text: str, words: Collection[str] | None, step: str, metrics: dict[str, Metric]) -> str:
    """Return ``text`` with figures that may differ marked; figures of merit get a name and go to ``metrics``.

    words  None where a seed makes the text the same up to what versions of libraries change;
           otherwise the words that are printed whatever is drawn
    """
    lines = (without_choices(text) if words is None else text).split("\n")
    rows = _rows(lines)
    opened = "\n".join(_open(line, words, step, metrics, row=at in rows) for at, line in enumerate(lines))
    return shortened(opened)


def _rows(lines: Sequence[str]) -> frozenset[int]:
    """Return which lines are rows of tables and arrays: coefficients and components are not the same everywhere."""
    counts = [len(_NUMBER.findall(line)) for line in lines]
    found = {at for at, count in enumerate(counts) if count > (1 if lines[at].lstrip().startswith("[") else _SENTENCE)}
    for at, count in enumerate(counts):
        following = next((n for n, other in enumerate(counts[at:]) if other != count), len(counts) - at)
        if count and following >= _ROWS:
            reports = following <= _REPORTS
            found |= {n for n in range(at, at + following) if not (reports and _is_report(lines[n]))}
    return frozenset(found)


def _is_report(line: str) -> bool:
    return bool(_MERIT.search(line) or _COST.search(line))


def merit_alone(label: str, text: str, step: str, metrics: dict[str, Metric], *, seeded: bool) -> str | None:
    """Return a name for a displayed number whose label calls it a figure of merit, which goes to ``metrics``.

    None where the text is no number, or the label calls it nothing of the kind.
    """
    number = _SCALAR.fullmatch(text.strip())
    if number is None:
        return None
    before = label.replace("_", " ")
    metric = _metric(_name(step, before, before), number[1], before, step, metrics, seeded=seeded)
    return None if metric is None else f"{{{metric}}}"


def merits_named(text: str, step: str, metrics: dict[str, Metric]) -> str:
    """Return ``text`` with a name for each figure of merit, which goes to ``metrics``; the rest stays as it is."""
    return "\n".join(_open(line, None, step, metrics, exact=True) for line in text.split("\n"))


def _open(
    line: str,
    words: Collection[str] | None,
    step: str,
    metrics: dict[str, Metric],
    *,
    exact: bool = False,
    row: bool = False,
) -> str:
    if not exact and _FOOTER.fullmatch(line.strip()):
        return _ANYTHING  # what stands below a series: versions of pandas write it differently
    dates = [each.span() for each in _DATE.finditer(line)] if words is None else []
    numbers = [each for each in _NUMBER.finditer(line) if not any(start <= each.start() < end for start, end in dates)]
    named = 0 < len(numbers) <= _SENTENCE and not row and _is_report(line)
    parts: list[str] = []
    at = 0
    for number in numbers:
        before = line[at : number.start()]
        name = _name(step, line[: numbers[0].start()], before) if named else None
        mark = _ANYTHING
        if name is not None and (metric := _metric(name, number[0], before, step, metrics, seeded=words is None)):
            mark = f"{{{metric}}}"
        elif exact or (words is None and not row and _is_of_shape(line, number[0])):
            mark = number[0]
        elif words is None and not row:
            mark = f"{number[0]}±{_leeway(number[0])}"
        parts += [before if words is None or mark != _ANYTHING else _only(before, words), mark]
        at = number.end()
    rest = line[at:]
    parts.append(rest if words is None or not rest.strip() else _only(rest, words))
    return "".join(parts)


def _leeway(number: str) -> str:
    """Return how far from a figure a run may be: a tenth of it; a few hundredths for shares, two for small counts."""
    least = _TOLERANCE if "." in number else 2
    return f"{max(least, abs(float(number)) / 10):.2g}"


def _metric(name: str, number: str, before: str, step: str, metrics: dict[str, Metric], *, seeded: bool) -> str | None:
    """Remember a figure of merit and return its name; None where the words before it name none."""
    value = float(number)
    margin = _TOLERANCE if seeded else _UNSEEDED
    if _COST.search(before) and abs(value) >= _NO_COST:
        metric = Metric(name, value, None, None, _digits(value + abs(value) * (0.25 if seeded else 2.0)), step)
    elif _MERIT.search(before) and not _COST.search(before) and 0 <= value <= 1:
        metric = Metric(name, value, margin if seeded else None, _digits(value - margin), None, step)
    else:
        return None
    while metrics.get(metric.name, metric) != metric:
        stem, _, count = metric.name.rpartition("_")
        again = f"{stem}_{int(count) + 1}" if count.isdigit() else f"{metric.name}_2"
        metric = Metric(again, value, metric.tolerance, metric.floor, metric.ceiling, step)
    metrics[metric.name] = metric
    return metric.name


def _name(step: str, start: str, before: str) -> str:
    """Return a name for a figure: the step, how the line starts, and the last of the words ``before`` the figure.

    start  the line up to its first figure, whose own label is no part of the names of others
    """
    first, last = ([word.lower().strip("_") for word in _ANY_WORD.findall(text)] for text in (start, before))
    heads = first if start == before else first[:-1]
    return "_".join(dict.fromkeys([step.strip("_").lower(), *heads[:2], *last[-1:]]))


def _is_of_shape(line: str, number: str) -> bool:
    """Return whether a whole number says how large something is, which what was learnt does not change."""
    return number.isdigit() and "shape" in line.lower()


def _only(line: str, words: Collection[str]) -> str:
    kept = [word if word.strip(":=,.") in words or word in words else _ANYTHING for word in line.split()]
    text: list[str] = []
    for word in kept:
        if word != _ANYTHING or not text or text[-1] != _ANYTHING:
            text.append(word)
    return " " + " ".join(text) + " " if text else ""


def _short(line: str) -> str:
    return line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE].rsplit(' ', 1)[0]} {_ANYTHING}"


def _digits(value: float) -> float:
    return float(f"{value:.4g}")
