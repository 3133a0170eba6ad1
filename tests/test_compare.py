"""Whether two values, two outputs and two runs are the same: what is found, and what is forgiven."""

from __future__ import annotations

import copy
import datetime as dt
import json
import math
import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from nb2prod.verify.compare import compare_traces
from nb2prod.verify.description import describe
from nb2prod.verify.lines import compare_lines, unsettled_lines, varying_lines
from nb2prod.verify.observer import Limits, digest
from nb2prod.verify.tolerance import Tolerance
from nb2prod.verify.trace import Displayed, Failure, Figure, Role, Trace, Value, WrittenFile
from nb2prod.verify.values import Difference, Incomparable, compare_values, match_values

NOW = dt.datetime(2026, 3, 5, 14, 30, 10, tzinfo=dt.UTC)

ATOMS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary() | st.dates()
VALUES = st.recursive(
    ATOMS,
    lambda inner: (
        st.lists(inner, max_size=25)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=5) | st.integers(), inner, max_size=6)
    ),
    max_leaves=25,
)


def same(one: object, other: object, tolerance: Tolerance | None = None) -> bool:
    """Return whether the digests of two values, written to JSON and read again, compare as equal."""
    left, right = (json.loads(json.dumps(digest(each))) for each in (one, other))
    return compare_values(left, right, tolerance or Tolerance()) is None


def difference(one: object, other: object) -> Difference:
    """Return the difference between two values; fail where there is none."""
    found = compare_values(digest(one), digest(other))
    assert isinstance(found, Difference), found
    return found


# Values


@given(VALUES)
def test_a_value_is_equal_to_its_copy(value: object) -> None:
    assert same(value, copy.deepcopy(value))


@given(ATOMS, ATOMS)
def test_two_simple_values_are_equal_exactly_if_python_says_so_of_the_same_type(one: object, other: object) -> None:
    exact = Tolerance(relative=0.0, absolute=0.0)

    assert same(one, other, exact) == (type(one) is type(other) and one == other)


@settings(max_examples=300)
@given(VALUES, st.data())
def test_any_single_change_is_found(value: object, data: st.DataObject) -> None:
    changed = _changed(copy.deepcopy(value), data)

    assert not same(value, changed)
    assert not same(changed, value)


def _changed(value: Any, data: st.DataObject) -> Any:
    """Return the value with one thing changed: a leaf, a key, the order, or one element more or less."""
    choices = ["replace"]
    if isinstance(value, (list, tuple)):
        choices += ["more", *(["less", "inside"] if value else [])]
        choices += ["order"] if len(value) > 1 and not same(value[0], value[-1]) else []
    if isinstance(value, dict):
        choices += ["more", *(["less", "inside", "rename"] if value else []), *(["order"] if len(value) > 1 else [])]
    how = data.draw(st.sampled_from(choices))
    if how == "replace":
        return _other(value)
    if isinstance(value, dict):
        key = data.draw(st.sampled_from(sorted(value, key=repr))) if value else None
        if how == "more":
            return value | {"a key nothing else has": 1}
        if how == "less":
            return {each: part for each, part in value.items() if each != key}
        if how == "inside":
            return value | {key: _changed(value[key], data)}
        if how == "rename":
            return {"a key nothing else has" if each == key else each: part for each, part in value.items()}
        return dict(reversed(list(value.items())))
    items = list(value)
    if how == "more":
        items.insert(data.draw(st.integers(0, len(items))), "an element nothing else is")
    elif how == "less":
        del items[data.draw(st.integers(0, len(items) - 1))]
    elif how == "order":
        items[0], items[-1] = items[-1], items[0]
    else:
        place = data.draw(st.integers(0, len(items) - 1))
        items[place] = _changed(items[place], data)
    return type(value)(items)


def _other(value: object) -> object:
    match value:
        case bool():
            return not value
        case int():
            return value + 1
        case float():
            return value * 1.001 + 0.001 if math.isfinite(value) and abs(value) < 1e300 else 1.0
        case str():
            return value + "x"
        case bytes():
            return value + b"x"
        case dt.date():
            return value.replace(year=value.year - 1 if value.year > 1 else 2, month=1, day=1)
        case None:
            return 0
    return "something else"


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e200, max_value=1e200), st.floats(-0.9, 0.9))
def test_floats_within_the_tolerance_are_equal_and_beyond_it_are_not(value: float, part: float) -> None:
    tolerance = Tolerance(relative=1e-6, absolute=1e-9)
    allowed = max(1e-6 * abs(value), 1e-9)

    assert same(value, value + part * allowed, tolerance)
    assume(value + 3 * allowed != value)
    assert not same(value, value + 3 * allowed, tolerance)
    assert not same([value] * 30, [value] * 29 + [value + 3 * allowed], tolerance)


