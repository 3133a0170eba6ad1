# ruff: noqa: B905, BLE001, ICN001 - runs inside somebody else's process, on CPython 3.8 and later:
# values may be anything, looking at one may raise anything, and nothing may be imported that the run did not import.
"""Observes a run from inside its process: digests of values, displayed values and figures, as JSON lines.

One file, standard library only, loaded by its path into a kernel or into the process of a package; it
never imports ``nb2prod``. Observing changes nothing: no random number is drawn, nothing is printed,
no value is changed, nothing is imported, no name appears in the notebook's namespace.

In a kernel, with ``silent=True`` and ``store_history=False``, before the first cell::

    import importlib.util as u, sys                                 # inside one exec(text, {}): leaves no names
    s = u.spec_from_file_location("_nb2prod_observer", PATH)
    m = sys.modules[s.name] = u.module_from_spec(s); s.loader.exec_module(m)
    m.install_in_kernel(points, recorder_path, seed, cells)         # both from nb2prod.verify.cells

In the package's process, before ``runpy.run_module(package, run_name="__main__", alter_sys=True)``::

    m.install_in_package(package, manifest, recorder_path, seed)

The file then has one event a line, flushed at once: ``value``, ``displayed``, ``figure``, ``started``,
``ended``, ``failure``, ``note``, ``environment``; ``nb2prod.verify.recorded`` reads it.

A digest is a dict with a ``kind``:

=============  =============================================================================================
none bool      ``value``
int float      ``value`` as text (``repr``; long integers in hexadecimal)
complex        ``real``, ``imag`` as text
str bytes      ``value`` (bytes in base64), or ``length``, ``sha256``, ``head`` where it is long
exact          ``type``, ``value``: text that must be the same (dates, decimals, functions, modules, …)
scalar         ``dtype``, ``value``: a NumPy scalar
array          ``type``, ``dtype``, ``shape``, and ``packed``, ``elements``, or ``fields``
sequence       ``type``, ``length``, ``elements``
set            ``type``, ``length``, ``items`` in an order of their own; ``elements`` of a large one
mapping        ``type``, ``length``, ``items``: pairs in the mapping's order
record         ``type``, ``fields``: what an object holds, by name
frame          ``type``, ``index``, ``columns`` (digests of indexes), ``data`` (a digest a column)
cycle          ``up``: the value is the one so many levels above
incomparable   ``type``, ``reason``
unbound        the name had no value
=============  =============================================================================================

``elements`` is ``{"items": [digest, …]}``, ``{"packed": …}`` (all floats, or all integers) or
``{"strings": [str, None, False for NaN, …]}``; where it is cut, ``sha256`` covers the rest.
``packed`` is ``{"dtype", "count", "data"}`` (base64, little-endian), or for many values ``sha256``,
``min``, ``max``, ``mean``, ``nan``, ``sample`` (positions and values), ``special`` (a hash of where NaN
and infinities are) and, for floats, ``blocks``: weighted sums over stretches, so that one changed or
moved element shows although small errors may be tolerated.
"""

from __future__ import annotations
import __future__ as future

import array as arrays
import ast
import base64
import builtins
import collections
import contextlib
import copy
import dataclasses
import datetime
import decimal
import enum
import fractions
import functools
import hashlib
import importlib
import importlib.util
import inspect
import itertools
import json
import math
import operator
import os
import pathlib
import platform
import random
import re
import sys
import threading
import time
import traceback
import types
import uuid
import warnings
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Digest = dict[str, Any]
    _Look = Callable[["_Digester", Any], Digest]

# Values of these modules stand for something of their process: a handle, a lock, a connection.
_OF_THE_PROCESS = frozenset({
    "_asyncio", "_contextvars", "_ctypes", "_io", "_socket", "_sqlite3", "_ssl", "_thread", "asyncio", "comm",
    "concurrent", "ctypes", "ipykernel", "ipywidgets", "logging", "mmap", "multiprocessing", "queue", "select",
    "socket", "sqlite3", "ssl", "subprocess", "tempfile", "threading", "tqdm", "weakref", "zmq",
})  # fmt: skip
# What a library keeps for its own use: memory that was never written to, results not asked for again.
_SCRATCH = re.compile(r"_(?:.*_)?(?:tmp|temp|caches?|cached|buffers?|scratch|workspace|memo)(?:_.*)?")
_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,}")
_SAMPLE = 100
_BLOCKS = 256
_SHORT = 16
# A frame with more columns than this is one array, if it is of one dtype.
_WIDE = 100
# CPython refuses to write longer integers in decimals.
_LONG = 10_000
_INT64 = range(-(2**63), 2**63)
_UNBOUND = object()


class Limits:
    """How closely a value is looked at.

    depth    levels of nesting
    nodes    values inside a value
    items    elements of one container that get a digest each; the rest is hashed
    hashed   elements of one container that are looked at
    text     characters of a text, bytes of a bytes object
    packed   bytes of numbers kept as they are; more are hashed, sampled and summed
    total    bytes of numbers kept as they are in one value
    seconds  of looking at one value
    """

    def __init__(
        self,
        *,
        depth: int = 10,
        nodes: int = 50_000,
        items: int = 1_000,
        hashed: int = 50_000,
        text: int = 20_000,
        packed: int = 200_000,
        total: int = 2_000_000,
        seconds: float = 10.0,
    ) -> None:
        self.depth, self.nodes, self.items, self.hashed, self.text = depth, nodes, items, hashed, text
        self.packed, self.total, self.seconds = packed, total, seconds


def digest(value: Any, limits: Limits | None = None) -> Digest:
    """Return ``value`` written down as JSON, so that it can be compared when its process has ended.

    Never raises: what cannot be looked at is ``incomparable``, with the reason.
    """
    with _silent_warnings():
        try:
            return _Digester(limits or Limits()).look(value)
        except Exception as error:
            return _incomparable(value, f"looking at it raised {type(error).__name__}")


def _variable(space: Any, name: str) -> Digest:
    """Return the digest of what a name stands for, or that it stands for nothing."""
    value = space.get(name, _UNBOUND)
    return {"kind": "unbound"} if value is _UNBOUND else digest(value)


def digest_figure(figure: Any, limits: Limits | None = None) -> Digest:
    """Return the axes, data and texts of a matplotlib figure, written down as ``digest`` does; no pixels."""
    return digest(figure, limits)


@contextlib.contextmanager
def _silent_warnings() -> Iterator[None]:
    """Print no warnings of this thread.

    Not ``warnings.catch_warnings``: leaving it makes every warning that was shown once be shown again.
    """
    thread = threading.get_ident()
    before = warnings._showwarnmsg  # type: ignore[attr-defined]  # noqa: SLF001

    def show(message: Any) -> None:
        if threading.get_ident() != thread:
            before(message)

    warnings._showwarnmsg = show  # type: ignore[attr-defined]  # noqa: SLF001
    try:
        numpy = sys.modules.get("numpy")
        errstate = getattr(numpy, "errstate", None)
        with contextlib.nullcontext() if errstate is None else errstate(all="ignore"):
            yield
    finally:
        warnings._showwarnmsg = before  # type: ignore[attr-defined]  # noqa: SLF001


def _name(kind: type) -> str:
    """Return the name of a class without its module and the function it stands in: those differ in the package."""
    return str(kind.__qualname__).rpartition("<locals>.")[2]


def _incomparable(value: Any, reason: str) -> Digest:
    return {"kind": "incomparable", "type": _name(type(value)), "reason": reason}


def _exact(value: Any, text: str) -> Digest:
    return {"kind": "exact", "type": _name(type(value)), "value": text}


