"""Runs checks over notebooks and joins what they find with what the rules' pages say."""

from __future__ import annotations

import re
from contextlib import nullcontext
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from nb2prod.analysis import analyse_notebook
from nb2prod.diagnostics import PACKAGE, Diagnostic, Finding
from nb2prod.errors import Nb2ProdError, UnreadableNotebookError
from nb2prod.lint_run import (
    InternalError,
    Report,
    Shared,
    discreet,
    fails,
    in_order,
    internal_error,
    project_around,
    redact,
)
from nb2prod.notebook.location import FIRST, Location, Position, Range, RawPosition, RawRange
from nb2prod.notebook.model import CodeCell
from nb2prod.notebook.raw_map import RawMap
from nb2prod.notebook.read import read_notebook
from nb2prod.records import NamedTuple
from nb2prod.ruff import NOT_ASKED, findings, started
from nb2prod.ruff_rules import TOOL
from nb2prod.saved_outputs import is_cleared
from nb2prod.selection import UNREADABLE, for_file, select
from nb2prod.suppress import UNUSED, unsuppressed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import PurePath

    from nb2prod.analysis import Analysis
    from nb2prod.config import Settings
    from nb2prod.diagnostics import Rule
    from nb2prod.discovery import Target
    from nb2prod.notebook.model import Notebook

# The rule that reads what a run left behind. Where a team's own hook has cleared that, it finds nothing.
_ABOUT_ORDER = "out-of-order-execution"
_HIDDEN_STATE_UNKNOWN = (
    "hidden state is unknown where counts and outputs were cleared: nothing in such a notebook tells how it ran"
)

# So many notebooks are read at a time, so that one process of ruff looks at them all.
_AT_ONCE = 16


class Check(NamedTuple):
    """A rule's check: what it runs, and whether it looks at notebooks of any language."""

    run: Callable[[Analysis], Iterator[Finding]]
    language_independent: bool


class Store(Protocol):
    """Reads notebooks, and keeps what was found in them for another run."""

    def read(self, target: Target) -> Notebook:
        """Return the notebook of ``target``."""

    def keep(self, target: Target, raw_map: RawMap | None, found: Sequence[Diagnostic], notices: Sequence[str]) -> None:
        """Keep all that was found in a notebook that was read, and the notices it gives rise to.

        ``raw_map`` tells where its cells are in its file; None for a file that holds no notebook.
        """


class _Readable(NamedTuple):
    """A notebook that was read, the rules for it, those that ruff looks for by code, and its notices."""

    target: Target
    notebook: Notebook
    rules: Sequence[Rule]
    of_ruff: dict[str, Rule]
    notices: tuple[str, ...]


class _Run:
    """What the files of one run share, and what they gave so far."""

    def __init__(
        self,
        rules: Sequence[Rule],
        find_check: Callable[[Rule], Check],
        read: Callable[[Target], Notebook],
        shared: Shared,
        store: Store | None,
    ) -> None:
        """Begin with nothing found."""
        self.rules = rules
        self.find_check = find_check
        self.read = read
        self.shared = shared
        self.store = store
        self.checks: dict[str, Check | None] = {}
        # What rules ask of a notebook, the same of most in a run: by their id, which stays theirs as they are kept.
        self.wanted: dict[tuple[int, bool], tuple[Sequence[Rule], list[tuple[Rule, Check]]]] = {}
        self.of_ruff: dict[int, tuple[Sequence[Rule], dict[str, Rule]]] = {}
        self.selected: dict[Settings, tuple[Rule, ...]] = {}
        self.diagnostics: list[Diagnostic] = []
        self.sources: dict[tuple[PurePath, int], list[str]] = {}
        self.errors: list[InternalError] = []
        self.notices: dict[str, None] = {}


