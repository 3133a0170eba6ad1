"""What is true at module level stays true in the steps of a package."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from notebooks import printed

from nb2prod.errors import RefusedError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "cells",
    [
        ("x = 1", "del x", "try:\n    x\nexcept NameError as error:\n    print(error)"),
        ("try:\n    print(x)\nexcept NameError as error:\n    print(error)", "x = 1\nprint('end')"),
        ("x = 1\ndel x\ntry:\n    x.y += 1\nexcept Exception as error:\n    print(error)",),
    ],
)
def test_a_missing_name_is_missing_by_the_same_words(cells: tuple[str, ...], tmp_path: Path) -> None:
    assert printed(tmp_path, *cells).startswith("name 'x' is not defined\n")


def test_a_name_that_may_be_there_is_read_as_it_is(tmp_path: Path) -> None:
    cells = ("import os", "if os.sep:\n    x = 1", "try:\n    print(x)\nexcept NameError as error:\n    print(error)")

    assert printed(tmp_path, *cells) == "1\n"


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (
            ("from math import *", "print(round(pi), pow(2, 3))", "pi = 9\ndef pow(a, b): return 0", "print(pi)"),
            "3 8.0\n9\n",
        ),
        (
            (
                "from math import *",
                "def area(r):\n    return pi * r",
                "print(round(area(1)))",
                "pi = 9\nprint(area(1))",
            ),
            "3\n9\n",
        ),
        (
            (
                "from cmath import *",
                "from math import *",
                "print(tau > 6)\nfor tau in [1]:\n    print(tau)",
            ),
            "True\n1\n",
        ),
        (
            ("from math import *", "def f():\n    return alpha", "alpha = 2", "print(f())", "alpha = 3\nprint(f())"),
            "2\n3\n",
        ),
    ],
)
def test_a_name_of_a_star_import_means_that_until_the_notebook_binds_it(
    cells: tuple[str, ...], expected: str, tmp_path: Path
) -> None:
    assert printed(tmp_path, *cells) == expected


@pytest.mark.parametrize(
    ("function", "refused"),
    [
        ("def f():\n    x = 1\n    def g():\n        global x\n        x = 3\n    g()\n    return x", True),
        ("def f(x=0):\n    def g():\n        global x\n        x = 3\n    g()", True),
        ("def f():\n    if True:\n        global x\n    x = 3\n    def g():\n        global x\n    g()", False),
    ],
)
def test_a_global_that_an_outer_function_hides_is_refused(function: str, refused: bool, tmp_path: Path) -> None:
    cells = ("x = 1", function, "f()\nprint(x)")
    if refused:
        with pytest.raises(RefusedError, match="global x stands in a function"):
            printed(tmp_path, *cells)
    else:
        assert printed(tmp_path, *cells) == "3\n"


def test_the_name_of_a_handled_exception_is_no_result(tmp_path: Path) -> None:
    cells = ("e = 1", "try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    print(e)")

    assert printed(tmp_path, *cells) == "division by zero\n"


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (("!for i in 1 2; do echo $i; done", "print([i for i in range(2)])"), "1\n2\n[0, 1]\n"),
        (("n = 2", "!echo $n {n}"), "2 2\n"),
        (("from math import *", "!for i in 1; do echo $i; done", "[i for i in range(2)]"), "1\n"),
        (("!echo '{n}'", "n = 2"), "{n}\n"),
        (("def f(q):\n    !echo {q}\nf('x')",), "x\n"),
    ],
)
def test_a_shell_line_has_the_values_of_names_that_are_bound(
    cells: tuple[str, ...], expected: str, tmp_path: Path
) -> None:
    assert printed(tmp_path, *cells).replace("\r", "") == expected


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (("from math import *", "if '__file__' not in globals():\n    print('notebook')"), "notebook\n"),
        (("print('__name__' in globals(), 'get_ipython' in dir(), 'nothing' in locals())",), "True True False\n"),
        (("try:\n    get_ipython()\n    print('shell')\nexcept NameError:\n    print('none')",), "shell\n"),
    ],
)
def test_what_every_kernel_has_is_known(cells: tuple[str, ...], expected: str, tmp_path: Path) -> None:
    assert printed(tmp_path, *cells) == expected
