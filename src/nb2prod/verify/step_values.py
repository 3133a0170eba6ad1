"""Observes the steps of a package that has been found equal to its notebook: what each is given and makes."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import tomllib
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from packaging.requirements import Requirement

from nb2prod.convert.contracts import known_texts
from nb2prod.convert.data_files import named_folders, place_in_test_data
from nb2prod.convert.observation import Observation, ObservedStep, Value
from nb2prod.convert.plan import Column, Contract
from nb2prod.convert.scaffold import tests as scaffold
from nb2prod.generated import digest
from nb2prod.verify import steps_run
from nb2prod.verify.confine import confining
from nb2prod.verify.folder import climbing_paths
from nb2prod.verify.observer import module_of
from nb2prod.verify.sandbox import sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from nb2prod.verify.sandbox import Sandbox
    from nb2prod.verify.subject import Subject
    from nb2prod.verify.verdict import Verification


def observe_steps(done: Verification, output_field: str, *, files_unknown: bool = False) -> Observation | None:
    """Run the package twice, then each step by itself, and return what was seen; None where a run fails.

    files_unknown  nobody can tell from the code whether the tests have all files it reads: it is run once more,
                   with theirs alone

    Nothing is seeded from outside: what differs between the two runs will differ in a test. A step by itself has
    the files that the package's tests have, which may be fewer than the notebook's.
    """
    if done.options.arguments:
        return None  # values that were given by hand are no part of a test
    with _box(done) as box:
        runs = [_run(done, box, output_field, None) for _ in range(2)]
        if any(run is None or run["error"] is not None for run in runs):
            return None
        first, second = (run["steps"] for run in runs if run is not None)
        inputs = _inputs(*(run["inputs"] for run in runs if run is not None))
        (python, versions), *_ = ((run["python"], run["versions"]) for run in runs if run is not None)
        figures, *others = (run["figures"] for run in runs if run is not None)
        steps = {name: _merged(each, second[name]) for name, each in first.items() if name in second}
        wanted = {
            name: {
                "arguments": [each.node for each in step.arguments],
                "made": {result: each.node for result, each in step.made.items()},
            }
            for name, step in steps.items()
            if all(each.stored for each in step.arguments)
        }
    with _box(done, as_tested=True) as box:
        alone = _run(done, box, output_field, wanted) or {}
        as_tested = files_unknown and _is_run_as_observed(_run(done, box, output_field, None), steps)
    return Observation(
        {name: replace(each, alone=name in wanted and alone.get(name, "") is None) for name, each in steps.items()},
        inputs,
        python,
        versions,
        as_tested,
        tuple(figures) if others == [figures] else (),
        any(run["displays"] for run in runs if run is not None),
    )


def does_as_observed(
    done: Verification, observation: Observation, files: Mapping[str, bytes], output_field: str
) -> bool:
    """Return whether a package whose modules were written anew, to check what it reads, does what it did before.

    files  of the package as it is now; where no module differs from the one that was verified, nothing is run
    """
    before = done.subject.files
    if all(before.get(name) == digest(content) for name, content in files.items() if name.startswith("src/")):
        return True
    with _box(done) as box:
        run = _run(done, box, output_field, None)
    return _is_run_as_observed(run, observation.steps)


def _is_run_as_observed(run: Mapping[str, Any] | None, steps: Mapping[str, ObservedStep]) -> bool:
    return (
        run is not None
        and run["error"] is None
        and run["steps"].keys() == steps.keys()
        and all(_is_as_observed(each, steps[name]) for name, each in run["steps"].items())
    )


def _is_as_observed(run: Mapping[str, Any], seen: ObservedStep) -> bool:
    printed_alike = seen.printed is None or run["printed"] == seen.printed
    if seen.displayed is None:
        return printed_alike
    varying = _varying(run["logged"], seen.displayed)
    return printed_alike and varying is not None and varying.keys() <= seen.varying.keys()


@contextmanager
def _box(done: Verification, *, as_tested: bool = False) -> Iterator[Sandbox]:
    """Make a sandbox with the files beside the notebook, or with those that the package's tests run with."""
    subject, options = done.subject, done.options
    beside = subject.path.parent
    with tempfile.TemporaryDirectory(prefix="nb2prod-tested-") as folder:
        tested = _lay_out(Path(folder), subject) if as_tested else beside
        with sandbox(
            tested,
            leave_out=frozenset({subject.folder}),
            extra=climbing_paths(subject.notebook, tested),
            copy_limit=options.copy_limit,
            limits=options.limits,
            confine=(lambda _: None) if options.allow_effects else (lambda here: confining([here])),
        ) as box:
            yield box


