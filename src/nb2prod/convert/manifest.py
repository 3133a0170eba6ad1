"""The manifest of a conversion (``conversion.json``): where every statement went, and what was written."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from nb2prod import __version__
from nb2prod.convert.emit.errors import EmissionError
from nb2prod.convert.emit.pipeline import result_fields
from nb2prod.convert.emit.statements import python_lines, statement_range
from nb2prod.convert.plan import Moved

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nb2prod.convert.plan import Plan
    from nb2prod.dataflow.model import Statement

FILE_NAME = "conversion.json"
VERSION = 1


def digest(content: bytes) -> str:
    """Return the SHA-256 of ``content`` in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def manifest(plan: Plan, statements: Sequence[Statement], notebook_digest: str, files: Mapping[str, bytes]) -> bytes:
    """Return the content of ``conversion.json``.

    statements  every top-level statement of the notebook: each appears exactly once
    files       every other file of the package

    Raises EmissionError where a statement of the notebook went nowhere.
    """
    data = {
        "version": VERSION,
        "generator": f"nb2prod {__version__}",
        "notebook": {"name": plan.notebook.path.name, "sha256": notebook_digest},
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
        "files": {path: digest(content) for path, content in sorted(files.items())},
    }
    return (json.dumps(data, indent=2, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace")


def recorded_files(content: bytes) -> dict[str, str] | None:
    """Return the digest of each file a manifest lists, or None where ``content`` is no manifest of ours."""
    try:
        data = json.loads(content)
    except ValueError:
        return None
    files = (
        data.get("files") if isinstance(data, dict) and str(data.get("generator", "")).startswith("nb2prod ") else None
    )
    if not isinstance(files, dict):
        return None
    return {path: each for path, each in files.items() if isinstance(path, str) and isinstance(each, str)}


def _statements(plan: Plan, statements: Sequence[Statement]) -> list[dict[str, Any]]:
    places = _places(plan)
    rows: list[dict[str, Any]] = []
    numbers: dict[int, int] = {}
    for statement in statements:
        cell = statement.cell.index
        numbers[cell] = numbers.get(cell, 0) + 1
        span = statement_range(python_lines(statement.cell), statement.node)
        place = places.get(statement.index)
        if place is None:
            msg = f"cell {cell}, line {span.start.line}: the statement went nowhere"
            raise EmissionError(msg)
        rows.append(
            {"cell": cell, "statement": numbers[cell], "line": span.start.line, "end_line": span.end.line, **place}
        )
    return rows


def _places(plan: Plan) -> dict[int, dict[str, Any]]:
    """Return where each statement went, by its index. A step comes before an import a magic needs."""
    places: dict[int, dict[str, Any]] = {}
    for each in plan.imports:
        if each.statement is None:
            continue
        places[each.statement.index] = {"kind": "import", "name": ", ".join(each.binds)}
    for dropped in plan.dropped:
        places[dropped.statement.index] = {"kind": "dropped", "reason": dropped.reason}
    for function in plan.functions:
        places[function.moved.statement.index] = {"kind": function.kind, "name": function.name}
    for statement, parameter in plan.lifted:
        places[statement.index] = {"kind": "parameter", "name": parameter}
    for step in plan.steps:
        for item in step.items:
            if isinstance(item, Moved):
                place: dict[str, Any] = {"kind": "step", "name": step.name}
                if item.shown is not None:
                    place["shown"] = item.shown
                    # A result of the step that is no variable of the notebook.
                    place |= {"kept": True} if item.kept else {}
                places[item.statement.index] = place
    return places
