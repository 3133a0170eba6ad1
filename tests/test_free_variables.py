"""Functions that read variables of the notebook take them as arguments, where every call can give them."""

from __future__ import annotations

import ast

import pytest
from test_cut import plan_of

from nb2prod.convert.emit.modules import emit_modules


def lifted(*cells: str) -> dict[str, tuple[str, ...]]:
    """Return what each function at module level takes beside its own arguments."""
    return {each.name: each.lifted for each in plan_of(*cells).functions if each.kind == "function"}


def code(*cells: str) -> str:
    """Return the statements of the steps as a normal form of their text."""
    return ast.unparse(ast.parse(emit_modules(plan_of(*cells))["steps"]))


def test_a_variable_is_handed_over_at_each_call_whatever_it_holds_there() -> None:
    text = code("rate = [1]\ndef f(x):\n    return x + rate[0]", "print(f(2))", "rate = [9]\nprint(f(3))")

    assert "def f(x, rate):" in text
    assert "print(f(2, rate))\n    rate = [9]\n    print(f(3, rate))" in text


def test_a_function_that_calls_another_hands_on_what_that_one_reads() -> None:
    cells = (
        "a = [1]\nb = [2]",
        "def f():\n    return a\ndef g(n):\n    return f() + b if n else g(n - 1)",
        "print(g(1))",
    )

    assert lifted(*cells) == {"f": ("a",), "g": ("a", "b")}
    assert "return f(a) + b if n else g(n - 1, a, b)" in code(*cells)
    assert "print(g(1, a, b))" in code(*cells)


@pytest.mark.parametrize(
    ("definition", "call", "expected"),
    [
        ("def f(x, n=3):\n    return xs", "f(1)", "f(1, xs=xs)"),
        ("def f(*values):\n    return xs", "f(*[1, 2])", "f(*[1, 2], xs=xs)"),
        ("def f():\n    return xs", "f()", "f(xs)"),
        ("def f(x, y):\n    return xs", "f(y=1, x=2)", "f(y=1, x=2, xs=xs)"),
        ("def f(x,\n):  # (\n    return xs", "f((1),  # )\n)", "f(1, xs)"),
        ("def f(x):\n    return xs", "f(f(1))", "f(f(1, xs), xs)"),
        ("def f(x):\n    return xs", "[f(i) for i in xs]", "[f(i, xs) for i in xs]"),
        ("def f(x):\n    return xs", "sorted(xs, key=lambda each: f(each))", "key=lambda each: f(each, xs)"),
        ("def f(x):\n    return xs", "sorted(xs, key=f)", "sorted(xs, key=partial(f, xs=xs))"),
        ("def f(x):\n    return xs", "list(map(f, xs))", "list(map(partial(f, xs=xs), xs))"),
        ("def f(x):\n    return xs", "table.apply(f, axis=1)", "table.apply(partial(f, xs=xs), axis=1)"),
        ("def f(x):\n    return xs", "pool.submit(f, 1)", "pool.submit(partial(f, xs=xs), 1)"),
    ],
)
def test_the_argument_is_put_where_every_call_can_take_it(definition: str, call: str, expected: str) -> None:
    assert expected in code("xs = [len('ab')]", definition, f"print({call})")


@pytest.mark.parametrize(
    "cells",
    [
        ("g = f",),  # it is read when nobody knows
        ("mapped = map(f, [1])\nprint(list(mapped))",),  # the same
        ("pool.submit(f, 1)\nxs = [2]",),  # it may be read before and after
        ("from elsewhere import partial\nprint(sorted([1], key=f))",),  # no name to hand it over by
        ("later = lambda: f(1)\nxs = [2]\nprint(later())",),  # the same
        ("f(x for x in xs)",),  # a bare generator is the only argument there can be
        ("print([f(xs) for xs in [[1]]])",),  # at the call the name means something else
        ("del xs\nxs = [3]\nf(1)",),
        ("def change():\n    global xs\n    xs = [4]\nchange()\nf(1)",),
        ("class C:\n    y = f(1)",),
    ],
)
def test_a_function_stays_with_its_variables_where_a_call_cannot_give_them(cells: tuple[str, ...]) -> None:
    assert "f" not in lifted("xs = [len('ab')]", "def f(x):\n    return xs", *cells)


