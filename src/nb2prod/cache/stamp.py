"""What every entry of the cache depends on besides its notebook: ourselves, the rules, ruff, settings, the project."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from nb2prod import __version__
from nb2prod.cache.place import digest
from nb2prod.data import rules_folder
from nb2prod.ruff_rules import program

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from nb2prod.config import Settings
    from nb2prod.diagnostics import Rule
    from nb2prod.project import Project

# Of our own code, what no finding about a notebook comes from.
_NO_FINDINGS = frozenset({"__pycache__", "cli", "convert", "report", "triage", "verify"})


def tool_stamp(rules: Iterable[Rule]) -> str:
    """Return what changes when we do, or Python, or ruff, or any rule there is.

    Our own files count by size and time, in a checkout as when they are installed: whoever edits one, or
    installs another build of the same version, gets no findings of the old one.
    """
    ruff = program()
    parts = [
        __version__,
        sys.version,
        *_files(Path(__file__).parent.parent),
        *_files(rules_folder()),
        "" if ruff is None else _file(ruff, os.stat(ruff)),  # noqa: PTH116 - a text already
        *map(repr, rules),
    ]
    return digest("\n".join(parts).encode("utf-8", "surrogatepass"))


def settings_stamp(settings: Settings, running: Iterable[Rule]) -> str:
    """Return what changes with the settings, or with the rules that run under them in one file."""
    return digest("\n".join(map(repr, (settings, *running))).encode("utf-8", "surrogatepass"))


def project_stamp(project: Project) -> str:
    """Return what changes with any answer that a check can get from the files around a notebook, its tests apart."""
    answers = (
        project.folder,
        project.root,
        sorted(project.declared().names),
        *project.declared()[1:],
        project.requirements(),
        project.required_python(),
        project.dependency_files(),
        sorted(project.modules()),
        sorted(project.modules_above()),
    )
    return digest(repr(answers).encode("utf-8", "surrogatepass"))


def tests_stamp(project: Project) -> str:
    """Return what changes with what the tests of a project mention: the same for all of its folders."""
    answers = (sorted(project.test_names()), project.test_files(), project.tests_complete)
    return digest(repr(answers).encode("utf-8", "surrogatepass"))


def _files(folder: Path | str) -> Iterator[str]:
    for entry in sorted(os.scandir(folder), key=lambda each: each.name):
        if entry.is_dir():
            if entry.name not in _NO_FINDINGS:
                yield from _files(entry.path)
        else:
            yield _file(entry.path, entry.stat())


def _file(path: str, status: os.stat_result) -> str:
    return f"{path} {status.st_size} {status.st_mtime_ns}"
