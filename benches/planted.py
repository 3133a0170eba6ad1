"""Plants wrong conversions into correct packages, and says which of them verification catches, and where.

    python benches/planted.py [NOTEBOOK …] --python PYTHON [--each N] [--only KIND] [--results FILE]

Without notebooks: our own stories that are more than a construct. Each notebook is converted and run twice;
its untouched package, and the same package with its modules reformatted, must be equal. Then each kind of
mistake a converter could make is planted, one at a time, by editing the syntax tree of its modules of steps,
`pipeline.py` or `config.py`, and the package is run again. A plant is caught where the verdict is not `equal`, and
caught at the right step where the first difference names the step it was planted in. What is missed is printed
with what was planted: either nothing observable has changed, or verification is blind there.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import shutil
import sys
import tempfile
from collections import Counter
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from plants import Plant, files_of_steps, plants  # noqa: E402 - a bench beside this one

from nb2prod.convert.api import convert_notebook  # noqa: E402 - the checkout's, not an installed one
from nb2prod.convert.write import write_package  # noqa: E402 - the same
from nb2prod.errors import RefusedError  # noqa: E402 - the same
from nb2prod.verify.confine import confining  # noqa: E402 - the same
from nb2prod.verify.folder import climbing_paths  # noqa: E402 - the same
from nb2prod.verify.interpreter import Interpreter, find_interpreter  # noqa: E402 - the same
from nb2prod.verify.notebook_run import run_notebook  # noqa: E402 - the same
from nb2prod.verify.package_run import run_package  # noqa: E402 - the same
from nb2prod.verify.sandbox import Sandbox, sandbox  # noqa: E402 - the same
from nb2prod.verify.subject import Subject, load_subject  # noqa: E402 - the same
from nb2prod.verify.verdict import SEED, Options, compare_runs, package_seconds  # noqa: E402 - the same

if TYPE_CHECKING:
    from collections.abc import Iterator


STORIES = (
    "churn", "sales_forecast", "invoice_classification", "constructs_mutation_across_cells", "constructs_figures",
    "constructs_random_draws_seeded", "constructs_displayed_values", "constructs_generator_between_cells",
    "constructs_augmented_assignment_of_list", "constructs_writefile", "constructs_global_counter",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a plant; ``named`` is the step of the first difference."""

    notebook: str
    kind: str
    step: str | None
    what: str
    caught: bool
    named: str | None
    difference: str


class Bed:
    """A notebook that has run, into whose package mistakes are planted."""

    def __init__(self, subject: Subject, interpreter: Interpreter, box: Sandbox, options: Options) -> None:
        self.subject, self.interpreter, self.box, self.options = subject, interpreter, box, options
        self.runs = [
            run_notebook(subject, interpreter, box, number=number, seed=SEED, progress=lambda *_: None)
            for number in (1, 2)
        ]
        failure = self.runs[-1].trace.failure or self.runs[0].trace.failure
        if failure is not None:
            raise SystemExit(f"{subject.path}: cell {failure.cell}: {failure.kind}: {failure.message}")

    def outcome(self, plant: Plant | None) -> Outcome:
        """Run the package with a plant in it, or untouched."""
        folder = self.box.folder / "planted"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.subject.folder, folder)
        if plant is not None:
            (folder / "src" / self.subject.package / plant.file).write_text(plant.source, encoding="utf-8")
        subject = replace(self.subject, folder=folder)
        seconds = min(120.0, package_seconds(self.options, self.runs))
        run = run_package(subject, self.interpreter, self.box, seed=SEED, seconds=seconds, arguments=())
        comparison, differences = compare_runs(subject, self.runs, run, self.options.tolerance)
        first = differences[0] if differences else None
        said = f"{first.found.kind} {first.found.name}{first.found.difference.path}" if first else ""
        return Outcome(
            self.subject.path.parent.name,
            plant.kind if plant else "untouched",
            plant.step if plant else None,
            plant.what if plant else "",
            comparison.verdict != "equal",
            first.step if first else None,
            said,
        )


