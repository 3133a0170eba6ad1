"""The copy of a notebook's folder a run gets, and what the run changed in it."""

from __future__ import annotations

import ast
import hashlib
import os
import re
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nb2prod.errors import ConfigurationError
from nb2prod.verify.pickled import MOST_PICKLED, is_pickle, without_places
from nb2prod.verify.trace import WrittenFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from nb2prod.notebook.model import Notebook

# Files above this are copied once, made read-only and linked into the copy of each run.
LARGE = 20 * 1024**2
# Nobody's notebook reads these, and they may be large.
_LEFT_OUT = frozenset({
    ".git", ".hg", ".ipynb_checkpoints", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".svn", ".tox", ".venv",
    "__pycache__", "node_modules",
})  # fmt: skip
# How many folders above the notebook's a relative path may reach in the copy.
_UP = 4
_CLIMBS = re.compile(r"\.\.(?:/|$)")
# A written text up to this size is kept line by line, so that a difference can be shown.
_TEXT = 2 * 1024**2


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy of a notebook's folder inside a temporary one.

    root    everything the run can reach by relative paths, up to four folders above the notebook's
    folder  the notebook's folder in it: where the run runs
    before  what was there before the run, by path relative to ``folder``
    """

    root: Path
    folder: Path
    before: Mapping[str, tuple[int, int, int]]


@dataclass(slots=True)
class Source:
    """The folder that is copied for each run.

    leave_out   absolute paths that are not copied: the package
    extra       files and folders above the notebook's folder that its code names by relative paths
    limit       bytes that may be copied in all
    large       where large files are kept for all runs
    """

    folder: Path
    leave_out: frozenset[Path]
    extra: tuple[Path, ...]
    limit: int
    large: Path
    size: int = 0

    def copy(self, root: Path) -> Copy:
        """Make a fresh copy below ``root``, which must not exist.

        Symbolic links are copied as what they point at where that is inside the folder, else left out.
        Raises ConfigurationError where the folder holds more than the limit.
        """
        self.size = 0
        above = list(self.folder.parents)[:_UP]
        base = above[-1] if above else self.folder
        target = root / self.folder.relative_to(base)
        target.mkdir(parents=True)
        for file, relative in self._files(self.folder):
            self._copy_file(file, target / relative)
        for extra in self.extra:
            place = root / extra.relative_to(base)
            if extra.is_file():
                self._copy_file(extra, place)
                continue
            for file, relative in self._files(extra):
                if file.is_dir() or not (place / relative).exists():
                    self._copy_file(file, place / relative)
        return Copy(root, target, dict(_snapshot(root, target)))

    def _files(self, top: Path) -> Iterator[tuple[Path, Path]]:
        """Yield each folder and file below ``top`` with its relative path, folders first."""
        real = top.resolve()
        for here, folders, files in os.walk(top):
            folders[:] = sorted(name for name in folders if self._wanted(Path(here, name), real))
            yield Path(here), Path(here).relative_to(top)
            for name in sorted(files):
                file = Path(here, name)
                if self._wanted(file, real) and stat.S_ISREG(file.stat().st_mode):
                    yield file, file.relative_to(top)

    def _wanted(self, path: Path, top: Path) -> bool:
        if path.name in _LEFT_OUT or path in self.leave_out or (path / "pyvenv.cfg").exists():
            return False
        if path.is_symlink():
            # A link to a folder is left out: os.walk does not follow it, and it may lead in a circle.
            return path.is_file() and path.resolve().is_relative_to(top)
        return True

    def _copy_file(self, file: Path, target: Path) -> None:
        if file.is_dir():
            target.mkdir(parents=True, exist_ok=True)
            return
        size = file.stat().st_size
        self.size += size
        if self.size > self.limit:
            raise ConfigurationError(
                f"{self.folder}: holds more than {self.limit / 1024**3:.1f} GB, and each run gets a copy; move the "
                "notebook into a folder with only what it reads, or raise --copy-limit"
            )
        target.parent.mkdir(parents=True, exist_ok=True)
        if size <= LARGE:
            shutil.copyfile(file, target)
            shutil.copystat(file, target)
            # The run may change its copy even where the original is protected.
            target.chmod(stat.S_IMODE(file.stat().st_mode) | stat.S_IRUSR | stat.S_IWUSR)
            return
        kept = self.large / hashlib.sha256(os.fsencode(file)).hexdigest()
        if not kept.exists():
            self.large.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, kept)
            kept.chmod(0o444)
        os.link(kept, target)


def climbing_paths(notebook: Notebook, folder: Path) -> tuple[Path, ...]:
    """Return what exists of the files and folders above ``folder`` that strings of the notebook name (``../data``).

    So does a ``%run ../tools.py`` that was followed. A string that only climbs (``..``, for ``sys.path``) stands
    for the Python modules there.
    """
    found: dict[Path, None] = {}
    reach = list(folder.parents)[:_UP]
    for run in notebook.runs:
        path = Path(os.path.normpath(folder / run.file))
        if run.digest and not path.is_relative_to(folder):
            found[path] = None
    for cell in notebook.code_cells:
        for node in ast.walk(cell.tree) if cell.tree is not None else ():
            if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or len(node.value) > 1000:  # noqa: PLR2004 - no path
                continue
            text = node.value
            if not _CLIMBS.match(text.removeprefix("./")) or "\0" in text:
                continue
            path = Path(os.path.normpath(folder / re.split(r"[*?\[{%]", text)[0]))
            if path == folder or path.is_relative_to(folder) or not any(path.is_relative_to(each) for each in reach):
                continue
            if path in folder.parents:
                found.update(dict.fromkeys(_modules(path, folder)))
            elif path.exists():
                found[path] = None
    return tuple(found)


def _modules(above: Path, folder: Path) -> Iterator[Path]:
    for path in sorted(above.iterdir()) if above.is_dir() else ():
        if folder.is_relative_to(path):
            continue
        if (path.suffix == ".py" and path.is_file()) or (path / "__init__.py").is_file():
            yield path


def written_files(copy: Copy, package: str = "__main__") -> tuple[WrittenFile, ...]:
    """Return what the run made, changed or removed in its copy, by path relative to the notebook's folder.

    A removed file has no size and no digest of its content; a text has its lines as digest. Pickles are the same
    whether the classes in them are of ``package`` or of ``__main__``.
    """
    after = dict(_snapshot(copy.root, copy.folder))
    found = [_removed(path) for path in copy.before if path not in after]
    found += [
        _written(copy.folder / path, path, package) for path, seen in after.items() if copy.before.get(path) != seen
    ]
    return tuple(sorted(found, key=lambda file: file.path))


def outside(files: Sequence[WrittenFile]) -> tuple[str, ...]:
    """Return the paths of files that stand above the notebook's folder."""
    return tuple(file.path for file in files if file.path.startswith("../"))


