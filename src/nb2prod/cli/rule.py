"""``nb2prod rule``: print what a rule's page says, or list all rules."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nb2prod.cli import CLEAN, write
from nb2prod.config import Configuration, Overrides
from nb2prod.data import rules_folder
from nb2prod.pages import Page, page_of, require_matching
from nb2prod.report.reference import render
from nb2prod.rulebook import all_rules

if TYPE_CHECKING:
    from nb2prod.diagnostics import Rule


@click.command()
@click.argument("rule", required=False)
@click.option("--all", "everything", is_flag=True, help="Print what all pages say.")
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["text", "markdown", "json"]),
    default="text",
    show_default=True,
    help="How it is printed.",
)
@click.option("--isolated", is_flag=True, help="Leave out the rules of this folder's settings.")
def rule(rule: str | None, output_format: str, *, everything: bool, isolated: bool) -> int:
    """Explain a rule, by code or name; without one, list all rules.

    A prefix (NB3) lists the rules of that theme.
    """
    settings = Configuration(Overrides(isolated=isolated)).settings_for(Path.cwd())
    rules = all_rules(settings.extend_rules)
    found = require_matching(rule, rules, "nb2prod rule") if rule else rules
    if everything:
        pages = [_page(each) for each in found]
        if output_format == "markdown":
            write(render(found, {page.rule.code: page for page in pages if not page.rule.tool}))
        elif output_format == "json":
            write(json.dumps([_whole(page) for page in pages], indent=2) + "\n")
        else:
            write("\n\n".join(map(_text, pages)))
    elif rule in {word for each in found for word in (each.code, each.name)}:
        write({"text": _text, "markdown": _markdown, "json": _json}[output_format](_page(found[0])))
    else:
        write({"text": _table, "markdown": _markdown_table, "json": _json_table}[output_format](found))
    return CLEAN


def _page(rule: Rule) -> Page:
    """Return a rule's page; that of another tool's rule has no sections."""
    return page_of(rule) or Page(rule, rules_folder(), {})


def _facts(rule: Rule) -> dict[str, str]:
    return {
        "code": rule.code,
        "name": rule.name,
        "summary": rule.summary,
        "severity": str(rule.severity),
        "fix": rule.fix,
        "since": rule.since,
    }


def _text(page: Page) -> str:
    one = page.rule
    fix = {"none": "no automatic fix", "safe": "has a safe fix", "unsafe": "has an unsafe fix"}[one.fix]
    since = "" if one.house else f", since {one.since}"
    head = [f"{one.name} ({one.code})", "", one.summary, f"{one.severity}, {fix}{since}"]
    if one.tool:
        head += ["", f"Found by {one.tool}: `{one.tool} rule {one.code}` has examples."]
    if one.fixing:
        head += ["", f"The {one.fix} fix: {one.fixing}"]
    for section in page.sections.values():
        if section.text.strip():
            head += ["", section.title.upper(), "", *_plain(section.text.strip("\n"))]
    return "\n".join(head) + "\n"


def _plain(text: str) -> list[str]:
    """Return a section's lines for a terminal: code is indented instead of fenced."""
    lines, inside = [], False
    for line in text.split("\n"):
        if line.startswith("```"):
            label = line.strip("`").strip()
            if not inside and label != "python":
                lines.append(f"    [{label}]")
            inside = not inside
        elif inside:
            lines.append(f"    {line}".rstrip())
        elif line.startswith("### "):
            lines.append(f"-- {line[4:].partition(' {')[0]}")
        else:
            lines.append(line)
    return lines


def _markdown(page: Page) -> str:
    one = page.rule
    head = (
        f"# {one.name} ({one.code})\n\n{one.summary}\n\nSeverity: {one.severity}. Fix: {one.fix}. Since {one.since}.\n"
    )
    return head + "".join(
        f"\n## {section.title}\n\n{section.text.strip()}\n"
        for section in page.sections.values()
        if section.text.strip()
    )


def _json(page: Page) -> str:
    return json.dumps(_whole(page), indent=2) + "\n"


def _whole(page: Page) -> dict[str, Any]:
    sections = {section.title: section.text.strip() for section in page.sections.values()}
    return _facts(page.rule) | {"sections": sections}


def _table(rules: tuple[Rule, ...]) -> str:
    code, name = (max(map(len, words)) for words in zip(*((each.code, each.name) for each in rules), strict=True))
    rows = [f"{each.code:<{code}}  {each.name:<{name}}  {each.severity!s:<7}  {each.summary}" for each in rules]
    return "\n".join(rows) + "\n"


def _markdown_table(rules: tuple[Rule, ...]) -> str:
    rows = [f"| {each.code} | {each.name} | {each.severity} | {each.fix} | {each.summary} |" for each in rules]
    return "\n".join(["| code | name | severity | fix | summary |", "|---|---|---|---|---|", *rows]) + "\n"


def _json_table(rules: tuple[Rule, ...]) -> str:
    return json.dumps([_facts(each) for each in rules], indent=2) + "\n"
