"""Diagnostics as a Code Quality report of GitLab: places are those of the ``.ipynb`` file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nb2prod.diagnostics import Severity
from nb2prod.fingerprints import digest, fingerprints
from nb2prod.report.json_text import indented
from nb2prod.report.raw_places import WHOLE_FILE, described, relative

if TYPE_CHECKING:
    from nb2prod.diagnostics import Diagnostic
    from nb2prod.lint_run import Report

_SEVERITIES = {Severity.ERROR: "critical", Severity.WARNING: "major", Severity.NOTE: "info"}


def render(report: Report) -> str:
    """Return the report as a JSON array, as GitLab's artifact ``codequality`` wants it."""
    entries = [_entry(each, mark) for each, mark in zip(report.diagnostics, fingerprints(report), strict=True)]
    return indented(entries) + "\n"


def _entry(diagnostic: Diagnostic, fingerprint: str) -> dict[str, Any]:
    start, end = diagnostic.raw_range or WHOLE_FILE
    path = relative(diagnostic.location.path)
    return {
        "description": described(diagnostic),
        "check_name": diagnostic.rule.code,
        # GitLab takes findings of two files with one fingerprint for one finding.
        "fingerprint": digest(f"{path}\0{fingerprint}"),
        "severity": _SEVERITIES[diagnostic.severity],
        "location": {
            "path": path,
            "positions": {
                "begin": {"line": start.line, "column": start.column},
                "end": {"line": end.line, "column": end.column},
            },
        },
    }
