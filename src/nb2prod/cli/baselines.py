"""``nb2prod check --baseline`` and ``--write-baseline``: report what is new, say what is fixed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nb2prod.baseline import Entries, compare, entries_of, notebook_key, read_baseline, write_baseline
from nb2prod.cli import write_error
from nb2prod.report.text import plural, printable
from nb2prod.selection import for_file, select

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path, PurePath

    from nb2prod.diagnostics import Rule
    from nb2prod.discovery import Target
    from nb2prod.linter import Report


def without_known(
    report: Report, targets: Sequence[Target], rules: Sequence[Rule], baseline: Path | None, written: Path | None
) -> Report:
    """Return what ``report`` has beyond the baselines: ``baseline``, or else those the settings name.

    ``written`` is the file to write. Without ``baseline`` all that is found goes there; with it only
    what is in the baseline and still found. Notebooks that were not checked keep what they have.
    Where a bug of ours left the report incomplete nothing is written, and nothing called fixed.
    """
    if report.internal_errors and written is not None:
        write_error(f"notice: {printable(str(written))} is not written: the report is incomplete")
        written = None
    files = {target.path: baseline or target.settings.baseline for target in targets}
    if written is not None and baseline is None:
        _write(written, entries_of(report))
        write_error(f"notice: wrote {plural(len(report.diagnostics), 'finding')} to {printable(str(written))}")
        files = dict.fromkeys(files, written)
    stored = {file: read_baseline(file) for file in dict.fromkeys(files.values()) if file is not None}
    if not stored:
        return report
    known: dict[PurePath, Entries] = {
        path: stored[file].get(notebook_key(file, path), Entries()) for path, file in files.items() if file is not None
    }
    ran: dict[PurePath, set[str]] = {
        target.path: {rule.code for rule in for_file(select(target.settings, rules), target.path, target.settings)}
        for target in targets
        if known.get(target.path) and not report.internal_errors
    }
    compared = compare(report, known, ran)
    if written is None:
        _say(compared.known, compared.fixed)
    elif baseline is not None:
        _write(written, compared.known)
    return compared.report


def _write(path: Path, entries: Mapping[PurePath, Entries]) -> None:
    before = read_baseline(path) if path.exists() else {}
    kept = {name: each for name, each in before.items() if (path.parent / name).exists()}
    write_baseline(path, kept | {notebook_key(path, notebook): each for notebook, each in entries.items()})


def _say(known: Mapping[PurePath, Entries], fixed: Mapping[PurePath, Entries]) -> None:
    """Say how much the baselines hide, and what they need not have any more."""
    hidden = sum(entries.total() for entries in known.values())
    if hidden:
        write_error(f"notice: {plural(hidden, 'finding')} known from the baseline")
    for path, entries in sorted(fixed.items()):
        rules = ", ".join(sorted({each.rule for each in entries}))
        write_error(
            f"notice: {printable(str(path))}: {plural(entries.total(), 'finding')} of the baseline fixed ({rules}); "
            "take them out with --baseline FILE --write-baseline FILE"
        )
