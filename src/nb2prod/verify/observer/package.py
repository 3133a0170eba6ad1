# ruff: noqa: B905, BLE001 - CPython 3.8 and later; looking at somebody else's values may raise anything
"""Observes a package from inside its process."""

from __future__ import annotations
import __future__ as future

import ast
import builtins
import contextlib
import copy
import functools
import importlib
import importlib.util
import inspect
import operator
import sys
import traceback
from typing import TYPE_CHECKING, Any

from .digests import UNBOUND, digest_of_name
from .recorder import Recorder
from .statements import cells_of, module_of, observed_names, only_of_step

if TYPE_CHECKING:
    from collections.abc import Callable

_KEEP = "__nb2prod_keep__"
_FUTURE = functools.reduce(operator.or_, (getattr(future, name).compiler_flag for name in future.all_feature_names))


def install_in_package(package: str, manifest: dict[str, Any], recorder_path: str, seed: int | None) -> Recorder:
    """Observe what the package of that name computes from now on; its folder must be importable.

    Imports the modules that hold the package's steps, as its own run does; raises what that raises.
    """
    recorder = Recorder(recorder_path)
    if seed is not None:
        recorder.generators.seed(seed)
    recorder.settings.watch()
    watch = _Package(recorder, package, manifest)
    watch.install_displays()
    modules = dict.fromkeys(map(module_of, manifest["steps"]))
    try:
        loaded = {name: importlib.import_module(f"{package}.{name}") for name in modules}
    except BaseException as error:
        recorder.failure(None, None, error)
        raise
    for name, module in loaded.items():
        watch.install_steps(module, [row for row in manifest["steps"] if module_of(row) == name])
    return recorder


