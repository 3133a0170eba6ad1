"""`nb2prod convert` beside other converters of notebooks, on the same notebooks in one run.

    python benches/peers_convert.py [FOLDER] --peers FOLDER [--install] --legacy PYTHON --modern PYTHON

FOLDER holds one folder a case, as for `convert_corpus.py`, whose way of running, printing and comparing is used
here for everybody. `--peers` is where the other tools are, each in an environment of its own; `--install` makes
these with the versions below. What a tool writes is run as its documentation says, where the notebook stood, by
the interpreter that has the notebook's libraries; Ploomber, which runs what soorgeon writes, is put behind them.

converted  the tool came to its end and wrote something
imports    every module it wrote can be imported in an empty folder, without printing or writing
runs       it runs to its end
prints     it prints what the notebook printed, in that order
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from convert_corpus import IMPORT_ALL, ROOT, Ended, comparable, make_writable, printed, run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# What the environment of each tool holds. Ploomber is no environment: a folder behind the notebooks' libraries.
PINNED = {
    "soorgeon": ("soorgeon==0.0.20",),
    "notebook-to-pipeline": ("notebook-to-pipeline==0.2.1",),
    "jupytext": ("jupytext==1.19.6",),
}
PLOOMBER = ("ploomber==0.23.3",)
# Looked for under this name and not found, so there is no row of it with figures.
NOT_INSTALLABLE = ("funcloom",)

BUILD = "import sys; sys.argv = ['ploomber', 'build']; from ploomber_cli.cli import cmd_router; cmd_router()"
IMPORT_FILES = """
import importlib.util, sys
for number, path in enumerate(sys.argv[1:]):
    spec = importlib.util.spec_from_file_location(f"module_{number}", path)
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
"""


@dataclass(frozen=True, slots=True)
class Case:
    """A notebook in a copy of its folder; ``folder`` is where it ran, ``python`` what it ran in."""

    notebook: Path
    folder: Path
    out: Path
    python: str
    limit: float


@dataclass(frozen=True, slots=True)
class Converted:
    """What a tool wrote, and how it is imported and run; what it prints is in ``outputs``, or else on standard output.

    Without ``files`` it was not converted, and ``problem`` says why.
    """

    files: tuple[Path, ...] = ()
    importing: tuple[str, ...] = ()
    running: tuple[str, ...] = ()
    path: str = ""
    outputs: tuple[Path, ...] = ()
    problem: str = ""


@dataclass(slots=True)
class Outcome:
    """What became of one case with one tool."""

    case: str
    tool: str
    deterministic: bool
    converted: str = "yes"
    imports: str = ""
    runs: str = ""
    prints: str = ""
    lines: int = 0
    functions: int = 0


def by_nb2prod(case: Case, _: Path) -> Converted:
    """Convert with this checkout."""
    command = [sys.executable, "-m", "nb2prod", "convert", str(case.notebook), "--output", str(case.out)]
    ended = run(command, case.notebook.parent, case.limit, PYTHONPATH=str(ROOT / "src"))
    if ended.code != 0:
        return Converted(problem=first_reason(ended))
    package = next(path.parent for path in sorted((case.out / "src").glob("*/__main__.py")))
    files = tuple(sorted(package.rglob("*.py")))
    return Converted(files, ("-c", IMPORT_ALL, package.name), ("-m", package.name), str(case.out / "src"))


def by_notebook_to_pipeline(case: Case, peers: Path) -> Converted:
    """Let notebook-to-pipeline write its first draft; its capture would run the notebook, which is not needed."""
    tool = str(peers / "notebook-to-pipeline" / "bin" / "notebook-to-pipeline")
    command = [tool, "scaffold", str(case.notebook), "--out", str(case.out), "--package", "draft", "--env", "pip"]
    ended = run(command, case.folder, case.limit)
    files = tuple(sorted((case.out / "src").rglob("*.py")))
    if ended.code != 0 or not files:
        return Converted(problem=first_reason(ended))
    running = ("-c", "from draft.pipeline import run; run()")
    return Converted(files, ("-c", IMPORT_ALL, "draft"), running, str(case.out / "src"))


def by_jupytext(case: Case, peers: Path) -> Converted:
    """Write the flat script of jupytext."""
    script = case.out / "script.py"
    case.out.mkdir()
    tool = str(peers / "jupytext" / "bin" / "jupytext")
    ended = run([tool, "--to", "py", "--output", str(script), str(case.notebook)], case.folder, case.limit)
    if ended.code != 0 or not script.is_file():
        return Converted(problem=first_reason(ended))
    return Converted((script,), ("-c", IMPORT_FILES, str(script)), (str(script),))


def by_soorgeon(case: Case, peers: Path) -> Converted:
    """Let soorgeon write tasks, which Ploomber runs: it makes an executed notebook of each."""
    tool = str(peers / "soorgeon" / "bin" / "soorgeon")
    command = [tool, "refactor", os.path.relpath(case.notebook, case.folder), "--file-format", "py"]
    pipeline = case.folder / "pipeline.yaml"
    # Kernels have other names elsewhere; Ploomber starts the one the notebook names.
    whole = json.loads(case.notebook.read_text(encoding="utf-8"))
    whole["metadata"]["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    case.notebook.write_text(json.dumps(whole), encoding="utf-8")
    ended = run(command, case.folder, case.limit, HOME=str(case.out.parent))
    if ended.code != 0:
        # What it advises where there are no headings to cut at.
        ended = run([*command, "--single-task"], case.folder, case.limit, HOME=str(case.out.parent))
    if ended.code != 0 or not pipeline.is_file():
        return Converted(problem=first_reason(ended))
    text = pipeline.read_text(encoding="utf-8")
    sources = re.findall(r"^- source: (.+\.py)$", text, re.MULTILINE)
    # The functions are in a file of their own, if there are any.
    files = tuple(path for name in ("exported.py", *sources) if (path := case.folder / name).is_file())
    case.out.mkdir()
    (case.out / "sitecustomize.py").write_text(f"import sys; sys.path.append({str(peers / 'ploomber')!r})\n")
    outputs = tuple(case.folder / name for name in re.findall(r"^\s+(?:nb|product): (.+\.ipynb)$", text, re.MULTILINE))
    importing = ("-c", IMPORT_FILES, *map(str, files))
    path = os.pathsep.join(map(str, (case.out, case.folder)))
    return Converted(files, importing, ("-W", "ignore", "-c", BUILD), path, outputs)


TOOLS: Mapping[str, Callable[[Case, Path], Converted]] = {
    "nb2prod": by_nb2prod,
    "notebook-to-pipeline": by_notebook_to_pipeline,
    "soorgeon": by_soorgeon,
    "jupytext": by_jupytext,
}


def first_reason(ended: Ended) -> str:
    """Return why a tool gave up, in a line."""
    if ended.code is None:
        return "timeout"
    lines = [line.strip() for line in (ended.err or ended.out).splitlines() if line.strip()]
    telling = [line for line in lines if re.search(r"error|cannot|refus|cell \d|must|support", line, re.IGNORECASE)]
    return (telling or lines or [f"exit {ended.code}"])[0][:200]


def examine(folder: Path, tool: str, peers: Path, pythons: Mapping[str, str], limit: float) -> Outcome:
    """Take one case through one tool: convert, import, run, compare."""
    meta: dict[str, Any] = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
    outcome = Outcome(folder.name, tool, meta["deterministic"])
    python = pythons[meta["environment"]]
    with tempfile.TemporaryDirectory(prefix="peers-convert-") as scratch:
        copy = Path(scratch, "case")
        shutil.copytree(folder, copy)
        make_writable(copy)
        for name in ("executed.ipynb", "meta.json"):
            (copy / name).unlink()
        case = Case(copy / meta["notebook"], copy / meta["cwd"], Path(scratch, "out"), python, limit)
        converted = TOOLS[tool](case, peers)
        if not converted.files:
            outcome.converted = converted.problem
            return outcome
        texts = [file.read_text(encoding="utf-8") for file in converted.files]
        outcome.lines = sum(1 for text in texts for line in text.splitlines() if line.strip())
        outcome.functions = sum(map(functions, texts))
        empty = Path(scratch, "empty")
        empty.mkdir()
        ended = run([python, *converted.importing], empty, limit, PYTHONPATH=converted.path, HOME=scratch)
        clean = ended.code == 0 and not ended.out and not any(empty.iterdir())
        outcome.imports = "clean" if clean else "timeout" if ended.code is None else ended.last_line
        settings = {"PYTHONPATH": converted.path, "HOME": scratch, "PLOOMBER_STATS_ENABLED": "false"}
        # The kernels that Ploomber starts are the first `python` there is.
        settings["PATH"] = f"{Path(python).parent}{os.pathsep}{os.environ['PATH']}"
        ended = run([python, *converted.running], case.folder, limit, **settings)
        outcome.runs = "yes" if ended.code == 0 else first_reason(ended)
        actual = (
            "".join(printed(each) for each in converted.outputs if each.is_file()) if converted.outputs else ended.out
        )
        equal = comparable(actual) == comparable(printed(folder / "executed.ipynb"))
        outcome.prints = "equal" if equal and ended.code == 0 else "different"
    return outcome


def functions(text: str) -> int:
    """Return how many functions and methods a module has; none where it is no Python."""
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return 0
    return sum(isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) for node in ast.walk(tree))


def install(peers: Path, python: str) -> None:
    """Make an environment for each tool, and the folder with Ploomber for the notebooks' interpreter."""
    for name, requirements in PINNED.items():
        subprocess.run([sys.executable, "-m", "venv", str(peers / name)], check=True)
        pip = [str(peers / name / "bin" / "python"), "-m", "pip", "install", "--quiet", *requirements]
        subprocess.run(pip, check=True)
    target = [python, "-m", "pip", "install", "--quiet", "--target", str(peers / "ploomber"), *PLOOMBER]
    subprocess.run(target, check=True)


