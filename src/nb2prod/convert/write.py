"""Putting a package on disk: a new folder appears whole, an existing one loses nobody's edits."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from nb2prod.convert.manifest import FILE_NAME, digest, recorded_files
from nb2prod.errors import ConfigurationError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nb2prod.convert.plan import Package

# What `nb2prod verify` leaves in a package: it proves that package and no other.
_PROOF = "verification.json"
# Not part of the name of any file on some system people unpack a package on.
_NEVER_IN_NAMES = frozenset('\\:*?"<>|\0\n\r')


def write_package(package: Package, output: Path, *, force: bool = False) -> None:
    """Write the package to the folder ``output``; afterwards it is there whole, or nothing has changed.

    An existing folder must hold an earlier conversion, and none of its generated files may have been
    edited since; ``force`` replaces them anyway. Files of the earlier conversion that are no longer
    made are removed unless they were edited.

    Raises RefusedError, with every reason, and ConfigurationError where ``output`` can be no folder.
    """
    for path in package.files:
        _check_path(path)
    if output.exists() and not output.is_dir():
        raise ConfigurationError(f"{output}: is a file, not a folder")
    target = output.resolve()
    try:
        if target.is_dir() and any(target.iterdir()):
            _update(package.files, target, output, force=force)
        else:
            _create(package.files, target)
    except OSError as error:
        raise ConfigurationError(f"{output}: cannot be written: {error.strerror or error}") from error


def _check_path(path: str) -> None:
    """Raise ValueError for a path that could leave the folder: the emitter never makes one."""
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or _NEVER_IN_NAMES.intersection(path):
        msg = f"a package has no file {path!r}"
        raise ValueError(msg)


def _create(files: Mapping[str, bytes], target: Path) -> None:
    """Build the folder beside its place and rename it."""
    missing = [parent for parent in target.parents if not parent.exists()]
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        inner = aside / target.name  # a folder made by mkdtemp is closed to others
        for path, content in files.items():
            file = inner / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        if target.is_dir():
            target.rmdir()
        inner.rename(target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        if not target.exists():
            for parent in missing:
                _remove_empty(parent)


def _update(files: Mapping[str, bytes], target: Path, output: Path, *, force: bool) -> None:
    """Replace the files of an earlier conversion one by one, each as a whole; the manifest comes last."""
    manifest = target / FILE_NAME
    recorded = recorded_files(manifest.read_bytes()) if manifest.is_file() else None
    if recorded is None and not force:
        raise RefusedError((f"{output}: the folder is not empty and holds no conversion; --force writes into it",))
    recorded = {path: each for path, each in (recorded or {}).items() if _stays_inside(path)}
    outside = [path for path in (*files, *recorded) if not (target / path).parent.resolve().is_relative_to(target)]
    if outside:
        raise RefusedError(tuple(f"{output}: {path} leads out of the folder" for path in sorted(set(outside))))
    edited = [path for path in dict.fromkeys((*files, *recorded)) if _edited(target / path, recorded.get(path), path)]
    if edited and not force:
        reasons = [f"{output}: {path} has been edited since it was generated" for path in sorted(edited)]
        raise RefusedError((*reasons, "--force replaces them"))
    if any(recorded.get(path) != digest(content) for path, content in files.items() if path != FILE_NAME):
        (target / _PROOF).unlink(missing_ok=True)  # it was of another package
    _replace(files, target)
    gone = [path for path in recorded if path not in files and path not in edited]
    for path in gone:
        (target / path).unlink(missing_ok=True)
        for parent in PurePosixPath(path).parents[:-1]:
            _remove_empty(target / parent)


def _replace(files: Mapping[str, bytes], target: Path) -> None:
    waiting: list[tuple[Path, Path]] = []
    try:
        for path in _manifest_last(files):
            file = target / path
            if file.is_file() and not file.is_symlink() and file.read_bytes() == files[path]:
                continue
            file.parent.mkdir(parents=True, exist_ok=True)
            temporary = file.with_name(f".{file.name}.{os.getpid()}.new")
            waiting.append((temporary, file))
            temporary.write_bytes(files[path])
        for temporary, file in waiting:
            temporary.replace(file)
    finally:
        for temporary, _ in waiting:
            temporary.unlink(missing_ok=True)


def _edited(file: Path, recorded: str | None, path: str) -> bool:
    """Return whether somebody else wrote ``file``: it is there and not as the manifest remembers it."""
    if path == FILE_NAME or not (file.exists() or file.is_symlink()):
        return False
    return file.is_symlink() or not file.is_file() or recorded != digest(file.read_bytes())


def _stays_inside(path: str) -> bool:
    try:
        _check_path(path)
    except ValueError:
        return False
    return True


def _manifest_last(paths: Iterable[str]) -> list[str]:
    return sorted(paths, key=lambda path: (path == FILE_NAME, path))


def _remove_empty(folder: Path) -> None:
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
