"""Values of NumPy and SciPy, and of what computes networks."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from .numbers import packed
from .writing import float_text, name_of

if TYPE_CHECKING:
    from .looking import Digester
    from .writing import Digest


def scalar(digester: Digester, value: Any) -> Digest:
    """Look at a NumPy scalar."""
    dtype = value.dtype
    if dtype.kind == "f":
        text = float_text(value)
    elif dtype.kind == "c":
        text = f"{float_text(value.real)} {float_text(value.imag)}"
    elif dtype.kind in "iub":
        text = str(value.item())
    elif dtype.kind in "mMUS":
        text = str(value)
    else:
        return array(digester, value.__array__())
    return {"kind": "scalar", "dtype": str(dtype.name), "value": text}


def array(digester: Digester, value: Any) -> Digest:
    """Look at a NumPy array."""
    numpy = sys.modules["numpy"]

    plain = value.view(numpy.ndarray) if type(value) is not numpy.ndarray else value
    dtype = plain.dtype
    found: Digest = {
        "kind": "array",
        "type": name_of(type(value)),
        "dtype": str(dtype.name),
        "shape": list(plain.shape),
    }
    if dtype.names:
        found["dtype"] = "structured"
        found["fields"] = {str(name): digester.look(plain[name]) for name in dtype.names}
    elif dtype.kind == "O":
        found["elements"] = digester.elements(plain.ravel(order="C").tolist())
    elif dtype.kind in "US":
        texts = [text if isinstance(text, str) else text.decode("latin-1") for text in plain.ravel("C").tolist()]
        found["elements"] = digester.strings(texts)
    else:
        if dtype.kind in "fc" and dtype.itemsize > (8 if dtype.kind == "f" else 16):
            plain = plain.astype("f8" if dtype.kind == "f" else "c16")
        flat = numpy.ascontiguousarray(plain).ravel()
        found["packed"] = packed(digester, flat.astype(flat.dtype.newbyteorder("<"), copy=False))
    return found


def masked_array(digester: Digester, value: Any) -> Digest:
    """Look at a masked array; what is masked away does not count."""
    numpy = sys.modules["numpy"]

    mask = numpy.ma.getmaskarray(value)
    return digester.record(
        value, {"data": value.filled(0) if value.dtype.kind in "biufc" else value.data, "mask": mask}
    )


def random_state(digester: Digester, value: Any) -> Digest:
    """Look at a generator of NumPy as there were before 1.17: its state."""
    return digester.record(value, {"state": value.get_state(legacy=False)})


def generator(digester: Digester, value: Any) -> Digest:
    """Look at a NumPy generator: its state."""
    return digester.record(value, {"state": value.bit_generator.state})


def bit_generator(digester: Digester, value: Any) -> Digest:
    """Look at a source of bits: its state."""
    return digester.record(value, {"state": value.state})


def sparse(digester: Digester, value: Any) -> Digest:
    """Look at a sparse matrix: its entries by row and column, whatever order it keeps them in."""
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
    return digester.record(value, fields)


def tensor(digester: Digester, value: Any) -> Digest:
    """Look at a PyTorch tensor."""
    return digester.record(value, {"values": value.detach().cpu().numpy(), "requires_grad": bool(value.requires_grad)})


def network(digester: Digester, value: Any) -> Digest:
    """Look at a PyTorch module: its weights, and whether it is being trained."""
    return digester.record(value, {"state": dict(value.state_dict()), "training": bool(value.training)})


def eager_tensor(digester: Digester, value: Any) -> Digest:
    """Look at a TensorFlow tensor."""
    return digester.record(value, {"values": value.numpy()})


def keras_model(digester: Digester, value: Any) -> Digest:
    """Look at a Keras model: its weights."""
    return digester.record(value, {"weights": value.get_weights()})
