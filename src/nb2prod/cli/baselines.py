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

    from nb2prod.baseline import Compared
    from nb2prod.diagnostics import Diagnostic, Rule
    from nb2prod.discovery import Target
    from nb2prod.lint_run import Report


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
    files = _files(targets, baseline)
    if written is not None and baseline is None:
        _write(written, entries_of(report))
        write_error(f"notice: wrote {plural(len(report.diagnostics), 'finding')} to {printable(str(written))}")
        files = dict.fromkeys(files, written)
    compared = _compared(report, targets, rules, files)
    if compared is None:
        return report
    if written is None:
        _say(compared.known, compared.fixed)
    elif baseline is not None:
        _write(written, compared.known)
    return compared.report


def new_findings(
    report: Report, targets: Sequence[Target], rules: Sequence[Rule], baseline: Path | None
) -> Sequence[Diagnostic]:
    """Return the findings of ``report`` that are in no baseline, ``baseline`` or those the settings name."""
    compared = _compared(report, targets, rules, _files(targets, baseline))
    return (compared.report if compared else report).diagnostics


def _files(targets: Sequence[Target], baseline: Path | None) -> dict[PurePath, Path | None]:
    return {target.path: baseline or target.settings.baseline for target in targets}


def _compared(
    report: Report, targets: Sequence[Target], rules: Sequence[Rule], files: Mapping[PurePath, Path | None]
) -> Compared | None:
    """Return the report held against the baseline of each notebook; None where there is none."""
    stored = {file: read_baseline(file) for file in dict.fromkeys(files.values()) if file is not None}
    if not stored:
        return None
    known: dict[PurePath, Entries] = {
        path: stored[file].get(notebook_key(file, path), Entries()) for path, file in files.items() if file is not None
    }
    ran: dict[PurePath, set[str]] = {
        target.path: {rule.code for rule in for_file(select(target.settings, rules), target.path, target.settings)}
        for target in targets
        if known.get(target.path) and not report.internal_errors
    }
    return compare(report, known, ran)


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
