"""The global random generators of a process."""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING, Any

from .digests import digest, silent_warnings
from .loading import when_loaded
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
        when_loaded(
            {
                module: functools.partial(self.plant, name, plant, seed)
                for name, (module, plant, _) in _GENERATORS.items()
            }
        )

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
