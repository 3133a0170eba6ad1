"""Diagnostics as JUnit XML: a suite for each notebook, a case for each finding."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

from nb2prod.report.raw_places import in_notebook, relative
from nb2prod.report.text import headline, printable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import PurePath

    from nb2prod.diagnostics import Diagnostic
    from nb2prod.lint_run import Report


def render(report: Report) -> str:
    """Return the report as XML; a case fails where the finding makes the run fail, others have it as their output.

    A notebook without findings is a suite of one case that passed; a bug of ours is an error.
    """
    root = ET.Element("testsuites", name="nb2prod")
    found: dict[PurePath, list[Diagnostic]] = {path: [] for path in report.files}
    for diagnostic in report.diagnostics:
        found.setdefault(diagnostic.location.path, []).append(diagnostic)
    for path, diagnostics in found.items():
        _suite(root, path, diagnostics)
    if report.internal_errors:
        suite = ET.SubElement(root, "testsuite", name="nb2prod itself")
        for number, error in enumerate(report.internal_errors, 1):
            name = f"{error.rule or 'reading'} {relative(error.path) if error.path else number}"
            case = ET.SubElement(suite, "testcase", name=_text(name), classname="nb2prod")
            ET.SubElement(case, "error", message="internal error, please report").text = "\n".join(
                map(_text, error.trace.splitlines())
            )
        _count(suite)
    _count(root)
    ET.indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _suite(root: ET.Element, path: PurePath, diagnostics: Sequence[Diagnostic]) -> None:
    name = _text(relative(path))
    suite = ET.SubElement(root, "testsuite", name=name, file=name)
    if not diagnostics:
        ET.SubElement(suite, "testcase", name="nb2prod", classname=name)
    for diagnostic in diagnostics:
        place = in_notebook(diagnostic.location)
        case = ET.SubElement(
            suite, "testcase", name=_text(f"{diagnostic.rule.code} {diagnostic.rule.name} {place}"), classname=name
        )
        # A case has no attribute for a place: the schema Jenkins holds reports against refuses any.
        raw = [f"in the file: {relative(path)}:{diagnostic.raw}"] if diagnostic.raw else []
        related = [f"{each.location}: {each.message}" for each in diagnostic.finding.related]
        text = "\n".join([headline(diagnostic), *raw, *related])
        if diagnostic.failing:
            message = _text(diagnostic.finding.message)
            ET.SubElement(case, "failure", message=message, type=str(diagnostic.severity)).text = _lines(text)
        else:
            ET.SubElement(case, "system-out").text = _lines(text)
    _count(suite)


def _count(parent: ET.Element) -> None:
    """Set the attributes that say how many cases there are and how they ended."""
    for attribute, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error")):
        parent.set(attribute, str(len(list(parent.iter(tag)))))


def _text(text: str) -> str:
    """Return ``text`` without what XML cannot hold: controls, half surrogates."""
    return printable(text)


def _lines(text: str) -> str:
    return "\n".join(map(_text, text.split("\n")))
