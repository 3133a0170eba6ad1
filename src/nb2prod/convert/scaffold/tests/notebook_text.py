"""Texts the notebook was saved with, compared with what a run says: words exactly, numbers by value.

White space does not count, nor does what differs only between versions of NumPy and pandas. A number
may differ by one unit of its last digit shown; a whole number may not differ. In an expected text

    ...         stands for anything
    0.87±0.05   is a number at most that far away
    {name}      is a metric: ``metrics.toml`` says what it may be
"""

from __future__ import annotations

import math
import re
import tomllib
from functools import cache
from pathlib import Path

# A minus behind a word or a number is a dash: 2024-03-01.
_NUMBER = r"(?:(?<![\w.)])[-+])?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_WORD = r"[^\W\d]\w*"
_TOKEN = re.compile(rf"\.\.\.|{_WORD}|{_NUMBER}|\S")
_EXPECTED_TOKEN = re.compile(rf"\.\.\.|\{{[a-z]\w*\}}|{_WORD}|{_NUMBER}(?:±{_NUMBER})?|\S")
_ANYTHING = "..."
_SHOWN_AROUND = 12

# What versions of NumPy and pandas spell differently, and what differs between machines.
_SPELLINGS = (
    (re.compile(r"\bnp\.\w+\(([^()]*)\)"), r"\1"),
    (re.compile(r"<class '(?:\w+\.)*(\w+)'>"), r"<class \1>"),
    (re.compile(r"\b(?:Int64|UInt64|Float64)Index\("), "Index("),
    (
        re.compile(
            r"^ *(?:Freq: [^,\n]+, )?(?:Name: [^\n]*?, )?(Length: \d+)?(?:, )?dtype: \w+(?:\[[^\]\n]*\])?"
            r"([,)\]}][^\n]*)?$",
            re.MULTILINE,
        ),
        r"\1\2",
    ),
    (re.compile(r",\s*dtype='?[\w\[\]<>, ]+?'?(?=[,)])"), ""),
    (re.compile(r"^(?:memory usage|dtypes): .*$|^ *# +Column .*$|^ *--- +[- ]+$", re.MULTILINE), ""),
    (re.compile(r"^ *(?:\d+ +)?(\S.*?) +(\d+) non-null +\S+ *$", re.MULTILINE), r"\1 \2 non-null"),
    (re.compile(r"\.\.\.,(?=\s)"), "..."),
    # A notebook shows an image without its address.
    (re.compile(r"(\bsize=\d+x\d+) at (?:0x[0-9A-Fa-f]+|\.\.\.)"), r"\1"),
)
_CLASS = re.compile(r"\s*<class '(?:\w+\.)*(\w+)'>\s*")
_CLASS_WITHIN = re.compile(r"<class '([\w.]+)'>")
_PASSING = re.compile(
    r"\d{1,2}:\d\d|\b0x[0-9a-f]+|(?<![\w./])(?:/[\w.~-]+){2,}|\b(?:date|(?:wall|cpu|run)?[ _]?times?) *[:=]|"
    r"\b(?:elapsed|seconds?|took|duration|minutes)\b|\d ?(?:ms|µs|us|ns|s|sec|min)\b|it/s",
    re.IGNORECASE,
)
# Nothing but rounding: what should be 0.
_NOISE = 1e-9
_SERIES_NAME = re.compile(r"^Name: ([^,\n]+), (?:Length: \d+, )?dtype", re.MULTILINE)


def assert_text(actual: str, expected: str) -> None:
    """Fail where ``actual`` does not say what ``expected`` says."""
    found = _TOKEN.findall(_one_spelling(actual, expected))
    wanted = [each for token in _EXPECTED_TOKEN.findall(_one_spelling(expected, "")) for each in _known(token)]
    start, chunks = 0, _chunks(wanted)
    for number, chunk in enumerate(chunks):
        first, last = number == 0, number == len(chunks) - 1
        places = [len(found) - len(chunk)] if last and not first else range(start, len(found) - len(chunk) + 1)
        places = [0] if first else places
        at = next((place for place in places if place >= start and _is_at(found, place, chunk)), None)
        if at is None or (first and last and len(chunk) != len(found)):
            raise AssertionError(_difference(found[start:], chunk, actual, expected))
        start = at + len(chunk)


