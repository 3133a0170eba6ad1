"""Converts every runnable notebook of a corpus, runs the packages, and compares what they print.

    python benches/convert_corpus.py [FOLDER] --legacy PYTHON --modern PYTHON [--results FILE]

FOLDER holds one folder a case: the notebook, what it reads, `executed.ipynb` (a fresh run) and
`meta.json`; it defaults to `runnable` in the corpus (NB2PROD_CORPUS, or `shared/corpus` beside the
checkout). Each case is converted and run in a copy of its folder, by the interpreter that has the
libraries it was written for. The package must import without printing or writing anything, run, and
print the lines the notebook printed, in that order. Addresses, times of day, measured times and
the earlier states of progress bars are masked on both sides, and nothing else.

`--baseline flat` runs the notebook's cells as one script instead: the floor any converter has to beat.
`--results` appends one JSON object a case, so that two runs can be compared.
"""

from __future__ import annotations

import argparse
import difflib
import fnmatch
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent

# `%time` and `%timeit` print these; a package does not measure itself.
_MEASURED = re.compile(r"(CPU times: |Wall time: |Compiler *: |.* ± .* per loop |.*: \d+ \S?s per loop)")
_MASKS = (
    (re.compile(r"\b0x[0-9a-fA-F]{4,}\b"), "0x0"),
    (re.compile(r"\b\d{1,2}:\d\d:\d\d(\.\d+)?\b"), "0:00:00"),
    # the header of a statsmodels summary
    (re.compile(r"\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4}\b"), "the day"),
)

IMPORT_ALL = """
import importlib, pkgutil, sys
package = importlib.import_module(sys.argv[1])
for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
"""


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asks for."""

    pythons: dict[str, str]
    timeout: float
    baseline: str | None
    tests: bool
    test_path: str | None
    install: bool
    keep: Path | None


@dataclass(slots=True)
class Outcome:
    """What became of one case.

    converted  ``yes``, ``refused``, or what went wrong
    imports    ``clean``, or what it printed, wrote or raised
    runs       ``yes``, ``timeout``, or the last line of the traceback
    prints     ``equal``, ``different``
    difference the first line that differs, the notebook's and the package's
    tests      ``pass``, or the summary of what failed
    """

    case: str
    environment: str
    deterministic: bool
    lines: int
    converted: str = ""
    reasons: list[str] = field(default_factory=list)
    imports: str = ""
    runs: str = ""
    prints: str = ""
    difference: list[str] = field(default_factory=list)
    tests: str = ""
    seconds: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended; ``code`` is None where time ran out."""

    code: int | None
    out: str
    err: str

    @property
    def last_line(self) -> str:
        """The last line it wrote to standard error, else to standard output."""
        lines = [line for line in (self.err.strip() or self.out.strip()).splitlines() if line.strip()]
        return lines[-1][:300] if lines else f"exit code {self.code}"


def run(command: list[str], folder: Path, timeout: float, **environment: str) -> Ended:
    """Run a command to its end, or end it and everything it started when time runs out."""
    dropped = {"MPLBACKEND", "PYTHONPATH", "VIRTUAL_ENV", "PYTHONHOME"}
    inherited = {name: value for name, value in os.environ.items() if name not in dropped}
    settings = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONIOENCODING": "utf-8", **environment}
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=inherited | settings,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
        try:
            code: int | None = process.wait(timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            code = None
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode("utf-8", "replace"))
    return Ended(code, *texts)


def printed(notebook: Path) -> str:
    """Return what an executed notebook printed to standard output."""
    parts = []
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        for output in cell.get("outputs", []):
            if output["output_type"] == "stream" and output["name"] == "stdout":
                text = output["text"]
                parts.append(text if isinstance(text, str) else "".join(text))
    return "".join(parts)


def comparable(text: str) -> list[str]:
    """Return a text's lines without what no two runs share."""
    lines = []
    for raw in text.replace("\r\n", "\n").split("\n"):
        line = raw.rstrip("\r").rpartition("\r")[2]  # a progress bar's last state
        if _MEASURED.match(line):
            continue
        for pattern, stand_in in _MASKS:
            line = pattern.sub(stand_in, line)
        lines.append(line)
    while lines and not lines[-1]:
        lines.pop()
    return lines


