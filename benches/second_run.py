"""A second run over the same notebooks: nb2prod with its cache against ruff with its own.

    python benches/second_run.py [FOLDER] [ROUNDS]

FOLDER defaults to the corpus of real notebooks (NB2PROD_CORPUS, or the one beside the checkout). Each command
fills a new cache first, and is then run in turn, ROUNDS times over; the smallest wall and CPU times count. ruff
works on all cores, nb2prod reads its cache on one: wall times mean something on an idle machine only.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROUNDS = 5
FORMATS = ("full", "concise", "json")


def measured(command: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """Run a command to its end and return the wall and CPU seconds it took."""
    start = time.monotonic()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return time.monotonic() - start, usage.ru_utime + usage.ru_stime


def main() -> None:
    """Print the table."""
    default = os.environ.get("NB2PROD_CORPUS") or ROOT.parent / "shared" / "corpus"
    folder = sys.argv[1] if len(sys.argv) > 1 else str(default)
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else ROUNDS  # noqa: PLR2004 - the second argument
    with tempfile.TemporaryDirectory() as kept:
        environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "NB2PROD_CACHE_DIR": str(Path(kept, "nb2prod"))}
        script = [sys.executable, "-c", "from nb2prod.cli import main; main()", "check", "--isolated"]
        commands = {
            "ruff check": [sys.executable, "-m", "ruff", "check", "--isolated", "--cache-dir", f"{kept}/ruff", folder],
            **{f"nb2prod check --format {name}": [*script, "--format", name, folder] for name in FORMATS},
        }
        best = dict.fromkeys(commands, (float("inf"), float("inf")))
        for command in commands.values():
            measured(command, environment)
        for _ in range(rounds):
            for label, command in commands.items():
                wall, cpu = measured(command, environment)
                best[label] = min(best[label][0], wall), min(best[label][1], cpu)
    wall_of_ruff, cpu_of_ruff = best["ruff check"]
    for label, (wall, cpu) in best.items():
        print(
            f"{label:<30} {wall:6.2f} s wall {wall / wall_of_ruff:5.2f} x ruff   "
            f"{cpu:6.2f} s CPU {cpu / cpu_of_ruff:5.2f} x ruff"
        )


if __name__ == "__main__":
    main()
