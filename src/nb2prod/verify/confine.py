"""Takes from a process the right to change files outside a folder, where the system can do that (Linux, Landlock)."""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# include/uapi/linux/landlock.h; the numbers of the calls are the same on every architecture.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION = 1 << 0
_PATH_BENEATH = 1
_WRITE_FILE = 1 << 1
# Remove folders and files, make devices, folders, files, sockets, pipes, block devices and links.
_CHANGE = sum(1 << bit for bit in range(4, 13))
_REFER, _TRUNCATE = 1 << 13, 1 << 14
_REFER_SINCE, _TRUNCATE_SINCE = 2, 3
_NO_NEW_PRIVILEGES = 38
# What programs write to that is no file: the null device, terminals, shared memory of workers.
_DEVICES = ("/dev", "/proc")


def confining(folders: Sequence[Path]) -> Callable[[], None] | None:
    """Return a function that lets the process that calls it change files below ``folders`` only.

    For the moment between fork and exec; children inherit it. None where the system cannot.
    Reading is not restricted, and neither is the network.
    """
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(_CREATE_RULESET, None, 0, _VERSION)
    if version < _TRUNCATE_SINCE:  # without truncation a file could still be emptied
        return None
    handled = _WRITE_FILE | _CHANGE | _REFER | _TRUNCATE
    attributes = struct.pack("=Q", handled)
    roots = [os.fsencode(folder) for folder in (*folders, *map(Path, _DEVICES)) if folder.is_dir()]

    def confine() -> None:
        ruleset = libc.syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0)
        if ruleset < 0:
            raise OSError(ctypes.get_errno(), "landlock_create_ruleset")
        for root in roots:
            opened = os.open(root, os.O_PATH | os.O_CLOEXEC)
            rule = struct.pack("=Qi", handled, opened)
            if libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, rule, 0) < 0:
                raise OSError(ctypes.get_errno(), "landlock_add_rule")
            os.close(opened)
        libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        if libc.syscall(_RESTRICT_SELF, ruleset, 0) < 0:
            raise OSError(ctypes.get_errno(), "landlock_restrict_self")
        os.close(ruleset)

    return confine
