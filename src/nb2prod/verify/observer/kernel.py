# ruff: noqa: BLE001 - looking at somebody else's values may raise anything
"""Observes a notebook from inside its kernel."""

from __future__ import annotations

import ast
import builtins
import contextlib
import functools
import itertools
import sys
import time
from typing import TYPE_CHECKING, Any

from .digests import digest_of_name
from .figures import is_figure
from .recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_FIRE = "__nb2prod_observe__"


def install_in_kernel(
    points: Sequence[dict[str, Any]],
    recorder_path: str,
    seed: int | None,
    cells: Sequence[dict[str, Any]],
    shell: Any = None,
) -> Recorder:
    """Observe what the kernel of this process runs from now on.

    points  ``verify.trace.Point`` as dicts: ``step``, ``cell``, ``statement``, ``names`` (name and role)
    seed    for ``Generators.seed``; None seeds nothing
    cells   the code cells in the order they will run: ``cell``, ``source`` and ``groups``, the number of
            nb2prod's statements in each top-level statement of the kernel (``verify.cells`` makes them).
            The cell that runs is told by its source
    """
    shell = shell or sys.modules["IPython"].get_ipython()
    recorder = Recorder(recorder_path)
    if seed is not None:
        recorder.generators.seed(seed)
    recorder.settings.watch()
    _Kernel(shell, recorder, points, cells).install()
    return recorder


class _Kernel:
    """The hooks in a kernel, and what they have to remember."""

    def __init__(self, shell: Any, recorder: Recorder, points: Sequence[Any], cells: Sequence[Any]) -> None:
        self.shell, self.recorder, self.points = shell, recorder, points
        self.cells = list(cells)
        self.next = 0
        self.depth = 0
        self.cell: int | None = None
        self.groups: Sequence[int] = ()
        self.armed = False
        self.result = False
        self.waiting: list[int] = []
        self.since = 0.0

    def install(self) -> None:
        setattr(builtins, _FIRE, self.fire)
        self.shell.ast_transformers.append(self)
        self.shell.events.register("pre_run_cell", self.before_cell)
        self.shell.events.register("post_run_cell", self.after_cell)
        formatter, hook = self.shell.display_formatter, self.shell.displayhook
        format_value, compute = formatter.format, hook.compute_format_data

        @functools.wraps(format_value)
        def format_and_record(obj: Any, *args: Any, **options: Any) -> Any:
            self.guarded(self.shown, obj)
            return format_value(obj, *args, **options)

        @functools.wraps(compute)
        def compute_and_record(result: Any) -> Any:
            self.result = True
            try:
                return compute(result)
            finally:
                self.result = False

        formatter.format = format_and_record
        hook.compute_format_data = compute_and_record

    def guarded(self, function: Callable[..., object], *args: Any) -> None:
        """Call a function of ours; if it fails the run must not."""
        try:
            function(*args)
        except Exception as error:
            with contextlib.suppress(Exception):
                self.recorder.note(f"the observer failed: {error!r}", self.cell)

    def before_cell(self, info: Any = None) -> None:
        """Find out which cell starts. Cells run inside a cell (``%%capture``) are part of it."""
        self.depth += 1
        if self.depth > 1:
            return
        source = _lines(getattr(info, "raw_cell", ""))
        found = next(
            (at for at in range(self.next, len(self.cells)) if _lines(self.cells[at]["source"]) == source), None
        )
        if found is None:
            self.cell, self.groups, self.waiting = None, (), []
            self.recorder.note("a cell runs that is not in the notebook")
        else:
            self.next = found + 1
            self.cell, self.groups = self.cells[found]["cell"], self.cells[found]["groups"]
            self.waiting = [at for at, point in enumerate(self.points) if point["cell"] == self.cell]
        self.armed = True
        self.recorder.started(self.cell)
        self.since = time.monotonic()

    def after_cell(self, result: Any = None) -> None:
        """Look at the points that are left, and note how the cell ended."""
        info = getattr(result, "info", None)
        if self.depth == 0 or (info is not None and not str(info.raw_cell).strip()):
            return
        self.depth -= 1
        if self.depth:
            return
        seconds = time.monotonic() - self.since
        self.armed = False
        for number in list(self.waiting):
            self.fire(number)
        error = getattr(result, "error_before_exec", None) or getattr(result, "error_in_exec", None)
        if isinstance(error, BaseException):
            self.guarded(self.recorder.failure, self.cell, None, error)
        self.guarded(self.recorder.ended, self.cell, seconds)
        self.guarded(self.recorder.environment)
        self.cell = None

    def visit(self, node: Any) -> Any:
        """Insert a look after each statement that ends a step, save for the last, whose value is displayed."""
        if not self.armed:  # code that a magic compiles while the cell runs
            return node
        self.armed = False
        if not self.waiting:
            return node
        if len(self.groups) != len(node.body):
            if len(node.body) > 1:
                self.recorder.note(f"the kernel counts {len(node.body)} statements, not {len(self.groups)}", self.cell)
            return node
        ends = list(itertools.accumulate(self.groups))
        body = []
        for number, statement in enumerate(node.body):
            body.append(statement)
            if number == len(node.body) - 1:
                break
            first = ends[number - 1] if number else 0
            for at in self.waiting:
                if first < self.points[at]["statement"] <= ends[number]:
                    call = ast.Call(ast.Name(_FIRE, ast.Load()), [ast.Constant(at)], [])
                    # An `if`, no expression: whatever the kernel displays, it is not this.
                    look = ast.copy_location(ast.If(call, [ast.Pass()], []), statement)
                    body.append(ast.fix_missing_locations(look))
        node.body = body
        return node

    def fire(self, number: int) -> None:
        """Record the variables of a point."""
        if number in self.waiting:
            self.waiting.remove(number)
            self.guarded(self.look, self.points[number])

    def look(self, point: dict[str, Any]) -> None:
        space = self.shell.user_ns
        for name, role in point["names"]:
            found = digest_of_name(space, name)
            self.recorder.digest_of_value(point["step"], name, role, found, point["cell"])
        self.recorder.states(point["step"], point["cell"])

    def shown(self, obj: Any) -> None:
        if is_figure(obj):
            if obj.axes or obj.lines:
                self.recorder.figure(self.cell, self.recorder.count("figure", self.cell), obj)
        elif self.result:
            self.recorder.displayed(self.cell, 0, obj)
        elif not _from_backend():
            self.recorder.displayed(self.cell, self.recorder.count("display", self.cell), obj)


def _from_backend() -> bool:
    """Tell whether a matplotlib backend displays: the page of an interactive figure is no value."""
    frame: Any = sys._getframe()  # noqa: SLF001 - nothing else tells who called
    while frame is not None:
        if frame.f_globals.get("__name__", "").startswith("matplotlib.backends."):
            return True
        frame = frame.f_back
    return False


def _lines(source: Any) -> str:
    return "\n".join(str(source).splitlines()).strip()
