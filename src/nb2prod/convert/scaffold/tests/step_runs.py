"""A run of the pipeline, recorded: what each step printed and displayed."""

from __future__ import annotations

import inspect
import logging
import os
import sys
import time
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path
    from types import ModuleType


@dataclass
class StepRun:
    """What one step printed to standard output, logged, and returned, by name.

    arguments, made  what was kept of its arguments before it ran, and of its results when it ended
    """

    printed: str = ""
    logged: list[str] = field(default_factory=list)
    results: dict[str, Any] = field(default_factory=dict)
    arguments: tuple[Any, ...] = ()
    made: dict[str, Any] = field(default_factory=dict)

    def displayed(self, name: str | None = None) -> list[str]:
        """Return the texts the step displayed under ``name``; without a name, all that was logged."""
        if name is None:
            return self.logged
        return [text[len(name) + 2 :] for text in self.logged if text.startswith((f"{name}: ", f"{name}:\n"))]


@dataclass
class PipelineRun:
    """The steps that came to their end, by name, what ended the run too early, and how long it took.

    figures  the names of the files that figures were saved to
    """

    printed: str = ""
    seconds: float = 0.0
    steps: dict[str, StepRun] = field(default_factory=dict)
    error: BaseException | None = None
    figures: frozenset[str] = frozenset()

    def __getitem__(self, name: str) -> StepRun:
        """Return what a step did; the test fails where the step did not come to its end."""
        if name not in self.steps:
            msg = f"the step {name} did not come to its end: {self.error!r}"
            raise AssertionError(msg)
        return self.steps[name]


def record(
    run: Callable[[], object],
    modules: Sequence[ModuleType],
    results: Mapping[str, Sequence[str]],
    logger: str,
    folder: Path,
    keep: Callable[[Any], Any] = type,
) -> PipelineRun:
    """Call ``run`` and record the steps, functions of ``modules``, while it runs.

    results  the names of what each of the steps returns
    logger   the name of the logger displayed values go to
    folder   where standard output is kept meanwhile
    keep     called on each argument and result: what it returns is kept beside them
    """
    done = PipelineRun()
    homes = {name: next(each for each in modules if hasattr(each, name)) for name in results}
    originals = {name: getattr(home, name) for name, home in homes.items()}
    with _standard_output(folder / "printed.txt") as printed, _messages(logger) as logged:
        recorder = _Recorder(done, printed, logged, keep)
        for name, returned in results.items():
            setattr(homes[name], name, recorder.recorded(originals[name], returned))
        started = time.perf_counter()
        try:
            run()
        except (Exception, SystemExit) as error:
            done.error = error
        finally:
            for name, original in originals.items():
                setattr(homes[name], name, original)
        done.printed, done.seconds = printed(), time.perf_counter() - started
    return done


@dataclass
class _Recorder:
    done: PipelineRun
    printed: Callable[[], str]
    logged: list[str]
    keep: Callable[[Any], Any]

    def recorded(self, step: Callable[..., Any], names: Sequence[str]) -> Callable[..., Any]:
        """Return ``step`` as a function that records what it does; ``names`` are those of its results."""

        async def call_async(*arguments: Any) -> Any:
            run = self.begin(arguments)
            return self.end(step.__name__, run, names, await step(*arguments))

        def call(*arguments: Any) -> Any:
            run = self.begin(arguments)
            return self.end(step.__name__, run, names, step(*arguments))

        return call_async if inspect.iscoroutinefunction(step) else call

    def begin(self, arguments: tuple[Any, ...]) -> StepRun:
        """Keep what the step is given, and what was printed and logged before."""
        return StepRun(self.printed(), list(self.logged), {}, tuple(self.keep(each) for each in arguments))

    def end(self, name: str, run: StepRun, names: Sequence[str], value: Any) -> Any:
        """Keep what the step has printed, logged and returned since."""
        run.printed, run.logged = self.printed()[len(run.printed) :], self.logged[len(run.logged) :]
        returned = (value,) if len(names) == 1 else value or ()
        run.results = dict(zip(names, returned, strict=True))
        run.made = {name: self.keep(each) for name, each in run.results.items()}
        self.done.steps[name] = run
        return value


@contextmanager
def _standard_output(file: Path) -> Iterator[Callable[[], str]]:
    """Send standard output to a file, that of other programs too; yield what reads it."""
    sys.stdout.flush()
    kept = os.dup(1)
    with file.open("w", encoding="utf-8", errors="replace", buffering=1) as stream, redirect_stdout(stream):
        os.dup2(stream.fileno(), 1)

        def read() -> str:
            stream.flush()
            return file.read_text(encoding="utf-8", errors="replace")

        try:
            yield read
        finally:
            stream.flush()
            os.dup2(kept, 1)
            os.close(kept)


@contextmanager
def _messages(name: str) -> Iterator[list[str]]:
    """Collect what is logged, as text."""
    texts: list[str] = []
    handler = logging.Handler(logging.INFO)
    handler.emit = lambda record: texts.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger(name)
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield texts
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