def _canonical(data: Any) -> str:
    return json.dumps(data, sort_keys=True)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _float(value: float) -> str:
    return float.__repr__(float(value))


class _Digester:
    """One look at one value."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.deadline = time.monotonic() + limits.seconds
        self.nodes = limits.nodes
        self.bytes = limits.total
        self.above: list[int] = []

    def look(self, value: Any) -> Digest:
        """Return the digest of a value inside the value."""
        self.nodes -= 1
        if self.nodes < 0:
            return _incomparable(value, "it is in a value that holds too many values")
        if time.monotonic() > self.deadline:
            return _incomparable(value, "the time for looking at the value was over")
        kind = type(value)
        simple = _SIMPLE.get(kind)
        if simple is not None:
            return simple(self, value)
        if id(value) in self.above:
            return {"kind": "cycle", "up": len(self.above) - self.above.index(id(value))}
        if len(self.above) >= self.limits.depth:
            return _incomparable(value, "it is nested too deep")
        self.above.append(id(value))
        try:
            return _look_for(kind)(self, value)
        except Exception as error:
            return _incomparable(value, f"looking at it raised {type(error).__name__}")
        finally:
            self.above.pop()

    # Numbers and texts

    def integer(self, value: int) -> Digest:
        value = int.__index__(value)
        text = int.__repr__(value) if value.bit_length() < _LONG else hex(value)
        if len(text) > self.limits.text:
            return {"kind": "int", "value": f"sha256 {_sha256(text.encode())}"}
        return {"kind": "int", "value": text}

    def complex_(self, value: complex) -> Digest:
        return {"kind": "complex", "real": _float(value.real), "imag": _float(value.imag)}

    def text(self, value: str) -> Digest:
        value = str.__str__(value)
        if len(value) <= self.limits.text:
            return {"kind": "str", "value": value}
        encoded = value.encode("utf-8", "surrogatepass")
        return {"kind": "str", "length": len(value), "sha256": _sha256(encoded), "head": value[:200]}

    def bytes_(self, value: Any) -> Digest:
        data = bytes(value)
        if len(data) <= self.limits.text:
            return {"kind": "bytes", "type": _name(type(value)), "value": base64.b64encode(data).decode("ascii")}
        head = base64.b64encode(data[:100]).decode("ascii")
        return {
            "kind": "bytes",
            "type": _name(type(value)),
            "length": len(data),
            "sha256": _sha256(data),
            "head": head,
        }

    def derived(self, value: Any, base: type) -> Digest:
        """Look at a subclass of a number or text: its value and what it holds besides."""
        plain = _SIMPLE[base](self, base.__new__(base, value))
        fields = {"value": plain}
        fields.update(self.attributes(value))
        return {"kind": "record", "type": _name(type(value)), "fields": fields}

    # Containers

    def elements(self, items: list[Any]) -> Digest:
        """Return the digests of the items of a list, shortly where they are all floats, integers or texts."""
        kinds = set(map(type, items))
        if len(items) > _SHORT:
            if kinds == {float}:
                return {"packed": self.packed_list("float64", "d", items)}
            if kinds == {int} and all(item in _INT64 for item in items):
                return {"packed": self.packed_list("int64", "q", items)}
            if str in kinds and kinds <= {str, type(None), float}:
                strings = self.strings(items)
                if strings is not None:
                    return strings
        first = [self.look(item) for item in items[: self.limits.items]]
        found: Digest = {"items": first}
        if len(items) > len(first):
            rest, end = hashlib.sha256(), min(len(items), self.limits.hashed)
            nodes, self.nodes = self.nodes, self.limits.nodes
            for item in items[len(first) : end]:
                self.nodes = self.limits.nodes
                rest.update(_canonical(self.look(item)).encode())
            self.nodes = nodes
            found["sha256"] = rest.hexdigest()
            if time.monotonic() > self.deadline or end < len(items):
                found["truncated"] = f"only the first {end} of {len(items)} elements were looked at"
        return found

    def strings(self, items: Sequence[Any]) -> Digest | None:
        short: list[str | bool | None] = []
        for item in items:
            if type(item) is float:
                if not math.isnan(item):
                    return None
                short.append(False)
            else:
                short.append(item)
        size = sum(len(text) for text in short if isinstance(text, str))
        if size <= min(self.limits.packed, self.bytes):
            self.bytes -= size
            return {"strings": short}
        return {"strings": short[:_SAMPLE], "count": len(short), "sha256": _sha256(_canonical(short).encode())}

    def sequence(self, value: Any) -> Digest:
        base = next(base for base in (list, tuple, collections.deque) if issubclass(type(value), base))
        items = list(base.__iter__(value))
        found = {
            "kind": "sequence",
            "type": _name(type(value)),
            "length": len(items),
            "elements": self.elements(items),
        }
        fields = type(value).__dict__.get("_fields")
        if isinstance(fields, tuple):
            found["names"] = [str(field) for field in fields]
        if base is collections.deque:
            found["maxlen"] = value.maxlen
        return found

    def set_(self, value: Any) -> Digest:
        base = frozenset if issubclass(type(value), frozenset) else set
        parts = list(base.__iter__(value))
        found = {"kind": "set", "type": _name(type(value)), "length": len(parts)}
        if len(parts) <= self.limits.items:
            found["items"] = sorted((self.look(part) for part in parts), key=_canonical)
            return found
        if len(set(map(type, parts))) > 1 or type(parts[0]) not in {int, str, float, tuple, bytes}:
            return _incomparable(value, "it is a large set of values that have no order")
        found["items"], found["elements"] = [], self.elements(sorted(parts))
        return found

    def mapping(self, value: Any) -> Digest:
        if "__builtins__" in value:
            return _incomparable(value, "it is a namespace of running code")
        pairs = list(dict.items(value) if issubclass(type(value), dict) else value.items())
        found = {
            "kind": "mapping",
            "type": _name(type(value)),
            "length": len(pairs),
            "items": [[self.look(key), self.look(item)] for key, item in pairs[: self.limits.items]],
        }
        if len(pairs) > self.limits.items:
            rest = self.elements([part for pair in pairs[self.limits.items :] for part in pair])
            found["rest"] = {"kind": "sequence", "type": "list", "length": len(pairs) * 2, "elements": rest}
        return found

    def view(self, value: Any) -> Digest:
        items = list(value)
        return {
            "kind": "sequence",
            "type": _name(type(value)),
            "length": len(items),
            "elements": self.elements(items),
        }

    # What the standard library has

    def slice_(self, value: Any) -> Digest:
        return self.record(value, {name: getattr(value, name) for name in ("start", "stop", "step")})

    def datetime_(self, value: Any) -> Digest:
        zone = getattr(value, "tzinfo", None)
        return _exact(value, value.isoformat() + ("" if zone is None else f" {zone}"))

    def enum_(self, value: Any) -> Digest:
        return _exact(value, f"{_name(type(value))}.{value.name}")

    def function(self, value: Any) -> Digest:
        name = getattr(value, "__qualname__", None) or getattr(value, "__name__", "")
        return _exact(value, str(name).rpartition("<locals>.")[2])

    def method(self, value: Any) -> Digest:
        return self.record(value, {"function": value.__func__, "object": value.__self__})

    def class_(self, value: Any) -> Digest:
        return {"kind": "exact", "type": "class", "value": _name(value)}

    def module(self, value: Any) -> Digest:
        return _exact(value, str(vars(value).get("__name__")))

    def partial(self, value: Any) -> Digest:
        return self.record(value, {"function": value.func, "arguments": value.args, "keywords": value.keywords})

    def pattern(self, value: Any) -> Digest:
        return self.record(value, {"pattern": value.pattern, "flags": int(value.flags)})

    def random_(self, value: Any) -> Digest:
        return self.record(value, {"state": random.Random.getstate(value)})

    def exception(self, value: Any) -> Digest:
        return self.record(value, {"arguments": value.args, **self.held(value)})

    # Unknown objects

    def record(self, value: Any, fields: dict[str, Any]) -> Digest:
        """Return the digest of an object that consists of these parts."""
        return {
            "kind": "record",
            "type": _name(type(value)),
            "fields": {name: self.look(part) for name, part in fields.items()},
        }

    def held(self, value: Any) -> dict[str, Any]:
        """Return what an object holds in its ``__dict__`` and slots, without running its code."""
        found: dict[str, Any] = {}
        for base in reversed(type(value).__mro__):
            for name, member in vars(base).items():
                if isinstance(member, types.MemberDescriptorType) and base.__module__ != "builtins":
                    with contextlib.suppress(AttributeError):
                        found.update({name: member.__get__(value, type(value))})
        with contextlib.suppress(AttributeError):
            own = object.__getattribute__(value, "__dict__")
            if type(own) is dict:
                found.update({str(name): part for name, part in list(own.items())})
        if _is_installed(type(value)):
            return {name: part for name, part in found.items() if not _SCRATCH.fullmatch(name)}
        return found

    def attributes(self, value: Any) -> dict[str, Digest]:
        return {name: self.look(part) for name, part in self.held(value).items()}

    def unknown(self, value: Any) -> Digest:
        kind = type(value)
        if _root(kind) in _OF_THE_PROCESS:
            return _incomparable(value, "it belongs to its process")
        if hasattr(kind, "__next__"):
            return _incomparable(value, "it would be used up by looking at it")
        if hasattr(kind, "get_params") and hasattr(kind, "fit"):
            return self.estimator(value)
        held = self.held(value)
        if held or dataclasses.is_dataclass(kind):
            return self.record(value, held)
        if getattr(kind, "__repr__", None) is not object.__repr__:
            text = _ADDRESS.sub("0x…", repr(value))
            if "0x…" in text and text.startswith("<"):
                return _incomparable(value, "it shows nothing but its address")
            return {"kind": "record", "type": _name(kind), "fields": {"repr": self.text(text)}}
        if kind.__module__ == "builtins" or not hasattr(value, "__dict__"):
            return _incomparable(value, "it does not show what it holds")
        return self.record(value, {})

    def estimator(self, value: Any) -> Digest:
        """Look at a model as scikit-learn has them: its parameters, and what it has learnt."""
        fields = dict(value.get_params(deep=False))
        learnt = {
            name: part
            for name, part in self.held(value).items()
            if (name.endswith("_") and not name.startswith("__")) or name.startswith(("_fit_", "_y", "_tree"))
        }
        return self.record(value, {**fields, **learnt})

    def tree(self, value: Any) -> Digest:
        names = ("children_left", "children_right", "feature", "threshold", "value", "n_node_samples")
        return self.record(value, {name: getattr(value, name) for name in names})

    # NumPy and SciPy

    def scalar(self, value: Any) -> Digest:
        dtype = value.dtype
        if dtype.kind == "f":
            text = _float(value)
        elif dtype.kind == "c":
            text = f"{_float(value.real)} {_float(value.imag)}"
        elif dtype.kind in "iub":
            text = str(value.item())
        elif dtype.kind in "mMUS":
            text = str(value)
        else:
            return self.array(value.__array__())
        return {"kind": "scalar", "dtype": str(dtype.name), "value": text}

    def array(self, value: Any) -> Digest:
        numpy = sys.modules["numpy"]

        plain = value.view(numpy.ndarray) if type(value) is not numpy.ndarray else value
        dtype = plain.dtype
        found: Digest = {
            "kind": "array",
            "type": _name(type(value)),
            "dtype": str(dtype.name),
            "shape": list(plain.shape),
        }
        if dtype.names:
            found["dtype"] = "structured"
            found["fields"] = {str(name): self.look(plain[name]) for name in dtype.names}
        elif dtype.kind == "O":
            found["elements"] = self.elements(plain.ravel(order="C").tolist())
        elif dtype.kind in "US":
            texts = [text if isinstance(text, str) else text.decode("latin-1") for text in plain.ravel("C").tolist()]
            found["elements"] = self.strings(texts)
        else:
            if dtype.kind in "fc" and dtype.itemsize > (8 if dtype.kind == "f" else 16):
                plain = plain.astype("f8" if dtype.kind == "f" else "c16")
            flat = numpy.ascontiguousarray(plain).ravel()
            found["packed"] = self.packed(flat.astype(flat.dtype.newbyteorder("<"), copy=False))
        return found

    def masked_array(self, value: Any) -> Digest:
        numpy = sys.modules["numpy"]

        mask = numpy.ma.getmaskarray(value)
        return self.record(
            value, {"data": value.filled(0) if value.dtype.kind in "biufc" else value.data, "mask": mask}
        )

    def random_state(self, value: Any) -> Digest:
        return self.record(value, {"state": value.get_state(legacy=False)})

    def generator(self, value: Any) -> Digest:
        return self.record(value, {"state": value.bit_generator.state})

    def bit_generator(self, value: Any) -> Digest:
        return self.record(value, {"state": value.state})

    def sparse(self, value: Any) -> Digest:
        numpy = sys.modules["numpy"]

        entries = value.tocoo()
        order = numpy.lexsort((entries.col, entries.row))
        fields = {
            "format": value.format,
            "shape": tuple(int(size) for size in value.shape),
            "row": entries.row[order],
            "column": entries.col[order],
            "data": entries.data[order],
        }
        return self.record(value, fields)

    def packed_list(self, dtype: str, code: str, items: list[Any]) -> Digest:
        """Return the numbers of a list; without NumPy, which may be loaded on one side only."""
        values, count = arrays.array(code, items), len(items)
        if sys.byteorder == "big":
            values.byteswap()
        raw = values.tobytes()
        if len(raw) <= min(self.limits.packed, self.bytes):
            return self.kept(dtype, raw, count)
        places = _places(count)
        finite = [item if math.isfinite(item) else 0.0 for item in items] if code == "d" else items
        found = {
            "dtype": dtype,
            "count": count,
            "sha256": _sha256(raw),
            "min": _float(min(finite)),
            "max": _float(max(finite)),
            "mean": _float(math.fsum(finite) / count),
            "sample": [places, [repr(items[place]) for place in places]],
        }
        if code == "d":
            special = [(place, _float(item)) for place, item in enumerate(items) if not math.isfinite(item)]
            found["nan"] = sum(item != item for item in items)  # noqa: PLR0124 - NaN alone differs from itself
            found["special"] = _sha256(_canonical(special).encode())
            found["blocks"] = _blocks(finite, count)
        return found

    def packed(self, flat: Any) -> Digest:
        """Return the numbers of a flat array as they are, or for many what tells whether they are the same."""
        dtype, count = str(flat.dtype.name), int(flat.size)
        if flat.nbytes <= min(self.limits.packed, self.bytes):
            return self.kept(dtype, flat.tobytes(), count)
        data = flat.view("<i8") if flat.dtype.kind in "mM" else flat
        found: Digest = {"dtype": dtype, "count": count, "sha256": hashlib.sha256(data).hexdigest()}
        if data.dtype.kind != "V":
            found.update(_summary(data))
        return found

    def kept(self, dtype: str, raw: bytes, count: int) -> Digest:
        self.bytes -= len(raw)
        return {"dtype": dtype, "count": count, "data": base64.b64encode(raw).decode("ascii")}

    # pandas

    def series(self, value: Any) -> Digest:
        return {
            "kind": "record",
            "type": _name(type(value)),
            "fields": {
                "index": self.look(value.index),
                "name": self.look(value.name),
                "values": self.column(value.array),
            },
        }

    def frame(self, value: Any) -> Digest:
        return {
            "kind": "frame",
            "type": _name(type(value)),
            "shape": [int(size) for size in value.shape],
            "index": self.look(value.index),
            "columns": self.look(value.columns),
            "names": [str(name) for name in value.columns[: self.limits.items]],
            "data": self.columns(value),
        }

    def columns(self, value: Any) -> list[Digest]:
        """Look at the columns of a frame; many of one kind of number are one array."""
        if value.shape[1] > _WIDE and len(set(value.dtypes)) == 1 and _root(type(value.dtypes.iloc[0])) == "numpy":
            return [self.array(value.to_numpy())]
        return [self.column(value.iloc[:, place].array) for place in range(value.shape[1])]

    def column(self, value: Any) -> Digest:
        """Look at the array of a Series, a column or an index."""
        if _root(type(value)) == "numpy":
            return self.array(value)
        if type(value).__name__ in {"PandasArray", "NumpyExtensionArray"}:
            return self.array(value.to_numpy())
        return self.look(value)

    def extension_array(self, value: Any) -> Digest:
        dtype = str(value.dtype)
        kind = getattr(value.dtype, "kind", "O")
        missing = value.isna()
        if kind in "mM":
            plain = value.asi8
        elif kind in "iu":
            plain = value.to_numpy(dtype="int64" if kind == "i" else "uint64", na_value=0)
        elif kind == "f":
            plain = value.to_numpy(dtype="float64", na_value=0.0)
        elif kind == "b":
            plain = value.to_numpy(dtype="bool", na_value=False)
        else:
            plain = [None if gone else item for gone, item in zip(missing, value)]
        return self.record(value, {"dtype": dtype, "missing": missing, "values": plain})

    def categorical(self, value: Any) -> Digest:
        fields = {"categories": value.categories, "ordered": value.ordered, "codes": value.codes}
        return self.record(value, fields)

    def interval_array(self, value: Any) -> Digest:
        return self.record(value, {"left": value.left, "right": value.right, "closed": value.closed})

    def sparse_array(self, value: Any) -> Digest:
        return self.record(value, {"dtype": str(value.dtype), "values": value.to_dense()})

    def index(self, value: Any) -> Digest:
        fields: dict[str, Digest] = {"names": self.look(list(value.names))}
        fields["values"] = self.column(value.array)
        if hasattr(type(value), "freq"):
            fields["freq"] = self.look(None if value.freq is None else str(value.freq))
        return {"kind": "record", "type": _name(type(value)), "fields": fields}

    def range_index(self, value: Any) -> Digest:
        return self.record(value, {"names": list(value.names), "range": range(value.start, value.stop, value.step)})

    def multi_index(self, value: Any) -> Digest:
        levels = [value._get_level_values(level) for level in range(value.nlevels)]  # noqa: SLF001 - the public one mistakes numbers for names
        return self.record(value, {"names": list(value.names), "levels": levels})

    def text_of(self, value: Any) -> Digest:
        """Look at a value that its text says completely (Timestamp, Timedelta, Period, offset, dtype)."""
        return _exact(value, str(value))

    def interval(self, value: Any) -> Digest:
        return self.record(value, {"left": value.left, "right": value.right, "closed": value.closed})

    def group_by(self, value: Any) -> Digest:
        keys = value.keys
        names = keys if isinstance(keys, list) else [keys]
        if getattr(value, "level", None) is not None or not all(isinstance(name, (str, int)) for name in names):
            return _incomparable(value, "its groups come from code")
        # Grouped anew: asking the value itself would make it keep what it has computed.
        options = {name: getattr(value, name) for name in ("sort", "observed", "dropna") if hasattr(value, name)}
        sizes = value.obj.groupby(keys, **options).size()
        return self.record(value, {"keys": names, "sizes": sizes, "values": value.obj})

    # Networks

    def tensor(self, value: Any) -> Digest:
        return self.record(value, {"values": value.detach().cpu().numpy(), "requires_grad": bool(value.requires_grad)})

    def network(self, value: Any) -> Digest:
        return self.record(value, {"state": dict(value.state_dict()), "training": bool(value.training)})

    def eager_tensor(self, value: Any) -> Digest:
        return self.record(value, {"values": value.numpy()})

    def keras_model(self, value: Any) -> Digest:
        return self.record(value, {"weights": value.get_weights()})

    # matplotlib

    def artist(self, value: Any) -> Digest:
        return {"kind": "record", "type": "artist", "fields": {"class": self.text(_name(type(value)))}}

    def figure(self, value: Any) -> Digest:
        fields = {
            "title": _text_of(getattr(value, "_suptitle", None)),
            "axes": list(value.axes),
            "texts": [text.get_text() for text in value.texts],
            "lines": [line.get_xydata() for line in value.lines],
            "images": [image.get_array() for image in value.images],
            "legends": [_legend(legend) for legend in value.legends],
        }
        return self.record(value, fields)

    def axes(self, value: Any) -> Digest:
        place = value.get_position(original=True).bounds
        fields: dict[str, Any] = {
            "position": [round(float(number), 3) for number in place],
            "title": value.get_title(),
            "title_left": value.get_title(loc="left"),
            "title_right": value.get_title(loc="right"),
            "legend": _legend(value.get_legend()),
            "lines": [_line(line) for line in value.lines],
            "patches": [_patch(patch) for patch in value.patches],
            "collections": [_collection(collection) for collection in value.collections],
            "images": [_image(image) for image in value.images],
            "texts": [_placed(text) for text in value.texts],
            "visible": bool(value.get_visible()) and bool(value.axison),
        }
        for name in ("x", "y", "z"):
            axis = getattr(value, f"{name}axis", None)
            if axis is not None:
                fields[f"{name}_label"] = axis.label.get_text()
                fields[f"{name}_scale"] = axis.get_scale()
                fields[f"{name}_limits"] = [float(number) for number in getattr(value, f"get_{name}lim")()]
                fields[f"{name}_ticks"] = _ticks(axis)
        return {"kind": "record", "type": "Axes", "fields": {name: self.look(part) for name, part in fields.items()}}


def _places(count: int) -> list[int]:
    """Return the elements of many that are kept as they are."""
    size = min(_SAMPLE, -(-count // _SHORT))
    return [number * count // size for number in range(size)]


def _block_size(count: int) -> int:
    return max(-(-count // _BLOCKS), _SHORT)


def _summary(data: Any) -> Digest:
    """Return what is kept of many numbers of an array."""
    numpy = sys.modules["numpy"]
    found: Digest = {}
    real = data.view(f"<f{data.dtype.itemsize // 2}") if data.dtype.kind == "c" else data
    finite = real
    if real.dtype.kind == "f":
        usual = numpy.isfinite(real)
        special = b""
        if not usual.all():
            at = numpy.flatnonzero(~usual)
            special = at.astype("<i8").tobytes() + numpy.nan_to_num(real[at], nan=0.5).astype("<f8").tobytes()
            finite = numpy.where(usual, real, 0)
        found["special"] = _sha256(special)
        found["nan"] = int(numpy.isnan(real).sum())
        found["blocks"] = _numpy_blocks(finite)
    places = _places(int(data.size))
    found.update(
        min=_float(finite.min()),
        max=_float(finite.max()),
        mean=_float(finite.mean(dtype="f8")),
        sample=[places, [str(data[place].item()) for place in places]],
    )
    return found


def _weight(place: int) -> float:
    """Return the weight of an element in its block's sum: elements that change places change the sum."""
    return 1.0 + (place * 40503 % 65536) / 65536.0


