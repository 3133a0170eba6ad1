"""The files around a notebook: test files, declared dependencies, sibling modules; read when asked, recorded."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from nb2prod.declarations import Declared, Requirement, declared, required_python, requirements
from nb2prod.patterns import lazy_pattern
from nb2prod.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

# What marks the top of a project, the surer marks first (a folder of notebooks may have requirements
# of its own, and its tests beside it); without any the notebook's own folder is the project.
_ROOT_MARKS = ((".git", "pyproject.toml", "setup.py", "setup.cfg"), ("requirements.txt", "environment.yml"))
_SKIPPED = frozenset({"node_modules", "site-packages", "__pycache__", "build", "dist"})
# A project beyond these bounds is looked at in part, and ``tests_complete`` says so.
_MOST_FOLDERS = 5_000
_MOST_TEST_FILES = 1_000
_MOST_BYTES = 1_000_000

# Names in code and in strings (`tb.ref("clean")`, `getattr(churn, "clean")`) count, comments do not.
# A text, which `re` compiles when it is first used: start-up is spared what few notebooks need.
_CODE = r"""(?xs)
    (?P<comment>\#[^\n]*)
    | (?P<string>\"\"\"(?:\\.|[^\\])*?\"\"\" | '''(?:\\.|[^\\])*?''' | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*')
    | (?P<name>[^\W\d]\w*)
    """
_NAME = lazy_pattern(r"[^\W\d]\w*")


class _Tests(NamedTuple):
    """What the test files of a project mention."""

    names: frozenset[str]
    files: tuple[Path, ...]
    complete: bool


class Project:
    """The project a notebook stands in. Nothing is read before it is asked for, and nothing twice.

    folder  where the notebook is
    root    the nearest folder upwards that is the top of a project, else ``folder``
    """

    __slots__ = ("_consulted", "_of_folder", "_of_root", "folder", "root")

    def __init__(self, folder: Path, root: Path, of_root: dict[str, Any]) -> None:
        """Take what is known of the root already; what will be read of it is put there."""
        self.folder: Final = folder
        self.root: Final = root
        self._of_root: Final = of_root
        self._of_folder: Final[dict[str, Any]] = {}
        self._consulted: Final[dict[Path, None]] = {}

    @classmethod
    def for_path(cls, path: Path) -> Project:
        """Return the project around the notebook at ``path``."""
        return cls.for_folder(Path(os.path.abspath(path)).parent)  # noqa: PTH100 - resolve() would follow links

    @classmethod
    def for_folder(cls, folder: Path, others: Iterable[Project] = ()) -> Project:
        """Return the project around a folder (absolute); what one of ``others`` read of the same root is shared."""
        above = (folder, *folder.parents)
        roots = (each for marks in _ROOT_MARKS for each in above if any(_exists(each, mark) for mark in marks))
        root = next(roots, folder)
        return cls(folder, root, next((other._of_root for other in others if other.root == root), {}))  # noqa: SLF001 - the same class

    @property
    def consulted(self) -> tuple[Path, ...]:
        """Every file read so far, in order of reading."""
        return tuple(self._consulted)

    def test_names(self) -> frozenset[str]:
        """Return the identifiers that test files (``test_*.py``, ``*_test.py``) mention, in code or in strings."""
        tests = self._tests()
        self._consulted.update(dict.fromkeys(tests.files))
        return tests.names

    def test_files(self) -> tuple[Path, ...]:
        """Return the test files below the root, by path."""
        return self._tests().files

    @property
    def tests_complete(self) -> bool:
        """Whether every test file was read: the project was not too large and no file was unreadable."""
        return self._tests().complete

    def requirements(self) -> tuple[Requirement, ...]:
        """Return the declared dependencies, of the nearest files upwards to the root, in file order.

        Looks at requirements*.txt (with ``-r``), pyproject.toml (project, dependency groups, poetry)
        and environment.yml. A file that cannot be read or parsed declares nothing.
        """
        if "requirements" not in self._of_folder:
            self._of_folder["requirements"] = tuple(requirements(self.dependency_files(), self._text))
        found: tuple[Requirement, ...] = self._of_folder["requirements"]
        return found

    def declaring(self, path: Path, lines: Sequence[str]) -> Project:
        """Return this project as it is when ``lines`` have been added to the requirement file ``path``."""
        other = Project(self.folder, self.root, self._of_root)
        other._consulted.update(self._consulted)
        added = tuple(requirements([path], lambda _: "\n".join(lines)))
        known = self.declared()
        files = known.files if path in known.files else (*known.files, path)
        names = known.names | {each.name for each in added}
        other._of_folder.update(
            self._of_folder
            | {
                "requirements": (*self.requirements(), *added),
                "declared": Declared(names, files, known.complete),
            }
        )
        return other

    def dependency_files(self) -> tuple[Path, ...]:
        """Return the files ``requirements`` looks at: those of the nearest folder that has any."""
        if "dependency_files" not in self._of_folder:
            self._of_folder["dependency_files"] = self._nearest_files()
        found: tuple[Path, ...] = self._of_folder["dependency_files"]
        return found

    def _nearest_files(self) -> tuple[Path, ...]:
        for folder in self._folders():
            files = sorted(folder.glob("requirements*.txt"))
            files += [folder / name for name in ("pyproject.toml", "environment.yml", "environment.yaml")]
            if found := tuple(path for path in files if path.is_file()):
                return found
        return ()

    def declared(self) -> Declared:
        """Return what all files between the notebook and the root declare, whatever their kind, names only."""
        if "declared" not in self._of_folder:
            self._of_folder["declared"] = declared(list(self._folders()), self._text)
        found: Declared = self._of_folder["declared"]
        return found

    def required_python(self) -> tuple[str, Path | None]:
        """Return which versions of Python the project asks for, as written, and the file that says so."""
        if "required_python" not in self._of_folder:
            self._of_folder["required_python"] = required_python(list(self._folders()), self._text)
        found: tuple[str, Path | None] = self._of_folder["required_python"]
        return found

    def _folders(self) -> Iterator[Path]:
        for folder in (self.folder, *self.folder.parents):
            yield folder
            if folder == self.root:
                return

    def modules_above(self) -> frozenset[str]:
        """Return the modules and packages of the folders up to the root, and of a ``src`` folder in them."""
        if "modules_above" not in self._of_folder:
            folders = [place for folder in self._folders() for place in (folder, folder / "src")]
            self._of_folder["modules_above"] = frozenset(name for folder in folders for name in _modules(folder))
        found: frozenset[str] = self._of_folder["modules_above"]
        return found

    def modules(self) -> frozenset[str]:
        """Return the names that ``import`` finds beside the notebook: modules and packages of its folder."""
        if "modules" not in self._of_folder:
            self._of_folder["modules"] = frozenset(_modules(self.folder))
        found: frozenset[str] = self._of_folder["modules"]
        return found

    def holds(self, name: str) -> bool:
        """Return whether a file or folder of that name, a path from the notebook's folder, is there."""
        asked: dict[str, bool] = self._of_folder.setdefault("asked", {})
        if name not in asked:
            asked[name] = _exists(self.folder, name)
        return asked[name]

    @property
    def asked(self) -> Mapping[str, bool]:
        """What ``holds`` was asked about, and what it said."""
        return dict(self._of_folder.get("asked", {}))

    def _tests(self) -> _Tests:
        if "tests" not in self._of_root:
            self._of_root["tests"] = _read_tests(self.root)
        tests: _Tests = self._of_root["tests"]
        return tests

    def _text(self, path: Path) -> str:
        """Return a file's text, empty where it cannot be read or is no reasonable size."""
        self._consulted[path] = None
        return _bounded_text(path) or ""


def _exists(folder: Path, name: str) -> bool:
    return os.path.exists(os.path.join(folder, name))  # noqa: PTH110, PTH118 - a Path takes four times as long


def _bounded_text(path: Path) -> str | None:
    try:
        if path.stat().st_size > _MOST_BYTES:
            return None
        return path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError:
        return None


def _read_tests(root: Path) -> _Tests:
    names: set[str] = set()
    files: list[Path] = []
    complete = True
    for number, (folder, folders, entries) in enumerate(os.walk(root)):
        if number >= _MOST_FOLDERS or len(files) >= _MOST_TEST_FILES:
            return _Tests(frozenset(names), tuple(files), complete=False)
        if "pyvenv.cfg" in entries:
            folders.clear()
            continue
        folders[:] = sorted(name for name in folders if name not in _SKIPPED and not name.startswith("."))
        for entry in sorted(entries):
            if not (entry.endswith("_test.py") or (entry.startswith("test_") and entry.endswith(".py"))):
                continue
            text = _bounded_text(path := Path(folder, entry))
            if text is None:
                complete = False
                continue
            files.append(path)
            names |= _mentioned(text)
    return _Tests(frozenset(names), tuple(files), complete)


def _mentioned(text: str) -> set[str]:
    names: set[str] = set()
    for token in re.finditer(_CODE, text):
        if token.lastgroup == "name":
            names.add(token.group())
        elif token.lastgroup == "string":
            names.update(_NAME.findall(token.group()))
    return names


def _modules(folder: Path) -> Iterator[str]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        stem, suffix = os.path.splitext(entry.name)  # noqa: PTH122 - entries are strings already
        if suffix == ".py" and stem.isidentifier():
            yield stem
        elif entry.name.isidentifier() and Path(entry.path, "__init__.py").is_file():
            yield entry.name
