"""The rules' reference as one markdown page: what is kept in docs/rules.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from nb2prod.diagnostics import Rule
    from nb2prod.pages import Page

_THEMES = {
    "NB0": "The file itself",
    "NB1": "Hidden state and execution order",
    "NB2": "Reproducibility",
    "NB3": "Portability",
    "NB4": "Secrets and safety",
    "NB5": "Validity of the machine learning",
    "NB6": "Tests",
    "NB7": "Operations",
    "NB8": "Structure",
}
_HOUSE = "Rules of this project"
_SHOWN = ("What it does", "Why is this bad?", "Known problems")

_HEAD = """# Rules

Written by `nb2prod rule --all --format markdown`. `nb2prod rule CODE` shows the whole page of a rule
with its examples.
"""
_TABLE = "| code | name | severity | fix | |\n|---|---|---|---|---|\n"


def render(rules: Sequence[Rule], pages: Mapping[str, Page]) -> str:
    """Return the reference of ``rules``; ``pages`` by code has those of all that have one."""
    parts = [_HEAD]
    themes: dict[str, list[Rule]] = {}
    for rule in rules:
        theme = rule.tool or (_HOUSE if rule.house else rule.code[:3])
        themes.setdefault(theme, []).append(rule)
    for theme, found in themes.items():
        parts.append(f"\n## {_title(theme)}\n\n{_TABLE}" + "".join(map(_row, found)))
        parts += [text for rule in found if rule.code in pages for text in _described(pages[rule.code])]
    return "".join(parts)


def _title(theme: str) -> str:
    return f"{_THEMES[theme]} ({theme}xx)" if theme in _THEMES else theme if theme == _HOUSE else f"Found by {theme}"


def _row(rule: Rule) -> str:
    name = rule.name if rule.tool else f"[{rule.name}](#{rule.name}-{rule.code.lower()})"
    return f"| {rule.code} | {name} | {rule.severity} | {rule.fix} | {rule.summary} |\n"


def _described(page: Page) -> Iterator[str]:
    yield f"\n### {page.rule.name} ({page.rule.code})\n"
    for section in page.sections.values():
        if section.text.strip() and (section.title in _SHOWN or page.rule.house):
            yield f"\n**{section.title}**\n\n{section.text.strip()}\n"
