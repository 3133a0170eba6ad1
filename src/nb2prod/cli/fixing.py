"""``nb2prod check --fix``, ``--add-ignores`` and ``--diff``: change notebooks, or show what would change; say so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from nb2prod.cli import write, write_error
from nb2prod.fixer.file import replace_file
from nb2prod.fixer.fix import fix_notebooks, with_fixed
from nb2prod.fixer.ignore import ignore_findings
from nb2prod.report.fixes import render_diff, render_dropped, render_fixes, render_summary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nb2prod.diagnostics import Diagnostic, Rule
    from nb2prod.discovery import Target
    from nb2prod.fixer.fix import FixedNotebook
    from nb2prod.lint_run import Report


def fix_found(
    targets: Sequence[Target], report: Report, rules: Sequence[Rule], *, unsafe: bool, only_diff: bool, show: bool
) -> tuple[Report, bool]:
    """Fix what ``report`` found, or print what that would change; return what is found then, and whether that is less.

    News of fixes goes to standard error: standard output is the report's, or the differences'.
    """
    fixed = fix_notebooks(targets, report, rules, unsafe=unsafe)
    return _changed(targets, report, fixed, only_diff=only_diff, show=show, did="fix")


def ignore_found(
    targets: Sequence[Target],
    report: Report,
    rules: Sequence[Rule],
    findings: Sequence[Diagnostic],
    *,
    reason: str,
    only_diff: bool,
    show: bool,
) -> tuple[Report, bool]:
    """Silence ``findings`` of ``report`` in the notebooks, or print what that would change; return as ``fix_found``."""
    fixed = ignore_findings(targets, findings, rules, reason=reason)
    return _changed(targets, report, fixed, only_diff=only_diff, show=show, did="ignore")


def _changed(
    targets: Sequence[Target],
    report: Report,
    fixed: Sequence[FixedNotebook],
    *,
    only_diff: bool,
    show: bool,
    did: Literal["fix", "ignore"],
) -> tuple[Report, bool]:
    if only_diff:
        write(render_diff(report, fixed))
    else:
        for each in fixed:
            for file in each.companions:
                replace_file(file.path, file.before, file.after)
            if each.fixed != each.content:
                replace_file(each.target.path, each.content, each.fixed)
    if show:
        write_error(render_fixes(fixed))
    write_error(render_dropped(fixed, did) + render_summary(fixed, did, written=not only_diff))
    return with_fixed(report, targets, fixed), any(each.applied for each in fixed)