def test_nan_is_the_same_as_nan_and_infinity_as_itself() -> None:
    assert same([math.nan, math.inf] * 20, [math.nan, math.inf] * 20)
    assert not same(math.nan, 1.0)
    assert not same(math.inf, -math.inf)
    assert not same(math.inf, 1e308)


def test_integers_texts_and_kinds_know_no_tolerance() -> None:
    loose = Tolerance(relative=0.5, absolute=10.0)

    assert not same(10**20, 10**20 + 1, loose)
    assert not same(list(range(100)), [*range(99), 100], loose)
    assert not same(1, 1.0, loose)
    assert not same([True], [1], loose)
    assert not same([1], (1,), loose)
    assert not same("1.0", "1.00", loose)
    assert same(1.0, 5.0, loose)


@pytest.mark.parametrize("value", [-1.0, math.nan, math.inf])
def test_a_tolerance_that_would_make_everything_equal_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="a tolerance is a number from 0 on"):
        Tolerance(relative=value)


@given(st.integers(0, 49_999), st.sampled_from(["change", "swap", "nan", "sign"]))
@settings(max_examples=40)
def test_one_change_among_many_numbers_is_found(place: int, how: str) -> None:
    values = [math.sin(number) * 100 + 150 for number in range(50_000)]
    changed = list(values)
    if how == "change":
        changed[place] *= 1.00001
    elif how == "swap":
        other = (place + 1) % len(values)
        changed[place], changed[other] = changed[other], changed[place]
    elif how == "nan":
        changed[place] = math.nan
    else:
        changed[place] *= -1

    assert "blocks" in digest(values)["elements"]["packed"]
    assert not same(values, changed)


@given(st.integers(0, 2**32))
@settings(max_examples=10)
def test_many_numbers_within_the_tolerance_are_equal(seed: int) -> None:
    source = random.Random(seed)  # noqa: S311
    values = [math.sin(number) * 100 for number in range(50_000)]
    # Half the tolerance: of errors as large as it allows, a block's sum may once in a while exceed its bound.
    near = [value * (1 + source.uniform(-5e-10, 5e-10)) for value in values]

    assert same(values, near)


def test_sets_have_no_order_and_mappings_have() -> None:
    assert same({"a", "b", 1}, {1, "b", "a"})
    assert not same({"a"}, {"a", "b"})
    many = {f"text {number}" for number in range(30_000)}
    assert same(many, {f"text {number}" for number in range(29_999, -1, -1)})
    assert not same(many, many - {"text 29999"} | {"text x"})
    assert difference({"a": 1, "b": 2}, {"b": 2, "a": 1}).reason == "the keys stand in another order"


@pytest.mark.parametrize(
    ("one", "other", "text"),
    [
        (
            {"age": {"mean": [1, 2, 3.5]}},
            {"age": {"mean": [1, 2, 3.6]}},
            "['age']['mean'][2]: 3.5 ≠ 3.6 (another value)",
        ),
        ([1, 2], [1, 2, 3], "list of 2 ≠ list of 3 (2 elements, not 3)"),
        ({"a": 1}, {}, "'a' ≠ nothing (a key is missing)"),
        ({}, {"a": 1}, "nothing ≠ 'a' (a key too many)"),
        (1, 1.0, "1 ≠ 1.0 (another type)"),
        ("1", 1, "'1' ≠ 1 (another type)"),
        ([1.0] * 40, [1.0] * 39 + [2.0], "[39]: 1.0 ≠ 2.0 (1 of 40 numbers differ)"),
        (["a"] * 40, ["a"] * 38 + ["b", "c"], "[38]: 'a' ≠ 'b' (2 of 40 texts differ)"),
        ("x" * 100, "x" * 99 + "y", "'" + "x" * 58 + "… ≠ '" + "x" * 58 + "… (another value)"),
    ],
)
def test_a_difference_is_said_as_a_person_wants_it(one: object, other: object, text: str) -> None:
    if len(text) > 110:
        assert difference(one, other).reason == "another value"
    else:
        assert str(difference(one, other)) == text


def test_what_cannot_be_compared_says_why() -> None:
    assert compare_values(digest(iter([])), digest(iter([]))) == Incomparable(
        "it would be used up by looking at it", "", ()
    )
    assert compare_values({"kind": "unbound"}, digest(1)) == Incomparable("the name has no value there", "", ())
    # The part that can be compared decides.
    assert compare_values(digest([1, iter([])]), digest([1, iter([])])) is None
    assert isinstance(compare_values(digest([1, iter([])]), digest([2, iter([])])), Difference)


