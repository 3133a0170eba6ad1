"""Mutates the steps of a generated package and counts the mutants its own tests kill.

    python benches/mutants.py PACKAGE --python PYTHON [--each N] [--seed S] [--pytest FOLDER] [--results FILE]

PACKAGE is a folder made by `nb2prod convert`. One change at a time is made in a copy of its steps: a
comparison turned round, a constant changed, one added to an index or a number, a statement dropped, two
arguments swapped, an arithmetic operator replaced; `N` mutants of each step are drawn. A mutant that no test
fails on has survived. Printed: killed and drawn for each step, whether the step has an obtainable input (its
tests run it), the share of such steps, and each survivor. A package whose suite fails without a mutant is left out.
"""

from __future__ import annotations

import argparse
import ast
import copy
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_TURNED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.GtE, ast.GtE: ast.Lt, ast.Gt: ast.LtE, ast.LtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
_REPLACED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
}  # fmt: skip
# Calls that are ours, draw or speak: what they are given changes nothing a step computes.
_NO_RESULT = frozenset({"show", "end_of_cell", "check_input", "display", "report_exception"})
_DRAWS = ("plt", "ax", "axes", "fig", "sns")


@dataclass(frozen=True)
class Mutant:
    """A change of one step: what was changed, and the text of the module with it."""

    step: str
    kind: str
    line: int
    before: str
    after: str
    text: str


def mutants(source: str, steps: list[str]) -> Iterator[Mutant]:
    """Yield every mutant of the functions ``steps`` in a module."""
    tree = ast.parse(source)
    for function in tree.body:
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)) and function.name in steps:
            places = [node for node in ast.walk(function) if not _drawn(node)]
            ignored = {id(inner) for node in ast.walk(function) if _drawn(node) for inner in ast.walk(node)}
            for node in places:
                if id(node) in ignored:
                    continue
                for kind, change in _changes(node):
                    yield _mutant(tree, function.name, node, kind, change)


def _mutant(tree: ast.Module, step: str, node: ast.AST, kind: str, change: Callable[[ast.AST], None]) -> Mutant:
    memo: dict[int, object] = {}
    changed = copy.deepcopy(tree, memo)
    target = memo[id(node)]
    assert isinstance(target, ast.AST)  # noqa: S101 a copy of a node is a node
    before = ast.unparse(node)
    change(target)
    after = ast.unparse(target)
    return Mutant(
        step, kind, getattr(node, "lineno", 0), before[:80], after[:80], ast.unparse(ast.fix_missing_locations(changed))
    )


def _drawn(node: ast.AST) -> bool:
    """Return whether a statement only draws, or is ours: its mutants are no mistakes in what is computed."""
    if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Call):
        return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    root: ast.expr = node.value.func
    while isinstance(root, (ast.Attribute, ast.Subscript, ast.Call)):
        root = root.func if isinstance(root, ast.Call) else root.value
    return isinstance(root, ast.Name) and (root.id in _NO_RESULT - {"show", "display"} or root.id in _DRAWS)


def _changes(node: ast.AST) -> Iterator[tuple[str, Callable[[ast.AST], None]]]:
    """Yield what can be changed about a node, each as a function that changes a copy of it."""
    match node:
        case ast.Compare(ops=[operator]) if type(operator) in _TURNED:
            turned = _TURNED[type(operator)]
            yield "comparison", lambda copied: setattr(copied, "ops", [turned()])
        case ast.BinOp(op=operator) if type(operator) in _REPLACED:
            other = _REPLACED[type(operator)]
            yield "operator", lambda copied: setattr(copied, "op", other())
        case ast.Constant(value=bool(value)):
            yield "constant", lambda copied: setattr(copied, "value", not value)
        case ast.Constant(value=int(value)):
            yield "off by one", lambda copied: setattr(copied, "value", value + 1)
        case ast.Constant(value=float(value)):
            yield "constant", lambda copied: setattr(copied, "value", value * 1.5 + 0.1)
        case ast.Call(func=function, args=[first, second, *_]) if ast.dump(first) != ast.dump(second):
            if not (isinstance(function, ast.Name) and function.id in _NO_RESULT):
                yield "swapped arguments", _swapped
        case ast.Expr(value=ast.Call()):
            yield "dropped statement", lambda copied: setattr(copied, "value", ast.Constant(None))
        case ast.Assign(targets=[ast.Subscript()]) | ast.AugAssign():
            yield "dropped statement", _nothing
        case _:
            pass


def _swapped(copied: ast.AST) -> None:
    """Swap the first two arguments of a call."""
    if isinstance(copied, ast.Call):
        copied.args[:2] = reversed(copied.args[:2])


