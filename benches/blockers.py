"""Plants blockers into real notebooks and says which of them `nb2prod check` finds: recall by kind.

    python benches/blockers.py [FOLDER] [--hosts N] [--seed S] [--only KIND] [--missed] [--select RULES]

The plants are in `blockers.md`, written from the list of what keeps notebooks from production, not from our
checks. Each is planted into N notebooks of FOLDER (default: `runnable` of the corpus, NB2PROD_CORPUS or
`shared/corpus` beside the checkout) that have no finding of the wanted codes before, at a random place, cells
together. It is found where a finding of one of its codes stands in the marked cell; where nothing is marked, in
any cell that was planted or about the file as a whole.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import random
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
MARK = re.compile(r"\s*(?:# )?<<<[ \t]*$", re.MULTILINE)
KIND = re.compile(r"^## (?P<name>[^:]+): (?P<codes>[A-Z0-9 ]+)$", re.MULTILINE)
FENCE = re.compile(r"^```(?P<info>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
SMALLEST, LARGEST = 5, 60
BATCH = 400


@dataclass(frozen=True, slots=True)
class Plant:
    """Cells to plant; ``marked`` counts them from 0, None where any place will do."""

    kind: str
    number: int
    codes: frozenset[str]
    cells: tuple[dict[str, Any], ...]
    marked: int | None


@dataclass(slots=True)
class Count:
    """How many plants of one kind were planted and found, and the ones that were not."""

    planted: int = 0
    found: int = 0
    missed: list[str] = field(default_factory=list)


def read_plants(text: str) -> list[Plant]:
    """Return the plants that ``blockers.md`` describes."""
    kinds = list(KIND.finditer(text))
    plants = []
    for kind, following in zip(kinds, [*kinds[1:], None], strict=True):
        section = text[kind.end() : following.start() if following else len(text)]
        for number, variant in enumerate(re.split(r"^###.*$", section, flags=re.MULTILINE), 1):
            cells, marked = read_cells(variant)
            codes = frozenset(kind["codes"].split())
            plants.append(Plant(kind["name"], number, codes, tuple(cells), marked))
    return plants


def read_cells(variant: str) -> tuple[list[dict[str, Any]], int | None]:
    """Return the cells of one variant, and which of them carries the mark."""
    cells: list[dict[str, Any]] = []
    marked = None
    for fence in FENCE.finditer(variant):
        language, _, options = fence["info"].partition(" ")
        if language in ("output", "result"):
            cells[-1]["outputs"] = [output(language, fence["text"])]
            continue
        source = fence["text"].rstrip("\n")
        if "<<<" in source:
            marked = len(cells)
        cells.append(code_cell(MARK.sub("", source), options))
    return cells, marked


def code_cell(source: str, options: str) -> dict[str, Any]:
    """Return a code cell; ``options`` say what a fence cannot show, such as megabytes of output."""
    cell: dict[str, Any] = {"cell_type": "code", "metadata": {}, "execution_count": None, "outputs": []}
    if repeated := re.search(r"repeat_lines=(\d+)", options):
        source = "\n".join([source, *(f"ivory_steps = ivory_steps + {n}" for n in range(int(repeated[1])))])
    if error := re.search(r'error="(\w+)"', options):
        cell["outputs"] = [{"output_type": "error", "ename": error[1], "evalue": "", "traceback": []}]
    if kilobytes := re.search(r"output_kilobytes=(\d+)", options):
        cell["outputs"] = [output("output", "iteration finished without problems\n" * (int(kilobytes[1]) * 28))]
    cell["source"] = source.splitlines(keepends=True)
    return cell


def output(kind: str, text: str) -> dict[str, Any]:
    """Return a saved output: printed text, or the text form of a displayed value."""
    lines = text.splitlines(keepends=True)
    if kind == "output":
        return {"output_type": "stream", "name": "stdout", "text": lines}
    return {"output_type": "execute_result", "execution_count": None, "metadata": {}, "data": {"text/plain": lines}}


def planted(host: dict[str, Any], plant: Plant, place: int) -> dict[str, Any]:
    """Return ``host`` with the plant's cells before cell ``place``; run counts go on as if all had been run."""
    notebook = copy.deepcopy(host)
    cells = copy.deepcopy(list(plant.cells))
    if (notebook["nbformat"], notebook["nbformat_minor"]) >= (4, 5):
        for number, cell in enumerate(cells):
            cell["id"] = f"planted-{number}"
    notebook["cells"][place:place] = cells
    if any(cell.get("execution_count") for cell in host["cells"]):
        code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
        for number, cell in enumerate(code, 1):
            cell["execution_count"] = number
            for each in cell["outputs"]:
                if each["output_type"] == "execute_result":
                    each["execution_count"] = number
    return notebook


