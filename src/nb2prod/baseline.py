"""Baselines: the findings a repository had when it began to be checked, so that only new ones are reported."""

from __future__ import annotations

import json
import os
from collections import Counter
from typing import TYPE_CHECKING, Any

from nb2prod.errors import ConfigurationError
from nb2prod.fingerprints import Identity, identity
from nb2prod.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path, PurePath

    from nb2prod.diagnostics import Diagnostic
    from nb2prod.lint_run import Report

VERSION = 1

# How often each finding is in a notebook.
Entries = Counter[Identity]


class Compared(NamedTuple):
    """A report without what a baseline has.

    report  the new findings alone
    known   for each notebook the entries of its baseline that are still found
    fixed   for each notebook the entries that are found no more, of rules that looked for them
    """

    report: Report
    known: Mapping[PurePath, Entries]
    fixed: Mapping[PurePath, Entries]


def read_baseline(path: Path) -> dict[str, Entries]:
    """Return the entries of a baseline by notebook, named from the folder of the baseline, with ``/``.

    Raises ConfigurationError for a file that cannot be read, or is no baseline we know.
    """
    try:
        whole = json.loads(path.read_text(encoding="utf-8"))
        if whole["version"] != VERSION:
            raise ConfigurationError(f"baseline {path} is of version {whole['version']}, not {VERSION}: write it again")
        return {name: _entries(rows) for name, rows in whole["notebooks"].items()}
    except FileNotFoundError:
        raise ConfigurationError(f"baseline {path} does not exist; --write-baseline {path} makes it") from None
    except OSError as error:
        raise ConfigurationError(f"baseline {path} cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        # Merged by hand, as a rule: JSON that is broken, or lists where tables were.
        raise ConfigurationError(f"{path} is no baseline; write it again with --write-baseline") from None


def write_baseline(path: Path, notebooks: Mapping[str, Entries]) -> None:
    """Write a baseline: sorted, an entry a line, so that its differences can be read and merged."""
    blocks = []
    for name, entries in sorted(notebooks.items()):
        rows = [json.dumps(each._asdict() | {"count": count}) for each, count in sorted(entries.items())]
        if rows:
            blocks.append(f"    {json.dumps(name)}: [\n      " + ",\n      ".join(rows) + "\n    ]")
    inner = "{\n" + ",\n".join(blocks) + "\n  }" if blocks else "{}"
    try:
        path.write_text(f'{{\n  "version": {VERSION},\n  "notebooks": {inner}\n}}\n', encoding="utf-8", newline="\n")
    except OSError as error:
        raise ConfigurationError(f"baseline {path} cannot be written: {error.strerror}") from None


def notebook_key(baseline: Path, notebook: PurePath) -> str:
    """Return the name a notebook has in a baseline, wherever the command runs."""
    start = os.path.dirname(os.path.abspath(baseline))  # noqa: PTH100, PTH120 - resolve() would follow links the user named
    return os.path.relpath(notebook, start).replace(os.sep, "/")


def entries_of(report: Report) -> dict[PurePath, Entries]:
    """Return what a baseline of ``report`` has for each of its notebooks."""
    files = [*report.files, *(path for package in report.packages for path in package.files)]
    entries: dict[PurePath, Entries] = {path: Counter() for path in files}
    for diagnostic in report.diagnostics:
        entries[diagnostic.location.path][identity(report, diagnostic)] += 1
    return entries


def compare(report: Report, known: Mapping[PurePath, Entries], ran: Mapping[PurePath, Collection[str]]) -> Compared:
    """Return what ``report`` has beyond the entries ``known`` of each notebook; ``ran`` has the codes looked for.

    An entry stands for a finding of its rule in its cell on a line of its text. What is left of the
    entries then stands for findings on such a line in any cell: cells are split, joined and copied,
    and programs give them new ids.
    """
    new: list[Diagnostic] = []
    left = {path: Counter(entries) for path, entries in known.items()}
    moved: list[tuple[Diagnostic, Identity]] = []
    for diagnostic in report.diagnostics:
        entries, own = left.get(diagnostic.location.path, Counter()), identity(report, diagnostic)
        if entries[own] > 0:
            entries[own] -= 1
        else:
            moved.append((diagnostic, own))
    for diagnostic, own in moved:
        entries = left.get(diagnostic.location.path, Counter())
        elsewhere = next(
            (each for each in sorted(+entries) if (each.rule, each.source) == (own.rule, own.source)), None
        )
        if elsewhere is None:
            new.append(diagnostic)
        else:
            entries[elsewhere] -= 1
    found = {path: known[path] - (+left[path]) for path in known}
    fixed = {
        path: gone
        for path, entries in left.items()
        if (gone := Counter({each: count for each, count in (+entries).items() if each.rule in ran.get(path, ())}))
    }
    changed = report._replace(diagnostics=tuple(new), failed=any(each.failing for each in new))
    return Compared(changed, found, fixed)


def _entries(rows: list[dict[str, Any]]) -> Entries:
    entries: Entries = Counter()
    for row in rows:
        entries[Identity(*(str(row[field]) for field in Identity._fields))] += int(row["count"])
    return entries
