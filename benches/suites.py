"""Converts the runnable notebooks of a corpus and runs the tests each package comes with.

    python benches/suites.py [FOLDER] --legacy PYTHON --modern PYTHON [--verify] [--every N] [--results FILE]
    python benches/suites.py [FOLDER] --count
    python benches/suites.py [FOLDER] --legacy PYTHON --modern PYTHON --fresh ENVIRONMENTS [--pins FOLDER] [--uv UV]

FOLDER holds one folder a case, as for `verify_corpus.py`. The interpreters have the notebooks' libraries;
pytest may come from elsewhere (`--pytest FOLDER`, a folder it was installed into with `pip install --target`).
`--verify` converts with `--verify`, so that the tests expect what was observed. `--count` runs no suite: it
counts the displayed values that a test names, and shows what was saved of the others.

`--fresh` runs each suite in an environment of its own, made by `pip install PACKAGE pytest` as the package's README
says (with `-c constraints.txt` where it was verified), and without the package's `src`: what is tested is what was
installed. Environments are kept in the folder ENVIRONMENTS; packages that declare the same dependencies share one.
`--uv PROGRAM` resolves and installs with uv, which takes seconds where pip takes a minute.
With `--pins` the folder's `requirements-legacy.txt` or `requirements-modern.txt` lies beside the notebook as
`requirements.txt`, as it would in its author's project: the package takes its versions from there. Without it, the
newest releases are installed.

Printed at the end: suites that pass, displayed values with a test among those the notebooks display (and among
those that were saved), the time the suites take and the size of what they carry along; and each failing test by
name.
"""

from __future__ import annotations

import argparse
import ast
import fnmatch
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

from verify_corpus import ROOT, at_its_folder, make_writable, quick

_INSTALLATION = 1200
_FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+)(?: - (.*))?$", re.MULTILINE)


def examine(case: Path, given: argparse.Namespace) -> dict[str, Any]:
    """Convert one case, run its suite, and return what is known of it."""
    meta = json.loads((case / "meta.json").read_text(encoding="utf-8"))
    python = {"legacy": given.legacy, "modern": given.modern}[meta["environment"]]
    with tempfile.TemporaryDirectory(prefix="suites-") as scratch:
        copy, out = Path(scratch, "case"), Path(scratch, "out")
        shutil.copytree(case, copy)
        make_writable(copy)
        for name in ("executed.ipynb", "meta.json"):
            (copy / name).unlink()
        notebook = at_its_folder(copy, meta)
        if given.pins is not None:
            shutil.copy(given.pins / f"requirements-{meta['environment']}.txt", notebook.parent / "requirements.txt")
        arguments = ["-m", "nb2prod", "convert", str(notebook), "--output", str(out)]
        if given.verify:
            arguments += ["--verify", "--python", python]
        converted = run(sys.executable, arguments, copy, given.timeout * 4, [str(given.source)])
        outcome: dict[str, Any] = {"case": case.name}
        if not (out / "pyproject.toml").is_file():
            verdict = "refused" if converted.returncode == 1 else "no package"
            return outcome | {"verdict": verdict, "failed": converted.stderr.splitlines()[-5:]}
        outcome |= {"size": size_of(out / "tests"), **covered(out, notebook), "verdict": "counted"}
        if given.keep is not None:
            shutil.rmtree(given.keep / case.name, ignore_errors=True)
            shutil.copytree(out, given.keep / case.name)
        if given.count:
            return outcome
        if given.fresh is None:
            return outcome | suite(python, out, given.timeout, filter(None, [given.pytest]))
        fresh, problem = fresh_environment(python, out, given.fresh, given.uv)
        if problem:
            return outcome | {"verdict": "cannot be installed", "failed": problem.splitlines()[-5:], "seconds": 0.0}
        shutil.rmtree(out / "src")
        outcome |= suite(str(fresh), out, given.timeout)
        name = tomllib.loads((out / "pyproject.toml").read_text(encoding="utf-8"))["project"]["name"]
        run(python, [*pip(given.uv, fresh, "uninstall"), *([] if given.uv else ["-y"]), name], out, given.timeout)
    return outcome


