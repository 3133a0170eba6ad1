# ruff: noqa: B905 - CPython 3.8 and later
"""Values of pandas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .arrays import array
from .writing import incomparable, name_of, root_of

if TYPE_CHECKING:
    from .looking import Digester
    from .writing import Digest

# A frame with more columns than this is one array, if it is of one dtype.
_WIDE = 100


def series(digester: Digester, value: Any) -> Digest:
    """Look at a Series."""
    return {
        "kind": "record",
        "type": name_of(type(value)),
        "fields": {
            "index": digester.look(value.index),
            "name": digester.look(value.name),
            "values": column(digester, value.array),
        },
    }


def frame(digester: Digester, value: Any) -> Digest:
    """Look at a DataFrame."""
    return {
        "kind": "frame",
        "type": name_of(type(value)),
        "shape": [int(size) for size in value.shape],
        "index": digester.look(value.index),
        "columns": digester.look(value.columns),
        "names": [str(name) for name in value.columns[: digester.limits.items]],
        "data": columns(digester, value),
    }


def columns(digester: Digester, value: Any) -> list[Digest]:
    """Look at the columns of a frame; many of one kind of number are one array."""
    if value.shape[1] > _WIDE and len(set(value.dtypes)) == 1 and root_of(type(value.dtypes.iloc[0])) == "numpy":
        return [array(digester, value.to_numpy())]
    return [column(digester, value.iloc[:, place].array) for place in range(value.shape[1])]


def column(digester: Digester, value: Any) -> Digest:
    """Look at the array of a Series, a column or an index."""
    if root_of(type(value)) == "numpy":
        return array(digester, value)
    if type(value).__name__ in {"PandasArray", "NumpyExtensionArray"}:
        return array(digester, value.to_numpy())
    return digester.look(value)


def extension_array(digester: Digester, value: Any) -> Digest:
    """Look at an array with missing values of its own."""
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
    return digester.record(value, {"dtype": dtype, "missing": missing, "values": plain})


def categorical(digester: Digester, value: Any) -> Digest:
    """Look at categories and codes."""
    fields = {"categories": value.categories, "ordered": value.ordered, "codes": value.codes}
    return digester.record(value, fields)


def interval_array(digester: Digester, value: Any) -> Digest:
    """Look at an array of intervals."""
    return digester.record(value, {"left": value.left, "right": value.right, "closed": value.closed})


def sparse_array(digester: Digester, value: Any) -> Digest:
    """Look at a sparse array."""
    return digester.record(value, {"dtype": str(value.dtype), "values": value.to_dense()})


def index(digester: Digester, value: Any) -> Digest:
    """Look at an index."""
    fields: dict[str, Digest] = {"names": digester.look(list(value.names))}
    fields["values"] = column(digester, value.array)
    if hasattr(type(value), "freq"):
        fields["freq"] = digester.look(None if value.freq is None else str(value.freq))
    return {"kind": "record", "type": name_of(type(value)), "fields": fields}


def range_index(digester: Digester, value: Any) -> Digest:
    """Look at an index that counts."""
    return digester.record(value, {"names": list(value.names), "range": range(value.start, value.stop, value.step)})


def multi_index(digester: Digester, value: Any) -> Digest:
    """Look at an index of several levels."""
    levels = [value._get_level_values(level) for level in range(value.nlevels)]  # noqa: SLF001 - the public one mistakes numbers for names
    return digester.record(value, {"names": list(value.names), "levels": levels})


def interval(digester: Digester, value: Any) -> Digest:
    """Look at an interval."""
    return digester.record(value, {"left": value.left, "right": value.right, "closed": value.closed})


def group_by(digester: Digester, value: Any) -> Digest:
    """Look at groups: their keys, their sizes, and what was grouped."""
    keys = value.keys
    names = keys if isinstance(keys, list) else [keys]
    if getattr(value, "level", None) is not None or not all(isinstance(name, (str, int)) for name in names):
        return incomparable(value, "its groups come from code")
    # Grouped anew: asking the value itself would make it keep what it has computed.
    options = {name: getattr(value, name) for name in ("sort", "observed", "dropna") if hasattr(value, name)}
    sizes = value.obj.groupby(keys, **options).size()
    return digester.record(value, {"keys": names, "sizes": sizes, "values": value.obj})