def plant_all(notebook: Path, python: str, each: int, only: str | None) -> Iterator[Outcome]:
    """Yield the outcome of every plant in the package of one notebook, the untouched package first."""
    with tempfile.TemporaryDirectory(prefix="planted-") as scratch:
        out = Path(scratch, "out")
        write_package(convert_notebook(notebook).package, out)
        subject = load_subject(notebook, out)
        folder = notebook.resolve().parent
        interpreter = find_interpreter(python, None)
        options = Options(python=python, allow_effects=True)
        with sandbox(
            folder,
            leave_out=frozenset(),
            extra=climbing_paths(subject.notebook, folder),
            copy_limit=options.copy_limit,
            limits=options.limits,
            confine=lambda here: confining([here]),
        ) as box:
            bed = Bed(subject, interpreter, box, options)
            yield bed.outcome(None)
            for file in files_of_steps(subject.manifest):
                steps = subject.source / subject.package / file
                again = ast.unparse(ast.parse(steps.read_text(encoding="utf-8")))
                yield replace(bed.outcome(Plant("reformatted", None, "", file, again)), kind="untouched")
            for plant in plants(subject, bed.runs[0], each):
                if only is None or only == plant.kind:
                    yield bed.outcome(plant)


def planted(notebook: Path, given: argparse.Namespace) -> Iterator[Outcome]:
    """Yield the outcomes of one notebook; none, and say so, where it is not converted."""
    try:
        yield from plant_all(notebook, given.python, given.each, given.only)
    except RefusedError as error:
        print(f"{notebook.parent.name}: refused: {error}", flush=True)


def report(outcomes: list[Outcome]) -> int:
    """Print caught and missed by kind, then what was missed; return how many were."""
    planted = [outcome for outcome in outcomes if outcome.kind != "untouched"]
    print(f"\n{'kind':26}{'planted':>9}{'caught':>8}{'at its step':>13}")
    for kind in dict.fromkeys(outcome.kind for outcome in planted):
        chosen = [outcome for outcome in planted if outcome.kind == kind]
        caught = [outcome for outcome in chosen if outcome.caught]
        here = sum(outcome.named == outcome.step for outcome in caught if outcome.step is not None)
        known = sum(outcome.step is not None for outcome in caught)
        print(f"{kind:26}{len(chosen):>9}{len(caught):>8}{f'{here} of {known}':>13}")
    counts = Counter(outcome.caught for outcome in planted)
    kinds = len({outcome.kind for outcome in planted})
    print(f"\n{len(planted)} plants of {kinds} kinds: {counts[True]} caught, {counts[False]} missed")
    for outcome in planted:
        if not outcome.caught:
            print(f"missed: {outcome.notebook}, step {outcome.step}, {outcome.kind}: {outcome.what}")
        elif outcome.step is not None and outcome.named != outcome.step:
            print(
                f"elsewhere: {outcome.notebook}, {outcome.kind} in {outcome.step}, "
                f"named {outcome.named} ({outcome.difference}): {outcome.what}"
            )
    wrong = [outcome for outcome in outcomes if outcome.kind == "untouched" and outcome.caught]
    for outcome in wrong:
        print(f"NOT EQUAL BEFORE PLANTING: {outcome.notebook}: {outcome.difference} (step {outcome.named})")
    return counts[False] + len(wrong)


def main() -> None:
    """Read the command line, plant, print the table; exit 1 where something was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("notebooks", nargs="*", type=Path)
    parser.add_argument("--python", default=sys.executable, help="interpreter that has the notebooks' libraries")
    parser.add_argument("--each", type=int, default=2, metavar="N", help="plants of a kind in one package")
    parser.add_argument("--only", metavar="KIND", help="one kind of plant")
    parser.add_argument("--results", type=Path, metavar="FILE", help="append one JSON object a plant")
    given = parser.parse_args()
    notebooks = given.notebooks or [ROOT / "fixtures" / "cases" / story / "notebook.ipynb" for story in STORIES]
    os.environ.pop("PYTHONPATH", None)
    outcomes: list[Outcome] = []
    for notebook in notebooks:
        for outcome in planted(notebook, given):
            outcomes.append(outcome)
            word = "caught" if outcome.caught else "equal"
            print(
                f"{outcome.notebook}: {outcome.kind} in {outcome.step}: {word}, {outcome.named} {outcome.difference}",
                flush=True,
            )
            if given.results is not None:
                with given.results.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(asdict(outcome)) + "\n")
    raise SystemExit(1 if report(outcomes) else 0)


if __name__ == "__main__":
    main()
