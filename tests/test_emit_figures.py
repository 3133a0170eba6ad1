"""The figures module of packages: what a notebook's kernel does with figures, without a kernel."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from generated_suites import cell, convert

from nb2prod.convert.scaffold import figures

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def plt() -> Iterator[Any]:
    """Return ``matplotlib.pyplot``; leave no figure and no backend behind."""
    mpl = pytest.importorskip("matplotlib")
    mpl.use("agg")
    import matplotlib.pyplot as plt  # noqa: PLC0415 - skipped where there is none

    yield plt
    plt.close("all")


def saved(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


@pytest.mark.parametrize(
    ("also", "may_lack"), [("", True), ("import matplotlib.pyplot as plt\nplt.plot([1])\n", False)]
)
def test_the_backend_is_not_imported_where_nothing_brings_matplotlib(
    tmp_path: Path, also: str, *, may_lack: bool
) -> None:
    """A package of unknown calls is ready to draw; what it needs may not have matplotlib."""
    files = convert(tmp_path, cell(f"from some.where import *\nimport pandas\n{also}abspath('.')", None))

    assert "src/squares/backend.py" in files
    assert ('find_spec("matplotlib")' in files["tests/test_import.py"]) == may_lack


def test_the_end_of_a_cell_saves_and_closes_all_figures(plt: Any, tmp_path: Path) -> None:
    with figures.saving_figures(tmp_path / "f"):
        plt.plot([1, 2])
        plt.figure()
        plt.plot([3])
        figures.end_of_cell(5)

        assert plt.get_fignums() == []
        plt.plot([4])
        figures.end_of_cell(12)

    assert saved(tmp_path / "f") == ["cell-05-1.png", "cell-05-2.png", "cell-12-1.png"]
    assert (tmp_path / "f" / "cell-05-1.png").read_bytes().startswith(b"\x89PNG")


def test_show_saves_and_closes_so_that_the_next_plot_starts_anew(plt: Any, tmp_path: Path) -> None:
    with figures.saving_figures(tmp_path):
        plt.plot([1, 2])
        plt.show()

        assert plt.get_fignums() == []
        plt.plot([3])
        figures.end_of_cell(1)

    assert saved(tmp_path) == ["cell-01-1.png", "cell-01-2.png"]


def test_a_figure_that_is_displayed_by_name_is_saved_once_more(plt: Any, tmp_path: Path) -> None:
    with figures.saving_figures(tmp_path):
        figure, axes = plt.subplots()
        axes.plot([1])
        figures.show("figure", figure)
        figures.end_of_cell(1)
        axes.plot([2])
        figures.end_of_cell(2)
        figures.display(figure)
        figures.end_of_cell(3)

    assert saved(tmp_path) == ["cell-01-1.png", "cell-01-2.png", "cell-03-1.png"]


def test_a_figure_made_after_ioff_waits_for_show(plt: Any, tmp_path: Path) -> None:
    with figures.saving_figures(tmp_path):
        plt.ioff()
        plt.plot([1])
        figures.end_of_cell(1)
        assert len(plt.get_fignums()) == 1
        plt.show()
        figures.end_of_cell(2)

    assert saved(tmp_path) == ["cell-02-1.png"]


def test_an_empty_figure_is_closed_and_not_saved(plt: Any, tmp_path: Path) -> None:
    with figures.saving_figures(tmp_path / "f"):
        plt.figure()
        figures.end_of_cell(1)
        assert plt.get_fignums() == []

    assert not (tmp_path / "f").exists()


def test_a_figure_that_cannot_be_drawn_is_reported_and_the_run_goes_on(
    plt: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with figures.saving_figures(tmp_path):
        plt.title(r"$\nosuchcommand$")
        plt.figure()
        plt.plot([1])
        figures.end_of_cell(1)
        assert plt.get_fignums() == []

    assert saved(tmp_path) == ["cell-01-1.png"]
    assert "nosuchcommand" in capsys.readouterr().err


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_another_backend_chosen_by_the_notebook_shows_nothing_as_in_its_kernel(plt: Any, tmp_path: Path) -> None:
    import matplotlib as mpl  # noqa: PLC0415 - skipped where there is none

    with figures.saving_figures(tmp_path):
        mpl.use("agg")
        plt.plot([1])
        plt.show()
        figures.end_of_cell(1)

    assert saved(tmp_path) == []


def test_the_backend_and_interactive_mode_are_what_they_were(plt: Any, tmp_path: Path) -> None:
    import matplotlib as mpl  # noqa: PLC0415 - skipped where there is none

    plt.switch_backend("svg")
    with figures.saving_figures(tmp_path):
        assert mpl.get_backend().endswith("backend")
        assert mpl.is_interactive()

    assert mpl.get_backend().lower() == "svg"
    assert not mpl.is_interactive()


def test_what_a_failing_cell_had_shown_is_not_lost(plt: Any, tmp_path: Path) -> None:
    def fail() -> None:
        with figures.saving_figures(tmp_path):
            plt.plot([1])
            plt.show()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    assert saved(tmp_path) == ["unfinished-1.png"]


def test_outside_of_a_run_figures_are_closed_and_nothing_is_saved(
    plt: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    plt.switch_backend("module://nb2prod.convert.scaffold.backend")
    plt.ion()
    plt.plot([1])
    figures.end_of_cell(1)
    plt.ioff()

    assert plt.get_fignums() == []
    assert saved(tmp_path) == []


def test_without_matplotlib_a_run_is_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "find_spec", lambda _: None)
    with figures.saving_figures(tmp_path):
        figures.end_of_cell(1)

    assert saved(tmp_path) == []


def test_importing_the_module_does_not_import_matplotlib() -> None:
    code = "import sys, nb2prod.convert.scaffold.figures; sys.exit('matplotlib' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
