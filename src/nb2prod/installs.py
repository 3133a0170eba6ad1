"""Install commands: what ``pip install …`` and its relatives ask for, in shell lines and in Python."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Literal

from nb2prod.notebook.commands import CommandLine, command_lines
from nb2prod.patterns import lazy_pattern
from nb2prod.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nb2prod.analysis import Analysis
    from nb2prod.notebook.location import Location
    from nb2prod.notebook.model import CodeCell

# Options of pip and conda that take the next word.
_WITH_VALUE = frozenset({
    "-i", "--index-url", "--extra-index-url", "-f", "--find-links", "-t", "--target", "-c", "--constraint",
    "--prefix", "--root", "--python", "--platform", "--progress-bar", "--timeout", "--proxy", "--retries",
    "--cache-dir", "--log", "--trusted-host", "--upgrade-strategy", "-C", "--config-settings", "--src",
    "--no-binary", "--only-binary", "--report", "--exists-action", "--build", "--abi", "--implementation",
    "--python-version", "--cert", "--client-cert", "--global-option", "--install-option", "--channel", "-n",
    "--name", "-p", "--default-index",
})  # fmt: skip
_EDITABLE = frozenset({"-e", "--editable"})
_FILES = frozenset({"-r", "--requirement", "--requirements", "--file"})
_PYTHONS = lazy_pattern(r"(\{?sys\.executable\}?|\$?\{?sys\.executable\}?|(.*/)?(python|py)[\d.]*)$")
_PIPS = lazy_pattern(r"(.*/)?pip[\d.]*$")
_CONDAS = frozenset({"conda", "mamba", "micromamba"})
# They install what is no distribution of Python, or write down what they install themselves.
_OTHERS = frozenset({"apt", "apt-get", "aptitude", "apk", "brew", "dnf", "npm", "poetry", "yarn", "yum"})
_VERBS = frozenset({"install", "add"})
_VCS = lazy_pattern(r"(git|hg|svn|bzr)\+")
_NAME = lazy_pattern(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_REDIRECTION = lazy_pattern(r"(\d|&)?>>?(&\d|.*)$|<")
# A cheap look before a line is taken apart.
_HINT = lazy_pattern(r"\b(?:install|add|uninstall|remove)\b")
_RUNS_COMMANDS = ("os.system", "os.popen", "subprocess.run", "subprocess.call", "subprocess.check_call",
                  "subprocess.check_output", "subprocess.Popen", "subprocess.getoutput")  # fmt: skip
_ASKED_OF_IPYTHON = ("get_ipython().system", "get_ipython().getoutput")


class Installation(NamedTuple):
    """What one command installs, or several that do nothing else.

    tool         ``pip``, ``conda`` (whose names are not always those of distributions) or ``other``:
                 ``apt-get`` and its like
    words        what to install, as written: ``pandas>=2``, ``git+https://…``, ``.``, ``{package}``
    files        requirement files it names (``-r``)
    removes      it uninstalls
    constrained  a file it names says which versions (pip's ``-c``)
    """

    tool: Literal["pip", "conda", "other"]
    words: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    removes: bool = False
    constrained: bool = False

    @property
    def requirements(self) -> tuple[str, ...]:
        """What is installed, as PEP 508 strings; a version that only a run can tell is left out."""
        return tuple(found for found in map(self._requirement, self.words) if found is not None)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of what is installed, as far as the words tell them."""
        return tuple(name for name in map(name_of, self.words) if name)

    def _requirement(self, word: str) -> str | None:
        if "{" in word or "$" in word:
            # `torch=={VERSION}`: the name is known, the version is not
            name = re.match(r"([A-Za-z0-9][\w.-]*(?:\[[\w,-]+\])?)\s*[=<>!~]", word)
            return requirement(name[1]) if name else None
        # conda's `pandas=1.5` is `pandas==1.5.*`; its `channel::name` names the channel
        if self.tool == "conda":
            word = re.sub(r"^([\w.-]+)=([\w.]+)(=\w+)?$", r"\1==\2.*", word.rpartition("::")[2])
        return requirement(word)


class InstallLine(NamedTuple):
    """A place of a notebook that installs: its text as written, a command continued over lines joined."""

    installation: Installation
    location: Location
    cell: CodeCell


def install_lines(analysis: Analysis) -> Sequence[InstallLine]:
    """Return what the notebook's shell lines and the commands its Python runs install, cell by cell."""
    return analysis.once(_install_lines)


def _install_lines(analysis: Analysis) -> tuple[InstallLine, ...]:
    return tuple(_installing(analysis))


def _installing(analysis: Analysis) -> Iterator[InstallLine]:
    for cell in analysis.notebook.code_cells:
        if cell.magics and _HINT.search(cell.source):
            for line in whole_commands(cell):
                yield from (InstallLine(each, line.location, cell) for each in installations(line.text))
    calls = list(analysis.calls_of(*_RUNS_COMMANDS))
    if analysis.mentions("get_ipython"):
        calls += [call for call in analysis.calls() if call.name in _ASKED_OF_IPYTHON]
    for call in calls:
        if text := _command(next(iter(call.arguments.values()), None)):
            yield from (InstallLine(each, call.location, call.cell) for each in installations(text))


def whole_commands(cell: CodeCell) -> Iterator[CommandLine]:
    """Yield the commands of a cell's shell lines; those continued by a backslash are joined."""
    waiting: CommandLine | None = None
    for line in command_lines(cell):
        whole = line
        if waiting is not None and waiting.magic is line.magic:
            whole = waiting._replace(text=f"{waiting.text[:-1].rstrip()} {line.text}")
        elif waiting is not None:
            yield waiting
        waiting = whole if whole.text.endswith("\\") else None
        if waiting is None:
            yield whole
    if waiting is not None:
        yield waiting


def installs(command: str) -> Installation | None:
    """Return what a shell command installs; None where it does, or may do, anything else as well."""
    parts = _parts(command)
    if parts is None:
        return None
    # `| tail -1`: only what is printed
    found = [_installation(part.words) for part in parts if not part.piped]
    known = [each for each in found if each is not None and each.tool != "other"]
    if not known or len(known) < len(found):
        return None
    return Installation(
        known[0].tool if len({each.tool for each in known}) == 1 else "pip",
        tuple(word for each in known for word in each.words),
        tuple(word for each in known for word in each.files),
        any(each.removes for each in known),
    )


def installations(command: str) -> Iterator[Installation]:
    """Yield what a shell command installs, whatever else it does; removals are left out."""
    if not _HINT.search(command) or command.startswith("#"):
        return
    parts = _parts(command)
    # Quotes that do not close: the kernel's shell would complain, and a reader still sees an installation.
    for words in [part.words for part in parts] if parts is not None else [command.split()]:
        found = _installation(words)
        if found is not None and not found.removes:
            yield found


def requirement(word: str) -> str | None:
    """Return one word of a ``pip install`` line as a PEP 508 string; None for a local path."""
    from urllib.parse import urlsplit  # noqa: PLC0415 only conversion asks

    from packaging.requirements import InvalidRequirement, Requirement  # noqa: PLC0415 as above

    word = word.strip()
    scheme = urlsplit(word).scheme if "://" in word and "@" not in word.partition("://")[0] else ""
    if _VCS.match(word) or scheme in {"http", "https", "ftp"}:
        return _direct_reference(word)
    try:
        return str(Requirement(word))
    except InvalidRequirement:
        return None


class _Part(NamedTuple):
    """A simple command of a line, and whether it reads what another writes."""

    words: list[str]
    piped: bool


def _parts(command: str) -> list[_Part] | None:
    """Return the simple commands of a line; None where its quotes do not close."""
    import shlex  # noqa: PLC0415 few notebooks install

    # A backslash at the end of a line continues the command.
    command = re.sub(r"\\\s*\n", " ", command)
    try:
        words = shlex.split(re.sub(r";(?=\s|$)", " ; ", command), comments=True)
    except ValueError:
        return None
    parts = [_Part([], piped=False)]
    for word in words:
        if word in {"&&", ";", "||", "|"}:
            parts.append(_Part([], piped=word == "|"))
        else:
            parts[-1].words.append(word)
    return [part for part in parts if part.words]


def _command(node: ast.expr | None) -> str | None:
    """Return the command that is the argument of ``subprocess.run``; what is no literal in it stands as written."""
    import shlex  # noqa: PLC0415 few notebooks run commands

    match node:
        case ast.Constant(value=str() as text):
            return text
        case ast.List(elts=words) | ast.Tuple(elts=words):
            texts = (word.value if isinstance(word, ast.Constant) else f"{{{ast.unparse(word)}}}" for word in words)
            return shlex.join(str(text) for text in texts)
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
    tool: Literal["pip", "conda", "other"]
    if _PIPS.match(words[0]):
        tool = "pip"
    elif words[0] in _CONDAS:
        tool = "conda"
    elif words[0].rpartition("/")[2] in _OTHERS:
        tool = "other"
    else:
        return None
    rest = words[1:]
    while rest and rest[0].startswith("-"):
        rest = rest[2:] if rest[0] in _WITH_VALUE else rest[1:]
    verb, rest = (rest[0], rest[1:]) if rest else ("", [])
    if verb in {"uninstall", "remove"}:
        return Installation(tool, removes=True)
    if verb not in (_VERBS if tool == "other" else {"install"}):
        return None
    return _arguments(tool, rest)


def _arguments(tool: Literal["pip", "conda", "other"], given: list[str]) -> Installation:
    words: list[str] = []
    files: list[str] = []
    waiting: str | None = None
    for word in given:
        option, equals, value = word.partition("=")
        if waiting is not None:
            if waiting in _FILES:
                files.append(word)
            elif waiting in _EDITABLE:
                words.append(word)
            waiting = None
        elif word.startswith("-"):
            if word in _WITH_VALUE | _FILES | _EDITABLE:
                waiting = word
            elif equals and option in _FILES:
                files.append(value)
            elif equals and option in _EDITABLE:
                words.append(value)
            elif word.startswith("-r") and not word.startswith("--"):
                files.append(word[2:])
        elif _REDIRECTION.match(word):
            waiting = word if word.endswith((">", "<")) else None
        else:
            words.append(word)
    constrained = tool == "pip" and any(
        word in {"-c", "--constraint"} or word.startswith("--constraint=") for word in given
    )
    return Installation(tool, tuple(words), tuple(files), constrained=constrained)


def name_of(word: str) -> str | None:
    """Return the name of what is installed: ``shap`` of ``shap[plots]>=0.4`` and of ``git+https://…/shap.git@v1``."""
    if "://" in word or word.startswith((".", "/", "git+")):
        address, _, fragment = word.partition("#")
        if egg := re.search(r"(?:^|&)egg=([\w.-]+)", fragment):
            return egg[1]
        return re.split(r"[/@]", address.rstrip("/").partition(".git@")[0])[-1].removesuffix(".git") or None
    found = _NAME.match(word.rpartition("::")[2])
    return found[0] if found else None


def _direct_reference(address: str) -> str | None:
    from urllib.parse import unquote, urlsplit  # noqa: PLC0415 only conversion asks

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
