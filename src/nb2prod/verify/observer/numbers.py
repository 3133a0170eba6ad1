"""Many numbers: kept as they are, or summed and sampled so that one that is changed or moved shows."""

from __future__ import annotations

import array as arrays
import base64
import hashlib
import math
import sys
from typing import TYPE_CHECKING, Any

from .writing import canonical, float_text, sha256

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .looking import Digester
    from .writing import Digest

SAMPLE = 100
_BLOCKS = 256
SHORT = 16


def packed_list(digester: Digester, dtype: str, code: str, items: list[Any]) -> Digest:
    """Return the numbers of a list; without NumPy, which may be loaded on one side only."""
    values, count = arrays.array(code, items), len(items)
    if sys.byteorder == "big":
        values.byteswap()
    raw = values.tobytes()
    if len(raw) <= min(digester.limits.packed, digester.bytes):
        return kept(digester, dtype, raw, count)
    places = _places(count)
    finite = [item if math.isfinite(item) else 0.0 for item in items] if code == "d" else items
    found = {
        "dtype": dtype,
        "count": count,
        "sha256": sha256(raw),
        "min": float_text(min(finite)),
        "max": float_text(max(finite)),
        "mean": float_text(math.fsum(finite) / count),
        "sample": [places, [repr(items[place]) for place in places]],
    }
    if code == "d":
        special = [(place, float_text(item)) for place, item in enumerate(items) if not math.isfinite(item)]
        found["nan"] = sum(item != item for item in items)  # noqa: PLR0124 - NaN alone differs from itself
        found["special"] = sha256(canonical(special).encode())
        found["blocks"] = _blocks(finite, count)
    return found


def packed(digester: Digester, flat: Any) -> Digest:
    """Return the numbers of a flat array as they are, or for many what tells whether they are the same."""
    dtype, count = str(flat.dtype.name), int(flat.size)
    if flat.nbytes <= min(digester.limits.packed, digester.bytes):
        return kept(digester, dtype, flat.tobytes(), count)
    data = flat.view("<i8") if flat.dtype.kind in "mM" else flat
    found: Digest = {"dtype": dtype, "count": count, "sha256": hashlib.sha256(data).hexdigest()}
    if data.dtype.kind != "V":
        found.update(_summary(data))
    return found


def kept(digester: Digester, dtype: str, raw: bytes, count: int) -> Digest:
    """Keep numbers as they are, and count their bytes."""
    digester.bytes -= len(raw)
    return {"dtype": dtype, "count": count, "data": base64.b64encode(raw).decode("ascii")}


def _places(count: int) -> list[int]:
    """Return the elements of many that are kept as they are."""
    size = min(SAMPLE, -(-count // SHORT))
    return [number * count // size for number in range(size)]


def _block_size(count: int) -> int:
    return max(-(-count // _BLOCKS), SHORT)


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
        found["special"] = sha256(special)
        found["nan"] = int(numpy.isnan(real).sum())
        found["blocks"] = _numpy_blocks(finite)
    places = _places(int(data.size))
    found.update(
        min=float_text(finite.min()),
        max=float_text(finite.max()),
        mean=float_text(finite.mean(dtype="f8")),
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
        sums.append(float_text(math.fsum(values[place] * _weight(place) for place in places)))
        sizes.append(float_text(math.fsum(abs(values[place]) for place in places)))
    return {"size": size, "sums": sums, "sizes": sizes}


def _numpy_blocks(values: Any) -> Digest:
    numpy = sys.modules["numpy"]
    size = _block_size(int(values.size))
    sums, sizes = [], []
    for start in range(0, int(values.size), size):
        block = values[start : start + size].astype("f8", copy=False)
        weights = 1.0 + (numpy.arange(start, start + block.size, dtype="u8") * 40503 % 65536) / 65536.0
        sums.append(float_text(block @ weights))
        sizes.append(float_text(numpy.abs(block).sum()))
    return {"size": size, "sums": sums, "sizes": sizes}
