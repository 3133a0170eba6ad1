"""Reading and analysing a folder of notebooks against bare ``json.loads`` and ``ast.parse`` of the same files.

    python benches/analysis.py [FOLDER] [--profile]

FOLDER defaults to ``scan`` in the corpus of real notebooks (NB2PROD_CORPUS, or ``shared/corpus``
beside the checkout). Both are measured in this one process, file by file in turns, and of each file
the fastest round of each counts: a machine that is busy now and then is busy for both. The floor
parses what is Python; the analysis reads, masks, parses, walks and propagates in both orders.
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
from nb2prod.errors import UnreadableNotebookError
from nb2prod.libraries import Libraries
from nb2prod.notebook.read import read_notebook

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
    return len(analyse_notebook(notebook, libraries=libraries).statements())


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
    floor = dict.fromkeys(notebooks, float("inf"))
    ours = dict(floor)
    for _ in range(_ROUNDS):
        lines = statements = 0
        for path in notebooks:
            seconds, counted = timed(parse_barely, path)
            floor[path], lines = min(floor[path], seconds), lines + counted
            seconds, counted = timed(lambda path: analyse(path, libraries), path)
            ours[path], statements = min(ours[path], seconds), statements + counted
    least, spent = sum(floor.values()), sum(ours.values())
    print(f"{len(notebooks)} notebooks, {lines} lines of code, {statements} statements")
    print(f"CPU: {spent:.2f} s to read and analyse, {least:.2f} s for json.loads + ast.parse")
    print(f"{spent / least:.2f} times")


if __name__ == "__main__":
    main()