def _nothing(copied: ast.AST) -> None:
    """Turn an assignment into one of what is there already: ``x[i] = x[i]``."""
    if isinstance(copied, ast.AugAssign):
        copied.value, copied.op = (
            (ast.Constant(0), ast.Add()) if isinstance(copied.op, (ast.Add, ast.Sub)) else (ast.Constant(1), ast.Mult())
        )
    elif isinstance(copied, ast.Assign):
        copied.targets = [ast.Name("_unused", ast.Store())]


def suite(package: Path, given: argparse.Namespace) -> bool:
    """Run the tests of a package; return whether they pass."""
    environment = {**os.environ, "PYTHONPATH": given.pytest or "", "PYTHONDONTWRITEBYTECODE": "1", "MPLBACKEND": "agg"}
    command = [given.python, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-p", "no:warnings"]
    # The command line runs the same steps once more: what it finds, a step's own test has found.
    command += ["--deselect", "tests/test_import.py", "-k", "not command_line and not whole_pipeline"]
    try:
        done = subprocess.run(
            command, cwd=package, env=environment, capture_output=True, timeout=given.timeout, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def main() -> None:
    """Read the command line, run the mutants of each package, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packages", metavar="PACKAGE", nargs="+", type=Path)
    parser.add_argument("--python", default=sys.executable, help="interpreter with the packages' libraries")
    parser.add_argument("--pytest", metavar="FOLDER", help="where pytest is, if the interpreter lacks it")
    parser.add_argument("--each", type=int, default=5, metavar="N", help="mutants drawn of each step")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--timeout", type=float, default=180, metavar="SECONDS", help="for one suite")
    parser.add_argument("--results", type=Path, metavar="FILE", help="append one JSON object a mutant")
    given = parser.parse_args()
    tallies = [tally for package in given.packages if (tally := examine(package, given)) is not None]
    if not tallies:
        raise SystemExit("no suite passes as it is: nothing is measured")
    killed, drawn, obtainable, steps = (sum(each[at] for each in tallies) for at in range(4))
    print(f"\nkilled: {killed} of {drawn} ({killed / max(drawn, 1):.0%}) in steps with an obtainable input")
    print(f"steps with an obtainable input: {obtainable} of {steps} in {len(tallies)} packages")


def examine(package: Path, given: argparse.Namespace) -> tuple[int, int, int, int] | None:
    """Print the table of one package; return mutants killed and drawn, and steps with an obtainable input, and all.

    None where the suite fails as it is: its failures would kill nothing.
    """
    manifest = json.loads((package / "conversion.json").read_text(encoding="utf-8"))
    # Packages of earlier versions have one module.
    modules = {each["name"]: each.get("module", "steps") for each in manifest["steps"]}
    tests = "".join(path.read_text(encoding="utf-8") for path in (package / "tests").rglob("test_*.py"))
    obtainable = [name for name in modules if repr(name) in tests or f'"{name}"' in tests]
    with tempfile.TemporaryDirectory(prefix="mutants-") as scratch:
        copied = Path(scratch, "package")
        shutil.copytree(package, copied)
        print(f"\n{package.name}", flush=True)
        if not suite(copied, given):
            print("the suite fails as it is")
            return None
        counts = run(copied / "src" / manifest["package"], modules, given, copied)
    print(f"{'step':32}{'killed':>8}{'drawn':>8}  input")
    for name, (killed, drawn) in counts.items():
        print(f"{name:32}{killed:>8}{drawn:>8}  {'obtainable' if name in obtainable else 'none'}")
    sums = [sum(counts[name][at] for name in obtainable) for at in (0, 1)]
    return sums[0], sums[1], len(obtainable), len(modules)


def run(
    source: Path, modules: Mapping[str, str], given: argparse.Namespace, package: Path
) -> dict[str, tuple[int, int]]:
    """Run the suite on mutants of each step; return how many were killed and drawn."""
    texts = {name: (source / f"{name}.py").read_text(encoding="utf-8") for name in modules.values()}
    every = {name: list(mutants(text, list(modules))) for name, text in texts.items()}
    counts: dict[str, tuple[int, int]] = {}
    generator = random.Random(given.seed)  # noqa: S311 the same mutants each time
    for name, module in modules.items():
        own = [each for each in every[module] if each.step == name]
        chosen = generator.sample(own, min(given.each, len(own)))
        killed = 0
        for each in chosen:
            (source / f"{module}.py").write_text(each.text, encoding="utf-8")
            dead = not suite(package, given)
            killed += dead
            if not dead:
                print(f"survived: {name}: {each.kind}: {each.before!r} → {each.after!r}", flush=True)
            if given.results is not None:
                row = {"package": str(package), "step": name, "kind": each.kind, "killed": dead}
                with given.results.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(row) + "\n")
        counts[name] = (killed, len(chosen))
        (source / f"{module}.py").write_text(texts[module], encoding="utf-8")
    return counts


if __name__ == "__main__":
    main()
