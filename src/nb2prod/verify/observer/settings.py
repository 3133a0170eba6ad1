"""The settings that libraries keep for a whole process, and that a notebook may change on its way."""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING, Any

from .digests import silent_warnings
from .loading import when_loaded
from .writing import canonical

if TYPE_CHECKING:
    from collections.abc import Callable

AS_LOADED = "as loaded"


class Settings:
    """The settings of libraries, held against what they were when their library was loaded.

    A kernel and a process of its own load a library with other settings (how wide a terminal is, how many columns
    fit), so what says something is only what was changed since.
    """

    def __init__(self) -> None:
        self.loaded: dict[str, dict[str, str]] = {}

    def watch(self) -> None:
        """Look at what is loaded now, and at the rest when it is loaded."""
        when_loaded({name: functools.partial(self.look, name) for name in _SETTINGS})

    def look(self, name: str) -> None:
        """Remember the settings of a library as they are now."""
        self.loaded[name] = _settings(name)

    def states(self) -> dict[str, str]:
        """Return for each library a text that says what was changed since it was loaded; equal changes, equal texts.

        Empty where nothing is watched.
        """
        found = {}
        for name, before in self.loaded.items():
            now = _settings(name)
            changed = {key: text for key, text in now.items() if text != before.get(key)}
            found[name] = canonical(changed) if changed else AS_LOADED
        return found


def _settings(name: str) -> dict[str, str]:
    with silent_warnings():  # settings that are deprecated
        return {key: _text(value) for key, value in _SETTINGS[name](sys.modules[name]).items()}


def _text(value: Any) -> str:
    """Return a setting as text: a function by its name, which says neither where it is nor in what it was made."""
    return f"function {getattr(value, '__name__', type(value).__name__)}" if callable(value) else repr(value)


def _of_numpy(numpy: Any) -> dict[str, Any]:
    return {**numpy.get_printoptions(), **numpy.geterr()}


def _of_pandas(pandas: Any) -> dict[str, Any]:
    # The public way, `pd.options`, is a tree of the same names; NaN handling that is deprecated warns when asked for.
    known = pandas._config.config._registered_options  # noqa: SLF001 - nothing public lists the names
    found = {key: pandas.get_option(key) for key in known}
    if found.get("display.max_columns") == _COLUMNS_OF_A_SCRIPT:
        found["display.max_columns"] = _COLUMNS_OF_A_NOTEBOOK
    return found


def _of_decimal(decimal: Any) -> dict[str, Any]:
    context = decimal.getcontext()
    return {"precision": context.prec, "rounding": context.rounding, "traps": sorted(map(str, context.traps.items()))}


# pandas' own defaults of this one option: outside a notebook as many columns as fit.
_COLUMNS_OF_A_SCRIPT, _COLUMNS_OF_A_NOTEBOOK = 0, 20
# Drawing libraries are left out: their settings change how a picture looks, and pictures are compared by what they
# show; a kernel changes them by itself, too.
_SETTINGS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "numpy": _of_numpy,
    "pandas": _of_pandas,
    "decimal": _of_decimal,
}
