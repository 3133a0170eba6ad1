"""Whether two digests stand for the same value, and where they differ, as a person wants it said."""

from __future__ import annotations

import base64
import json
import math
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nb2prod.verify.trace import Digest

# What is left of the precision of a narrow float after a little arithmetic in another order.
_NARROW = {"float32": 1e-5, "complex64": 1e-5, "float16": 1e-2}
_CODES = {
    "float64": "d", "float32": "f", "float16": "e", "complex128": "d", "complex64": "f", "int64": "q", "int32": "i",
    "int16": "h", "int8": "b", "uint64": "Q", "uint32": "I", "uint16": "H", "uint8": "B", "bool": "?",
}  # fmt: skip
# How many times the expected spread the sum of a stretch may be off.
_SPREAD = 8
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far two floats may be apart: ``relative`` times the larger one, or ``absolute``.

    The defaults forgive sums taken in another order (parallel linear algebra gives about 1e-13) and
    nothing a person would call another number. Narrow floats (float32) are forgiven what they cannot hold.
    """

    relative: float = 1e-9
    absolute: float = 1e-12

    def __post_init__(self) -> None:
        """Raise ValueError where a tolerance is negative or no number: everything or nothing would be equal."""
        for value in (self.relative, self.absolute):
            if not (value >= 0 and math.isfinite(value)):
                raise ValueError(f"a tolerance is a number from 0 on, not {value}")

    def close(self, left: float, right: float, *, dtype: str = "float64") -> bool:
        """Return whether two floats count as the same; NaN is the same as NaN, an infinity only as itself."""
        if math.isnan(left) or math.isnan(right):
            return math.isnan(left) and math.isnan(right)
        if left == right:
            return True
        if math.isinf(left) or math.isinf(right):
            return False
        relative = max(self.relative, _NARROW.get(dtype, 0.0))
        return abs(left - right) <= max(relative * max(abs(left), abs(right)), self.absolute)


@dataclass(frozen=True, slots=True)
class Difference:
    """Two values that are not the same.

    path    where in the value: ``['age'].mean[3]``; empty for the value itself
    left    what is there on one side (the notebook's), ready to be shown
    right   what is there on the other
    reason  what kind of difference it is
    node    the part of the value as a key, for leaving it out of another comparison
    """

    path: str
    left: str
    right: str
    reason: str
    node: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return the difference on one line."""
        where = f"{self.path}: " if self.path else ""
        return f"{where}{self.left} ≠ {self.right} ({self.reason})"


@dataclass(frozen=True, slots=True)
class Incomparable:
    """A value, or the part of it at ``path``, that cannot be compared, and why."""

    reason: str
    path: str = ""
    node: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """How the comparison of two values came out.

    differences   every part that is not the same
    incomparable  every part that cannot be compared
    compared      how many parts were compared
    left_out      how many parts were left out because they are nondeterministic
    """

    differences: tuple[Difference, ...]
    incomparable: tuple[Incomparable, ...]
    compared: int
    left_out: int


DEFAULT = Tolerance()


def compare_values(a: Digest, b: Digest, tolerance: Tolerance = DEFAULT) -> Difference | Incomparable | None:
    """Return None where both stand for the same value, else the first difference.

    Text, integers, indexes, columns, dtypes and shapes must be the same; floats may differ by the
    tolerance. A value nothing of which could be compared is Incomparable.
    """
    match = match_values(a, b, tolerance)
    if match.differences:
        return match.differences[0]
    if not match.compared and match.incomparable:
        return match.incomparable[0]
    return None


def match_values(
    a: Digest, b: Digest, tolerance: Tolerance = DEFAULT, without: frozenset[tuple[str, ...]] = frozenset()
) -> Match:
    """Compare two values part by part; the parts in ``without`` (``Difference.node``) are left out."""
    walk = _Walk(tolerance, without)
    walk.compare(a, b, "", ())
    return Match(tuple(walk.differences), tuple(walk.incomparable), walk.compared, walk.left_out)


class _Walk:
    """One comparison of two values."""

    def __init__(self, tolerance: Tolerance, without: frozenset[tuple[str, ...]]) -> None:
        self.tolerance, self.without = tolerance, without
        self.differences: list[Difference] = []
        self.incomparable: list[Incomparable] = []
        self.compared = 0
        self.left_out = 0

    def compare(self, a: Digest, b: Digest, path: str, node: tuple[str, ...]) -> None:
        if node in self.without:
            self.left_out += 1
            return
        for each in (a, b):
            if each["kind"] in {"incomparable", "unbound"}:
                reason = each.get("reason", "the name has no value there")
                self.incomparable.append(Incomparable(reason, path, node))
                return
        if a["kind"] != b["kind"] or a.get("type") != b.get("type"):
            self.differ(a, b, path, node, "another type")
            return
        kind = a["kind"]
        compare = _COMPARE.get(kind)
        if compare is None:
            self.leaf(a == b, a, b, path, node)
        else:
            compare(self, a, b, path, node)

    def differ(self, a: Digest, b: Digest, path: str, node: tuple[str, ...], reason: str) -> None:
        self.compared += 1
        left, right = describe(a), describe(b)
        if left == right:
            left, right = f"{a.get('type', a['kind'])} {left}", f"{b.get('type', b['kind'])} {right}"
        self.differences.append(Difference(path, left, right, reason, node))

    def said(self, left: str, right: str, path: str, node: tuple[str, ...], reason: str) -> None:
        self.compared += 1
        self.differences.append(Difference(path, left, right, reason, node))

    def leaf(self, same: bool, a: Digest, b: Digest, path: str, node: tuple[str, ...]) -> None:  # noqa: FBT001
        if same:
            self.compared += 1
        else:
            self.differ(a, b, path, node, "another value")

    # Numbers

    def float_(self, a: Digest, b: Digest, path: str, node: tuple[str, ...]) -> None:
        self.leaf(self.tolerance.close(float(a["value"]), float(b["value"])), a, b, path, node)

    def complex_(self, a: Digest, b: Digest, path: str, node: tuple[str, ...]) -> None:
        same = all(self.tolerance.close(float(a[part]), float(b[part])) for part in ("real", "imag"))
        self.leaf(same, a, b, path, node)

    def scalar(self, a: Digest, b: Digest, path: str, node: tuple[str, ...]) -> None:
        dtype = a["dtype"]
        if dtype != b["dtype"]:
            self.differ(a, b, path, node, "another dtype")
            return
        same = a["value"] == b["value"]
        if not same and dtype.startswith(("float", "complex")):
            pairs = zip(a["value"].split(), b["value"].split(), strict=True)
            same = all(self.tolerance.close(float(left), float(right), dtype=dtype) for left, right in pairs)
        self.leaf(same, a, b, path, node)

    def array(self, a: Digest, b: Digest, path: str, node: tuple[str, ...]) -> None:
        for key, reason in (("dtype", "another dtype"), ("shape", "another shape")):
            if a[key] != b[key]:
                self.said(_plain(a[key]), _plain(b[key]), path, node, reason)
                return
        if "fields" in a:
            self.fields(a, b, path, node)
        elif "elements" in a:
            self.elements(a["elements"], b["elements"], path, node, a["shape"])
        else:
            self.packed(a["packed"], b["packed"], path, node, a["shape"])

    def packed(self, a: Digest, b: Digest, path: str, node: tuple[str, ...], shape: Sequence[int]) -> None:
        """Compare numbers that are kept together; the first that differs is shown."""
        for key in ("dtype", "count"):
            if a[key] != b[key]:
                self.said(str(a[key]), str(b[key]), path, node, f"another {key}")
                return
        if a.get("sha256") == b.get("sha256") and a.get("data") == b.get("data"):
            self.compared += 1
        elif "data" in a and "data" in b:
            self.numbers(a, b, path, node, shape)
        elif ("data" in a) != ("data" in b):
            self.incomparable.append(Incomparable("one side keeps the numbers, the other a summary", path, node))
        else:
            self.summaries(a, b, path, node, shape)

    def numbers(self, a: Digest, b: Digest, path: str, node: tuple[str, ...], shape: Sequence[int]) -> None:
        dtype = a["dtype"]
        left, right = _unpacked(a), _unpacked(b)
        if left is None or right is None:
            self.said("bytes", "other bytes", path, node, "another value")
            return
        parts = 2 if dtype.startswith("complex") else 1
        floats = dtype.startswith(("float", "complex"))
        wrong = [
            place
            for place, (one, other) in enumerate(zip(left, right, strict=True))
            if one != other and not (floats and self.tolerance.close(one, other, dtype=dtype))
        ]
        if not wrong:
            self.compared += 1
            return
        first = wrong[0] // parts * parts
        one, other = (_number(values[first : first + parts]) for values in (left, right))
        places = len({place // parts for place in wrong})
        reason = f"{places} of {a['count']} numbers differ" if a["count"] > 1 else "another value"
        self.said(one, other, path + _place(first // parts, shape), node, reason)

    def summaries(self, a: Digest, b: Digest, path: str, node: tuple[str, ...], shape: Sequence[int]) -> None:
        """Compare many floats by their sums over stretches; anything else was hashed and differs."""
        dtype = a["dtype"]
        if "sample" not in a or "sample" not in b:
            self.said("bytes", "other bytes", path, node, "another value")
            return
        places, left = a["sample"]
        for place, one, other in zip(places, left, b["sample"][1], strict=True):
            if one != other and not self.close_texts(one, other, dtype):
                self.said(one, other, path + _place(place, shape), node, f"among {a['count']} numbers")
                return
        if a.get("special") != b.get("special"):
            self.said(f"{a.get('nan')} NaN", f"{b.get('nan')} NaN", path, node, "NaN or infinities elsewhere")
            return
        if "blocks" not in a:
            self.said(f"mean {a['mean']}", f"mean {b['mean']}", path, node, f"other values among {a['count']}")
            return
        relative = max(self.tolerance.relative, _NARROW.get(dtype, 0.0))
        one, other = a["blocks"], b["blocks"]
        rows = zip(one["sums"], other["sums"], one["sizes"], other["sizes"], strict=True)
        for number, (sum_a, sum_b, size_a, size_b) in enumerate(rows):
            # Errors of many elements cancel out in their sum, all but the square root of their number;
            # forgiving each its own would hide one element that is far off.
            size = max(float(size_a), float(size_b)) / one["size"]
            allowed = max(_SPREAD * relative * size * math.sqrt(one["size"]), self.tolerance.absolute * one["size"])
            if not abs(float(sum_a) - float(sum_b)) <= allowed:
                start = number * one["size"]
                where = f"{path}{_place(start, shape)} to {_place(min(start + one['size'], a['count']) - 1, shape)}"
                self.said(f"sum {sum_a}", f"sum {sum_b}", where, node, f"other values among {a['count']}")
                return
        self.compared += 1

    def close_texts(self, left: str, right: str, dtype: str) -> bool:
        if dtype.startswith("float"):
            return self.tolerance.close(float(left), float(right), dtype=dtype)
        if dtype.startswith("complex"):
            one, other = complex(left), complex(right)
            return all(
                self.tolerance.close(*pair, dtype=dtype) for pair in ((one.real, other.real), (one.imag, other.imag))
            )
        return False

    # Containers

    def elements(self, a: Digest, b: Digest, path: str, node: tuple[str, ...], shape: Sequence[int]) -> None:
        if "truncated" in a or "truncated" in b:
            reason = a.get("truncated") or b["truncated"]
            self.incomparable.append(Incomparable(reason, path, (*node, "truncated")))
            if a.get("truncated") != b.get("truncated"):  # the time was over, and the hashes are of other parts
                a, b = ({key: part for key, part in each.items() if key == "items"} for each in (a, b))
        if a.keys() != b.keys():
            self.differ({"kind": "elements"} | a, {"kind": "elements"} | b, path, node, "elements of other types")
            return
        if "packed" in a:
            self.packed(a["packed"], b["packed"], path, node, shape)
            return
        if "strings" in a:
            self.strings(a, b, path, node, shape)
            return
        for number, (one, other) in enumerate(zip(a["items"], b["items"], strict=True)):
            self.compare(one, other, path + _place(number, shape), (*node, str(number)))
        if a.get("sha256") != b.get("sha256"):
            kept = len(a["items"])
            self.said("…", "…", f"{path}[{kept}:]", (*node, "rest"), "another value among the later elements")

    def strings(self, a: Digest, b: Digest, path: str, node: tuple[str, ...], shape: Sequence[int]) -> None:
        wrong = [
            place for place, (one, other) in enumerate(zip(a["strings"], b["strings"], strict=True)) if one != other
        ]
        if wrong:
            first, count = wrong[0], a.get("count", len(a["strings"]))
            left, right = (_short(_string(each["strings"][first])) for each in (a, b))
            reason = f"{len(wrong)} of {count} texts differ" if "sha256" not in a else "another text"
            self.said(left, right, path + _place(first, shape), node, reason)
        elif a.get("sha256") != b.get("sha256"):
            self.said("…", "…", f"{path}[{len(a['strings'])}:]", node, "another text among the later elements")
        else:
            self.compared += 1

    def sequence(self, a: Digest, b: Digest, path: str, node: tuple[str, ...]) -> None:
        if a["length"] != b["length"]:
            self.differ(a, b, path, node, f"{a['length']} elements, not {b['length']}")
            return
        for key in ("names", "maxlen"):
            if a.get(key) != b.get(key):
                self.said(_plain(a.get(key)), _plain(b.get(key)), path, node, f"another {key}")
                return
        if not a["length"]:
            self.compared += 1
        self.elements(a["elements"], b["elements"], path, node, [a["length"]])

    def set_(self, a: Digest, b: Digest, path: str, node: tuple[str, ...]) -> None:
        same = a["length"] == b["length"]
        if same and "elements" in a and "elements" in b:
            self.elements(a["elements"], b["elements"], path, node, [a["length"]])
            return
        if same and a["items"] != b["items"]:
            # Floats within the tolerance may stand in another order of texts.
            walks = [
                match_values(one, other, self.tolerance) for one, other in zip(a["items"], b["items"], strict=True)
            ]
            same = not any(walk.differences for walk in walks)
        self.leaf(same, a, b, path, node)

    def mapping(self, a: Digest, b: Digest, path: str, node: tuple[str, ...]) -> None:
        left = {_key(pair[0]): pair for pair in a["items"]}
        right = {_key(pair[0]): pair for pair in b["items"]}
        for key, pair in left.items():
            if key in right:
                inner = f"{path}[{describe(pair[0])}]"
                self.compare(pair[1], right[key][1], inner, (*node, key))
            else:
                self.said(describe(pair[0]), "nothing", path, node, "a key is missing")
        for key in right.keys() - left.keys():
            self.said("nothing", describe(right[key][0]), path, node, "a key too many")
        if a["length"] != b["length"]:
            self.differ(a, b, path, node, f"{a['length']} keys, not {b['length']}")
        elif left.keys() == right.keys() and list(left) != list(right):
            self.differ(a, b, path, node, "the keys stand in another order")
        elif not left:
            self.compared += 1
        if "rest" in a and "rest" in b:
            self.compare(a["rest"], b["rest"], f"{path}[…]", (*node, "rest"))

    def fields(self, a: Digest, b: Digest, path: str, node: tuple[str, ...]) -> None:
        left, right = a["fields"], b["fields"]
        for name in left:
            if name in right:
                self.compare(left[name], right[name], f"{path}.{name}" if name else path, (*node, name))
            else:
                self.said(describe(left[name]), "nothing", f"{path}.{name}", node, "an attribute is missing")
        for name in right:
            if name not in left:
                self.said("nothing", describe(right[name]), f"{path}.{name}", node, "an attribute too many")
        if not left and not right:
            self.compared += 1

    def frame(self, a: Digest, b: Digest, path: str, node: tuple[str, ...]) -> None:
        if a["shape"] != b["shape"]:
            self.said(_table_shape(a), _table_shape(b), path, node, "another shape")
            if len(a["data"]) != len(b["data"]):
                return
        self.compare(a["columns"], b["columns"], f"{path}.columns", (*node, "columns"))
        if a["shape"] != b["shape"]:
            return
        self.compare(a["index"], b["index"], f"{path}.index", (*node, "index"))
        for number, (one, other) in enumerate(zip(a["data"], b["data"], strict=True)):
            name = a["names"][number] if number < len(a["names"]) else str(number)
            # A wide frame of one dtype is one array.
            where = f"{path}.values" if len(a["data"]) < a["shape"][1] else f"{path}[{name!r}]"
            self.compare(one, other, where, (*node, f"column {number}"))


_COMPARE: dict[str, Callable[[_Walk, Digest, Digest, str, tuple[str, ...]], None]] = {
    "float": _Walk.float_,
    "complex": _Walk.complex_,
    "scalar": _Walk.scalar,
    "array": _Walk.array,
    "sequence": _Walk.sequence,
    "set": _Walk.set_,
    "mapping": _Walk.mapping,
    "record": _Walk.fields,
    "frame": _Walk.frame,
}


def describe(digest: Digest) -> str:
    """Return a value shortly, as a person wants to see it in a difference."""
    match digest["kind"]:
        case "none":
            text = "None"
        case "bool" | "int" | "float":
            text = str(digest["value"])
        case "complex":
            text = f"({digest['real']} + {digest['imag']}j)"
        case "str":
            text = repr(digest.get("value", f"{digest.get('head', '')}…"))
        case "bytes":
            text = f"{digest.get('length', len(digest.get('value', '')) * 3 // 4)} bytes"
        case "exact":
            text = f"{digest['type']} {digest['value']}"
        case "scalar":
            text = f"{digest['dtype']} {digest['value']}"
        case "array":
            text = f"array of {digest['dtype']}, shape {_plain(digest['shape'])}"
        case "frame":
            text = f"{digest['type']} of {_table_shape(digest)}"
        case "sequence" | "set" | "mapping":
            text = f"{digest['type']} of {digest['length']}"
        case "elements":
            text = " or ".join(
                sorted({each["kind"] for each in digest.get("items", [])}) or sorted(digest.keys() - {"kind"})
            )
        case "incomparable":
            text = f"{digest['type']} that cannot be compared"
        case kind:
            text = str(digest.get("type", kind))
    return _short(text)


def _unpacked(packed: Digest) -> tuple[Any, ...] | None:
    """Return the numbers, complex ones as two; None for what is no number (dates are their integers)."""
    dtype = packed["dtype"]
    code = "q" if dtype.startswith(("datetime64", "timedelta64")) else _CODES.get(dtype)
    if code is None:
        return None
    raw = base64.b64decode(packed["data"])
    return struct.unpack(f"<{len(raw) // struct.calcsize('<' + code)}{code}", raw)


def _number(parts: Sequence[Any]) -> str:
    return repr(parts[0]) if len(parts) == 1 else repr(complex(*parts))


def _place(number: int, shape: Sequence[int]) -> str:
    """Return the index of the element with that number in C order."""
    if not shape:
        return ""
    places: list[int] = []
    for size in reversed(shape):
        number, place = divmod(number, size) if size else (0, 0)
        places.append(place)
    return f"[{', '.join(map(str, reversed(places)))}]"


def _table_shape(frame: Digest) -> str:
    rows, columns = frame["shape"]
    return f"{rows} rows, {columns} columns"


def _string(item: object) -> str:
    return "nan" if item is False else repr(item)


def _plain(value: object) -> str:
    return f"({', '.join(map(str, value))})" if isinstance(value, list) else str(value)


def _key(digest: Digest) -> str:
    return json.dumps(digest, sort_keys=True)


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
