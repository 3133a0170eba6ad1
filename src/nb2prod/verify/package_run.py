"""Runs a package where its notebook stood, and records the run."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING

from nb2prod.verify import launch, observer
from nb2prod.verify.folder import written_files
from nb2prod.verify.processes import running
from nb2prod.verify.recorded import read_recorded
from nb2prod.verify.run import Run, printed_lines
from nb2prod.verify.trace import Failure, Trace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nb2prod.verify.interpreter import Interpreter
    from nb2prod.verify.processes import Watched
    from nb2prod.verify.recorded import Recorded
    from nb2prod.verify.sandbox import Sandbox
    from nb2prod.verify.subject import Subject


def run_package(
    subject: Subject, interpreter: Interpreter, sandbox: Sandbox, *, seed: int, seconds: float, arguments: Sequence[str]
) -> Run:
    """Run ``python -m <package>`` in a fresh copy of the notebook's folder, for ``seconds`` at most.

    The package's own ``src`` is on the import path, so that nothing has to be installed.
    """
    place = sandbox.place("package")
    settings = place.here / "settings.json"
    settings.write_text(
        json.dumps(
            {
                "observer": observer.__file__,
                "package": subject.package,
                "manifest": subject.manifest,
                "recorder": str(place.recorder),
                "seed": seed,
                "arguments": list(arguments),
            }
        ),
        encoding="utf-8",
    )
    environment = place.environment(dict(interpreter.environment))
    environment["PYTHONPATH"] = _joined(str(subject.source), environment["PYTHONPATH"])
    command = [interpreter.path, str(Path(launch.__file__)), str(settings)]
    started = time.monotonic()
    with (place.here / "out").open("w+b") as out, (place.here / "err").open("w+b") as err:
        with running(
            command, place.copy.folder, environment, memory=sandbox.limits.memory, out=out, err=err,
            confine=sandbox.confine,
        ) as watched:  # fmt: skip
            stopped = _wait(watched, started + seconds, seconds, (out, err), sandbox.limits.printed)
        texts = [_text(file) for file in (out, err)]
    recorded = read_recorded(place.recorder)
    failure = stopped or _failure(watched.process.returncode, recorded, texts[1])
    trace = Trace(
        printed_lines(texts[0]),
        printed_lines(texts[1]),
        recorded.values,
        recorded.displayed,
        recorded.figures,
        written_files(place.copy, subject.package.partition(".")[0]),
        failure,
        round(time.monotonic() - started, 3),
        watched.memory,
        dict(recorded.cell_seconds),
        dict(recorded.environment),
    )
    return Run(trace, recorded.notes)


def _joined(*entries: str) -> str:
    import os  # noqa: PLC0415 - one constant

    return os.pathsep.join(entry for entry in entries if entry)


def _wait(watched: Watched, until: float, seconds: float, files: Sequence[IO[bytes]], printed: int) -> Failure | None:
    """Wait for the end of the process; return why it was ended before, if it was."""
    pause = 0.01
    while watched.process.poll() is None:
        if time.monotonic() > until:
            return Failure(None, None, "TimeLimit", f"the package ran longer than {seconds:.0f} s", "")
        if watched.over_limit():
            return Failure(
                None, None, "MemoryLimit", f"the package held more than {watched.limit / 1024**3:.1f} GB", ""
            )
        if any(file.seek(0, 2) > printed for file in files):
            return Failure(None, None, "OutputLimit", f"the package printed more than {printed // 1024**2} MB", "")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)
    return None


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "replace")


def _failure(code: int, recorded: Recorded, errors: str) -> Failure | None:
    if code == 0:
        return None
    if recorded.failures:
        return recorded.failures[-1]
    how = f"signal {-code}" if code < 0 else f"exit code {code}"
    last = next((line for line in reversed(errors.splitlines()) if line.strip()), "")
    return Failure(None, None, "Exit", f"the package ended with {how}" + (f": {last}" if last else ""), errors[-4000:])