def _lay_out(folder: Path, subject: Subject) -> Path:
    """Put into ``folder`` what the package's ``conftest.py`` does, and return where a test runs."""
    data = subject.folder / "tests" / "data"
    folders = named_folders(subject.notebook, subject.path.parent)
    # The notebook stands below its data, and below the folders that it writes to.
    below_data = PurePath(subject.manifest["notebook"].get("place", ".")).parts
    below_folders = place_in_test_data(subject.path.parent, [*map(PurePath, folders)]).parts
    place = max(below_data, below_folders, key=len)
    if data.is_dir():
        shutil.copytree(data, folder.joinpath(*place[: len(place) - len(below_data)]), dirs_exist_ok=True)
    here = folder.joinpath(*place)
    for name in (".", *folders):
        (here / name).mkdir(parents=True, exist_ok=True)
    return here


def _run(
    done: Verification, box: Sandbox, output_field: str, alone: Mapping[str, object] | None
) -> dict[str, Any] | None:
    """Return the answer of one process; None where it did not come to its end."""
    place = box.place("steps")
    settings, written = place.here / "settings.json", place.here / "answer.json"
    settings.write_text(
        json.dumps(
            {
                "source": str(done.subject.source),
                "tests": str(Path(scaffold.__file__).parent),
                "package": done.subject.package,
                "output": output_field,
                "results": {each["name"]: each["results"] for each in done.subject.manifest["steps"]},
                "modules": {each["name"]: module_of(each) for each in done.subject.manifest["steps"]},
                "written": str(written),
                "contract": str(Path(scaffold.__file__).parent.with_name("contract.py")),
                "distributions": _distributions(done),
                "alone": alone,
            }
        ),
        encoding="utf-8",
    )
    try:
        subprocess.run(  # noqa: S603 - the package was run before, by the same interpreter
            [done.interpreter.path, str(Path(steps_run.__file__)), str(settings)],
            cwd=place.copy.folder,
            env=place.environment({**dict(done.interpreter.environment), "MPLBACKEND": "agg"}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=done.options.limits.total,
            check=False,
            preexec_fn=box.confine,
        )
    except subprocess.TimeoutExpired:
        return None
    answer: dict[str, Any] | None = json.loads(written.read_text(encoding="utf-8")) if written.is_file() else None
    return answer


def _distributions(done: Verification) -> list[str]:
    """Return the names of what the package declares to need."""
    project = tomllib.loads((done.subject.folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [Requirement(each).name for each in project["dependencies"]]


def _inputs(one: Sequence[Mapping[str, Any]], other: Sequence[Mapping[str, Any]]) -> dict[str, Contract]:
    """Return the files that were read, with the columns of the table each time; without those that ever differed."""
    found: dict[str, Contract | None] = {}
    for each in (*one, *other):
        columns = tuple(_column(column) for column in each["columns"])
        contract = Contract(each["file"], columns, each["library"])
        known = found.setdefault(each["file"], contract)
        if known != contract:
            found[each["file"]] = None
    return {file: each for file, each in found.items() if file and each is not None and each.columns}


def _column(about: Mapping[str, Any]) -> Column:
    texts = about.get("texts")
    seen = known_texts(texts, about["present"]) if texts is not None else ()
    return Column(about["name"], about["kind"], about["nullable"], about.get("minimum"), about.get("maximum"), seen)


def _merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> ObservedStep:
    varying = _varying(one["logged"], other["logged"])
    return ObservedStep(
        one["printed"] if one["printed"] == other["printed"] else None,
        tuple(one["logged"]) if varying is not None else None,
        tuple(Value(**each) for each in one["arguments"]),
        {name: _steady(each, other["made"][name]) for name, each in one["made"].items()},
        alone=False,
        varying=varying or {},
    )


def _varying(one: Sequence[str], other: Sequence[str]) -> dict[int, str] | None:
    """Return the texts of the other run that differ, by place; None where the names or their order do."""
    if [text.partition(":")[0] for text in one] != [text.partition(":")[0] for text in other]:
        return None
    return {at: again for at, (text, again) in enumerate(zip(one, other, strict=True)) if text != again}


def _steady(one: Mapping[str, Any], other: Mapping[str, Any]) -> Value:
    """Return a result; where two runs made another one, only what both are like."""
    # As text: what is no number equals itself there.
    if json.dumps(one["node"]) == json.dumps(other["node"]):
        return Value(**one)
    same = {key: value for key, value in one["about"].items() if other["about"].get(key) == value}
    return Value(same, stored=False, about=same)
