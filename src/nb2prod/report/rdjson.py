"""Diagnostics in the Reviewdog Diagnostic Format: places are those of the ``.ipynb`` file, columns in UTF-8 bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nb2prod.diagnostics import Severity
from nb2prod.report.json_text import indented
from nb2prod.report.raw_places import WHOLE_FILE, described, relative

if TYPE_CHECKING:
    from pathlib import PurePath

    from nb2prod.diagnostics import Diagnostic
    from nb2prod.lint_run import Report
    from nb2prod.notebook.location import RawPosition, RawRange

_SEVERITIES = {Severity.ERROR: "ERROR", Severity.WARNING: "WARNING", Severity.NOTE: "INFO"}


def render(report: Report) -> str:
    """Return the report as one ``DiagnosticResult``."""
    whole = {"source": {"name": "nb2prod"}, "diagnostics": [_diagnostic(each) for each in report.diagnostics]}
    return indented(whole) + "\n"


def _diagnostic(diagnostic: Diagnostic) -> dict[str, Any]:
    related = zip(diagnostic.finding.related, diagnostic.raw_related, strict=False)
    return {
        "message": described(diagnostic),
        "location": _location(diagnostic.location.path, diagnostic.raw_range or WHOLE_FILE),
        "severity": _SEVERITIES[diagnostic.severity],
        "code": {"value": diagnostic.rule.code},
        "related_locations": [
            {"message": each.message, "location": _location(each.location.path, raw)} for each, raw in related if raw
        ],
    }


def _location(path: PurePath, where: RawRange) -> dict[str, Any]:
    return {"path": relative(path), "range": {"start": _position(where.start), "end": _position(where.end)}}


def _position(position: RawPosition) -> dict[str, int]:
    return {"line": position.line, "column": position.utf8}
