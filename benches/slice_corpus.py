"""Slices every runnable notebook of a corpus for results of its own, and compares them with the whole run's.

    python benches/slice_corpus.py [FOLDER] --legacy PYTHON --modern PYTHON [--names 2] [--limit N] [--seed N]

FOLDER holds one folder a case, as `convert_corpus.py` has it. Of each notebook the last `--names` variables
(of those that have a value that can be compared) are each converted alone, with `--only`. The package runs
in a copy of the case's folder, and its result is held against the value the variable has after all cells
have run as one script. Says how many lines the slices save, and what differs; that must be nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import tempfile
from collections import Counter
from pathlib import Path

from verify_corpus import at_its_folder, make_writable

from nb2prod.analysis import analyse_notebook
from nb2prod.convert.api import convert_notebook
from nb2prod.convert.plan import Options
from nb2prod.convert.write import write_package
from nb2prod.errors import RefusedError
from nb2prod.notebook.read import read_notebook

ROOT = Path(__file__).resolve().parent.parent

# What a value is told by: exactly, and nothing where its kind has no such telling.
_TELL = """
import sys, os, random
os.environ.setdefault("MPLBACKEND", "agg")
def tell(value, depth=0):
    name = type(value).__name__
    if depth > 4:
        return None
    if value is None or isinstance(value, (bool, int, float, complex, str, bytes)):
        return [name, repr(value)]
    if isinstance(value, (list, tuple)):
        return [name, [tell(each, depth + 1) for each in value[:200]], len(value)]
    if isinstance(value, dict):
        return [name, [[tell(k, depth + 1), tell(v, depth + 1)] for k, v in list(value.items())[:200]], len(value)]
    module = type(value).__module__.split(".")[0]
    if module == "numpy":
        import numpy
        return [name, str(numpy.asarray(value).dtype), repr(numpy.asarray(value).tolist())[:100000]]
    if module == "pandas" and hasattr(value, "to_csv"):
        return [name, value.to_csv()[:200000]]
    if module == "sklearn" and hasattr(value, "get_params"):
        learnt = {k: tell(v, depth + 1) for k, v in sorted(vars(value).items()) if k.endswith("_")}
        return [name, repr(value), learnt]
    return None
def seed():
    random.seed(11)
    try:
        import numpy
        numpy.random.seed(11)
    except ImportError:
        pass
"""
_WHOLE = (
    _TELL
    + """
import json
cells, names, out = json.loads(sys.argv[1]), json.loads(sys.argv[2]), sys.argv[3]
namespace = {"__name__": "__main__", "display": lambda *values, **_: None, "get_ipython": lambda: None}
seed()
for cell in cells:
    exec(compile(cell, "<cell>", "exec"), namespace)
found = {}
for name in names:
    if name in namespace and (told := tell(namespace[name])) is not None and len(found) < int(sys.argv[4]):
        found[name] = told
open(out, "w").write(json.dumps(found))
"""
)
_SLICE = (
    _TELL
    + """
import importlib, json
package, name, out = sys.argv[1:4]
pipeline = importlib.import_module(package + ".pipeline")
config = importlib.import_module(package + ".config")
seed()
results = pipeline.run(config.Config())
open(out, "w").write(json.dumps(tell(getattr(results, name))))
"""
)


def main() -> None:
    """Slice the cases and print the counts after each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    corpus = Path(os.environ.get("NB2PROD_CORPUS", ROOT.parent / "shared" / "corpus"))
    parser.add_argument("folder", nargs="?", type=Path, default=corpus / "runnable")
    parser.add_argument("--legacy", required=True)
    parser.add_argument("--modern", required=True)
    parser.add_argument("--names", type=int, default=2)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--timeout", type=float, default=120)
    given = parser.parse_args()
    cases = sorted(path.parent for path in given.folder.glob("*/meta.json"))
    random.Random(given.seed).shuffle(cases)  # noqa: S311 - a sample, not a secret
    counts: Counter[str] = Counter()
    for case in cases[: given.limit]:
        meta = json.loads((case / "meta.json").read_text(encoding="utf-8"))
        python = given.legacy if meta["environment"] == "legacy" else given.modern
        slice_case(case, meta, python, given, counts)
        print(case.name, dict(counts), flush=True)


def slice_case(
    case: Path, meta: dict[str, object], python: str, given: argparse.Namespace, counts: Counter[str]
) -> None:
    """Count what comes of slicing one notebook for some of its variables."""
    with tempfile.TemporaryDirectory(prefix="nb2prod-slice-") as scratch:
        copy = Path(scratch, "case")
        shutil.copytree(case, copy)
        make_writable(copy)
        path = at_its_folder(copy, meta)
        notebook = read_notebook(path)
        analysis = analyse_notebook(notebook)
        after = analysis.flow.after()
        names = [
            name
            for name, definitions in sorted(after.items(), key=lambda each: -each[1][-1].statement)
            if all(each.kind in ("assign", "augment", "mutate") for each in definitions) and not name.startswith("_")
        ]
        out = Path(scratch, "told.json")
        cells = [cell.python for cell in notebook.code_cells]
        whole = run(
            python, [_WHOLE, json.dumps(cells), json.dumps(names), str(out), str(given.names)], path.parent, given
        )
        if whole is not None:
            counts["notebook does not run as a script"] += 1
            return
        for name, expected in json.loads(out.read_text(encoding="utf-8")).items():
            package_folder = Path(scratch, name)
            shutil.rmtree(copy)
            shutil.copytree(case, copy)
            make_writable(copy)
            at_its_folder(copy, meta)
            try:
                done = convert_notebook(path, Options(only=(name,)))
            except RefusedError as refused:
                counts["refused"] += 1
                print("  refused", name, str(refused)[:100])
                continue
            write_package(done.package, package_folder)
            counts["statements"] += len(analysis.statements())
            counts["left out"] += len(done.plan.sliced)
            source = {"PYTHONPATH": str(package_folder / "src")}
            failure = run(python, [_SLICE, done.package.name, name, str(out)], path.parent, given, source)
            if failure is not None:
                counts["fails"] += 1
                print("  FAILS", name, failure)
            elif json.loads(out.read_text(encoding="utf-8")) == expected:
                counts["equal"] += 1
            else:
                counts["differs"] += 1
                print("  DIFFERS", name, str(expected)[:150], out.read_text(encoding="utf-8")[:150])


def run(
    python: str, arguments: list[str], folder: Path, given: argparse.Namespace, more: dict[str, str] | None = None
) -> str | None:
    """Run Python code in ``folder``; return None, or the last line of what went wrong."""
    environment = {**os.environ, "MPLBACKEND": "agg", "PYTHONHASHSEED": "0", **(more or {})}
    try:
        done = subprocess.run(
            [python, "-c", *arguments],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=given.timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "takes too long"
    return None if done.returncode == 0 else (done.stderr.strip().splitlines() or ["?"])[-1][:200]


if __name__ == "__main__":
    main()
