"""The distributions a package needs: what the notebook imports, with the versions it or its folder gives."""

from __future__ import annotations

import ast
import re
import sys
from dataclasses import dataclass
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from nb2prod.convert.data_files import constants_of
from nb2prod.convert.knowledge import knowledge
from nb2prod.convert.pandas_needs import drawn_by_pandas, loaded_by_pandas
from nb2prod.convert.plan import Dependency
from nb2prod.imports import imported, known_modules, named_like
from nb2prod.installs import installs, requirement
from nb2prod.project import Project

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from nb2prod.convert.plan import LocalFile
    from nb2prod.libraries import Libraries
    from nb2prod.notebook.model import CodeCell, Magic, Notebook


@dataclass(frozen=True, slots=True)
class _Needed:
    """A distribution that something needs.

    why      what needs it: ``imported``, a call, a magic
    place    where: the index of a cell, or the name of a local module's file
    guessed  its name is taken to be the module's
    """

    distribution: str
    why: str
    place: int | str
    guessed: bool = False


# PEP 508
_DISTRIBUTION = re.compile(r"[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?", re.ASCII)


def infer_dependencies(
    notebook: Notebook, local_files: Collection[LocalFile], libraries: Libraries, notebook_folder: Path
) -> tuple[Dependency, ...]:
    """Return what the package must have installed, sorted by name, each once.

    Every import of the notebook and of the local modules taken along counts, wherever it stands,
    save fallbacks (an import in ``except ImportError`` whose ``try`` has one already), modules of the
    standard library, and modules that are local or that the notebook itself writes. Versions are
    those the notebook installs, else those the requirement files around it give; none is invented.
    What the imported distributions are built on counts where these files give a version of it.
    What the notebook installs and nothing imports is included as well, tools of the trade excepted.
    """
    local = {PurePosixPath(file.target).parts[1].removesuffix(".py") for file in local_files} | _written(notebook)
    needed = dict[str, list[_Needed]]()
    for found in _needed(notebook, local_files, local, libraries):
        needed.setdefault(canonicalize_name(found.distribution), []).append(found)
    installed = _installed(notebook, notebook_folder, libraries)
    files = _declared(notebook_folder)
    for name in list(needed):
        variant = next((other for other in (*installed, *files) if _is_variant(other, name)), None)
        if variant is not None and name not in installed and name not in files:
            needed.setdefault(variant, []).extend(needed.pop(name))
    needed |= _built_on(needed, files)
    needed |= _displaying(needed)
    result = []
    for name in sorted(needed.keys() | installed.keys()):
        asked, where = installed.get(name, ("", ""))
        if name not in needed and (name in knowledge().tools or not where.startswith("pip")):
            continue
        if (not asked or _is_bare(asked)) and name in files:
            # The extras of the install line stay: the file adds the versions.
            asked, where = (_with_versions(asked, files[name][0]), files[name][1])
        sources = _reason(needed.get(name, ()))
        reason = f"{sources}; {where}" if sources and where and asked else sources
        requirement = asked or str(Requirement(needed[name][0].distribution))
        result.append(Dependency(requirement, reason or f"the notebook installs it ({where}); nothing imports it"))
    return tuple(result)


def _built_on(
    needed: Mapping[str, Sequence[_Needed]], files: Mapping[str, tuple[str, str]]
) -> dict[str, list[_Needed]]:
    """Return what the needed distributions are built on and the project's files give a version of.

    The version of pandas alone brings the newest NumPy, which that pandas may not work with.
    """
    found: dict[str, list[_Needed]] = {}
    for name, why in needed.items():
        for other in knowledge().built_on.get(name, "").split():
            if other not in needed and other not in found and not _is_bare(files.get(other, (other, ""))[0]):
                found[other] = [_Needed(other, f"{name} is built on it, {why[0].why}", why[0].place)]
    return found


def _displaying(needed: Mapping[str, Sequence[_Needed]]) -> dict[str, list[_Needed]]:
    """Return IPython where a needed distribution displays through it, and does something else without it."""
    users = [name for name in needed if name in knowledge().displaying_if_installed]
    if not users or "ipython" in needed:
        return {}
    return {
        "ipython": [
            _Needed("ipython", f"{name} displays through it, {needed[name][0].why}", needed[name][0].place)
            for name in users
        ]
    }


