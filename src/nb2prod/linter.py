"""Runs checks over notebooks and joins what they find with what the rules' pages say."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from nb2prod.analysis import analyse_notebook
from nb2prod.diagnostics import Diagnostic, Finding
from nb2prod.errors import Nb2ProdError, UnreadableNotebookError
from nb2prod.libraries import Libraries
from nb2prod.notebook.location import FIRST, Location, Position, Range, RawMap
from nb2prod.notebook.model import CodeCell
from nb2prod.notebook.read import read_notebook
from nb2prod.pages import matching, require_matching
from nb2prod.project import Project
from nb2prod.suppress import UNUSED, unsuppressed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import PurePath

    from nb2prod.analysis import Analysis
    from nb2prod.config import Selectors, Settings
    from nb2prod.diagnostics import Rule
    from nb2prod.discovery import Target
    from nb2prod.notebook.model import Notebook

UNREADABLE = "unreadable-file"

# A code or a name says more than any prefix.
_EXACT = 10


class Check(NamedTuple):
    """A rule's check: what it runs, and whether it looks at notebooks of any language."""

    run: Callable[[Analysis], Iterator[Finding]]
    language_independent: bool


class InternalError(NamedTuple):
    """A bug of ours: the notebook it happened on, the rule that was running (None: reading, analysis), the trace."""

    path: PurePath | None
    rule: str | None
    trace: str


class Report(NamedTuple):
    """What a run found.

    diagnostics      sorted by path, cell, position and code
    sources          the lines of every cell a diagnostic stands in, by path and cell, for code frames;
                     what a rule redacts is starred
    files            every file that was to be checked
    internal_errors  bugs of ours; the diagnostics are incomplete if there is one
    failed           a diagnostic is at or above what its notebook's settings call a failure
    """

    diagnostics: tuple[Diagnostic, ...]
    sources: Mapping[tuple[PurePath, int], Sequence[str]]
    files: tuple[PurePath, ...]
    internal_errors: tuple[InternalError, ...]
    failed: bool


@dataclass(frozen=True, slots=True)
class Shared:
    """What was read and does not change from one run to the next: library tables, projects by folder."""

    libraries: Libraries = field(default_factory=Libraries)
    projects: dict[Path, Project] = field(default_factory=dict)


@dataclass(slots=True)
class _Run:
    """What the files of one run share, and what they gave so far."""

    rules: Sequence[Rule]
    find_check: Callable[[Rule], Check]
    read: Callable[[Path], Notebook]
    shared: Shared
    checks: dict[str, Check | None] = field(default_factory=dict)
    selected: dict[Settings, tuple[Rule, ...]] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    sources: dict[tuple[PurePath, int], list[str]] = field(default_factory=dict)
    errors: list[InternalError] = field(default_factory=list)


def lint(
    targets: Sequence[Target],
    rules: Sequence[Rule],
    *,
    find_check: Callable[[Rule], Check] | None = None,
    read: Callable[[Path], Notebook] = read_notebook,
    shared: Shared | None = None,
) -> Report:
    """Run the checks each target's settings select; ``rules`` are all rules there are.

    ``read`` gives the notebook of a path, so that a text can be checked that is not on disk (yet).
    A file that cannot be read is a diagnostic, a bug of ours in one check or on one file is an
    internal error; both leave everything else as it is. Raises ConfigurationError for a setting that
    names no rule.
    """
    run = _Run(rules, find_check or load_check, read, shared or Shared())
    for settings in {target.settings: None for target in targets}:
        run.selected[settings] = select(settings, rules)
    failed = False
    for target in targets:
        found = _lint_file(run, target)
        failed = failed or fails(found, target.settings)
        run.diagnostics += found
    run.diagnostics.sort(key=_order)
    files = tuple(target.path for target in targets)
    return Report(tuple(run.diagnostics), run.sources, files, tuple(run.errors), failed)


