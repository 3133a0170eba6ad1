"""Runs of notebooks, kept: a run that was observed once is not run again while nothing it depends on has changed.

What a notebook computes does not depend on how it is converted, but where it is looked at does: the steps' ends
and names. A record therefore holds every place it was ever looked at. A conversion that asks for another one has
the notebook run again and be looked at in all of them, so that two conversions in turn settle after one run each.
"""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import json
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nb2prod.verify
from nb2prod.verify.notebook_run import run_notebook
from nb2prod.verify.run import Run
from nb2prod.verify.trace import OF_PROCESS, Displayed, Failure, Figure, Point, Trace, Value, WrittenFile

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nb2prod.verify.interpreter import Interpreter
    from nb2prod.verify.sandbox import Sandbox
    from nb2prod.verify.subject import Subject

# What a step's end is called in a record, where steps have no names.
_PLACE = "{cell}:{statement}"
_DAY = 86_400
# What is not there while a notebook runs: these may change and a record stays good.
_OTHERS = frozenset({
    "compare.py", "description.py", "effects.py", "launch.py", "lines.py", "package_run.py", "packed.py", "places.py",
    "removed.py", "step_values.py", "steps_run.py", "subject.py", "tally.py", "tolerance.py", "values.py", "verdict.py",
    "observer/package.py",
})  # fmt: skip


def observed(records: Path, subject: Subject, interpreter: Interpreter, box: Sandbox, *, number: int, seed: int) -> Run:
    """Return the notebook's run of that number, from its record where there is one."""
    file = records / f"{_key(subject, interpreter, number, seed)}.json.gz"
    # A notebook that prints the date prints another one tomorrow.
    fresh = file.is_file() and time.time() - file.stat().st_mtime < _DAY
    held = _load(file) if fresh else None
    wanted = _wanted(subject.points)
    if held is None or not all(held[0].get(place, set()) >= names for place, names in wanted.items()):
        for place, names in (held[0] if held else {}).items():
            wanted[place] |= names
        looked_at = dataclasses.replace(subject, points=_points(wanted))
        run = run_notebook(looked_at, interpreter, box, number=number, seed=seed, progress=lambda *_: None)
        _save(file, wanted, run)
        held = wanted, run
    return _for_steps(held[1], subject.points)


def _key(subject: Subject, interpreter: Interpreter, number: int, seed: int) -> str:
    """Return a hash of all a run depends on, save for the places it is looked at."""
    hashed = hashlib.sha256(f"{interpreter} {number} {seed}".encode())
    hashed.update(json.dumps(subject.cells).encode())
    observer = Path(nb2prod.verify.__file__).parent
    for folder, others in ((observer, _OTHERS), (subject.path.parent, {subject.path.name})):
        files = {file.relative_to(folder).as_posix(): file for file in folder.rglob("*") if file.is_file()}
        for name, file in sorted(files.items()):
            if name not in others and "__pycache__" not in name:
                hashed.update(f"{name} {hashlib.sha256(file.read_bytes()).hexdigest()}".encode())
    return f"{subject.path.stem[:40]}-{hashed.hexdigest()[:16]}"


def _wanted(points: Iterable[Point]) -> dict[str, set[str]]:
    wanted: dict[str, set[str]] = defaultdict(set)
    for point in points:
        wanted[_place(point)] |= {name for name, _ in point.names}
    return wanted


def _place(point: Point) -> str:
    return _PLACE.format(cell=point.cell, statement=point.statement)


def _points(wanted: dict[str, set[str]]) -> tuple[Point, ...]:
    found = []
    for place, names in wanted.items():
        cell, statement = map(int, place.split(":"))
        found.append(Point(place, cell, statement, tuple((name, "result") for name in sorted(names))))
    return tuple(sorted(found, key=lambda point: (point.cell, point.statement)))


def _for_steps(run: Run, points: Iterable[Point]) -> Run:
    """Return the run as if it had been looked at where the steps end and nowhere else."""
    held: dict[str, list[Value]] = defaultdict(list)
    for value in run.trace.values:
        held[value.step].append(value)
    values = []
    for point in points:
        at = held[_place(point)]
        variables = {value.name: value for value in at if value.role not in OF_PROCESS}
        values += [
            dataclasses.replace(variables[name], step=point.step, role=role)
            for name, role in point.names
            if name in variables
        ]
        values += [dataclasses.replace(value, step=point.step) for value in at if value.role in OF_PROCESS]
    return dataclasses.replace(run, trace=dataclasses.replace(run.trace, values=tuple(values)))


def _save(file: Path, wanted: dict[str, set[str]], run: Run) -> None:
    data = {"looked_at": {place: sorted(names) for place, names in wanted.items()}, "run": dataclasses.asdict(run)}
    file.parent.mkdir(parents=True, exist_ok=True)
    aside = file.with_suffix(".new")
    aside.write_bytes(gzip.compress(json.dumps(data).encode(), compresslevel=5))
    aside.replace(file)


def _load(file: Path) -> tuple[dict[str, set[str]], Run]:
    data = json.loads(gzip.decompress(file.read_bytes()))
    return {place: set(names) for place, names in data["looked_at"].items()}, _run(data["run"])


def _run(data: dict[str, Any]) -> Run:
    trace = data["trace"]
    kinds = {"values": Value, "displayed": Displayed, "figures": Figure, "files": WrittenFile}
    trace |= {name: tuple(kind(**each) for each in trace[name]) for name, kind in kinds.items()}
    trace |= {"out": tuple(trace["out"]), "err": tuple(trace["err"])}
    trace["failure"] = trace["failure"] and Failure(**trace["failure"])
    # JSON has no other keys than texts.
    trace["cell_seconds"] = {int(cell): seconds for cell, seconds in trace["cell_seconds"].items()}
    return Run(Trace(**trace), tuple(data["notes"]), data["line"], tuple(data["cells_out"]))
