"""Diagnostics as SARIF 2.1.0: places are those of the ``.ipynb`` file, the help is the rules' pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from nb2prod import __version__
from nb2prod.diagnostics import Severity
from nb2prod.fingerprints import fingerprints
from nb2prod.pages import page_of
from nb2prod.report.json_text import indented
from nb2prod.report.raw_places import WHOLE_FILE, described, in_notebook, relative

if TYPE_CHECKING:
    from pathlib import PurePath

    from nb2prod.diagnostics import Diagnostic, Rule
    from nb2prod.lint_run import InternalError, Report
    from nb2prod.notebook.location import Location, RawRange

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}
# Both carry the same value: code scanning of GitHub reads only the first name.
_FINGERPRINTS = ("primaryLocationLineHash", "nb2prod/v1")


def render(report: Report) -> str:
    """Return the report as one run; pure ASCII, so that columns in UTF-16 are all that needs care."""
    rules = list({diagnostic.rule.code: diagnostic.rule for diagnostic in report.diagnostics}.values())
    index = {rule.code: number for number, rule in enumerate(rules)}
    run = {
        "tool": {
            "driver": {
                "name": "nb2prod",
                "semanticVersion": __version__,
                "rules": [_rule(rule) for rule in rules],
            }
        },
        "columnKind": "utf16CodeUnits",
        "invocations": [
            {
                "executionSuccessful": not report.internal_errors,
                "toolExecutionNotifications": [_notification(error) for error in report.internal_errors],
            }
        ],
        "results": [
            _result(each, index[each.rule.code], mark)
            for each, mark in zip(report.diagnostics, fingerprints(report), strict=True)
        ],
    }
    return indented({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}) + "\n"


def _rule(rule: Rule) -> dict[str, Any]:
    whole: dict[str, Any] = {
        "id": rule.code,
        "name": rule.name,
        "shortDescription": {"text": rule.summary},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {"tags": ["notebook", *([rule.tool] if rule.tool else [])]},
    }
    page = page_of(rule)
    if page is not None:
        sections = [f"## {each.title}\n{each.text}" for each in page.sections.values() if each.text.strip()]
        whole["fullDescription"] = {"text": rule.summary}
        whole["help"] = {"text": "\n\n".join(sections), "markdown": "\n\n".join(sections)}
    return whole


def _result(diagnostic: Diagnostic, rule_index: int, fingerprint: str) -> dict[str, Any]:
    finding = diagnostic.finding
    related = [
        _location(each.location, raw) | {"id": number, "message": {"text": each.message}}
        for number, (each, raw) in enumerate(zip(finding.related, diagnostic.raw_related, strict=False), 1)
    ]
    return {
        "ruleId": diagnostic.rule.code,
        "ruleIndex": rule_index,
        "level": _LEVELS[diagnostic.severity],
        "message": {"text": described(diagnostic)},
        "locations": [_location(diagnostic.location, diagnostic.raw_range or WHOLE_FILE)],
        **({"relatedLocations": related} if related else {}),
        "partialFingerprints": dict.fromkeys(_FINGERPRINTS, fingerprint),
    }


def _location(location: Location, raw: RawRange | None) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": _artifact(location.path)}
    if raw is not None:
        physical["region"] = _region(raw)
    whole: dict[str, Any] = {"physicalLocation": physical}
    if location.cell is not None:
        place = f"{relative(location.path)}:{in_notebook(location)}"
        whole["logicalLocations"] = [{"name": f"cell {location.cell}", "fullyQualifiedName": place}]
    return whole


def _artifact(path: PurePath) -> dict[str, str]:
    return {"uri": quote(relative(path), errors="surrogatepass")}


def _region(raw: RawRange) -> dict[str, int]:
    start, end = raw
    return {
        "startLine": start.line,
        "startColumn": start.utf16,
        "endLine": end.line,
        "endColumn": end.utf16,
    }


def _notification(error: InternalError) -> dict[str, Any]:
    whole: dict[str, Any] = {"level": "error", "message": {"text": "internal error, please report"}}
    if error.path is not None:
        whole["locations"] = [{"physicalLocation": {"artifactLocation": _artifact(error.path)}}]
    if error.rule is not None:
        whole["message"] = {"text": f"internal error in the rule {error.rule}, please report"}
    return whole
