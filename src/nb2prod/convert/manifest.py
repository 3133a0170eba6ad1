"""The manifest of a conversion (``conversion.json``): where every statement went, and what was written."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from nb2prod import __version__
from nb2prod.convert.emit.errors import EmissionError
from nb2prod.convert.emit.pipeline import result_fields
from nb2prod.convert.outcome import outcomes
from nb2prod.convert.plan import Options

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from nb2prod.convert.plan import Plan
    from nb2prod.dataflow.model import Statement
    from nb2prod.notebook.model import Notebook

FILE_NAME = "conversion.json"
VERSION = 1


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a package says it was made of and by.

    notebook   SHA-256 of the notebook's file
    generator  ``nb2prod`` and its version
    """

    notebook: str
    generator: str = f"nb2prod {__version__}"


def digest(content: bytes) -> str:
    """Return the SHA-256 of ``content`` in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


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
    observed    its tests expect what a run was seen to make: converting alone cannot make them again

    Raises EmissionError where a statement of the notebook went nowhere.
    """
    data = {
        "version": VERSION,
        "generator": provenance.generator,
        "notebook": {
            "name": plan.notebook.path.name,
            "sha256": provenance.notebook,
            "cells": cell_digests(plan.notebook),
        },
        "options": {name: value for name, value in asdict(plan.options).items() if value and name != "name"},
        "package": plan.package,
        "distribution": plan.distribution,
        "steps": [
            {
                "name": step.name,
                "cells": list(step.cells),
                "arguments": list(step.arguments),
                "results": list(step.results),
                "async": step.is_async,
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
        **({"observed": True} if observed else {}),
        "files": {path: digest(content) for path, content in sorted(files.items())},
    }
    return (json.dumps(data, indent=2, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace")


def cell_digests(notebook: Notebook) -> list[str]:
    """Return the digest of each cell's kind and source, in order: outputs and counts do not matter."""
    return [digest(f"{type(cell).__name__}\n{cell.source}".encode("utf-8", "surrogatepass")) for cell in notebook.cells]


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """Return what the manifest in ``folder`` says, None where there is none of ours that can be used."""
    file = folder / FILE_NAME
    data = _read(file.read_bytes()) if file.is_file() else {}
    usable = isinstance(data.get("notebook"), dict) and isinstance(data.get("files"), dict) and "package" in data
    return data if usable and data.get("version") == VERSION else None


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


def recorded_files(content: bytes) -> dict[str, str] | None:
    """Return the digest of each file a manifest lists, or None where ``content`` is no manifest of ours."""
    files = _read(content).get("files")
    if not isinstance(files, dict):
        return None
    return {path: each for path, each in files.items() if isinstance(path, str) and isinstance(each, str)}


def _read(content: bytes) -> dict[str, Any]:
    """Return the object a manifest is, empty where ``content`` is no manifest of ours."""
    try:
        data = json.loads(content)
    except ValueError:
        return {}
    is_ours = isinstance(data, dict) and str(data.get("generator", "")).startswith("nb2prod ")
    return data if is_ours else {}


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
            "cell": row.cell,
            "statement": row.number,
            "line": row.line,
            "end_line": row.end_line,
            "kind": row.place.kind,
            **({"name": row.place.name} if row.place.name else {}),
            **({"reason": row.place.reason} if row.place.reason else {}),
            **({"shown": row.place.shown} if row.place.shown is not None else {}),
            # A result of the step that is no variable of the notebook.
            **({"kept": True} if row.place.kept else {}),
        }
        for row in rows
    ]