def lint(
    targets: Sequence[Target],
    rules: Sequence[Rule],
    *,
    find_check: Callable[[Rule], Check] | None = None,
    read: Callable[[Target], Notebook] | None = None,
    shared: Shared | None = None,
    store: Store | None = None,
) -> Report:
    """Run the checks each target's settings select; ``rules`` are all rules there are.

    ``read`` gives the notebook of a target, so that a text can be checked that is not on disk (yet).
    A file that cannot be read is a diagnostic, a bug of ours in one check or on one file is an
    internal error; both leave everything else as it is. ``store``, if given, reads the notebooks and
    keeps what is found in those that were looked at without a bug of ours. Raises ConfigurationError for a setting that
    names no rule.
    """
    read = read or (read_target if store is None else store.read)
    run = _Run(rules, find_check or load_check, read, shared or Shared(), store)
    for settings in {target.settings: None for target in targets}:
        run.selected[settings] = select(settings, rules)
    for start in range(0, len(targets), _AT_ONCE):
        for target, found in _lint_files(run, targets[start : start + _AT_ONCE]):
            run.diagnostics += [each._replace(failing=fails([each], target.settings)) for each in found]
    files = tuple(target.path for target in targets)
    failed = any(each.failing for each in run.diagnostics)
    return Report(in_order(run.diagnostics), run.sources, files, tuple(run.errors), failed, tuple(run.notices))


def read_target(target: Target) -> Notebook:
    """Return the notebook in the file of ``target``, read as its settings say; raises as ``read_notebook``."""
    return read_notebook(target.path, transparent=target.settings.transparent_magics)


def load_check(rule: Rule) -> Check:
    """Return the check of a rule: what its page forbids, or else the function of the module of the rule's name."""
    if rule.forbid is not None:
        return Check(import_module("nb2prod.checks._forbidden").check_for(rule), language_independent=False)
    module = import_module(f"nb2prod.checks.{rule.name.replace('-', '_')}")
    return Check(module.check, getattr(module, "LANGUAGE_INDEPENDENT", False))


def _lint_files(run: _Run, targets: Sequence[Target]) -> Iterator[tuple[Target, list[Diagnostic]]]:
    """Yield what is found in each notebook; ruff looks at them while we do."""
    readable: list[_Readable] = []
    for target in targets:
        rules = for_file(run.selected[target.settings], target.path, target.settings)
        notebook = _read(run, target)
        if isinstance(notebook, UnreadableNotebookError):
            finding = _unreadable(target, str(notebook))
            raw = finding.location.range.start
            diagnostics = [Diagnostic(rule, finding, raw) for rule in rules if rule.name == UNREADABLE]
            if run.store is not None:
                run.store.keep(target, None, diagnostics, ())
            yield target, diagnostics
        elif notebook is not None:
            is_unknown = is_cleared(notebook) and any(rule.name == _ABOUT_ORDER for rule in rules)
            notices = (_HIDDEN_STATE_UNKNOWN,) if is_unknown else ()
            readable.append(_Readable(target, notebook, rules, _rules_of_ruff(run, rules, notebook), notices))
            run.notices.update(dict.fromkeys(readable[-1].notices))
    for_ruff = [each for each in readable if each.of_ruff]
    codes = {code for each in for_ruff for code in each.of_ruff}
    with started([each.notebook for each in for_ruff], sorted(codes)) if codes else nullcontext() as ruff:
        checked = [_checked(run, each) for each in readable]
        answer = findings(ruff, [each.of_ruff for each in for_ruff]) if codes else NOT_ASKED
    run.notices.update(dict.fromkeys(answer.notices))
    theirs = {each.target.path: rows for each, rows in zip(for_ruff, answer.findings, strict=False)}
    for each, (ours, ran) in zip(readable, checked, strict=True):
        found = [*ours, *theirs.get(each.target.path, ())]
        if each.target.path in theirs:
            ran.update(rule.name for rule in each.of_ruff.values())
        report_unused = next((rule for rule in each.rules if rule.name == UNUSED), None)
        left = unsuppressed(
            each.notebook, found, run.rules, ran, report_unused, require_reason=each.target.settings.require_reason
        )
        raw_map = RawMap(each.notebook)
        diagnostics = _joined(run, each.notebook, raw_map, left)
        is_whole = not answer.notices and not any(error.path in (None, each.target.path) for error in run.errors)
        if run.store is not None and is_whole:
            run.store.keep(each.target, raw_map, diagnostics, each.notices)
        yield each.target, diagnostics


def _read(run: _Run, target: Target) -> Notebook | UnreadableNotebookError | None:
    """Return the notebook, or why it cannot be read; None after a bug of ours."""
    try:
        return run.read(target)
    except UnreadableNotebookError as error:
        return error
    except Exception as error:  # noqa: BLE001 - a bug of ours on one file must not hide the others
        run.errors.append(internal_error(target, None, error))
        return None


