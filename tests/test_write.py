"""A package on disk: there whole or not at all, and nobody's edits are lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from nb2prod.convert.difference import Change, changes, unified_diff
from nb2prod.convert.plan import Package
from nb2prod.convert.write import write_package
from nb2prod.errors import ConfigurationError, RefusedError
from nb2prod.generated import FILE_NAME, digest


def package(**files: str) -> Package:
    """Return a package with these files (``__`` is ``/``) and a manifest of them."""
    contents = {name.replace("__", "/"): text.encode() for name, text in files.items()}
    data = {"generator": "nb2prod 0", "files": {path: digest(content) for path, content in contents.items()}}
    return Package("p", {**contents, FILE_NAME: json.dumps(data).encode()})


def tree(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != FILE_NAME
    }


def test_a_new_folder_is_made_with_its_parents(tmp_path: Path) -> None:
    write_package(package(a="1", src__b="2"), tmp_path / "x" / "y")

    assert tree(tmp_path) == {"x/y/a": "1", "x/y/src/b": "2"}
    assert os.listdir(tmp_path / "x") == ["y"]  # noqa: PTH208 - with what a glob would hide


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "y").mkdir()
    write_package(package(a="1"), tmp_path / "y")

    assert tree(tmp_path) == {"y/a": "1"}


def test_an_interrupted_run_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_package(package(a="1"), tmp_path / "x" / "y")

    assert list(tmp_path.iterdir()) == []


def test_a_second_conversion_replaces_and_removes_what_the_first_made(tmp_path: Path) -> None:
    write_package(package(a="1", src__b="2", c="3"), tmp_path / "y")
    (tmp_path / "y" / "mine.txt").write_text("mine")
    write_package(package(a="new", c="3"), tmp_path / "y")

    assert tree(tmp_path / "y") == {"a": "new", "c": "3", "mine.txt": "mine"}
    assert not (tmp_path / "y" / "src").exists()


def test_edited_files_are_all_named_and_nothing_is_written(tmp_path: Path) -> None:
    write_package(package(a="1", b="2", c="3"), tmp_path / "y")
    (tmp_path / "y" / "a").write_text("edited")
    (tmp_path / "y" / "d").write_text("mine")
    before = tree(tmp_path)

    with pytest.raises(RefusedError) as refused:
        write_package(package(a="x", b="new", d="z"), tmp_path / "y")

    assert [reason.split(": ")[1].split()[0] for reason in refused.value.reasons[:-1]] == ["a", "d"]
    assert refused.value.exit_code == 1
    assert tree(tmp_path) == before


def test_force_replaces_edited_files_and_keeps_those_no_longer_made(tmp_path: Path) -> None:
    write_package(package(a="1", b="2"), tmp_path / "y")
    (tmp_path / "y" / "a").write_text("edited")
    (tmp_path / "y" / "b").write_text("edited")
    write_package(package(a="x"), tmp_path / "y", force=True)

    assert tree(tmp_path / "y") == {"a": "x", "b": "edited"}


def test_a_folder_with_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")

    with pytest.raises(RefusedError, match="not empty"):
        write_package(package(a="1"), tmp_path)
    write_package(package(a="1"), tmp_path, force=True)

    assert tree(tmp_path) == {"a": "1", "mine.txt": "mine"}


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "y").write_text("")

    with pytest.raises(ConfigurationError, match="is a file"):
        write_package(package(a="1"), tmp_path / "y")


@pytest.mark.parametrize("path", ["../a", "/a", "a/../../b", "a\\b", "c:a", "", "a\nb"])
def test_a_path_that_could_leave_the_folder_is_never_written(path: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="a package has no file"):
        write_package(Package("p", {path: b""}), tmp_path / "y")

    assert list(tmp_path.iterdir()) == []


def test_a_link_inside_the_folder_is_not_followed_out_of_it(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    write_package(package(a="1"), tmp_path / "y")
    (tmp_path / "y" / "src").symlink_to(tmp_path / "outside")

    with pytest.raises(RefusedError, match="leads out of the folder"):
        write_package(package(a="1", src__b="2"), tmp_path / "y", force=True)

    assert list((tmp_path / "outside").iterdir()) == []


def test_a_manifest_cannot_have_files_outside_the_folder_removed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("x")
    write_package(package(a="1"), tmp_path / "y")
    manifest = {"generator": "nb2prod 0", "files": {"../precious": digest(b"x"), "a": digest(b"1")}}
    (tmp_path / "y" / FILE_NAME).write_text(json.dumps(manifest))
    write_package(package(a="2"), tmp_path / "y")

    assert tree(tmp_path) == {"precious": "x", "y/a": "2"}


def test_a_failed_update_leaves_the_old_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_package(package(a="1", b="2"), tmp_path / "y")
    real = Path.write_bytes

    def full(self: Path, data: bytes) -> int:
        if self.name == "b":
            raise OSError(28, "No space left on device")
        return real(self, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(ConfigurationError, match="No space left"):
        write_package(package(a="x", b="y"), tmp_path / "y")

    assert tree(tmp_path) == {"y/a": "1", "y/b": "2"}


def test_a_proof_of_another_package_does_not_stay(tmp_path: Path) -> None:
    write_package(package(a="1"), tmp_path / "y")
    proof = tmp_path / "y" / "verification.json"
    proof.write_text("{}", encoding="utf-8")

    write_package(package(a="1"), tmp_path / "y")
    assert proof.exists()

    write_package(package(a="2"), tmp_path / "y")
    assert not proof.exists()


def test_an_interruption_between_two_files_is_undone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_package(package(a="1", b="2", old="3"), tmp_path / "y")
    before = {path: path.read_bytes() for path in sorted((tmp_path / "y").rglob("*"))}
    real = Path.replace

    def interrupted(self: Path, target: Path) -> Path:
        if target.name == "b":
            raise KeyboardInterrupt
        return real(self, target)

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_package(package(a="x", b="y", new="z"), tmp_path / "y")

    assert {path: path.read_bytes() for path in sorted((tmp_path / "y").rglob("*"))} == before


# Writes the package A of the test below, then B over it, and stops for good where argv[2] says.
_KILLED = """
import json, os, signal, sys
from pathlib import Path
from nb2prod.convert.difference import Change, changes, unified_diff
from nb2prod.generated import FILE_NAME, digest
from nb2prod.convert.plan import Package
from nb2prod.convert.write import write_package

