"""Runs `nb2prod check` over a folder of notebooks: findings per rule, internal errors, CPU against bare parsing.

    python benches/check_corpus.py [FOLDER]

FOLDER defaults to the corpus of real notebooks (NB2PROD_CORPUS, or `shared/corpus` beside the
checkout). The floor is what any linter has to do: read every file, `json.loads` it and `ast.parse`
each code cell. What ruff takes, which looks for some of the rules, is counted apart.
Exit code 1 if any notebook made nb2prod crash, so that a script can rely on it.
"""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
INTERNAL_ERROR = 3

# On one core (Linux tells) check works in one process: the only others that it starts are those of ruff.
ON_ONE_CORE = """
import atexit, os, resource, sys
if sys.platform == "linux":
    os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
@atexit.register
def say():
    for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
        usage = resource.getrusage(who)
        print(usage.ru_utime + usage.ru_stime, file=sys.stderr)
from nb2prod.cli import main
main()
"""


def corpus() -> Path:
    """Return the folder to run over: the argument, NB2PROD_CORPUS, or the one beside the checkout."""
    named = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("NB2PROD_CORPUS")
    return Path(named) if named else ROOT.parent / "shared" / "corpus"


def code_cells(notebook: Any) -> list[str]:
    """Return the sources of a notebook's code cells, nbformat 3 and 4; none for anything else."""
    if not isinstance(notebook, dict):
        return []
    sheets = notebook.get("worksheets") or [notebook]
    cells = [cell for sheet in sheets for cell in sheet.get("cells") or [] if cell.get("cell_type") == "code"]
    sources = [cell.get("source", cell.get("input", "")) for cell in cells]
    return ["".join(source) for source in sources]


def parse_barely(path: Path) -> int:
    """Read one notebook the cheapest way there is; return how many code lines it has."""
    try:
        notebook = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, OSError):
        return 0
    lines = 0
    for source in code_cells(notebook):
        lines += source.count("\n") + 1
        try:
            ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue  # IPython syntax, Python 2, broken: a linter pays for the attempt too
    return lines


def floor_seconds(notebooks: list[Path]) -> tuple[float, int]:
    """Return the CPU seconds of bare parsing and the number of code lines parsed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # invalid escapes in other people's cells
        start = time.process_time()
        lines = sum(parse_barely(path) for path in notebooks)
        return time.process_time() - start, lines


def checked(notebooks: list[Path]) -> subprocess.CompletedProcess[str]:
    """Run this checkout's check over notebooks; what it and ruff took ends its standard error."""
    options = ["--isolated", "--no-cache", "--format", "json"]
    with tempfile.TemporaryDirectory() as folder:
        # A variable that forbids compiled files would have the run compile us afresh.
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        environment = kept | {"PYTHONPATH": str(ROOT / "src"), "PYTHONPYCACHEPREFIX": folder}
        subprocess.run([sys.executable, "-m", "compileall", "-q", ROOT / "src"], env=environment, check=True)
        command = [sys.executable, "-c", ON_ONE_CORE, "check", *options, "--", *map(str, notebooks)]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def main() -> int:
    """Print the table; return the exit code."""
    folder = corpus()
    notebooks = sorted(path for path in folder.rglob("*.ipynb") if path.is_file())
    if not notebooks:
        print(f"no notebooks in {folder}: nothing measured")
        return 0
    floor, lines = min(floor_seconds(notebooks) for _ in range(3))

    done = checked(notebooks)
    *messages, own, of_ruff = done.stderr.splitlines()
    try:
        report = json.loads(done.stdout)
    except ValueError:
        print(f"exit code {done.returncode}, and no JSON:\n{done.stdout[:500]}\n{done.stderr[-2000:]}")
        return 1

    counts = Counter((item["code"], item["name"], item["severity"]) for item in report["diagnostics"])
    files = Counter((code, path) for code, path in {(item["code"], item["path"]) for item in report["diagnostics"]})
    print(f"{len(notebooks)} notebooks, {lines} lines of code; exit code {done.returncode}")
    for (code, name, severity), number in sorted(counts.items()):
        touched = sum(1 for found, _ in files if found == code)
        print(f"  {code}  {name:<28} {severity:<8} {number:>6} findings in {touched:>4} notebooks")
    print(f"  summary: {json.dumps(report['summary'])}")
    times = float(own) / floor
    print(f"CPU: {float(own):.2f} s for check, {floor:.2f} s for json.loads + ast.parse: {times:.1f} times")
    print(f"and ruff's own processes: {float(of_ruff):.2f} s")

    crashes = report["summary"]["internal_errors"]
    tracebacks = "\n".join(messages).count("Traceback")
    print(f"internal errors: {crashes}; tracebacks: {tracebacks}")
    if done.returncode == INTERNAL_ERROR or crashes or tracebacks:
        print(done.stderr[-4000:])
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
