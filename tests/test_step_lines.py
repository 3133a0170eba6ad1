"""Which lines of a step come from which cell, as the observer tells what was shown."""

from __future__ import annotations

import ast

from nb2prod.verify.observer.statements import cells_of

STEP = '''
def count():
    """Count."""
    N: object

    def more():
        nonlocal N
        N = 1
        display(N)

    more()

    more()
'''


def test_declarations_for_functions_are_no_statements_of_the_notebook() -> None:
    (function,) = ast.parse(STEP).body
    statements = [{"kind": "step", "name": "count", "cell": cell} for cell in (1, 3, 5)]
    row = {"name": "count", "cells": [1, 3, 5]}

    lines = {first: cell for first, _, cell in cells_of(function, {"statements": statements}, row)}

    assert lines == {6: 1, 11: 3, 13: 5}


DISPLAYED = """
def show_all():
    first = 1 + 1
    show("first", first)

    display(first)

    show("second", first * 2)

    class A: pass
    globals()["A"] = A

    x = A()
    show("x", x)
"""


def test_a_displayed_value_with_a_name_is_two_statements_of_one_cell() -> None:
    (function,) = ast.parse(DISPLAYED).body
    shown = [(1, "first"), (2, None), (3, "second"), (4, None), (5, None), (5, "x")]
    statements = [{"kind": "step", "name": "show_all", "cell": cell, "shown": label} for cell, label in shown]
    row = {"name": "show_all", "cells": [1, 2, 3, 4, 5]}

    lines = {first: cell for first, _, cell in cells_of(function, {"statements": statements}, row)}

    assert lines == {3: 1, 4: 1, 6: 2, 8: 3, 10: 4, 13: 5, 14: 5}


CAPTURED = """
def tell():
    from own import limit
    import other

    import third

    with captured_output() as cap:
        print(limit)
        print(other)

    with captured_output():
        pass
    display(cap)
"""


def test_imports_stated_again_are_none_and_a_capturing_magic_is_one_beside_what_it_captures() -> None:
    (function,) = ast.parse(CAPTURED).body
    cells = (1, 2, 2, 2, 3, 4)
    statements = [{"kind": "step", "name": "tell", "cell": cell} for cell in cells]
    row = {"name": "tell", "cells": [1, 2, 3, 4], "imports": ["from own import limit", "import other"]}

    lines = {first: cell for first, _, cell in cells_of(function, {"statements": statements}, row)}

    assert {line: lines[line] for line in (6, 8, 9, 10, 12, 14)} == {6: 1, 8: 2, 9: 2, 10: 2, 12: 3, 14: 4}
