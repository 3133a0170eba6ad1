"""Values as JSON: what a step was given and made when the notebook was observed, stored and compared.

A value that JSON cannot hold exactly is described instead: its type, shape, columns, dtypes and statistics.
"""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

EXPECTED = Path(__file__).with_name("expected")
# Of larger values only what they are like is kept.
MOST_VALUES = 50_000
_TOLERANCE = 1e-6
_PLAIN = (str, int, float, bool, type(None))
# Dtypes whose values JSON holds exactly.
_NUMERIC = ("int", "uint", "float", "bool")
_KEPT_AS_TEXT = ("object", "str", "string")
_POLARS = re.compile(r"U?Int\d+|Float\d+|Boolean|String")


class NotStorableError(TypeError):
    """A value that can only be described."""


def encode(value: Any) -> Any:
    """Return ``value`` as JSON that ``decode`` makes the value of again, or as a description of it."""
    try:
        if _size(value) > MOST_VALUES:
            return describe(value)
        return _encode(value)
    except (NotStorableError, ValueError, RecursionError):
        return describe(value)


def _size(value: Any) -> int:
    if isinstance(value, (list, tuple, dict)):
        return len(value)
    shape = getattr(value, "shape", ())
    return math.prod(int(size) for size in shape) if isinstance(shape, tuple) else 1


def describe(value: Any) -> dict[str, Any]:
    """Return what a value is like: its type, and its shape, columns, dtypes and statistics where it has them."""
    about: dict[str, Any] = {"kind": "described", "type": type(value).__name__}
    if isinstance(getattr(value, "shape", None), tuple):
        about["shape"] = [int(size) for size in value.shape]
    elif isinstance(value, (list, tuple, dict, set)):
        about["length"] = len(value)
    if type(value).__name__ == "DataFrame" and _library(value) in ("pandas", "polars"):
        about["columns"] = [str(column) for column in value.columns]
        numbers = value.select_dtypes("number") if _library(value) == "pandas" else value.select(_polars_numbers(value))
        about["means"] = {
            str(column): _number(numbers[column].mean())
            for column in numbers.columns
            if len(numbers[column].shape) == 1
        }
    elif type(value).__name__ in ("Series", "ndarray") and str(value.dtype).startswith(_NUMERIC) and value.size:
        about["means"] = {"": _number(value.mean())}
    return about


def is_stored(node: Any) -> bool:
    """Return whether ``decode`` can make the value of a node again."""
    return not isinstance(node, dict) or node["kind"] != "described"


def decode(node: Any) -> Any:
    """Return the value a node was made of: a node is a plain value, a list of nodes, or says its kind."""
    if isinstance(node, list):
        return [decode(each) for each in node]
    if not isinstance(node, dict):
        return node
    values: Any = node.get("values")
    match node["kind"]:
        case "file":
            return decode(load(node["name"]))
        case "tuple":
            return tuple(decode(each) for each in values)
        case "dict":
            return {key: decode(each) for key, each in values.items()}
        case "range":
            return range(*values)
        case "array" | "scalar":
            import numpy as np

            array = np.array(values, dtype=node["dtype"]).reshape(node["shape"])
            return array if node["kind"] == "array" else array[()]
    if node["kind"] in ("polars frame", "polars series"):
        import polars as pl

        series = [pl.Series(each["name"], each["values"], getattr(pl, each["dtype"])) for each in values]
        return pl.DataFrame(series) if node["kind"] == "polars frame" else series[0]
    import pandas as pd

    if node["kind"] == "index":
        if "range" in node:
            return pd.RangeIndex(*node["range"], name=node["name"])
        return pd.Index(_column(node), name=node["name"])
    if node["kind"] == "series":
        return pd.Series(_column(node), index=decode(node["index"]), name=node["name"])
    index = decode(node["index"])
    columns = [pd.Series(_column(each), index=index) for each in values]
    frame = pd.concat(columns, axis=1) if columns else pd.DataFrame(index=index)
    frame.columns = decode(node["columns"])
    return frame