def test_parts_can_be_left_out() -> None:
    first, second, package = ({"time": seconds, "score": score} for seconds, score in ((1.0, 5), (2.0, 5), (3.0, 6)))
    varying = frozenset(each.node for each in match_values(digest(first), digest(second)).differences)

    match = match_values(digest(first), digest(package), without=varying)

    assert [each.path for each in match.differences] == ["['score']"]
    assert match.left_out == 1


def test_a_container_too_large_to_be_looked_at_says_so() -> None:
    one = digest([[0]] * 60_000)

    match = match_values(one, one)

    assert not match.differences
    assert [each.reason for each in match.incomparable] == ["only the first 50000 of 60000 elements were looked at"]


def test_values_that_were_cut_differ_where_the_rest_does() -> None:
    limits = Limits(items=5)
    one, other = (digest([[0]] * 10 + [[last]], limits) for last in (1, 2))

    found = compare_values(one, other)

    assert isinstance(found, Difference)
    assert found.path == "[5:]"
    assert compare_values(one, one) is None


@given(VALUES)
def test_every_value_can_be_described_on_one_short_line(value: object) -> None:
    text = describe(digest(value))

    assert text
    assert len(text) <= 60
    assert "\n" not in text


# Lines


@pytest.mark.parametrize(
    ("left", "right", "kind"),
    [
        ("<a.B object at 0x7f3b2c1d>", "<a.B object at 0x7fffffff>", "address"),
        ("training took 1.53 s", "training took 12 s", "duration"),
        ("Training time: 12.3 ms", "Training time: 9.8 µs", "duration"),
        ("--- 0.52 seconds ---", "--- 0.61 seconds ---", "duration"),
        ("elapsed: 0.5", "elapsed: 0.7", "duration"),
        ("started at 14:29:58", "started at 14:30:07", "time of day"),
        ("Ran 2 tests in 0.001s", "Ran 2 tests in 0.002s", "duration"),
        ("         6 function calls in 0.010 seconds", "         6 function calls in 0.000 seconds", "duration"),
        ("Ran 2 tests in 0.001s", "Ran 3 tests in 0.001s", None),
        ("run on 2026-03-05", "run on 2026-03-05 ", None),
        ("12:30 is data", "13:30 is data", None),
        ("mean 0.53", "mean 0.54", None),
        ("took 3 samples", "took 4 samples", None),
        ("on 2020-01-01", "on 2020-01-02", None),
        ("0x10", "0x11", None),
        ("Help on function f in module __main__:", "Help on function f in module churn.steps:", "module"),
        ("Help on function f in module __main__:", "Help on function g in module churn.steps:", None),
        ("knn fit in 0.00 seconds, 0.98", "knn fit in 0.01 seconds, 0.98", "duration"),
        ("knn fit in 0.00 seconds, 0.98", "knn fit in 0.00 seconds, 0.99", None),
        ("100 m in 3 m", "100 m in 4 m", None),
        ("\x1b[0menv: A=b", "env: A=b", "colour"),
        ("\x1b[1;31mERROR:\x1b[0m (config) no project", "ERROR: (config) no project", "colour"),
    ],
)
def test_only_addresses_clocks_and_durations_are_masked(left: str, right: str, kind: str | None) -> None:
    match = compare_lines(["a", left, "b"], ["a", right, "b"], now=NOW)

    if kind is None:
        assert (match.equal, match.different) == (2, 1)
        assert match.differences[0].line == 2
    else:
        assert (match.equal, match.different) == (3, 0)
        assert [(each.line, each.kind) for each in match.masked] == [(2, kind)]


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("<class '__main__.Point'>", "<class 'churn.steps.Point'>", True),
        ("<__main__.Point object at 0x7f4f93a08d90>", "<churn.model.Point object at 0x7f4f93a08d91>", True),
        ("<__main__.Outer.point object at 0x7f4f93a08d90>", "<churn.steps.Outer.point object at 0x7f4f93a08d91>", True),
        ("<function <lambda> at 0x7f4f93a08d90>", "<function load.<locals>.<lambda> at 0x7f4f93a08d91>", True),
        ("<class '__main__.Point'>", "<class 'churn.steps.Line'>", False),
        ("<class '__main__.Point'>", "<class 'other.steps.Point'>", False),
        ("<class 'numpy.Point'>", "<class 'churn.steps.Point'>", False),
        ("rate 0.5", "rate churn.steps.0.5", False),
    ],
)
def test_what_the_notebook_defined_is_of_a_module_of_the_package(left: str, right: str, *, same: bool) -> None:
    match = compare_lines([left], [right], now=NOW, package="churn")

    assert (match.equal, match.different) == (int(same), int(not same))
    assert {each.kind for each in match.masked} <= {"module", "address"}


