"""Holds the dataflow against what an interpreter does, on thousands of generated programs.

    python benches/dataflow_oracle.py [--programs N] [--seed S] [--table]

Every program is run on all its paths (up to a bound) and every read, binding and deletion of a
module-level name is compared with the analysis; then bugs are put into the analyser and must be
found; then single modules are compared with pyflakes and beniget, where those are installed. Exit
code 1 if anything disagrees or a bug stays unseen.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

from kernel_oracle import CHECKS, compare
from module_oracles import compare_modules
from programs import EXPRESSIONS, FORMS, combinations, programs, small_programs
from seeded_bugs import BUGS, seeded

# What a column of the table stands for: the first word of a scope's name that fits.
_GROUPS = {
    "module": ("module",),
    "function": ("function", "async", "generator function", "coroutine", "loop", "argument", "decorator"),
    "nested": ("nested", "closure"),
    "class": ("class", "class,", "class in class", "class base"),
    "method": ("method",),
    "class in function": ("class in function",),
    "comprehension": ("comprehension", "generator expression"),
    "lambda": ("lambda",),
}  # fmt: skip


def group_of(scope: str) -> str:
    """Return the column of a scope: the group with the longest beginning that fits."""
    fitting = [(len(start), group) for group, starts in _GROUPS.items() for start in starts if scope.startswith(start)]
    return max(fitting)[1]


def print_table(covered: Counter[tuple[str, str, str]]) -> None:
    """Print how often each binding form was met by scope, and by position of the use."""
    columns = list(_GROUPS)
    width = max(map(len, FORMS))
    print(f"\n{'binding form':<{width}}  " + "  ".join(columns))
    for form in FORMS:
        counts: Counter[str] = Counter()
        for (each, scope, _), number in covered.items():
            if each == form:
                counts[group_of(scope)] += number
        cells = "  ".join(f"{counts[column] or '-':>{len(column)}}" for column in columns)
        note = "" if counts or form in EXPRESSIONS else "   not in this Python"
        print(f"{form:<{width}}  {cells}{note}")
    print()
    positions: Counter[str] = Counter()
    for (_, _, position), number in covered.items():
        positions[position] += number
    for position, number in positions.most_common():
        print(f"  use {position:<34} {number:>6}")


def run_programs(count: int, seed: int, *, table: bool) -> int:
    """Run the generated programs; return how many disagree."""
    found: Counter[str] = Counter()
    covered: Counter[tuple[str, str, str]] = Counter()
    cautious: Counter[str] = Counter()
    runs = reads = errors = disagreeing = 0
    start = time.process_time()
    for program in programs(count, seed):
        result = compare(program)
        runs, reads, errors = runs + result.runs, reads + result.reads, errors + result.errors
        cautious += result.cautious
        covered.update(program.covered)
        found.update({each.check for each in result.disagreements})
        if result.disagreements:
            disagreeing += 1
            if disagreeing <= 3:  # noqa: PLR2004 - enough to start with
                print("\n".join(program.cells), result.disagreements[0], sep="\n", end="\n\n")
    seconds = time.process_time() - start
    print(f"{count} programs, {runs} paths, {reads} reads of module-level names, {errors} failing statements")
    print(f"{count / seconds:.0f} programs/s of CPU; {disagreeing} programs disagree")
    for check, meaning in CHECKS.items():
        print(f"  {check:<24} {found[check]:>4}   {meaning}")
    print("More cautious than the truth, on programs whose paths were all run without an error:")
    for what, total in (("never unbound, though maybe", "uses"), ("reaching, never seen", "reaching")):
        print(f"  {what:<30} {cautious[what]:>5} of {cautious[total]}")
    possible = sum(1 for _ in combinations()) if table else None
    of = f" of {possible} this Python can compile" if possible else ""
    print(f"{len(covered)} combinations of binding form, scope and position{of}")
    if table:
        print_table(covered)
    return disagreeing


def run_bugs(count: int, seed: int) -> int:
    """Seed each bug in turn; return how many stay unseen."""
    unseen = 0
    some = [*small_programs(), *programs(count, seed)]
    for bug in BUGS:
        with seeded(bug):
            for number, program in enumerate(some, 1):
                if checks := sorted({each.check for each in compare(program).disagreements}):
                    print(f"  {bug.name:<42} seen by {', '.join(checks)} (program {number})")
                    break
            else:
                unseen += 1
                print(f"  {bug.name:<42} NOT SEEN in {count} programs")
    return unseen


def main() -> int:
    """Print the tables; return the exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--programs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--table", action="store_true", help="print the coverage table")
    options = parser.parse_args()
    wrong = run_programs(options.programs, options.seed, table=options.table)
    print("\nBugs put into the analyser:")
    wrong += run_bugs(min(options.programs, 1000), options.seed)
    compare_modules()
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