def _blocks(values: Sequence[float], count: int) -> Digest:
    size = _block_size(count)
    sums, sizes = [], []
    for start in range(0, count, size):
        places = range(start, min(start + size, count))
        sums.append(_float(math.fsum(values[place] * _weight(place) for place in places)))
        sizes.append(_float(math.fsum(abs(values[place]) for place in places)))
    return {"size": size, "sums": sums, "sizes": sizes}


def _numpy_blocks(values: Any) -> Digest:
    numpy = sys.modules["numpy"]
    size = _block_size(int(values.size))
    sums, sizes = [], []
    for start in range(0, int(values.size), size):
        block = values[start : start + size].astype("f8", copy=False)
        weights = 1.0 + (numpy.arange(start, start + block.size, dtype="u8") * 40503 % 65536) / 65536.0
        sums.append(_float(block @ weights))
        sizes.append(_float(numpy.abs(block).sum()))
    return {"size": size, "sums": sums, "sizes": sizes}


def _text_of(text: Any) -> str | None:
    return None if text is None else str(text.get_text())


def _placed(text: Any) -> list[Any]:
    place = [float(each) if isinstance(each, (int, float)) else str(each) for each in text.get_position()]
    return [text.get_text(), place]


def _legend(legend: Any) -> list[str] | None:
    return None if legend is None else [text.get_text() for text in legend.get_texts()]


