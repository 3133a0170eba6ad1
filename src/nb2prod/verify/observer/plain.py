"""Values of the language and its standard library."""

from __future__ import annotations

import array as arrays
import base64
import collections
import datetime as dt
import decimal
import enum
import fractions
import functools
import pathlib
import random
import re
import types
import uuid
from typing import TYPE_CHECKING, Any

from .writing import canonical, exact, float_text, incomparable, name_of, sha256

if TYPE_CHECKING:
    from .looking import Digester, Look
    from .writing import Digest

# CPython refuses to write longer integers in decimals.
_LONG = 10_000


def integer(digester: Digester, value: int) -> Digest:
    """Look at an integer; one too long to be kept is hashed."""
    value = int.__index__(value)
    text = int.__repr__(value) if value.bit_length() < _LONG else hex(value)
    if len(text) > digester.limits.text:
        return {"kind": "int", "value": f"sha256 {sha256(text.encode())}"}
    return {"kind": "int", "value": text}


def complex_(_: Digester, value: complex) -> Digest:
    """Look at a complex number."""
    return {"kind": "complex", "real": float_text(value.real), "imag": float_text(value.imag)}


def string(digester: Digester, value: str) -> Digest:
    """Look at a text; of a long one the beginning is kept."""
    value = str.__str__(value)
    if len(value) <= digester.limits.text:
        return {"kind": "str", "value": value}
    encoded = value.encode("utf-8", "surrogatepass")
    return {"kind": "str", "length": len(value), "sha256": sha256(encoded), "head": value[:200]}


def bytes_(digester: Digester, value: Any) -> Digest:
    """Look at bytes; of many the beginning is kept."""
    data = bytes(value)
    if len(data) <= digester.limits.text:
        return {"kind": "bytes", "type": name_of(type(value)), "value": base64.b64encode(data).decode("ascii")}
    head = base64.b64encode(data[:100]).decode("ascii")
    return {
        "kind": "bytes",
        "type": name_of(type(value)),
        "length": len(data),
        "sha256": sha256(data),
        "head": head,
    }


def derived(digester: Digester, value: Any, base: type) -> Digest:
    """Look at a subclass of a number or text: its value and what it holds besides."""
    plain = SIMPLE[base](digester, base.__new__(base, value))
    fields = {"value": plain}
    fields.update(digester.attributes(value))
    return {"kind": "record", "type": name_of(type(value)), "fields": fields}


# The lines a command has printed, as a kernel has them, and as a package has them.
_COMMAND_LINES = {"SList", "ShellLines"}


def sequence(digester: Digester, value: Any) -> Digest:
    """Look at a list, tuple or deque, or what derives from one."""
    base = next(base for base in (list, tuple, collections.deque) if issubclass(type(value), base))
    items = list(base.__iter__(value))
    name = name_of(type(value))
    found = {
        "kind": "sequence",
        "type": "list" if name in _COMMAND_LINES else name,
        "length": len(items),
        "elements": digester.elements(items),
    }
    fields = type(value).__dict__.get("_fields")
    if isinstance(fields, tuple):
        found["names"] = [str(field) for field in fields]
    if base is collections.deque:
        found["maxlen"] = value.maxlen
    return found


def captured_output(digester: Digester, value: Any) -> Digest:
    """Look at what was printed under ``%%capture``, as a kernel has it or as a package has it."""
    # A command prints to a terminal there, which ends lines otherwise.
    texts = {name: getattr(value, name).replace("\r\n", "\n") for name in ("stdout", "stderr")}
    return {"kind": "record", "type": "captured output", "fields": {name: digester.look(texts[name]) for name in texts}}


def set_(digester: Digester, value: Any) -> Digest:
    """Look at a set; its parts get an order of their own."""
    base = frozenset if issubclass(type(value), frozenset) else set
    parts = list(base.__iter__(value))
    found = {"kind": "set", "type": name_of(type(value)), "length": len(parts)}
    if len(parts) <= digester.limits.items:
        found["items"] = sorted((digester.look(part) for part in parts), key=canonical)
        return found
    if len(set(map(type, parts))) > 1 or type(parts[0]) not in {int, str, float, tuple, bytes}:
        return incomparable(value, "it is a large set of values that have no order")
    found["items"], found["elements"] = [], digester.elements(sorted(parts))
    return found


def mapping(digester: Digester, value: Any) -> Digest:
    """Look at a mapping, in its own order."""
    if "__builtins__" in value:
        return incomparable(value, "it is a namespace of running code")
    pairs = list(dict.items(value) if issubclass(type(value), dict) else value.items())
    found = {
        "kind": "mapping",
        "type": name_of(type(value)),
        "length": len(pairs),
        "items": [[digester.look(key), digester.look(item)] for key, item in pairs[: digester.limits.items]],
    }
    if len(pairs) > digester.limits.items:
        rest = digester.elements([part for pair in pairs[digester.limits.items :] for part in pair])
        found["rest"] = {"kind": "sequence", "type": "list", "length": len(pairs) * 2, "elements": rest}
    return found