def report(outcomes: list[Outcome]) -> None:
    """Print the table, in Markdown, and for each tool why it gave up."""
    by_tool: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        by_tool[outcome.tool].append(outcome)
    print("| tool | converted | imports clean | runs | prints equal | of deterministic | lines | functions |")
    print("|---|---|---|---|---|---|---|---|")
    for tool, own in by_tool.items():
        done = [each for each in own if each.converted == "yes"]
        equal = [each for each in done if each.prints == "equal"]
        certain = sum(each.deterministic for each in own)
        print(
            f"| {tool} | {len(done)} of {len(own)} | {sum(each.imports == 'clean' for each in done)} "
            f"| {sum(each.runs == 'yes' for each in done)} | {len(equal)} "
            f"| {sum(each.deterministic for each in equal)} of {certain} "
            f"| {sum(each.lines for each in done)} | {sum(each.functions for each in done)} |"
        )
    for name in NOT_INSTALLABLE:
        print(f"| {name} | pip finds no distribution of this name | | | | | | |")
    for tool, own in by_tool.items():
        reasons: dict[str, list[str]] = defaultdict(list)
        for each in own:
            if each.converted != "yes":
                reasons[f"not converted: {each.converted}"].append(each.case)
            elif each.runs != "yes":
                reasons[f"does not run: {each.runs}"].append(each.case)
        print(f"\n{tool}:")
        for reason, cases in sorted(reasons.items(), key=lambda item: -len(item[1])):
            print(f"- {len(cases)} × {reason[:160]}")  # noqa: RUF001 times