def suite(python: str, package: Path, timeout: float, paths: Any = ()) -> dict[str, Any]:
    """Run the tests of a package, and return how that went."""
    started = time.perf_counter()
    done = run(python, ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:warnings"], package, timeout, paths)
    failed = [f"{name}: {reason[:300]}" for name, reason in _FAILED.findall(done.stdout)]
    if done.returncode and not failed:
        failed = done.stdout.splitlines()[-5:] + done.stderr.splitlines()[-5:]
    return {
        "seconds": round(time.perf_counter() - started, 1),
        "verdict": {0: "passes", 124: "too slow"}.get(done.returncode, "fails"),
        "failed": failed,
    }


def fresh_environment(python: str, package: Path, folder: Path, uv: Path | None) -> tuple[Path, str]:
    """Install a package with pytest; return the interpreter that has both, and what went wrong (empty: nothing)."""
    project = tomllib.loads((package / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pins = package / "constraints.txt"
    asked = "\n".join([python, *project["dependencies"], pins.read_text(encoding="utf-8") if pins.is_file() else ""])
    environment = (folder / hashlib.sha256(asked.encode()).hexdigest()[:12]).resolve()
    fresh = environment / "bin" / "python"
    if not fresh.is_file():
        made = run(python, ["-m", "venv", "--without-pip", str(environment)], package, _INSTALLATION)
        if made.returncode:
            return fresh, made.stderr + made.stdout
    constraints = ["-c", str(pins)] if pins.is_file() else []
    command = [*pip(uv, fresh, "install"), *constraints, str(package), "pytest"]
    done = run(python, command, package.parent, _INSTALLATION)
    if done.returncode:
        shutil.rmtree(environment)  # it is not what the package asks for
    return fresh, done.stderr + done.stdout if done.returncode else ""


def pip(uv: Path | None, environment: Path, action: str) -> list[str]:
    """Return the arguments of an interpreter that has pip which do ``action`` in another environment."""
    if uv is None:
        return ["-m", "pip", "--python", str(environment), action, "-q"]
    compiled = ["--compile-bytecode"] if action == "install" else []  # as pip does
    call = "import subprocess, sys; sys.exit(subprocess.run(sys.argv[1:]).returncode)"
    return ["-c", call, str(uv), "pip", action, "-q", "--python", str(environment), *compiled]


def run(
    python: str, arguments: list[str], folder: Path, timeout: float, paths: Any = ()
) -> subprocess.CompletedProcess[str]:
    """Run an interpreter in ``folder``; what takes too long has exit code 124."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "300"}
    try:
        return subprocess.run(
            [python, *arguments],
            cwd=folder,
            env=environment,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(arguments, 124, "", f"longer than {timeout:.0f} s")


def covered(package: Path, notebook: Path) -> dict[str, Any]:
    """Return how many values the package displays, and how many of those a test names; what was saved of the rest.

    saved  of the displayed values, those that stand in the notebook's outputs
    rest   of those without a test: step, name, cell, and how the saved text starts
    """
    manifest = json.loads((package / "conversion.json").read_text(encoding="utf-8"))
    cells = json.loads(notebook.read_text(encoding="utf-8")).get("cells", [])
    tests = [path.read_text(encoding="utf-8") for path in sorted((package / "tests").rglob("test_*.py"))]
    called = Counter((str(values[0]), str(values[1])) for text in tests for values in displayed_calls(ast.parse(text)))
    shown = [each for each in manifest["statements"] if each.get("shown")]
    rest, with_test, saved, saved_with_test = [], 0, 0, 0
    for each in shown:
        text = saved_text(cells[each["cell"] - 1]) if cells else None
        saved += text is not None
        if called[each["name"], each["shown"]]:
            called[each["name"], each["shown"]] -= 1
            with_test += 1
            saved_with_test += text is not None
        else:
            rest.append([each["name"], each["shown"], each["cell"], None if text is None else text[:200]])
    return {
        "displayed": len(shown),
        "with_test": with_test,
        "saved": saved,
        "saved_with_test": saved_with_test,
        "rest": rest,
        "runs": any("def test_a_step" in each or "ran[" in each for each in tests),
    }


def saved_text(cell: dict[str, Any]) -> str | None:
    """Return the text of the value a cell was saved with, None where there is none."""
    for output in cell.get("outputs", ()):
        if output.get("output_type") == "execute_result":
            return "".join(output.get("data", {}).get("text/plain", ""))
    return None


def displayed_calls(tree: ast.Module) -> list[tuple[object, object]]:
    """Return (step, label) of each ``ran[step].displayed(label)`` in a test module."""
    found: list[tuple[object, object]] = []
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Attribute(attr="displayed", value=ast.Subscript(slice=ast.Constant(value=step))),
                args=[ast.Constant(value=label)],
            ):
                found.append((step, label))
    return found


def seconds_of(case: Path) -> float:
    """Return how long the notebook of a case takes."""
    return float(json.loads((case / "meta.json").read_text(encoding="utf-8"))["seconds"])


def size_of(folder: Path) -> int:
    """Return the size of the files below ``folder``."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def report(outcomes: list[dict[str, Any]]) -> None:
    """Print the table."""
    verdicts = Counter(each["verdict"] for each in outcomes)
    converted = [each for each in outcomes if "displayed" in each]
    print(f"\n{dict(verdicts)}")
    shown, tested = (sum(each[key] for each in converted) for key in ("displayed", "with_test"))
    print(f"suites that run the pipeline: {sum(each['runs'] for each in converted)} of {len(converted)}")
    print(f"displayed values with a test: {tested} of {shown} ({tested / max(shown, 1):.0%})")
    saved, of_saved = (sum(each[key] for each in converted) for key in ("saved", "saved_with_test"))
    print(f"of those that were saved: {of_saved} of {saved} ({of_saved / max(saved, 1):.0%})")
    if verdicts["counted"]:
        for each in converted:
            for step, name, cell, text in each["rest"]:
                if text is not None:
                    print(f"  {each['case']}: cell {cell}, {step}: {name}: {text[:80]!r}")
        return
    print(f"suites that pass: {verdicts['passes']} of {len(converted)}")
    seconds = sorted(each["seconds"] for each in converted)
    if seconds:
        print(f"seconds: median {seconds[len(seconds) // 2]}, longest {seconds[-1]}")
        print(f"size of tests: largest {max(each['size'] for each in converted)} bytes")
    for each in outcomes:
        if each["verdict"] != "passes":
            print(f"\n{each['case']}: {each['verdict']}", *each["failed"], sep="\n  ")


def main() -> None:
    """Read the command line, take every case through, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--legacy", default=sys.executable, help="interpreter for cases of older libraries")
    parser.add_argument("--modern", default=sys.executable, help="interpreter for cases of current libraries")
    parser.add_argument("--pytest", metavar="FOLDER", help="where pytest is, if the interpreters lack it")
    parser.add_argument("--source", type=Path, default=ROOT / "src", help="the nb2prod that converts")
    parser.add_argument("--verify", action="store_true", help="convert with --verify")
    parser.add_argument("--count", action="store_true", help="count the displayed values with a test, run no suite")
    parser.add_argument("--fresh", type=Path, metavar="FOLDER", help="run in environments made of the packages' own")
    parser.add_argument("--uv", type=Path, metavar="PROGRAM", help="install with this uv instead of pip, in seconds")
    parser.add_argument("--pins", type=Path, metavar="FOLDER", help="where requirements files for the notebooks are")
    parser.add_argument("--only", default="*", metavar="GLOB", help="cases by name")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="every Nth case")
    parser.add_argument("--start", type=int, default=0, metavar="N", help="from the Nth case on")
    parser.add_argument("--below", type=float, metavar="SECONDS", help="cases that ran in less than that")
    parser.add_argument("--quickest-first", action="store_true", help="in the order of the time the notebooks take")
    parser.add_argument("--timeout", type=float, default=180, metavar="SECONDS", help="for one suite")
    parser.add_argument("--results", type=Path, metavar="FILE", help="append one JSON object a case")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the packages")
    given = parser.parse_args()
    corpus = Path(os.environ.get("NB2PROD_CORPUS") or ROOT.parent / "shared" / "corpus")
    cases = [path.parent for path in sorted((given.folder or corpus / "runnable").glob("*/meta.json"))]
    cases = [case for case in cases if fnmatch.fnmatch(case.name, given.only) and quick(case, given.below)]
    if given.quickest_first:
        cases.sort(key=seconds_of)
    cases = cases[given.start :: given.every]
    if not cases:
        raise SystemExit("no cases: nothing is measured")
    outcomes = []
    for case in cases:
        outcome = examine(case, given)
        outcomes.append(outcome)
        print(f"{len(outcomes):>4} {case.name}: {outcome['verdict']} {outcome.get('seconds', '')}", flush=True)
        if given.results is not None:
            with given.results.open("a", encoding="utf-8") as file:
                file.write(json.dumps(outcome) + "\n")
    report(outcomes)


if __name__ == "__main__":
    main()
