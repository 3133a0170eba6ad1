"""Which imports go to module level, and which stay where they are."""

from __future__ import annotations

from pathlib import Path

import pytest
from notebooks import document

from nb2prod.convert.api import convert_notebook


@pytest.mark.parametrize("line", ["import this", "import antigravity", "from this import s"])
def test_a_module_that_acts_when_it_is_imported_is_imported_in_its_place(line: str) -> None:
    content = document("import math\nprint(math.pi)", line)
    steps = convert_notebook(Path("n.ipynb"), content=content).package.files["src/n/steps.py"].decode()

    assert f"    {line}" in steps
    assert steps.index("print(math.pi)") < steps.index(line)
    assert "\nimport math" in steps
