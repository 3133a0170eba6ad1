"""What a pickle holds, whichever module the classes of the notebook were in when it was written."""

from __future__ import annotations

import re

# Protocols 2 to 5 say so in their first two bytes.
_START = re.compile(rb"\x80[\x02-\x05]")
MOST_PICKLED = 64 * 1024**2
# Frames say how many bytes they have, and joblib lays arrays out by their place in the file.
_FRAME = re.compile(rb"\x95.{8}", re.DOTALL)
_PADDING = re.compile(rb"([\x01-\x10])(\xff{1,16})")
_MAIN = "__main__"


def is_pickle(start: bytes) -> bool:
    """Return whether a file that starts so is a pickle, as far as two bytes tell."""
    return _START.match(start) is not None


def without_places(data: bytes, package: str = _MAIN) -> bytes:
    """Return a pickle in which classes of ``package`` are of ``__main__``, without what follows from its length.

    The result is for comparing only; it cannot be loaded.
    """
    module = re.escape(package.encode()) + rb"(?:\.\w+)*"
    data = re.sub(rb"\x8c(.)(" + module + rb")", _named, data, flags=re.DOTALL)
    data = re.sub(rb"c" + module + rb"\n", b"c" + _MAIN.encode() + b"\n", data)
    data = _FRAME.sub(b"\x95", data)
    return _PADDING.sub(_unpadded, data) if b"joblib" in data else data


def _named(found: re.Match[bytes]) -> bytes:
    """Return the name of a module, with its length before it, as that of the notebook's."""
    return b"\x8c" + bytes([len(_MAIN)]) + _MAIN.encode() if found[1][0] == len(found[2]) else found[0]


def _unpadded(found: re.Match[bytes]) -> bytes:
    count = found[1][0]
    return found[2][count:] if len(found[2]) >= count else found[0]
