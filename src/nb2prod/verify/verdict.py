"""Verification from end to end: read, refuse, run, compare, and say how it came out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal

from nb2prod.analysis import analyse_notebook
from nb2prod.convert.included import include_runs
from nb2prod.convert.knowledge import knowledge
from nb2prod.convert.magics import INSTALLS
from nb2prod.errors import Nb2ProdError
from nb2prod.verify.cells import ending_inside
from nb2prod.verify.compare import Comparison, compare_traces
from nb2prod.verify.confine import confining
from nb2prod.verify.effects import Effect, outside_effects
from nb2prod.verify.folder import climbing_paths
from nb2prod.verify.interpreter import find_interpreter
from nb2prod.verify.notebook_run import run_notebook
from nb2prod.verify.package_run import run_package
from nb2prod.verify.places import Located, places_of
from nb2prod.verify.processes import ending_on_signals
from nb2prod.verify.removed import Removed, likely_removed
from nb2prod.verify.sandbox import Limits, sandbox
from nb2prod.verify.tally import Skipped
from nb2prod.verify.tolerance import Tolerance

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from nb2prod.notebook.model import Notebook
    from nb2prod.verify.interpreter import Interpreter
    from nb2prod.verify.run import Run
    from nb2prod.verify.sandbox import Sandbox
    from nb2prod.verify.subject import Subject
    from nb2prod.verify.trace import Trace

Verdict = Literal["equal", "different", "notebook fails", "nothing comparable"]
EXIT_CODES: Final[dict[Verdict, int]] = {"equal": 0, "different": 1, "notebook fails": 4, "nothing comparable": 5}
SEED: Final = 1729
_RUNS = (1, 2)
# How often a notebook is run whose own runs differ, before the package is called different.
MOST_RUNS: Final = 4
_INSIDE = "its step ends inside of a %run, in which another one goes on"
_INSTALLING: Final = "the cell does nothing but install"
_WORKING: Final = "the cell only concerns working in the notebook"
_PAGE: Final = "what it shows is only for the notebook's page, or kept from it"


class EffectsRefusedError(Nb2ProdError):
    """The notebook reaches out of its folder, and nobody has allowed it; ``effects`` says where."""

    exit_code = 2

    def __init__(self, name: str, effects: tuple[Effect, ...]) -> None:
        lines = "".join(f"\n  {effect}" for effect in effects)
        super().__init__(
            f"{name}: is not run, because it reaches beyond its folder; --allow-effects runs it all the same{lines}"
        )
        self.effects = effects


@dataclass(frozen=True, slots=True)
class Options:
    """What a verification may be told.

    python, kernel  name the interpreter that has the notebook's libraries; neither: the one that runs us
    runs            of the notebook, 1 or 2; with one, what is nondeterministic counts as different; with two,
                    a notebook whose own runs differ is run up to ``MOST_RUNS`` times before the package is
                    called different
    copy_limit      bytes of the notebook's folder that may be copied
    arguments       options for the package, such as required fields of its configuration
    """

    python: str | None = None
    kernel: str | None = None
    runs: int = 2
    tolerance: Tolerance = field(default_factory=Tolerance)
    allow_effects: bool = False
    limits: Limits = field(default_factory=Limits)
    copy_limit: int = 10 * 1024**3
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verification:
    """How a verification came out.

    notebook     the notebook's runs, in order; the last one failed where the verdict is ``notebook fails``
    package      the package's run; None where it was not run
    comparison   None where the notebook fails
    differences  those of the comparison, located, the one a person should see first at the beginning
    hint         what the notebook's failure is likely about
    effects      what was found and allowed
    confined     the system kept the runs from changing files outside their folder
    """

    subject: Subject
    options: Options
    interpreter: Interpreter
    verdict: Verdict
    notebook: tuple[Run, ...]
    package: Run | None
    comparison: Comparison | None
    differences: tuple[Located, ...]
    hint: Removed | None
    effects: tuple[Effect, ...]
    confined: bool

    @property
    def exit_code(self) -> int:
        """The exit code of ``nb2prod verify``."""
        return EXIT_CODES[self.verdict]


def _no_progress(run: int, done: int, cells: int) -> None:
    """Say nothing of how far a run is."""


def _no_announcement(python: str) -> None:
    """Say nothing of what is about to run."""


def verify(
    subject: Subject,
    options: Options | None = None,
    progress: Callable[[int, int, int], None] = _no_progress,
    announce: Callable[[str], None] = _no_announcement,
) -> Verification:
    """Run the notebook and the package, and compare.

    Executes the notebook's code, in a temporary folder that is gone afterwards, whatever happens; no process
    of a run is left.

    progress  called before each cell: number of the run (0: the package), cells done, cells
    announce  called with the interpreter's path once it is certain that the notebook will be executed

    Raises EffectsRefusedError, and ConfigurationError where nothing can be run.
    """
    options = options or Options()
    if options.runs not in _RUNS:
        raise ValueError(f"a notebook is run once or twice, not {options.runs} times")
    whole = include_runs(subject.notebook)
    effects = outside_effects(analyse_notebook(whole))
    if effects and not options.allow_effects:
        raise EffectsRefusedError(subject.path.name, effects)
    interpreter = find_interpreter(options.python, options.kernel)
    announce(interpreter.path)
    folder = subject.path.parent
    with (
        ending_on_signals(),
        sandbox(
            folder,
            leave_out=frozenset({subject.folder}),
            extra=climbing_paths(whole, folder),
            copy_limit=options.copy_limit,
            limits=options.limits,
            confine=(lambda _: None) if options.allow_effects else (lambda here: confining([here])),
        ) as box,
    ):
        return _verify(subject, options, interpreter, box, effects, progress)


def _verify(
    subject: Subject,
    options: Options,
    interpreter: Interpreter,
    box: Sandbox,
    effects: tuple[Effect, ...],
    progress: Callable[[int, int, int], None],
) -> Verification:
    runs: list[Run] = []

    def fails() -> Verification | None:
        """Run the notebook once more; say how it failed, if it did."""
        runs.append(run_notebook(subject, interpreter, box, number=len(runs) + 1, seed=SEED, progress=progress))
        return outcome("notebook fails") if runs[-1].trace.failure is not None else None

    def outcome(
        verdict: Verdict,
        package: Run | None = None,
        comparison: Comparison | None = None,
        differences: tuple[Located, ...] = (),
    ) -> Verification:
        return Verification(
            subject,
            options,
            interpreter,
            verdict,
            tuple(runs),
            package,
            comparison,
            differences,
            _hint(subject, runs[-1]),
            effects,
            box.confine is not None,
        )

    while len(runs) < options.runs:
        if failed := fails():
            return failed
    progress(0, 0, 0)
    package = run_package(
        subject, interpreter, box, seed=SEED, seconds=package_seconds(options, runs), arguments=options.arguments
    )
    comparison, differences = compare_runs(subject, runs, package, options.tolerance)
    # Where draws nobody can seed decide about a few values, two runs may agree by chance.
    while comparison.verdict == "different" and comparison.nondeterministic and len(runs) < MOST_RUNS:
        if failed := fails():
            return failed
        comparison, differences = compare_runs(subject, runs, package, options.tolerance)
    return outcome(comparison.verdict, package, comparison, differences)


def package_seconds(options: Options, runs: Sequence[Run]) -> float:
    """Return how long a package may run: one that takes many times as long as its notebook hangs."""
    return min(options.limits.total, options.limits.cell + 5 * max(run.trace.seconds for run in runs))


def compare_runs(
    subject: Subject, runs: Sequence[Run], package: Run, tolerance: Tolerance
) -> tuple[Comparison, tuple[Located, ...]]:
    """Hold a package's run against the notebook's; the differences come with their places, the first one first."""
    unseen = _cells_not_compared(subject.notebook)
    inside = ending_inside(subject.manifest)
    installing = _cells_dropped_for(subject, {INSTALLS})
    working = _cells_dropped_for(subject, {INSTALLS, *knowledge().dropped.values()})
    said = sorted(working.intersection(each for each in runs[0].cells_out if each is not None))
    package, *runs = [_without_lines_of(run, working) for run in (package, *runs)]
    trace, first, *others = [_without_displays_of(run.trace, unseen.keys() | working) for run in (package, *runs)]
    trace = replace(trace, values=tuple(each for each in trace.values if each.step not in inside))
    second, *more = others or [first]
    comparison = compare_traces(first, second, trace, tolerance, more=more, called=subject.package)
    skipped = tuple(Skipped("displayed", None, cell, f"%%{name}", _PAGE) for cell, name in unseen.items())
    skipped += tuple(
        Skipped("printed", None, cell, "every line", _INSTALLING if cell in installing else _WORKING) for cell in said
    )
    skipped += tuple(Skipped("value", each.step, each.cell, each.name, _INSIDE) for each in package.trace.values
                     if each.step in inside and each.role == "result")  # fmt: skip
    comparison = replace(comparison, skipped=(*comparison.skipped, *skipped))
    return comparison, _located(subject, comparison, runs[0])


def _cells_not_compared(notebook: Notebook) -> dict[int, str]:
    """Return the cells whose body goes to the notebook's page (``%%html``) or is kept from it, and their magic."""
    first = ((cell.index, cell.magics[0]) for cell in notebook.code_cells if cell.magics)
    return {
        index: magic.name
        for index, magic in first
        if magic.kind == "cell"
        and (
            magic.name in knowledge().foreign
            or (magic.name == "capture" and "--no-display" not in magic.argument.split())
        )
    }


