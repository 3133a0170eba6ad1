# ruff: noqa: BLE001 - looking at somebody else's values may raise anything
"""One look at one value: how far it goes, and what all kinds of values are written with."""

from __future__ import annotations

import contextlib
import hashlib
import math
import re
import time
import types
from typing import TYPE_CHECKING, Any

from .numbers import SAMPLE, SHORT, packed_list
from .writing import canonical, incomparable, is_installed, name_of, sha256

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from .writing import Digest

    # How a value of some kind is looked at.
    Look = Callable[["Digester", Any], Digest]

# What a library keeps for its own use: memory that was never written to, results not asked for again.
_SCRATCH = re.compile(r"_(?:.*_)?(?:tmp|temp|caches?|cached|buffers?|scratch|workspace|memo|mhash)(?:_.*)?")
_INT64 = range(-(2**63), 2**63)


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


class Digester:
    """One look at one value.

    limits  how far it goes
    simple  how to look at values that hold no others, by their class
    look_for  returns how to look at values of any other class
    """

    def __init__(self, limits: Limits, simple: Mapping[type, Look], look_for: Callable[[type], Look]) -> None:
        self.limits, self.simple, self.look_for = limits, simple, look_for
        self.deadline = time.monotonic() + limits.seconds
        self.nodes = limits.nodes
        self.bytes = limits.total
        self.above: list[int] = []

    def look(self, value: Any) -> Digest:
        """Return the digest of a value inside the value."""
        self.nodes -= 1
        if self.nodes < 0:
            return incomparable(value, "it is in a value that holds too many values")
        if time.monotonic() > self.deadline:
            return incomparable(value, "the time for looking at the value was over")
        kind = type(value)
        simple = self.simple.get(kind)
        if simple is not None:
            return simple(self, value)
        if id(value) in self.above:
            return {"kind": "cycle", "up": len(self.above) - self.above.index(id(value))}
        if len(self.above) >= self.limits.depth:
            return incomparable(value, "it is nested too deep")
        self.above.append(id(value))
        try:
            return self.look_for(kind)(self, value)
        except Exception as error:
            return incomparable(value, f"looking at it raised {type(error).__name__}")
        finally:
            self.above.pop()

    def record(self, value: Any, fields: dict[str, Any]) -> Digest:
        """Return the digest of an object that consists of these parts."""
        return {
            "kind": "record",
            "type": name_of(type(value)),
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
        # A decorated function says where it was defined: in the kernel, or in a step of the package.
        found.pop("__module__", None)
        if isinstance(found.get("__qualname__"), str):
            found["__qualname__"] = found["__qualname__"].rpartition("<locals>.")[2]
        if is_installed(type(value)):
            return {name: part for name, part in found.items() if not _SCRATCH.fullmatch(name)}
        return found

    def attributes(self, value: Any) -> dict[str, Digest]:
        """Return the digests of what an object holds."""
        return {name: self.look(part) for name, part in self.held(value).items()}

    def elements(self, items: list[Any]) -> Digest:
        """Return the digests of the items of a list, shortly where they are all floats, integers or texts."""
        kinds = set(map(type, items))
        if len(items) > SHORT:
            if kinds == {float}:
                return {"packed": packed_list(self, "float64", "d", items)}
            if kinds == {int} and all(item in _INT64 for item in items):
                return {"packed": packed_list(self, "int64", "q", items)}
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
                rest.update(canonical(self.look(item)).encode())
            self.nodes = nodes
            found["sha256"] = rest.hexdigest()
            if time.monotonic() > self.deadline or end < len(items):
                found["truncated"] = f"only the first {end} of {len(items)} elements were looked at"
        return found

    def strings(self, items: Sequence[Any]) -> Digest | None:
        """Return texts that may be missing (None, or NaN as False); None where a float is no NaN."""
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
        return {"strings": short[:SAMPLE], "count": len(short), "sha256": sha256(canonical(short).encode())}
