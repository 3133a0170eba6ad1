"""Reports: diagnostics as text and markup, and what all of them count."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from nb2prod.diagnostics import Severity

if TYPE_CHECKING:
    from nb2prod.diagnostics import Rule
    from nb2prod.lint_run import Report


def per_severity(report: Report) -> dict[str, int]:
    """Return how many findings each severity has, the worst first, zeros too."""
    counts = Counter(diagnostic.severity for diagnostic in report.diagnostics)
    return {str(severity): counts[severity] for severity in sorted(Severity, reverse=True)}


def per_rule(report: Report) -> list[tuple[Rule, int]]:
    """Return the rules that found something with how often, the most frequent first, then by code."""
    counts = Counter(diagnostic.rule for diagnostic in report.diagnostics)
    return sorted(counts.items(), key=lambda item: (-item[1], item[0].code))