class _Package:
    """The hooks in a package, and what they have to remember."""

    def __init__(self, recorder: Recorder, package: str, manifest: dict[str, Any]) -> None:
        self.recorder, self.package, self.manifest = recorder, package, manifest
        self.files: dict[str, str] = {}
        self.bodies: dict[str, list[tuple[int, int, int]]] = {}
        self.ending: dict[str, dict[str, Any]] = {}
        self.cell: int | None = None

    def guarded(self, function: Callable[..., object], *args: Any) -> None:
        """Call a function of ours; if it fails the run must not."""
        try:
            function(*args)
        except Exception as error:
            with contextlib.suppress(Exception):
                self.recorder.note(f"the observer failed: {error!r}")

    def install_displays(self) -> None:
        """Record what the package shows; its modules ``display`` and ``figures`` exist where it needs them."""
        display = self._module("display")
        if display is not None:
            show, show_all = display.show, display.display

            @functools.wraps(show)
            def show_and_record(name: str, value: Any) -> Any:
                self.guarded(self.shown, value)
                return show(name, value)

            @functools.wraps(show_all)
            def display_and_record(*objects: Any, **options: Any) -> Any:
                if not options.get("raw"):
                    for value in objects:
                        self.guarded(self.displayed, value)
                return show_all(*objects, **options)

            display.show, display.display = show_and_record, display_and_record
        figures = self._module("figures")
        if figures is not None:
            save, end_of_cell = figures.save, figures.end_of_cell

            @functools.wraps(save)
            def save_and_record(figure: Any) -> Any:
                self.guarded(self.saved, figure)
                return save(figure)

            @functools.wraps(end_of_cell)
            def end_of_cell_known(cell: int, **options: Any) -> Any:
                self.cell = cell
                try:
                    return end_of_cell(cell, **options)
                finally:
                    self.cell = None

            figures.save, figures.end_of_cell = save_and_record, end_of_cell_known

    def _module(self, name: str) -> Any:
        # A part of a package of several notebooks has these modules from the package.
        for home in filter(None, (self.package, self.package.rpartition(".")[0])):
            if importlib.util.find_spec(f"{home}.{name}"):
                return importlib.import_module(f"{home}.{name}")
        return None

    def install_steps(self, steps: Any, rows: list[dict[str, Any]]) -> None:
        """Record the results and arguments of every step in a module; ``rows`` are theirs in the manifest."""
        path = str(steps.__file__)
        with open(path, encoding="utf-8") as file:  # noqa: PTH123
            tree = ast.parse(file.read())
        functions = {node.name: node for node in tree.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))}
        for row in rows:
            name = row["name"]
            self.files[name] = path
            function = getattr(steps, name, None)
            if function is None or name not in functions:
                self.recorder.note(f"the package has no step {name}")
                continue
            self.bodies[name] = cells_of(functions[name], self.manifest, row)
            own = only_of_step(functions[name], self.manifest, row)
            if own:
                function = self.kept_at_end(function, functions[name], own)
            setattr(steps, name, self.observed(function, row))

    def kept_at_end(self, function: Any, node: Any, names: Any) -> Any:
        """Return a step that keeps what these names of its own stand for when it ends, until that is recorded.

        An argument that is given another value is another object at the end than the one the caller has. The
        step is compiled again, with a call of ours after all of its statements, which keep their lines.
        """
        name = node.name

        def keep() -> None:
            own = sys._getframe(1).f_locals  # noqa: SLF001 - names of the step that is ending
            self.ending[name] = {each: own.get(each, UNBOUND) for each in names}

        setattr(builtins, _KEEP + name, keep)
        again = copy.deepcopy(node)
        docstring = int(ast.get_docstring(node, clean=False) is not None)
        call = ast.Expr(ast.Call(ast.Name(_KEEP + name, ast.Load()), [], []))
        again.body[docstring:] = [ast.Try(again.body[docstring:], [], [], [call])]
        for each in (again.body[-1], *ast.walk(call)):
            ast.copy_location(each, node.body[-1])
        flags = function.__code__.co_flags & _FUTURE
        code = compile(ast.Module([again], []), self.files[name], "exec", flags=flags, dont_inherit=True)
        space: dict[str, Any] = {}
        exec(code, function.__globals__, space)  # noqa: S102 - the step itself
        return space[name]

    def observed(self, function: Any, row: dict[str, Any]) -> Any:
        """Return a step that records what it returns and what it was given."""
        signature = inspect.signature(function)
        names = observed_names(self.manifest, row["name"])

        def returned(args: Any, options: Any, value: Any) -> None:
            results = row["results"]
            values = dict(zip(results, value)) if len(results) > 1 else dict.fromkeys(results, value)
            given = dict(signature.bind(*args, **options).arguments)
            given.update(self.ending.pop(row["name"], {}))
            cell = row["cells"][-1] if row["cells"] else None
            for name, role in names:
                found = digest_of_name(values if role == "result" else given, name)
                self.recorder.digest_of_value(row["name"], name, role, found, cell)
            self.recorder.states(row["name"], cell)
            self.recorder.environment()

        def failed(error: BaseException) -> None:
            self.recorder.failure(self.cell_of(error, row["name"]), row["name"], error)

        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def waiting(*args: Any, **options: Any) -> Any:
                try:
                    value = await function(*args, **options)
                except BaseException as error:
                    self.guarded(failed, error)
                    raise
                self.guarded(returned, args, options, value)
                return value

            return waiting

        @functools.wraps(function)
        def step(*args: Any, **options: Any) -> Any:
            try:
                value = function(*args, **options)
            except BaseException as error:
                self.guarded(failed, error)
                raise
            self.guarded(returned, args, options, value)
            return value

        return step

    def cell_of(self, error: BaseException, step: str) -> int | None:
        """Return the cell whose statement raised."""
        for frame, line in traceback.walk_tb(error.__traceback__):
            if frame.f_code.co_name == step and frame.f_code.co_filename == self.files[step]:
                return self.at(step, line)
        return None

    def at(self, step: str, line: int) -> int | None:
        """Return the cell that a line of a step comes from."""
        return next((cell for first, last, cell in self.bodies.get(step, ()) if first <= line <= last), None)

    def here(self) -> tuple[int | None, int | None]:
        """Return the cell and the line of the step that is running."""
        frame = sys._getframe()  # noqa: SLF001 - nothing else tells who called
        while frame is not None:
            code = frame.f_code
            if code.co_name in self.bodies and code.co_filename == self.files[code.co_name]:
                cell = self.at(code.co_name, frame.f_lineno)
                return (self.cell if cell is None else cell), frame.f_lineno
            frame = frame.f_back  # type: ignore[assignment]
        return self.cell, None

    def shown(self, value: Any) -> None:
        if value is not None:
            cell, line = self.here()
            self.recorder.displayed(cell, 0, value, line)

    def displayed(self, value: Any) -> None:
        cell, line = self.here()
        self.recorder.displayed(cell, self.recorder.count("display", cell), value, line)

    def saved(self, figure: Any) -> None:
        if figure.axes or figure.lines:
            cell, line = self.here()
            cell = self.cell or cell
            self.recorder.figure(cell, self.recorder.count("figure", cell), figure, line)
