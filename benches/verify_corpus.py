"""Converts and verifies every runnable notebook of a corpus, and counts the verdicts.

    python benches/verify_corpus.py [FOLDER] --legacy PYTHON --modern PYTHON [--results FILE] [--itself]
                                      [--records FOLDER]

FOLDER holds one folder a case: the notebook, what it reads, and `meta.json`; it defaults to `runnable` in
the corpus (NB2PROD_CORPUS, or `shared/corpus` beside the checkout). Each case is converted in a copy of its
folder and verified by the interpreter that has the libraries it was written for, effects allowed: the corpus
was chosen to run offline.

`--itself` runs each notebook three times and holds the third run against the first two, as if it were the
package: whatever differs then is a fault of the observer or the comparison, never of the converter.

`--records` keeps what the notebooks' runs computed (`records.py`), so that after a change of the converter only
the packages run: one pass is judged by two runs of this bench with the same records, with it and without.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
VERDICTS = ("equal", "different", "refused", "notebook fails", "nothing comparable")
_OF_EXIT = {0: "equal", 1: "different", 4: "notebook fails", 5: "nothing comparable"}
# Runs in a process of its own, so that a run that goes wrong takes nothing with it.
OBSERVED = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import verify_corpus
paths, (python, seconds, other) = map(Path, sys.argv[2:6]), sys.argv[6:]
verify_corpus.verify_observed(*paths, python=python, seconds=float(seconds), itself=other == "itself")
"""


def examine(case: Path, given: argparse.Namespace) -> dict[str, Any]:
    """Take one case through conversion and verification; return what `--results` records."""
    meta = json.loads((case / "meta.json").read_text(encoding="utf-8"))
    python = {"legacy": given.legacy, "modern": given.modern}[meta["environment"]]
    outcome: dict[str, Any] = {
        "case": case.name,
        "environment": meta["environment"],
        "deterministic": meta["deterministic"],
    }
    with tempfile.TemporaryDirectory(prefix="verify-corpus-") as scratch:
        copy, out = Path(scratch, "case"), Path(scratch, "out")
        shutil.copytree(case, copy)
        make_writable(copy)
        for name in ("executed.ipynb", "meta.json"):
            (copy / name).unlink()
        notebook = at_its_folder(copy, meta)
        started = time.perf_counter()
        converted = run(["-m", "nb2prod", "convert", str(notebook), "--output", str(out)], given.timeout)
        if converted.returncode != 0:
            verdict = "refused" if converted.returncode == 1 else f"convert exits {converted.returncode}"
            outcome |= {"verdict": verdict, "said": converted.stderr.strip().splitlines()[-3:]}
            return outcome
        if given.itself or given.records:
            records = given.records.resolve() if given.records else Path(scratch, "records")
            arguments = ["-c", OBSERVED, str(Path(__file__).parent), str(notebook), str(out), str(records), scratch,
                         python, str(given.timeout), "itself" if given.itself else "package"]  # fmt: skip
        else:
            arguments = ["-m", "nb2prod", "verify", str(notebook), str(out), "--python", python, "--allow-effects",
                         "--timeout", str(given.timeout), "--cell-timeout", str(given.timeout),
                         "--format", "json"]  # fmt: skip
        done = run(arguments, given.timeout * 5)
        # A traceback's exit code is 1, too.
        told_of = done.returncode in _OF_EXIT and bool(done.stdout)
        outcome["verdict"] = _OF_EXIT[done.returncode] if told_of else f"verify exits {done.returncode}"
        outcome["seconds"] = round(time.perf_counter() - started, 1)
        if told_of:
            outcome |= told(json.loads(done.stdout))
        else:
            outcome["said"] = done.stderr.strip().splitlines()[-5:]
        if given.keep is not None:
            shutil.rmtree(given.keep / case.name, ignore_errors=True)
            shutil.copytree(scratch, given.keep / case.name)
    return outcome


def told(data: dict[str, Any]) -> dict[str, Any]:
    """Return what is kept of a `verification.json`."""
    return {
        "compared": data["compared"],
        "total": data["total"],
        "share": data["share"],
        "differences": data["differences"][:5],
        "differences_in_all": data["differences_in_all"],
        "not_compared": data["not_compared"][:5],
        "failure": data["failure"],
        "notes": data["notes"],
        "run_seconds": data["seconds"],
    }


def at_its_folder(copy: Path, meta: dict[str, Any]) -> Path:
    """Return the notebook, moved to the folder it runs in where it was saved elsewhere."""
    notebook: Path = copy / str(meta["notebook"])
    target: Path = copy / str(meta["cwd"]) / notebook.name
    if target != notebook and not target.exists():
        shutil.copyfile(notebook, target)
    return target


