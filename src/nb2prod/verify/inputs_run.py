"""Watches which files a package reads into tables, and describes these by column. Loaded by ``steps_run.py``.

Never imports ``nb2prod``.
"""

from __future__ import annotations

import functools
import os
import posixpath
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import ModuleType

_READERS = {
    "pandas": """
        read_csv read_excel read_feather read_fwf read_hdf read_json read_orc read_parquet read_pickle read_sas
        read_spss read_stata read_table read_xml""",
    "polars": "read_avro read_csv read_excel read_ipc read_json read_ndjson read_ods read_parquet",
}
_PATHS = ("filepath_or_buffer", "io", "path", "path_or_buf", "path_or_buffer", "source")
# Different texts of a column, where they are no more than that.
_MOST_TEXTS = 50


def watch(modules: Iterable[ModuleType], contract: ModuleType) -> list[dict[str, Any]]:
    """Let the libraries' readers note each table they make of a file; return the list that the notes go to.

    modules   those that may have taken readers out of the libraries by name
    contract  the module ``contract`` of a package: it says what is in a column
    """
    seen: list[dict[str, Any]] = []
    for library, names in _READERS.items():
        module = sys.modules.get(library)
        for name in names.split() if module is not None else ():
            original = getattr(module, name, None)
            if original is None:
                continue
            watched = _watched(original, library, contract, seen)
            for each in (module, *modules):
                for key in [key for key, value in vars(each).items() if value is original]:
                    setattr(each, key, watched)
    return seen


def _watched(
    original: Callable[..., Any], library: str, contract: ModuleType, seen: list[dict[str, Any]]
) -> Callable[..., Any]:
    @functools.wraps(original)
    def read(*arguments: Any, **words: Any) -> Any:
        table = original(*arguments, **words)
        path = arguments[0] if arguments else next((words[each] for each in _PATHS if each in words), None)
        if type(table).__name__ == "DataFrame" and isinstance(path, (str, os.PathLike)):
            seen.append({"file": _relative(os.fspath(path)), "library": library, "columns": _columns(table, contract)})
        return table

    return read


def _relative(path: str) -> str:
    """Return a path from where the package runs; empty for one that leads elsewhere, and for an address."""
    if "://" in path:
        return ""
    relative = posixpath.normpath(os.path.relpath(path).replace(os.sep, "/"))
    return "" if relative.startswith("..") else relative


def _columns(table: Any, contract: ModuleType) -> list[dict[str, Any]]:
    """Return what is in each column; nothing where columns have no names of their own."""
    names = list(table.columns)
    if len(set(names)) < len(names) or not all(isinstance(name, str) for name in names):
        return []
    return [_column(name, table[name], contract) for name in names]


def _column(name: str, values: Any, contract: ModuleType) -> dict[str, Any]:
    missing = contract.missing_in(values)
    about: dict[str, Any] = {"name": name, "kind": None, "nullable": missing > 0, "present": len(values) - missing}
    if missing == len(values):
        return about
    kind = contract.kind_of(values)
    if kind in ("number", "datetime"):
        lowest, highest = contract.range_of(values)
        if isinstance(lowest, str):
            return about | {"kind": kind, "minimum": lowest, "maximum": highest}
        return about | {"kind": kind, "minimum": float(lowest), "maximum": float(highest)}
    if kind == "text":
        present = values.dropna() if hasattr(values, "dropna") else values.drop_nulls()
        if not all(isinstance(value, str) for value in present):
            return about  # lists, dates of Python, and what else a column of objects can hold
        texts = contract.texts_in(values)
        return about | {"kind": kind, "texts": texts if len(texts) <= _MOST_TEXTS else None}
    return about | {"kind": kind}
