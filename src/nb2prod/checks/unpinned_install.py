"""unpinned-install: an installation in the notebook takes whatever version is the newest that day."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nb2prod.checks._installing import installed_versions, pinning
from nb2prod.declarations import normalised
from nb2prod.diagnostics import Finding
from nb2prod.installs import install_lines, name_of
from nb2prod.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.installs import InstallLine
    from nb2prod.notebook.location import Location
    from nb2prod.notebook.model import CodeCell

# What installs, and takes no part in what the notebook computes.
_INSTALLERS = frozenset({"pip", "setuptools", "wheel", "uv", "conda", "mamba"})
# `==1.2`, `<2` and `~=1.4` decide; `>=1.2` leaves open what comes. conda has `=1.2` as well.
_DECIDES = lazy_pattern(r"===?|~=|<")
_COMMIT_OR_TAG = lazy_pattern(r"[0-9a-f]{7,40}$|.*\d")
_BRANCH_ARCHIVE = lazy_pattern(r"/(?:archive/(?:refs/heads/)?|zipball/|tarball/)(?P<ref>[\w.-]+?)(?:\.zip|\.tar\.gz)?$")


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield one finding for each cell that installs something at no version, at the first such command."""
    found: dict[int, list[tuple[InstallLine, str]]] = {}
    pinned: set[str] = set()
    for line in install_lines(analysis):
        if line.installation.tool == "other":  # packages of the operating system
            continue
        for word in line.installation.words:
            name = normalised(name_of(word) or "")
            if not _is_open(line, word):
                pinned.add(name)
            elif name not in _INSTALLERS | pinned:
                found.setdefault(line.cell.index, []).append((line, word))
    if found and analysis.project is not None:
        # What is there already at the version the project asks for, pip leaves as it is.
        pinned = {each.name for each in analysis.project.requirements() if _DECIDES.search(each.specifier)}
    for _, words in sorted(found.items()):
        words = [(line, word) for line, word in words if normalised(name_of(word) or "") not in pinned]  # noqa: PLW2901 what is left
        if words:
            finding = _finding(words[0][0].location, words[0][0].cell, list(dict.fromkeys(word for _, word in words)))
            yield finding._replace(fix=pinning(words))


def _is_open(line: InstallLine, word: str) -> bool:
    """Whether a word of an install command leaves the version open: it names a package, and no version of it."""
    if line.installation.constrained or not word.strip():
        return False
    if "://" in word or word.startswith("git+"):
        address = word.partition("#")[0]
        if "{" in address or "$" in address:
            return False
        if word.partition("@ ")[2].startswith("git+") or "git+" in word:
            reference = re.search(r"@(?P<ref>[^/@]+)$", address.partition("://")[2])
            return reference is None or not _COMMIT_OR_TAG.match(reference["ref"])
        archive = _BRANCH_ARCHIVE.search(address)
        return archive is not None and not _COMMIT_OR_TAG.match(archive["ref"])
    if not re.match(r"[A-Za-z0-9]", word) or re.search(r"[{}$*/\\]|\.(?:whl|zip|gz)$", word):
        return False
    return not (_DECIDES.search(word) or (line.installation.tool == "conda" and "=" in word.replace(">=", "")))


def _finding(location: Location, cell: CodeCell, words: list[str]) -> Finding:
    addresses = all("://" in word for word in words)
    shown = ", ".join(f"`{name_of(word) or word}`" for word in words[:4])
    if len(words) > 4:  # noqa: PLR2004 as many as are read
        shown += f" and {len(words) - 4} more"
    given = installed_versions(cell)
    versions = [f"{name_of(word)}=={given[normalised(name_of(word) or '')]}" for word in words[:4]
                if "://" not in word and normalised(name_of(word) or "") in given]  # fmt: skip
    cure = "name a commit or a release" if addresses else "give each a version"
    if versions:
        cure += f", as it was when this was saved: `{' '.join(versions)}`"
    moving = "whatever the branch holds that day" if addresses else "the newest version of that day"
    return Finding(location, f"installs {shown} without a version: another run gets {moving}; {cure}")
