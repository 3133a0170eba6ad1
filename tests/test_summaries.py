"""Which objects calls change in place, through the notebook's own functions and through libraries."""

from __future__ import annotations

import pytest
from notebooks import analysis_of


def changed(*cells: str) -> list[tuple[str, str | None, bool]]:
    """Return (name, what is called, surely) of each change the last statement makes."""
    found = analysis_of(*cells).statements()[-1].definitions
    return [(each.name, each.through, each.sure) for each in found if each.kind == "mutate"]


@pytest.mark.parametrize(
    ("function", "call", "expected"),
    [
        ("def f(x):\n    x['a'] = 1", "f(d)", [("d", "f", True)]),
        ("def f(x):\n    x.drop(columns='a', inplace=True)", "y = f(d)", [("d", "f", True)]),
        ("def f(x):\n    x = x.copy()\n    x['a'] = 1\n    return x", "f(d)", []),
        ("def f(x, copy):\n    if copy:\n        x = x.copy()\n    x['a'] = 1", "f(d, True)", [("d", "f", False)]),
        ("def f(x):\n    part = x[x.a > 1]\n    part['b'] = 2", "f(d)", []),
        ("def f(x):\n    for row in x:\n        row.append(1)", "f(rows)", [("rows", "f", False)]),
        ("def f(*, x):\n    del x[0]", "f(x=d)", [("d", "f", True)]),
        ("def f(*xs):\n    [x.append(1) for x in xs]", "f(a, b)", [("a", "f", False), ("b", "f", False)]),
        ("def f(**options):\n    options['a'] = 1", "f(b=d)", []),
        ("def g(x):\n    x.append(1)\ndef f(x):\n    return g(x)", "f(d)", [("d", "f", True)]),
        ("def f(x, n):\n    return f(x, n - 1) if n else x.append(1)", "f(d, 3)", [("d", "f", False)]),
        ("def f():\n    rows.append(1)", "f()", [("rows", "f", True)]),
        ("rows = []\ndef f(x=rows):\n    x.append(1)", "f()", [("rows", "f", False)]),
        ("rows = []\ndef f(x=rows):\n    x.append(1)", "f(d)", [("d", "f", True)]),
        (
            "def f(x):\n    y = []\n    for i in x:\n        if i: y = x; break\n    y.append(1)",
            "f(d)",
            [("d", "f", False)],
        ),
        ("def f(x):\n    y = []\n    g = lambda: y.append(1)\n    y = x\n    g()", "f(d)", [("d", "f", False)]),
        ("class C:\n    def __init__(self, x):\n        x.append(1)", "c = C(d)", [("d", "C", True)]),
        ("class C:\n    def m(self, x):\n        self.n = x", "r = c.m(d)", [("c", "m", True)]),
        ("import random", "y = random.shuffle(rows)", [("rows", "shuffle", True)]),
        ("import heapq", "y = heapq.heappop(rows)", [("rows", "heappop", True)]),
        ("def f(x):\n    return x", "y = f(d).pop()", [("d", None, True)]),
    ],
)
def test_a_call_changes_what_the_function_changes_of_what_it_is_given(
    function: str, call: str, expected: list[tuple[str, str | None, bool]]
) -> None:
    assert changed(function, call) == expected


def test_a_loop_over_several_changes_each() -> None:
    assert changed("for d in (train, test):\n    d['a'] = 1")[:2] == [("test", None, True), ("train", None, True)]
    inside = changed("if wanted:\n    for d in (train, test):\n        d['a'] = 1")
    assert inside[:2] == [("test", None, False), ("train", None, False)]


def test_what_a_kept_function_changes_reaches_reads_after_it_was_kept() -> None:
    analysis = analysis_of("rows = []\ndef f():\n    rows.append(1)\ncallbacks = [f]", "callbacks[0]()\nprint(rows)")
    (use,) = (each for each in analysis.statements()[-1].uses if each.name == "rows")
    assert [each.kind for each in analysis.flow.reaching(use)] == ["assign", "mutate"]


def test_a_name_that_was_imported_elsewhere_is_changed_as_any_other() -> None:
    function = "def f():\n    rows.append(1)"
    assert changed("from names import rows", function, "f()") == []
    assert changed("try:\n    from names import rows\nexcept ImportError:\n    rows = []", function, "f()") == []
    assert changed("from names import rows", "rows = [0]", function, "f()") == [("rows", "f", True)]
