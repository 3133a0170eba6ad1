"""Which rules run: what settings select and ignore, for a run and for a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nb2prod import plain_toml
from nb2prod.config import Selectors
from nb2prod.data import rules_folder
from nb2prod.diagnostics import Severity
from nb2prod.pages import matching, require_matching

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import PurePath

    from nb2prod.config import Settings
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
    """Return the rules that run under ``settings``, with the severities these give them.

    Without ``select`` those of the profile run. Where ``select`` and ``ignore`` both mean a rule, the
    more precise one wins (a code or name before ``NB30`` before ``NB3``), and ``ignore`` if both are
    alike. That a file cannot be read is
    said unless it is ignored: everything else said about such a file would be silence.
    Raises ConfigurationError for a word that means no rule.
    """
    rules = _with_severities(settings, rules)
    ignored = _ranks(settings.ignore, rules)
    for _, selectors in settings.per_file_ignores:
        _ranks((selectors,), rules)
    more = _ranks(settings.extend_select, rules)
    if settings.select is not None:
        chosen = _ranks((settings.select,), rules)
    else:
        chosen = {rule.code: 0 for rule in profiled(settings.profile, rules)}
    return tuple(
        rule
        for rule in rules
        if (rule.house is None or rule.house in settings.extend_rules)
        and max(chosen.get(rule.code, 0 if rule.name == UNREADABLE else -1), more.get(rule.code, -1))
        > ignored.get(rule.code, -1)
    )


def profiled(profile: str, rules: Sequence[Rule]) -> tuple[Rule, ...]:
    """Return those of ``rules`` that a profile of rules/profiles.toml has."""
    if profile == "production":
        # Everything, as most runs; there is nothing to look up.
        return tuple(rules)
    path = rules_folder() / "profiles.toml"
    row = plain_toml.loads(path.read_text(encoding="utf-8"))[profile]
    least = Severity[row["least"].upper()]
    left_out = _ranks((Selectors(tuple(row["ignore"]), str(path)),), rules)
    return tuple(rule for rule in rules if rule.severity >= least and rule.code not in left_out)


def _with_severities(settings: Settings, rules: Sequence[Rule]) -> Sequence[Rule]:
    """Return the rules with the severities the settings give them; the most precise word counts."""
    if not settings.severities:
        return rules
    given: dict[str, tuple[int, Severity]] = {}
    for selectors, severity in settings.severities:
        for code, rank in _ranks((selectors,), rules).items():
            if rank >= given.get(code, (-1, severity))[0]:
                given[code] = rank, severity
    return [rule._replace(severity=given[rule.code][1]) if rule.code in given else rule for rule in rules]


def _ranks(all_selectors: Iterable[Selectors], rules: Sequence[Rule]) -> dict[str, int]:
    """Return, for each code the selectors mean, how precisely they do."""
    ranks: dict[str, int] = {}
    for selectors in all_selectors:
        for word in selectors.words:
            for rule in require_matching(word, rules, selectors.origin):
                rank = _EXACT if word in {rule.code, rule.name} else len(word)
                ranks[rule.code] = max(rank, ranks.get(rule.code, 0))
    return ranks
