"""Where runs happen: one temporary folder for everything they write, and the environment of their processes."""

from __future__ import annotations

import os
import shutil
import site
import stat
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import nb2prod
from nb2prod.verify.folder import Copy, Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

# These would make a run another one than the notebook's: our own interpreter's, a backend, a start-up file.
_DROPPED = (
    "MPLBACKEND",
    "PYTHONHOME",
    "PYTHONSTARTUP",
    "PYTHONINSPECT",
    "PYTHONPATH",
    "VIRTUAL_ENV",
    "__PYVENV_LAUNCHER__",
)
_HASH_SEED = "0"


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The temporary folder of a verification.

    source   the folder each run gets a copy of
    limits   of each run
    confine  called in each process before it starts; None where nothing is confined
    """

    folder: Path
    source: Source
    limits: Limits
    confine: Callable[[], None] | None

    def place(self, name: str) -> Place:
        """Return a fresh copy of the source for one run, with a home folder of its own."""
        here = self.folder / name
        number = 1
        while here.exists():
            number += 1
            here = self.folder / f"{name}-{number}"
        here.mkdir()
        return Place(here, self.source.copy(here / "files"), here / "record.jsonl")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a run may use: seconds for one cell, seconds in all, bytes of memory, bytes of printed text."""

    cell: float = 600.0
    total: float = 3600.0
    memory: int = 4 * 1024**3
    printed: int = 200 * 1024**2


@dataclass(frozen=True, slots=True)
class Place:
    """One run's part of the sandbox.

    here      everything the run may write
    copy      its copy of the notebook's folder
    recorder  where its observer writes
    """

    here: Path
    copy: Copy
    recorder: Path

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return the environment of a process: ours, with every place programs write to inside the sandbox."""
        home, temporary = self.here / "home", self.here / "tmp"
        for folder in (home, temporary):
            folder.mkdir(exist_ok=True)
        kept = {name: value for name, value in os.environ.items() if name not in _DROPPED and not _of_jupyter(name)}
        return {
            **kept,
            "HOME": str(home),
            "USERPROFILE": str(home),
            # Libraries the user has installed for himself are found in his real home.
            "PYTHONUSERBASE": site.getuserbase(),
            "TMPDIR": str(temporary),
            "TEMP": str(temporary),
            "TMP": str(temporary),
            "XDG_CACHE_HOME": str(home / "cache"),
            "XDG_CONFIG_HOME": str(home / "config"),
            "XDG_DATA_HOME": str(home / "data"),
            "XDG_STATE_HOME": str(home / "state"),
            "MPLCONFIGDIR": str(home / "matplotlib"),
            "IPYTHONDIR": str(home / "ipython"),
            "JUPYTER_CONFIG_DIR": str(home / "jupyter"),
            "JUPYTER_DATA_DIR": str(home / "jupyter" / "data"),
            "JUPYTER_RUNTIME_DIR": str(home / "jupyter" / "runtime"),
            "PYTHONHASHSEED": _HASH_SEED,
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONIOENCODING": "utf-8",
            "PYTHONPATH": _module_path(),
            # A notebook that finds nobody in front of a screen.
            "DISPLAY": "",
            **(extra or {}),
        }


@contextmanager
def sandbox(
    source: Path,
    *,
    leave_out: frozenset[Path],
    extra: tuple[Path, ...],
    copy_limit: int,
    limits: Limits,
    confine: Callable[[Path], Callable[[], None] | None],
) -> Iterator[Sandbox]:
    """Make the temporary folder, and remove it with all that is in it when the block is left."""
    # Resolved: what a run is told of its place must be what it finds out itself.
    folder = Path(tempfile.mkdtemp(prefix="nb2prod-")).resolve()
    try:
        yield Sandbox(folder, Source(source, leave_out, extra, copy_limit, folder / "large"), limits, confine(folder))
    finally:
        _remove(folder)


def _remove(folder: Path) -> None:
    """Remove a folder whatever a run has done to the permissions in it."""
    for here, folders, _ in os.walk(folder):
        for path in (Path(here), *(Path(here, name) for name in folders)):
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | stat.S_IRWXU)
    shutil.rmtree(folder)


def _of_jupyter(name: str) -> bool:
    return name.startswith(("JPY_", "JUPYTER_", "IPYTHON"))


def _module_path() -> str:
    """Return the user's PYTHONPATH without the entry we ourselves come from."""
    own = Path(nb2prod.__file__).resolve().parent.parent
    entries = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return os.pathsep.join(entry for entry in entries if entry and Path(entry).resolve() != own)
