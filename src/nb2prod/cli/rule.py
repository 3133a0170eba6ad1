"""``nb2prod rule``: print what a rule's page says, or list all rules."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from nb2prod.cli import CLEAN, write
from nb2prod.data import rules_folder
from nb2prod.pages import load_page, load_rules, require_matching

if TYPE_CHECKING:
    from nb2prod.diagnostics import Rule
    from nb2prod.pages import Page


@click.command()
@click.argument("rule", required=False)
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["text", "markdown", "json"]),
    default="text",
    show_default=True,
    help="How it is printed.",
)
def rule(rule: str | None, output_format: str) -> int:
    """Explain a rule, by code or name; without one, list all rules.

    A prefix (NB3) lists the rules of that theme.
    """
    rules = load_rules()
    found = require_matching(rule, rules, "nb2prod rule") if rule else rules
    if rule in {word for each in found for word in (each.code, each.name)}:
        page = load_page(rules_folder() / f"{found[0].name}.md")
        write({"text": _text, "markdown": _markdown, "json": _json}[output_format](page))
    else:
        write({"text": _table, "markdown": _markdown_table, "json": _json_table}[output_format](found))
    return CLEAN


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
    head = [f"{one.name} ({one.code})", "", one.summary, f"{one.severity}, {fix}, since {one.since}"]
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
    sections = {section.title: section.text.strip() for section in page.sections.values()}
    whole: dict[str, Any] = _facts(page.rule) | {"sections": sections}
    return json.dumps(whole, indent=2) + "\n"


def _table(rules: tuple[Rule, ...]) -> str:
    name = max(len(each.name) for each in rules)
    rows = [f"{each.code}  {each.name:<{name}}  {each.severity!s:<7}  {each.summary}" for each in rules]
    return "\n".join(rows) + "\n"


def _markdown_table(rules: tuple[Rule, ...]) -> str:
    rows = [f"| {each.code} | {each.name} | {each.severity} | {each.fix} | {each.summary} |" for each in rules]
    return "\n".join(["| code | name | severity | fix | summary |", "|---|---|---|---|---|", *rows]) + "\n"


def _json_table(rules: tuple[Rule, ...]) -> str:
    return json.dumps([_facts(each) for each in rules], indent=2) + "\n"
