"""Figures as a notebook treats them: ``plt.show()`` and the end of a cell save and close all open figures."""

from __future__ import annotations

import io
import logging
import sys
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from . import display as text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import TypeGuard

    from matplotlib.figure import Figure

logger = logging.getLogger(__package__)


@dataclass
class _Run:
    """The figures of one run of the pipeline.

    folder   where they are saved; None outside a run: then figures are closed and nothing is saved
    drawn    a figure was made since the last end of a cell
    waiting  images that belong to the cell that is running
    saved    how many images each cell has
    """

    folder: Path | None = None
    drawn: bool = False
    waiting: list[bytes] = field(default_factory=list)
    saved: Counter[str] = field(default_factory=Counter)


_runs = [_Run()]


@contextmanager
def saving_figures(folder: Path) -> Iterator[None]:
    """Save what is drawn inside the ``with`` block to PNG files in ``folder``, made when there is a figure.

    Where matplotlib is not installed nothing can be drawn, and nothing is done.
    """
    if find_spec("matplotlib") is None:
        yield
        return
    import matplotlib

    before, interactive = _current_backend(), matplotlib.is_interactive()
    _runs.append(_Run(folder))
    matplotlib.use(f"module://{__package__}.backend")
    matplotlib.interactive(True)
    try:
        yield
    finally:
        _write("unfinished")
        _runs.pop()
        matplotlib.interactive(interactive)
        matplotlib.use(before)


def end_of_cell(cell: int, *, captured: bool = False) -> None:
    """Save and close the open figures, as a notebook does when a cell ends; none is saved if they are captured."""
    run = _runs[-1]
    if run.drawn:
        run.drawn = False
        save_open_figures()
    if captured:
        run.waiting.clear()
    _write(f"cell-{cell:02}")


def figure_made() -> None:
    """Remember that the end of the cell has a figure to save."""
    _runs[-1].drawn = True


def save_open_figures() -> None:
    """Save every open figure and close it: what ``plt.show()`` does in a notebook."""
    from matplotlib import pyplot
    from matplotlib._pylab_helpers import Gcf

    try:
        for manager in Gcf.get_all_fig_managers():
            save(manager.canvas.figure)
    finally:
        pyplot.close("all")


def save(figure: Figure) -> None:
    """Save one figure as it looks now; an empty one is skipped, and one that cannot be drawn is reported."""
    if _runs[-1].folder is None or not (figure.axes or figure.lines):
        return
    image = io.BytesIO()
    try:
        figure.canvas.print_figure(
            image,
            format="png",
            dpi=figure.dpi,
            facecolor=figure.get_facecolor(),
            edgecolor=figure.get_edgecolor(),
            bbox_inches="tight",
        )
    except Exception:  # a notebook prints the traceback of a failing figure and goes on
        text.report_exception()
    else:
        _runs[-1].waiting.append(image.getvalue())


def show(name: str, value: object) -> None:
    """Save a figure the notebook displayed by name, and log any other value."""
    if _is_figure(value):
        save(value)
    else:
        text.show(name, value)


def display(*objects: object, **options: Any) -> text.DisplayHandle | None:
    """Save the figures among the values and log the others: what a notebook's ``display`` shows."""
    for value in objects:
        if _is_figure(value):
            save(value)
        else:
            text.display(value, **options)
    display_id = options.get("display_id")
    return None if display_id is None else text.DisplayHandle(display_id=display_id)


def _write(prefix: str) -> None:
    run = _runs[-1]
    if run.folder is None or not run.waiting:
        return
    run.folder.mkdir(parents=True, exist_ok=True)
    for image in run.waiting:
        run.saved[prefix] += 1
        path = run.folder / f"{prefix}-{run.saved[prefix]}.png"
        path.write_bytes(image)
        logger.info("saved %s", path)
    run.waiting.clear()


def _is_figure(value: object) -> TypeGuard[Figure]:
    module = sys.modules.get("matplotlib.figure")
    return module is not None and isinstance(value, module.Figure)


def _current_backend() -> str:
    import matplotlib

    try:
        # Since matplotlib 3.10; without the argument a backend that needs a screen may be loaded.
        return str(matplotlib.get_backend(auto_select=False) or "agg")
    except TypeError:
        return str(matplotlib.get_backend())