def main() -> None:
    """Read the command line, take every case through every tool, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--peers", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--install", action="store_true")
    parser.add_argument("--legacy", default=sys.executable)
    parser.add_argument("--modern", default=sys.executable)
    parser.add_argument("--limit", type=int, help="only the N notebooks that run quickest")
    parser.add_argument("--timeout", type=float, default=180, metavar="SECONDS", help="for each command")
    parser.add_argument("--results", type=Path, metavar="FILE", help="one JSON object a line; what is there is kept")
    given = parser.parse_args()
    peers = given.peers.resolve()
    if given.install:
        install(peers, given.legacy)
    corpus = Path(os.environ.get("NB2PROD_CORPUS") or ROOT.parent / "shared" / "corpus")
    folder: Path = given.folder or corpus / "runnable"
    cases = {path.parent: json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*/meta.json")}
    chosen = sorted(cases, key=lambda case: (cases[case]["seconds"], case.name))[: given.limit]
    if not chosen:
        raise SystemExit(f"no cases in {folder}: nothing is measured")
    old = given.results.read_text(encoding="utf-8").splitlines() if given.results and given.results.exists() else []
    outcomes = [Outcome(**json.loads(line)) for line in old]
    seen = {(each.case, each.tool) for each in outcomes}
    for case in chosen:
        for tool in TOOLS:
            if (case.name, tool) in seen:
                continue
            pythons = {"legacy": given.legacy, "modern": given.modern}
            outcome = examine(case, tool, peers, pythons, given.timeout)
            outcomes.append(outcome)
            print(f"{case.name}: {tool}: {outcome.converted}, {outcome.runs}, {outcome.prints}", file=sys.stderr)
            if given.results is not None:
                with given.results.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(asdict(outcome)) + "\n")
    names = {case.name for case in chosen}
    print(f"{len(chosen)} notebooks; {', '.join(word for each in PINNED.values() for word in each)}\n")
    report([each for each in outcomes if each.case in names])


if __name__ == "__main__":
    main()
