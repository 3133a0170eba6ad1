"""``nb2prod config``: which settings hold for a notebook or a folder, and who says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nb2prod.cli import CLEAN, write
from nb2prod.config import Configuration, Overrides, assigned, read_table
from nb2prod.rulebook import all_rules
from nb2prod.selection import select
from nb2prod.settings_keys import KEYS, schema

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.config import Settings


@click.command(short_help="Print the settings that hold.")
@click.argument("path", default=".", type=click.Path(exists=True, path_type=Path))
@click.option("--config", "config_", multiple=True, metavar="KEY=VALUE", help="A setting, in the place of the file's.")
@click.option("--isolated", is_flag=True, help="Read no settings from files.")
@click.option("--schema", "only_schema", is_flag=True, help="Print the JSON Schema of the settings instead.")
def config(path: Path, config_: tuple[str, ...], *, isolated: bool, only_schema: bool) -> int:
    """Print the settings that hold for a notebook or a folder (default: this folder), as TOML."""
    if only_schema:
        write(json.dumps(schema(), indent=2) + "\n")
        return CLEAN
    folder = Path.cwd() / (path if path.is_dir() else path.parent)
    settings = Configuration(Overrides(isolated=isolated, config=config_)).settings_for(folder)
    rules = all_rules(settings.extend_rules)
    running = select(settings, rules)
    lines = [*_settings(settings, config_), f"# {len(running)} of {len(rules)} rules run"]
    write("\n".join(lines) + "\n")
    return CLEAN


def _settings(settings: Settings, words: tuple[str, ...]) -> Iterator[str]:
    """Yield a line for each key: its value, or that it has none, and where that comes from."""
    given = assigned(words)
    table = (read_table(settings.source) if settings.source else None) or {}
    for key, known in KEYS.items():
        if key in given:
            value, origin = given[key], "--config"
        elif key in table:
            value, origin = table[key], str(settings.source)
        else:
            value, origin = known.default, "default"
        yield f"# {key} is not set" if value is None else f"{key} = {_toml(value)}  # {origin}"


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {_toml(each)}" for key, each in value.items()) + "}"
    # Strings, lists and booleans are written alike in both.
    return json.dumps(value)