def test_the_day_may_end_between_two_runs() -> None:
    midnight = dt.datetime(2026, 3, 6, 0, 1, tzinfo=dt.UTC)

    assert compare_lines(["on 2026-03-05"], ["on 2026-03-06"], now=midnight).different == 0
    assert compare_lines(["on 2026-03-04"], ["on 2026-03-06"], now=midnight).different == 1


def test_progress_and_timings_are_left_out_on_both_sides_and_listed() -> None:
    bars = ["  0%|          | 0/3 [00:00<?, ?it/s]", "100%|####| 3/3 [00:01<00:00,  2.9it/s]"]

    timed = ["CPU times: user 3 ms, sys: 0 ns, total: 3 ms", "Wall time: 3.2 ms"]
    profiled = "        1    0.000    0.000    0.010    0.010 123.py:4(solve)"
    measured = "1.2 ms ± 30 µs per loop (mean ± std. dev. of 7 runs, 1,000 loops each)"

    match = compare_lines(["a", *bars, "b", *timed, measured, profiled], ["a", bars[1], "b"], now=NOW)

    assert (match.equal, match.different) == (2, 0)
    assert [each.kind for each in match.masked] == ["progress"] * 2 + ["duration"] * 4


def test_a_time_behind_a_line_without_its_newline_ends_no_line() -> None:
    timed = ["0 1 CPU times: user 3 ms, sys: 0 ns, total: 3 ms", "Wall time: 3.2 ms"]

    assert compare_lines([*timed, "2", "3"], ["0 1 2", "3"], now=NOW).different == 0
    assert compare_lines([*timed, *timed, "2"], ["0 1 0 1 2"], now=NOW).different == 0
    assert compare_lines(["3", *timed], ["3", "0 1 "], now=NOW).different == 0
    assert [each.line for each in compare_lines([*timed, "2", "3"], ["0 1 3", "3"], now=NOW).differences] == [1]


def test_what_pip_help_and_the_fonts_of_the_machine_say_is_left_out() -> None:
    installing = [
        "Collecting pandas",
        "  Downloading pandas-2.3.3-cp311-cp311-manylinux_2_17_x86_64.whl (12.8 MB)",
        "Requirement already satisfied: numpy in /usr/lib/python3/site-packages (2.2.6)",
        "Successfully installed pandas-2.3.3",
        "\x1b[33mWARNING: Running pip as the 'root' user can result in broken permissions",
        "\x1b[31mERROR: Could not find a version that satisfies the requirement sklearn (from versions: none)\x1b[0m",
        "  Attempting uninstall: numpy",
        "    Found existing installation: numpy 1.26.4",
        "      Successfully uninstalled numpy-1.26.4",
        "lifelines 0.30.3 requires pandas<3.0,>=2.1, but you have pandas 3.0.6 which is incompatible.",
    ]
    fonts = ["findfont: Font family 'xkcd' not found."] * 3

    match = compare_lines([*installing, "a", *fonts], ["a", fonts[0]], now=NOW)

    assert compare_lines(["Object `frame` not found.", "a"], ["a"], now=NOW).different == 0
    assert (match.equal, match.different) == (1, 0)
    assert [each.kind for each in match.masked] == ["installation"] * 10 + ["fonts"] * 3
    assert compare_lines(["We are collecting pandas"], ["b"], now=NOW).different == 1


LINES = st.lists(st.text(alphabet="ab 1", max_size=4), max_size=12)


@given(LINES)
def test_an_output_is_equal_to_itself(lines: list[str]) -> None:
    match = compare_lines(lines, lines, now=NOW)

    assert (match.equal, match.different, match.masked) == (len(lines), 0, ())


@given(LINES, LINES)
def test_outputs_are_equal_only_if_every_line_is(left: list[str], right: list[str]) -> None:
    match = compare_lines(left, right, now=NOW)

    assert (match.different == 0) == (left == right)
    assert match.different == len(match.differences)


@given(LINES, st.data())
def test_a_lost_added_or_moved_line_is_found(lines: list[str], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(lines)))
    longer = [*lines[:place], "new", *lines[place:]]

    assert compare_lines(lines, longer, now=NOW).different == 1
    assert compare_lines(longer, lines, now=NOW).different == 1
    assert compare_lines(lines, longer, now=NOW, extra_allowed=True).different == 0
    assert compare_lines(longer, lines, now=NOW, extra_allowed=True).different == 1
    if longer[0] != longer[-1]:
        assert compare_lines(longer, [longer[-1], *longer[1:-1], longer[0]], now=NOW).different >= 1


