"""Which formats a report can have; the module of each is imported when it is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from nb2prod.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nb2prod.lint_run import Report


class Format(NamedTuple):
    """Where a format is written: a module of this package, and its function of a report."""

    module: str
    function: str = "render"
    colours: bool = False


FORMATS: Mapping[str, Format] = {
    "text": Format("text", colours=True),
    "full": Format("text", colours=True),
    "concise": Format("text", "render_concise", colours=True),
    "grouped": Format("text", "render_grouped", colours=True),
    "json": Format("json"),
    "json-lines": Format("json_lines"),
    "github": Format("github"),
    "gitlab": Format("gitlab"),
    "sarif": Format("sarif"),
    "junit": Format("junit"),
    "rdjson": Format("rdjson"),
    "markdown": Format("markdown"),
}


def render(report: Report, name: str, *, colour: bool = False) -> str:
    """Return ``report`` in the format called ``name``; ``colour`` where it is for a terminal and can have some."""
    module, function, colours = FORMATS[name]
    write = getattr(import_module(f"nb2prod.report.{module}"), function)
    text: str = write(report, colour=colour) if colours else write(report)
    return text
