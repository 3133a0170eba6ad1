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


def keeps_encoding(content: bytes) -> bool:
    """Whether a notebook's text can be written as it was read: UTF-16 in the other byte order cannot."""
    encoding = json.detect_encoding(content)
    return content.decode(encoding, "surrogatepass").encode(encoding, "surrogatepass") == content


def encoded(text: str, content: bytes) -> bytes:
    """Return ``text`` in the encoding of ``content``, with a byte-order mark if it has one."""
    return text.encode(json.detect_encoding(content), "surrogatepass")


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
