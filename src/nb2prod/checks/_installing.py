"""How installations of a notebook are pinned to what was installed, or moved to the project's requirement file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nb2prod.checks._removal import taken_out
from nb2prod.declarations import normalised
from nb2prod.diagnostics import AddLines, Applicability, Edit, Fix
from nb2prod.installs import installs, name_of, requirement, whole_commands
from nb2prod.patterns import lazy_pattern
from nb2prod.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from nb2prod.analysis import Analysis
    from nb2prod.installs import InstallLine
    from nb2prod.notebook.commands import CommandLine
    from nb2prod.notebook.model import CodeCell, Magic
    from nb2prod.project import Project

_INSTALLED = lazy_pattern(r"^Successfully installed (?P<all>.+)$", re.MULTILINE)
_THERE = lazy_pattern(
    r"^Requirement already satisfied: (?P<name>[\w.-]+)[^\n]* in [^\n]*\((?P<version>\d[^()\s]*)\)\s*$", re.MULTILINE
)
# A package and its extras, at whatever version.
_NAME_AND_EXTRAS = lazy_pattern(r"^[\w.-]+(?:\[[^\]]*\])?")
_LOGIN = lazy_pattern(r"://[^/\s]*@")
_OPEN = lazy_pattern(r"[A-Za-z0-9][\w.-]*(?:\[[\w,-]+\])?$")
# Options that change nothing of what is installed in an environment made of the file.
_HARMLESS = lazy_pattern(r"-(?:[qvU]+|-quiet|-verbose|-upgrade|-user|-no-cache-dir|-disable-pip-version-check|y|-yes)$")
_FILE = "requirements.txt"
# They install, and are there before any requirement is.
_INSTALLERS = frozenset({"pip", "setuptools", "wheel", "uv"})


def installed_versions(cell: CodeCell) -> Mapping[str, str]:
    """Return the versions that the cell's saved output says were there or were installed, by normalised name."""
    versions: dict[str, str] = {}
    for output in cell.outputs:
        text = output.get("text", "")
        whole = "".join(text) if isinstance(text, list) else text
        whole = whole if isinstance(whole, str) else ""
        versions.update((normalised(found["name"]), found["version"]) for found in _THERE.finditer(whole))
        for found in _INSTALLED.finditer(whole):
            for each in found["all"].split():
                name, _, version = each.rpartition("-")
                versions[normalised(name)] = version
    return versions


def pinning(words: Sequence[tuple[InstallLine, str]]) -> Fix | None:
    """Return the fix that gives each of a cell's open words the version that the saved output names."""
    edits: list[Edit] = []
    for line, word in words:
        version = installed_versions(line.cell).get(normalised(name_of(word) or ""))
        edit = _pinned(line, word, version) if version and line.installation.tool == "pip" else None
        if edit is None:
            return None
        edits.append(edit)
    return Fix("give each the version that was installed", tuple(edits), Applicability.UNSAFE)


def _pinned(line: InstallLine, word: str, version: str) -> Edit | None:
    """Return the edit behind the word, which must stand once on the one line of a command."""
    where = line.location.range
    magics = (magic.range for magic in line.cell.magics)
    if not _OPEN.match(word) or where.start.line != where.end.line:
        return None
    if not any(each.start <= where.start and where.end <= each.end for each in magics):
        return None
    text = line.cell.lines[where.start.line - 1]
    places = [found.end() for found in re.finditer(rf"(?<![\w.\-\[/=]){re.escape(word)}(?![\w.\-\[<>=~!,])", text)]
    if len(places) != 1 or places[0] < where.start.column:
        return None
    return Edit(line.cell.location(where.start.line, places[0] + 1), f"=={version}")


class _Move(NamedTuple):
    """A command whose requirements a file can take: its magic, and the lines for the file."""

    magic: Magic
    lines: tuple[str, ...]


def moving(analysis: Analysis, cell: CodeCell) -> Fix | None:
    """Return the fix that moves all a cell installs to the requirement file; None where that is not certain.

    What the project declares already is only taken out of the cell.
    """
    project = analysis.project
    path = _requirement_file(project) if project is not None else None
    if project is None or path is None or any(magic.kind == "cell" for magic in cell.magics):
        return None
    declared = {each.name: each.specifier for each in project.requirements()}
    versions = installed_versions(cell)
    moves = [_move(cell, line, declared, versions) for line in whole_commands(cell)]
    known = [each for each in moves if each is not None]
    if not known or len(known) < len(moves):
        return None
    lines = tuple(dict.fromkeys(line for move in known for line in move.lines))
    if len({normalised(name_of(line) or "") for line in lines}) < len(lines):
        return None  # two versions of one
    added = (AddLines(path, lines),) if lines else ()
    title = f"move the requirements to {path.name}" if lines else f"leave out what {path.name} declares"
    return Fix(title, (*taken_out(cell, [move.magic.range for move in known]), *added), Applicability.UNSAFE)


def declaring(analysis: Analysis, distributions: Sequence[str]) -> Fix | None:
    """Return the fix that adds ``distributions`` to the project's requirement file, if it has one."""
    path = _requirement_file(analysis.project) if analysis.project is not None else None
    if path is None:
        return None
    lines = tuple(dict.fromkeys(distributions))
    return Fix(f"add {' and '.join(lines)} to {path.name}", (AddLines(path, lines),), Applicability.UNSAFE)


def _requirement_file(project: Project) -> Path | None:
    """Return the one file that declares what the project needs, if it is a requirement file without hashes."""
    files = project.declared().files
    found = [path for path in project.dependency_files() if path.name == _FILE]
    hashed = any("--hash" in each.specifier for each in project.requirements())
    return found[0] if len(files) == len(found) == 1 and not hashed else None


def _move(cell: CodeCell, line: CommandLine, declared: Mapping[str, str], versions: Mapping[str, str]) -> _Move | None:
    found = installs(line.text)
    if found is None or found.tool != "pip" or found.removes or found.files or found.constrained or not found.words:
        return None
    magic = line.magic
    text = cell.lines[magic.range.start.line - 1]
    words = line.text.split()
    if magic.range.start.column > 1 or not text.startswith(("!", "%pip", "pip")) or "|" in words or "&&" in words:
        return None
    if any(word.startswith("-") and not _HARMLESS.match(word) and word != "-m" for word in words):
        return None
    lines = []
    for word in found.words:
        name, wanted = normalised(name_of(word) or ""), requirement(word)
        # A token in an address is not carried into another file.
        if wanted is None or name in _INSTALLERS or "{" in wanted or _LOGIN.search(wanted):
            return None
        specifier = _NAME_AND_EXTRAS.sub("", wanted).strip()
        if name in declared:
            if specifier not in ("", declared[name]):
                return None  # which of the two is meant, the notebook or the file?
        elif _OPEN.match(wanted) and name in versions:
            lines.append(f"{wanted}=={versions[name]}")
        else:
            lines.append(wanted)
    return _Move(magic, tuple(lines))