def difference(actual: Any, expected: Any, where: str = "") -> str | None:
    """Return where two nodes differ, and how; None where they say the same, numbers up to rounding."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        # Text has another dtype in each version of pandas.
        keys = [key for key in expected if key != "dtype"]
        if missing := [key for key in keys if key not in actual]:
            return f"{where}: no {', '.join(map(str, missing))}"
        if more := [key for key in actual if key not in expected and expected.get("kind") != "described"]:
            return f"{where}: {', '.join(map(str, more))} is new"
        return next(
            (found for key in keys if (found := difference(actual[key], expected[key], f"{where}.{key}"))), None
        )
    if isinstance(expected, list) and isinstance(actual, list):
        if len(expected) != len(actual):
            return f"{where}: {len(actual)} values in place of {len(expected)}"
        pairs = enumerate(zip(actual, expected, strict=True))
        return next((found for at, (a, e) in pairs if (found := difference(a, e, f"{where}[{at}]"))), None)
    return None if _same(actual, expected) else f"{where}: {actual!r} in place of {expected!r}"


def load(name: str) -> Any:
    """Return what a file in ``tests/expected`` holds."""
    return json.loads((EXPECTED / f"{name}.json").read_text(encoding="utf-8"))


def look(value: Any) -> dict[str, Any]:
    """Return a value as it can be stored, whether it is, and what it is like."""
    node = encode(value)
    return {"node": node, "stored": is_stored(node), "about": describe(value)}


def assert_results(made: Any, expected: dict[str, Any]) -> None:
    """Fail where what a step returned is not what ``expected`` has for each of its results."""
    values = (made,) if len(expected) == 1 else made or ()
    assert_looks({name: look(value) for name, value in zip(expected, values, strict=True)}, expected)


def assert_looks(looks: dict[str, dict[str, Any]], expected: dict[str, Any]) -> None:
    """Fail where what ``look`` said of a value is not what is expected of the value of that name."""
    for name, node in expected.items():
        wanted = load(node["name"]) if isinstance(node, dict) and node["kind"] == "file" else node
        found = difference(looks[name]["node" if is_stored(wanted) else "about"], wanted, name)
        if found is not None:
            raise AssertionError(found)


def _encode(value: Any) -> Any:
    if type(value) in _PLAIN:
        return value
    if type(value) is list:
        return [_encode(each) for each in value]
    if type(value) is tuple:
        return {"kind": "tuple", "values": [_encode(each) for each in value]}
    if type(value) is dict and all(type(key) is str for key in value):
        return {"kind": "dict", "values": {key: _encode(each) for key, each in value.items()}}
    if type(value) is range:
        return {"kind": "range", "values": [value.start, value.stop, value.step]}
    match _library(value):
        case "numpy":
            return _encode_array(value)
        case "pandas":
            return _encode_table(value)
        case "polars":
            return _encode_polars(value)
    raise NotStorableError


def _library(value: Any) -> str:
    return type(value).__module__.partition(".")[0]


def _encode_array(value: Any) -> dict[str, Any]:
    dtype = str(getattr(value, "dtype", ""))
    if not dtype.startswith(_NUMERIC) or type(value).__name__ in ("matrix", "MaskedArray", "memmap"):
        raise NotStorableError
    shape = list(value.shape)
    return {
        "kind": "array" if type(value).__name__ == "ndarray" else "scalar",
        "dtype": dtype,
        "shape": shape,
        "values": value.reshape(-1).tolist(),
    }


def _encode_table(value: Any) -> dict[str, Any]:
    kind = type(value).__name__
    if kind == "DataFrame":
        columns = [value.iloc[:, at] for at in range(value.shape[1])]
        return {
            "kind": "frame",
            "index": _encode_index(value.index),
            "columns": _encode_index(value.columns),
            "values": [_encode_column(column) for column in columns],
        }
    if kind == "Series" and type(value.name) in _PLAIN:
        return {
            "kind": "series",
            "name": value.name,
            "index": _encode_index(value.index),
            **_encode_column(value),
        }
    if kind.endswith("Index"):
        return _encode_index(value)
    raise NotStorableError


def _encode_index(index: Any) -> dict[str, Any]:
    if index.nlevels > 1 or type(index.name) not in _PLAIN or getattr(index, "freq", None) is not None:
        raise NotStorableError
    if type(index).__name__ == "RangeIndex":
        return {"kind": "index", "name": index.name, "range": [index.start, index.stop, index.step]}
    return {"kind": "index", "name": index.name, **_encode_column(index)}


def _encode_column(column: Any) -> dict[str, Any]:
    dtype = str(column.dtype)
    if dtype.startswith("datetime64[") and "," not in dtype:
        return {"dtype": dtype, "values": column.to_numpy().astype("int64").tolist()}
    if dtype.startswith(_NUMERIC) and dtype == dtype.lower():
        return {"dtype": dtype, "values": column.tolist()}
    if dtype in _KEPT_AS_TEXT:
        values = column.tolist()
        if all(type(each) is str or (type(each) is float and math.isnan(each)) or each is None for each in values):
            return {"dtype": "object", "values": [each if type(each) is str else None for each in values]}
    raise NotStorableError


def _encode_polars(value: Any) -> dict[str, Any]:
    kind = {"DataFrame": "polars frame", "Series": "polars series"}.get(type(value).__name__)
    columns = [value] if kind == "polars series" else [value[name] for name in value.columns] if kind else []
    if kind is None or any(_POLARS.fullmatch(str(column.dtype)) is None for column in columns):
        raise NotStorableError
    nodes = [{"name": each.name, "dtype": str(each.dtype), "values": each.to_list()} for each in columns]
    return {"kind": kind, "values": nodes}


def _polars_numbers(value: Any) -> list[str]:
    return [name for name in value.columns if value[name].dtype.is_numeric()]


def _column(node: dict[str, Any]) -> Any:
    import numpy as np

    if node["dtype"] == "object":
        return [np.nan if each is None else each for each in node["values"]]
    if node["dtype"].startswith("datetime64["):
        return np.array(node["values"], dtype="int64").astype(node["dtype"])
    return np.array(node["values"], dtype=node["dtype"])


def _number(value: Any) -> float | None:
    return None if not isinstance(value, (int, float)) and not hasattr(value, "dtype") else float(value)


def _same(actual: Any, expected: Any) -> bool:
    if isinstance(actual, bool) or isinstance(expected, bool):
        return bool(actual) == bool(expected) if type(actual) is type(expected) else False
    if isinstance(actual, (int, float)) and isinstance(expected, (int, float)):
        both = math.isnan(actual) and math.isnan(expected)
        return both or math.isclose(actual, expected, rel_tol=_TOLERANCE, abs_tol=1e-9)
    return bool(actual == expected)
