"""Declarations: what requirement files, pyproject.toml, environment files, lock files and their like ask for."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nb2prod.patterns import lazy_pattern
from nb2prod.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    Reader = Callable[[Path], str]

_REQUIREMENT = lazy_pattern(r"\s*(?P<name>[A-Za-z0-9][\w.-]*)\s*(?:\[[^\]]*\])?\s*(?P<rest>.*)$")
_CONDA_ITEM = lazy_pattern(r"(?P<indent>\s*)-\s+(?P<item>[^#]+)")
# Where a folder's declarations are, by how they are read.
_LISTS = ("*requirements*.txt", "*requirements*.in", "requirements/*.txt", "requirements/*.in",
          "binder/requirements.txt", ".binder/requirements.txt", "constraints.txt")  # fmt: skip
_ENVIRONMENTS = ("environment*.y*ml", "conda*.y*ml", "env.y*ml", "binder/environment.y*ml", ".binder/environment.y*ml")
# How the names of all of these end, in lower case: most folders hold none, and a pattern costs more than this look.
_ENDS = (".txt", ".in", "ml", ".nix", ".r", "dockerfile")
# The folders these name.
_BELOW = ("requirements/", "binder/", ".binder/")
# Where a project says which Python it runs on; poetry's is a dependency.
_PYTHONS = {
    "pyproject.toml": lazy_pattern(r"(?m)^(?:requires-)?python[ \t]*=[ \t]*[\"'](?P<wanted>[^\"'\n]*)[\"']"),
    "setup.cfg": lazy_pattern(r"(?m)^python_requires[ \t]*=(?P<wanted>[^\n#]*)"),
}
_LOCKS = ("poetry.lock", "uv.lock", "pdm.lock")
# These install by commands, or say nothing that can be read without running or knowing more.
_OPAQUE = ("Dockerfile", "pixi.toml", "*.nix", "install.R")


class Requirement(NamedTuple):
    """A declared dependency.

    name       the distribution, normalised (lower case, hyphens)
    specifier  what follows the name: version, URL or marker, as written; empty for any version
    path       the file that declares it
    """

    name: str
    specifier: str
    path: Path


class Declared(NamedTuple):
    """What the files of a project declare.

    names     of distributions, normalised; conda's names are among them, and the project's own
    files     the files that declare something, or were made to
    complete  all of them could be read: what is not among the names is not declared
    """

    names: frozenset[str]
    files: tuple[Path, ...]
    complete: bool


def requirements(paths: Iterable[Path], read: Reader) -> Iterator[Requirement]:
    """Yield what requirement files, ``pyproject.toml`` and conda environments ask for, in their order."""
    for path in paths:
        if path.suffix in {".txt", ".in"}:
            yield from _requirements_txt(path, {path}, read)
        elif path.suffix == ".toml":
            yield from _pyproject(path, read(path))
        else:
            yield from _environment(path, read(path))


def required_python(folders: Sequence[Path], read: Reader) -> tuple[str, Path | None]:
    """Return which versions of Python the nearest file that says so asks for, and the file; None where none does.

    The line is looked for, the file is not parsed: every check asks.
    """
    for folder in folders:
        for name, pattern in _PYTHONS.items():
            path = folder / name
            if path.is_file() and (found := pattern.search(read(path))):
                return found["wanted"].strip(), path
    return "", None


def declared(folders: Sequence[Path], read: Reader) -> Declared:
    """Return what the files in ``folders`` declare; names from ``setup.py`` are rather too many than too few."""
    names: set[str] = set()
    files: list[Path] = []
    complete = True
    for folder in folders:
        listed = _listed(folder)
        for path in _matching(folder, listed, (*_LISTS, *_ENVIRONMENTS)):
            names.update(each.name for each in requirements([path], read))
            files.append(path)
        for name, find in _READERS.items():
            path = folder / name
            if path.is_file() and (found := {normalised(each) for each in find(read(path))}):
                names |= found
                files.append(path)
        opaque = list(_matching(folder, listed, _OPAQUE))
        complete = complete and not opaque
        files += opaque
    return Declared(frozenset(names), tuple(files), complete)


def _matching(folder: Path, listed: Sequence[str], globs: Iterable[str]) -> Iterator[Path]:
    seen: set[str] = set()
    for glob in globs:
        for name in listed:
            # A star stands for no slash.
            alike = ("/" in name) == ("/" in glob) and fnmatch(name, glob)
            if alike and name not in seen and (path := folder / name).is_file():
                seen.add(name)
                yield path


def _listed(folder: Path) -> list[str]:
    """Return what may declare something in a folder, and in the folders in it that are for that, sorted."""
    found: list[str] = []
    for below in ("", *_BELOW):
        with suppress(OSError):
            names = (entry.name for entry in os.scandir(folder / below))
            found += (below + name for name in names if name.lower().endswith(_ENDS))
    return sorted(found)


def normalised(name: str) -> str:
    """Return a distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _requirements_txt(path: Path, seen: set[Path], read: Reader) -> Iterator[Requirement]:
    for line in read(path).replace("\\\n", " ").splitlines():
        text = re.sub(r"(^|\s)#.*", "", line).strip()
        if include := re.match(r"(?:-r|--requirement)[ =]*(?P<file>\S+)", text):
            # Files may include each other by different spellings.
            other = Path(os.path.normpath(path.parent / include["file"]))
            if other not in seen:
                seen.add(other)
                yield from _requirements_txt(other, seen, read)
        elif egg := re.match(r"(?:-e|--editable)?\s*\S+://\S*#egg=(?P<name>[\w.-]+)", line.strip()):
            yield Requirement(normalised(egg["name"]), text, path)
        elif text and not text.startswith("-"):
            yield from _requirement(text, path)