def _snapshot(root: Path, folder: Path) -> Iterator[tuple[str, tuple[int, int, int]]]:
    for here, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name not in {"__pycache__", ".ipynb_checkpoints"}]
        for name in files:
            path = Path(here, name)
            try:
                seen = path.lstat()
            except FileNotFoundError:  # a process of the run is still ending
                continue
            relative = Path(os.path.relpath(path, folder)).as_posix()
            yield relative, (seen.st_size, seen.st_mtime_ns, seen.st_ino)


def _removed(path: str) -> WrittenFile:
    return WrittenFile(path, "", 0, {"kind": "exact", "type": "file", "value": "removed"})


def _written(file: Path, path: str, package: str) -> WrittenFile:
    if file.is_symlink() or not stat.S_ISREG(file.lstat().st_mode):
        kind = f"link to {file.readlink()}" if file.is_symlink() else "no regular file"
        return WrittenFile(path, "", 0, {"kind": "exact", "type": "file", "value": kind})
    hashed = hashlib.sha256()
    size = file.stat().st_size
    with file.open("rb") as content:
        if is_pickle(content.peek(2)) and size <= MOST_PICKLED:
            hashed.update(without_places(content.read(), package))
        while block := content.read(1024**2):
            hashed.update(block)
    return WrittenFile(path, hashed.hexdigest(), size, _lines(file) if size <= _TEXT else None)


def _lines(file: Path) -> dict[str, Any] | None:
    """Return a text's lines as the digest of a list, so that the first that differs can be shown."""
    try:
        text = file.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        return None
    if "\0" in text:
        return None
    lines = text.split("\n")
    return {"kind": "sequence", "type": "lines", "length": len(lines), "elements": {"strings": lines}}