def check(files: list[Path], select: str | None) -> dict[str, list[dict[str, Any]]]:
    """Return the diagnostics of each file, by its name."""
    command = [sys.executable, "-m", "nb2prod", "check", "--isolated", "--format", "json", "--fail-on", "never"]
    command += ["--select", select] if select else []
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    by_file = defaultdict(list)
    for start in range(0, len(files), BATCH):
        names = [str(file) for file in files[start : start + BATCH]]
        done = subprocess.run([*command, *names], capture_output=True, text=True, env=environment, check=False)
        if not done.stdout:
            sys.exit(done.stderr)
        for each in json.loads(done.stdout)["diagnostics"]:
            by_file[Path(each["path"]).name].append(each)
    return by_file


def hosts_in(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the notebooks that can be planted into: neither tiny nor huge, saved as nbformat 4."""
    hosts = {}
    for number, path in enumerate(sorted(folder.rglob("*.ipynb"))):
        if path.name == "executed.ipynb":
            continue
        content = json.loads(path.read_text(encoding="utf-8"))
        code = sum(cell["cell_type"] == "code" for cell in content.get("cells", []))
        if content.get("nbformat") == 4 and SMALLEST <= code <= LARGEST:  # noqa: PLR2004 - the format's number
            hosts[f"host-{number}.ipynb"] = content
    return hosts


def found(plant: Plant, place: int, diagnostics: list[dict[str, Any]]) -> bool:
    """Whether one of ``diagnostics`` is the plant, at its cell."""
    cells = range(place + 1, place + 1 + len(plant.cells))
    wanted = {None, *cells} if plant.marked is None else {cells[plant.marked]}
    return any(each["code"] in plant.codes and each["cell"] in wanted for each in diagnostics)


def measure(given: argparse.Namespace, scratch: Path) -> dict[str, Count]:
    """Plant everything, check everything, and count by kind."""
    chance = random.Random(given.seed)  # noqa: S311 - a choice of places, no secret
    plants = [each for each in read_plants(given.plants.read_text(encoding="utf-8")) if given.only in each.kind]
    hosts = hosts_in(given.folder)
    for name, content in hosts.items():
        (scratch / name).write_text(json.dumps(content), encoding="utf-8")
    before = {
        name: {each["code"] for each in each_found}
        for name, each_found in check([scratch / name for name in hosts], given.select).items()
    }
    places: dict[str, tuple[Plant, int, str]] = {}
    for plant in plants:
        clean = [name for name in hosts if not plant.codes & before.get(name, set())]
        for host in chance.sample(clean, min(given.hosts, len(clean))):
            place = chance.randint(1, len(hosts[host]["cells"]))
            name = f"planted-{len(places)}.ipynb"
            (scratch / name).write_text(json.dumps(planted(hosts[host], plant, place)), encoding="utf-8")
            places[name] = plant, place, host
    after = check([scratch / name for name in places], given.select)
    counts: dict[str, Count] = defaultdict(Count)
    for name, (plant, place, host) in places.items():
        count = counts[f"{plant.kind}: {' '.join(sorted(plant.codes))}"]
        count.planted += 1
        if found(plant, place, after[name]):
            count.found += 1
        else:
            count.missed.append(f"variant {plant.number}, {host} cell {place + 1}")
    return counts


def main() -> None:
    """Print recall by kind, and in all."""
    corpus = Path(os.environ.get("NB2PROD_CORPUS") or ROOT.parent / "shared" / "corpus")
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path, default=corpus / "runnable", help="notebooks to plant into")
    parser.add_argument("--plants", type=Path, default=Path(__file__).with_suffix(".md"), help="what to plant")
    parser.add_argument("--hosts", type=int, default=3, help="notebooks for each plant")
    parser.add_argument("--seed", type=int, default=0, help="of the choice of notebooks and places")
    parser.add_argument("--only", default="", help="kinds whose name contains this")
    parser.add_argument("--select", help="as for nb2prod check; default: what is on by default")
    parser.add_argument("--missed", action="store_true", help="list what was not found")
    given = parser.parse_args()
    if not given.folder.is_dir():
        print("no notebooks to plant into: set NB2PROD_CORPUS or name a folder")
        return
    with tempfile.TemporaryDirectory(prefix="blockers-") as scratch:
        counts = measure(given, Path(scratch))
    for kind, count in counts.items():
        print(f"{count.found:4} of {count.planted:4}  {kind}")
        for missed in count.missed if given.missed else ():
            print(f"              missed: {missed}")
    planted_in_all = sum(count.planted for count in counts.values())
    found_in_all = sum(count.found for count in counts.values())
    print(f"{found_in_all:4} of {planted_in_all:4}  in all ({found_in_all / max(planted_in_all, 1):.1%})")


if __name__ == "__main__":
    main()
