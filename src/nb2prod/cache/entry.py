"""The form in which the cache keeps what was found in one notebook: JSON, and no line of the notebook in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nb2prod.diagnostics import Applicability, Diagnostic, Finding, Fix, Related, Severity
from nb2prod.notebook.location import Location, Position, Range, RawPosition, RawRange
from nb2prod.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import PurePath

    from nb2prod.diagnostics import Rule


class Entry(NamedTuple):
    """What is kept of a notebook.

    key      what the findings depend on besides the notebook
    status   size and times of its file; None where the file was so new that it may change unnoticed
    content  a digest of the file
    notices  what is said once a run where there is such a notebook
    asked    names, from the notebook's folder, and whether there was such a file
    places   where the file has the sources of cells with a finding, as ``RawMap.source_bytes``, by cell
    found    the diagnostics, as ``as_saved`` has them
    """

    key: str
    status: list[int] | None
    content: str
    notices: list[str]
    asked: dict[str, bool]
    places: dict[str, tuple[int, int, str] | None]
    found: list[Any]

    def to_bytes(self) -> bytes:
        """Return the entry as it is written."""
        return json.dumps(self, separators=(",", ":")).encode()


def read_entry(content: bytes | None) -> Entry | None:
    """Return the entry that was written; None where it is none of this version."""
    if content is None:
        return None
    values = json.loads(content)
    return Entry(*values) if isinstance(values, list) and len(values) == len(Entry._fields) else None


def as_saved(diagnostic: Diagnostic) -> list[Any]:
    """Return a diagnostic in JSON; what a fix would write is left out, as it is code."""
    finding, own = diagnostic.finding, diagnostic.location.path
    fix = finding.fix
    return [
        diagnostic.rule.code,
        finding.message,
        None if finding.severity is None else int(finding.severity),
        _saved_location(finding.location, own),
        [[_saved_location(each.location, own), each.message] for each in finding.related],
        None if fix is None else [fix.title, fix.applicability.value],
        diagnostic.raw,
        diagnostic.cell_id,
        diagnostic.execution_count,
        diagnostic.raw_range,
        diagnostic.raw_related,
    ]


def as_found(saved: list[Any], path: PurePath, rules: Mapping[str, Rule], fail_on: Severity | None) -> Diagnostic:
    """Return the diagnostic that was saved, of the notebook at ``path``; its fix tells only what it would do.

    fail_on  the least severity that is a failure; None for none
    """
    code, message, severity, location, related, fix, raw, cell_id, count, raw_range, raw_related = saved
    rule = rules[code]
    counts = rule.severity if severity is None else min(Severity(severity), rule.severity)
    return Diagnostic(
        rule,
        Finding(
            _location(location, path),
            message,
            tuple([Related(_location(where, path), text) for where, text in related]),
            None if fix is None else Fix(fix[0], (), Applicability(fix[1])),
            None if severity is None else Severity(severity),
        ),
        None if raw is None else Position(*raw),
        cell_id,
        count,
        _raw_range(raw_range),
        tuple([_raw_range(each) for each in raw_related]),
        fail_on is not None and counts >= fail_on,
    )


def _saved_location(location: Location, own: PurePath) -> list[Any]:
    other = None if location.path == own else str(location.path)
    return [other, location.cell, *location.range.start, *location.range.end]


def _location(saved: Sequence[Any], path: PurePath) -> Location:
    other, cell, line, column, end_line, end_column = saved
    where = Range(Position(line, column), Position(end_line, end_column))
    return Location(path if other is None else Path(other), cell, where)


def _raw_range(saved: Sequence[Sequence[int]] | None) -> RawRange | None:
    return None if saved is None else RawRange(RawPosition(*saved[0]), RawPosition(*saved[1]))
