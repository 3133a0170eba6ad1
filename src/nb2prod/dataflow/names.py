"""Names that exist although no cell defines them, by kernel, front end and Python version (``rules/names.toml``)."""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import cache
from typing import TYPE_CHECKING

from nb2prod import plain_toml
from nb2prod.data import rules_folder
from nb2prod.errors import ConfigurationError
from nb2prod.patterns import lazy_pattern
from nb2prod.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from nb2prod.notebook.model import Notebook

_KEYS = frozenset({"kernelspec", "metadata", "source", "names"})
# `_12` is what cell 12 displayed, `_i12` its source.
_HISTORY = lazy_pattern(r"_i?\d+")


class _Kernel(NamedTuple):
    kernelspec: tuple[str, ...]
    metadata: tuple[str, ...]
    source: tuple[str, ...]
    names: frozenset[str] | None


class NameTable(NamedTuple):
    """What ``rules/names.toml`` says.

    inject_calls    qualified names of calls that put names into the notebook
    inject_imports  modules whose import does
    star_modules    modules of the standard library whose star import binds what the running Python's does
    listed_modules  modules whose star import brings none of ``module_names``
    module_names    the names that notebooks give to the modules they import
    star_shadows    by module, the builtins that its star import replaces by something else
    changing_methods  methods that change their object, whatever it is
    passing_methods   methods whose result holds the elements of their object
    passing_calls     builtins whose result holds the elements of what they are given
    formulas          functions whose strings are formulas, tilde or not, by the last part of their name
    swallowing      context managers that end an error of their body, by the last part of their name
    """

    kernels: tuple[_Kernel, ...]
    inject_calls: frozenset[str]
    inject_imports: frozenset[str]
    star_modules: frozenset[str]
    listed_modules: frozenset[str]
    module_names: frozenset[str]
    python2: frozenset[str]
    environment: frozenset[str]
    changing_methods: frozenset[str]
    passing_methods: frozenset[str]
    passing_calls: frozenset[str]
    formulas: frozenset[str]
    swallowing: frozenset[str]
    star_shadows: Mapping[str, frozenset[str]]


@cache  # read once a run
def name_table() -> NameTable:
    """Return the table; raises ``ConfigurationError`` where the file is wrong."""
    table = plain_toml.loads((rules_folder() / "names.toml").read_text(encoding="utf-8"))
    return NameTable(
        tuple(_kernel(row) for row in table["kernels"]),
        frozenset(table["calls"]["inject"].split()),
        frozenset(table["imports"]["inject"].split()),
        frozenset(table["imports"]["star"].split()),
        frozenset(table["imports"]["listed"].split()),
        frozenset(table["imports"]["module-names"].split()),
        frozenset(table["python2"]["names"].split()),
        frozenset(table["environment"]["names"].split()),
        frozenset(table["methods"]["changing"].split()),
        frozenset(table["methods"]["passing"].split()),
        frozenset(table["calls"]["passing"].split()),
        frozenset(table["calls"]["formula"].split()),
        frozenset(table["calls"]["swallow"].split()),
        {module: frozenset(names.split()) for module, names in table["shadows"].items()},
    )


def _kernel(row: Mapping[str, Any]) -> _Kernel:
    if unknown := row.keys() - _KEYS:
        raise ConfigurationError(f"names.toml: a kernel has an unknown key {min(unknown)!r}")
    names = None if row["names"] == "*" else frozenset(row["names"].split())
    return _Kernel(
        tuple(row.get("kernelspec", ())), tuple(row.get("metadata", ())), tuple(row.get("source", ())), names
    )


def given_names(notebook: Notebook) -> frozenset[str] | None:
    """Return the names the notebook's environment defines beside Python's; None where it defines more than is known."""
    table = name_table()
    names = set(table.environment)
    kernel = _entry(notebook, "kernelspec", "name").lower()
    for row in table.kernels:
        if (
            any(fnmatchcase(kernel, pattern) for pattern in row.kernelspec)
            or any(key in notebook.metadata for key in row.metadata)
            or any(word in cell.source for word in row.source for cell in notebook.code_cells)
        ):
            if row.names is None:
                return None
            names |= row.names
    if _is_python2(notebook, kernel):
        names |= table.python2
    return frozenset(names)


def is_history(name: str) -> bool:
    """Return whether ``name`` is one of the shell's own for an earlier input or output (``_3``, ``_i3``)."""
    return _HISTORY.fullmatch(name) is not None


def _is_python2(notebook: Notebook, kernel: str) -> bool:
    version = _entry(notebook, "language_info", "version")
    return version.startswith("2") or (not version and kernel == "python2")


def _entry(notebook: Notebook, section: str, key: str) -> str:
    found = notebook.metadata.get(section)
    return str(found.get(key, "")) if isinstance(found, dict) else ""
