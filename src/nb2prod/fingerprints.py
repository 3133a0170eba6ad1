"""Fingerprints: what a finding is known by when its cell moves, or the notebook is run or laid out anew."""

from __future__ import annotations

from collections import Counter
from hashlib import sha256
from typing import TYPE_CHECKING

from nb2prod.records import NamedTuple
from nb2prod.suppress import without_suppressions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nb2prod.diagnostics import Diagnostic
    from nb2prod.lint_run import Report

# As many hexadecimal digits tell the findings of any repository apart.
_DIGITS = 16


class Identity(NamedTuple):
    """What stays of a finding whatever happens around its line; no source can be read from it.

    rule    the rule's code
    cell    the cell's id, or else a digest of its source; empty for a finding about the file
    source  a digest of the line the finding starts on, however it is indented; empty for the same
    """

    rule: str
    cell: str
    source: str


def identity(report: Report, diagnostic: Diagnostic) -> Identity:
    """Return the identity of a diagnostic of ``report``; two findings may have the same one.

    What a rule redacts does not count, as it does not reach the report's sources.
    """
    location = diagnostic.location
    if location.cell is None:
        return Identity(diagnostic.rule.code, "", "")
    lines = report.sources[location.path, location.cell]
    line = lines[location.line - 1] if location.line <= len(lines) else ""
    return Identity(diagnostic.rule.code, diagnostic.cell_id or digest(_normalised(lines)), digest(_normalised([line])))


def fingerprints(report: Report) -> list[str]:
    """Return the fingerprint of each diagnostic, in order; no two of one file are the same.

    It has a digest of the identity, and where several findings have one, their number among these.
    """
    seen: Counter[tuple[str, Identity]] = Counter()
    found = []
    for diagnostic in report.diagnostics:
        known = identity(report, diagnostic)
        key = (diagnostic.location.path.as_posix(), known)
        seen[key] += 1
        found.append(f"{digest(chr(0).join(known))}:{seen[key]}")
    return found


def digest(text: str) -> str:
    """Return a short digest of ``text``; half surrogates, which notebooks have, count as any character."""
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]


def _normalised(lines: Sequence[str]) -> str:
    # What silences other findings of a line or a cell does not make those that are left new ones.
    return "\n".join(text for line in lines if (text := " ".join(without_suppressions(line).split())))
