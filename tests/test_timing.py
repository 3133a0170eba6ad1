"""What ``%timeit -o`` becomes: a measurement with the attributes notebooks read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from notebooks import document

from nb2prod.convert.api import convert_notebook
from nb2prod.convert.scaffold.timing import TimeitResult, measure_time


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("t = %timeit -o f(3)", "t = measure_time(lambda: f(3))"),
        ("t = %timeit -n 10 -r3 -o f(3)", "t = measure_time(lambda: f(3), loops=10, repeat=3)"),
        ("t = %timeit -q -o -n1 f(3)", "t = measure_time(lambda: f(3), loops=1, quiet=True)"),
        ("for n in [1]:\n    t = %timeit -o -q f(n)", "    t = measure_time(lambda: f(n), quiet=True)"),
    ],
)
def test_a_measurement_that_is_kept_is_made_by_the_package(line: str, expected: str) -> None:
    files = convert_notebook(Path("n.ipynb"), content=document("def f(n):\n    return n", line)).package.files

    assert expected in files["src/n/steps.py"].decode()
    assert "src/n/timing.py" in files
    assert "src/n/shell.py" not in files


def test_code_runs_as_often_as_it_is_asked_to(capsys: pytest.CaptureFixture[str]) -> None:
    ran: list[int] = []

    found = measure_time(lambda: ran.append(1), loops=3, repeat=2)

    assert len(ran) == 6
    assert (found.loops, found.repeat, len(found.all_runs)) == (3, 2, 2)
    assert found.best == min(found.timings) <= found.average <= found.worst
    line = capsys.readouterr().out
    assert re.fullmatch(r"\S+ \S+ ± \S+ \S+ per loop \(mean ± std\. dev\. of 2 runs, 3 loops each\)\n", line)
    assert repr(found) == f"<TimeitResult : {line.rstrip()}>"


def test_without_a_number_it_runs_long_enough_to_be_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nb2prod.convert.scaffold.timing._LONG_ENOUGH", 0.0)
    ran: list[int] = []

    assert measure_time(lambda: ran.append(1), repeat=2, quiet=True).loops == 1
    assert len(ran) == 3


def test_durations_have_three_digits_and_a_unit() -> None:
    assert str(TimeitResult(1, [2.0])).startswith("2 s ± 0 ns per loop (mean ± std. dev. of 1 run, 1 loop each)")
    assert str(TimeitResult(1000, [1.234567, 1.234567])).startswith("1.23 ms ± 0 ns per loop")
    assert str(TimeitResult(10, [1e-7])).startswith("10 ns ±")
