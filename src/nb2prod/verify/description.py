"""Values as a person wants to see them in a difference."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nb2prod.verify.trace import Digest

_SHOWN = 60


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
            text = f"array of {digest['dtype']}, shape {plain(digest['shape'])}"
        case "frame":
            text = f"{digest['type']} of {table_shape(digest)}"
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
    return short(text)


def table_shape(frame: Digest) -> str:
    """Return how many rows and columns a frame has."""
    rows, columns = frame["shape"]
    return f"{rows} rows, {columns} columns"


def place_of(number: int, shape: Sequence[int]) -> str:
    """Return the index of the element with that number in C order."""
    if not shape:
        return ""
    places: list[int] = []
    for size in reversed(shape):
        number, place = divmod(number, size) if size else (0, 0)
        places.append(place)
    return f"[{', '.join(map(str, reversed(places)))}]"


def string(item: object) -> str:
    """Return a text as it is kept among others: None where there is none, False for NaN."""
    return "nan" if item is False else repr(item)


def plain(value: object) -> str:
    """Return a value without the brackets of a list."""
    return f"({', '.join(map(str, value))})" if isinstance(value, list) else str(value)


def short(text: str) -> str:
    """Return a text cut to what fits on a line."""
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
