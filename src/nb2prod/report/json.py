"""Diagnostics as one JSON object; the contract is in docs/json-output.md."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nb2prod.report import per_rule, per_severity
from nb2prod.report.json_text import indented

if TYPE_CHECKING:
    from nb2prod.diagnostics import Diagnostic, Fix, Related
    from nb2prod.lint_run import Report
    from nb2prod.notebook.location import Location

VERSION = 1


def render(report: Report) -> str:
    """Return the report as JSON: pure ASCII, keys in the documented order, a newline at the end."""
    whole = {
        "version": VERSION,
        "diagnostics": [as_object(diagnostic) for diagnostic in report.diagnostics],
        "summary": {
            "files": len(report.files),
            "packages": len(report.packages),
            "severities": per_severity(report),
            "codes": {rule.code: count for rule, count in sorted(per_rule(report), key=lambda item: item[0].code)},
            "internal_errors": len(report.internal_errors),
        },
    }
    return indented(whole) + "\n"


def as_object(diagnostic: Diagnostic) -> dict[str, Any]:
    """Return a diagnostic as the JSON report has it."""
    place = _place(diagnostic.location)
    return {
        "path": place.pop("path"),
        "code": diagnostic.rule.code,
        "name": diagnostic.rule.name,
        "severity": str(diagnostic.severity),
        "message": diagnostic.finding.message,
        **place,
        "raw_line": diagnostic.raw.line if diagnostic.raw else None,
        "raw_column": diagnostic.raw.column if diagnostic.raw else None,
        "cell_id": diagnostic.cell_id,
        "execution_count": diagnostic.execution_count,
        "related": [_related(related) for related in diagnostic.finding.related],
        "fix": _fix(diagnostic.finding.fix),
    }


def _fix(fix: Fix | None) -> dict[str, str] | None:
    return {"title": fix.title, "applicability": fix.applicability.value} if fix else None


def _related(related: Related) -> dict[str, Any]:
    place = _place(related.location)
    return {"path": place.pop("path"), "message": related.message, **place}


def _place(location: Location) -> dict[str, Any]:
    return {
        "path": location.path.as_posix(),
        "cell": location.cell,
        "line": location.range.start.line,
        "column": location.range.start.column,
        "end_line": location.range.end.line,
        "end_column": location.range.end.column,
    }
