"""Tables as a notebook prints them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pandas

if TYPE_CHECKING:
    from collections.abc import Iterator

SCRIPT_DEFAULT, NOTEBOOK_DEFAULT = 0, 20


@contextmanager
def notebook_tables() -> Iterator[None]:
    """Print up to 20 columns of a table, pandas' default in a notebook, unless the option has been set."""
    if pandas.get_option("display.max_columns") != SCRIPT_DEFAULT:
        yield
        return
    with pandas.option_context("display.max_columns", NOTEBOOK_DEFAULT):
        yield
