"""Sets of rows and what was learned from them: the relations that the rules about leakage rest on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nb2prod.analysis import analyse_notebook
from nb2prod.learning import History, history
from nb2prod.learning.rows import Place, Rows, Split, disjoint
from nb2prod.notebook.read import parse_notebook


def followed(source: str) -> History:
    """Return what a notebook of one cell does with its data."""
    cell: dict[str, object] = {
        "cell_type": "code",
        "metadata": {},
        "outputs": [],
        "execution_count": None,
        "source": source,
    }
    cell["execution_count"] = None
    document = {"nbformat": 4, "nbformat_minor": 4, "metadata": {"language_info": {"name": "python"}}, "cells": [cell]}
    return history(analyse_notebook(parse_notebook(json.dumps(document).encode(), Path("one.ipynb"))))


IMPORTS = """
import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import train_test_split
data = pd.read_csv("rent.csv")
X, y = data[["area"]], data["rent"]
model = LinearRegression()
"""


@pytest.mark.parametrize(
    "split",
    [
        "a, b, c, d = train_test_split(X, y)",
        "a, b, c, d = X[:800], X[800:], y[:800], y[800:]",
        "n = len(X) // 2\na, b, c, d = X[:n], X[n:], y[:n], y[n:]",
        """part = data.sample(frac=0.8)
rest = data.drop(part.index)
a, b, c, d = part[["area"]], rest[["area"]], part["rent"], rest["rent"]""",
        "mask = np.random.rand(len(X)) < 0.8\na, b, c, d = X[mask], X[~mask], y[mask], y[~mask]",
        """old, new = data[data.year < 2020], data[data.year >= 2020]
a, b, c, d = old[["area"]], new[["area"]], old["rent"], new["rent"]""",
        """order = np.random.permutation(len(X))
one, two = order[:800], order[800:]
a, b, c, d = X.iloc[one], X.iloc[two], y.iloc[one], y.iloc[two]""",
        "one, two = train_test_split(data.index)\na, b, c, d = X.loc[one], X.loc[two], y[one], y[two]",
    ],
)
def test_the_two_sides_of_a_split_share_no_rows(split: str) -> None:
    past = followed(f"{IMPORTS}{split}\nmodel.fit(a, c)\nprint(model.score(b, d))\n")
    assert [disjoint(each.x.rows, each.fit.rows) is not None for each in past.evaluations] == [True]


@pytest.mark.parametrize(
    "split",
    [
        "a, b, c, d = X[:800], X[700:], y[:800], y[700:]",
        "a, b, c, d = X.sample(800), X.sample(200), y, y",
        "a, b, c, d = X[:-200], X[200:], y[:-200], y[200:]",
        "a, b, c, d = X, X.dropna(), y, y",
        "a, b, c, d = X[data.age > 3], X[data.rooms > 3], y, y",
    ],
)
def test_rows_that_may_overlap_are_not_taken_to_be_a_test(split: str) -> None:
    past = followed(f"{IMPORTS}{split}\nmodel.fit(a, c)\nprint(model.score(b, d))\n")
    assert [disjoint(each.x.rows, each.fit.rows) for each in past.evaluations] == [None]


def test_rows_know_the_sets_that_hold_them() -> None:
    everything = Rows()
    part = everything.some()
    assert part.some().within(everything)
    assert not everything.within(part)


def test_circles_of_equal_sets_end() -> None:
    one = Rows()
    other = Rows([one])
    one.supersets.append(other)
    assert one.within(other)
    assert other.within(one)
    assert disjoint(one, other) is None


def test_parts_of_different_splits_may_share_rows() -> None:
    rows = Rows()
    node = followed(f"{IMPORTS}a, b = train_test_split(X)\nmodel.fit(a, y)\n").splits[0].place
    one = Rows([rows], Split(Place(node.node, node.cell), shuffled=True), ("train",))
    other = Rows([rows], Split(Place(node.node, node.cell), shuffled=True), ("test",))
    assert disjoint(one, other) is None


def test_a_notebook_without_learning_has_no_history() -> None:
    assert not followed("import numpy as np\nx = np.zeros(3)\nx.fit = 1\n").evaluations


def test_functions_that_call_themselves_and_endless_lists_end() -> None:
    source = "def f(x):\n    return f(x)\n\nrows = []\nrows.append(rows)\nprint(rows, f(X))\nmodel.fit(f(X), y)\n"
    assert len(followed(IMPORTS + source).fits) == 1
