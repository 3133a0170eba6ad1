"""``nb2prod clean``: remove what is kept from run to run."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from nb2prod.cache.place import cache_folder, is_cache
from nb2prod.cli import CLEAN, write
from nb2prod.config import Configuration, Overrides
from nb2prod.errors import ConfigurationError
from nb2prod.report.text import printable


@click.command(short_help="Remove the cache.")
@click.argument("path", default=".", type=click.Path(exists=True, path_type=Path))
@click.option("--isolated", is_flag=True, help="Read no settings from files.")
def clean(path: Path, *, isolated: bool) -> int:
    """Remove the cache that holds for a notebook or a folder (default: this folder)."""
    above = Path.cwd() / (path if path.is_dir() else path.parent)
    folder = cache_folder(Configuration(Overrides(isolated=isolated)).settings_for(above))
    if not folder.exists():
        write(f"there is no cache at {printable(str(folder))}\n")
        return CLEAN
    if not is_cache(folder):
        raise ConfigurationError(f"`{folder}` was not made by nb2prod: nothing is removed")
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise ConfigurationError(f"`{folder}` cannot be removed: {error.strerror}") from None
    write(f"removed {printable(str(folder))}\n")
    return CLEAN