def with_display(dependencies: Sequence[Dependency]) -> tuple[Dependency, ...]:
    """Return ``dependencies`` with IPython, which a library was seen to display through."""
    if any(canonicalize_name(Requirement(each.requirement).name) == "ipython" for each in dependencies):
        return tuple(dependencies)
    seen = Dependency("ipython", "a library displays through it, as was seen when the package ran")
    return tuple(sorted((*dependencies, seen), key=lambda each: each.requirement.lower()))


def _reason(found: Sequence[_Needed]) -> str:
    """Return why a distribution is needed: "imported in cells 3, 8 and tools.py"."""
    places: dict[str, dict[int | str, None]] = {}
    for each in found:
        places.setdefault(each.why, {})[each.place] = None
    reasons = []
    for why, known in places.items():
        cells = [str(place) for place in known if isinstance(place, int)]
        where = [f"cell{'s' if len(cells) > 1 else ''} {', '.join(cells)}"] if cells else []
        where += [place for place in known if isinstance(place, str)]
        reasons.append(f"{why} in {' and '.join(where)}")
    guessed = ["taken to be named like the module"] if any(each.guessed for each in found) else []
    return "; ".join([*reasons, *guessed])


def _needed(
    notebook: Notebook, local_files: Collection[LocalFile], local: Collection[str], libraries: Libraries
) -> Iterator[_Needed]:
    trees: list[tuple[int | str, ast.AST]] = [(cell.number, cell.tree) for cell in notebook.code_cells if cell.tree]
    for file in local_files:
        try:
            trees.append((PurePosixPath(file.target).name, ast.parse(file.content)))
        except (SyntaxError, ValueError):
            continue  # taken along as it is: only running it can tell
    constants = constants_of([tree for _, tree in trees])
    for where, tree in trees:
        for module in imported(tree):
            top = module.partition(".")[0]
            if top in sys.stdlib_module_names or top in known_modules().former or top in local:
                continue
            distribution, guessed = _distribution(module, libraries)
            if not _DISTRIBUTION.fullmatch(distribution):
                continue  # nothing can be installed under such a name: the module is missing, as in the notebook
            yield _Needed(distribution, "imported", where, guessed)
        for distribution, why in loaded_by_pandas(tree, constants):
            yield _Needed(distribution, why, where)
    if any(module.partition(".")[0] == "pandas" for _, tree in trees for module in imported(tree)):
        yield from (_Needed("matplotlib", each, where) for where, tree in trees for each in drawn_by_pandas(tree))
    for cell in notebook.code_cells:
        for magic in cell.magics:
            if magic.name in {"matplotlib", "pylab"} and magic.kind in {"line", "automagic"}:
                yield _Needed("matplotlib", f"%{magic.name}", cell.number)


def _distribution(module: str, libraries: Libraries) -> tuple[str, bool]:
    """Return the distribution of a module, and whether it is a guess."""
    known = libraries.distribution(module)
    if known:
        return known, False

    top = module.partition(".")[0]
    candidates = sorted(set(_installed_modules().get(top, ())))
    if len(candidates) == 1:
        return candidates[0], False
    # A namespace (`google.cloud.storage`) is shared by distributions named after their modules.
    dashed = module.replace(".", "-").replace("_", "-").lower()
    for candidate in sorted(candidates, key=len, reverse=True):
        if f"{dashed}-".startswith(candidate.replace("_", "-").lower() + "-"):
            return candidate, False
    return named_like(module), True


@cache  # it reads every installed distribution: a tenth of a second
def _installed_modules() -> Mapping[str, list[str]]:
    return packages_distributions()


