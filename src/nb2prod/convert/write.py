"""Putting a package on disk: a new folder appears whole, an existing one loses nobody's edits."""

from __future__ import annotations

import shutil
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from nb2prod.convert.manifest import recorded_files
from nb2prod.errors import ConfigurationError, RefusedError
from nb2prod.generated import FILE_NAME, digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from nb2prod.convert.plan import Package

# What `nb2prod verify` leaves in a package, for each of its notebooks: it proves that package and no other.
_PROOF = "verification*.json"
# Where files wait until all are written. Only a run that was killed leaves it behind.
_STAGING = ".nb2prod-new"
# Not part of the name of any file on some system people unpack a package on.
_NEVER_IN_NAMES = frozenset('\\:*?"<>|\0\n\r')


def write_package(package: Package, output: Path, *, force: bool = False) -> None:
    """Write the package to the folder ``output``; afterwards it is there whole, or nothing has changed.

    An existing folder must hold an earlier conversion, and none of its generated files may have been
    edited since; ``force`` replaces them anyway. Files of the earlier conversion that are no longer
    made are removed unless they were edited. What a run left that was killed on its way is cleared.

    Raises RefusedError, with every reason, and ConfigurationError where ``output`` can be no folder.
    """
    for path in package.files:
        _check_path(path)
    if output.exists() and not output.is_dir():
        raise ConfigurationError(f"{output}: is a file, not a folder")
    target = output.resolve()
    try:
        if holds_files(target):
            _update(package.files, target, output, force=force)
        else:
            _create(package.files, target)
    except OSError as error:
        raise ConfigurationError(f"{output}: cannot be written: {error.strerror or error}") from error


def holds_files(folder: Path) -> bool:
    """Return whether ``folder`` is one with anything in it, save what a killed run left."""
    return folder.is_dir() and any(each.name != _STAGING for each in folder.iterdir())


def no_longer_made(files: Iterable[str], recorded: Mapping[str, str], target: Path) -> list[str]:
    """Return the files of an earlier conversion that the next write removes: as generated, and not in ``files``."""
    made = set(files)
    return [
        path
        for path, each in recorded.items()
        if path not in made
        and stays_inside(path)
        and (target / path).is_file()
        and not _edited(target / path, {each}, path)
    ]


def stays_inside(path: str) -> bool:
    """Return whether a path of a manifest names a file inside of its folder."""
    try:
        _check_path(path)
    except ValueError:
        return False
    return True


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
    aside = target.with_name(f".{target.name}{_STAGING}")
    try:
        _clear(aside)
        _write(files, aside)
        if target.is_dir():
            _clear(target / _STAGING)
            target.rmdir()
        aside.rename(target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        if not target.exists():
            for parent in missing:
                _remove_empty(parent)


def _update(files: Mapping[str, bytes], target: Path, output: Path, *, force: bool) -> None:
    """Replace the files of an earlier conversion one by one, each as a whole; the manifest comes last."""
    recorded = _recorded(target / FILE_NAME)
    if recorded is None and not force:
        raise RefusedError((f"{output}: the folder is not empty and holds no conversion; --force writes into it",))
    recorded = {path: each for path, each in (recorded or {}).items() if stays_inside(path)}
    outside = [path for path in (*files, *recorded) if not (target / path).parent.resolve().is_relative_to(target)]
    if outside:
        raise RefusedError(tuple(f"{output}: {path} leads out of the folder" for path in sorted(set(outside))))
    # A run that was killed between two files has left the list of those it was about to put in place.
    killed = _recorded(target / _STAGING / FILE_NAME) or {}
    edited = [
        path
        for path in dict.fromkeys((*files, *recorded))
        if _edited(target / path, {recorded.get(path), killed.get(path)}, path)
        and not _holds(target / path, files.get(path))
    ]
    if edited and not force:
        reasons = [f"{output}: {path} has been edited since it was generated" for path in sorted(edited)]
        raise RefusedError((*reasons, "--diff shows what would change; --force replaces them"))
    changed = [path for path in _manifest_last(files) if not _holds(target / path, files[path])]
    gone = no_longer_made(files, recorded, target)
    if any(path != FILE_NAME for path in (*changed, *gone)):
        for proof in target.glob(_PROOF):
            proof.unlink()  # it was of another package
    staging = target / _STAGING
    try:
        _clear(staging)
        if changed or gone:
            _write({path: files[path] for path in (*changed, FILE_NAME)}, staging)
            _exchange(changed, gone, staging, target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    for path in gone:
        for parent in PurePosixPath(path).parents[:-1]:
            _remove_empty(target / parent)


def _exchange(changed: Sequence[str], gone: Sequence[str], staging: Path, target: Path) -> None:
    """Put the staged files in their places and take ``gone`` away; if that is interrupted, undo it."""
    former: dict[Path, bytes | None] = {}
    try:
        for path in (*gone, *changed):
            file = target / path
            former[file] = file.read_bytes() if file.is_file() and not file.is_symlink() else None
            if path in gone:
                file.unlink()
                continue
            file.parent.mkdir(parents=True, exist_ok=True)
            (staging / path).replace(file)
    except BaseException:
        for file, content in former.items():
            if content is not None:
                file.write_bytes(content)
            elif file.is_file():
                file.unlink()
        raise


def _write(files: Mapping[str, bytes], folder: Path) -> None:
    for path, content in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


def _clear(folder: Path) -> None:
    if folder.is_dir():
        shutil.rmtree(folder)


def _recorded(manifest: Path) -> dict[str, str] | None:
    return recorded_files(manifest.read_bytes()) if manifest.is_file() else None


def _edited(file: Path, generated: set[str | None], path: str) -> bool:
    """Return whether somebody else wrote ``file``: it is there and not as any manifest remembers it."""
    if path == FILE_NAME or not (file.exists() or file.is_symlink()):
        return False
    return file.is_symlink() or not file.is_file() or digest(file.read_bytes()) not in generated


def _holds(file: Path, content: bytes | None) -> bool:
    return file.is_file() and not file.is_symlink() and file.read_bytes() == content


def _manifest_last(paths: Iterable[str]) -> list[str]:
    return sorted(paths, key=lambda path: (path == FILE_NAME, path))


def _remove_empty(folder: Path) -> None:
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