def joined(reports: Sequence[Report]) -> Report:
    """Return the report of a run whose files were checked in several runs, one after another."""
    errors: dict[InternalError, None] = {}
    sources: dict[tuple[PurePath, int], Sequence[str]] = {}
    for report in reports:
        # A check that cannot be loaded fails in each of the runs.
        errors.update(dict.fromkeys(report.internal_errors))
        sources.update(report.sources)
    return Report(
        tuple(sorted((each for report in reports for each in report.diagnostics), key=_order)),
        sources,
        tuple(path for report in reports for path in report.files),
        tuple(errors),
        any(report.failed for report in reports),
    )


def fails(diagnostics: Iterable[Diagnostic], settings: Settings) -> bool:
    """Whether one of a notebook's diagnostics is at or above what its settings call a failure."""
    return settings.fail_on is not None and any(each.severity >= settings.fail_on for each in diagnostics)


def load_check(rule: Rule) -> Check:
    """Return the check of a rule: what its page forbids, or else the function of the module of the rule's name."""
    if rule.forbid is not None:
        return Check(import_module("nb2prod.checks._forbidden").check_for(rule), language_independent=False)
    module = import_module(f"nb2prod.checks.{rule.name.replace('-', '_')}")
    return Check(module.check, getattr(module, "LANGUAGE_INDEPENDENT", False))


def select(settings: Settings, rules: Sequence[Rule]) -> tuple[Rule, ...]:
    """Return the rules that run under ``settings``.

    Where ``select`` and ``ignore`` both mean a rule, the more precise one wins (a code or name
    before ``NB30`` before ``NB3``), and ``ignore`` if both are alike. That a file cannot be read is
    said unless it is ignored: everything else said about such a file would be silence.
    Raises ConfigurationError for a word that means no rule.
    """
    chosen = _ranks((settings.select,) if settings.select else (), rules)
    ignored = _ranks(settings.ignore, rules)
    for _, selectors in settings.per_file_ignores:
        _ranks((selectors,), rules)
    return tuple(
        rule
        for rule in rules
        if chosen.get(rule.code, 0 if settings.select is None or rule.name == UNREADABLE else -1)
        > ignored.get(rule.code, -1)
    )


def _ranks(all_selectors: Iterable[Selectors], rules: Sequence[Rule]) -> dict[str, int]:
    """Return, for each code the selectors mean, how precisely they do."""
    ranks: dict[str, int] = {}
    for selectors in all_selectors:
        for word in selectors.words:
            for rule in require_matching(word, rules, selectors.origin):
                rank = _EXACT if word in {rule.code, rule.name} else len(word)
                ranks[rule.code] = max(rank, ranks.get(rule.code, 0))
    return ranks


def _lint_file(run: _Run, target: Target) -> list[Diagnostic]:
    rules = _for_file(run.selected[target.settings], target)
    try:
        notebook = run.read(target.path)
    except UnreadableNotebookError as error:
        finding = _unreadable(target, str(error))
        raw = finding.location.range.start
        return [Diagnostic(rule, finding, raw) for rule in rules if rule.name == UNREADABLE]
    except Exception as error:  # noqa: BLE001 - a bug of ours on one file must not hide the others
        run.errors.append(_internal_error(target, None, error))
        return []
    wanted = [(rule, check) for rule in rules if (check := _check(run, rule, notebook)) is not None]
    report_unused = next((rule for rule in rules if rule.name == UNUSED), None)
    if not wanted and report_unused is None:
        return []
    try:
        project = _project(run, target.path)
        analysis = analyse_notebook(notebook, project=project, settings=target.settings, libraries=run.shared.libraries)
    except Nb2ProdError:
        raise
    except Exception as error:  # noqa: BLE001 - the same
        run.errors.append(_internal_error(target, None, error))
        return []
    found, ran = [], {UNREADABLE}
    for rule, check in wanted:
        try:
            found += [(rule, finding) for finding in check.run(analysis)]
            ran.add(rule.name)
        except Nb2ProdError:
            raise
        except Exception as error:  # noqa: BLE001 - a bug in one check must not hide the others
            run.errors.append(_internal_error(target, rule, error))
    return _joined(run, notebook, unsuppressed(notebook, found, run.rules, ran, report_unused))


