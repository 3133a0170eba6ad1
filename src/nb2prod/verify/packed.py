"""Whether numbers are the same: one, many kept as they are, or many kept as sums and samples."""

from __future__ import annotations

import base64
import math
import struct
from typing import TYPE_CHECKING, Any

from nb2prod.verify.description import place_of
from nb2prod.verify.tolerance import NARROW

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nb2prod.verify.trace import Digest
    from nb2prod.verify.values import Walk

_CODES = {
    "float64": "d", "float32": "f", "float16": "e", "complex128": "d", "complex64": "f", "int64": "q", "int32": "i",
    "int16": "h", "int8": "b", "uint64": "Q", "uint32": "I", "uint16": "H", "uint8": "B", "bool": "?",
}  # fmt: skip
# How many times the expected spread the sum of a stretch may be off.
_SPREAD = 8


def scalar(walk: Walk, a: Digest, b: Digest, path: str, node: tuple[str, ...]) -> None:
    """Compare two NumPy scalars."""
    dtype = a["dtype"]
    if dtype != b["dtype"]:
        walk.differ(a, b, path, node, "another dtype")
        return
    same = a["value"] == b["value"]
    if not same and dtype.startswith(("float", "complex")):
        pairs = zip(a["value"].split(), b["value"].split(), strict=True)
        same = all(walk.tolerance.close(float(left), float(right), dtype=dtype) for left, right in pairs)
    walk.leaf(same, a, b, path, node)


def packed(walk: Walk, a: Digest, b: Digest, path: str, node: tuple[str, ...], shape: Sequence[int]) -> None:
    """Compare numbers that are kept together; the first that differs is shown."""
    for key in ("dtype", "count"):
        if a[key] != b[key]:
            walk.said(str(a[key]), str(b[key]), path, node, f"another {key}")
            return
    if a.get("sha256") == b.get("sha256") and a.get("data") == b.get("data"):
        walk.compared += 1
    elif "data" in a and "data" in b:
        _numbers(walk, a, b, path, node, shape)
    elif ("data" in a) != ("data" in b):
        walk.skip("one side keeps the numbers, the other a summary", path, node)
    else:
        _summaries(walk, a, b, path, node, shape)


def _numbers(walk: Walk, a: Digest, b: Digest, path: str, node: tuple[str, ...], shape: Sequence[int]) -> None:
    """Compare numbers that are kept as they are; the first that differs is shown."""
    dtype = a["dtype"]
    left, right = _unpacked(a), _unpacked(b)
    if left is None or right is None:
        walk.said("bytes", "other bytes", path, node, "another value")
        return
    parts = 2 if dtype.startswith("complex") else 1
    floats = dtype.startswith(("float", "complex"))
    wrong = [
        place
        for place, (one, other) in enumerate(zip(left, right, strict=True))
        if one != other and not (floats and walk.tolerance.close(one, other, dtype=dtype))
    ]
    if not wrong:
        walk.compared += 1
        return
    first = wrong[0] // parts * parts
    one, other = (_number(values[first : first + parts]) for values in (left, right))
    places = len({place // parts for place in wrong})
    reason = f"{places} of {a['count']} numbers differ" if a["count"] > 1 else "another value"
    walk.said(one, other, path + place_of(first // parts, shape), node, reason)


def _summaries(walk: Walk, a: Digest, b: Digest, path: str, node: tuple[str, ...], shape: Sequence[int]) -> None:
    """Compare many floats by their sums over stretches; anything else was hashed and differs."""
    dtype = a["dtype"]
    if "sample" not in a or "sample" not in b:
        walk.said("bytes", "other bytes", path, node, "another value")
        return
    places, left = a["sample"]
    for place, one, other in zip(places, left, b["sample"][1], strict=True):
        if one != other and not _close_texts(walk, one, other, dtype):
            walk.said(one, other, path + place_of(place, shape), node, f"among {a['count']} numbers")
            return
    if a.get("special") != b.get("special"):
        walk.said(f"{a.get('nan')} NaN", f"{b.get('nan')} NaN", path, node, "NaN or infinities elsewhere")
        return
    if "blocks" not in a:
        walk.said(f"mean {a['mean']}", f"mean {b['mean']}", path, node, f"other values among {a['count']}")
        return
    relative = max(walk.tolerance.relative, NARROW.get(dtype, 0.0))
    one, other = a["blocks"], b["blocks"]
    rows = zip(one["sums"], other["sums"], one["sizes"], other["sizes"], strict=True)
    for number, (sum_a, sum_b, size_a, size_b) in enumerate(rows):
        # Errors of many elements cancel out in their sum, all but the square root of their number;
        # forgiving each its own would hide one element that is far off.
        size = max(float(size_a), float(size_b)) / one["size"]
        allowed = max(_SPREAD * relative * size * math.sqrt(one["size"]), walk.tolerance.absolute * one["size"])
        if not abs(float(sum_a) - float(sum_b)) <= allowed:
            start = number * one["size"]
            where = f"{path}{place_of(start, shape)} to {place_of(min(start + one['size'], a['count']) - 1, shape)}"
            walk.said(f"sum {sum_a}", f"sum {sum_b}", where, node, f"other values among {a['count']}")
            return
    walk.compared += 1


def _close_texts(walk: Walk, left: str, right: str, dtype: str) -> bool:
    if dtype.startswith("float"):
        return walk.tolerance.close(float(left), float(right), dtype=dtype)
    if dtype.startswith("complex"):
        one, other = complex(left), complex(right)
        return all(
            walk.tolerance.close(*pair, dtype=dtype) for pair in ((one.real, other.real), (one.imag, other.imag))
        )
    return False


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
