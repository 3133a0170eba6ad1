"""Fixing notebooks: their fixes are applied in rounds until none is left that helps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nb2prod.diagnostics import Applicability
from nb2prod.fixer.attempt import State, Trial, attempt, start
from nb2prod.fixer.companion import Companion, companions
from nb2prod.fixer.file import encoded, keeps_encoding
from nb2prod.fixer.overlap import apart
from nb2prod.lint_run import Report, Shared, fails
from nb2prod.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import PurePath

    from nb2prod.diagnostics import AddLines, Diagnostic, Fix, Rule
    from nb2prod.discovery import Target
    from nb2prod.linter import Check
    from nb2prod.notebook.model import Notebook


class Applied(NamedTuple):
    """A fix that was made, and the finding it removed; the location is that of the round it was made in."""

    diagnostic: Diagnostic
    fix: Fix


class Dropped(NamedTuple):
    """A fix that was not made, and why."""

    diagnostic: Diagnostic
    reason: str


class FixedNotebook(NamedTuple):
    """What became of one notebook.

    content  the file's bytes before, ``fixed`` those after; they are equal where nothing could be fixed
    origins  for each cell of ``after`` the number it had in ``before``; None for one that is new
    report   what is found in it now
    companions  files beside it that the fixes add to; to be written before it
    """

    target: Target
    content: bytes
    fixed: bytes
    before: Notebook
    after: Notebook
    origins: tuple[int | None, ...]
    applied: tuple[Applied, ...]
    dropped: tuple[Dropped, ...]
    report: Report
    companions: tuple[Companion, ...] = ()


def applicable(diagnostic: Diagnostic, *, unsafe: bool) -> bool:
    """Whether the finding has a fix that is safe, or one that is not where that is wanted."""
    fix = diagnostic.finding.fix
    allowed = {Applicability.SAFE, Applicability.UNSAFE} if unsafe else {Applicability.SAFE}
    return fix is not None and fix.applicability in allowed


def fix_notebooks(
    targets: Sequence[Target],
    report: Report,
    rules: Sequence[Rule],
    *,
    unsafe: bool = False,
    find_check: Callable[[Rule], Check] | None = None,
) -> tuple[FixedNotebook, ...]:
    """Return what applying the fixes in ``report``, and those they make possible, gives; nothing is written.

    Only notebooks that have a fix are among them.
    """
    paths = {each.location.path for each in report.diagnostics if applicable(each, unsafe=unsafe)}
    shared = Shared()
    fixed: list[FixedNotebook] = []
    added: tuple[AddLines, ...] = ()
    for target in targets:
        if target.path in paths:
            # What one notebook adds to the project's requirements, the next one finds there.
            result, added = _fix_notebook(Trial(target, rules, find_check, shared), added, fixed, unsafe=unsafe)
            fixed.append(result)
    return tuple(fixed)


def with_fixed(report: Report, targets: Sequence[Target], fixed: Iterable[FixedNotebook]) -> Report:
    """Return ``report`` with what is found in the fixed notebooks now in the place of what was found before."""
    now = {each.target.path: each.report for each in fixed}
    found: dict[PurePath, list[Diagnostic]] = {path: list(each.diagnostics) for path, each in now.items()}
    for diagnostic in report.diagnostics:
        if diagnostic.location.path not in now:
            found.setdefault(diagnostic.location.path, []).append(diagnostic)
    sources = {place: lines for place, lines in report.sources.items() if place[0] not in now}
    for each in now.values():
        sources.update(each.sources)
    return report._replace(
        diagnostics=tuple(diagnostic for path in sorted(found) for diagnostic in found[path]),
        sources=sources,
        internal_errors=tuple(
            dict.fromkeys(error for each in (report, *now.values()) for error in each.internal_errors)
        ),
        failed=any(fails(found.get(target.path, ()), target.settings) for target in targets),
    )


def _fix_notebook(
    trial: Trial, added: tuple[AddLines, ...], earlier: Sequence[FixedNotebook], *, unsafe: bool
) -> tuple[FixedNotebook, tuple[AddLines, ...]]:
    """Return what becomes of a notebook, and the lines added to requirement files up to now."""
    path = trial.target.path
    content = path.read_bytes()
    first = state = start(trial, content, added)
    applied: list[Applied] = []
    rejected: dict[Fix, str] = {}
    if not keeps_encoding(content):
        rejected = dict.fromkeys(_fixes(state, {}, unsafe=unsafe), "its encoding cannot be kept")
    while fixes := _fixes(state, rejected, unsafe=unsafe):
        chosen = apart(fixes)
        result = attempt(trial, state, chosen, [each for fix in chosen for each in fixes[fix]])
        if isinstance(result, str) and len(chosen) > 1:
            chosen = chosen[:1]
            result = attempt(trial, state, chosen, fixes[chosen[0]])
        if isinstance(result, str):
            rejected[chosen[0]] = result
            continue
        # Each round that is kept leaves fewer findings than there were, so this ends.
        applied += [Applied(each, fix) for fix in chosen for each in fixes[fix]]
        state, rejected = result, {}
    files = companions(state.added[len(added) :], (file for each in earlier for file in each.companions))
    fixed = FixedNotebook(
        trial.target,
        content,
        encoded(state.notebook.text, content) if applied else content,
        first.notebook,
        state.notebook,
        state.origins,
        tuple(applied),
        tuple(
            Dropped(each, rejected[each.finding.fix])
            for each in state.report.diagnostics
            if each.finding.fix in rejected
        ),
        state.report,
        files,
    )
    return fixed, state.added


def _fixes(state: State, rejected: Mapping[Fix, str], *, unsafe: bool) -> dict[Fix, list[Diagnostic]]:
    """Return the fixes to try, each with the findings it is for, in the order of the findings."""
    fixes: dict[Fix, list[Diagnostic]] = {}
    for diagnostic in state.report.diagnostics:
        fix = diagnostic.finding.fix
        if fix is not None and fix not in rejected and applicable(diagnostic, unsafe=unsafe):
            fixes.setdefault(fix, []).append(diagnostic)
    return fixes