def package(**files):
    contents = {name: text.encode() for name, text in files.items()}
    data = {"generator": "nb2prod 0", "files": {path: digest(content) for path, content in contents.items()}}
    return Package("p", {**contents, FILE_NAME: json.dumps(data).encode()})

method, name = sys.argv[2].split(":")
real = getattr(Path, method)

def killed(self, other):
    place = other if method == "replace" else self
    if place.name == name:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(self, other)

if sys.argv[3] == "again":
    write_package(package(a="1", b="2", c="3"), Path(sys.argv[1]))
setattr(Path, method, killed)
write_package(package(a="x", b="y", d="z"), Path(sys.argv[1]))
"""


@pytest.mark.parametrize("where", ["write_bytes:b", "replace:b", "replace:conversion.json"])
@pytest.mark.parametrize("how", ["new", "again"])
def test_what_a_killed_run_left_does_not_stop_the_next(where: str, how: str, tmp_path: Path) -> None:
    """Nothing can be undone after SIGKILL: a new folder is not there, of an old one the next run makes a whole."""
    target = tmp_path / "y"
    done = subprocess.run([sys.executable, "-c", _KILLED, str(target), where, how], check=False)
    if how == "new" and where.startswith("replace"):
        assert done.returncode == 0  # a new folder is one rename
        return
    assert done.returncode == -signal.SIGKILL
    assert target.exists() == (how == "again")

    write_package(package(a="x", b="y", d="z"), target)

    assert tree(target) == {"a": "x", "b": "y", "d": "z"}
    assert [path.name for path in tmp_path.iterdir()] == ["y"]


def test_a_killed_run_of_another_package_counts_as_no_edit(tmp_path: Path) -> None:
    target = tmp_path / "y"
    done = subprocess.run([sys.executable, "-c", _KILLED, str(target), "replace:b", "again"], check=False)
    assert done.returncode == -signal.SIGKILL

    write_package(package(a="third", b="third"), target)

    assert tree(target) == {"a": "third", "b": "third"}


def test_a_diff_says_what_writing_would_change(tmp_path: Path) -> None:
    write_package(package(same="1", changed="old\n", gone="3\n"), tmp_path)
    (tmp_path / "mine").write_text("mine", encoding="utf-8")

    found = changes(package(same="1", changed="new", added="4\n"), tmp_path)

    assert [each.path for each in found] == ["added", "changed", FILE_NAME, "gone"]
    diff = unified_diff([each for each in found if each.path != FILE_NAME])
    assert diff == (
        "--- /dev/null\n+++ b/added\n@@ -0,0 +1 @@\n+4\n"
        "--- a/changed\n+++ b/changed\n@@ -1 +1 @@\n-old\n+new\n\\ No newline at end of file\n"
        "--- a/gone\n+++ /dev/null\n@@ -1 +0,0 @@\n-3\n"
    )


def test_a_diff_of_what_is_no_text_names_the_file() -> None:
    assert unified_diff([Change("a.png", b"\xff", None)]) == "Binary files a/a.png and /dev/null differ\n"
