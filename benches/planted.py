"""Plants wrong conversions into correct packages, and says which of them verification catches, and where.

    python benches/planted.py [NOTEBOOK …] --python PYTHON [--each N] [--only KIND] [--results FILE]

Without notebooks: our own stories that are more than a construct. Each notebook is converted and run twice;
its untouched package, and the same package with its modules reformatted, must be equal. Then each kind of
mistake a converter could make is planted, one at a time, by editing the syntax tree of `steps.py`,
`pipeline.py` or `config.py`, and the package is run again. A plant is caught where the verdict is not `equal`, and
caught at the right step where the first difference names the step it was planted in. What is missed is printed
with what was planted: either nothing observable has changed, or verification is blind there.
"""

from __future__ import annotations

import argparse
import ast
import copy
import json
import os
import random
import re
import shutil
import sys
import tempfile
from collections import Counter
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from nb2prod.convert.api import convert_notebook  # noqa: E402 - the checkout's, not an installed one
from nb2prod.convert.write import write_package  # noqa: E402 - the same
from nb2prod.verify.confine import confining  # noqa: E402 - the same
from nb2prod.verify.folder import climbing_paths  # noqa: E402 - the same
from nb2prod.verify.interpreter import Interpreter, find_interpreter  # noqa: E402 - the same
from nb2prod.verify.notebook_run import run_notebook  # noqa: E402 - the same
from nb2prod.verify.package_run import run_package  # noqa: E402 - the same
from nb2prod.verify.sandbox import Sandbox, sandbox  # noqa: E402 - the same
from nb2prod.verify.subject import Subject, load_subject  # noqa: E402 - the same
from nb2prod.verify.verdict import SEED, Options, compare_runs, package_seconds  # noqa: E402 - the same

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nb2prod.verify.run import Run

    Change = Callable[[ast.AST], object]
    Sites = Callable[[ast.AST, "Facts"], Iterator[Change]]

STORIES = (
    "churn", "sales_forecast", "invoice_classification", "constructs_mutation_across_cells", "constructs_figures",
    "constructs_random_draws_seeded", "constructs_displayed_values", "constructs_generator_between_cells",
    "constructs_augmented_assignment_of_list", "constructs_writefile", "constructs_global_counter",
)  # fmt: skip
_WRITERS = frozenset({"to_csv", "to_json", "to_parquet", "to_excel", "savefig", "open", "dump", "join", "write_text"})
_DRAWS = re.compile(r"random|rand|shuffle|sample|choice|normal|integers|uniform")
_LABELS = frozenset({"xlabel", "ylabel", "title", "set_xlabel", "set_ylabel", "set_title", "suptitle"})
_COMPARED = {ast.Gt: ast.Lt, ast.Lt: ast.Gt, ast.GtE: ast.Lt, ast.LtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq}
_COMPUTED = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult}


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a step: its results, of each the kind its value had, and the names later steps take."""

    results: tuple[str, ...]
    kinds: dict[str, str]
    later: frozenset[str]


@dataclass(frozen=True, slots=True)
class Plant:
    """A mistake: the file of the package it is in, that file's new text, and the step it belongs to."""

    kind: str
    step: str | None
    what: str
    file: str
    source: str


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


# Sites in a step: each yields a change for a node it fits


def _blocks(node: ast.AST) -> Iterator[list[ast.stmt]]:
    for name in ("body", "orelse"):
        block = getattr(node, name, None)
        if isinstance(block, list) and block and isinstance(block[0], ast.stmt):
            yield block


def _is_call(node: ast.AST | None, *names: str) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in names


def _remove(place: int) -> Change:
    def change(node: Any) -> None:
        node.body[place : place + 1] = [ast.Pass()] if len(node.body) == 1 else []

    return change


def _swap(place: int) -> Change:
    def change(node: Any) -> None:
        node.body[place], node.body[place + 1] = node.body[place + 1], node.body[place]

    return change


