"""What is known about magics by name, read from ``rules/magics.toml``."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Literal, cast

from nb2prod import plain_toml
from nb2prod.data import rules_folder
from nb2prod.errors import ConfigurationError
from nb2prod.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

PythonUse = Literal["runs", "isolated"]

_KEYS = frozenset({"python", "options", "binds", "requires"})


class MagicEntry(NamedTuple):
    """What one magic does with the text it is given.

    python    ``runs``: its argument (line magic) or body (cell magic) is Python that runs in the
              notebook's namespace; ``isolated``: Python that binds no name of the notebook; None:
              no Python
    options   the short options that stand before the Python, as getopt spells them
    binds     where the names it binds stand: ``first``, ``leading``, ``all``, ``<<``, ``*`` (names
              that cannot be known), or an option whose values are names
    requires  an option without which it binds nothing
    """

    python: PythonUse | None = None
    options: str = ""
    binds: tuple[str, ...] = ()
    requires: str | None = None


class MagicTable(NamedTuple):
    """The line and cell magics by name, and the names that need no ``%``."""

    line: Mapping[str, MagicEntry]
    cell: Mapping[str, MagicEntry]
    automagic: frozenset[str]


UNKNOWN = MagicEntry()


@cache  # read once a run: 3 ms that only notebooks with magics pay
def magic_table() -> MagicTable:
    """Return the table of magics; raises ``ConfigurationError`` where the file is wrong."""
    path = rules_folder() / "magics.toml"
    table = plain_toml.loads(path.read_text(encoding="utf-8"))
    return MagicTable(
        line={name: _entry(name, row) for name, row in table["line"].items()},
        cell={name: _entry(name, row) for name, row in table["cell"].items()},
        automagic=frozenset(table["automagic"].split()),
    )


def _entry(name: str, row: Mapping[str, Any]) -> MagicEntry:
    if unknown := row.keys() - _KEYS:
        raise ConfigurationError(f"magics.toml: magic {name!r} has an unknown key {min(unknown)!r}")
    python = row.get("python")
    if python not in {None, "runs", "isolated"}:
        raise ConfigurationError(f"magics.toml: magic {name!r}: python is {python!r}, not `runs` or `isolated`")
    return MagicEntry(
        cast("PythonUse | None", python), row.get("options", ""), tuple(row.get("binds", ())), row.get("requires")
    )
