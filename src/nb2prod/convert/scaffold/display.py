"""What the notebook displayed: the text form of each value, on standard error; tables as wide as there."""

from __future__ import annotations

import logging
import pprint
import traceback
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypeGuard

logger = logging.getLogger(__package__)

# How many columns of a table pandas prints: as many as fit, and what it takes for a notebook.
SCRIPT_DEFAULT, NOTEBOOK_DEFAULT = 0, 20


def show(name: str, value: object) -> None:
    """Log the text form of a value the notebook displayed; ``None`` displays nothing, as in a notebook."""
    if value is not None:
        _log(name, value)


class DisplayHandle:
    """What ``display(..., display_id=True)`` returns: displays again when the value is updated.

    display_id: the given name, or a fresh one for ``True``
    """

    def __init__(self, *, display_id: object = True) -> None:
        """Take the name of the display."""
        self.display_id = display_id if isinstance(display_id, str) else uuid.uuid4().hex

    def display(self, *objects: object, **options: Any) -> None:
        """Display more values."""
        display(*objects, **options)

    def update(self, *objects: object, **options: Any) -> None:
        """Display the values that replace what was displayed before."""
        display(*objects, **options)


def display(*objects: object, raw: bool = False, display_id: object = None, **_options: Any) -> DisplayHandle | None:
    """Log the text form of the values: what a notebook's ``display`` shows where there is only text.

    ``raw`` and ``display_id`` mean what they mean in a notebook; formats and metadata have no meaning here.
    """
    for value in objects:
        _log(None, value.get("text/plain", value) if raw and isinstance(value, dict) else value)
    return None if display_id is None else DisplayHandle(display_id=display_id)


@contextmanager
def notebook_display() -> Iterator[None]:
    """Log what libraries display through IPython, which prints it to standard output outside of a notebook."""
    try:
        from IPython.core import display_functions
    except ImportError:
        yield
        return
    # IPython's functions call ``print`` where there is no notebook, whoever has imported them before.
    vars(display_functions)["print"] = _displayed
    try:
        yield
    finally:
        del vars(display_functions)["print"]


@contextmanager
def notebook_tables() -> Iterator[None]:
    """Print up to 20 columns of a table, pandas' default in a notebook, unless the option has been set."""
    import pandas

    if pandas.get_option("display.max_columns") != SCRIPT_DEFAULT:
        yield
        return
    with pandas.option_context("display.max_columns", NOTEBOOK_DEFAULT):
        yield


def report_exception() -> None:
    """Print the traceback of the exception being handled to standard error."""
    traceback.print_exc()


def _displayed(*objects: object, end: str = "\n", **_options: Any) -> None:
    # ``clear_output`` prints terminal codes and no line.
    if not end:
        return
    for value in objects:
        if not _is_bundle(value):
            display(value)
        elif "text/plain" in value:
            _log(None, value["text/plain"])


def _is_bundle(value: object) -> TypeGuard[dict[str, object]]:
    """Return whether a value is one content in several formats, which a library has written to the page by itself."""
    return isinstance(value, dict) and bool(value) and all(isinstance(key, str) and "/" in key for key in value)


def _log(name: str | None, value: object) -> None:
    try:
        text = _text(value)
    except Exception:  # a notebook prints the traceback of a failing __repr__ and goes on
        report_exception()
        return
    if name is None:
        logger.info("%s", text)
    else:
        logger.info("%s:%s%s", name, "\n" if "\n" in text else " ", text)


def _text(value: object) -> str:
    if type(value) in (dict, list, set, tuple):
        return pprint.pformat(value, width=120, sort_dicts=False)
    return repr(value)
