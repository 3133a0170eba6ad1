"""The files a notebook writes, as the package's README names them."""

from __future__ import annotations

from pathlib import Path

import pytest
from notebooks import document

from nb2prod.convert.api import convert_notebook


def outputs_of(*cells: str) -> str:
    """Return the section about outputs of the README; empty where there is none."""
    package = convert_notebook(Path("n.ipynb"), content=document(*cells)).package
    readme = package.files["README.md"].decode()
    return readme.partition("## Outputs\n\nFiles the notebook's code writes:\n\n")[2].partition("\n\n##")[0]


@pytest.mark.parametrize(
    ("source", "listed"),
    [
        ("import joblib\njoblib.dump([1], 'models/a.pkl')", "- `models/a.pkl` (cell 1, field `a_pkl`)"),
        ("with open('a.txt', 'w') as file:\n    file.write('b.txt')", "- `a.txt` (cell 1, field `a_txt`)"),
        ("make().groupby('a').sum().to_csv('sums.csv')", "- `sums.csv` (cell 1, field `sums_csv`)"),
        ("from pathlib import Path\nPath('a.txt').write_text('b')", "- `a.txt` (cell 1)"),
        ("n = len(input())\nmake().to_csv(f'part-{n}.csv')", "- `f'part-{n}.csv'` (cell 1)"),
        ("def save(x, out):\n    x.to_csv(out)\nsave(make(), 'b.csv')", "- `b.csv` (cell 1, field `b_csv`)"),
        ("import sys\nsys.stdout.write('a.txt')", ""),
        ("print(open('a.txt').read())", ""),
    ],
)
def test_files_that_are_written_are_listed(source: str, listed: str) -> None:
    assert outputs_of(f"def make():\n    ...\n{source}") == listed