def examine(case: Path, options: Options) -> Outcome:
    """Take one case through conversion, import, run and comparison."""
    meta: dict[str, Any] = json.loads((case / "meta.json").read_text(encoding="utf-8"))
    expected = comparable(printed(case / "executed.ipynb"))
    outcome = Outcome(case.name, meta["environment"], meta["deterministic"], len(expected))
    python = options.pythons[meta["environment"]]
    with tempfile.TemporaryDirectory(prefix="convert-corpus-") as scratch:
        copy, out = Path(scratch, "case"), Path(scratch, "out")
        shutil.copytree(case, copy)
        make_writable(copy)
        for name in ("executed.ipynb", "meta.json"):
            (copy / name).unlink()
        started = time.perf_counter()
        convert(copy / meta["notebook"], out, outcome, options)
        outcome.seconds["convert"] = round(time.perf_counter() - started, 2)
        if outcome.converted == "yes":
            package = next(path.parent.name for path in sorted((out / "src").glob("*/__main__.py")))
            path = install(python, out, Path(scratch, "site"), outcome) if options.install else out / "src"
            if path is not None:
                judge(outcome, package, path, copy / meta["cwd"], expected=expected, python=python, options=options)
            if options.tests:
                check_tests(outcome, out, python, options)
        if options.keep is not None:
            kept = options.keep / case.name
            shutil.rmtree(kept, ignore_errors=True)
            shutil.copytree(scratch, kept)
    return outcome


def make_writable(folder: Path) -> None:
    """Give the copy of a read-only folder back to its owner."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(path.stat().st_mode | 0o600 | (0o100 if path.is_dir() else 0))


def convert(notebook: Path, out: Path, outcome: Outcome, options: Options) -> None:
    """Convert, or write the flat script, and note how it went."""
    if options.baseline == "flat":
        write_flat(notebook, out)
        outcome.converted = "yes"
        return
    command = [sys.executable, "-m", "nb2prod", "convert", str(notebook), "--output", str(out)]
    ended = run(command, notebook.parent, options.timeout, PYTHONPATH=str(ROOT / "src"))
    if ended.code == 0:
        outcome.converted = "yes"
    elif ended.code == 1:
        outcome.converted = "refused"
        outcome.reasons = [line for line in ended.err.splitlines() if "cell " in line]
    else:
        outcome.converted = "timeout" if ended.code is None else f"exit {ended.code}: {ended.last_line}"


def write_flat(notebook: Path, out: Path) -> None:
    """Write the notebook's code as one module, its magics masked: what a converter does at the least."""
    from nb2prod.notebook.read import read_notebook  # noqa: PLC0415 - only this baseline needs the checkout's path

    package = out / "src" / "flat"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("", encoding="utf-8")
    cells = "\n\n".join(cell.python for cell in read_notebook(notebook).code_cells)
    (package / "__main__.py").write_text(f"{cells}\n", encoding="utf-8")


def install(python: str, out: Path, site: Path, outcome: Outcome) -> Path | None:
    """Install the package without its dependencies into ``site``; None where that fails."""
    command = [python, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(site), str(out)]
    ended = run(command, out, 300)
    if ended.code == 0:
        return site
    outcome.imports = f"does not install: {ended.last_line}"
    return None


def judge(
    outcome: Outcome, package: str, path: Path, folder: Path, *, expected: list[str], python: str, options: Options
) -> None:
    """Import the package, run it where the notebook stood, and compare what it prints."""
    with tempfile.TemporaryDirectory() as empty:
        ended = run([python, "-c", IMPORT_ALL, package], Path(empty), options.timeout, PYTHONPATH=str(path))
        wrote = sorted(file.name for file in Path(empty).iterdir())
    if ended.code != 0:
        outcome.imports = "timeout" if ended.code is None else ended.last_line
    elif ended.out or wrote:
        outcome.imports = f"prints {ended.out[:80]!r}" if ended.out else f"writes {', '.join(wrote[:5])}"
    else:
        outcome.imports = "clean"
    started = time.perf_counter()
    ended = run([python, "-m", package], folder, options.timeout, PYTHONPATH=str(path))
    outcome.seconds["run"] = round(time.perf_counter() - started, 2)
    outcome.runs = "yes" if ended.code == 0 else "timeout" if ended.code is None else ended.last_line
    actual = comparable(ended.out)
    outcome.prints = "equal" if actual == expected else "different"
    if actual != expected and ended.code == 0:
        outcome.difference = first_difference(expected, actual)


def first_difference(expected: list[str], actual: list[str]) -> list[str]:
    """Return where the texts part: the line's number, the notebook's line and the package's."""
    for tag, start, end, other, other_end in difflib.SequenceMatcher(
        None, expected, actual, autojunk=False
    ).get_opcodes():
        if tag != "equal":
            mine = expected[start] if end > start else "(no line)"
            theirs = actual[other] if other_end > other else "(no line)"
            return [f"line {start + 1} of {len(expected)}", mine[:200], theirs[:200]]
    return []


