"""Every rule there is in a run: those of our pages, those of ruff that we take, and a team's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nb2prod.errors import ConfigurationError
from nb2prod.pages import load_rules, page_files, read_rule
from nb2prod.ruff_rules import load_ruff_rules

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from nb2prod.config import Settings
    from nb2prod.diagnostics import Rule


def all_rules(folders: Iterable[Path] = ()) -> tuple[Rule, ...]:
    """Return our rules by code, those of ruff, and those of the pages in ``folders``.

    Pages are data: reading them runs nothing. Raises ConfigurationError, with file and line, for a
    page that does not follow the format, or takes a code or name that is taken.
    """
    rules = [*load_rules(), *load_ruff_rules()]
    taken = {word: rule for rule in rules for word in (rule.code, rule.name)}
    for folder in folders:
        pages = page_files(folder)
        if not pages:
            raise ConfigurationError(
                f"{folder}: no rule pages (files that end in .md) in this folder of `extend-rules`"
            )
        for path in pages:
            rule = read_rule(path, folder)
            for word in (rule.code, rule.name):
                if word in taken:
                    raise ConfigurationError(f"{path}:1: `{word}` is already {_whose(taken[word])}")
                taken[word] = rule
            rules.append(rule)
    return tuple(rules)


def house_folders(settings: Iterable[Settings]) -> Sequence[Path]:
    """Return the folders of rule pages that any of ``settings`` names, each once, in order."""
    return list(dict.fromkeys(folder for each in settings for folder in each.extend_rules))


def _whose(rule: Rule) -> str:
    if rule.tool:
        return f"a rule of {rule.tool}"
    return f"the rule of {rule.house / f'{rule.name}.md'}" if rule.house else f"our rule {rule.name} ({rule.code})"
