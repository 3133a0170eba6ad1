"""What changed since a revision of git: which notebooks, and which of their cells."""

from __future__ import annotations

import os
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from nb2prod.errors import ConfigurationError, UnreadableNotebookError
from nb2prod.git import ask_git
from nb2prod.notebook.read import parse_notebook, read_notebook

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import PurePath

    from nb2prod.diagnostics import Diagnostic
    from nb2prod.discovery import Target
    from nb2prod.lint_run import Report
    from nb2prod.notebook.model import Notebook


class Revision:
    """A revision to compare with, in the repository of each folder that is asked about.

    A branch that went on meanwhile is left out of it: the files are compared with those of the last
    commit that both have.
    """

    def __init__(self, name: str) -> None:
        """Take a revision as git names it; nothing is asked yet."""
        self._name = name
        self._roots: dict[Path, Path] = {}
        self._changed: dict[Path, tuple[str, dict[str, str | None]]] = {}

    def is_changed(self, path: Path) -> bool:
        """Whether the file differs from that of the revision, or is not in it.

        Raises ConfigurationError where git has no such revision, or the file lies in no repository.
        """
        root, name = self._place(path)
        return name in self._differences(root)[1]

    def before(self, path: Path) -> bytes | None:
        """Return the content the file had, also under another name; None if it was not there."""
        root, name = self._place(path)
        commit, changed = self._differences(root)
        old = changed.get(name, name)
        return None if old is None else ask_git(root, "show", f"{commit}:{old}")

    def _place(self, path: Path) -> tuple[Path, str]:
        folder = Path(os.path.realpath(path)).parent
        if folder not in self._roots:
            try:
                answer = ask_git(folder, "rev-parse", "--show-toplevel")
            except ConfigurationError as error:
                raise ConfigurationError(f"--since needs a git repository: {error}") from None
            self._roots[folder] = Path(os.path.realpath(os.fsdecode(answer.rstrip(b"\n"))))
        root = self._roots[folder]
        return root, (folder / path.name).relative_to(root).as_posix()

    def _differences(self, root: Path) -> tuple[str, dict[str, str | None]]:
        """Return the commit compared with, and the changed files of the work tree with their names there."""
        if root not in self._changed:
            commit = self._commit(root)
            listed = ask_git(root, "diff", "--name-status", "--find-renames", "-z", commit, "--")
            changed = _changed_files(os.fsdecode(listed).split("\0"))
            new = ask_git(root, "ls-files", "-z", "--others", "--exclude-standard")
            changed.update(dict.fromkeys(filter(None, os.fsdecode(new).split("\0"))))
            self._changed[root] = commit, changed
        return self._changed[root]

    def _commit(self, root: Path) -> str:
        try:
            own = ask_git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{self._name}^{{commit}}")
        except ConfigurationError:
            raise ConfigurationError(
                f"--since: git has no revision `{self._name}` in {root}; a clone with little depth has few"
            ) from None
        commit = own.decode().strip()
        # A clone of little depth may not have the commit both come from.
        with suppress(ConfigurationError):
            return ask_git(root, "merge-base", commit, "HEAD").decode().strip()
        return commit


def changed_targets(targets: Sequence[Target], revision: Revision) -> tuple[Target, ...]:
    """Return those of ``targets`` whose files differ from those of ``revision``."""
    return tuple(target for target in targets if revision.is_changed(target.path))


def only_changed(report: Report, targets: Sequence[Target], revision: Revision) -> Report:
    """Return ``report`` with the findings alone that have a place in a cell that changed since ``revision``.

    A finding about the file as a whole stays, as the file has changed.
    """
    cells: dict[PurePath, frozenset[int] | None] = {}
    for target in targets:
        if any(each.location.path == target.path for each in report.diagnostics):
            cells[target.path] = _changed_cells(target, revision)
    kept = tuple(each for each in report.diagnostics if _touches(each, cells[each.location.path]))
    return report._replace(diagnostics=kept, failed=any(each.failing for each in kept))


def changed_cells(before: Notebook, after: Notebook) -> frozenset[int]:
    """Return the numbers of the cells of ``after`` whose source ``before`` does not have.

    Moving a cell and running it again change no cell. Of several cells alike the last are the new ones.
    """
    left = Counter((type(cell), cell.source.rstrip()) for cell in before.cells)
    changed = set()
    for cell in after.cells:
        key = (type(cell), cell.source.rstrip())
        left[key] -= 1
        if left[key] < 0:
            changed.add(cell.index)
    return frozenset(changed)


def _changed_cells(target: Target, revision: Revision) -> frozenset[int] | None:
    """Return the numbers of the changed cells; None for all, where there is nothing to compare with."""
    content = revision.before(target.path)
    if content is None:
        return None
    try:
        return changed_cells(parse_notebook(content, target.path), read_notebook(target.path))
    except UnreadableNotebookError:
        return None


def _touches(diagnostic: Diagnostic, cells: frozenset[int] | None) -> bool:
    if cells is None or diagnostic.location.cell is None:
        return True
    places = [diagnostic.location, *(each.location for each in diagnostic.finding.related)]
    return any(place.path == diagnostic.location.path and place.cell in cells for place in places)


def _changed_files(fields: Sequence[str]) -> dict[str, str | None]:
    """Return the files of ``git diff --name-status -z`` with the names they had; None for those that are new."""
    changed: dict[str, str | None] = {}
    rest = iter(fields)
    for status in rest:
        if not status:
            break
        old = next(rest)
        if status[0] in "RC":
            changed[next(rest)] = old
        elif status[0] != "D":
            changed[old] = None if status[0] == "A" else old
    return changed
