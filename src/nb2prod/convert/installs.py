"""Install commands of shell lines: what ``pip install …`` and its relatives ask for, as requirements."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote, urlsplit

from packaging.requirements import InvalidRequirement, Requirement

# Options of pip and conda that take the next word.
_WITH_VALUE = [
    "-i",
    "--index-url",
    "--extra-index-url",
    "-f",
    "--find-links",
    "-t",
    "--target",
    "-c",
    "--constraint",
    "--prefix",
    "--root",
    "--python",
    "--platform",
    "--progress-bar",
    "--timeout",
    "--proxy",
    "--retries",
    "--cache-dir",
    "--log",
    "--trusted-host",
    "--upgrade-strategy",
    "-C",
    "--config-settings",
    "--src",
    "--no-binary",
    "--only-binary",
    "--report",
    "--exists-action",
    "--build",
    "--abi",
    "--implementation",
    "--python-version",
    "--cert",
    "--client-cert",
    "--global-option",
    "--install-option",
    "--channel",
    "-n",
    "--name",
    "-p",
    "--default-index",
]
_EDITABLE = frozenset({"-e", "--editable"})
_FILES = frozenset({"-r", "--requirement", "--requirements", "--file"})
_PYTHONS = re.compile(r"(\{?sys\.executable\}?|\$?\{?sys\.executable\}?|(.*/)?(python|py)[\d.]*)$")
_PIPS = re.compile(r"(.*/)?pip[\d.]*$")
_CONDAS = frozenset({"conda", "mamba", "micromamba"})
_VCS = re.compile(r"(git|hg|svn|bzr)\+")
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_REDIRECTION = re.compile(r"(\d|&)?>>?(&\d|.*)$|<")


@dataclass(frozen=True, slots=True)
class Installation:
    """What one command installs.

    tool          ``pip`` or ``conda``; conda's names are not always those of distributions
    requirements  PEP 508 strings, in order
    files         requirement files it names (``-r``)
    unknown       words that only a run can tell (``{package}``, ``$PACKAGE``)
    local         folders and files of the machine it installs from: nothing a package can depend on
    removes       it uninstalls
    """

    tool: Literal["pip", "conda"]
    requirements: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    local: tuple[str, ...] = ()
    removes: bool = False


def installs(command: str) -> Installation | None:
    """Return what a shell command installs; None where it does, or may do, anything else as well."""
    # A backslash at the end of a line continues the command.
    command = re.sub(r"\\\s*\n", " ", command)
    try:
        words = shlex.split(re.sub(r";(?=\s|$)", " ; ", command), comments=True)
    except ValueError:
        return None
    parts: list[list[str]] = [[]]
    piped = False
    for word in words:
        if word in {"&&", ";", "||"}:
            parts.append([])
            piped = False
        elif word == "|":
            piped = True  # `| tail -1`: only what is printed
        elif not piped:
            parts[-1].append(word)
    found = [_installation(part) for part in parts if part]
    known = [installation for installation in found if installation is not None]
    if not known or len(known) < len(found):
        return None
    return Installation(
        known[0].tool if len({installation.tool for installation in known}) == 1 else "pip",
        tuple(text for installation in known for text in installation.requirements),
        tuple(text for installation in known for text in installation.files),
        tuple(text for installation in known for text in installation.unknown),
        tuple(text for installation in known for text in installation.local),
        any(installation.removes for installation in known),
    )


def requirement(word: str) -> str | None:
    """Return one word of a ``pip install`` line as a PEP 508 string; None for a local path."""
    word = word.strip()
    scheme = urlsplit(word).scheme if "://" in word and "@" not in word.partition("://")[0] else ""
    if _VCS.match(word) or scheme in {"http", "https", "ftp"}:
        return _direct_reference(word)
    try:
        return str(Requirement(word))
    except InvalidRequirement:
        return None


def _installation(words: list[str]) -> Installation | None:
    while words and (words[0] == "sudo" or re.fullmatch(r"[A-Za-z_]\w*=\S*", words[0])):
        words = words[1:]
    if words and _PYTHONS.match(words[0]) and words[1:2] == ["-m"]:
        words = words[2:]
    elif words[:1] == ["uv"]:
        words = (
            ["pip", *words[2:]]
            if words[1:2] == ["pip"]
            else ["pip", "install", *words[2:]]
            if words[1:2] == ["add"]
            else []
        )
    if not words:
        return None
    tool: Literal["pip", "conda"]
    if _PIPS.match(words[0]):
        tool = "pip"
    elif words[0] in _CONDAS:
        tool = "conda"
    else:
        return None
    rest = words[1:]
    while rest and rest[0].startswith("-"):
        rest = rest[2:] if rest[0] in _WITH_VALUE else rest[1:]
    verb, rest = (rest[0], rest[1:]) if rest else ("", [])
    if verb in {"uninstall", "remove"}:
        return Installation(tool, removes=True)
    if verb != "install":
        return None
    return _arguments(tool, rest)


def _arguments(tool: Literal["pip", "conda"], words: list[str]) -> Installation:
    requirements: list[str] = []
    files: list[str] = []
    unknown: list[str] = []
    local: list[str] = []
    waiting: str | None = None
    for word in words:
        option, equals, value = word.partition("=")
        if waiting is not None:
            if waiting in _FILES:
                files.append(word)
            elif waiting in _EDITABLE:
                _sort(tool, word, requirements, unknown, local)
            waiting = None
        elif word.startswith("-"):
            if word in {*_WITH_VALUE, *_FILES, *_EDITABLE} or (tool == "conda" and word == "-c"):
                waiting = word
            elif equals and option in _FILES:
                files.append(value)
            elif equals and option in _EDITABLE:
                _sort(tool, value, requirements, unknown, local)
            elif word.startswith("-r") and not word.startswith("--"):
                files.append(word[2:])
        elif _REDIRECTION.match(word):
            waiting = word if word.endswith((">", "<")) else None
        else:
            _sort(tool, word, requirements, unknown, local)
    return Installation(tool, tuple(requirements), tuple(files), tuple(unknown), tuple(local))


def _sort(tool: str, word: str, requirements: list[str], unknown: list[str], local: list[str]) -> None:
    if "{" in word or "$" in word:
        # `torch=={VERSION}`: the name is known, the version is not
        name = re.match(r"([A-Za-z0-9][\w.-]*(?:\[[\w,-]+\])?)\s*[=<>!~]", word)
        if name is None:
            unknown.append(word)
            return
        word = name[1]
    # conda's `pandas=1.5` is `pandas==1.5.*`; its `channel::name` names the channel
    if tool == "conda":
        word = re.sub(r"^([\w.-]+)=([\w.]+)(=\w+)?$", r"\1==\2.*", word.rpartition("::")[2])
    found = requirement(word)
    if found is None:
        local.append(word)
    else:
        requirements.append(found)


def _direct_reference(address: str) -> str | None:
    parts = urlsplit(address)
    egg = re.search(r"(?:^|&)egg=([^&]+)", parts.fragment)
    file = unquote(parts.path.rstrip("/").rpartition("/")[2])
    if egg:
        name = unquote(egg[1])
    elif _VCS.match(address):
        # `git+https://host/user/repository.git@v1`: the address names no distribution, the repository does
        name = file.partition("@")[0].removesuffix(".git")
    elif file.endswith(".whl"):
        name = file.partition("-")[0]
    elif archive := re.match(r"(.+?)-\d[^-]*\.(tar\.gz|zip|tar\.bz2)$", file):
        name = archive[1]
    else:
        # `https://host/user/repository/archive/main.zip`
        repository = re.match(r"/+[^/]+/([^/]+)/(?:archive|zipball|tarball)/", parts.path)
        name = repository[1] if repository else ""
    name, bracket, extras = name.partition("[")
    if not _NAME.fullmatch(name):
        return None
    kept = parts._replace(fragment="" if egg and "&" not in parts.fragment else parts.fragment).geturl()
    return f"{name}{bracket}{extras} @ {kept}"