def _unreadable(target: Target, message: str) -> Finding:
    """Return the finding for a file that cannot be read; the place its message starts with becomes its location."""
    reason = message.removeprefix(f"{target.path}:")
    place = re.match(r"(?P<line>\d+):(?P<column>\d+):", reason)
    if place is None:
        return Finding(Location(target.path, None, FIRST), reason.strip())
    start = Position(int(place["line"]), int(place["column"]))
    return Finding(Location(target.path, None, Range(start, start)), reason[place.end() :].strip())


def _for_file(rules: Sequence[Rule], target: Target) -> tuple[Rule, ...]:
    if not target.settings.per_file_ignores:
        return tuple(rules)
    path = Path.cwd() / target.path
    words = [
        word for globs, selectors in target.settings.per_file_ignores if globs.match(path) for word in selectors.words
    ]
    return tuple(rule for rule in rules if not any(matching(word, (rule,)) for word in words))


def _check(run: _Run, rule: Rule, notebook: Notebook) -> Check | None:
    """Return the rule's check if it has something to say about the notebook."""
    if rule.name in (UNREADABLE, UNUSED):
        return None
    if rule.name not in run.checks:
        try:
            run.checks[rule.name] = run.find_check(rule)
        except Exception as error:  # noqa: BLE001 - a check that cannot be loaded is one bug, not one for each file
            run.checks[rule.name] = None
            run.errors.append(_internal_error(None, rule, error))
    check = run.checks[rule.name]
    return check if check and (check.language_independent or notebook.language == "python") else None


def _project(run: _Run, path: Path) -> Project:
    folder = (Path.cwd() / path).parent
    if folder not in run.shared.projects:
        # Notebooks of one repository share what its test files mention.
        run.shared.projects[folder] = Project.for_folder(folder, run.shared.projects.values())
    return run.shared.projects[folder]


def _joined(run: _Run, notebook: Notebook, found: Sequence[tuple[Rule, Finding]]) -> list[Diagnostic]:
    """Return findings as diagnostics, and keep the lines of their cells for code frames."""
    diagnostics = []
    raw_map = RawMap(notebook)
    for rule, finding in found:
        number = finding.location.cell
        cell = notebook.cells[number - 1] if number else None
        count = cell.execution_count if isinstance(cell, CodeCell) else None
        raw = _raw_position(raw_map, finding.location)
        diagnostics.append(Diagnostic(rule, finding, raw, cell.id if cell else None, count))
        if cell is not None:
            lines = run.sources.setdefault((notebook.path, cell.index), list(cell.lines))
            if rule.redact:
                _redact(lines, finding.location.range)
    return diagnostics


def _redact(lines: list[str], secret: Range) -> None:
    """Replace what follows the start of ``secret`` on its lines by stars, for every frame that shows the cell.

    To the lines' ends: a line with one secret may have another.
    """
    for number in range(secret.start.line, min(secret.end.line, len(lines)) + 1):
        line = lines[number - 1]
        start = secret.start.column - 1 if number == secret.start.line else 0
        lines[number - 1] = line[:start] + "*" * len(line[start:])


def _raw_position(raw_map: RawMap, location: Location) -> Position | None:
    if location.cell is None:
        return location.range.start
    return raw_map.raw_position(location.cell, location.line, location.column)


def _internal_error(target: Target | None, rule: Rule | None, error: Exception) -> InternalError:
    import traceback  # noqa: PLC0415 - only a bug needs it

    # The last calls say where; a recursion would print a thousand lines.
    trace = "".join(traceback.format_exception(error, limit=-6))
    return InternalError(target.path if target else None, rule.name if rule else None, trace)


def _order(diagnostic: Diagnostic) -> tuple[PurePath, int, object, str, str]:
    location = diagnostic.location
    return location.path, location.cell or 0, location.range, diagnostic.rule.code, diagnostic.finding.message
