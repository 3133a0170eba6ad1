"""Silencing what is found: comments, or metadata, are added until nothing is found any more."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.diagnostics import Applicability, Fix
from nb2prod.fixer.attempt import State, Trial, changed, start
from nb2prod.fixer.file import encoded, keeps_encoding
from nb2prod.fixer.fix import Applied, Dropped, FixedNotebook
from nb2prod.fixer.ignore_places import Place, change_for, in_order, places
from nb2prod.lint_run import Shared
from nb2prod.notebook.model import CodeCell
from nb2prod.records import NamedTuple
from nb2prod.selection import UNREADABLE
from nb2prod.suppress import UNUSED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from nb2prod.diagnostics import Diagnostic, Rule
    from nb2prod.discovery import Target
    from nb2prod.linter import Check
    from nb2prod.notebook.model import Notebook

# Where a reason is required and none was given.
NO_REASON = "not looked into yet"


class _Key(NamedTuple):
    """What a finding is known by from one round to the next: nothing that is added moves a line."""

    code: str
    cell: int | None
    line: int


class _Round(NamedTuple):
    """What is to be silenced, where each finding stands now (how many of its places failed), and what came of it."""

    wanted: Mapping[_Key, Diagnostic]
    failed: Mapping[_Key, int]
    result: State | str


def ignore_findings(
    targets: Sequence[Target],
    findings: Iterable[Diagnostic],
    rules: Sequence[Rule],
    *,
    reason: str = "",
    find_check: Callable[[Rule], Check] | None = None,
) -> tuple[FixedNotebook, ...]:
    """Return the notebooks with what silences ``findings``, each at the narrowest place there is; nothing is written.

    What a comment added (a line too long, say) is silenced with the rest. What silences nothing is no
    finding to silence: it is removed by its fix. ``reason`` is written where it is given, and another
    where the settings require one. A file that cannot be read is not among the notebooks.
    """
    shared = Shared()
    fixed = []
    by_path: dict[object, list[Diagnostic]] = {}
    for each in findings:
        by_path.setdefault(each.location.path, []).append(each)
    for target in targets:
        wanted = [each for each in by_path.get(target.path, ()) if each.rule.name != UNUSED]
        if wanted and not any(each.rule.name == UNREADABLE for each in wanted):
            why = reason or (NO_REASON if target.settings.require_reason else "")
            fixed.append(_ignore(Trial(target, rules, find_check, shared), wanted, why))
    return tuple(fixed)


def _ignore(trial: Trial, wanted: Sequence[Diagnostic], reason: str) -> FixedNotebook:
    content = trial.target.path.read_bytes()
    first = start(trial, content)
    keys = {_key(each): each for each in wanted}
    known = {_key(each) for each in first.report.diagnostics} - set(keys)
    tried = _Round(keys, {}, first)
    if keeps_encoding(content):
        tried = _rounds(trial, first, tried, known, reason)
    else:
        tried = tried._replace(result="its encoding cannot be kept")
    if isinstance(tried.result, str):
        dropped = tuple(Dropped(each, tried.result) for each in wanted)
        return FixedNotebook(
            trial.target, content, content, first.notebook, first.notebook, first.origins, (), dropped, first.report
        )
    left = {_key(each) for each in tried.result.report.diagnostics}
    placed = {_key(each): place for each, place in _placed(first.notebook, tried)}
    applied = [
        Applied(each, Fix(f"ignored {placed[_key(each)]}", (), Applicability.SAFE))
        for each in wanted
        if _key(each) not in left
    ]
    return FixedNotebook(
        trial.target,
        content,
        encoded(tried.result.notebook.text, content),
        first.notebook,
        tried.result.notebook,
        tried.result.origins,
        tuple(applied),
        tuple(Dropped(each, "nothing that can be written silences it") for each in wanted if _key(each) in left),
        tried.result.report,
    )


def _rounds(trial: Trial, first: State, tried: _Round, known: set[_Key], reason: str) -> _Round:
    """Return the last of the rounds: each makes all changes to the notebook as it was, with what the one before taught.

    A finding goes from one of its places to the next, and never back; so this ends.
    """
    original = tried.wanted
    while True:
        tried = _attempt(trial, first, tried, reason)
        if isinstance(tried.result, str):
            return tried
        following = _following(first, tried, known, original)
        if (following.wanted.keys(), following.failed) == (tried.wanted.keys(), tried.failed):
            return tried
        tried = following


def _following(first: State, tried: _Round, known: set[_Key], original: Mapping[_Key, Diagnostic]) -> _Round:
    """Return the next round: what is still found, and what a comment changed instead, goes to its next place."""
    assert not isinstance(tried.result, str)  # noqa: S101 a round that came to something
    found = {_key(each): each for each in tried.result.report.diagnostics if each.rule.name != UNUSED}
    idle = _idle(first, tried)
    moved = {
        key: tried.failed.get(key, 0) + 1
        for key in (*found, *idle)
        if key in tried.wanted and tried.failed.get(key, 0) + 1 < len(places(first.notebook, tried.wanted[key]))
    }
    failed = {**tried.failed, **moved, **_of_changed_cells(first.notebook, tried)}
    if not moved.keys().isdisjoint(idle):
        # What comments at wrong places brought need not come again.
        return _Round(original, failed, first)
    brought = {key: each for key, each in found.items() if key not in tried.wanted and key not in known}
    return _Round({**tried.wanted, **brought}, failed, first)


def _idle(first: State, tried: _Round) -> list[_Key]:
    """Return the findings that what was written for them does not silence: it made them another finding, or none."""
    assert not isinstance(tried.result, str)  # noqa: S101 asked for after a round that came to something
    before = {_key(each) for each in first.report.diagnostics if each.rule.name == UNUSED}
    idle = {
        (each.location.cell, each.location.line)
        for each in tried.result.report.diagnostics
        if each.rule.name == UNUSED and _key(each) not in before
    }
    return [_key(each) for each, place in _placed(first.notebook, tried) if place.form == "line" and place[1:] in idle]


def _attempt(trial: Trial, first: State, tried: _Round, reason: str) -> _Round:
    codes: dict[Place, set[str]] = {}
    for each, place in _placed(first.notebook, tried):
        codes.setdefault(place, set()).add(each.rule.code)
    changes = [change_for(first.notebook, place, codes[place], reason) for place in in_order(list(codes))]
    return tried._replace(result=changed(trial, first, changes))


def _placed(notebook: Notebook, tried: _Round) -> list[tuple[Diagnostic, Place]]:
    return [(each, places(notebook, each)[tried.failed.get(key, 0)]) for key, each in tried.wanted.items()]


def _of_changed_cells(before: Notebook, tried: _Round) -> dict[_Key, int]:
    """Return the findings in cells whose code is another one now, each with the number of its last place: metadata."""
    assert not isinstance(tried.result, str)  # noqa: S101 asked for after a round that came to something
    cells = zip(before.cells, tried.result.notebook.cells, strict=True)
    other = {new.index for old, new in cells if isinstance(old, CodeCell) and _code(old) != _code(new)}
    return {
        key: len(places(before, each)) - 1
        for key, each in tried.wanted.items()
        if key.cell in other and tried.failed.get(key, 0) < len(places(before, each)) - 1
    }


def _code(cell: object) -> object:
    """Return what a cell does, without its comments."""
    if not isinstance(cell, CodeCell):
        return None
    magics = [(magic.kind, magic.name, magic.argument, magic.binds) for magic in cell.magics]
    return magics, ast.dump(cell.tree) if cell.tree else cell.problem and cell.problem.kind


def _key(diagnostic: Diagnostic) -> _Key:
    location = diagnostic.location
    return _Key(diagnostic.rule.code, location.cell, location.line)