def _requirement(text: str, path: Path) -> Iterator[Requirement]:
    if match := _REQUIREMENT.match(text):
        yield Requirement(normalised(match["name"]), match["rest"].strip(), path)


def _pyproject(path: Path, text: str) -> Iterator[Requirement]:
    import tomllib  # noqa: PLC0415 - only rules about dependencies ask

    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    project = _table(table.get("project"))
    lists = [project.get("dependencies"), *_table(project.get("optional-dependencies")).values()]
    lists += _table(table.get("dependency-groups")).values()
    for items in lists:
        for item in items if isinstance(items, list) else ():
            if isinstance(item, str):
                yield from _requirement(item, path)
    poetry = _table(_table(table.get("tool")).get("poetry"))
    groups = [poetry, *map(_table, _table(poetry.get("group")).values())]
    for group in groups:
        for name, version in _table(group.get("dependencies")).items():
            if name != "python":
                yield Requirement(normalised(name), version if isinstance(version, str) else "", path)


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _environment(path: Path, text: str) -> Iterator[Requirement]:
    """Read the ``dependencies`` list of a conda environment, line by line: its form is that of a list of words."""
    yield from _conda_items(path, text.splitlines())


def _conda_items(path: Path, lines: Iterable[str]) -> Iterator[Requirement]:
    inside = False
    for line in lines:
        if line and not line[0].isspace() and not line.startswith(("-", "#")):
            inside = line.startswith("dependencies:")
        elif inside and (match := _CONDA_ITEM.match(line)):
            item = match["item"].strip().strip("\"'")
            if not item.endswith(":"):
                yield from _requirement(item.rpartition("::")[2], path)


def _names_in_pyproject(text: str) -> Iterator[str]:
    """Yield what any list or table of dependencies names, whichever tool it is for, and the project's own name."""
    import tomllib  # noqa: PLC0415 - only rules about dependencies ask

    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    waiting: list[tuple[str, object]] = list(table.items())
    while waiting:
        key, value = waiting.pop()
        if isinstance(value, dict):
            if "dependencies" in key or key == "packages":
                yield from (name for name in value if isinstance(name, str))
            waiting += [(f"{key}.{name}" if "dependenc" in key else name, inner) for name, inner in value.items()]
        elif isinstance(value, list) and ("dependenc" in key or key == "requires"):
            for item in value:
                yield from _names_of(item if isinstance(item, str) else "")
        elif key == "name" and isinstance(value, str):
            yield value


def _names_in_setup(text: str) -> Iterator[str]:
    """Yield every string of ``setup.py`` and every line of ``setup.cfg`` that can be a requirement."""
    for line in re.findall(r"""["']([^"'\n]+)["']|^\s+([^\s=#\[][^#\n]*)$""", text, re.MULTILINE):
        yield from _names_of(line[0] or line[1])


def _names_in_pipfile(text: str) -> Iterator[str]:
    yield from re.findall(r"""^\s*["']?([A-Za-z0-9][\w.-]*)["']?\s*=""", text, re.MULTILINE)


def _names_in_lock(text: str) -> Iterator[str]:
    yield from re.findall(r"""^\s*name = ["']([^"']+)["']""", text, re.MULTILINE)


def _names_in_pipfile_lock(text: str) -> Iterator[str]:
    yield from re.findall(r"""^\s*"([A-Za-z0-9][\w.-]*)": \{""", text, re.MULTILINE)


def _names_of(text: str) -> Iterator[str]:
    if found := re.fullmatch(r"\s*([A-Za-z0-9][\w.-]*)\s*(?:\[[^\]]*\])?\s*(?:[<>=!~;@(].*)?", text):
        yield found[1]


_READERS: dict[str, Callable[[str], Iterator[str]]] = {
    "pyproject.toml": _names_in_pyproject,
    "setup.py": _names_in_setup,
    "setup.cfg": _names_in_setup,
    "Pipfile": _names_in_pipfile,
    "Pipfile.lock": _names_in_pipfile_lock,
    **dict.fromkeys(_LOCKS, _names_in_lock),
}
