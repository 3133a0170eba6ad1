"""A record of what a run computed, printed, displayed, drew and wrote: the Trace, and its events."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

# A value written down so that it can be compared after its process has ended: JSON, as made by
# ``observer.digest``. ``kind`` says how to compare; the other keys depend on it.
Digest: TypeAlias = dict[str, Any]
Role: TypeAlias = Literal["result", "argument", "generator", "setting"]
# What belongs to the whole process: it says something of a step only where the step has changed it.
OF_PROCESS: frozenset[Role] = frozenset({"generator", "setting"})


@dataclass(frozen=True, slots=True)
class Value:
    """A variable, a global random generator, or a library's settings, as they were when a step ended.

    step    name of the step in the package (and in its manifest)
    name    the variable's name, the same on both sides
    role    ``result`` (the step returns it), ``argument`` (it took it and may have changed it), ``generator``
            or ``setting`` (``name`` is the library's; the digest says the state, or what was changed)
    cell    cell of the last statement of the step that binds or changes it; for messages
    """

    step: str
    name: str
    role: Role
    digest: Digest
    cell: int | None = None


@dataclass(frozen=True, slots=True)
class Displayed:
    """A value the notebook displayed.

    number  0 for the value of the cell, else which value of its calls of ``display``, from 1
    """

    cell: int
    number: int
    digest: Digest


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure as it was when it was saved and closed: its axes, lines, texts and data; no pixels."""

    cell: int | None
    number: int
    digest: Digest


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A file the run made or changed, relative to the folder it ran in."""

    path: str
    sha256: str
    size: int
    digest: Digest | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """The exception that ended the run."""

    cell: int | None
    step: str | None
    kind: str
    message: str
    traceback: str


@dataclass(frozen=True, slots=True)
class Trace:
    """One run.

    out, err  the lines printed, in order
    seconds   of wall time, for the whole run
    memory    peak resident memory in bytes, or None where it cannot be told
    """

    out: tuple[str, ...]
    err: tuple[str, ...]
    values: tuple[Value, ...]
    displayed: tuple[Displayed, ...]
    figures: tuple[Figure, ...]
    files: tuple[WrittenFile, ...]
    failure: Failure | None
    seconds: float
    memory: int | None = None
    cell_seconds: dict[int, float] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Point:
    """A place in the notebook at which a step of the package has ended.

    cell, statement  the statement after which to look: both from 1, statements counted within the cell
    names            the variables to look at, with their role
    """

    step: str
    cell: int
    statement: int
    names: tuple[tuple[str, Literal["result", "argument"]], ...]