def _cells_dropped_for(subject: Subject, reasons: Collection[str]) -> frozenset[int]:
    """Return the cells all of which was left out for these reasons: that they install, or serve work in the notebook.

    What they print is about the machine or the kernel, and no package prints it.
    """
    rows = subject.manifest["statements"]
    others = {row["cell"] for row in rows if row.get("reason") not in reasons}
    return frozenset(row["cell"] for row in rows) - others


def _without_lines_of(run: Run, cells: Collection[int]) -> Run:
    if not run.cells_out:  # a package's
        return run
    kept = [(line, cell) for line, cell in zip(run.trace.out, run.cells_out, strict=True) if cell not in cells]
    lines, cells_out = zip(*kept, strict=True) if kept else ((), ())
    return replace(run, trace=replace(run.trace, out=lines), cells_out=cells_out)


def _without_displays_of(trace: Trace, cells: Collection[int]) -> Trace:
    return replace(trace, displayed=tuple(each for each in trace.displayed if each.cell not in cells))


def _located(subject: Subject, comparison: Comparison, run: Run) -> tuple[Located, ...]:
    places = places_of(subject)
    located = []
    for found in comparison.differences:
        cell = None
        if found.kind == "printed":
            number = int(found.name.removeprefix("line "))
            cell = run.cells_out[min(number, len(run.cells_out)) - 1] if run.cells_out else None
        located.append(places.locate(found, cell))
    return places.ordered(located)


def _hint(subject: Subject, run: Run) -> Removed | None:
    failure = run.trace.failure
    if failure is None:
        return None
    cell = next((cell for cell in subject.notebook.code_cells if cell.index == failure.cell), None)
    code = cell.lines[run.line - 1] if cell is not None and run.line is not None and run.line <= len(cell.lines) else ""
    return likely_removed(failure, code)
