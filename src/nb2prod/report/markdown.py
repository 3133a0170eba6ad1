"""Diagnostics as Markdown, for the summary of a job."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from nb2prod.patterns import lazy_pattern
from nb2prod.report import per_rule
from nb2prod.report.raw_places import in_notebook, relative
from nb2prod.report.text import plural, printable, summary

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.diagnostics import Diagnostic
    from nb2prod.lint_run import Report

# GitHub takes a summary of a megabyte: so many rows, each cut to size, stay well below it.
_MOST_ROWS = 500
_MOST_CHARACTERS = 400

_ACTIVE = lazy_pattern(r"([\\`*_{}\[\]<>|#~!@&])")


def render(report: Report) -> str:
    """Return the counts, a table of the rules and one of the findings of each notebook, the worst first of each.

    What a notebook says is text: nothing in it becomes markup, a link or a mention.
    """
    lines = ["## nb2prod", "", _escaped(summary(report))]
    if report.diagnostics:
        lines += ["", "| findings | severity | rule |", "|---:|---|---|"]
        lines += [f"| {count} | {rule.severity} | {rule.code} {rule.name} |" for rule, count in per_rule(report)]
    left = _MOST_ROWS
    for path, group in groupby(report.diagnostics, key=lambda each: each.location.path):
        found = sorted(group, key=lambda each: -each.severity)
        if left:
            lines += ["", f"### {_escaped(relative(path))}", "", *_table(found[:left])]
        left -= min(left, len(found))
    if len(report.diagnostics) > _MOST_ROWS:
        lines += ["", f"{plural(len(report.diagnostics) - _MOST_ROWS, 'finding')} more, not shown."]
    return "\n".join(lines) + "\n"


def _table(diagnostics: list[Diagnostic]) -> Iterator[str]:
    yield from ("| severity | where | rule | finding |", "|---|---|---|---|")
    for each in diagnostics:
        message = each.finding.message
        shown = message if len(message) <= _MOST_CHARACTERS else f"{message[:_MOST_CHARACTERS]}…"
        place, text = _escaped(in_notebook(each.location)), _escaped(shown)
        yield f"| {each.severity} | {place} | {each.rule.code} {each.rule.name} | {text} |"


def _escaped(text: str) -> str:
    return _ACTIVE.sub(r"\\\1", printable(text))
