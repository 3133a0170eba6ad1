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