def _of_ours(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and _is_call(statement.value, "end_of_cell", "show", "print")


def dropped_statement(node: ast.AST, _: Facts) -> Iterator[Change]:
    """A call or an augmented assignment is left out."""
    for place, each in enumerate(getattr(node, "body", ()) if isinstance(node, ast.stmt) else ()):
        if isinstance(each, ast.AugAssign) or (
            isinstance(each, ast.Expr) and isinstance(each.value, ast.Call) and not _of_ours(each)
        ):
            yield _remove(place)


def lost_mutation(node: ast.AST, _: Facts) -> Iterator[Change]:
    """An assignment to a part of a value is left out."""
    for place, each in enumerate(getattr(node, "body", ()) if isinstance(node, ast.stmt) else ()):
        if isinstance(each, ast.Assign) and isinstance(each.targets[0], ast.Subscript):
            yield _remove(place)


def reordered_draws(node: ast.AST, _: Facts) -> Iterator[Change]:
    """Two statements that draw random numbers change places."""
    body = list(getattr(node, "body", ())) if isinstance(node, ast.stmt) else []
    for place, (one, other) in enumerate(zip(body, body[1:], strict=False)):
        if all(isinstance(each, ast.Assign) and _DRAWS.search(ast.unparse(each)) for each in (one, other)):
            yield _swap(place)


def dropped_print(node: ast.AST, _: Facts) -> Iterator[Change]:
    """A print is left out."""
    for place, each in enumerate(getattr(node, "body", ()) if isinstance(node, ast.stmt) else ()):
        if isinstance(each, ast.Expr) and _is_call(each.value, "print"):
            yield _remove(place)


def reordered_prints(node: ast.AST, _: Facts) -> Iterator[Change]:
    """A print comes before the statement above it."""
    body = list(getattr(node, "body", ())) if isinstance(node, ast.stmt) else []
    prints = [place for place, each in enumerate(body) if isinstance(each, ast.Expr) and _is_call(each.value, "print")]
    for one, other in zip(prints, prints[1:], strict=False):
        if ast.dump(body[one]) != ast.dump(body[other]):

            def change(node: Any, one: int = one, other: int = other) -> None:
                node.body[one], node.body[other] = node.body[other], node.body[one]

            yield change


def printed_elsewhere(node: ast.AST, _: Facts) -> Iterator[Change]:
    """A print goes to standard error."""
    if _is_call(node, "print"):
        stderr = ast.parse("__import__('sys').stderr", mode="eval").body
        yield lambda node: node.keywords.append(ast.keyword("file", stderr))  # type: ignore[attr-defined]


def lost_display(node: ast.AST, _: Facts) -> Iterator[Change]:
    """A displayed value is not shown."""
    for place, each in enumerate(getattr(node, "body", ()) if isinstance(node, ast.stmt) else ()):
        if isinstance(each, ast.Expr) and _is_call(each.value, "show"):
            yield _remove(place)


def lost_figure(node: ast.AST, _: Facts) -> Iterator[Change]:
    """The figures of a cell are closed and not saved."""
    for place, each in enumerate(getattr(node, "body", ()) if isinstance(node, ast.stmt) else ()):
        if isinstance(each, ast.Expr) and _is_call(each.value, "end_of_cell", "plt.show"):
            close = ast.parse("__import__('matplotlib.pyplot').pyplot.close('all')").body[0]
            yield lambda node, place=place: node.body.insert(place, close)  # type: ignore[misc]


def renamed_column(node: ast.AST, _: Facts) -> Iterator[Change]:
    """A key that is assigned to has another name."""
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store) and isinstance(node.slice, ast.Constant):
        if isinstance(node.slice.value, str):
            yield lambda node: setattr(node.slice, "value", node.slice.value + "_")  # type: ignore[attr-defined]


def wrong_file(node: ast.AST, _: Facts) -> Iterator[Change]:
    """A file has another name."""
    if not _is_call(node, *_WRITERS) or not isinstance(node, ast.Call):
        return
    for place, argument in enumerate(node.args):
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str) and "." in argument.value:
            yield lambda node, place=place: setattr(node.args[place], "value", "x" + node.args[place].value)  # type: ignore[misc]


def off_by_one(node: ast.AST, _: Facts) -> Iterator[Change]:
    """A slice, or `head`, ends one later."""
    if isinstance(node, ast.Slice) and isinstance(node.upper, ast.Constant) and isinstance(node.upper.value, int):
        yield lambda node: setattr(node.upper, "value", node.upper.value + 1)  # type: ignore[attr-defined]
    if _is_call(node, "head", "tail", "range") and isinstance(node, ast.Call) and node.args:
        last = node.args[-1]
        if isinstance(last, ast.Constant) and isinstance(last.value, int):
            yield lambda node: setattr(node.args[-1], "value", node.args[-1].value + 1)  # type: ignore[attr-defined]


def changed_constant(node: ast.AST, _: Facts) -> Iterator[Change]:
    """A number in an expression is another one."""
    if isinstance(node, ast.Constant) and type(node.value) in {int, float} and node.value not in {0, 1}:
        yield lambda node: setattr(node, "value", node.value * 2)  # type: ignore[attr-defined]


