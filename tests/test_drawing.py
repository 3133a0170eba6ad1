"""After which cells figures are saved and closed: after every one that may leave one open."""

from __future__ import annotations

from pathlib import Path

import pytest
from notebooks import document

from nb2prod.convert.api import convert_notebook


@pytest.mark.parametrize(
    ("cell", "closes"),
    [
        ("plt.plot([1])", True),
        ("model.check(1, show_plots=True)", True),
        ("model.check(1, plot=True)", True),
        ("model.check(1, ax=axes)", True),
        ("model.check(1, show_plots=False)", False),
        ("model.check(1, ax=None)", False),
        ("model.check(1, figure_size=3)", False),
        ("def look():\n    model.check(1, draw_figure=1)\nlook()", True),
        ("def look():\n    model.check(1, draw_figure=1)", False),
    ],
)
def test_an_argument_that_asks_to_draw_leaves_a_figure_open(cell: str, *, closes: bool) -> None:
    above = (
        "import matplotlib.pyplot as plt\naxes = 1\nclass Model:\n    def check(self, *a, **k): pass\nmodel = Model()"
    )
    files = convert_notebook(Path("n.ipynb"), content=document(above, cell, "print(1)")).package.files

    assert (b"end_of_cell(2)" in files["src/n/steps.py"]) == closes
