"""Output widgets of the notebook: what fails inside of one is told there, and the run goes on."""

from __future__ import annotations

import traceback
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType


@contextmanager
def notebook_widgets() -> Iterator[None]:
    """Let ``with Output():`` end an exception, as it does in a notebook; its traceback goes to standard error."""
    try:
        from ipywidgets import Output
    except ImportError:
        yield
        return
    leave = Output.__exit__

    def leave_and_go_on(
        output: Output, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        told: bool | None = leave(output, kind, error, trace)
        if error is None or told:
            return told
        traceback.print_exception(error)
        return True

    Output.__exit__ = leave_and_go_on
    try:
        yield
    finally:
        Output.__exit__ = leave
