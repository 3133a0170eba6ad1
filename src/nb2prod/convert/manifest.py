"""The manifest of a conversion (``conversion.json``): where every statement went, and what was written."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nb2prod import __version__
from nb2prod.convert.data_files import place_in_test_data
from nb2prod.convert.emit.errors import EmissionError
from nb2prod.convert.emit.pipeline import result_fields
from nb2prod.convert.outcome import outcomes
from nb2prod.convert.plan import Column, Contract, Options
from nb2prod.convert.run_notes import run_digests
from nb2prod.generated import VERSION, cell_digests, digest, parsed_manifest, read_manifest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nb2prod.convert.outcome import Outcome
    from nb2prod.convert.plan import Plan
    from nb2prod.dataflow.model import Statement


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a package says it was made of and by.

    notebook   SHA-256 of the notebook's file
    generator  ``nb2prod`` and its version
    """

    notebook: str
    generator: str = f"nb2prod {__version__}"


def manifest(
    plan: Plan,
    statements: Sequence[Statement],
    provenance: Provenance,
    files: Mapping[str, bytes],
    *,
    observed: bool = False,
) -> bytes:
    """Return the content of ``conversion.json``.

    statements  every top-level statement of the notebook: each appears exactly once
    files       every other file of the package
    observed    its tests expect what a run was seen to make, its input contract what was seen being read:
                converting alone cannot make them again

    Raises EmissionError where a statement of the notebook went nowhere.
    """
    observed_too = {"observed": True, "inputs": [asdict(each) for each in plan.contracts]} if observed else {}
    return as_json(
        {"version": VERSION, "generator": provenance.generator}
        | notebook_rows(plan, statements, provenance)
        | observed_too
        | {"files": {path: digest(content) for path, content in sorted(files.items())}}
    )


def as_json(data: Mapping[str, Any]) -> bytes:
    """Return a manifest as it is written."""
    return (json.dumps(data, indent=2, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace")


def notebook_rows(plan: Plan, statements: Sequence[Statement], provenance: Provenance) -> dict[str, Any]:
    """Return what a manifest says of a notebook and what became of it; see ``manifest``."""
    place = place_in_test_data(Path(plan.notebook.path).parent, plan.data_files)
    return {
        "notebook": {
            "name": plan.notebook.path.name,
            "sha256": provenance.notebook,
            "cells": cell_digests(plan.notebook),
            **({"runs": run_digests(plan.notebook)} if plan.notebook.runs else {}),
            **({"place": place.as_posix()} if place.parts else {}),
        },
        "options": {name: value for name, value in asdict(plan.options).items() if value and name != "name"},
        "package": plan.package,
        "distribution": plan.distribution,
        "steps": [
            {
                "name": step.name,
                "module": step.module,
                "cells": list(step.numbers),
                "arguments": list(step.arguments),
                "results": list(step.results),
                "async": step.is_async,
                **({"imports": list(step.imports)} if step.imports else {}),
            }
            for step in plan.steps
        ],
        "statements": _statements(plan, statements),
        "results": [
            {"field": field, "name": each.name, "step": each.step, "cell": each.cell, "displayed": each.displayed}
            for field, each in result_fields(plan).items()
        ],
        "refusals": [
            {"cell": each.cell, "line": each.line, "reason": each.reason, "advice": each.advice}
            for each in plan.refusals
        ],
    }


def recorded_package(folder: Path, notebook: str) -> str | None:
    """Return the name of the package in ``folder``, None where it holds none of the notebook with this file name."""
    data = read_manifest(folder)
    if data is None or data["notebook"].get("name") != notebook or not str(data["package"]).isidentifier():
        return None
    return str(data["package"])


def recorded_options(data: Mapping[str, Any]) -> Options:
    """Return what was asked of the conversion a manifest tells of, its package's name included."""
    asked = data.get("options", {})

    def words(option: str) -> tuple[str, ...]:
        return tuple(map(str, asked.get(option, ())))

    return Options(
        name=str(data["package"]),
        partial=bool(asked.get("partial")),
        only=words("only"),
        keep=words("keep"),
        keep_exploration=bool(asked.get("keep_exploration")),
        max_test_data=asked.get("max_test_data"),
    )


def recorded_inputs(data: Mapping[str, Any]) -> dict[str, Contract]:
    """Return the input contracts of a package whose run was observed, by file."""
    found: dict[str, Contract] = {}
    for each in data.get("inputs", ()):
        columns = tuple(Column(**{**column, "seen": tuple(column["seen"])}) for column in each["columns"])
        found[each["file"]] = Contract(each["file"], columns, each["library"])
    return found


def recorded_files(content: bytes) -> dict[str, str] | None:
    """Return the digest of each file a manifest lists, or None where ``content`` is no manifest of ours."""
    files = parsed_manifest(content).get("files")
    if not isinstance(files, dict):
        return None
    return {path: each for path, each in files.items() if isinstance(path, str) and isinstance(each, str)}


def _statements(plan: Plan, statements: Sequence[Statement]) -> list[dict[str, Any]]:
    rows = outcomes(plan, statements)
    found = Counter(row.cell for row in rows)
    expected = Counter(statement.cell.index for statement in statements)
    if found != expected:
        cells = sorted((expected - found) + (found - expected))
        msg = f"cell {cells[0]}: a statement went nowhere, or twice"
        raise EmissionError(msg)
    return [
        {
            **_place(row, plan),
            "line": row.line,
            "end_line": row.end_line,
            "kind": row.place.kind,
            **({"name": row.place.name} if row.place.name else {}),
            **({"module": row.place.module} if row.place.module else {}),
            **({"reason": row.place.reason} if row.place.reason else {}),
            **({"shown": row.place.shown} if row.place.shown is not None else {}),
            # A result of the step that is no variable of the notebook.
            **({"kept": True} if row.place.kept else {}),
        }
        for row in rows
    ]


def _place(row: Outcome, plan: Plan) -> dict[str, Any]:
    """Return the statement a row is about: the number of its cell, and its number there.

    A statement of a file that is run has those of the ``%run``, and beside them its own in that file.
    """
    included = plan.notebook.included.get(row.cell)
    if included is None:
        return {"cell": row.cell, "statement": row.number}
    if not included.file:
        return {"cell": included.cell, "statement": included.statement + row.number}
    own = {"file": included.file, "cell": included.number, "statement": row.number}
    return {"cell": included.cell, "statement": included.statement, "included": own}
