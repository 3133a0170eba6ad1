"""Reading and analysing a folder of notebooks, and checking it, against bare ``json.loads`` and ``ast.parse``.

    python benches/analysis.py [FOLDER] [--profile]

FOLDER defaults to ``scan`` in the corpus of real notebooks (NB2PROD_CORPUS, or ``shared/corpus``
beside the checkout). All are measured in this one process, file by file in turns, and of each file
the fastest round of each counts: a machine that is busy now and then is busy for all. The floor
parses what is Python; the analysis reads, masks, parses, walks and propagates in both orders, and says
what each call calls; the check does that and looks for everything but what ruff finds.
"""

from __future__ import annotations

import argparse
import cProfile
import gc
import os
import pstats
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from check_corpus import parse_barely

from nb2prod.analysis import analyse_notebook
from nb2prod.config import Settings
from nb2prod.discovery import Target
from nb2prod.errors import UnreadableNotebookError
from nb2prod.libraries import Libraries
from nb2prod.lint_run import Shared
from nb2prod.linter import lint
from nb2prod.notebook.read import read_notebook
from nb2prod.rulebook import all_rules

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parent.parent
_ROUNDS = 3


def analyse(path: Path, libraries: Libraries) -> int:
    """Read and analyse a notebook; return how many statements it has."""
    try:
        notebook = read_notebook(path)
    except UnreadableNotebookError:
        return 0
    if notebook.language != "python":
        return 0
    analysis = analyse_notebook(notebook, libraries=libraries, local_types=True)
    tuple(analysis.calls())  # which are made when they are asked for
    return len(analysis.statements())


class Checking:
    """Checks one notebook at a time with what a run over many shares: tables, the project around them."""

    def __init__(self) -> None:
        """Take every rule there is but those of ruff, whose process is counted apart."""
        self.rules = [rule for rule in all_rules() if not rule.tool]
        self.shared = Shared()

    def __call__(self, path: Path) -> int:
        """Check a notebook; return how much is found."""
        return len(lint([Target(path, Settings())], self.rules, shared=self.shared).diagnostics)


def timed(work: Callable[[Path], int], path: Path) -> tuple[float, int]:
    """Return the CPU seconds of ``work`` on ``path``, and what it returns."""
    start = time.process_time()
    counted = work(path)
    return time.process_time() - start, counted


def main() -> None:
    """Print the seconds and their ratio."""
    parser = argparse.ArgumentParser()
    default = Path(os.environ.get("NB2PROD_CORPUS") or ROOT.parent / "shared" / "corpus") / "scan"
    parser.add_argument("folder", nargs="?", type=Path, default=default)
    parser.add_argument("--profile", action="store_true", help="print where the analysis spends its time")
    options = parser.parse_args()
    notebooks = sorted(path for path in options.folder.rglob("*.ipynb") if path.is_file())
    if not notebooks:
        print(f"no notebooks in {options.folder}: nothing measured")
        return
    libraries = Libraries()
    # As the command line does: trees live as long as their notebook, looking for circles is in vain.
    gc.freeze()
    gc.set_threshold(1_000_000)
    warnings.simplefilter("ignore")  # invalid escapes in other people's cells
    if options.profile:
        profile = cProfile.Profile()
        profile.runcall(lambda: [analyse(path, libraries) for path in notebooks])
        pstats.Stats(profile).sort_stats("tottime").print_stats(25)
        return
    works: list[Callable[[Path], int]] = [parse_barely, lambda path: analyse(path, libraries), Checking()]
    seconds = [dict.fromkeys(notebooks, float("inf")) for _ in works]
    for _ in range(_ROUNDS):
        counts = [0, 0, 0]
        for path in notebooks:
            for at, work in enumerate(works):
                spent, counted = timed(work, path)
                seconds[at][path] = min(seconds[at][path], spent)
                counts[at] += counted
    floor, analysed, checked = (sum(each.values()) for each in seconds)
    print(f"{len(notebooks)} notebooks, {counts[0]} lines of code, {counts[1]} statements, {counts[2]} findings")
    print(f"CPU: {floor:.2f} s for json.loads + ast.parse")
    print(f"     {analysed:.2f} s to read and analyse, {analysed / floor:.2f} times that")
    print(f"     {checked:.2f} s to check, {checked / floor:.2f} times that, {checked / analysed:.2f} times the latter")


if __name__ == "__main__":
    main()
