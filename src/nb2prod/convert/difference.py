"""What writing a package would change in a folder: file by file, as a unified diff."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nb2prod.convert.manifest import recorded_files
from nb2prod.convert.write import no_longer_made
from nb2prod.generated import FILE_NAME

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from nb2prod.convert.plan import Package

_ABSENT = "/dev/null"  # what diff and patch call a file that is not there


@dataclass(frozen=True, slots=True)
class Change:
    """A file whose content writing the package would change; None is a file that is not there."""

    path: str
    before: bytes | None
    after: bytes | None


def changes(package: Package, output: Path) -> tuple[Change, ...]:
    """Return what ``write_package(package, output, force=True)`` would change, by path."""
    manifest = output / FILE_NAME
    recorded = recorded_files(manifest.read_bytes()) if manifest.is_file() else None
    gone = no_longer_made(package.files, recorded or {}, output)
    found = [Change(path, _content(output / path), content) for path, content in package.files.items()]
    found += [Change(path, _content(output / path), None) for path in gone]
    return tuple(sorted((each for each in found if each.before != each.after), key=lambda each: each.path))


def unified_diff(found: Iterable[Change]) -> str:
    """Return the changes as ``patch`` reads them; of files that are no text only the names."""
    return "".join(_diff(each) for each in found)


def _diff(change: Change) -> str:
    old = _ABSENT if change.before is None else f"a/{change.path}"
    new = _ABSENT if change.after is None else f"b/{change.path}"
    try:
        before, after = ((content or b"").decode() for content in (change.before, change.after))
    except UnicodeDecodeError:
        return f"Binary files {old} and {new} differ\n"
    lines = list(difflib.unified_diff(_lines(before), _lines(after), old, new))
    if not lines:  # an empty file comes or goes
        lines = [f"--- {old}\n", f"+++ {new}\n"]
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _lines(text: str) -> list[str]:
    """Return the lines with their ends; only a line feed ends one, as ``patch`` has it."""
    parts = text.split("\n")
    return [f"{part}\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


def _content(file: Path) -> bytes | None:
    return file.read_bytes() if file.is_file() else None
