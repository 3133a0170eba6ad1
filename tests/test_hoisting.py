"""Which imports go to module level, and which stay where they are."""

from __future__ import annotations

from pathlib import Path

import pytest
from notebooks import document

from nb2prod.convert.api import convert_notebook, plan_notebook
from nb2prod.convert.plan import DEFAULTS


@pytest.mark.parametrize("line", ["import this", "import antigravity", "from this import s"])
def test_a_module_that_acts_when_it_is_imported_is_imported_in_its_place(line: str) -> None:
    content = document("import math\nprint(math.pi)", line)
    steps = convert_notebook(Path("n.ipynb"), content=content).package.files["src/n/steps.py"].decode()

    assert f"    {line}" in steps
    assert steps.index("print(math.pi)") < steps.index(line)
    assert "\nimport math" in steps


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (("print(max(1, 2))", "from numpy import *", "print(max(3))"), ["print(builtins.max(1, 2))", "print(max(3))"]),
        (("def f(x):\n    return sum(x)\nprint(f([1]))", "from numpy import *"), ["return builtins.sum(x)"]),
        (("def f(x):\n    return sum(x)", "from numpy import *", "print(f([1]))"), ["return sum(x)"]),
        (("from numpy import *", "print(max(1, 2))"), ["print(max(1, 2))"]),
        (("max = str\nprint(max(1))", "from numpy import *"), ["print(max(1))"]),
        (("print(len([1]))", "from numpy import *"), ["print(len([1]))"]),
    ],
)
def test_a_builtin_above_a_star_import_is_the_builtin(cells: tuple[str, ...], expected: list[str]) -> None:
    steps = convert_notebook(Path("n.ipynb"), content=document(*cells)).package.files["src/n/steps.py"].decode()

    for text in expected:
        assert text in steps
    assert ("import builtins" in steps) == ("builtins." in "".join(expected))


@pytest.mark.parametrize(
    ("cells", "refused"),
    [
        (("from numpy import *", "print(sqrt(4.0))", "from math import *"), True),
        (("from numpy import *\nfrom math import *", "print(sqrt(4.0))"), False),
        (("from numpy import *", "print(pi)", "from math import *"), False),
        (("from numpy import *", "print(linspace(0, 1, 3))", "from math import *"), False),
        (("from math import *", "print(sqrt(4.0))", "from math import *"), False),
    ],
)
def test_a_star_import_that_would_reach_up_past_another_is_refused(cells: tuple[str, ...], *, refused: bool) -> None:
    plan = plan_notebook(Path("n.ipynb"), DEFAULTS, content=document(*cells)).plan

    assert any("another star import gave above" in str(each) for each in plan.refusals) == refused
