"""What the rules about operations know beyond the library tables, read from ``rules/operations.toml``."""

from __future__ import annotations

import ast
from functools import cache
from typing import TYPE_CHECKING

from nb2prod import plain_toml
from nb2prod.data import rules_folder
from nb2prod.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection

    from nb2prod.analysis import Analysis


class Operations(NamedTuple):
    """The sets of the file; see the comments there."""

    bases: frozenset[str]
    composed: frozenset[str]
    fitting: frozenset[str]
    using: frozenset[str]
    saving: frozenset[str]
    loading: frozenset[str]
    changing: frozenset[str]
    parts: frozenset[str]
    reducing: frozenset[str]
    drawing: frozenset[str]
    words: frozenset[str]
    methods: frozenset[str]
    magics: frozenset[str]
    checkpoints: frozenset[str]
    reading_commands: frozenset[str]
    listing: frozenset[str]
    registries: frozenset[str]
    monitors: frozenset[str]
    statistics: frozenset[str]
    contracts: frozenset[str]
    readers: frozenset[str]
    declaring: frozenset[str]
    keeping: frozenset[str]
    by_column: frozenset[str]
    services: frozenset[str]
    serving: frozenset[str]


@cache  # read once a run, by notebooks that fit a model or show results
def operations() -> Operations:
    """Return what the file says; a missing table raises ``KeyError``, as the file is ours."""
    table = plain_toml.loads((rules_folder() / "operations.toml").read_text(encoding="utf-8"))
    models, stores, registries = table["models"], table["stores"], table["registries"]
    texts = (
        *(
            models[key]
            for key in (
                "bases",
                "composed",
                "fitting",
                "using",
                "saving",
                "loading",
                "changing",
                "parts",
                "reducing",
                "drawing",
            )
        ),
        *(stores[key] for key in ("words", "methods", "magics", "checkpoints", "reading-commands")),
        table["files"]["listing"],
        f"{registries['libraries']} {registries['modules']}",
        table["monitors"]["libraries"],
        table["monitors"]["statistics"],
        *(table["contracts"][key] for key in ("libraries", "readers", "declaring", "keeping", "by-column")),
        *(table["services"][key] for key in ("libraries", "functions")),
    )
    return Operations(*(frozenset(text.split()) for text in texts))


def imports_any(analysis: Analysis, modules: Collection[str]) -> bool:
    """Return whether the notebook imports one of ``modules`` or something in one of them, anywhere."""
    return not analysis.once(_imported).isdisjoint(modules)


def _imported(analysis: Analysis) -> frozenset[str]:
    """Return the dotted names of what is imported anywhere, and of all they are in."""
    found: set[str] = set()
    for statement in analysis.statements():
        # `import a.b` binds `a`, `from a.b import *` names nobody knows.
        names = [each.qualified for each in statement.definitions if each.kind in ("import", "star")]
        names += [full for _, full in statement.inner_imports]
        if isinstance(statement.node, ast.Import):
            names += [each.name for each in statement.node.names]
        for name in names:
            while name and name not in found:
                found.add(name)
                name = name.rpartition(".")[0]  # noqa: PLW2901 on to what it is in
    return frozenset(found)
