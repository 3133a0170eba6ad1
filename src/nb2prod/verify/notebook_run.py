"""Runs a notebook from top to bottom in a fresh kernel, and records the run."""

from __future__ import annotations

import dataclasses
import json
import re
import time
from typing import TYPE_CHECKING

from nb2prod.errors import ConfigurationError
from nb2prod.verify import observer
from nb2prod.verify.folder import written_files
from nb2prod.verify.kernel import Kernel, KernelStoppedError, Reply, kernel
from nb2prod.verify.recorded import read_recorded
from nb2prod.verify.run import Run, printed_lines
from nb2prod.verify.trace import Failure, Trace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from nb2prod.notebook.model import CodeCell
    from nb2prod.verify.interpreter import Interpreter
    from nb2prod.verify.sandbox import Limits, Place, Sandbox
    from nb2prod.verify.subject import Subject

    Progress = Callable[[int, int, int], None]

# One expression: no name of ours may appear in the notebook's namespace.
_INSTALL = """\
exec({text!r}, {{}})
"""
_TEXT = """\
import importlib.util as util, json, sys
with open({settings!r}, encoding="utf-8") as file:
    settings = json.load(file)
spec = util.spec_from_file_location("_nb2prod_observer", settings["observer"])
module = sys.modules[spec.name] = util.module_from_spec(spec)
spec.loader.exec_module(module)
module.recorder = module.install_in_kernel(
    settings["points"], settings["recorder"], settings["seed"], settings["cells"]
)
"""
_FINISH = '__import__("sys").modules["_nb2prod_observer"].recorder.environment()'
_SETUP = 120.0
_RESETS = re.compile(r"\x1b\[0m")
_STREAMS = ("stdout", "stderr")
# `---> 12 x = np.int(3)` in a traceback of the kernel, and `Cell In[3], line 12` or `<ipython-input-3-…>` above it.
_FRAME = re.compile(r"^(?:Cell |File <ipython-input|<ipython-input|Input In|In \[)", re.MULTILINE)
_ARROW = re.compile(r"^-+> ?(\d+) ", re.MULTILINE)
_SYNTAX_LINE = re.compile(r"^\s*(?:Cell |File |Input )In ?\[\d+\],? line (\d+)", re.MULTILINE)


def run_notebook(
    subject: Subject, interpreter: Interpreter, sandbox: Sandbox, *, number: int, seed: int, progress: Progress
) -> Run:
    """Run the notebook in a fresh copy of its folder.

    A cell tagged ``raises-exception`` may fail; any other failure ends the run and is its trace's ``failure``.

    number    of the run, from 1
    progress  called before each cell with the run's number, how many code cells there are before it, and in all
    """
    place = sandbox.place(f"notebook-{number}")
    settings = place.here / "settings.json"
    settings.write_text(
        json.dumps(
            {
                "observer": observer.__file__,
                "points": [dataclasses.asdict(point) for point in subject.points],
                "recorder": str(place.recorder),
                "seed": seed,
                "cells": subject.cells,
            }
        ),
        encoding="utf-8",
    )
    started = time.monotonic()
    failure: tuple[Failure, int | None] | None = None
    talk: Kernel | None = None
    try:
        with kernel(
            interpreter.command,
            place.copy.folder,
            place.environment(dict(interpreter.environment)),
            here=place.here,
            memory=sandbox.limits.memory,
            printed=sandbox.limits.printed,
            confine=sandbox.confine,
        ) as talk:
            _install(talk, str(settings))
            failure = _run_cells(subject, talk, sandbox.limits, lambda at, of: progress(number, at, of))
            if failure is None or failure[0].kind not in _STOPPED:
                talk.execute(_FINISH, until=time.monotonic() + _SETUP, silent=True)
    except KernelStoppedError as error:
        if talk is None:
            raise ConfigurationError(str(error)) from None
        failure = failure or (Failure(None, None, error.kind, str(error), ""), None)
    return _recorded(place, talk, failure, time.monotonic() - started)


_STOPPED = frozenset({"KernelEnded", "MemoryLimit", "OutputLimit", "TimeLimit"})


def _install(talk: Kernel, settings: str) -> None:
    text = _TEXT.format(settings=settings)
    reply = talk.execute(_INSTALL.format(text=text), until=time.monotonic() + _SETUP, silent=True)
    if reply.kind:
        # Ours, and never the notebook's: nothing of it has run.
        raise RuntimeError(f"the observer cannot be installed: {reply.kind}: {reply.message}\n{reply.traceback}")


def _run_cells(
    subject: Subject, talk: Kernel, limits: Limits, progress: Callable[[int, int], None]
) -> tuple[Failure, int | None] | None:
    cells = [cell for cell in subject.notebook.code_cells if cell.source.strip()]
    end = time.monotonic() + limits.total
    for done, cell in enumerate(cells):
        progress(done, len(cells))
        until = time.monotonic() + limits.cell
        talk.cell = cell.index
        try:
            reply = talk.execute(cell.source, until=min(until, end))
        except KernelStoppedError as error:
            return Failure(cell.index, None, error.kind, _stopped(error, cell, until, end, limits), ""), None
        if reply.kind and "raises-exception" not in cell.tags:
            return Failure(cell.index, None, reply.kind, reply.message, reply.traceback), _line(reply)
    progress(len(cells), len(cells))
    return None


def _stopped(error: KernelStoppedError, cell: CodeCell, until: float, end: float, limits: Limits) -> str:
    if error.kind != "TimeLimit":
        return str(error)
    if end < until:
        return f"the notebook ran longer than {limits.total:.0f} s (--timeout); it was in cell {cell.index}"
    return f"the cell ran longer than {limits.cell:.0f} s (--cell-timeout)"


def _line(reply: Reply) -> int | None:
    """Return the line of the cell at which it failed, as the kernel's traceback shows it."""
    frame = _FRAME.search(reply.traceback)
    arrow = _ARROW.search(reply.traceback, frame.end()) if frame else _ARROW.search(reply.traceback)
    found = arrow or _SYNTAX_LINE.search(reply.traceback)
    return int(found.group(1)) if found else None


def _recorded(place: Place, talk: Kernel, failure: tuple[Failure, int | None] | None, seconds: float) -> Run:
    recorded = read_recorded(place.recorder)
    texts = {name: [(text, cell) for stream, text, cell in talk.printed if stream == name] for name in _STREAMS}
    out, err = ("".join(text for text, _ in texts[name]) for name in _STREAMS)
    trace = Trace(
        printed_lines(out),
        printed_lines(err),
        recorded.values,
        recorded.displayed,
        recorded.figures,
        written_files(place.copy),
        failure[0] if failure else None,
        round(seconds, 3),
        talk.watched.memory,
        dict(recorded.cell_seconds),
        dict(recorded.environment),
    )
    return Run(trace, recorded.notes, failure[1] if failure else None, tuple(_cells_of_lines(texts["stdout"])))


def _cells_of_lines(parts: Sequence[tuple[str, int | None]]) -> Iterator[int | None]:
    """Yield the cell each line was begun in; a command may end with the colours reset, without a newline."""
    begun, cell, seen = False, None, False
    for text, own in parts:
        pieces = text.split("\n")
        for number, piece in enumerate(pieces):
            ended = number < len(pieces) - 1
            if not seen and (piece or ended):
                begun, cell, seen = True, own, bool(_RESETS.sub("", piece))
            if ended:
                yield cell
                begun, seen = False, False
    if begun:
        yield cell