def test_lines_that_vary_between_two_runs_are_not_compared() -> None:
    first, second = ["a", "random 1", "b"], ["a", "random 2", "b"]
    varying = varying_lines(first, second, now=NOW)

    assert varying == {1}
    match = compare_lines(first, ["a", "random 3", "b"], now=NOW, without=varying)
    assert (match.equal, match.different, match.left_out) == (2, 0, 1)
    assert compare_lines(first, ["a", "random 3", "c"], now=NOW, without=varying).different == 1


def test_lines_of_a_kind_that_varies_settle_nothing_by_being_alike_once() -> None:
    first = ["start", *(f"epoch {n}: {loss}" for n, loss in enumerate((0.9, 0.5, 0.4, 0.3))), "end 7"]
    second = ["start", *(f"epoch {n}: {loss}" for n, loss in enumerate((0.9, 0.6, 0.3, 0.2))), "end 7"]
    package = ["start", *(f"epoch {n}: {loss}" for n, loss in enumerate((0.8, 0.6, 0.3, 0.2))), "end 7"]
    unsettled = unsettled_lines(first, [second], now=NOW)

    assert unsettled == {1, 2, 3, 4}
    match = compare_lines(first, package, now=NOW, without=unsettled)
    assert (match.equal, match.different, match.left_out) == (2, 0, 4)
    assert compare_lines(first, [*package[:-1], "end 8"], now=NOW, without=unsettled).different == 1


def test_few_lines_that_vary_say_nothing_of_others_of_their_kind() -> None:
    first, second = ["rows: 3", "columns: 4", "mean: 5", "mean: 6"], ["rows: 3", "columns: 4", "mean: 5", "mean: 7"]

    assert unsettled_lines(first, [second], now=NOW) == {3}


def test_what_stands_between_lines_of_workers_is_not_compared() -> None:
    first = ["begin", "a starts", "b starts", "", "b ends", "a ends", "end"]
    second = ["begin", "b starts", "a starts", "", "a ends", "b ends", "end"]
    package = ["begin", "a starts", "a ends", "b starts", "b ends", "end"]
    unsettled = unsettled_lines(first, [second], now=NOW)

    assert {2, 3, 4} <= unsettled <= {0, 1, 2, 3, 4, 5}
    assert compare_lines(first, package, now=NOW, without=unsettled).different == 0


def test_what_stands_between_figures_that_vary_is_compared() -> None:
    first, second = ["one 1", "settled", "two 2"], ["one 3", "settled", "two 4"]

    assert unsettled_lines(first, [second], now=NOW) == {0, 2}


# Runs


def run(**changes: Any) -> Trace:
    """Return a run with a bit of everything."""
    trace = Trace(
        out=("one", "two"),
        err=(),
        values=(
            Value("load", "data", "result", digest([1, 2]), 2),
            Value("fit", "score", "result", digest(0.5), 4),
            Value("fit", "data", "argument", digest([1, 2, 3]), 4),
        ),
        displayed=(Displayed(3, 0, digest("shown")), Displayed(3, 1, digest([1.0]))),
        figures=(Figure(4, 1, digest({"title": "a"})),),
        files=(WrittenFile("out.csv", "abc", 3),),
        failure=None,
        seconds=1.0,
    )
    return replace(trace, **changes)


def _with_value(trace: Trace, place: int, value: object) -> Trace:
    values = list(trace.values)
    values[place] = replace(values[place], digest=digest(value))
    return replace(trace, values=tuple(values))


def test_a_run_is_equal_to_itself() -> None:
    found = compare_traces(run(), run(), run(), now=NOW)

    assert found.verdict == "equal"
    assert found.share == 1.0
    assert [(row.name, row.equal, row.total) for row in found.steps] == [("load", 1, 1), ("fit", 2, 2)]
    counted = {row.name: row.equal for row in found.others if row.total}
    assert counted == {"printed lines": 2, "displayed values": 2, "figures": 1, "files": 1}