def _written(notebook: Notebook) -> frozenset[str]:
    """Return the modules the notebook writes or fetches itself (``%%writefile gui.py``, ``!wget …/mdp.py``)."""
    names: set[str] = set()
    for cell in notebook.code_cells:
        for magic in cell.magics:
            if magic.kind == "shell" or magic.name in {"writefile", "file", "bash", "sh"}:
                text = "\n".join([magic.argument, *_commands(cell, magic)])
                names.update(re.findall(r"(?:^|[\s/'\"])(\w+)\.py\b", text))
            if magic.name in {"writefile", "file"}:
                names.update(re.findall(r"(?:^|\s)['\"]?(?:\./)?(\w+)/\S+\.py\b", magic.argument))
    return frozenset(names)


def _commands(cell: CodeCell, magic: Magic) -> Iterator[str]:
    if magic.kind == "shell":
        yield magic.argument
    elif magic.kind == "cell" and magic.name in {"bash", "sh", "script", "!", "sx"}:
        yield from re.sub(r"\\\n", " ", "\n".join(cell.lines[magic.range.end.line :])).splitlines()
    elif magic.name in knowledge().installers:
        yield f"{magic.name} {magic.argument}"


def _is_variant(other: str, name: str) -> bool:
    """Return whether a distribution gives the same modules as another, built for another machine."""
    if not other.startswith(f"{name}-"):
        return other in {"opencv-contrib-python", "opencv-contrib-python-headless"} and name == "opencv-python"
    return re.fullmatch(r"headless|gpu|cpu|binary|nightly|intel|macos|rocm|cu\d+", other[len(name) + 1 :]) is not None


def _installed(notebook: Notebook, folder: Path, libraries: Libraries) -> Mapping[str, tuple[str, str]]:
    """Return what the notebook installs: normalised name → requirement, and where; the last line wins."""
    found: dict[str, tuple[str, str]] = {}
    for cell in notebook.code_cells:
        for magic in cell.magics:
            for command in _commands(cell, magic):
                installation = installs(command)
                if installation is None or installation.removes:
                    continue
                texts = list(installation.requirements)
                for name in installation.files:
                    texts += _requirements_txt(folder / name, folder) if installation.tool == "pip" else ()
                for text in texts:
                    parsed = Requirement(text)
                    # `pip install sklearn`: the module's name, which is no distribution's or an empty one's
                    parsed.name = libraries.distribution(parsed.name) or parsed.name
                    asked = str(parsed)
                    key = canonicalize_name(parsed.name)
                    if key not in found or not _is_bare(asked):
                        found[key] = (asked, f"{installation.tool} install in cell {cell.number}")
    return found


def _declared(folder: Path) -> Mapping[str, tuple[str, str]]:
    """Return what the requirement files around the notebook ask for: normalised name → requirement, file name."""
    found: dict[str, tuple[str, str]] = {}
    for asked in Project.for_folder(folder).requirements():
        # conda's `pandas=1.5` is `pandas==1.5.*`
        specifier = re.sub(r"^=\s*([\w.]+)(=\w+)?$", r"==\1.*", asked.specifier)
        try:
            # A marker says when; that the notebook imports it is reason enough.
            parsed = Requirement(f"{asked.name} {specifier}".partition(";")[0].partition(" --")[0])
        except InvalidRequirement:
            continue  # a form of another tool (poetry's ^1.2): no version that could be given on
        found.setdefault(canonicalize_name(parsed.name), (str(parsed), asked.path.name))
    return found


def _requirements_txt(path: Path, folder: Path) -> Iterator[str]:
    """Yield the requirements of a file that an install line names, if it is in the notebook's folder."""
    if not path.resolve().is_relative_to(folder.resolve()):
        return
    try:
        lines = path.read_text(encoding="utf-8-sig", errors="replace").replace("\\\n", " ").splitlines()
    except OSError:
        return  # the notebook's own install fails as well
    for line in lines:
        words = re.sub(r"(^|\s)(#|--\w).*", "", line).strip()
        if words and not words.startswith("-") and (asked := requirement(words)):
            yield asked


def _is_bare(text: str) -> bool:
    parsed = Requirement(text)
    return not parsed.specifier and not parsed.url


def _with_versions(asked: str, given: str) -> str:
    """Return what the files give, with the extras the install line asks for."""
    parsed = Requirement(given)
    if asked:
        parsed.extras |= Requirement(asked).extras
    return str(parsed)
