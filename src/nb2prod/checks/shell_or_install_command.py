"""shell-or-install-command: the notebook runs shell commands or installs packages while it runs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nb2prod.diagnostics import Finding
from nb2prod.notebook.commands import command_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.notebook.commands import CommandLine
    from nb2prod.notebook.model import CodeCell, Magic

# A text, which `re` compiles when it is first used: start-up is spared what few notebooks need.
_INSTALL = (
    r"(?:^|[\s;&|(/])(?:pip[\d.]*|uv(?:\s+pip)?|conda|mamba|micromamba|poetry|apt|apt-get|aptitude|yum|dnf|apk|brew|npm)"
    r"\s+(?:-\S+\s+)*(?:install|add)\b(?P<rest>[^;&|]*)"
)
_VALUED = re.compile(
    r"-[cfintp]|--(?:channel|constraint|find-links|(?:extra-)?index-url|name|prefix|target|trusted-host)"
)
_WORD = re.compile(r"""'[^']*'|"[^"]*"|\S+""")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield each cell with a shell line or an installation, once, at the first of them, installations before others."""
    for cell in analysis.notebook.code_cells:
        commands = list(_commands(cell))
        if commands:
            yield _finding(cell, commands)


def _commands(cell: CodeCell) -> Iterator[CommandLine]:
    seen: set[Magic] = set()
    for line in command_lines(cell):
        # `%pip list` and its like look at the environment and change nothing.
        looks = line.magic.name in ("pip", "conda", "mamba", "micromamba", "uv") and not re.search(_INSTALL, line.text)
        if not looks and not line.text.startswith("#") and (line.magic not in seen or re.search(_INSTALL, line.text)):
            seen.add(line.magic)
            yield line


def _finding(cell: CodeCell, commands: list[CommandLine]) -> Finding:
    installing = [line for line in commands if re.search(_INSTALL, line.text)]
    installs = [found["rest"] for line in installing for found in re.finditer(_INSTALL, line.text)]
    others = len({line.magic for line in commands} - {line.magic for line in installing})
    if installs:
        packages = list(dict.fromkeys(name for rest in installs for name in _packages(rest)))
        what = _listed(packages) if packages else "packages"
        cure = "declare it as a dependency" if len(packages) == 1 else "declare them as dependencies"
        message = f"installs {what} while the notebook runs; {cure}"
        if others:
            message += f" (and {_count(others, 'other shell command')} in this cell)"
    elif commands[0].magic.kind == "cell":
        message = (
            f"runs a `{commands[0].magic.name}` script, which needs that shell and its programs wherever this runs"
        )
    else:
        message = f"runs the shell command `{commands[0].text.split()[0]}`, whose failure goes unnoticed"
        if others > 1:
            message += f" (and {_count(others - 1, 'more shell command')} in this cell)"
    span = (installing or commands)[0].magic.range
    return Finding(cell.location(span.start.line, span.start.column, span.end.line, span.end.column), message)


def _packages(rest: str) -> Iterator[str]:
    """Yield the names in what follows ``install``: no options, versions, redirections or variables."""
    skip = is_file = False
    for word in (found[0].strip("'\"") for found in _WORD.finditer(rest)):
        if word.startswith(("#", ">", "1>", "2>", "\\")):
            return
        if skip or word.startswith("-"):
            is_file = word in ("-r", "--requirement")
            skip = not skip and bool(_VALUED.fullmatch(word))
        elif is_file or "://" in word or word.startswith((".", "/", "git+")):
            yield (
                f"-r {word}"
                if is_file
                else word.partition("#egg=")[2] or re.split(r"[/@]", word.rstrip("/"))[-1].removesuffix(".git")
            )
            is_file = False
        elif name := _NAME.match(word):
            yield name[0]


def _listed(names: list[str]) -> str:
    shown = ", ".join(f"`{name}`" for name in names[:4])
    return shown if len(names) <= 4 else f"{shown} and {len(names) - 4} more"  # noqa: PLR2004 as many as are read


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' if number > 1 else ''}"