def view(digester: Digester, value: Any) -> Digest:
    """Look at the keys, values or items of a mapping."""
    items = list(value)
    return {
        "kind": "sequence",
        "type": name_of(type(value)),
        "length": len(items),
        "elements": digester.elements(items),
    }


def slice_(digester: Digester, value: Any) -> Digest:
    """Look at a slice."""
    return digester.record(value, {name: getattr(value, name) for name in ("start", "stop", "step")})


def datetime_(_: Digester, value: Any) -> Digest:
    """Look at a date, a time or both."""
    zone = getattr(value, "tzinfo", None)
    return exact(value, value.isoformat() + ("" if zone is None else f" {zone}"))


def enum_(_: Digester, value: Any) -> Digest:
    """Look at a member of an enumeration."""
    return exact(value, f"{name_of(type(value))}.{value.name}")


def function(_: Digester, value: Any) -> Digest:
    """Look at a function: its name."""
    name = getattr(value, "__qualname__", None) or getattr(value, "__name__", "")
    return exact(value, str(name).rpartition("<locals>.")[2])


def method(digester: Digester, value: Any) -> Digest:
    """Look at a method: its function and its object."""
    return digester.record(value, {"function": value.__func__, "object": value.__self__})


def class_(_: Digester, value: Any) -> Digest:
    """Look at a class: its name."""
    return {"kind": "exact", "type": "class", "value": name_of(value)}


def module(_: Digester, value: Any) -> Digest:
    """Look at a module: its name."""
    return exact(value, str(vars(value).get("__name__")))


def partial(digester: Digester, value: Any) -> Digest:
    """Look at a partial application."""
    return digester.record(value, {"function": value.func, "arguments": value.args, "keywords": value.keywords})


def pattern(digester: Digester, value: Any) -> Digest:
    """Look at a compiled regular expression."""
    return digester.record(value, {"pattern": value.pattern, "flags": int(value.flags)})


def random_(digester: Digester, value: Any) -> Digest:
    """Look at a generator of `random`: its state."""
    return digester.record(value, {"state": random.Random.getstate(value)})


def exception(digester: Digester, value: Any) -> Digest:
    """Look at an exception: its arguments, and what it holds."""
    return digester.record(value, {"arguments": value.args, **digester.held(value)})


def text_of(_: Digester, value: Any) -> Digest:
    """Look at a value that its text says completely (Timestamp, Timedelta, Period, offset, dtype)."""
    return exact(value, str(value))


SIMPLE: dict[type, Look] = {
    type(None): lambda _, __: {"kind": "none"},
    bool: lambda _, value: {"kind": "bool", "value": value},
    int: integer,
    float: lambda _, value: {"kind": "float", "value": float_text(value)},
    complex: complex_,
    str: string,
    bytes: bytes_,
    bytearray: bytes_,
}
SIMPLE[type(Ellipsis)] = lambda _, value: exact(value, "...")
SIMPLE[type(NotImplemented)] = lambda _, value: exact(value, "NotImplemented")
OF_THE_LIBRARY: tuple[tuple[Any, Look], ...] = (
    (enum.Enum, enum_),
    (type, class_),
    ((list, tuple, collections.deque), sequence),
    ((set, frozenset), set_),
    ((dict, types.MappingProxyType, collections.ChainMap, collections.UserDict), mapping),
    ((type({}.keys()), type({}.values()), type({}.items())), view),
    ((range, uuid.UUID, decimal.Decimal, fractions.Fraction), text_of),
    (pathlib.PurePath, lambda _, value: {"kind": "exact", "type": "Path", "value": value.as_posix()}),
    (slice, slice_),
    ((dt.date, dt.time), datetime_),
    ((dt.timedelta, dt.tzinfo), lambda _, value: exact(value, repr(value))),
    ((types.FunctionType, types.BuiltinFunctionType), function),
    (types.MethodType, method),
    (types.ModuleType, module),
    (functools.partial, partial),
    (re.Pattern, pattern),
    (random.Random, random_),
    ((bytes, bytearray), bytes_),
    (memoryview, bytes_),
    (arrays.array, lambda look, value: look.record(value, {"code": value.typecode, "values": value.tolist()})),
    (int, lambda look, value: derived(look, value, int)),
    (float, lambda look, value: derived(look, value, float)),
    (complex, lambda look, value: derived(look, value, complex)),
    (str, lambda look, value: derived(look, value, str)),
    (BaseException, exception),
)
