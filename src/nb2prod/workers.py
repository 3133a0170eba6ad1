"""Lints many notebooks on all cores; the report is the one that a single run would give."""

from __future__ import annotations

import gc
import os
import sys
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

from nb2prod.cache.store import Cache
from nb2prod.lint_run import InternalError, Report, Shared, joined
from nb2prod.selection import select

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Future, ProcessPoolExecutor

    from nb2prod.diagnostics import Rule
    from nb2prod.discovery import Target

# A piece of work takes a tenth of a second and more: handing it over does not count beside it.
_MOST_FILES = 16
_MOST_BYTES = 4_000_000
# A process that is started for less than this many pieces costs more than it gives.
_WORTH = 2

_LOST = "the worker process ended without an answer: too little memory, or a crash of Python"


def lint_all(
    targets: Sequence[Target],
    rules: Sequence[Rule],
    *,
    progress: Callable[[int], None] = lambda _: None,
    jobs: int | None = None,
    cache: Cache | None = None,
) -> Report:
    """Do as ``lint``, in several processes if there is enough work for them (at most ``jobs``).

    What ``cache`` knows is not looked at again, and what is found is kept there. ``progress`` is told
    how many files are done, now and then. A notebook on which a process dies is an internal error, and
    the run goes on.
    """
    for settings in {target.settings: None for target in targets}:
        select(settings, rules)  # a wrong setting ends the run before there is work
    known = {} if cache is None else {target.path: found for target in targets if (found := cache.find(target))}
    pieces = list(_pieces([target for target in targets if target.path not in known]))
    jobs = min(jobs or _cores(), len(pieces) // _WORTH)
    reports: list[Report] = list(known.values())
    done = len(known)
    for report in _by_workers(pieces, rules, jobs, cache) if jobs > 1 else _here(pieces, rules, cache):
        reports.append(report)
        done += len(report.files)
        progress(done)
    return joined(reports)._replace(files=tuple(target.path for target in targets))


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def _pieces(targets: Sequence[Target]) -> Iterator[list[Target]]:
    piece: list[Target] = []
    size = 0
    for target in targets:
        with suppress(OSError):  # reading it says what is wrong with it
            size += target.path.stat().st_size
        piece.append(target)
        if len(piece) == _MOST_FILES or size > _MOST_BYTES:
            yield piece
            piece, size = [], 0
    if piece:
        yield piece


def _here(pieces: Sequence[Sequence[Target]], rules: Sequence[Rule], cache: Cache | None) -> Iterator[Report]:
    if not pieces:
        return
    from nb2prod.linter import lint  # noqa: PLC0415 - a run that the cache answers needs no check

    shared = cache.shared if cache else Shared()
    for piece in pieces:
        yield lint(piece, rules, shared=shared, store=cache)


def _by_workers(
    pieces: Sequence[list[Target]], rules: Sequence[Rule], jobs: int, cache: Cache | None
) -> Iterator[Report]:
    """Yield the report of each piece, in order; what is under way at any time is bounded."""
    from concurrent.futures.process import BrokenProcessPool  # noqa: PLC0415 - only large runs need it

    waiting = deque(pieces)
    running: deque[tuple[list[Target], Future[Report]]] = deque()
    pool = _pool(jobs, rules, cache)
    try:
        while waiting or running:
            while waiting and len(running) < 2 * jobs:
                running.append((waiting[0], pool.submit(_lint_piece, waiting[0])))
                waiting.popleft()
            report = running[0][1].result()
            running.popleft()
            yield report
    except BrokenProcessPool:
        # One of those that were under way took its process with it: the rest one by one tells which.
        pool.shutdown()
        left = [target for piece, _ in running for target in piece] + [target for piece in waiting for target in piece]
        yield from _one_by_one(left, rules, cache)
    finally:
        pool.shutdown(cancel_futures=True)


def _one_by_one(targets: Sequence[Target], rules: Sequence[Rule], cache: Cache | None) -> Iterator[Report]:
    from concurrent.futures.process import BrokenProcessPool  # noqa: PLC0415 - the same

    pool = _pool(1, rules, cache)
    try:
        for target in targets:
            try:
                yield pool.submit(_lint_piece, [target]).result()
            except BrokenProcessPool:
                pool.shutdown()
                pool = _pool(1, rules, cache)
                yield Report((), {}, (target.path,), (InternalError(target.path, None, _LOST),), failed=False)
    finally:
        pool.shutdown(cancel_futures=True)


def _pool(jobs: int, rules: Sequence[Rule], cache: Cache | None) -> ProcessPoolExecutor:
    from concurrent.futures import ProcessPoolExecutor  # noqa: PLC0415 - 20 ms that only large runs pay
    from multiprocessing import get_context  # noqa: PLC0415 - the same
    from threading import active_count  # noqa: PLC0415 - the same

    import nb2prod.linter  # noqa: F401, PLC0415 - before the fork: what is imported here is there in all of them

    # A fork starts with everything imported, but is safe only on Linux, and without threads.
    forks = sys.platform == "linux" and active_count() == 1
    return ProcessPoolExecutor(
        jobs, get_context("fork" if forks else "spawn"), _start, (rules, cache.tool if cache else None)
    )


# What a worker process keeps from piece to piece; nothing in the process that starts them.
_worker: tuple[Sequence[Rule], Shared, Cache | None] | None = None


def _start(rules: Sequence[Rule], tool: str | None) -> None:
    global _worker  # noqa: PLW0603 - an executor has no other place for what its workers keep
    shared = Shared()
    _worker = (rules, shared, Cache(rules, shared, tool) if tool else None)
    import signal  # noqa: PLC0415 - only a process of many needs it

    # The interrupt key reaches the whole group; the process that was started says so, once.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.freeze()
    gc.set_threshold(1_000_000)  # as the command line does


def _lint_piece(targets: list[Target]) -> Report:
    assert _worker is not None  # noqa: S101 - `_start` has run in this process
    from nb2prod.linter import lint  # noqa: PLC0415 - as above

    rules, shared, cache = _worker
    return lint(targets, rules, shared=shared, store=cache)
