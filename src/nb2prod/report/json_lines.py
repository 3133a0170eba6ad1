"""Diagnostics as JSON, one to a line; each is what it is in the JSON report (docs/json-output.md)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from nb2prod.report.json import as_object

if TYPE_CHECKING:
    from nb2prod.lint_run import Report


def render(report: Report) -> str:
    """Return a line for each diagnostic, pure ASCII; nothing where there is none."""
    return "".join(json.dumps(as_object(diagnostic)) + "\n" for diagnostic in report.diagnostics)