@pytest.mark.parametrize(
    ("changes", "kind", "name"),
    [
        ({"values": run().values[:2]}, "value", "data"),
        ({"values": (*run().values, Value("fit", "more", "result", digest(1), 4))}, "value", "more"),
        ({"values": _with_value(run(), 1, 0.51).values}, "value", "score"),
        ({"out": ("one",)}, "printed", "line 2"),
        ({"out": ("two", "one")}, "printed", "line 1"),
        ({"out": ("one", "two", "three")}, "printed", "line 2"),
        ({"displayed": run().displayed[:1]}, "displayed", "display 1"),
        ({"displayed": (Displayed(3, 0, digest("other")), run().displayed[1])}, "displayed", "value"),
        ({"figures": ()}, "figure", "figure 1"),
        ({"figures": (Figure(4, 1, digest({"title": "b"})),)}, "figure", "figure 1"),
        ({"figures": (Figure(5, 1, digest({"title": "a"})),)}, "figure", "figure 1"),
        ({"files": ()}, "file", "out.csv"),
        ({"files": (WrittenFile("out.csv", "abd", 3),)}, "file", "out.csv"),
        ({"files": (*run().files, WrittenFile("more.csv", "abc", 3))}, "file", "more.csv"),
        ({"failure": Failure(4, "fit", "ValueError", "no", "")}, "failure", "the run"),
    ],
)
def test_whatever_a_package_lost_added_or_changed_is_found(changes: dict[str, Any], kind: str, name: str) -> None:
    found = compare_traces(run(), run(), run(**changes), now=NOW)

    assert found.verdict == "different"
    assert (found.differences[0].kind, found.differences[0].name) == (kind, name)
    assert sum(row.different for row in (*found.steps, *found.others)) == len(found.differences)


def test_an_empty_package_is_never_equal() -> None:
    nothing = Trace((), (), (), (), (), (), None, 0.0)

    assert compare_traces(run(), run(), nothing, now=NOW).verdict == "different"
    only_prints = replace(nothing, out=run().out)
    assert compare_traces(run(), run(), only_prints, now=NOW).verdict == "different"


def _with_states(trace: Trace, *states: str, role: Role = "generator") -> Trace:
    """Return the run with the state of a generator, or a library's settings, at the end of each of its steps."""
    steps = ("load", "fit", "report")
    seen = tuple(
        Value(step, "random", role, {"kind": "exact", "type": role, "value": state}, 4)
        for step, state in zip(steps, states, strict=False)
    )
    return replace(trace, values=trace.values + seen)


@pytest.mark.parametrize(
    ("package", "step"),
    [
        (("one", "one", "two"), None),
        (("as seeded", "one", "two"), "load"),
        (("one", "two", "two"), "fit"),
        (("one", "one", "one"), "report"),
        (("two", "two", "two"), "load"),
        ((), "load"),
    ],
)
def test_a_lost_or_moved_draw_is_found_at_its_step(package: tuple[str, ...], step: str | None) -> None:
    notebook = _with_states(run(), "one", "one", "two")

    found = compare_traces(notebook, notebook, _with_states(run(), *package), now=NOW)

    assert [each.step for each in found.differences][:1] == [step] * (step is not None)
    if step is not None:
        assert found.differences[0].name == "state of random"


def test_a_setting_the_package_lost_is_found_at_its_step_and_only_there() -> None:
    notebook = _with_states(run(), "as loaded", "precision: 3", "precision: 3", role="setting")
    lost = _with_states(run(), "as loaded", "as loaded", "as loaded", role="setting")
    late = _with_states(run(), "as loaded", "as loaded", "precision: 3", role="setting")

    assert compare_traces(notebook, notebook, notebook, now=NOW).verdict == "equal"
    for package in (lost, late):
        found = compare_traces(notebook, notebook, package, now=NOW)
        assert [(each.step, each.name) for each in found.differences][:1] == [("fit", "settings of random")]


def test_a_generator_nobody_draws_from_is_no_result() -> None:
    nothing = Trace((), (), (), (), (), (), None, 0.0)
    quiet = _with_states(nothing, "as seeded", "as seeded", "as seeded")
    quiet = _with_states(quiet, "as loaded", "as loaded", "as loaded", role="setting")

    assert compare_traces(quiet, quiet, quiet, now=NOW).verdict == "nothing comparable"
    assert compare_traces(quiet, quiet, nothing, now=NOW).verdict == "nothing comparable"


def test_draws_that_differ_between_the_notebooks_own_runs_are_not_compared() -> None:
    first, second, package = (_with_states(run(), state) for state in ("one", "two", "three"))

    found = compare_traces(first, second, package, now=NOW)

    assert found.verdict == "equal"
    assert found.steps[0].nondeterministic == 1


def test_nothing_compared_is_not_equal() -> None:
    nothing = Trace((), (), (), (), (), (), None, 0.0)
    found = compare_traces(nothing, nothing, nothing, now=NOW)
    assert (found.verdict, found.share) == ("nothing comparable", 0.0)

    opaque = replace(nothing, values=(Value("a", "x", "result", digest(iter([])), 1),))
    found = compare_traces(opaque, opaque, opaque, now=NOW)
    assert (found.verdict, found.steps[0].incomparable) == ("nothing comparable", 1)
    assert found.skipped[0].reason == "it would be used up by looking at it"


