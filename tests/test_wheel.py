"""What the built wheel holds, and that its command finds its rules without the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from email.parser import HeaderParser
from pathlib import Path, PurePosixPath

import pytest


@pytest.fixture(scope="module")
def wheel(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a wheel built from the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(checkout)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob("*.whl")
    return built


def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def text(wheel: Path, ending: str) -> str:
    """Return the text of the one file of the wheel whose name ends so."""
    (name,) = [name for name in names(wheel) if name.endswith(ending)]
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(name).decode()


def tracked(checkout: Path, folder: str) -> set[PurePosixPath]:
    """Return the files below ``folder``, relative to it, as POSIX paths; caches and hidden files left out."""
    base = checkout / folder
    paths = [path.relative_to(base) for path in base.rglob("*") if path.is_file()]
    return {
        PurePosixPath(*path.parts)
        for path in paths
        if not any(part.startswith(".") or part == "__pycache__" for part in path.parts)
    }


def test_every_rule_page_and_library_table_is_in_the_wheel(checkout: Path, wheel: Path) -> None:
    expected = {f"nb2prod/_rules/{path}" for path in tracked(checkout, "rules")}
    assert any(name.startswith("nb2prod/_rules/libraries/") for name in expected)
    assert {name for name in names(wheel) if name.startswith("nb2prod/_rules/")} == expected


def test_the_wheel_holds_the_package_and_nothing_beside_it(checkout: Path, wheel: Path) -> None:
    modules = {f"nb2prod/{path}" for path in tracked(checkout, "src/nb2prod")}
    assert "nb2prod/py.typed" in modules
    held = names(wheel)
    assert {name for name in held if name.startswith("nb2prod/") and "/_rules/" not in name} == modules
    assert {name.partition("/")[0] for name in held} == {"nb2prod", f"{wheel.name.split('-py3')[0]}.dist-info"}


def test_what_executes_notebooks_is_asked_for_by_the_extra_only(wheel: Path) -> None:
    metadata = HeaderParser().parsestr(text(wheel, ".dist-info/METADATA"))
    requirements: list[str] = metadata.get_all("Requires-Dist", [])
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata.get_all("Provides-Extra") == ["verify"]
    plain = {requirement.split(">")[0] for requirement in requirements if ";" not in requirement}
    assert plain == {"click", "libcst", "nbconvert", "nbformat", "ruff"}
    extra = [requirement for requirement in requirements if ";" in requirement]
    assert {requirement.split(">")[0] for requirement in extra} == {"ipykernel", "jupyter-client"}
    assert all(requirement.endswith("extra == 'verify'") for requirement in extra)


def test_the_console_script_is_the_command_line(wheel: Path) -> None:
    assert "nb2prod = nb2prod.cli:main" in text(wheel, ".dist-info/entry_points.txt")


def test_the_wheel_finds_its_rules_without_the_checkout(wheel: Path, tmp_path: Path) -> None:
    """The command runs from the unpacked wheel, in another folder, and prints a page."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "nb2prod", "rule", "syntax-error"],
        cwd=elsewhere,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("syntax-error (NB002)\n")
