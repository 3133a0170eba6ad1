"""What is known of estimators, tables and arrays, read from ``rules/learning.toml``."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from nb2prod import plain_toml
from nb2prod.data import rules_folder
from nb2prod.errors import ConfigurationError
from nb2prod.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

_TABLES: Mapping[str, frozenset[str]] = {
    "transformers": frozenset({"row-wise", "names-only", "composed", "harmless-with"}),
    "samplers": frozenset({"copying"}),
    "searches": frozenset({"classes"}),
    "functions": frozenset(
        {
            "keep-rows",
            "keep-columns",
            "learning",
            "statistics",
            "stack-rows",
            "stack-columns",
            "cross-validation",
            "train-test-split",
        }
    ),
    "methods": frozenset(
        {"keep-rows", "element-wise", "new-columns", "some-rows", "statistics", "neighbours", "masks"}
    ),
    "metrics": frozenset({"accuracy", "by-class", "pictures"}),
}


class Knowledge(NamedTuple):
    """What ``rules/learning.toml`` says: its libraries, and a set of names by table and key (``methods.masks``)."""

    libraries: frozenset[str]
    names: Mapping[str, frozenset[str]]
    harmless_with: Mapping[str, tuple[object, ...]]

    def has(self, key: str, name: str) -> bool:
        """Whether ``name`` is listed under ``key``."""
        return name in self.names[key]


@cache  # read once a run, by notebooks that import a library of learning
def knowledge() -> Knowledge:
    """Return what the file says; raise ``ConfigurationError`` if it lacks a table or has another."""
    table = plain_toml.loads((rules_folder() / "learning.toml").read_text(encoding="utf-8"))
    return _checked(table)


def _checked(table: Mapping[str, Any]) -> Knowledge:
    if table.keys() != _TABLES.keys() | {"libraries"}:
        message = "learning.toml: it has other tables than it should"
        raise ConfigurationError(message)
    names: dict[str, frozenset[str]] = {}
    for section, keys in _TABLES.items():
        if table[section].keys() != keys:
            message = f"learning.toml: [{section}] has other keys than {', '.join(sorted(keys))}"
            raise ConfigurationError(message)
        for key in keys - {"harmless-with"}:
            names[f"{section}.{key}"] = frozenset(table[section][key])
    harmless = {key: tuple(values) for key, values in table["transformers"]["harmless-with"].items()}
    return Knowledge(frozenset(table["libraries"]), names, harmless)