def make_writable(folder: Path) -> None:
    """Give the copy of a read-only folder back to its owner."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(path.stat().st_mode | 0o600 | (0o100 if path.is_dir() else 0))


def run(arguments: list[str], timeout: float) -> subprocess.CompletedProcess[str]:
    """Run this Python with our sources; what takes too long has exit code 124."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    try:
        return subprocess.run(
            [sys.executable, *arguments], env=environment, capture_output=True, text=True, timeout=timeout, check=False
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(arguments, 124, "", f"longer than {timeout:.0f} s")


def verify_observed(
    notebook: Path, package: Path, records: Path, scratch: Path, *, python: str, seconds: float, itself: bool
) -> None:
    """Hold the package, or the notebook's third run, against the notebook's records; print the JSON and exit."""
    # Only with the checkout's path.
    from records import observed  # noqa: PLC0415

    from nb2prod.report.verification import render_json  # noqa: PLC0415
    from nb2prod.verify import verdict  # noqa: PLC0415
    from nb2prod.verify.folder import climbing_paths  # noqa: PLC0415
    from nb2prod.verify.interpreter import find_interpreter  # noqa: PLC0415
    from nb2prod.verify.package_run import run_package  # noqa: PLC0415
    from nb2prod.verify.sandbox import Limits, sandbox  # noqa: PLC0415
    from nb2prod.verify.subject import load_subject  # noqa: PLC0415

    tempfile.tempdir = str(scratch)
    subject = load_subject(notebook, package)
    interpreter = find_interpreter(python, None)
    limits = Limits(cell=seconds, total=seconds)
    options = verdict.Options(python=python, allow_effects=True, limits=limits)
    with sandbox(
        notebook.parent, leave_out=frozenset({subject.folder}),
        extra=climbing_paths(subject.notebook, notebook.parent), copy_limit=options.copy_limit, limits=limits,
        confine=lambda _: None,
    ) as box:  # fmt: skip
        runs = []
        for number in (1, 2, 3) if itself else (1, 2):
            runs.append(observed(records, subject, interpreter, box, number=number, seed=verdict.SEED))
            if runs[-1].trace.failure is not None:
                break
        comparison, run, differences = None, None, tuple[Any, ...]()
        if runs[-1].trace.failure is None:
            run = runs.pop() if itself else run_package(
                subject, interpreter, box, seed=verdict.SEED, seconds=verdict.package_seconds(options, runs),
                arguments=(),
            )  # fmt: skip
            comparison, differences = verdict.compare_runs(subject, runs, run, options.tolerance)
    done = verdict.Verification(
        subject, options, interpreter, verdict="notebook fails" if comparison is None else comparison.verdict,
        notebook=tuple(runs), package=run, comparison=comparison, differences=differences, hint=None, effects=(),
        confined=False,
    )  # fmt: skip
    print(render_json(done))
    raise SystemExit(done.exit_code)


def quick(case: Path, below: float | None) -> bool:
    """Return whether a case ran in less than ``below`` seconds, where that is asked for."""
    return below is None or json.loads((case / "meta.json").read_text(encoding="utf-8"))["seconds"] < below


def report(outcomes: list[dict[str, Any]]) -> None:
    """Print the counts, then what is to be explained."""
    print(f"\n{'':24}{'all':>6}{'modern':>8}{'legacy':>8}{'deterministic':>15}")
    counts = Counter(outcome["verdict"] for outcome in outcomes)
    for verdict in dict.fromkeys([*VERDICTS, *counts]):
        chosen = [outcome for outcome in outcomes if outcome["verdict"] == verdict]
        by = Counter(outcome["environment"] for outcome in chosen)
        certain = sum(outcome["deterministic"] for outcome in chosen)
        print(f"{verdict:24}{len(chosen):>6}{by['modern']:>8}{by['legacy']:>8}{certain:>15}")
    measured = [outcome for outcome in outcomes if outcome.get("total")]
    compared, total = (sum(outcome[key] for outcome in measured) for key in ("compared", "total"))
    if total:
        print(f"\ncompared: {compared} of {total} results ({compared / total:.1%})")
    for outcome in outcomes:
        if outcome["verdict"] != "equal":
            print(f"\n{outcome['case']}: {outcome['verdict']}")
            for line in explained(outcome):
                print(f"  {line}")


def explained(outcome: dict[str, Any]) -> list[str]:
    """Return what is to be said of a case that is not equal."""
    if outcome.get("failure"):
        return [json.dumps(outcome["failure"], ensure_ascii=False)[:300]]
    lines = [
        f"{each['kind']} {each['name']}{each['path']} (step {each['step']}, cell {each['cell']}): "
        f"{each['notebook']} ≠ {each['package']} ({each['reason']})"
        for each in outcome.get("differences", ())
    ]
    return lines or outcome.get("said", [])


def main() -> None:
    """Read the command line, take every case through, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--legacy", default=sys.executable, help="interpreter for cases of older libraries")
    parser.add_argument("--modern", default=sys.executable, help="interpreter for cases of current libraries")
    parser.add_argument("--itself", action="store_true", help="hold each notebook against its own third run")
    parser.add_argument("--records", type=Path, metavar="FOLDER", help="keep the notebooks' runs there, and use them")
    parser.add_argument("--only", default="*", metavar="GLOB", help="cases by name")
    parser.add_argument("--limit", type=int, help="the first N cases")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="every Nth case")
    parser.add_argument("--below", type=float, metavar="SECONDS", help="cases that ran in less than that")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--timeout", type=float, default=180, metavar="SECONDS", help="for one run")
    parser.add_argument("--results", type=Path, metavar="FILE", help="append one JSON object a case")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the packages and their verification.json")
    given = parser.parse_args()
    corpus = Path(os.environ.get("NB2PROD_CORPUS") or ROOT.parent / "shared" / "corpus")
    folder: Path = given.folder or corpus / "runnable"
    cases = [path.parent for path in sorted(folder.glob("*/meta.json"))]
    cases = [case for case in cases if fnmatch.fnmatch(case.name, given.only) and quick(case, given.below)]
    cases = cases[:: given.every][: given.limit]
    if not cases:
        raise SystemExit(f"no cases in {folder}: nothing is measured")
    outcomes = []
    with ThreadPoolExecutor(given.jobs) as pool:
        for outcome in pool.map(lambda case: examine(case, given), cases):
            outcomes.append(outcome)
            share = f" {outcome['share']:.0%}" if "share" in outcome else ""
            print(f"{len(outcomes):>4} {outcome['case']}: {outcome['verdict']}{share}", flush=True)
            if given.results is not None:
                with given.results.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(outcome) + "\n")
    report(outcomes)


if __name__ == "__main__":
    main()
