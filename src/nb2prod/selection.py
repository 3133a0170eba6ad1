"""Which rules run: what settings select and ignore, for a run and for a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nb2prod.pages import matching, require_matching

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import PurePath

    from nb2prod.config import Selectors, Settings
    from nb2prod.diagnostics import Rule

UNREADABLE = "unreadable-file"

# A code or a name says more than any prefix.
_EXACT = 10


def for_file(rules: Sequence[Rule], path: PurePath, settings: Settings) -> tuple[Rule, ...]:
    """Return those of ``rules`` that the settings do not silence in the file at ``path``."""
    if not settings.per_file_ignores:
        return tuple(rules)
    absolute = Path.cwd() / path
    words = [
        word for globs, selectors in settings.per_file_ignores if globs.match(absolute) for word in selectors.words
    ]
    return tuple(rule for rule in rules if not any(matching(word, (rule,)) for word in words))


def select(settings: Settings, rules: Sequence[Rule]) -> tuple[Rule, ...]:
    """Return the rules that run under ``settings``.

    Where ``select`` and ``ignore`` both mean a rule, the more precise one wins (a code or name
    before ``NB30`` before ``NB3``), and ``ignore`` if both are alike. That a file cannot be read is
    said unless it is ignored: everything else said about such a file would be silence.
    Raises ConfigurationError for a word that means no rule.
    """
    chosen = _ranks((settings.select,) if settings.select else (), rules)
    ignored = _ranks(settings.ignore, rules)
    for _, selectors in settings.per_file_ignores:
        _ranks((selectors,), rules)
    return tuple(
        rule
        for rule in rules
        if chosen.get(rule.code, 0 if settings.select is None or rule.name == UNREADABLE else -1)
        > ignored.get(rule.code, -1)
    )


def _ranks(all_selectors: Iterable[Selectors], rules: Sequence[Rule]) -> dict[str, int]:
    """Return, for each code the selectors mean, how precisely they do."""
    ranks: dict[str, int] = {}
    for selectors in all_selectors:
        for word in selectors.words:
            for rule in require_matching(word, rules, selectors.origin):
                rank = _EXACT if word in {rule.code, rule.name} else len(word)
                ranks[rule.code] = max(rank, ranks.get(rule.code, 0))
    return ranks
