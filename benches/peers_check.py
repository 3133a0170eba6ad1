"""`nb2prod check` beside other linters of notebooks, on the same files in one run: time, and what each finds.

    python benches/peers_check.py --peers FOLDER [--install] [FOLDER] [--every N] [--rounds N]

`--peers` is where the other tools are, each in an environment of its own (their requirements do not go together);
`--install` makes these with the versions below. The second FOLDER holds notebooks and defaults to the corpus
(NB2PROD_CORPUS, or `shared/corpus` beside the checkout). The notebooks are copied into one folder, and each tool
checks that folder in one process, without caches and with its default rules, in turn, as many rounds as asked
for; the smallest CPU and wall time of each count. A tool that gives up at a notebook it cannot read is run on
each notebook by itself instead, once, which is said: its time then has a start of Python for each.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

ROOT = Path(__file__).resolve().parent.parent
# What pynblint writes.
RESULTS = "results.json"

# What an environment of each tool holds.
PINNED = {
    "ruff": ("ruff==0.17.6",),
    "nbqa": ("nbqa==1.9.1", "flake8==7.5.0"),
    "nborder": ("nborder==0.1.4",),
    "pynblint": ("pynblint==0.1.6", "click==8.1.8"),  # it does not start with a newer click
}

# Codes that mean the same concern, by tool. Severities, and what counts as one finding, are each tool's own.
CONCERNS = {
    "a name that is not defined when it is used": {
        "nb2prod": {"NB103", "NB104", "NB105"},
        "ruff": {"F821"},
        "nbQA flake8": {"F821"},
        "nborder": {"NB102", "NB201"},
    },
    "run in another order than written": {
        "nb2prod": {"NB101", "NB111"},
        "nborder": {"NB101"},
        "pynblint": {"non-linear-execution"},
    },
    "random numbers without a seed": {"nb2prod": {"NB201"}, "nborder": {"NB103"}},
    "cells that are not Python": {
        "nb2prod": {"NB002", "NB003", "NB005"},
        "ruff": {"invalid-syntax"},
        "nbQA flake8": {"E999"},
        "pynblint": {"invalid-python-syntax"},
    },
}


@dataclass(frozen=True, slots=True)
class Tool:
    """A linter: how it is run on a folder or a notebook, and how its answer is read.

    finished  the exit codes with which it came to its end
    failed    how it names a notebook it could not read, and goes on
    """

    name: str
    command: Callable[[str], list[str]]
    read: Callable[[str], Iterator[tuple[str, str]]]
    finished: tuple[int, ...] = (0, 1)
    failed: str = r"(?!)"


@dataclass(slots=True)
class Outcome:
    """What a tool took and found.

    found       notebook and code of each finding
    one_by_one  it gave up over all notebooks, so that each had a run
    failed      the notebooks it has no answer for
    """

    cpu: float = float("inf")
    wall: float = float("inf")
    found: list[tuple[str, str]] = field(default_factory=list)
    one_by_one: bool = False
    failed: list[str] = field(default_factory=list)


def tools(peers: Path) -> list[Tool]:
    """Return all tools, ours first."""
    bins = {name: peers / name / "bin" for name in PINNED}
    ours = [sys.executable, "-m", "nb2prod", "check", "--isolated", "--format", "json"]
    ruff = [str(bins["ruff"] / "ruff"), "check", "--isolated", "--no-cache", "--quiet", "--output-format", "json"]
    return [
        Tool("nb2prod", lambda path: [*ours, path], read_ours),
        Tool("nb2prod --profile commit", lambda path: [*ours, "--profile", "commit", path], read_ours),
        Tool("ruff", lambda path: [*ruff, path], read_ruff),
        Tool(
            "nbQA flake8",
            lambda path: [str(bins["nbqa"] / "nbqa"), "flake8", path],
            read_flake8,
            (0, 1, 123),
            r"failed to process (\S+)",
        ),
        Tool(
            "nborder",
            lambda path: [str(bins["nborder"] / "nborder"), "check", "--output-format", "json", path],
            read_nborder,
        ),
        Tool("pynblint", lambda path: [str(bins["pynblint"] / "pynblint"), path, "-o", RESULTS, "-q"], read_pynblint),
    ]


def read_ours(text: str) -> Iterator[tuple[str, str]]:
    """Yield notebook and code of each finding."""
    for each in json.loads(text)["diagnostics"]:
        yield Path(each["path"]).name, each["code"]


def read_ruff(text: str) -> Iterator[tuple[str, str]]:
    """Yield the same of ruff."""
    for each in json.loads(text):
        yield Path(each["filename"]).name, each["code"] or "invalid-syntax"


def read_flake8(text: str) -> Iterator[tuple[str, str]]:
    """Yield the same of flake8, from lines of text."""
    for match in re.finditer(r"^(?P<path>[^:\n]+\.ipynb):\S+: (?P<code>[A-Z]+\d+)", text, re.MULTILINE):
        yield Path(match["path"]).name, match["code"]


def read_nborder(text: str) -> Iterator[tuple[str, str]]:
    """Yield the same of nborder."""
    for each in json.loads(text)["diagnostics"]:
        yield Path(each["notebook_path"]).name, each["code"]


def read_pynblint(_: str) -> Iterator[tuple[str, str]]:
    """Yield the same of pynblint, from the file it writes; one notebook's and a folder's differ."""
    whole: Any = json.loads(Path(RESULTS).read_text(encoding="utf-8"))
    for each in whole.get("notebook_level_lints", [whole]):
        for lint in each["lints"]:
            yield each["notebook_metadata"]["notebook_name"], lint["slug"]


def run(tool: Tool, path: str, limit: float) -> Outcome:
    """Return what one run took and found; ``one_by_one`` where it gave no answer."""
    Path(RESULTS).unlink(missing_ok=True)
    command = tool.command(path)
    environment = os.environ | {"NO_COLOR": "1", "PYTHONPATH": str(ROOT / "src") if tool.read is read_ours else ""}
    # nbQA looks for flake8 there.
    environment["PATH"] = f"{Path(command[0]).parent}{os.pathsep}{environment['PATH']}"
    started = time.perf_counter()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(command, stdout=out, stderr=errors, env=environment)
        status, cpu = ended(process, limit)
        wall = time.perf_counter() - started
        out.seek(0)
        errors.seek(0)
        text, said = (each.read().decode("utf-8", "replace") for each in (out, errors))
    try:
        found = list(tool.read(text)) if status in tool.finished else None
    except (ValueError, KeyError, OSError):
        found = None
    return Outcome(cpu, wall, found or [], found is None, re.findall(tool.failed, said))


def ended(process: subprocess.Popen[bytes], limit: float) -> tuple[int, float]:
    """Return the exit code of a process and the CPU seconds it and its own processes used; ended at the limit."""
    start = time.perf_counter()
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return process.returncode, usage.ru_utime + usage.ru_stime
        if time.perf_counter() - start > limit:
            process.kill()
        time.sleep(0.002)


def measure(tool: Tool, outcome: Outcome, notebooks: Sequence[str], limit: float) -> None:
    """Run a tool once over all notebooks, and keep what it found and the least it took."""
    if outcome.one_by_one:
        return  # once is enough: it takes minutes
    whole = run(tool, ".", limit)
    if whole.one_by_one:
        runs = [run(tool, notebook, limit) for notebook in notebooks]
        failed = [notebook for notebook, each in zip(notebooks, runs, strict=True) if each.one_by_one]
        found = [finding for each in runs for finding in each.found]
        cpu, wall = sum(each.cpu for each in runs), sum(each.wall for each in runs)
        whole = Outcome(cpu, wall, found, one_by_one=True, failed=failed)
    outcome.cpu, outcome.wall = min(outcome.cpu, whole.cpu), min(outcome.wall, whole.wall)
    outcome.found, outcome.one_by_one, outcome.failed = whole.found, whole.one_by_one, whole.failed


def install(peers: Path) -> None:
    """Make an environment for each tool."""
    for name, requirements in PINNED.items():
        subprocess.run([sys.executable, "-m", "venv", str(peers / name)], check=True)
        pip = [str(peers / name / "bin" / "python"), "-m", "pip", "install", "--quiet", *requirements]
        subprocess.run(pip, check=True)


def report(outcomes: dict[str, Outcome], count: int) -> None:
    """Print the tables, in Markdown."""
    ruff = outcomes["ruff"]
    print("| tool | CPU | to ruff | wall | to ruff | findings | in notebooks | kinds | no answer for |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, each in outcomes.items():
        files = len({path for path, _ in each.found})
        mode = " (one by one)" if each.one_by_one else ""
        print(
            f"| {name}{mode} | {each.cpu:.2f} s | {each.cpu / ruff.cpu:.1f} | {each.wall:.2f} s "
            f"| {each.wall / ruff.wall:.1f} | {len(each.found)} | {files} of {count} "
            f"| {len({code for _, code in each.found})} | {len(each.failed) or 'none'} |"
        )
    names = [name for name in outcomes if not name.startswith("nb2prod --")]
    print(f"\nNotebooks with at least one finding:\n\n| concern | {' | '.join(names)} |\n|---|{'---|' * len(names)}")
    for concern, codes in CONCERNS.items():
        cells = []
        for name in names:
            with_it = {path for path, code in outcomes[name].found if code in codes.get(name, ())}
            cells.append(str(len(with_it)) if name in codes else "–")  # noqa: RUF001 a dash for "does not look"
        print(f"| {concern} | {' | '.join(cells)} |")
    print("\nThe most frequent codes, with the notebooks they are in:\n")
    for name in names:
        counts = Counter(code for _, code in outcomes[name].found)
        files_of: dict[str, set[str]] = defaultdict(set)
        for path, code in outcomes[name].found:
            files_of[code].add(path)
        top = ", ".join(f"{code} {number} ({len(files_of[code])})" for code, number in counts.most_common(8))
        print(f"- {name}: {top}")


def main() -> None:
    """Read the command line, run every tool over the notebooks, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--peers", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--install", action="store_true")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="every Nth notebook")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--limit", type=float, default=600, metavar="SECONDS", help="for each run")
    given = parser.parse_args()
    peers = given.peers.resolve()
    if given.install:
        install(peers)
    folder = given.folder or Path(os.environ.get("NB2PROD_CORPUS") or ROOT.parent / "shared" / "corpus")
    found = [path for path in sorted(folder.rglob("*.ipynb")) if path.name != "executed.ipynb"][:: given.every]
    if not found:
        raise SystemExit(f"no notebooks in {folder}: nothing is measured")
    outcomes = {tool.name: Outcome() for tool in tools(peers)}
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)
        for number, path in enumerate(found):
            Path(f"{number:04}_{re.sub(r'[^A-Za-z0-9.]+', '_', path.name)}").write_bytes(path.read_bytes())
        notebooks = sorted(path.name for path in Path().glob("*.ipynb"))
        for _ in range(given.rounds):
            for tool in tools(peers):
                measure(tool, outcomes[tool.name], notebooks, given.limit)
                print(f"{tool.name}: {outcomes[tool.name].cpu:.2f} s CPU", file=sys.stderr, flush=True)
        os.chdir(ROOT)
    size = sum(path.stat().st_size for path in found)
    print(f"{len(notebooks)} notebooks, {size / 1e6:.0f} MB; {', '.join(' '.join(each) for each in PINNED.values())}\n")
    report(outcomes, len(notebooks))


if __name__ == "__main__":
    main()
