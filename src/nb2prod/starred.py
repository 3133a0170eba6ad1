"""Star imports: which of a library's names a name nobody has bound is."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nb2prod.dataflow.model import Statement, Use
    from nb2prod.libraries import Libraries

# It imports all of these with stars itself; `%pylab` does the same.
_PYLAB = ("pylab", "numpy.random", "numpy")


def starred_modules(statements: Iterable[Statement]) -> tuple[tuple[int, str], ...]:
    """Return the statements, by index, that import a module with a star, and which."""
    found = []
    for statement in statements:
        if statement.magic is not None and statement.magic.name == "pylab":
            found.append((statement.index, "pylab"))
        found += [(statement.index, each.qualified or "") for each in statement.definitions if each.kind == "star"]
    return tuple(found)


def starred_name(use: Use, modules: Sequence[tuple[int, str]], libraries: Libraries) -> str | None:
    """Return the dotted name of what a star import (``starred_modules``) gives ``use``, which no definition reaches.

    Only what the library tables know has a name, and nothing where a module they do not know is imported with a
    star as well: it may have brought another thing of that name.
    """
    if use.name.startswith("_"):
        return None
    for at, module in reversed(modules):
        if use.deferred or at < use.statement:
            if libraries.library(module) is None:
                return None
            for each in _PYLAB if module in ("pylab", "matplotlib.pylab") else (module,):
                if _is_known(f"{each}.{use.name}", libraries):
                    return libraries.canonical(f"{each}.{use.name}")
    return None


def _is_known(name: str, libraries: Libraries) -> bool:
    """Whether the tables know a function or class of this name, or anything in a module of it."""
    if libraries.call(name) is not None or libraries.klass(name) is not None:
        return True
    table = libraries.library(name)
    return table is not None and any(each.startswith(f"{name}.") for each in table.calls)
