"""A notebook's file on disk: read as bytes, replaced as a whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path

from nb2prod.errors import Nb2ProdError


class UnwritableFileError(Nb2ProdError):
    """A fixed notebook cannot be put in its place; the one that was there still is."""


def encoded(text: str, content: bytes) -> bytes | None:
    """Return ``text`` in the encoding of ``content``, byte-order mark included; None where that is not certain."""
    encoding = json.detect_encoding(content)
    was = content.decode(encoding, "surrogatepass")
    return text.encode(encoding, "surrogatepass") if was.encode(encoding, "surrogatepass") == content else None


def replace_file(path: Path, before: bytes, after: bytes) -> None:
    """Put ``after`` in the place of the file at ``path``, which must still hold ``before``.

    Mode and links stay. Raises UnwritableFileError where the file changed meanwhile, is protected, or
    cannot be written.
    """
    target = path.resolve()
    try:
        if target.read_bytes() != before:
            raise UnwritableFileError(f"{path}: was changed while it was being fixed; run again")
        if not os.access(target, os.W_OK):
            raise UnwritableFileError(f"{path}: writing it is not permitted")
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        aside = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(after)
            shutil.copymode(target, aside)
            aside.replace(target)
        finally:
            aside.unlink(missing_ok=True)
    except OSError as error:
        raise UnwritableFileError(f"{path}: cannot be written: {error.strerror or error}") from error
