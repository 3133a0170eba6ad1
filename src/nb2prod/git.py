"""Asking git: what it prints about a repository, with nothing of that repository run."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from nb2prod.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def ask_git(folder: Path, *arguments: str) -> bytes:
    """Return what git prints in ``folder``; raises ConfigurationError if it is missing or fails, with its reason."""
    import subprocess  # noqa: PLC0415 - only runs inside a repository need git

    # A hook's GIT_DIR and GIT_INDEX_FILE would point git elsewhere; a repository's own
    # core.fsmonitor would make git run a program of that repository.
    command = ["git", "-C", str(folder), "-c", "core.fsmonitor=false", *arguments]
    try:
        done = subprocess.run(command, capture_output=True, check=True, env=_without_git(os.environ))  # noqa: S603
    except OSError as error:
        raise ConfigurationError(f"git cannot be run: {error.strerror}") from None
    except subprocess.CalledProcessError as error:
        reason = error.stderr.decode("utf-8", "replace").strip().partition("\n")[0]
        raise ConfigurationError(f"git {arguments[0]}: {reason or 'failed'}") from None
    return done.stdout


def _without_git(environment: Mapping[str, str]) -> dict[str, str]:
    dropped = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"}
    return {name: value for name, value in environment.items() if name not in dropped}