def test_what_differs_between_the_notebooks_own_runs_is_not_compared() -> None:
    first, second, package = (_with_value(run(), 1, score) for score in (0.1, 0.2, 0.3))

    found = compare_traces(first, second, package, now=NOW)

    assert found.verdict == "equal"
    assert (found.steps[1].equal, found.steps[1].nondeterministic) == (1, 1)
    assert 0 < found.share < 1
    assert found.skipped[0].name == "score"


def test_an_argument_that_is_no_variable_of_the_notebook_is_no_result() -> None:
    given, unbound = digest("prices.csv"), {"kind": "unbound"}
    notebook = replace(run(), values=(*run().values, Value("fit", "prices_csv", "argument", unbound, 4)))
    package = replace(run(), values=(*run().values, Value("fit", "prices_csv", "argument", given, 4)))

    found = compare_traces(notebook, notebook, package, now=NOW)

    assert (found.verdict, found.share) == ("equal", 1.0)
    bound_once = Value("load", "prices_csv", "result", given, 2)
    notebook, package = (replace(trace, values=(bound_once, *trace.values)) for trace in (notebook, package))
    assert compare_traces(notebook, notebook, package, now=NOW).steps[1].incomparable == 1


def test_values_that_two_runs_agree_on_by_chance_are_told_by_another_run() -> None:
    first, second, package, third = (_with_value(run(), 1, score) for score in (0.1, 0.1, 0.3, 0.2))

    assert compare_traces(first, second, package, now=NOW).verdict == "different"
    found = compare_traces(first, second, package, more=[third], now=NOW)
    assert (found.verdict, found.nondeterministic) == ("equal", 1)
    assert compare_traces(first, second, package, more=[first], now=NOW).verdict == "different"

    lines = replace(run(), out=("one", "2")), replace(run(), out=("one", "3"))
    assert compare_traces(run(), run(), lines[1], more=[lines[0]], now=NOW).verdict == "equal"
    files = replace(run(), files=())
    assert compare_traces(run(), run(), files, more=[files], now=NOW).verdict == "equal"


def test_only_the_part_that_varies_is_left_out_of_a_value() -> None:
    first, second, package = (
        _with_value(run(), 1, {"seconds": seconds, "score": score}) for seconds, score in ((1, 5), (2, 5), (3, 6))
    )

    found = compare_traces(first, second, package, now=NOW)

    assert found.verdict == "different"
    assert found.differences[0].difference.path == "['score']"


def test_a_parts_of_a_figure_that_was_displayed_is_no_lost_value() -> None:
    artist = {"kind": "record", "type": "artist", "fields": {}}
    listed = {"kind": "sequence", "type": "list", "length": 1, "elements": {"items": [artist]}}
    by_name = {"kind": "mapping", "type": "dict", "length": 1, "items": [[digest("boxes"), listed]]}

    for shown in (listed, by_name):
        notebook = run(displayed=(*run().displayed, Displayed(4, 0, shown)))
        assert compare_traces(notebook, notebook, run(), now=NOW).verdict == "equal"


def test_a_bar_two_runs_agree_on_by_chance_is_one_of_bars_that_vary() -> None:
    def drawn(*bars: int, other: int = 1) -> Trace:
        axes = [{"patches": [[bar, 0] for bar in bars]}, {"patches": [[other, 0]]}]
        return run(figures=(Figure(4, 1, digest({"axes": axes})),))

    first, second = drawn(3, 7), drawn(4, 7)

    assert compare_traces(first, second, drawn(5, 8), now=NOW).verdict == "equal"
    assert compare_traces(first, second, drawn(5, 8, other=2), now=NOW).verdict == "different"
    assert compare_traces(first, first, drawn(3, 8), now=NOW).verdict == "different"


def test_a_duration_in_a_text_of_a_figure_is_no_result() -> None:
    figures = [
        (Figure(4, 1, digest({"title": title, "axes": 2})),)
        for title in ("single (time 0.03s)", "single (time 0.02s)", "average (time 0.02s)")
    ]
    notebook, package, other = (run(figures=each) for each in figures)

    found = compare_traces(notebook, notebook, package, now=NOW)

    assert found.verdict == "equal"
    assert any("how long" in each.reason for each in found.skipped)
    assert compare_traces(notebook, notebook, other, now=NOW).verdict == "different"


def test_the_packages_own_figures_and_messages_are_no_difference() -> None:
    package = run(
        files=(*run().files, WrittenFile("output/figures/cell-04-1.png", "x", 9)),
        err=("saved output/figures/cell-04-1.png", "shown: 5"),
    )

    assert compare_traces(run(), run(), package, now=NOW).verdict == "equal"
    lost = run(err=("important",))
    assert compare_traces(lost, lost, package, now=NOW).verdict == "different"