def _line(line: Any) -> dict[str, Any]:
    data = line.get_data_3d() if hasattr(type(line), "get_data_3d") else line.get_xydata()
    return {"label": str(line.get_label()), "style": str(line.get_linestyle()), "marker": str(line.get_marker()),
            "color": str(line.get_color()), "data": data}  # fmt: skip


def _patch(patch: Any) -> Any:
    if hasattr(type(patch), "get_bbox") and hasattr(type(patch), "get_width"):
        return [float(number) for number in patch.get_bbox().bounds]
    if hasattr(patch, "theta1"):
        return [float(patch.theta1), float(patch.theta2), float(patch.r)]
    return patch.get_path().vertices


def _collection(collection: Any) -> dict[str, Any]:
    paths = collection.get_paths()
    vertices = [path.vertices for path in paths[:100]]
    return {"label": str(collection.get_label()), "offsets": collection.get_offsets(), "paths": len(paths),
            "vertices": vertices, "values": collection.get_array()}  # fmt: skip


def _image(image: Any) -> dict[str, Any]:
    return {"data": image.get_array(), "extent": [float(number) for number in image.get_extent()]}


def _ticks(axis: Any) -> Any:
    """Return the tick labels the author has set; those matplotlib chooses follow from the limits."""
    labels = getattr(axis.get_major_formatter(), "seq", None)
    places = getattr(axis.get_major_locator(), "locs", None)
    names = getattr(axis.get_units(), "_mapping", None)
    return {
        "labels": None if labels is None else [str(label) for label in labels],
        "places": None if places is None else [float(place) for place in places],
        "categories": None if names is None else [str(name) for name in names],
    }


