"""A run of the pipeline, recorded: what each step printed and displayed."""

from __future__ import annotations

import inspect
import logging
import os
import sys
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path
    from types import ModuleType


@dataclass
class StepRun:
    """What one step printed to standard output, the messages it logged, and what it returned, by name."""

    printed: str = ""
    logged: list[str] = field(default_factory=list)
    results: dict[str, Any] = field(default_factory=dict)

    def displayed(self, name: str | None = None) -> list[str]:
        """Return the texts the step displayed under ``name``; without a name, all that was logged."""
        if name is None:
            return self.logged
        return [text[len(name) + 2 :] for text in self.logged if text.startswith((f"{name}: ", f"{name}:\n"))]


@dataclass
class PipelineRun:
    """The steps that came to their end, by name, and what ended the run too early."""

    printed: str = ""
    steps: dict[str, StepRun] = field(default_factory=dict)
    error: BaseException | None = None

    def __getitem__(self, name: str) -> StepRun:
        """Return what a step did; the test fails where the step did not come to its end."""
        if name not in self.steps:
            pytest.fail(f"the step {name} did not come to its end: {self.error!r}")
        return self.steps[name]


def record(
    run: Callable[[], object], steps: ModuleType, results: Mapping[str, Sequence[str]], logger: str, folder: Path
) -> PipelineRun:
    """Call ``run`` and record functions of the module ``steps`` while it runs.

    results  the names of what each of these functions returns
    logger   the name of the logger displayed values go to
    folder   where standard output is kept meanwhile
    """
    done = PipelineRun()
    with (
        _standard_output(folder / "printed.txt") as printed,
        _messages(logger) as logged,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, returned in results.items():
            patch.setattr(steps, name, _recorded(getattr(steps, name), returned, done, printed, logged))
        try:
            run()
        except (Exception, SystemExit) as error:
            done.error = error
        done.printed = printed()
    return done


def _recorded(
    step: Callable[..., Any], names: Sequence[str], done: PipelineRun, printed: Callable[[], str], logged: list[str]
) -> Callable[..., Any]:
    def keep(value: Any, before: int, messages: int) -> Any:
        results = zip(names, (value,) if len(names) == 1 else value or (), strict=True)
        done.steps[step.__name__] = StepRun(printed()[before:], logged[messages:], dict(results))
        return value

    async def call_async(*arguments: Any, **options: Any) -> Any:
        before, messages = len(printed()), len(logged)
        return keep(await step(*arguments, **options), before, messages)

    def call(*arguments: Any, **options: Any) -> Any:
        before, messages = len(printed()), len(logged)
        return keep(step(*arguments, **options), before, messages)

    return call_async if inspect.iscoroutinefunction(step) else call


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
