"""The global random generators of a process."""

from __future__ import annotations

import contextlib
import functools
import sys
from typing import TYPE_CHECKING, Any

from .digests import digest, silent_warnings
from .writing import canonical, sha256

if TYPE_CHECKING:
    from collections.abc import Callable


class Generators:
    """The global random generators of a process: seeded alike in every run, and looked at when a step has ended.

    A library's generator is seeded when the library is loaded, which may be earlier in a package than in its
    notebook. So one that was not loaded, and one nobody has drawn from since it was seeded, are both ``as seeded``.
    """

    def __init__(self) -> None:
        self.seeded: dict[str, str] = {}

    def seed(self, seed: int) -> None:
        """Seed the generators of what is loaded now, and of the rest when it is loaded."""
        waiting: dict[str, Callable[[], None]] = {}
        for name, (module, plant, _) in _GENERATORS.items():
            if module in sys.modules:
                self.plant(name, plant, seed)
            else:
                waiting[module] = functools.partial(self.plant, name, plant, seed)
        if waiting:
            sys.meta_path.insert(0, _CallWhenLoaded(waiting))

    def plant(self, name: str, plant: Callable[[Any, int], object], seed: int) -> None:
        """Seed a generator whose library is loaded."""
        module, _, look = _GENERATORS[name]
        plant(sys.modules[module], seed)
        if look is not None:
            self.seeded[name] = look(sys.modules[module])

    def states(self) -> dict[str, str]:
        """Return a text for the state of each generator that can be looked at; equal states have equal texts.

        Empty where nothing was seeded: then every run draws its own.
        """
        found: dict[str, str] = {}
        if not self.seeded:
            return found
        for name, (module, _, look) in _GENERATORS.items():
            if look is not None:
                state = look(sys.modules[module]) if name in self.seeded else "as seeded"
                found[name] = "as seeded" if state == self.seeded.get(name) else state
        return found


def _state(state: Any) -> str:
    return sha256(canonical(digest(state)).encode())[:16]


def _numpy_state(module: Any) -> str:
    with silent_warnings():  # another kind of generator in its place
        return _state(module.get_state())


# The name of a generator: its module, how to seed it, and how to look at its state.
_GENERATORS: dict[str, tuple[str, Callable[[Any, int], object], Callable[[Any], str] | None]] = {
    "random": ("random", lambda module, seed: module.seed(seed), lambda module: _state(module.getstate())),
    "numpy.random": ("numpy.random", lambda module, seed: module.seed(seed), _numpy_state),
    "torch": (
        "torch",
        lambda module, seed: module.manual_seed(seed),
        lambda module: _state(module.random.get_rng_state().numpy().tobytes()),
    ),
    "tensorflow": ("tensorflow", lambda module, seed: module.random.set_seed(seed), None),
}  # fmt: skip


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