def test_warnings_say_where_they_come_from_and_are_not_compared() -> None:
    notebook = run(err=("/x/1.py:3: FutureWarning: old", "  f(x=1)", "kept"))
    package = run(err=("/y/steps.py:9: FutureWarning: old", "    f(x = 1)", "kept"))

    found = compare_traces(notebook, notebook, package, now=NOW)

    assert found.verdict == "equal"
    assert any("warnings" in each.reason for each in found.skipped)


def test_a_warning_of_several_lines_is_one_warning() -> None:
    """A category Python shows in `__main__` alone is printed by the notebook and not by the package."""
    warning = ("/x/1.py:3: DeprecationWarning: inplace goes", "", "See the notes.", "  f(x=1)")

    def verdict(*err: str, package: tuple[str, ...] = ("kept",)) -> str:
        return compare_traces(run(err=err), run(err=err), run(err=package), now=NOW).verdict

    assert verdict(*warning, "kept") == "equal"
    assert verdict(*warning[:3], *map(str, range(20)), warning[3], "kept") == "equal"
    assert verdict(warning[0], *warning, "kept") == "equal"
    assert verdict(*warning, "lost", "kept") == "different"
    assert verdict(warning[0], "lost", "kept") == "different"


# Libraries, where they are installed


def test_any_single_change_of_an_array_is_found() -> None:
    np = pytest.importorskip("numpy")
    value = np.arange(12, dtype="float64").reshape(3, 4)
    changed = value.copy()
    changed[1, 2] += 1e-6

    assert str(difference(value, changed)) == "[1, 2]: 6.0 ≠ 6.000001 (1 of 12 numbers differ)"
    for other in (value.reshape(4, 3), value.astype("float32"), value.astype("int64"), value[:2], value.T):
        assert not same(value, other)
    assert same(value, value + 1e-13)
    assert same(np.asfortranarray(value), value)
    large = np.linspace(0, 1, 1_000_000)
    wrong = large.copy()
    wrong[654_321] += 1e-4
    assert same(large, large * (1 + 1e-12))
    assert not same(large, wrong)
    assert not same(large > 0.5, wrong > 0.50001)


def test_any_single_change_of_a_table_is_found() -> None:
    np = pytest.importorskip("numpy")
    pd = pytest.importorskip("pandas")
    table = pd.DataFrame({"n": [1, 2, 3], "f": [0.1, np.nan, 0.3], "s": ["a", None, "c"]}, index=[5, 6, 7])
    changes = {
        "element": table.assign(f=[0.1, np.nan, 0.4]),
        "missing": table.assign(f=[0.1, 0.2, 0.3]),
        "text": table.assign(s=["a", None, "d"]),
        "name": table.rename(columns={"f": "g"}),
        "dtype": table.astype({"n": "float64"}),
        "order": table.iloc[[1, 0, 2]],
        "column order": table[["f", "n", "s"]],
        "row": pd.concat([table, table.iloc[:1]]),
        "fewer": table.iloc[:2],
        "column": table.drop(columns="f"),
        "index": table.reset_index(drop=True),
        "index name": table.rename_axis("id"),
        "category": table.astype({"s": "category"}),
    }

    for name, changed in changes.items():
        assert not same(table, changed), name
    assert same(table, table.copy())
    assert str(difference(table, changes["element"])).startswith("['f'][2]: 0.3 ≠ 0.4")


def test_models_are_their_parameters_and_what_they_have_learnt() -> None:
    ensemble = pytest.importorskip("sklearn.ensemble")
    linear = pytest.importorskip("sklearn.linear_model")
    x, y = [[0.0], [1.0], [2.0], [3.0]], [0, 1, 1, 0]
    assert same(linear.LinearRegression().fit(x, y), linear.LinearRegression().fit(x, y))
    assert not same(linear.LinearRegression().fit(x, y), linear.LinearRegression().fit(x, [*y[1:], 5]))
    assert not same(linear.LinearRegression(), linear.LinearRegression().fit(x, y))
    assert not same(linear.LinearRegression(), linear.LinearRegression(fit_intercept=False))
    forests = [ensemble.RandomForestClassifier(5, random_state=seed).fit(x, y) for seed in (0, 0, 1)]
    assert same(forests[0], forests[1])
    assert not same(forests[0], forests[2])


def test_sparse_matrices_are_their_entries() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    one = sparse.csr_matrix([[0, 1], [2, 0]])

    assert same(one, one.copy())
    assert not same(one, sparse.csr_matrix([[0, 1], [3, 0]]))
    assert not same(one, one.tocsc())
