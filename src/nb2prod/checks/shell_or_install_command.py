"""shell-or-install-command: the notebook runs shell commands or installs packages while it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nb2prod.checks._installing import moving
from nb2prod.diagnostics import Finding
from nb2prod.installs import install_lines, installations, whole_commands

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.installs import Installation
    from nb2prod.notebook.commands import CommandLine
    from nb2prod.notebook.model import CodeCell, Magic

_LOOKS = ("pip", "conda", "mamba", "micromamba", "uv")


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield each cell with a shell line or an installation, once, at the first of them, installations before others.

    A cell that has none is found by the commands its Python runs: ``os.system``, and ``pip`` by ``subprocess``.
    """
    called = _called(analysis)
    for cell in analysis.notebook.code_cells:
        commands = list(_commands(cell)) if cell.magics else []
        if commands:
            yield _finding(cell, commands)._replace(fix=moving(analysis, cell))
        elif cell.index in called:
            yield called[cell.index]


def _called(analysis: Analysis) -> dict[int, Finding]:
    """Return the finding of each cell whose Python runs a shell or installs something, by the cell's number."""
    found: dict[int, Finding] = {}
    for line in install_lines(analysis):
        packages = _listed(list(_packages(line.installation))) or "packages"
        message = f"installs {packages} while the notebook runs; declare what is needed as a dependency"
        found.setdefault(line.cell.index, Finding(line.location, message))
    by_kernel = ("get_ipython().system", "get_ipython().getoutput", "get_ipython().system_raw")
    for call in (
        *analysis.calls_of("os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput"),
        *(call for call in analysis.calls() if call.name in by_kernel),
    ):
        message = f"`{call.name}` runs a shell command, whose failure goes unnoticed"
        found.setdefault(call.cell.index, Finding(call.location, message))
    return found


def _commands(cell: CodeCell) -> Iterator[tuple[CommandLine, list[Installation]]]:
    seen: set[Magic] = set()
    for line in whole_commands(cell):
        found = list(installations(line.text))
        # `%pip list` and its like look at the environment and change nothing.
        looks = line.magic.name in _LOOKS and not found
        if not looks and not line.text.startswith("#") and (line.magic not in seen or found):
            seen.add(line.magic)
            yield line, found


def _finding(cell: CodeCell, commands: list[tuple[CommandLine, list[Installation]]]) -> Finding:
    installing = [line for line, found in commands if found]
    installs = [each for _, found in commands for each in found]
    first = (installing or [line for line, _ in commands])[0]
    others = len({line.magic for line, _ in commands} - {line.magic for line in installing})
    if installs:
        packages = list(dict.fromkeys(name for each in installs for name in _packages(each)))
        what = _listed(packages) if packages else "packages"
        cure = "declare it as a dependency" if len(packages) == 1 else "declare them as dependencies"
        message = f"installs {what} while the notebook runs; {cure}"
        if others:
            message += f" (and {_count(others, 'other shell command')} in this cell)"
    elif first.magic.kind == "cell":
        message = f"runs a `{first.magic.name}` script, which needs that shell and its programs wherever this runs"
    else:
        message = f"runs the shell command `{first.text.split()[0]}`, whose failure goes unnoticed"
        if others > 1:
            message += f" (and {_count(others - 1, 'more shell command')} in this cell)"
    span = first.magic.range
    return Finding(cell.location(span.start.line, span.start.column, span.end.line, span.end.column), message)


def _packages(installation: Installation) -> tuple[str, ...]:
    return (*installation.names, *(f"-r {file}" for file in installation.files))


def _listed(names: list[str]) -> str:
    shown = ", ".join(f"`{name}`" for name in names[:4])
    return shown if len(names) <= 4 else f"{shown} and {len(names) - 4} more"  # noqa: PLR2004 as many as are read


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' if number > 1 else ''}"
