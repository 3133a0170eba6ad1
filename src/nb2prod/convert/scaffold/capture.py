"""Output that the notebook kept from its page: what ran under ``%%capture``."""

from __future__ import annotations

import io
import logging
import sys
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

logger = logging.getLogger(__package__)


class CapturedOutput:
    """The text that was printed inside the ``with`` block."""

    def __init__(self) -> None:
        """Start with nothing."""
        self.out, self.err = io.StringIO(), io.StringIO()

    @property
    def stdout(self) -> str:
        """What went to standard output."""
        return self.out.getvalue()

    @property
    def stderr(self) -> str:
        """What went to standard error."""
        return self.err.getvalue()

    def __str__(self) -> str:
        """Return what went to standard output."""
        return self.stdout

    def __call__(self) -> None:
        """Print it all; see ``show``."""
        self.show()

    def show(self) -> None:
        """Print what was captured to where it would have gone."""
        sys.stdout.write(self.stdout)
        sys.stderr.write(self.stderr)
        sys.stdout.flush()


@contextmanager
def captured_output(*, stdout: bool = True, stderr: bool = True, display: bool = True) -> Iterator[CapturedOutput]:
    """Keep what is printed inside the ``with`` block, and with ``display`` log none of what is displayed there."""
    captured = CapturedOutput()
    with ExitStack() as stack:
        if stdout:
            stack.enter_context(redirect_stdout(captured.out))
        if stderr:
            stack.enter_context(redirect_stderr(captured.err))
        if display:
            logger.addFilter(_nothing)
            stack.callback(logger.removeFilter, _nothing)
        yield captured


def _nothing(_: logging.LogRecord) -> bool:
    return False