_SIMPLE: dict[type, _Look] = {
    type(None): lambda _, __: {"kind": "none"},
    bool: lambda _, value: {"kind": "bool", "value": value},
    int: _Digester.integer,
    float: lambda _, value: {"kind": "float", "value": _float(value)},
    complex: _Digester.complex_,
    str: _Digester.text,
    bytes: _Digester.bytes_,
    bytearray: _Digester.bytes_,
}
_SIMPLE[type(Ellipsis)] = lambda _, value: _exact(value, "...")
_SIMPLE[type(NotImplemented)] = lambda _, value: _exact(value, "NotImplemented")
# By the outermost package of a class and its name, for classes of libraries nobody has to import here.
_OF_LIBRARIES: dict[tuple[str, str], _Look] = {
    ("numpy", "generic"): _Digester.scalar,
    ("numpy", "ndarray"): _Digester.array,
    ("numpy", "MaskedArray"): _Digester.masked_array,
    ("numpy", "RandomState"): _Digester.random_state,
    ("numpy", "Generator"): _Digester.generator,
    ("numpy", "BitGenerator"): _Digester.bit_generator,
    ("numpy", "dtype"): _Digester.text_of,
    ("scipy", "spmatrix"): _Digester.sparse,
    ("scipy", "sparray"): _Digester.sparse,
    ("scipy", "_spbase"): _Digester.sparse,
    ("pandas", "Series"): _Digester.series,
    ("pandas", "DataFrame"): _Digester.frame,
    ("pandas", "Index"): _Digester.index,
    ("pandas", "RangeIndex"): _Digester.range_index,
    ("pandas", "MultiIndex"): _Digester.multi_index,
    ("pandas", "Categorical"): _Digester.categorical,
    ("pandas", "IntervalArray"): _Digester.interval_array,
    ("pandas", "SparseArray"): _Digester.sparse_array,
    ("pandas", "ExtensionArray"): _Digester.extension_array,
    ("pandas", "ExtensionDtype"): _Digester.text_of,
    ("pandas", "Interval"): _Digester.interval,
    ("pandas", "Timestamp"): _Digester.text_of,
    ("pandas", "Timedelta"): _Digester.text_of,
    ("pandas", "Period"): _Digester.text_of,
    ("pandas", "NaTType"): _Digester.text_of,
    ("pandas", "NAType"): _Digester.text_of,
    ("pandas", "BaseOffset"): _Digester.text_of,
    ("pandas", "Styler"): lambda look, value: look.record(value, {"data": value.data}),
    ("pandas", "BaseGroupBy"): _Digester.group_by,
    ("patsy", "EvalEnvironment"): lambda _, value: _incomparable(value, "it is a namespace of running code"),
    ("sklearn", "Tree"): _Digester.tree,
    ("torch", "Tensor"): _Digester.tensor,
    ("torch", "Module"): _Digester.network,
    ("tensorflow", "Tensor"): _Digester.eager_tensor,
    ("keras", "Model"): _Digester.keras_model,
    ("matplotlib", "Figure"): _Digester.figure,
    ("matplotlib", "_AxesBase"): _Digester.axes,
    ("matplotlib", "Artist"): _Digester.artist,
}
_OF_THE_LIBRARY: tuple[tuple[Any, _Look], ...] = (
    (enum.Enum, _Digester.enum_),
    (type, _Digester.class_),
    ((list, tuple, collections.deque), _Digester.sequence),
    ((set, frozenset), _Digester.set_),
    ((dict, types.MappingProxyType, collections.ChainMap, collections.UserDict), _Digester.mapping),
    ((type({}.keys()), type({}.values()), type({}.items())), _Digester.view),
    ((range, uuid.UUID, decimal.Decimal, fractions.Fraction), _Digester.text_of),
    (pathlib.PurePath, lambda _, value: {"kind": "exact", "type": "Path", "value": value.as_posix()}),
    (slice, _Digester.slice_),
    ((datetime.date, datetime.time), _Digester.datetime_),
    ((datetime.timedelta, datetime.tzinfo), lambda _, value: _exact(value, repr(value))),
    ((types.FunctionType, types.BuiltinFunctionType), _Digester.function),
    (types.MethodType, _Digester.method),
    (types.ModuleType, _Digester.module),
    (functools.partial, _Digester.partial),
    (re.Pattern, _Digester.pattern),
    (random.Random, _Digester.random_),
    ((bytes, bytearray), _Digester.bytes_),
    (memoryview, _Digester.bytes_),
    (arrays.array, lambda look, value: look.record(value, {"code": value.typecode, "values": value.tolist()})),
    (int, lambda look, value: look.derived(value, int)),
    (float, lambda look, value: look.derived(value, float)),
    (complex, lambda look, value: look.derived(value, complex)),
    (str, lambda look, value: look.derived(value, str)),
    (BaseException, _Digester.exception),
)