def test_what_may_not_be_bound_at_a_call_is_not_handed_over() -> None:
    assert lifted("def f(x):\n    return xs if x else 0", "print(f(0))", "xs = [1]\nprint(f(1))") == {}


def test_a_generator_takes_only_what_is_bound_once() -> None:
    generator = "def f():\n    for each in xs:\n        yield each"

    assert lifted("xs = [len('ab')]", generator, "print(list(f()))") == {"f": ("xs",)}
    assert lifted("xs = [len('ab')]", generator, "made = f()\nxs = [3]\nprint(list(made))") == {}


def test_modules_and_functions_are_never_handed_over() -> None:
    cells = ("import datetime\nfrom datetime import datetime", "def f(x):\n    return datetime", "print(f(1))")

    assert lifted(*cells) == {}


def test_other_names_of_steady_things_are_constants_beside_the_functions_that_read_them() -> None:
    plan = plan_of(
        "from collections import deque, namedtuple\nfrom typing import Set, Tuple\nimport math",
        "Point = namedtuple('Point', 'x y')\nTile = Tuple[int, int]\nTiles = Set[Tile]",
        "inf = float('inf')\ncat = ''.join\nRows = set\ntau = math.tau\nunread = list",
        "def f(a: Tile, pop=deque.pop) -> Tiles:\n    return Point(inf, tau), Rows(), cat(['a'])",
        "print(f(1))",
    )

    constants = [each.name for each in plan.functions if each.kind == "constant"]
    assert constants == ["Point", "Tile", "Tiles", "inf", "cat", "Rows", "tau"]
    assert plan.functions[-1].name == "f"
    assert plan.functions[-1].lifted == ()


@pytest.mark.parametrize("value", ["np.r_[1, 2]", "sys.argv", "np.zeros(3)", "[1]", "print(1)"])
def test_what_can_change_is_no_constant(value: str) -> None:
    plan = plan_of("import sys\nimport numpy as np", f"found = {value}", "def f():\n    return found", "g = f")

    assert plan.functions == ()


LATE = "import sys\nsys.path.append('lib')\nimport own.deep, other as o\nfrom own import limit"


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        ("def f(x):\n    return own.deep.f(x)", "def f(x):\n    import own.deep\n    return own.deep.f(x)"),
        ("def f(x): return o.f(limit)", "import other as o\n    from own import limit\n    return o.f(limit)"),
        ("def f(x): return o.f(x)", "def f(x):\n    import other as o\n    return o.f(x)"),
        (
            "def f(x):\n    'Text.'\n    @o.wrapped\n    def g():\n        return limit\n    return g()",
            "import other as o\n    from own import limit\n\n    @o.wrapped\n    def g():",
        ),
        ("def f(x):\n    'Text.'; return limit + x", '"Text."""\n    from own import limit\n    return limit + x'),
    ],
)
def test_a_function_imports_itself_what_no_module_can(definition: str, expected: str) -> None:
    text = code(LATE, definition, "print(f(1))")

    assert expected in text
    assert text.index(expected) < text.index("sys.path")


def test_a_function_that_needs_nothing_handed_over_may_be_named_anywhere() -> None:
    cells = (LATE, "def f():\n    return limit\ndef g():\n    return f()", "kept = [g]\nlater = lambda: f()")

    assert lifted(*cells) == {"f": (), "g": ()}


@pytest.mark.parametrize(
    "definition",
    [
        "def f(x, y=limit):\n    return y",  # it reads it where it is defined
        "@o.wrapped\ndef f(x):\n    return x",
        "class f(own.Base):\n    pass",
    ],
)
def test_what_reads_such_an_import_when_it_is_defined_stays_below_it(definition: str) -> None:
    assert lifted(LATE, definition, "print(f(1))") == {}


def test_a_function_that_reads_a_name_of_two_imports_stays() -> None:
    cells = (
        "import datetime",
        "def f():\n    return datetime",
        "print(f())",
        "from datetime import datetime\nprint(f())",
    )

    assert lifted(*cells) == {}
