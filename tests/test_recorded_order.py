"""The order cells ran in: notebooks that were disordered on purpose are put back, or left as they are."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from nb2prod.checks._recorded_order import recorded_order, reordered
from nb2prod.config import Selectors, Settings
from nb2prod.discovery import Target
from nb2prod.fixer.fix import fix_notebooks
from nb2prod.linter import lint
from nb2prod.notebook.read import parse_notebook
from nb2prod.pages import load_rules

if TYPE_CHECKING:
    from nb2prod.notebook.model import Notebook

ONLY = Settings(select=Selectors(("NB101",), "the test"))
# Runs gave these counts from top to bottom, and no other number: every cell ran once.
STORIES = ("churn", "sales_forecast", "invoice_classification", "clean")


def markdown(source: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": source}


def code(count: int | None, source: str, *outputs: dict[str, Any]) -> dict[str, Any]:
    return {"cell_type": "code", "execution_count": count, "metadata": {}, "outputs": [*outputs], "source": source}


def read(*cells: dict[str, Any]) -> Notebook:
    return parse_notebook(json.dumps({"cells": cells, "nbformat": 4, "nbformat_minor": 4}), Path("a.ipynb"))


ERROR = {"output_type": "error", "ename": "ValueError", "evalue": "", "traceback": []}


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ([code(1, "a"), code(2, "b")], None),
        ([code(2, "b"), code(1, "a")], (2, 1)),
        ([markdown("# Title"), code(2, "b"), markdown("## A"), markdown("a"), code(1, "a")], (1, 3, 4, 5, 2)),
        ([markdown("b"), code(2, "b"), code(1, "a"), markdown("end")], (3, 1, 2, 4)),
        ([code(2, "b"), code(None, " \n"), code(1, "a"), code(None, "never_run")], (2, 3, 1, 4)),
        # Number 3 was a run of somebody: of a cell below it, or of one that is gone.
        ([code(2, "b"), code(1, "a"), code(4, "c")], (2, 1, 3)),
        ([code(4, "b"), code(2, "a"), code(1, "c")], None),
        ([code(5, "b"), code(4, "a")], None),
        ([code(2, "b"), code(None, "never_run"), code(1, "a")], None),
        ([code(None, "never_run"), code(1, "a"), code(3, "c"), code(2, "b")], (1, 2, 4, 3)),
        ([code(2, "b", ERROR), code(1, "a")], None),
        ([code(1, "a", ERROR), code(3, "c"), code(2, "b")], (1, 3, 2)),
        ([], None),
        ([markdown("# Title")], None),
    ],
)
def test_cells_go_where_they_ran_if_each_ran_once(
    cells: list[dict[str, Any]], expected: tuple[int, ...] | None
) -> None:
    assert recorded_order(read(*cells)) == expected


def test_a_reordered_notebook_counts_its_cells_anew() -> None:
    again = reordered(read(code(2, "b"), code(1, "a")), (2, 1))
    assert [(cell.index, cell.source) for cell in again.cells] == [(1, "a"), (2, "b")]


@pytest.mark.parametrize("story", STORIES)
def test_a_cell_that_was_moved_is_put_back_or_nothing_is(story: str, fixtures: Path, tmp_path: Path) -> None:
    """The fix never gives another order of the code than the one it ran in."""
    text = (fixtures / "cases" / story / "notebook.ipynb").read_text(encoding="utf-8")
    whole = json.loads(text)
    numbers = [number for number, cell in enumerate(whole["cells"]) if cell["cell_type"] == "code"]
    draw = random.Random(story)  # noqa: S311 - which cells are moved is no secret
    path = tmp_path / "a.ipynb"
    put_back = 0
    for _ in range(12):
        here, there = draw.sample(numbers, 2)
        cells = list(whole["cells"])
        cells[here], cells[there] = cells[there], cells[here]
        path.write_text(dumped(whole | {"cells": cells}), encoding="utf-8")
        targets = [Target(path, ONLY)]
        fixed = fix_notebooks(targets, lint(targets, load_rules()), load_rules(), unsafe=True)
        if fixed:
            sources = [cell["source"] for cell in json.loads(fixed[0].fixed)["cells"] if cell["cell_type"] == "code"]
            assert sources == [cell["source"] for cell in whole["cells"] if cell["cell_type"] == "code"]
            put_back += 1
    assert put_back


def dumped(whole: dict[str, Any]) -> str:
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"
