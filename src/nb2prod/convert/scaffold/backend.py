"""A matplotlib backend that draws without a screen and leaves saving to ``figures``."""

from __future__ import annotations

from typing import Any

import matplotlib
from matplotlib.backend_bases import FigureManagerBase
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from .figures import figure_made, save_open_figures

FigureCanvas = FigureCanvasAgg


def new_figure_manager(num: int, *args: Any, FigureClass: type = Figure, **kwargs: Any) -> FigureManagerBase:
    """Return the manager of a new figure (matplotlib's protocol for backends)."""
    return new_figure_manager_given_figure(num, FigureClass(*args, **kwargs))


def new_figure_manager_given_figure(num: int, figure: Figure) -> FigureManagerBase:
    """Return a new manager of ``figure`` (matplotlib's protocol for backends)."""
    # After plt.ioff() a notebook leaves a new figure alone until plt.show().
    if matplotlib.is_interactive():
        figure_made()
    return FigureManagerBase(FigureCanvasAgg(figure), num)


def show(*_args: object, **_kwargs: object) -> None:
    """Save and close every open figure: what ``plt.show()`` comes to."""
    save_open_figures()
