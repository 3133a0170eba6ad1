"""Requirement files beside notebooks: what they hold with the lines that fixes add."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nb2prod.fixer.rewrite import CannotRewriteError
from nb2prod.lint_run import Shared
from nb2prod.project import Project
from nb2prod.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nb2prod.diagnostics import AddLines


class Companion(NamedTuple):
    """A file that fixes of a notebook add to: its bytes before and after."""

    path: Path
    before: bytes
    after: bytes


def companions(added: Sequence[AddLines], earlier: Iterable[Companion]) -> tuple[Companion, ...]:
    """Return the files that ``added`` changes, after what ``earlier`` made of them.

    Raises CannotRewriteError for one that cannot be read, or is no UTF-8.
    """
    held = {each.path: each.after for each in earlier}
    result: dict[Path, Companion] = {}
    for path in dict.fromkeys(each.path for each in added):
        try:
            before = held[path] if path in held else path.read_bytes()
            text = before.decode("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise CannotRewriteError(f"{path.name} cannot be added to: {error}") from error
        end = "\r\n" if "\r\n" in text else "\n"
        there = text.splitlines()
        for line in (line for each in added if each.path == path for line in each.lines):
            if line not in there:
                text += ("" if not text or text.endswith("\n") else end) + line + end
                there.append(line)
        result[path] = Companion(path, before, text.encode())
    return tuple(each for each in result.values() if each.before != each.after)


def declaring(shared: Shared, notebook: Path, added: Sequence[AddLines]) -> Shared:
    """Return what is shared with the project of ``notebook`` as it is once ``added`` is written."""
    folder = (Path.cwd() / notebook).parent
    project = shared.projects.get(folder) or Project.for_folder(folder)
    around = [each for each in (folder, *folder.parents) if project.root in (each, *each.parents)]
    own = [each for each in added if each.path.parent in around]
    if not own:
        return shared
    for each in own:
        project = project.declaring(each.path, each.lines)
    return Shared({folder: project}, shared.libraries)