def _root(kind: type) -> str:
    return str(getattr(kind, "__module__", "")).partition(".")[0]


def _is_installed(kind: type) -> bool:
    """Return whether a class comes from an installed library, and not from the notebook or beside it."""
    file = getattr(sys.modules.get(kind.__module__), "__file__", None)
    return file is not None and ("site-packages" in file or "dist-packages" in file)


def _look_for(kind: type) -> _Look:
    """Return how to look at values of a class. Classes only: asking an instance may run its code."""
    for base in kind.__mro__:
        found = _OF_LIBRARIES.get((_root(base), base.__name__))
        if found is not None:
            return found
    for bases, found in _OF_THE_LIBRARY:
        if issubclass(kind, bases):
            return found
    return _Digester.unknown


class Recorder:
    """Appends events to a file as JSON lines, each flushed, so that a run that is killed leaves what it had.

    Processes forked from the observed one record nothing.
    """

    def __init__(self, path: str) -> None:
        self.path = os.path.abspath(path)  # noqa: PTH100 - the run may change its folder
        self.process = os.getpid()
        self.lock = threading.RLock()
        self.numbers: dict[Any, int] = {}
        self.generators = Generators()

    def write(self, event: dict[str, Any]) -> None:
        """Append an event."""
        if os.getpid() != self.process:
            return
        line = json.dumps(event) + "\n"
        with self.lock, open(self.path, "a", encoding="ascii") as file:  # noqa: PTH123
            file.write(line)

    def value(self, step: str, name: str, role: str, obj: Any, cell: int | None) -> None:
        """Record a variable as it is when a step has ended."""
        self.digest_of_value(step, name, role, digest(obj), cell)

    def digest_of_value(self, step: str, name: str, role: str, found: Digest, cell: int | None) -> None:
        """Record the digest of a variable."""
        self.write({"event": "value", "step": step, "name": name, "role": role, "cell": cell, "digest": found})

    def states(self, step: str, cell: int | None) -> None:
        """Record the states of the global random generators as they are when a step has ended."""
        for name, state in self.generators.states().items():
            found = {"kind": "exact", "type": "generator", "value": state}
            self.digest_of_value(step, name, "generator", found, cell)

    def displayed(self, cell: int | None, number: int, obj: Any, line: int | None = None) -> None:
        """Record a displayed value; ``number`` is 0 for the value of the cell, else counts calls of ``display``."""
        self.write({"event": "displayed", "cell": cell, "number": number, "line": line, "digest": digest(obj)})

    def figure(self, cell: int | None, number: int, fig: Any, line: int | None = None) -> None:
        """Record a figure as it is when it is shown, ``number`` counting from 1 within the cell."""
        found = digest_figure(fig)
        self.write({"event": "figure", "cell": cell, "number": number, "line": line, "digest": found})

    def started(self, cell: int | None) -> None:
        """Record that a cell starts."""
        self.write({"event": "started", "cell": cell})

    def ended(self, cell: int | None, seconds: float) -> None:
        """Record that a cell has ended, and how long it took."""
        self.write({"event": "ended", "cell": cell, "seconds": seconds})

    def failure(self, cell: int | None, step: str | None, error: BaseException) -> None:
        """Record an exception that ended a cell or a step."""
        lines = traceback.format_exception(type(error), error, error.__traceback__)
        message = _message(error)
        self.write({"event": "failure", "cell": cell, "step": step, "kind": type(error).__name__, "message": message,
                    "traceback": "".join(lines)})  # fmt: skip

    def note(self, text: str, cell: int | None = None) -> None:
        """Record something that makes the record less complete than it should be."""
        self.write({"event": "note", "text": text, "cell": cell})

    def environment(self) -> None:
        """Record the interpreter and the versions of what is loaded, if more is loaded than before."""
        found = {"python": platform.python_version(), "implementation": platform.python_implementation(),
                 "platform": platform.platform()}  # fmt: skip
        for name, module in list(sys.modules.items()):
            version = getattr(module, "__dict__", {}).get("__version__")
            if "." not in name and not name.startswith("_") and isinstance(version, str):
                found[name] = version
        if self.count("environment", len(found)) == 1:
            self.write({"event": "environment", "versions": found})

    def count(self, *key: Any) -> int:
        """Return how many times it has been called with ``key``, this time included."""
        self.numbers[key] = self.numbers.get(key, 0) + 1
        return self.numbers[key]


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as failed:
        return f"its text cannot be made: {type(failed).__name__}"


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
    return _sha256(_canonical(digest(state)).encode())[:16]


def _numpy_state(module: Any) -> str:
    with _silent_warnings():  # another kind of generator in its place
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


# The notebook's side

_FIRE = "__nb2prod_observe__"


def install_in_kernel(
    points: Sequence[dict[str, Any]],
    recorder_path: str,
    seed: int | None,
    cells: Sequence[dict[str, Any]],
    shell: Any = None,
) -> Recorder:
    """Observe what the kernel of this process runs from now on.

    points  ``verify.trace.Point`` as dicts: ``step``, ``cell``, ``statement``, ``names`` (name and role)
    seed    for ``Generators.seed``; None seeds nothing
    cells   the code cells in the order they will run: ``cell``, ``source`` and ``groups``, the number of
            nb2prod's statements in each top-level statement of the kernel (``verify.cells`` makes them).
            The cell that runs is told by its source
    """
    shell = shell or sys.modules["IPython"].get_ipython()
    recorder = Recorder(recorder_path)
    if seed is not None:
        recorder.generators.seed(seed)
    _Kernel(shell, recorder, points, cells).install()
    return recorder