def check_tests(outcome: Outcome, out: Path, python: str, options: Options) -> None:
    """Run the generated tests."""
    if not (out / "tests").is_dir():
        outcome.tests = "none"
        return
    paths = os.pathsep.join(filter(None, [str(out / "src"), options.test_path]))
    command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]
    ended = run(command, out, options.timeout * 3, PYTHONPATH=paths)
    if ended.code is None:
        outcome.tests = "timeout"
    else:
        lines = [line for line in ended.out.splitlines() if line.startswith(("FAILED", "ERROR", "E  "))]
        outcome.tests = "pass" if ended.code == 0 else (lines[0][:300] if lines else ended.last_line)


def report(outcomes: list[Outcome]) -> None:
    """Print the table and what failed."""
    converted = [outcome for outcome in outcomes if outcome.converted == "yes"]
    print(f"\n{'':24}{'all':>8}{'modern':>8}{'legacy':>8}{'deterministic':>15}{'with prints':>13}")
    rows = {
        "cases": outcomes,
        "converted": converted,
        "refused": [outcome for outcome in outcomes if outcome.converted == "refused"],
        "imports clean": [outcome for outcome in converted if outcome.imports == "clean"],
        "runs": [outcome for outcome in converted if outcome.runs == "yes"],
        "prints equal": [outcome for outcome in converted if outcome.runs == "yes" and outcome.prints == "equal"],
        "tests pass": [outcome for outcome in converted if outcome.tests == "pass"],
    }
    for title, chosen in rows.items():
        by = Counter(outcome.environment for outcome in chosen)
        certain = sum(outcome.deterministic for outcome in chosen)
        talking = sum(outcome.lines > 0 for outcome in chosen)
        print(f"{title:24}{len(chosen):>8}{by['modern']:>8}{by['legacy']:>8}{certain:>15}{talking:>13}")
    for outcome in outcomes:
        for title, text in problems(outcome):
            print(f"\n{outcome.case}\n  {title}: {text}")


def problems(outcome: Outcome) -> list[tuple[str, str]]:
    """Return what is wrong with one case, each with the word for it."""
    if outcome.converted == "refused":
        return [("refused", reason) for reason in outcome.reasons or ["no reason given"]]
    if outcome.converted != "yes":
        return [("not converted", outcome.converted)]
    found = [("imports", outcome.imports)] if outcome.imports != "clean" else []
    if outcome.runs != "yes":
        found.append(("runs", outcome.runs))
    elif outcome.prints != "equal":
        word = "prints" if outcome.deterministic else "prints (the notebook's own runs differ too)"
        found.append((word, "\n    ".join(outcome.difference)))
    if outcome.tests not in {"", "pass", "none"}:
        found.append(("tests", outcome.tests))
    return found


def main() -> None:
    """Read the command line, take every case through, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--legacy", default=sys.executable, help="interpreter for cases of older libraries")
    parser.add_argument("--modern", default=sys.executable, help="interpreter for cases of current libraries")
    parser.add_argument("--baseline", choices=["flat"], help="run the cells as one script instead of converting")
    parser.add_argument("--only", default="*", metavar="GLOB", help="cases by name")
    parser.add_argument("--limit", type=int, help="the first N cases")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--timeout", type=float, default=90, metavar="SECONDS", help="for each command")
    parser.add_argument("--tests", action="store_true", help="run the generated tests as well")
    parser.add_argument("--test-path", metavar="FOLDER", help="where pytest is, if the interpreters lack it")
    parser.add_argument("--install", action="store_true", help="install each package instead of using its src")
    parser.add_argument("--results", type=Path, metavar="FILE", help="append one JSON object a case")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the packages and the folders they ran in")
    given = parser.parse_args()
    corpus = Path(os.environ.get("NB2PROD_CORPUS") or ROOT.parent / "shared" / "corpus")
    folder: Path = given.folder or corpus / "runnable"
    sys.path.insert(0, str(ROOT / "src"))
    cases = [
        path.parent for path in sorted(folder.glob("*/meta.json")) if fnmatch.fnmatch(path.parent.name, given.only)
    ]
    if not cases:
        raise SystemExit(f"no cases in {folder}: nothing is measured")
    options = Options(
        {"legacy": given.legacy, "modern": given.modern},
        given.timeout,
        given.baseline,
        given.tests,
        given.test_path,
        given.install,
        given.keep,
    )
    outcomes = []
    with ThreadPoolExecutor(given.jobs) as pool:
        for outcome in pool.map(lambda case: examine(case, options), cases[: given.limit]):
            outcomes.append(outcome)
            short = [title for title, _ in problems(outcome)] or ["ok"]
            print(f"{len(outcomes):>4} {outcome.case}: {', '.join(dict.fromkeys(short))}", flush=True)
            if given.results is not None:
                with given.results.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(asdict(outcome)) + "\n")
    report(outcomes)


if __name__ == "__main__":
    main()
