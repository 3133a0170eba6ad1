"""What the README and ``Results`` say of values and figures."""

from __future__ import annotations

from test_cut import LONG, plan_of

from nb2prod.convert.emit.formatting import formatted
from nb2prod.convert.emit.outputs import results_section, shown_section
from nb2prod.convert.emit.pipeline import emit_pipeline


def test_each_displayed_value_is_listed_with_its_cell_and_what_became_of_it() -> None:
    plan = plan_of("rows = [3, 4]\nrows[:1]", "total = sum(rows)\ntotal")

    text = shown_section(plan)

    assert "The notebook displayed 2 values:" in text
    assert "| 1 | `rows[:1]` | logged as `rows_first` |" in text
    assert "| 2 | `total` | logged as `total`, returned as `Results.total` |" in text
    assert "| `total` | `run_notebook` | displayed by cell 2 |" in results_section(plan)


def test_a_notebook_that_shows_nothing_has_no_such_section() -> None:
    assert shown_section(plan_of("print(1)")) == ""


def test_results_have_the_types_that_are_certain() -> None:
    plan = plan_of(f"import pandas as pd\nframe = pd.DataFrame()\nother = unknown()\nname = 'a'\n{LONG}")

    text = emit_pipeline(plan)

    assert "    frame: pd.DataFrame\n    other: Any\n    name: str\n" in text
    assert "if TYPE_CHECKING:\n    import pandas as pd\n" in text
    assert "from typing import TYPE_CHECKING, Any\n" in text


def test_the_u_of_a_string_may_go() -> None:
    assert formatted({"a.py": 'x = u"a"\n'}) == {"a.py": 'x = "a"\n'}
