"""Diagnostics as workflow commands of GitHub Actions: annotations of the lines of the ``.ipynb`` file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nb2prod.diagnostics import Severity
from nb2prod.report.raw_places import WHOLE_FILE, described, relative
from nb2prod.report.text import headline, plural, printable, summary

if TYPE_CHECKING:
    from nb2prod.diagnostics import Diagnostic
    from nb2prod.lint_run import Report

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}
# GitHub keeps so many annotations of each kind from one step, and drops the rest without a word.
_MOST = 10


def render(report: Report) -> str:
    """Return an annotation for each diagnostic as far as GitHub shows them, errors first; the rest as lines of the log.

    Nothing that stands in a notebook or in its name can act as a command.
    """
    annotated: list[str] = []
    rest: list[str] = []
    for severity, command in _COMMANDS.items():
        found = [each for each in report.diagnostics if each.severity is severity]
        annotated += [_annotation(each, command) for each in found[:_MOST]]
        rest += [_harmless(headline(each)) for each in found[_MOST:]]
    if rest:
        rest.insert(0, f"{plural(len(rest), 'finding')} more than GitHub annotates ({_MOST} of each severity):")
    return "\n".join([*annotated, *rest, _harmless(summary(report))]) + "\n"


def _annotation(diagnostic: Diagnostic, command: str) -> str:
    start, end = diagnostic.raw_range or WHOLE_FILE
    where: dict[str, str | int] = {"file": relative(diagnostic.location.path)}
    where |= {"line": start.line, "endLine": end.line}
    if start.line == end.line:
        # Over several lines the runner takes columns for a mistake, and drops them.
        where |= {"col": start.column, "endColumn": end.column}
    where["title"] = f"{diagnostic.rule.code} {diagnostic.rule.name}"
    properties = ",".join(f"{key}={_property(str(value))}" for key, value in where.items())
    return f"::{command} {properties}::{_data(printable(described(diagnostic)))}"


def _data(text: str) -> str:
    """Return the message of a command as its reader takes it back."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _harmless(line: str) -> str:
    """Return a line of the log in which the runner sees no command: ``::`` first, or ``##[`` anywhere."""
    line = line.replace("##[", "## [")
    return f"- {line}" if line.lstrip().startswith("::") else line
