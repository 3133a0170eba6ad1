"""Where the cache is, and how files get into it and out of it whole."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hashlib import blake2b

    from nb2prod.config import Settings
else:
    try:
        # Where hashlib has it from, as the standard library's own modules do: hashlib loads OpenSSL at every start.
        from _blake2 import blake2b
    except ImportError:
        from hashlib import blake2b

VARIABLE = "NB2PROD_CACHE_DIR"
_DIGEST = 16
# An entry nobody has written for so long is of a notebook that is gone, or is made again once a month.
_MOST_DAYS = 30
_DAY = 86_400
_PRUNED = "pruned"
# https://bford.info/cachedir/
_TAG_NAME = "CACHEDIR.TAG"
_TAG = "Signature: 8a477f597d28d172789f06886806bc55\n# Made by nb2prod; may be deleted at any time.\n"


def cache_folder(settings: Settings) -> Path:
    """Return the folder for what is found under ``settings``: theirs, the environment's, or the user's own.

    The user's own is not in the repository: a change under review cannot bring findings with it that it made up.
    """
    if settings.cache_dir is not None:
        return settings.cache_dir
    if named := os.environ.get(VARIABLE):
        return Path(named)
    home = os.path.expanduser("~")  # noqa: PTH111 - Path.home() is an error for a user without one
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or os.path.join(home, "AppData", "Local")  # noqa: PTH118 - a text already
    elif sys.platform == "darwin":
        base = os.path.join(home, "Library", "Caches")  # noqa: PTH118 - the same
    else:
        base = os.environ.get("XDG_CACHE_HOME") or os.path.join(home, ".cache")  # noqa: PTH118 - the same
    # Who has no home keeps nothing: no file can be made below this one.
    return Path(base if os.path.isabs(base) else os.devnull, "nb2prod")  # noqa: PTH117 - the same


def digest(content: bytes) -> str:
    """Return what tells this content from any other."""
    return blake2b(content, digest_size=_DIGEST).hexdigest()


def read_whole(path: str) -> bytes | None:
    """Return what ``write_whole`` wrote; None where that is not there, or not as it was written."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - thousands of times a run
            head, _, content = file.read().partition(b"\n")
    except OSError:
        return None
    return content if head == digest(content).encode() else None


def write_whole(path: str, content: bytes) -> None:
    """Write ``content`` so that another process finds it whole or not at all.

    A folder that cannot be written keeps nothing, and the run goes on.
    """
    beside = Path(f"{path}.{os.getpid()}")
    whole = b"%s\n%s" % (digest(content).encode(), content)
    with suppress(OSError):
        try:
            beside.write_bytes(whole)
        except FileNotFoundError:
            _make(beside.parent)
            beside.write_bytes(whole)
        beside.replace(path)


def _make(folder: Path) -> None:
    """Make the folder of a cache, which git and programs that back up pass by, and only its owner reads."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / ".gitignore").write_text("*\n", encoding="utf-8")
    (folder / _TAG_NAME).write_text(_TAG, encoding="utf-8")


def is_cache(folder: Path) -> bool:
    """Return whether a folder is one that ``write_whole`` made."""
    try:
        return (folder / _TAG_NAME).read_text(encoding="utf-8") == _TAG
    except (OSError, ValueError):
        return False


def prune(folder: Path) -> None:
    """Remove what is old, once a day."""
    now = time.time()
    with suppress(OSError):
        mark = folder / _PRUNED
        if not folder.is_dir() or (mark.exists() and now - mark.stat().st_mtime < _DAY):
            return
        mark.touch()
        for entry in os.scandir(folder):
            if entry.name not in {_PRUNED, ".gitignore", _TAG_NAME} and entry.is_file(follow_symlinks=False):
                with suppress(OSError):  # another process was faster
                    if now - entry.stat().st_mtime > _MOST_DAYS * _DAY:
                        os.unlink(entry.path)  # noqa: PTH108 - an entry of scandir
