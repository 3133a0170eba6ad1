"""The modules and tests that all notebooks of a package have together: its command line, and what is shared."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nb2prod.convert.emit.function_tests import emit_function_tests
from nb2prod.convert.emit.literals import literal
from nb2prod.convert.emit.package import MAIN
from nb2prod.convert.emit.prose import clean, docstring, one_line
from nb2prod.convert.emit.steps import module_level
from nb2prod.convert.sections import title_of
from nb2prod.convert.several.layout import ALL, SHARED
from nb2prod.convert.several.sharing import shared_imports

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nb2prod.convert.several.parts import Part
    from nb2prod.convert.several.sharing import Shared


def emit_modules(parts: Sequence[Part], shared: Sequence[Shared], order: Sequence[str]) -> dict[str, str]:
    """Return the package's own modules, by path, not yet formatted; ``order``: see ``handovers.order_of``."""
    package = parts[0].plan.root
    names = ", ".join(part.path.name for part in parts)
    modules = {
        f"src/{package}/__init__.py": "\n".join(docstring(f"{names} as pipelines.")) + "\n",
        f"src/{package}/__main__.py": MAIN.replace("runs the pipeline", "runs a command"),
        f"src/{package}/cli.py": _cli(parts, order),
    }
    if shared:
        modules[f"src/{package}/{SHARED}.py"] = _shared(parts, shared)
    return modules


def emit_joint_tests(
    parts: Sequence[Part], shared: Sequence[Shared], order: Sequence[str], *, runs: bool
) -> dict[str, str]:
    """Return the tests of what all parts have together, by path, not yet formatted.

    runs  every part can be run on its test data
    """
    package = parts[0].plan.root
    tests = _COMMAND_TESTS
    if order and runs:
        tests = tests.replace("import os\n", "import os\nimport shutil\n", 1) + _ALL_TEST
    tests = tests.replace("COMMANDS", literal([part.name for part in parts])).replace("PACKAGE", package)
    files = {
        "tests/__init__.py": f'"""The tests of ``{package}``; those of each command have a folder of their own."""\n',
        "tests/test_commands.py": tests,
    }
    plans = [part.plan for part in parts]
    for at in sorted({min(each.plans) for each in shared}):
        functions = tuple(each.function for each in shared if min(each.plans) == at)
        text = emit_function_tests(replace(plans[at], functions=functions), f"{package} import {SHARED}")
        if text is not None:
            name = f"tests/{parts[at].name}/test_{SHARED}.py"
            files[name] = text
    return files


def what_it_does(part: Part) -> str:
    """Return one line about a part: its notebook's title, else its file's name."""
    title = one_line(title_of(part.plan.notebook) or "")
    return f"{title} ({clean(part.path.name)})" if title else clean(part.path.name)


def _cli(parts: Sequence[Part], order: Sequence[str]) -> str:
    package = parts[0].plan.root
    distribution = package.replace("_", "-")
    rows = [f"    {part.name!r}: {what_it_does(part)!r}," for part in parts]
    return "\n".join(
        [
            '"""The command line: a command for each notebook."""',
            "",
            "from __future__ import annotations",
            "",
            "import argparse",
            "import importlib",
            *(["import subprocess"] if order else []),
            "import sys",
            "from collections.abc import Sequence",
            "",
            "# What each command runs.",
            "COMMANDS = {",
            *rows,
            "}",
            *(
                [
                    "# Each reads files that those before it write.",
                    f"ORDER = {tuple(order)!r}",
                ]
                if order
                else []
            ),
            "",
            "",
            "def build_parser() -> argparse.ArgumentParser:",
            '    """Return the parser of the command; what follows it is for the command itself."""',
            f"    parser = argparse.ArgumentParser(prog={distribution!r}, allow_abbrev=False)",
            '    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands", required=True)',
            "    for name, text in COMMANDS.items():",
            '        commands.add_parser(name, help=text.replace("%", "%%"), add_help=False)',
            *([f'    commands.add_parser({ALL!r}, help=", then ".join(ORDER))'] if order else []),
            "    return parser",
            "",
            "",
            "def main(arguments: Sequence[str] | None = None) -> int:",
            '    """Run a command and return its exit code."""',
            "    given = list(sys.argv[1:] if arguments is None else arguments)",
            "    parser = build_parser()",
            "    command = parser.parse_args(given[:1]).command",
            *(
                [
                    f"    if command == {ALL!r}:",
                    "        parser.parse_args(given)",
                    "        return run_all()",
                ]
                if order
                else []
            ),
            "    # Imported here: a command needs nothing of the others.",
            '    part = importlib.import_module(f".{command}.cli", __package__)',
            "    code: int = part.main(given[1:])",
            "    return code",
            *([_RUN_ALL] if order else [""]),
        ]
    )


def _shared(parts: Sequence[Part], shared: Sequence[Shared]) -> str:
    plans = [part.plan for part in parts]
    together = replace(plans[0], functions=tuple(each.function for each in shared), withheld=())
    return "\n".join(
        [
            *docstring("What several of the notebooks define alike."),
            "",
            *(each.text for each in shared_imports(plans, shared)),
            "",
            "",
            "\n\n\n".join(module_level(together)),
            "",
        ]
    )


_RUN_ALL = '''

def run_all() -> int:
    """Run every command in order, each in a process of its own, as each notebook has its kernel."""
    for command in ORDER:
        code = subprocess.run([sys.executable, "-m", f"{__package__}.{command}"], check=False).returncode
        if code:
            print(f"{command} ended with exit code {code}: what follows it was not run", file=sys.stderr)
            return code if code > 0 else 1
    return 0
'''

_COMMAND_TESTS = '''"""The commands of the package."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
NAMES = COMMANDS


def run(*arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    """Run the package in a process of its own, installed or not."""
    paths = [str(HERE.parent / "src"), *filter(None, [os.environ.get("PYTHONPATH")])]
    return subprocess.run(
        [sys.executable, "-m", "PACKAGE", *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=timeout,
        check=False,
    )


def test_help_lists_every_command() -> None:
    result = run("--help")

    assert result.returncode == 0, result.stderr
    assert [name for name in NAMES if name not in result.stdout] == []


@pytest.mark.parametrize("name", NAMES)
def test_each_command_has_its_own_options(name: str) -> None:
    result = run(name, "--help")

    assert result.returncode == 0, result.stderr
    assert "--set" in result.stdout


@pytest.mark.parametrize("arguments", [[], ["no_such_command"]])
def test_a_command_that_is_missing_or_unknown_is_a_usage_error(arguments: list[str]) -> None:
    result = run(*arguments)

    assert (result.returncode, result.stdout) == (2, "")
'''

_ALL_TEST = """

def test_all_commands_run_in_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work = tmp_path / "work"
    work.mkdir()
    for data in sorted(HERE.glob("*/data")):
        shutil.copytree(data, work, dirs_exist_ok=True)
    monkeypatch.chdir(work)

    result = run("all", timeout=1200)

    assert result.returncode == 0, result.stderr
"""