def flipped_comparison(node: ast.AST, _: Facts) -> Iterator[Change]:
    """A comparison is the other way round."""
    if isinstance(node, ast.Compare) and type(node.ops[0]) in _COMPARED:
        yield lambda node: node.ops.__setitem__(0, _COMPARED[type(node.ops[0])]())  # type: ignore[attr-defined]


def changed_operator(node: ast.AST, _: Facts) -> Iterator[Change]:
    """Plus is minus."""
    if isinstance(node, ast.BinOp) and type(node.op) in _COMPUTED and "'" not in ast.unparse(node):
        yield lambda node: setattr(node, "op", _COMPUTED[type(node.op)]())  # type: ignore[attr-defined]


def negated_condition(node: ast.AST, _: Facts) -> Iterator[Change]:
    """A condition is negated."""
    if isinstance(node, ast.If | ast.IfExp):
        yield lambda node: setattr(node, "test", ast.UnaryOp(ast.Not(), node.test))  # type: ignore[attr-defined]


def changed_seed(node: ast.AST, _: Facts) -> Iterator[Change]:
    """A generator is seeded otherwise."""
    if _is_call(node, "seed", "default_rng", "RandomState") and isinstance(node, ast.Call) and node.args:
        yield lambda node: node.args.__setitem__(0, ast.BinOp(node.args[0], ast.Add(), ast.Constant(1)))  # type: ignore[attr-defined]
    if isinstance(node, ast.keyword) and node.arg in {"random_state", "seed"}:
        yield lambda node: setattr(node, "value", ast.BinOp(node.value, ast.Add(), ast.Constant(1)))  # type: ignore[attr-defined]


def _keyword(name: str, values: tuple[object, ...], new: Callable[[Any], object]) -> Sites:
    def sites(node: ast.AST, _: Facts) -> Iterator[Change]:
        if isinstance(node, ast.keyword) and node.arg == name and isinstance(node.value, ast.Constant):
            if node.value.value in values:
                yield lambda node: setattr(node.value, "value", new(node.value.value))  # type: ignore[attr-defined]

    return sites


def truncated_loop(node: ast.AST, _: Facts) -> Iterator[Change]:
    """A loop leaves the last round out."""
    if isinstance(node, ast.For):

        def change(node: Any) -> None:
            node.iter = ast.Subscript(
                ast.Call(ast.Name("list", ast.Load()), [node.iter], []),
                ast.Slice(None, ast.UnaryOp(ast.USub(), ast.Constant(1))),
                ast.Load(),
            )

        yield change


def changed_format(node: ast.AST, _: Facts) -> Iterator[Change]:
    """A number is printed with another number of digits."""
    if isinstance(node, ast.FormattedValue) and node.format_spec is not None:
        spec = node.format_spec.values[0] if isinstance(node.format_spec, ast.JoinedStr) else None
        if isinstance(spec, ast.Constant) and re.search(r"\.\d", str(spec.value)):
            more = re.sub(r"\.(\d)", lambda found: f".{int(found[1]) + 1}", str(spec.value))
            yield lambda node: setattr(node.format_spec.values[0], "value", more)  # type: ignore[attr-defined]
    if _is_call(node, "round") and isinstance(node, ast.Call) and node.args and isinstance(node.args[-1], ast.Constant):
        yield lambda node: setattr(node.args[-1], "value", max(0, node.args[-1].value - 1))  # type: ignore[attr-defined]


def changed_label(node: ast.AST, _: Facts) -> Iterator[Change]:
    """A label of a figure is another text."""
    if _is_call(node, *_LABELS) and isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
        yield lambda node: setattr(node.args[0], "value", "another")  # type: ignore[attr-defined]


def changed_text(node: ast.AST, _: Facts) -> Iterator[Change]:
    """A printed text is spelled otherwise."""
    if _is_call(node, "print") and isinstance(node, ast.Call):
        for place, each in enumerate(node.args):
            if isinstance(each, ast.Constant) and isinstance(each.value, str) and each.value.strip():
                yield lambda node, place=place: setattr(node.args[place], "value", node.args[place].value + ".")  # type: ignore[misc]


