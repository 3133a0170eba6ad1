"""Start-up: the CPU of `nb2prod check` on one small notebook, against interpreters that do almost nothing.

    python benches/startup.py [RUNS]

The notebook is copied out of the checkout first: untested-cell reads the test files around a
notebook, and ours are many. Each command is run in turn, RUNS times over, so that a busy machine is
busy for all of them; what counts is the smallest CPU time of each and the ratios between them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOK = ROOT / "fixtures" / "cases" / "churn" / "notebook.ipynb"
RUNS = 10

# As the script that an installation puts on the path.
NB2PROD = ["-c", "from nb2prod.cli import main; main()"]
COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "python -c 'import click'": ["-c", "import click"],
    "nb2prod --version": [*NB2PROD, "--version"],
    "nb2prod check (one notebook)": [*NB2PROD, "check", "--no-cache", NOTEBOOK.name],
    "nb2prod check (again)": [*NB2PROD, "check", NOTEBOOK.name],
}
# Commands that say something about the notebook end with 0 or 1; anything else measures a failure.
ENDINGS = (0, 1)


def environment(folder: str) -> dict[str, str]:
    """Return an environment that finds this checkout, and keeps what Python compiles in ``folder``.

    A variable that forbids compiled files would have every run compile us afresh.
    """
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {
        **kept,
        "PYTHONPATH": str(ROOT / "src"),
        "PYTHONPYCACHEPREFIX": str(Path(folder, "compiled")),
        "NB2PROD_CACHE_DIR": str(Path(folder, "kept")),
    }


def cpu_seconds(arguments: list[str], folder: str) -> float:
    """Run Python with ``arguments`` in ``folder`` to its end and return the CPU seconds it used."""
    command = [sys.executable, *arguments]
    process = subprocess.Popen(
        command, cwd=folder, env=environment(folder), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    errors = process.stderr.read() if process.stderr is not None else b""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in ENDINGS or errors:
        raise SystemExit(f"exit code {process.returncode}: {' '.join(command)}\n{errors.decode()}")
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Print the table."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else RUNS
    best = dict.fromkeys(COMMANDS, float("inf"))
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(NOTEBOOK, folder)
        for arguments in COMMANDS.values():
            cpu_seconds(arguments, folder)  # compiles what is not compiled yet
        for _ in range(runs):
            for label, arguments in COMMANDS.items():
                best[label] = min(best[label], cpu_seconds(arguments, folder))
    click = best["python -c 'import click'"]
    for label, seconds in best.items():
        print(f"{label:<30} {seconds * 1000:7.0f} ms CPU   {seconds / click:5.2f} x import click")


if __name__ == "__main__":
    main()
