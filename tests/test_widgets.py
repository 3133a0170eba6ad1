"""Output widgets: an exception ends with the block, as in a notebook."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from notebooks import document

from nb2prod.convert.api import convert_notebook
from nb2prod.convert.scaffold.widgets import notebook_widgets


class Output:
    """What ipywidgets' does without a kernel: nothing is suppressed."""

    def __enter__(self) -> None:
        """Enter."""

    def __exit__(self, *_: object) -> bool | None:
        """Suppress nothing."""
        return None


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ``ipywidgets`` be a module of that class."""
    monkeypatch.setitem(sys.modules, "ipywidgets", SimpleNamespace(Output=Output))


@pytest.mark.usefixtures("stand_in")
def test_an_exception_inside_an_output_widget_is_told_and_the_run_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    done = []
    with notebook_widgets():
        with Output():
            done.append(1)
            raise ValueError("inside")
        done.append(2)

    assert done == [1, 2]
    assert capsys.readouterr().err.endswith("ValueError: inside\n")


@pytest.mark.usefixtures("stand_in")
def test_outside_of_a_run_widgets_are_as_they_were() -> None:
    with notebook_widgets():
        pass

    with pytest.raises(ValueError, match="inside"), Output():
        raise ValueError("inside")


def test_without_ipywidgets_a_run_is_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ipywidgets", None)

    with pytest.raises(ValueError, match="outside"), notebook_widgets():
        raise ValueError("outside")


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("import ipywidgets as widgets\nout = widgets.Output()\nwith out:\n    1 / 0", True),
        ("from ipywidgets import Output\nwith Output():\n    print(1)", True),
        ("import ipywidgets as widgets\nwidgets.IntSlider()", False),
        ("class Output:\n    pass\nOutput()", False),
    ],
)
def test_only_a_notebook_with_output_widgets_gets_the_module(cell: str, *, expected: bool) -> None:
    files = convert_notebook(Path("n.ipynb"), content=document(cell)).package.files

    assert ("src/n/widgets.py" in files) == expected
    assert (b"notebook_widgets()" in files["src/n/pipeline.py"]) == expected