def _before_return(expression: str, *kinds: str) -> Sites:
    """Return sites that give a result of one of the kinds another value when the step ends; ``_`` is the result."""

    def sites(node: ast.AST, facts: Facts) -> Iterator[Change]:
        if not isinstance(node, ast.FunctionDef) or not isinstance(node.body[-1], ast.Return):
            return
        for name in facts.results:
            if facts.kinds.get(name) in kinds:
                filled = re.sub(r"\b_\b", name, expression)
                new = ast.parse(f"{name} = {filled}").body[0]
                yield lambda node, new=new: node.body.insert(len(node.body) - 1, new)  # type: ignore[misc]

    return sites


def swapped_results(node: ast.AST, facts: Facts) -> Iterator[Change]:
    """Two results change places."""
    if isinstance(node, ast.FunctionDef) and isinstance(node.body[-1], ast.Return) and len(facts.results) > 1:
        value = node.body[-1].value
        if isinstance(value, ast.Tuple):
            yield lambda node: node.body[-1].value.elts.reverse()  # type: ignore[attr-defined]
        if isinstance(value, ast.Call):
            yield lambda node: node.body[-1].value.args.reverse()  # type: ignore[attr-defined]


def copied_argument(node: ast.AST, facts: Facts) -> Iterator[Change]:
    """A step changes a copy of what it was given."""
    if not isinstance(node, ast.FunctionDef):
        return
    for argument in node.args.args:
        changed = [
            each
            for each in ast.walk(node)
            if isinstance(each, ast.Subscript | ast.Attribute)
            and isinstance(each.value, ast.Name)
            and each.value.id == argument.arg
            and (
                isinstance(each.ctx, ast.Store)
                or (isinstance(each, ast.Attribute) and each.attr in {"append", "update", "extend", "add", "pop"})
            )
        ]
        # A change nobody looks at any more is no difference.
        if changed and argument.arg not in facts.results and argument.arg in facts.later:
            new = ast.parse(f"{argument.arg} = __import__('copy').deepcopy({argument.arg})").body[0]
            yield lambda node, new=new: node.body.insert(0, new)  # type: ignore[misc]


IN_STEPS: dict[str, Sites] = {
    "dropped statement": dropped_statement,
    "lost mutation": lost_mutation,
    "reordered draws": reordered_draws,
    "dropped print": dropped_print,
    "reordered prints": reordered_prints,
    "printed elsewhere": printed_elsewhere,
    "changed text": changed_text,
    "lost display": lost_display,
    "lost figure": lost_figure,
    "changed label": changed_label,
    "renamed column": renamed_column,
    "wrong file": wrong_file,
    "off by one": off_by_one,
    "changed constant": changed_constant,
    "flipped comparison": flipped_comparison,
    "changed operator": changed_operator,
    "negated condition": negated_condition,
    "changed seed": changed_seed,
    "wrong axis": _keyword("axis", (0, 1), lambda axis: 1 - axis),
    "lost inplace": _keyword("inplace", (True,), lambda _: False),
    "reversed sorting": _keyword("ascending", (True, False), lambda value: not value),
    "truncated loop": truncated_loop,
    "changed format": changed_format,
    "swapped results": swapped_results,
    "mutated copy": copied_argument,
    "extra row": _before_return("__import__('pandas').concat([_, _.iloc[:1]])", "frame"),
    "lost row": _before_return("_.iloc[:-1]", "frame"),
    "shuffled rows": _before_return("_.iloc[::-1]", "frame"),
    "another dtype": _before_return("_.astype(object)", "array", "frame"),
    "lost element": _before_return("_[:-1]", "sequence"),
    "number as text": _before_return("str(_)", "int", "float", "scalar"),
    "slightly another number": _before_return("_ * (1 + 1e-6)", "float", "scalar"),
}


def plants(subject: Subject, run: Run, each: int) -> Iterator[Plant]:
    """Yield the plants for a package, at most ``each`` of a kind, spread over its steps."""
    folder = subject.source / subject.package
    steps = ast.parse((folder / "steps.py").read_text(encoding="utf-8"))
    kinds = {(value.step, value.name): value.digest["kind"] for value in run.trace.values}
    rows = {row["name"]: row for row in subject.manifest["steps"]}
    choice = random.Random(subject.package)
    for kind, sites in IN_STEPS.items():
        found = []
        for place, function in enumerate(steps.body):
            if isinstance(function, ast.FunctionDef) and function.name in rows:
                results = tuple(rows[function.name]["results"])
                names = list(rows)
                after = names[names.index(function.name) + 1 :]
                later = frozenset(argument for name in after for argument in rows[name]["arguments"])
                facts = Facts(results, {name: kinds.get((function.name, name), "") for name in results}, later)
                for at, node in enumerate(ast.walk(function)):
                    found += [(place, at, change) for change in sites(node, facts)]
        for place, at, change in sorted(choice.sample(found, min(each, len(found))), key=lambda one: one[:2]):
            tree = copy.deepcopy(steps)
            function = tree.body[place]
            node = list(ast.walk(function))[at]
            before = ast.unparse(function)
            change(node)
            name = function.name if isinstance(function, ast.FunctionDef) else None
            yield Plant(kind, name, _changed(before, ast.unparse(function)), "steps.py", ast.unparse(tree))
    yield from in_pipeline(folder, rows, choice, each)
    yield from in_config(folder, choice, each)


