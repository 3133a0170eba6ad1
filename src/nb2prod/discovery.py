"""Finds the notebooks to check, and generated packages: files as named, folders without what nobody wants checked."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from nb2prod.errors import ConfigurationError
from nb2prod.generated import FILE_NAME
from nb2prod.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from nb2prod.config import Configuration, Settings

_SKIPPED = frozenset({".git", ".hg", ".svn", ".ipynb_checkpoints", "node_modules", "site-packages", "__pycache__"})
_LOOKED_AT = (b".ipynb", FILE_NAME.encode())


class Target(NamedTuple):
    """A notebook to check, spelled as the user would, and the settings that hold for it."""

    path: Path
    settings: Settings


class Discovered(NamedTuple):
    """The notebooks found, and what the user should know about the search.

    packages  files that are called as the manifest of a generated package is
    """

    targets: tuple[Target, ...]
    notices: tuple[str, ...]
    packages: tuple[Target, ...] = ()


class _Search:
    """One search: what was learned of repositories on the way.

    listed  root of a repository → its files that are not git-ignored; None where git could not say
    """

    def __init__(self, configuration: Configuration, *, force_exclude: bool) -> None:
        self.configuration: Final = configuration
        self.force_exclude: Final = force_exclude
        self.listed: Final[dict[Path, frozenset[str] | None]] = {}
        self.notices: Final[list[str]] = []


def discover(paths: Sequence[Path], configuration: Configuration, *, force_exclude: bool = False) -> Discovered:
    """Return the notebooks of ``paths``, sorted, each file once; and the generated packages.

    What is named is looked at even if a setting excludes it (unless ``force_exclude``), and a file
    whatever it is called. In a folder only ``.ipynb`` files and manifests count; checkpoints, virtual environments,
    installed packages, git-ignored and excluded files are left out, and links to folders are not
    followed. Raises ConfigurationError for a path that does not exist and for wrong settings.
    """
    search = _Search(configuration, force_exclude=force_exclude)
    found: dict[str, Target] = {}
    for path in sorted(_named(search, paths), key=lambda target: target.path):
        # A file reached through a link and by its own name is one file.
        found.setdefault(os.path.realpath(path.path), path)
    packages = [target for target in found.values() if target.path.name == FILE_NAME]
    notebooks = [target for target in found.values() if target.path.name != FILE_NAME]
    return Discovered(tuple(notebooks), tuple(search.notices), tuple(packages))


def unsaved(path: Path, configuration: Configuration, *, force_exclude: bool = False) -> Discovered:
    """Return the notebook of that name, which need not be on disk: somebody has its text."""
    absolute = _absolute(path)
    settings = configuration.settings_for(absolute.parent)
    left_out = force_exclude and _excluded(absolute, settings)
    return Discovered(() if left_out else (Target(path, settings),), ())


def _named(search: _Search, paths: Iterable[Path]) -> Iterator[Target]:
    for path in paths:
        if not os.path.lexists(path):
            raise ConfigurationError(f"path `{path}` does not exist")
        absolute = _absolute(path)
        # A folder called x.ipynb is searched like any other where it is named, and reported as no
        # notebook where it is found.
        if path.is_dir():
            if not (search.force_exclude and _excluded(absolute, search.configuration.settings_for(absolute))):
                yield from _in_folder(search, path, absolute)
            continue
        settings = search.configuration.settings_for(absolute.parent)
        if not (search.force_exclude and _excluded(absolute, settings)):
            yield Target(path, settings)


def _in_folder(search: _Search, start: Path, absolute: Path) -> Iterator[Target]:
    repository = next((each for each in (absolute, *absolute.parents) if (each / ".git").exists()), None)
    if repository is not None and absolute != repository and _is_ignored(search, repository, absolute):
        # The user named a folder git ignores: then git has no say in it.
        repository = None
    named = None if search.force_exclude else absolute
    pending = [(start, absolute, repository)]
    while pending:
        folder, absolute, repository = pending.pop()
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            search.notices.append(f"folder `{folder}` cannot be read: {error.strerror}")
            continue
        names = {entry.name for entry in entries}
        if "pyvenv.cfg" in names and folder != start:
            continue
        if ".git" in names:
            repository = absolute
        settings = search.configuration.settings_for(absolute)
        for entry in entries:
            path, whole = folder / entry.name, absolute / entry.name
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in _SKIPPED and not _excluded(whole, settings, named=named):
                    pending.append((path, whole, repository))
            elif (
                _is_looked_at(entry)
                and not _excluded(whole, settings, named=named)
                and _is_listed(search, repository, whole)
            ):
                yield Target(path, settings)


def _is_looked_at(entry: os.DirEntry[str]) -> bool:
    # A link to a folder is a folder too, whatever it is called.
    return (entry.name.endswith(".ipynb") or entry.name == FILE_NAME) and not entry.is_dir()


def _excluded(absolute: Path, settings: Settings, *, named: Path | None = None) -> bool:
    return any(globs.match(absolute, named=named) for globs in settings.exclude)


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow links the user named


def _is_listed(search: _Search, repository: Path | None, absolute: Path) -> bool:
    """Whether git tracks the file or would: everything is listed outside a repository, and where git cannot say."""
    if repository is None:
        return True
    if repository not in search.listed:
        search.listed[repository] = _git_files(search, repository)
    listed = search.listed[repository]
    return listed is None or absolute.relative_to(repository).as_posix() in listed


def _git_files(search: _Search, repository: Path) -> frozenset[str] | None:
    output = _git(repository, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    if output is None:
        search.notices.append(f"git could not list `{repository}`: git-ignored notebooks are checked as well")
        return None
    return frozenset(os.fsdecode(name) for name in output.split(b"\0") if name.endswith(_LOOKED_AT))


def _is_ignored(search: _Search, repository: Path, folder: Path) -> bool:
    # Where a file of the folder is listed, the folder is not ignored: no second call to git.
    prefix = folder.relative_to(repository).as_posix() + "/"
    if repository not in search.listed:
        search.listed[repository] = _git_files(search, repository)
    listed = search.listed[repository]
    if listed is None or any(name.startswith(prefix) for name in listed):
        return False
    return _git(repository, "check-ignore", "--quiet", "--", prefix) is not None


def _git(repository: Path, *arguments: str) -> bytes | None:
    """Return what git prints; None if git is missing or fails."""
    from nb2prod.git import ask_git  # noqa: PLC0415 - only folders inside a repository need git

    try:
        return ask_git(repository, *arguments)
    except ConfigurationError:
        return None
