"""One attempt: some fixes are applied to a notebook's text, and the result is judged by the linter."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from nb2prod.diagnostics import AddLines, Severity
from nb2prod.errors import UnreadableNotebookError
from nb2prod.fixer.companion import companions, declaring
from nb2prod.fixer.rewrite import CannotRewriteError, rewrite
from nb2prod.linter import lint
from nb2prod.notebook.model import CodeCell
from nb2prod.notebook.read import parse_notebook
from nb2prod.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nb2prod.diagnostics import Change, Diagnostic, Fix, Rule
    from nb2prod.discovery import Target
    from nb2prod.lint_run import Report, Shared
    from nb2prod.linter import Check
    from nb2prod.notebook.model import Notebook


class Trial(NamedTuple):
    """What all attempts on one notebook share."""

    target: Target
    rules: Sequence[Rule]
    find_check: Callable[[Rule], Check] | None
    shared: Shared


class State(NamedTuple):
    """A notebook between two rounds: as it is now, the cells it started with, what is found in it.

    added  the lines that requirement files of its project will hold besides
    """

    notebook: Notebook
    origins: tuple[int | None, ...]
    report: Report
    added: tuple[AddLines, ...] = ()


def start(trial: Trial, content: bytes, added: tuple[AddLines, ...] = ()) -> State:
    """Return the state of the notebook whose file holds ``content``."""
    notebook = parse_notebook(content, trial.target.path, transparent=trial.target.settings.transparent_magics)
    return State(notebook, tuple(cell.index for cell in notebook.cells), _check(trial, notebook, added), added)


def attempt(trial: Trial, state: State, fixes: Sequence[Fix], diagnostics: Sequence[Diagnostic]) -> State | str:
    """Return the notebook with ``fixes`` made, or why they are not: each must help and none may harm.

    ``diagnostics`` are the findings they are for. Raises as ``changed``.
    """
    result = changed(trial, state, list(dict.fromkeys(change for fix in fixes for change in fix.changes)))
    if isinstance(result, str):
        return result
    return _harm(state.report, result.report, diagnostics) or result


def changed(trial: Trial, state: State, changes: Sequence[Change]) -> State | str:
    """Return the notebook with ``changes`` made and what is found in it then, or why they cannot be made.

    Raises AssertionError, a bug of ours, where the result is no notebook.
    """
    added = state.added + tuple(change for change in changes if isinstance(change, AddLines))
    try:
        rewritten = rewrite(state.notebook, changes)
        companions(added, ())
    except CannotRewriteError as error:
        return str(error)
    try:
        notebook = parse_notebook(
            rewritten.text, state.notebook.path, transparent=trial.target.settings.transparent_magics
        )
    except UnreadableNotebookError as error:
        msg = f"fixing {state.notebook.path} gave something that is no notebook: {error}"
        raise AssertionError(msg) from error
    for cell, origin in zip(notebook.cells, rewritten.origins, strict=True):
        if isinstance(cell, CodeCell) and cell.problem is not None and _parsed(state.notebook, origin):
            return f"cell {cell.index} would not be valid code any more"
    report = _check(trial, notebook, added)
    if report.internal_errors:
        return "what it would bring cannot be told: there is an internal error"
    origins = tuple(None if each is None else state.origins[each - 1] for each in rewritten.origins)
    return State(notebook, origins, report, added)


def _check(trial: Trial, notebook: Notebook, added: Sequence[AddLines]) -> Report:
    shared = declaring(trial.shared, trial.target.path, added) if added else trial.shared
    return lint([trial.target], trial.rules, find_check=trial.find_check, read=lambda _: notebook, shared=shared)


def _parsed(notebook: Notebook, number: int | None) -> bool:
    """Whether the cell that was number ``number`` was valid code; what is new has to be."""
    cell = None if number is None else notebook.cells[number - 1]
    return not isinstance(cell, CodeCell) or cell.problem is None


def _harm(before: Report, after: Report, diagnostics: Sequence[Diagnostic]) -> str | None:
    """Return what is wrong with the new state: a finding that was to go is there, or one that was not."""
    had, has = _counts(before), _counts(after)
    names = {each.rule.code: each.rule.name for each in (*before.diagnostics, *after.diagnostics)}
    for (code, severity), count in sorted(has.items()):
        if count > had[code, severity]:
            return f"it would bring a finding of {code} ({names[code]})"
    fixed = Counter(each.rule.code for each in diagnostics)
    for code, count in sorted(fixed.items()):
        if has[code, Severity.NOTE] > had[code, Severity.NOTE] - count:
            return "the finding would remain"
    return None


def _counts(report: Report) -> Counter[tuple[str, Severity]]:
    """Return how many findings of a rule have a severity or a higher one: a note that becomes an error is new."""
    return Counter(
        (each.rule.code, severity) for each in report.diagnostics for severity in Severity if each.severity >= severity
    )
