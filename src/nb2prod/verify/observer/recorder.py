# ruff: noqa: BLE001 - looking at somebody else's values may raise anything
"""The file a run is recorded in: events as JSON lines."""

from __future__ import annotations

import json
import os
import platform
import sys
import threading
import traceback
from typing import TYPE_CHECKING, Any

from .digests import digest, digest_figure
from .generators import Generators
from .settings import Settings

if TYPE_CHECKING:
    from .writing import Digest


class Recorder:
    """Appends events to a file as JSON lines, each flushed, so that a run that is killed leaves what it had.

    Processes forked from the observed one record nothing.
    """

    def __init__(self, path: str) -> None:
        self.path = os.path.abspath(path)  # noqa: PTH100 - the run may change its folder
        self.process = os.getpid()
        self.lock = threading.RLock()
        self.numbers: dict[Any, int] = {}
        self.generators = Generators()
        self.settings = Settings()

    def write(self, event: dict[str, Any]) -> None:
        """Append an event."""
        if os.getpid() != self.process:
            return
        line = json.dumps(event) + "\n"
        with self.lock, open(self.path, "a", encoding="ascii") as file:  # noqa: PTH123
            file.write(line)

    def value(self, step: str, name: str, role: str, obj: Any, cell: int | None) -> None:
        """Record a variable as it is when a step has ended."""
        self.digest_of_value(step, name, role, digest(obj), cell)

    def digest_of_value(self, step: str, name: str, role: str, found: Digest, cell: int | None) -> None:
        """Record the digest of a variable."""
        self.write({"event": "value", "step": step, "name": name, "role": role, "cell": cell, "digest": found})

    def states(self, step: str, cell: int | None) -> None:
        """Record the states of the global random generators, and the libraries' settings, as a step has ended."""
        for role, states in (("generator", self.generators.states()), ("setting", self.settings.states())):
            for name, state in states.items():
                self.digest_of_value(step, name, role, {"kind": "exact", "type": role, "value": state}, cell)

    def displayed(self, cell: int | None, number: int, obj: Any, line: int | None = None) -> None:
        """Record a displayed value; ``number`` is 0 for the value of the cell, else counts calls of ``display``."""
        self.write({"event": "displayed", "cell": cell, "number": number, "line": line, "digest": digest(obj)})

    def figure(self, cell: int | None, number: int, fig: Any, line: int | None = None) -> None:
        """Record a figure as it is when it is shown, ``number`` counting from 1 within the cell."""
        found = digest_figure(fig)
        self.write({"event": "figure", "cell": cell, "number": number, "line": line, "digest": found})

    def started(self, cell: int | None) -> None:
        """Record that a cell starts."""
        self.write({"event": "started", "cell": cell})

    def ended(self, cell: int | None, seconds: float) -> None:
        """Record that a cell has ended, and how long it took."""
        self.write({"event": "ended", "cell": cell, "seconds": seconds})

    def failure(self, cell: int | None, step: str | None, error: BaseException) -> None:
        """Record an exception that ended a cell or a step."""
        lines = traceback.format_exception(type(error), error, error.__traceback__)
        message = _message(error)
        self.write({"event": "failure", "cell": cell, "step": step, "kind": type(error).__name__, "message": message,
                    "traceback": "".join(lines)})  # fmt: skip

    def note(self, text: str, cell: int | None = None) -> None:
        """Record something that makes the record less complete than it should be."""
        self.write({"event": "note", "text": text, "cell": cell})

    def environment(self) -> None:
        """Record the interpreter and the versions of what is loaded, if more is loaded than before."""
        found = {"python": platform.python_version(), "implementation": platform.python_implementation(),
                 "platform": platform.platform()}  # fmt: skip
        for name, module in list(sys.modules.items()):
            version = getattr(module, "__dict__", {}).get("__version__")
            if "." not in name and not name.startswith("_") and isinstance(version, str):
                found[name] = version
        if self.count("environment", len(found)) == 1:
            self.write({"event": "environment", "versions": found})

    def count(self, *key: Any) -> int:
        """Return how many times it has been called with ``key``, this time included."""
        self.numbers[key] = self.numbers.get(key, 0) + 1
        return self.numbers[key]


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as failed:
        return f"its text cannot be made: {type(failed).__name__}"