class _Kernel:
    """The hooks in a kernel, and what they have to remember."""

    def __init__(self, shell: Any, recorder: Recorder, points: Sequence[Any], cells: Sequence[Any]) -> None:
        self.shell, self.recorder, self.points = shell, recorder, points
        self.cells = list(cells)
        self.next = 0
        self.depth = 0
        self.cell: int | None = None
        self.groups: Sequence[int] = ()
        self.armed = False
        self.result = False
        self.waiting: list[int] = []
        self.since = 0.0

    def install(self) -> None:
        setattr(builtins, _FIRE, self.fire)
        self.shell.ast_transformers.append(self)
        self.shell.events.register("pre_run_cell", self.before_cell)
        self.shell.events.register("post_run_cell", self.after_cell)
        formatter, hook = self.shell.display_formatter, self.shell.displayhook
        format_value, compute = formatter.format, hook.compute_format_data

        @functools.wraps(format_value)
        def format_and_record(obj: Any, *args: Any, **options: Any) -> Any:
            self.guarded(self.shown, obj)
            return format_value(obj, *args, **options)

        @functools.wraps(compute)
        def compute_and_record(result: Any) -> Any:
            self.result = True
            try:
                return compute(result)
            finally:
                self.result = False

        formatter.format = format_and_record
        hook.compute_format_data = compute_and_record

    def guarded(self, function: Callable[..., object], *args: Any) -> None:
        """Call a function of ours; if it fails the run must not."""
        try:
            function(*args)
        except Exception as error:
            with contextlib.suppress(Exception):
                self.recorder.note(f"the observer failed: {error!r}", self.cell)

    def before_cell(self, info: Any = None) -> None:
        """Find out which cell starts. Cells run inside a cell (``%%capture``) are part of it."""
        self.depth += 1
        if self.depth > 1:
            return
        source = _lines(getattr(info, "raw_cell", ""))
        found = next(
            (at for at in range(self.next, len(self.cells)) if _lines(self.cells[at]["source"]) == source), None
        )
        if found is None:
            self.cell, self.groups, self.waiting = None, (), []
            self.recorder.note("a cell runs that is not in the notebook")
        else:
            self.next = found + 1
            self.cell, self.groups = self.cells[found]["cell"], self.cells[found]["groups"]
            self.waiting = [at for at, point in enumerate(self.points) if point["cell"] == self.cell]
        self.armed = True
        self.recorder.started(self.cell)
        self.since = time.monotonic()

    def after_cell(self, result: Any = None) -> None:
        """Look at the points that are left, and note how the cell ended."""
        info = getattr(result, "info", None)
        if self.depth == 0 or (info is not None and not str(info.raw_cell).strip()):
            return
        self.depth -= 1
        if self.depth:
            return
        seconds = time.monotonic() - self.since
        self.armed = False
        for number in list(self.waiting):
            self.fire(number)
        error = getattr(result, "error_before_exec", None) or getattr(result, "error_in_exec", None)
        if isinstance(error, BaseException):
            self.guarded(self.recorder.failure, self.cell, None, error)
        self.guarded(self.recorder.ended, self.cell, seconds)
        self.guarded(self.recorder.environment)
        self.cell = None

    def visit(self, node: Any) -> Any:
        """Insert a look after each statement that ends a step, save for the last, whose value is displayed."""
        if not self.armed:  # code that a magic compiles while the cell runs
            return node
        self.armed = False
        if not self.waiting:
            return node
        if len(self.groups) != len(node.body):
            if len(node.body) > 1:
                self.recorder.note(f"the kernel counts {len(node.body)} statements, not {len(self.groups)}", self.cell)
            return node
        ends = list(itertools.accumulate(self.groups))
        body = []
        for number, statement in enumerate(node.body):
            body.append(statement)
            if number == len(node.body) - 1:
                break
            first = ends[number - 1] if number else 0
            for at in self.waiting:
                if first < self.points[at]["statement"] <= ends[number]:
                    call = ast.Call(ast.Name(_FIRE, ast.Load()), [ast.Constant(at)], [])
                    # An `if`, no expression: whatever the kernel displays, it is not this.
                    look = ast.copy_location(ast.If(call, [ast.Pass()], []), statement)
                    body.append(ast.fix_missing_locations(look))
        node.body = body
        return node

    def fire(self, number: int) -> None:
        """Record the variables of a point."""
        if number in self.waiting:
            self.waiting.remove(number)
            self.guarded(self.look, self.points[number])

    def look(self, point: dict[str, Any]) -> None:
        space = self.shell.user_ns
        for name, role in point["names"]:
            found = _variable(space, name)
            self.recorder.digest_of_value(point["step"], name, role, found, point["cell"])
        self.recorder.states(point["step"], point["cell"])

    def shown(self, obj: Any) -> None:
        if _is_figure(obj):
            if obj.axes or obj.lines:
                self.recorder.figure(self.cell, self.recorder.count("figure", self.cell), obj)
        elif self.result:
            self.recorder.displayed(self.cell, 0, obj)
        elif not _from_backend():
            self.recorder.displayed(self.cell, self.recorder.count("display", self.cell), obj)


def _from_backend() -> bool:
    """Tell whether a matplotlib backend displays: the page of an interactive figure is no value."""
    frame: Any = sys._getframe()  # noqa: SLF001 - nothing else tells who called
    while frame is not None:
        if frame.f_globals.get("__name__", "").startswith("matplotlib.backends."):
            return True
        frame = frame.f_back
    return False


def _lines(source: Any) -> str:
    return "\n".join(str(source).splitlines()).strip()


def _is_figure(value: Any) -> bool:
    return any(base.__name__ == "Figure" and _root(base) == "matplotlib" for base in type(value).__mro__)


# The package's side

_KEEP = "__nb2prod_keep__"
_FUTURE = functools.reduce(operator.or_, (getattr(future, name).compiler_flag for name in future.all_feature_names))


def observed_names(manifest: dict[str, Any], step: str) -> list[tuple[str, Literal["result", "argument"]]]:
    """Return the names to look at when a step has ended, with their role: its results, then its other arguments.

    Results that are no variable of the notebook (values it displayed, which the package keeps) are left out.
    """
    row = next(row for row in manifest["steps"] if row["name"] == step)
    rows = [row for row in manifest["statements"] if row.get("kind") == "step" and row["name"] == step]
    kept = {row["shown"] for row in rows if row.get("kept")}
    names: list[tuple[str, Literal["result", "argument"]]] = []
    names += [(name, "result") for name in row["results"] if name not in kept]
    return names + [(name, "argument") for name in row["arguments"] if name not in row["results"]]


def install_in_package(package: str, manifest: dict[str, Any], recorder_path: str, seed: int | None) -> Recorder:
    """Observe what the package of that name computes from now on; its folder must be importable.

    Imports the package's ``steps`` module, as its own run does; raises what that raises.
    """
    recorder = Recorder(recorder_path)
    if seed is not None:
        recorder.generators.seed(seed)
    watch = _Package(recorder, package, manifest)
    watch.install_displays()
    if manifest["steps"]:
        try:
            steps = importlib.import_module(f"{package}.steps")
        except BaseException as error:
            recorder.failure(None, None, error)
            raise
        watch.install_steps(steps)
    return recorder


