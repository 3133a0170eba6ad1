"""What the project says of itself is true: README examples, the map of the code, make targets, the hook."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING

import pytest

import nb2prod

if TYPE_CHECKING:
    from pathlib import Path

# A console block of the README: commands behind `$ `, each followed by what it prints.
CONSOLE = re.compile(r"(?<=```console\n).*?(?=```)", re.DOTALL)
# One screen; of a longer output the beginning is shown, up to a blank line, and the last line.
SCREEN = 28
ELLIPSIS = "…"


def run_example(command: str, folder: Path) -> str:
    """Run a ``nb2prod …`` command line in ``folder`` and return what it prints, standard error last."""
    program, *arguments = shlex.split(command)
    assert program == "nb2prod", f"README examples run nb2prod only, not {command}"
    done = subprocess.run(
        [sys.executable, "-m", "nb2prod", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=300,
    )
    assert done.returncode in {0, 1}, done.stderr
    return done.stdout + done.stderr


def cut(output: str) -> str:
    """Return one screen of ``output``."""
    lines = output.splitlines()
    if len(lines) > SCREEN:
        head = lines[:SCREEN]
        while head.pop():
            pass
        lines = [*head, "", ELLIPSIS, "", lines[-1]]
    return "\n".join(lines) + "\n"


def test_readme_examples_print_what_the_readme_shows(checkout: Path, tmp_path: Path, update: bool) -> None:
    readme = checkout / "README.md"
    shown = readme.read_text(encoding="utf-8")
    shutil.copytree(checkout / "fixtures" / "cases", tmp_path / "fixtures" / "cases")

    def rerun(block: re.Match[str]) -> str:
        commands = [line[2:] for line in block[0].splitlines() if line.startswith("$ ")]
        return "".join(f"$ {command}\n{cut(run_example(command, tmp_path))}" for command in commands)

    assert {line.split()[2] for line in shown.splitlines() if line.startswith("$ nb2prod ")} == {"check", "convert"}
    printed = CONSOLE.sub(rerun, shown)
    if update:
        readme.write_text(printed, encoding="utf-8")
    else:
        assert shown == printed, "make test TESTS='tests/test_packaging.py --update' rewrites the examples"


def test_the_map_of_the_code_names_every_room_and_nothing_else(checkout: Path) -> None:
    text = (checkout / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = [line for line in text.splitlines() if re.match(r"\| *\d? *\| `src/", line)]
    named: set[str] = set()
    for line in table:
        places = re.findall(r"`([^`]+)`", line.split("|")[2])
        # `src/nb2prod/pages.py` · `examples.py`: the later ones are beside the first.
        named |= {place if "/" in place else f"src/nb2prod/{place}" for place in places}
    package = checkout / "src" / "nb2prod"
    rooms = {f"src/nb2prod/{path.name}" for path in package.glob("*.py")} - {"src/nb2prod/__init__.py"}
    rooms |= {f"src/nb2prod/{path.name}/" for path in package.iterdir() if any(path.glob("*.py"))}
    assert named == rooms


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "benches/README.md", ".ci/run"])
def test_documented_make_targets_exist(checkout: Path, document: str) -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (checkout / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    text = (checkout / document).read_text(encoding="utf-8")
    used = set(re.findall(r"(?:`|^|stage \S+ )make ([a-z][a-z-]*)", text, re.MULTILINE))
    assert used
    assert used <= targets


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "benches/README.md"])
def test_linked_and_named_files_exist(checkout: Path, document: str) -> None:
    text = (checkout / document).read_text(encoding="utf-8")
    links = {link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link}
    named = set(re.findall(r"`((?:src|rules|tests|fixtures|benches|scripts|docs|\.ci)/[\w./-]*)`", text))
    base = (checkout / document).parent
    missing = sorted({path for path in links if not (base / path).exists()})
    missing += sorted({path for path in named if not (checkout / path).exists()})
    assert missing == []


def test_the_pre_commit_hooks_run_with_their_arguments(checkout: Path, fixtures: Path, tmp_path: Path) -> None:
    """The hooks' own command lines, on a notebook that passes."""
    notebook = tmp_path / "notebook.ipynb"
    shutil.copy(fixtures / "cases" / "clean" / "notebook.ipynb", notebook)
    hooks = (checkout / ".pre-commit-hooks.yaml").read_text(encoding="utf-8").split("\n\n")
    assert [re.findall(r"id: (.+)", hook) for hook in hooks] == [["nb2prod"], ["nb2prod-fix"]]
    for hook in hooks:
        (entry,) = re.findall(r"^  entry: (.+)$", hook, re.MULTILINE)
        (arguments,) = re.findall(r"^  args: \[(.*)\]$", hook, re.MULTILINE)
        command = f"{entry} {' '.join(shlex.split(arguments.replace(',', ' ')))}"
        assert run_example(f"{command} {shlex.quote(str(notebook))}", checkout)
        assert "types_or: [jupyter]" in hook
        assert "require_serial: true" in hook


def test_the_fixing_hook_changes_the_files_it_is_given_and_no_other(checkout: Path, tmp_path: Path) -> None:
    """As pre-commit runs it, with names on the command line; the next run changes nothing."""
    source = "import numpy as np\ny = np.zeros(3, dtype=np.int)\nz = np.int(1) is 3"
    cell: dict[str, object] = {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {},
        "outputs": [],
        "source": source,
    }
    text = json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 4}, indent=1) + "\n"
    given, other = tmp_path / "given.ipynb", tmp_path / "other.ipynb"
    for path in (given, other):
        path.write_text(text, encoding="utf-8")
    hook = (checkout / ".pre-commit-hooks.yaml").read_text(encoding="utf-8").split("\n\n")[1]
    (entry,) = re.findall(r"^  entry: (.+)$", hook, re.MULTILINE)
    (arguments,) = re.findall(r"^  args: \[(.*)\]$", hook, re.MULTILINE)
    command = f"{entry} {' '.join(shlex.split(arguments.replace(',', ' ')))} {shlex.quote(str(given))}"
    assert "Fixed 2 findings in 1 notebook." in run_example(command, tmp_path)
    safe = text.replace("=np.int)", "=int)").replace("np.int(1)", "int(1)")
    assert given.read_text(encoding="utf-8") == safe
    assert other.read_text(encoding="utf-8") == text
    assert "Fixed nothing." in run_example(command, tmp_path)
    assert given.read_text(encoding="utf-8") == safe


def test_python_dash_m_and_the_version_agree(checkout: Path) -> None:
    assert run_example("nb2prod --version", checkout).split()[-1] == nb2prod.__version__


def test_supported_pythons_are_the_ones_the_tools_assume(checkout: Path) -> None:
    with (checkout / "pyproject.toml").open("rb") as file:
        settings = tomllib.load(file)
    assert settings["project"]["requires-python"] == ">=3.11"
    assert settings["tool"]["ruff"]["target-version"] == "py311"
    assert settings["tool"]["mypy"]["python_version"] == "3.11"
