"""Processes of a run: started apart from ours, watched, and ended with everything they have started."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

# Every process of a run has this in its environment: one that leaves the session is found by it.
_MARK = "NB2PROD_RUN"
_PROC = Path("/proc")
_EVERY = 0.1
_PR_SET_PDEATHSIG = 1


@dataclass(slots=True)
class Watched:
    """A process in a session of its own.

    limit   resident bytes it and everything it has started may hold together
    memory  the most they held, as far as it was seen; None where it cannot be told
    """

    process: subprocess.Popen[bytes]
    mark: str
    limit: int
    memory: int | None = None
    _next: float = field(default=0.0, repr=False)

    def over_limit(self) -> bool:
        """Look at the memory, at most ten times a second, and return whether it is too much."""
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + _EVERY
        seen = _resident(self.process.pid)
        if seen is None:
            return False
        if seen > self.limit:
            # Forked workers share most of what they hold; looking at that takes longer.
            seen = _proportional(self.process.pid) or seen
        self.memory = max(seen, self.memory or 0)
        return seen > self.limit

    def end(self) -> None:
        """End the process and everything it has started; returns when none of them runs."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        for _ in range(100):
            left = _left(self.process.pid, self.mark)
            if not left:
                break
            for pid in left:
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.02)
        self.process.wait()


@contextmanager
def running(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    *,
    memory: int,
    out: IO[bytes] | int = subprocess.DEVNULL,
    err: IO[bytes] | int = subprocess.DEVNULL,
    confine: Callable[[], None] | None = None,
) -> Iterator[Watched]:
    """Start a command in a session of its own; when the block is left, by whatever way, nothing of it runs.

    confine  called in the new process before the command starts
    """
    mark = secrets.token_hex(16)
    process = subprocess.Popen(  # noqa: S603 - runs what the user asked to run
        command,
        cwd=folder,
        env={**environment, _MARK: mark},
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=err,
        start_new_session=True,
        preexec_fn=_before_start(confine),  # noqa: PLW1509 - we run no threads
    )
    watched = Watched(process, mark, memory)
    try:
        # Where memory is short before we see it, the system should end the run and nobody else.
        with suppress(OSError):
            Path(f"/proc/{process.pid}/oom_score_adj").write_text("900", encoding="ascii")
        yield watched
    finally:
        watched.end()


@contextmanager
def ending_on_signals() -> Iterator[None]:
    """Turn the signals that end a program into KeyboardInterrupt, so that every ``finally`` runs."""

    def interrupt(number: int, _frame: object) -> None:
        raise KeyboardInterrupt(signal.Signals(number).name)

    before = {}
    try:
        for name in ("SIGTERM", "SIGHUP"):
            # Only the main thread may; others are ended by it.
            with suppress(ValueError, AttributeError):
                number = getattr(signal, name)
                before[number] = signal.signal(number, interrupt)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _before_start(confine: Callable[[], None] | None) -> Callable[[], None] | None:
    """Return what the new process does first: be killed when ours is (no ``finally`` runs then), and be confined."""
    if sys.platform != "linux":
        return confine
    import ctypes  # noqa: PLC0415 - only a run needs it

    prctl = ctypes.CDLL(None).prctl

    def before() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if confine is not None:
            confine()

    return before


def _resident(session: int) -> int | None:
    """Return the resident bytes of all processes of a session; None where they cannot be told."""
    if not _PROC.is_dir():
        return _resident_by_ps(session)
    page = os.sysconf("SC_PAGE_SIZE")
    return sum(resident * page for _, resident in _of_session(session))


def _proportional(session: int) -> int | None:
    """Return the resident bytes of a session, what several processes share counted once; None where unknown."""
    found = 0
    for pid, _ in _of_session(session) if _PROC.is_dir() else ():
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_bytes().splitlines()
        except OSError:
            continue
        found += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(b"Pss:"))
    return found or None


def _of_session(session: int) -> Iterator[tuple[int, int]]:
    """Yield process id and resident pages of each process of a session."""
    for entry in os.scandir(_PROC):
        if not entry.name.isdigit():
            continue
        try:
            text = Path(entry.path, "stat").read_bytes()
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        # The name, in parentheses, may hold anything; the rest is: state ppid pgrp session …, rss as the 22nd.
        fields = text.rpartition(b")")[2].split()
        if int(fields[3]) == session and fields[0] != b"Z":
            yield int(entry.name), int(fields[21])


def _resident_by_ps(session: int) -> int | None:
    try:
        listed = subprocess.run(["ps", "-A", "-o", "pgid=,rss="], capture_output=True, check=True).stdout  # noqa: S607 - the system's
    except (OSError, subprocess.CalledProcessError):
        return None
    rows = [line.split() for line in listed.splitlines()]
    return sum(int(rss) * 1024 for group, rss in rows if int(group) == session)


def _left(session: int, mark: str) -> list[int]:
    """Return the processes of a run that are still there, zombies aside."""
    if not _PROC.is_dir():
        return []
    found = [pid for pid, _ in _of_session(session)]
    wanted = f"{_MARK}={mark}".encode()
    for entry in os.scandir(_PROC):
        if entry.name.isdigit() and int(entry.name) not in found:
            with suppress(OSError):
                if wanted in Path(entry.path, "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
    return found
