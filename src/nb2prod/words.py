"""What a rule knows of libraries beyond the tables: the words in the file of its name, ``rules/<rule>.toml``."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from nb2prod import plain_toml
from nb2prod.data import rules_folder

if TYPE_CHECKING:
    from collections.abc import Mapping


@cache  # read once a run, by notebooks that have something for the rule to look at
def words(rule: str) -> Mapping[str, frozenset[str]]:
    """Return the sets of the file, by key; they are separated by spaces there. See the comments in it."""
    text = (rules_folder() / f"{rule}.toml").read_text(encoding="utf-8")
    return {key: frozenset(value.split()) for key, value in plain_toml.loads(text).items()}
