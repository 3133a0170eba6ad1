"""Objects nobody has told us of: what they hold; and models as scikit-learn has them."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Any

from .plain import string
from .writing import incomparable, name_of, root_of

if TYPE_CHECKING:
    from .looking import Digester
    from .writing import Digest

# Values of these modules stand for something of their process: a handle, a lock, a connection.
_OF_THE_PROCESS = frozenset({
    "_asyncio", "_contextvars", "_ctypes", "_io", "_socket", "_sqlite3", "_ssl", "_thread", "asyncio", "comm",
    "concurrent", "ctypes", "ipykernel", "ipywidgets", "logging", "mmap", "multiprocessing", "queue", "select",
    "socket", "sqlite3", "ssl", "subprocess", "tempfile", "threading", "tqdm", "weakref", "zmq",
})  # fmt: skip
_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,}")


def unknown(digester: Digester, value: Any) -> Digest:
    """Look at an object of a class nobody has told us of."""
    kind = type(value)
    if root_of(kind) in _OF_THE_PROCESS:
        return incomparable(value, "it belongs to its process")
    if hasattr(kind, "__next__"):
        return incomparable(value, "it would be used up by looking at it")
    if hasattr(kind, "get_params") and hasattr(kind, "fit"):
        return estimator(digester, value)
    held = digester.held(value)
    if held or dataclasses.is_dataclass(kind):
        return digester.record(value, held)
    if getattr(kind, "__repr__", None) is not object.__repr__:
        shown = _ADDRESS.sub("0x…", repr(value))
        if "0x…" in shown and shown.startswith("<"):
            return incomparable(value, "it shows nothing but its address")
        return {"kind": "record", "type": name_of(kind), "fields": {"repr": string(digester, shown)}}
    if kind.__module__ == "builtins" or not hasattr(value, "__dict__"):
        return incomparable(value, "it does not show what it holds")
    return digester.record(value, {})


def estimator(digester: Digester, value: Any) -> Digest:
    """Look at a model as scikit-learn has them: its parameters, and what it has learnt."""
    fields = dict(value.get_params(deep=False))
    learnt = {
        name: part
        for name, part in digester.held(value).items()
        if (name.endswith("_") and not name.startswith("__")) or name.startswith(("_fit_", "_y", "_tree"))
    }
    return digester.record(value, {**fields, **learnt})


def tree(digester: Digester, value: Any) -> Digest:
    """Look at a decision tree of scikit-learn."""
    names = ("children_left", "children_right", "feature", "threshold", "value", "n_node_samples")
    return digester.record(value, {name: getattr(value, name) for name in names})


def test_program(digester: Digester, value: Any) -> Digest:
    """Look at what ``unittest.main`` returns: how the tests ended, not where they were found."""
    return digester.record(value, {"result": getattr(value, "result", None)})


def test_result(digester: Digester, value: Any) -> Digest:
    """Look at how tests ended: how many there were, and which failed."""
    failed = {name: [str(test) for test, _ in getattr(value, name)] for name in ("failures", "errors", "skipped")}
    return digester.record(value, {"run": value.testsRun, **failed})
