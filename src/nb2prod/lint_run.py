"""What a run over notebooks gives, and what its notebooks share: all that a run needs which knows its findings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nb2prod.project import Project
from nb2prod.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import PurePath

    from nb2prod.config import Settings
    from nb2prod.diagnostics import Diagnostic, Finding, Rule
    from nb2prod.discovery import Target
    from nb2prod.libraries import Libraries
    from nb2prod.notebook.location import Range


class InternalError(NamedTuple):
    """A bug of ours: the notebook it happened on, the rule that was running (None: reading, analysis), the trace."""

    path: PurePath | None
    rule: str | None
    trace: str


class LookedAt(NamedTuple):
    """A generated package that was looked at: its manifest, and every file a diagnostic can stand in."""

    manifest: PurePath
    files: tuple[PurePath, ...]


class Report(NamedTuple):
    """What a run found.

    diagnostics      sorted by path, cell, position and code
    sources          the lines of every cell a diagnostic stands in, by path and cell, for code frames;
                     what a rule redacts is starred
    files            every file that was to be checked
    internal_errors  bugs of ours; the diagnostics are incomplete if there is one
    failed           a diagnostic is at or above what its notebook's settings call a failure
    notices          what was not done, and why: to be said once
    packages         the generated packages that were looked at; ``files`` are notebooks alone
    """

    diagnostics: tuple[Diagnostic, ...]
    sources: Mapping[tuple[PurePath, int], Sequence[str]]
    files: tuple[PurePath, ...]
    internal_errors: tuple[InternalError, ...]
    failed: bool
    notices: tuple[str, ...] = ()
    packages: tuple[LookedAt, ...] = ()


class Shared:
    """What was read and does not change from one run to the next: library tables, projects by folder."""

    def __init__(self, projects: dict[Path, Project] | None = None, libraries: Libraries | None = None) -> None:
        """Take what another run has read."""
        self.projects = projects or {}
        self._libraries = libraries

    @property
    def libraries(self) -> Libraries:
        """The library tables, for the checks of notebooks."""
        if self._libraries is None:
            from nb2prod.libraries import Libraries  # noqa: PLC0415 - a run that the cache answers reads no table

            self._libraries = Libraries()
        return self._libraries


def project_around(shared: Shared, path: Path) -> Project:
    """Return the project of the notebook at ``path``, the same for all notebooks of its folder."""
    folder = (Path.cwd() / path).parent
    if folder not in shared.projects:
        # Notebooks of one repository share what its test files mention.
        shared.projects[folder] = Project.for_folder(folder, shared.projects.values())
    return shared.projects[folder]


def joined(reports: Sequence[Report]) -> Report:
    """Return the report of a run whose files were checked in several runs, one after another."""
    errors: dict[InternalError, None] = {}
    notices: dict[str, None] = {}
    sources: dict[tuple[PurePath, int], Sequence[str]] = {}
    for report in reports:
        # A check that cannot be loaded fails in each of the runs.
        errors.update(dict.fromkeys(report.internal_errors))
        notices.update(dict.fromkeys(report.notices))
        sources.update(report.sources)
    return Report(
        in_order(each for report in reports for each in report.diagnostics),
        sources,
        tuple(path for report in reports for path in report.files),
        tuple(errors),
        any(report.failed for report in reports),
        tuple(notices),
        tuple(package for report in reports for package in report.packages),
    )


def fails(diagnostics: Iterable[Diagnostic], settings: Settings) -> bool:
    """Whether one of a notebook's diagnostics is at or above what its settings call a failure."""
    return settings.fail_on is not None and any(each.severity >= settings.fail_on for each in diagnostics)


def discreet(finding: Finding) -> Finding:
    """Return a finding that repeats no credential: reports go to more people than the notebook."""
    from nb2prod.credential_forms import without_credentials  # noqa: PLC0415 nothing was found in most notebooks

    message = without_credentials(finding.message)
    return finding if message == finding.message else finding._replace(message=message)


def redact(lines: list[str], secret: Range) -> None:
    """Replace what follows the start of ``secret`` on its lines by stars, for every frame that shows the cell.

    To the lines' ends: a line with one secret may have another. An empty range says that it is not in the source.
    """
    if secret.start == secret.end:
        return
    for number in range(secret.start.line, min(secret.end.line, len(lines)) + 1):
        line = lines[number - 1]
        start = secret.start.column - 1 if number == secret.start.line else 0
        lines[number - 1] = line[:start] + "*" * len(line[start:])


def internal_error(target: Target | None, rule: Rule | None, error: Exception) -> InternalError:
    """Return a bug of ours with the end of its trace; to be called where it was caught."""
    import traceback  # noqa: PLC0415 - only a bug needs it

    # The last calls say where; a recursion would print a thousand lines.
    trace = "".join(traceback.format_exception(error, limit=-6))
    return InternalError(target.path if target else None, rule.name if rule else None, trace)


def in_order(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Return diagnostics by path, cell, position and code; paths, which are slow to compare, file by file."""
    by_path: dict[PurePath, list[Diagnostic]] = {}
    for each in diagnostics:
        by_path.setdefault(each.finding.location.path, []).append(each)
    return tuple(each for path in sorted(by_path) for each in sorted(by_path[path], key=_order))


def _order(diagnostic: Diagnostic) -> tuple[int, object, str, str]:
    location = diagnostic.finding.location
    return location.cell or 0, location.range, diagnostic.rule.code, diagnostic.finding.message
