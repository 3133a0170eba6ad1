"""Reading and analysing a folder of notebooks against bare ``json.loads`` and ``ast.parse`` of the same files.

    python benches/analysis.py [FOLDER] [--profile]

FOLDER defaults to ``scan`` in the corpus of real notebooks (NB2PROD_CORPUS, or ``shared/corpus``
beside the checkout). Both are measured in this one process, in turns, the fastest round of each
counts. The floor parses what is Python; the analysis reads, masks, parses, walks and propagates in
both orders.
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

from check_corpus import parse_barely

from nb2prod.analysis import analyse_notebook
from nb2prod.errors import UnreadableNotebookError
from nb2prod.libraries import Libraries
from nb2prod.notebook.read import read_notebook

ROOT = Path(__file__).resolve().parent.parent
_ROUNDS = 3


def analyse_all(notebooks: list[Path], libraries: Libraries) -> int:
    """Read and analyse; return how many statements there are."""
    statements = 0
    for path in notebooks:
        try:
            notebook = read_notebook(path)
        except UnreadableNotebookError:
            continue
        if notebook.language == "python":
            statements += len(analyse_notebook(notebook, libraries=libraries).statements())
    return statements


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
    gc.set_threshold(100_000)
    warnings.simplefilter("ignore")  # invalid escapes in other people's cells
    if options.profile:
        profile = cProfile.Profile()
        profile.runcall(analyse_all, notebooks, libraries)
        pstats.Stats(profile).sort_stats("tottime").print_stats(25)
        return
    floor, ours = [], []
    lines = statements = 0
    for _ in range(_ROUNDS):
        start = time.process_time()
        lines = sum(parse_barely(path) for path in notebooks)
        floor.append(time.process_time() - start)
        start = time.process_time()
        statements = analyse_all(notebooks, libraries)
        ours.append(time.process_time() - start)
    print(f"{len(notebooks)} notebooks, {lines} lines of code, {statements} statements")
    print(f"CPU: {min(ours):.2f} s to read and analyse, {min(floor):.2f} s for json.loads + ast.parse")
    print(f"{min(ours) / min(floor):.2f} times")


if __name__ == "__main__":
    main()
