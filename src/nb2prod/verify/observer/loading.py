"""Calls something right after a library was loaded."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def when_loaded(wanted: Mapping[str, Callable[[], None]]) -> None:
    """Call each function when its module is there: now, or right after it was loaded."""
    waiting = {}
    for module, then in wanted.items():
        if module in sys.modules:
            then()
        else:
            waiting[module] = then
    if waiting:
        sys.meta_path.insert(0, _CallWhenLoaded(waiting))


class _CallWhenLoaded:
    """An import hook that calls something right after a module was loaded."""

    def __init__(self, wanted: dict[str, Callable[[], None]]) -> None:
        self.wanted = wanted

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """Return the module's own spec, its loader made to call; None for every other module."""
        if name not in self.wanted:
            return None
        then = self.wanted.pop(name)
        spec = None
        for finder in sys.meta_path:
            if finder is not self and hasattr(finder, "find_spec"):
                spec = finder.find_spec(name, path, target)
                if spec is not None:
                    break
        if not self.wanted:
            with contextlib.suppress(ValueError):
                sys.meta_path.remove(self)
        loader = getattr(spec, "loader", None)
        if loader is not None and hasattr(loader, "exec_module"):
            load = loader.exec_module

            def load_and_call(module: Any) -> None:
                load(module)
                with contextlib.suppress(Exception):
                    then()

            loader.exec_module = load_and_call
        return spec