def assert_same_run(actual: str, other: str) -> None:
    """Fail where two runs print something else, but for lines with a time, an address or a folder in them."""
    assert_text(
        *("\n".join(line for line in text.split("\n") if not _PASSING.search(line)) for text in (actual, other))
    )


def assert_displayed(displayed: list[str], expected: str) -> None:
    """Fail where none of the ``displayed`` texts says what ``expected`` says."""
    problem: AssertionError | None = None
    for text in displayed:
        try:
            assert_text(text, expected)
        except AssertionError as error:
            problem = problem or error
        else:
            return
    raise problem or AssertionError("nothing of that name was displayed")


@cache
def metrics() -> dict[str, dict[str, float]]:
    """Return the metrics of the notebook, by the name they have in the expected texts."""
    file = Path(__file__).with_name("metrics.toml")
    return tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def _one_spelling(text: str, other: str) -> str:
    # Since pandas 2 the counts of values are headed by the name that once stood below them.
    old, head = _SERIES_NAME.search(other), text.partition("\n")[0].strip()
    if old is not None and head == old[1] and "Name: count" in text:
        text = text.partition("\n")[2]
    # A notebook shows a class by its name alone.
    shown = _CLASS.fullmatch(text)
    if shown is not None and shown[1] == other.strip().rpartition(".")[2]:
        text = other
    elif other and "<class '" not in other:
        text = _CLASS_WITHIN.sub(r"\1", text)
    for pattern, spelling in _SPELLINGS:
        text = pattern.sub(spelling, text)
    return text


def _known(token: str) -> list[str]:
    """Return a token as it is; braces around a name that is no metric are braces."""
    return ["{", token[1:-1], "}"] if token.startswith("{") and token[1:-1] not in {"", *metrics()} else [token]


def _chunks(wanted: list[str]) -> list[list[str]]:
    """Return what stands between the places where anything may stand."""
    chunks: list[list[str]] = [[]]
    for token in wanted:
        if token == _ANYTHING:
            chunks.append([])
        else:
            chunks[-1].append(token)
    return chunks


def _is_at(found: list[str], place: int, chunk: list[str]) -> bool:
    return place + len(chunk) <= len(found) and all(
        _says(found[place + offset], token) for offset, token in enumerate(chunk)
    )


def _says(actual: str, expected: str) -> bool:
    if actual == expected:
        return True
    if re.fullmatch(_NUMBER, actual) is None:
        return False
    if expected.startswith("{") and expected != "{":
        return _is_allowed(float(actual), metrics()[expected.strip("{}")])
    number, _, tolerance = expected.partition("±")
    if re.fullmatch(_NUMBER, number) is None:
        return False
    if tolerance:
        return abs(float(actual) - float(number)) <= float(tolerance)
    if max(abs(float(actual)), abs(float(number))) < _NOISE:
        return True
    unit = max(_unit(actual), _unit(number)) if "." in actual and "." in number else 0.0
    return math.isclose(float(actual), float(number), rel_tol=1e-6 if unit else 1e-12, abs_tol=1.001 * unit)


def _unit(number: str) -> float:
    """Return what one more in the last digit comes to; nothing for a whole number."""
    digits, _, exponent = number.lower().partition("e")
    decimals = digits.partition(".")[2]
    return 10.0 ** (int(exponent or 0) - len(decimals)) if decimals else 0.0


def _is_allowed(number: float, metric: dict[str, float]) -> bool:
    near = "tolerance" not in metric or abs(number - metric["notebook"]) <= metric["tolerance"]
    return near and metric.get("floor", -math.inf) <= number <= metric.get("ceiling", math.inf)


def _difference(found: list[str], chunk: list[str], actual: str, expected: str) -> str:
    same = max((_length(found[at:], chunk) for at in range(len(found) + 1)), default=0)
    wanted = " ".join(chunk[same : same + _SHOWN_AROUND]) or "nothing more"
    after = " ".join(chunk[max(0, same - _SHOWN_AROUND) : same])
    where = f"after {after!r} " if after else ""
    return f"{where}the notebook says {wanted!r}\n\nnotebook:\n{expected}\n\nnow:\n{actual}"


def _length(found: list[str], chunk: list[str]) -> int:
    pairs = zip(found, chunk, strict=False)
    return next((at for at, (one, other) in enumerate(pairs) if not _says(one, other)), min(len(found), len(chunk)))
