"""How the parts of a digest are written, and what is said of classes."""

from __future__ import annotations

import hashlib
import json
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    Digest = dict[str, Any]


def name_of(kind: type) -> str:
    """Return the name of a class without its module and the function it stands in: those differ in the package."""
    return str(kind.__qualname__).rpartition("<locals>.")[2]


def incomparable(value: Any, reason: str) -> Digest:
    """Return a digest that says why there is none."""
    return {"kind": "incomparable", "type": name_of(type(value)), "reason": reason}


def exact(value: Any, text: str) -> Digest:
    """Return the digest of a value its text says completely."""
    return {"kind": "exact", "type": name_of(type(value)), "value": text}


def canonical(data: Any) -> str:
    """Return one text for equal JSON."""
    return json.dumps(data, sort_keys=True)


def sha256(data: bytes) -> str:
    """Return the hash of bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def float_text(value: float) -> str:
    """Return the shortest text that stands for this float and no other."""
    return float.__repr__(float(value))


def root_of(kind: type) -> str:
    """Return the outermost package of a class."""
    return str(getattr(kind, "__module__", "")).partition(".")[0]


def is_installed(kind: type) -> bool:
    """Return whether a class comes from an installed library, and not from the notebook or beside it."""
    file = getattr(sys.modules.get(kind.__module__), "__file__", None)
    return file is not None and ("site-packages" in file or "dist-packages" in file)