def in_pipeline(folder: Path, rows: dict[str, Any], choice: random.Random, each: int) -> Iterator[Plant]:
    """Yield plants in how the steps are put together."""
    tree = ast.parse((folder / "pipeline.py").read_text(encoding="utf-8"))
    text = ast.unparse(tree)
    found: list[tuple[str, str, str]] = []
    calls = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and ast.unparse(node.func.value) == "steps"
    ]
    for call in calls:
        name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        old = ast.unparse(call)
        if len(call.args) > 1:
            new = copy.deepcopy(call)
            new.args[0], new.args[1] = new.args[1], new.args[0]
            found.append(("swapped arguments", name, text.replace(old, ast.unparse(new), 1)))
        line = next(line for line in text.splitlines() if old in line)
        found.append(("lost step", name, text.replace(line, re.match(r"\s*", line)[0] + "pass", 1)))  # type: ignore[index]
        again = [result for result in rows[name]["results"] if result in rows[name]["arguments"]]
        for result in again:
            target, equals, value = line.partition(" = ")
            stale = re.sub(rf"\b{result}\b", f"{result}_unused", target)
            found.append(("stale value", name, text.replace(line, stale + equals + value, 1)))
    for kind in ("swapped arguments", "lost step", "stale value"):
        own = [one for one in found if one[0] == kind]
        for _, step, source in choice.sample(own, min(each, len(own))):
            yield Plant(kind, step, _changed(text, source), "pipeline.py", source)
    empty = re.sub(r"(?ms)^    with .*?^    return Results\(", "    return Results(", text)
    fields = re.sub(r"=[^=,()]+(?=[,)])", "=None", empty.rpartition("return Results(")[2])
    empty = empty.rpartition("return Results(")[0] + "return Results(" + fields
    yield Plant("empty package", None, "run() does nothing", "pipeline.py", empty)


def in_config(folder: Path, choice: random.Random, each: int) -> Iterator[Plant]:
    """Yield plants in the defaults of the configuration."""
    tree = ast.parse((folder / "config.py").read_text(encoding="utf-8"))
    text = ast.unparse(tree)
    found = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.AnnAssign) and isinstance(node.value, ast.Constant) and node.value.value is not None
    ]
    for node in choice.sample(found, min(each, len(found))):
        new = copy.deepcopy(node)
        value = node.value.value if isinstance(node.value, ast.Constant) else None
        doubled: object = (
            not value if isinstance(value, bool) else f"{value}_" if isinstance(value, str) else value * 2 + 1
        )  # type: ignore[operator]
        new.value = ast.Constant(doubled)  # type: ignore[arg-type]
        source = text.replace(ast.unparse(node), ast.unparse(new), 1)
        yield Plant("changed default", None, ast.unparse(new), "config.py", source)


def _changed(before: str, after: str) -> str:
    """Return what was planted: the first line that is gone and the first that is new."""
    old, new = before.splitlines(), after.splitlines()
    gone = next((line.strip() for line in old if line not in new), "")
    made = next((line.strip() for line in new if line not in old), "")
    if not gone and not made:
        gone = next((line.strip() for line, other in zip(old, new, strict=False) if line != other), "a line twice")
    return f"{gone[:90]} → {made[:90]}"


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
            steps = subject.source / subject.package / "steps.py"
            again = ast.unparse(ast.parse(steps.read_text(encoding="utf-8")))
            yield replace(bed.outcome(Plant("reformatted", None, "", "steps.py", again)), kind="untouched")
            for plant in plants(subject, bed.runs[0], each):
                if only is None or only == plant.kind:
                    yield bed.outcome(plant)


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
                f"elsewhere: {outcome.notebook}, {outcome.kind} in {outcome.step}, named {outcome.named} ({outcome.difference}): {outcome.what}"
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
        for outcome in plant_all(notebook, given.python, given.each, given.only):
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