class _Package:
    """The hooks in a package, and what they have to remember."""

    def __init__(self, recorder: Recorder, package: str, manifest: dict[str, Any]) -> None:
        self.recorder, self.package, self.manifest = recorder, package, manifest
        self.file = ""
        self.bodies: dict[str, list[tuple[int, int, int]]] = {}
        self.ending: dict[str, dict[str, Any]] = {}
        self.cell: int | None = None

    def guarded(self, function: Callable[..., object], *args: Any) -> None:
        """Call a function of ours; if it fails the run must not."""
        try:
            function(*args)
        except Exception as error:
            with contextlib.suppress(Exception):
                self.recorder.note(f"the observer failed: {error!r}")

    def install_displays(self) -> None:
        """Record what the package shows; its modules ``display`` and ``figures`` exist where it needs them."""
        display = self._module("display")
        if display is not None:
            show, show_all = display.show, display.display

            @functools.wraps(show)
            def show_and_record(name: str, value: Any) -> Any:
                self.guarded(self.shown, value)
                return show(name, value)

            @functools.wraps(show_all)
            def display_and_record(*objects: Any, **options: Any) -> Any:
                if not options.get("raw"):
                    for value in objects:
                        self.guarded(self.displayed, value)
                return show_all(*objects, **options)

            display.show, display.display = show_and_record, display_and_record
        figures = self._module("figures")
        if figures is not None:
            save, end_of_cell = figures.save, figures.end_of_cell

            @functools.wraps(save)
            def save_and_record(figure: Any) -> Any:
                self.guarded(self.saved, figure)
                return save(figure)

            @functools.wraps(end_of_cell)
            def end_of_cell_known(cell: int) -> Any:
                self.cell = cell
                try:
                    return end_of_cell(cell)
                finally:
                    self.cell = None

            figures.save, figures.end_of_cell = save_and_record, end_of_cell_known

    def _module(self, name: str) -> Any:
        full = f"{self.package}.{name}"
        return importlib.import_module(full) if importlib.util.find_spec(full) else None

    def install_steps(self, steps: Any) -> None:
        """Record the results and arguments of every step the manifest names."""
        self.file = str(steps.__file__)
        with open(self.file, encoding="utf-8") as file:  # noqa: PTH123
            tree = ast.parse(file.read())
        functions = {node.name: node for node in tree.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))}
        for row in self.manifest["steps"]:
            name = row["name"]
            function = getattr(steps, name, None)
            if function is None or name not in functions:
                self.recorder.note(f"the package has no step {name}")
                continue
            self.bodies[name] = _cells_of(functions[name], self.manifest, row)
            rebound = _bound_in(functions[name]).intersection(row["arguments"]).difference(row["results"])
            if rebound:
                function = self.kept_at_end(function, functions[name], rebound)
            setattr(steps, name, self.observed(function, row))

    def kept_at_end(self, function: Any, node: Any, names: Any) -> Any:
        """Return a step that keeps what these names of its own stand for when it ends, until that is recorded.

        An argument that is given another value is another object at the end than the one the caller has. The
        step is compiled again, with a call of ours after all of its statements, which keep their lines.
        """
        name = node.name

        def keep() -> None:
            own = sys._getframe(1).f_locals  # noqa: SLF001 - names of the step that is ending
            self.ending[name] = {each: own.get(each, _UNBOUND) for each in names}

        setattr(builtins, _KEEP + name, keep)
        again = copy.deepcopy(node)
        docstring = int(ast.get_docstring(node, clean=False) is not None)
        call = ast.Expr(ast.Call(ast.Name(_KEEP + name, ast.Load()), [], []))
        again.body[docstring:] = [ast.Try(again.body[docstring:], [], [], [call])]
        for each in (again.body[-1], *ast.walk(call)):
            ast.copy_location(each, node.body[-1])
        flags = function.__code__.co_flags & _FUTURE
        code = compile(ast.Module([again], []), self.file, "exec", flags=flags, dont_inherit=True)
        space: dict[str, Any] = {}
        exec(code, function.__globals__, space)  # noqa: S102 - the step itself
        return space[name]

    def observed(self, function: Any, row: dict[str, Any]) -> Any:
        """Return a step that records what it returns and what it was given."""
        signature = inspect.signature(function)
        names = observed_names(self.manifest, row["name"])

        def returned(args: Any, options: Any, value: Any) -> None:
            results = row["results"]
            values = dict(zip(results, value)) if len(results) > 1 else dict.fromkeys(results, value)
            given = dict(signature.bind(*args, **options).arguments)
            given.update(self.ending.pop(row["name"], {}))
            cell = row["cells"][-1] if row["cells"] else None
            for name, role in names:
                found = _variable(values if role == "result" else given, name)
                self.recorder.digest_of_value(row["name"], name, role, found, cell)
            self.recorder.states(row["name"], cell)
            self.recorder.environment()

        def failed(error: BaseException) -> None:
            self.recorder.failure(self.cell_of(error, row["name"]), row["name"], error)

        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def waiting(*args: Any, **options: Any) -> Any:
                try:
                    value = await function(*args, **options)
                except BaseException as error:
                    self.guarded(failed, error)
                    raise
                self.guarded(returned, args, options, value)
                return value

            return waiting

        @functools.wraps(function)
        def step(*args: Any, **options: Any) -> Any:
            try:
                value = function(*args, **options)
            except BaseException as error:
                self.guarded(failed, error)
                raise
            self.guarded(returned, args, options, value)
            return value

        return step

    def cell_of(self, error: BaseException, step: str) -> int | None:
        """Return the cell whose statement raised."""
        for frame, line in traceback.walk_tb(error.__traceback__):
            if frame.f_code.co_filename == self.file and frame.f_code.co_name == step:
                return self.at(step, line)
        return None

    def at(self, step: str, line: int) -> int | None:
        """Return the cell that a line of a step comes from."""
        return next((cell for first, last, cell in self.bodies.get(step, ()) if first <= line <= last), None)

    def here(self) -> tuple[int | None, int | None]:
        """Return the cell and the line of the step that is running."""
        frame = sys._getframe()  # noqa: SLF001 - nothing else tells who called
        while frame is not None:
            code = frame.f_code
            if code.co_filename == self.file and code.co_name in self.bodies:
                cell = self.at(code.co_name, frame.f_lineno)
                return (self.cell if cell is None else cell), frame.f_lineno
            frame = frame.f_back  # type: ignore[assignment]
        return self.cell, None

    def shown(self, value: Any) -> None:
        if value is not None:
            cell, line = self.here()
            self.recorder.displayed(cell, 0, value, line)

    def displayed(self, value: Any) -> None:
        cell, line = self.here()
        self.recorder.displayed(cell, self.recorder.count("display", cell), value, line)

    def saved(self, figure: Any) -> None:
        if figure.axes or figure.lines:
            cell, line = self.here()
            cell = self.cell or cell
            self.recorder.figure(cell, self.recorder.count("figure", cell), figure, line)


def _bound_in(function: Any) -> Any:
    """Return the names a step binds or deletes: an argument of that name may be another object at its end."""
    found = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found.add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and node is not function:
            found.add(node.name)
        elif isinstance(node, ast.alias):
            found.add((node.asname or node.name).partition(".")[0])
        elif isinstance(node, ast.ExceptHandler) and node.name:
            found.add(node.name)
    return frozenset(found)


def _cells_of(function: Any, manifest: dict[str, Any], row: dict[str, Any]) -> list[tuple[int, int, int]]:
    """Return which lines of a step come from which cell.

    Statement by statement where the step has those of the manifest. Where it was edited, as far as it
    says so itself: ``show("label", …)`` has the label of the manifest, ``end_of_cell`` the number of its cell.
    """
    rows = [each for each in manifest["statements"] if each.get("kind") == "step" and each["name"] == row["name"]]
    body = list(_statements(function))
    moved = [node for node in body if _anchor(node)[0] != "end"]
    # A displayed value that is kept is two statements: ``label = …`` and ``show("label", label)``.
    expected = [each["cell"] for each in rows for _ in range(2 if each.get("kept") else 1)]
    found: list[tuple[int, int, int]] = []
    if len(moved) == len(expected):
        cells = dict(zip(map(id, moved), expected))
    else:
        cells = {}
        labels: dict[str, list[int]] = {}
        for each in rows:
            labels.setdefault(each.get("shown", ""), []).append(each["cell"])
        for node in body:
            kind, label = _anchor(node)
            if kind == "shown" and labels.get(str(label)):
                cells[id(node)] = labels[str(label)].pop(0)
    cell = row["cells"][-1] if len(row["cells"]) == 1 else None
    for node in reversed(body):
        kind, label = _anchor(node)
        cell = int(label) if kind == "end" else cells.get(id(node), cell)
        if cell is not None:
            found.append(
                (min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))]), node.end_lineno, cell)
            )
    return found


def _statements(function: Any) -> Iterator[Any]:
    """Yield the statements of a step that come from the notebook, and the calls between them that are ours."""
    body = list(function.body)
    if body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        del body[0]
    if body and isinstance(body[-1], ast.Return):
        del body[-1]
    for node in body:
        handlers: list[Any] = getattr(node, "handlers", [])
        if isinstance(node, ast.Try) and len(handlers) == 1 and "report_exception" in ast.dump(handlers[0]):
            yield from node.body  # a cell tagged raises-exception
        else:
            yield node


def _anchor(node: Any) -> tuple[str, Any]:
    """Return whether a statement is a call of ours (``end``, ``shown`` or nothing) and its label."""
    call = node.value if isinstance(node, ast.Expr) else None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or not call.args:
        return "", None
    first = call.args[0]
    label = first.value if isinstance(first, ast.Constant) else None
    name = call.func.id.rstrip("_")
    if name == "end_of_cell" and isinstance(label, int):
        return "end", label
    if name == "show" and isinstance(label, str) and len(call.args) == 2:  # noqa: PLR2004
        return "shown", label
    return "", None
