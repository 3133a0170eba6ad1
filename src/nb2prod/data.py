"""Finds the data folder: rule pages and library tables."""

from __future__ import annotations

from pathlib import Path


def rules_folder() -> Path:
    """Return the folder of rule pages: inside the installed package, else the checkout's own.

    The package's place is asked of the file system: ``importlib.resources`` answers the same and
    costs the start of every run a dozen modules.
    """
    package = Path(__file__).resolve().parent
    installed = package / "_rules"
    return installed if installed.is_dir() else package.parent.parent / "rules"