def _checked(run: _Run, readable: _Readable) -> tuple[list[tuple[Rule, Finding]], set[str]]:
    """Return what our checks find in a notebook, and the names of the rules that looked at it."""
    target, notebook = readable.target, readable.notebook
    wanted = _wanted(run, readable.rules, notebook)
    found: list[tuple[Rule, Finding]] = []
    if not wanted:
        return found, {UNREADABLE}
    try:
        project = project_around(run.shared, target.path)
        analysis = analyse_notebook(
            notebook,
            project=project,
            settings=target.settings,
            libraries=run.shared.libraries,
            local_types=True,
        )
    except Nb2ProdError:
        raise
    except Exception as error:  # noqa: BLE001 - the same
        run.errors.append(internal_error(target, None, error))
        return found, set()
    ran = {UNREADABLE}
    for rule, check in wanted:
        try:
            found += [(rule, finding) for finding in check.run(analysis)]
            ran.add(rule.name)
        except Nb2ProdError:
            raise
        except Exception as error:  # noqa: BLE001 - a bug in one check must not hide the others
            run.errors.append(internal_error(target, rule, error))
    return found, ran


def _unreadable(target: Target, message: str) -> Finding:
    """Return the finding for a file that cannot be read; the place its message starts with becomes its location."""
    reason = message.removeprefix(f"{target.path}:")
    place = re.match(r"(?P<line>\d+):(?P<column>\d+):", reason)
    if place is None:
        return Finding(Location(target.path, None, FIRST), reason.strip())
    start = Position(int(place["line"]), int(place["column"]))
    return Finding(Location(target.path, None, Range(start, start)), reason[place.end() :].strip())


def _rules_of_ruff(run: _Run, rules: Sequence[Rule], notebook: Notebook) -> dict[str, Rule]:
    """Return those of ``rules`` that ruff looks for in the notebook, by code."""
    if notebook.language != "python":
        return {}
    if id(rules) not in run.of_ruff:
        run.of_ruff[id(rules)] = rules, {rule.code: rule for rule in rules if rule.tool == TOOL}
    return run.of_ruff[id(rules)][1]


def _wanted(run: _Run, rules: Sequence[Rule], notebook: Notebook) -> list[tuple[Rule, Check]]:
    """Return those of ``rules`` that have something to say about the notebook, with their checks."""
    is_python = notebook.language == "python"
    key = id(rules), is_python
    if key not in run.wanted:
        checks = [(rule, check) for rule in rules if (check := _check(run, rule, is_python=is_python)) is not None]
        run.wanted[key] = rules, checks
    return run.wanted[key][1]


def _check(run: _Run, rule: Rule, *, is_python: bool) -> Check | None:
    """Return the rule's check if it has something to say about a notebook."""
    if rule.name in (UNREADABLE, UNUSED) or rule.tool or rule.about == PACKAGE:
        return None
    if rule.name not in run.checks:
        try:
            run.checks[rule.name] = run.find_check(rule)
        except Exception as error:  # noqa: BLE001 - a check that cannot be loaded is one bug, not one for each file
            run.checks[rule.name] = None
            run.errors.append(internal_error(None, rule, error))
    check = run.checks[rule.name]
    return check if check and (check.language_independent or is_python) else None


def _joined(run: _Run, notebook: Notebook, raw_map: RawMap, found: Sequence[tuple[Rule, Finding]]) -> list[Diagnostic]:
    """Return findings as diagnostics, and keep the lines of their cells for code frames."""
    diagnostics = []
    for rule, told in found:
        finding = discreet(told)
        number = finding.location.cell
        cell = notebook.cells[number - 1] if number else None
        count = cell.execution_count if isinstance(cell, CodeCell) else None
        raw = _raw_range(raw_map, finding.location)
        related = tuple(
            _raw_range(raw_map, each.location) if each.location.path == notebook.path else None
            for each in finding.related
        )
        start = Position(raw.start.line, raw.start.column) if raw else None
        diagnostics.append(Diagnostic(rule, finding, start, cell.id if cell else None, count, raw, related))
        if cell is not None:
            lines = run.sources.setdefault((notebook.path, cell.index), list(cell.lines))
            if rule.redact:
                redact(lines, finding.location.range)
    return diagnostics


def _raw_range(raw_map: RawMap, location: Location) -> RawRange | None:
    if location.cell is not None:
        return raw_map.raw_range(location.cell, location.range)
    start, end = (RawPosition(each.line, each.column, each.column, each.column) for each in location.range)
    return RawRange(start, end)
