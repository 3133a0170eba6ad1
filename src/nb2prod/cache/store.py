"""The cache of a run: what is known of its notebooks, and what the run finds in the others."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, overload

from nb2prod.cache.entry import Entry, as_found, as_saved, read_entry
from nb2prod.cache.place import cache_folder, digest, prune, read_whole, write_whole
from nb2prod.cache.stamp import project_stamp, settings_stamp, tests_stamp, tool_stamp
from nb2prod.errors import UnreadableNotebookError
from nb2prod.lint_run import Report, Shared, project_around, redact
from nb2prod.notebook.location import offsets, split_lines
from nb2prod.records import NamedTuple
from nb2prod.selection import for_file, select

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path, PurePath

    from nb2prod.config import Settings
    from nb2prod.diagnostics import Diagnostic, Rule
    from nb2prod.discovery import Target
    from nb2prod.notebook.location import Location
    from nb2prod.notebook.model import Notebook
    from nb2prod.notebook.raw_map import RawMap
    from nb2prod.project import Project

# A file younger than this can change once more and keep its size and times.
_SETTLED = 2_000_000_000
_MARK = b"\xef\xbb\xbf"


class _Read(NamedTuple):
    """What a notebook was read from: size and times of the file, a digest of it, and its size as it was read."""

    status: list[int] | None
    content: str
    size: int
    marked: bool


class SavedLines(Sequence[str]):
    """The lines of a cell, read from its notebook's file when they are first asked for."""

    __slots__ = ("_cell", "_lines", "_secrets", "_sources")

    def __init__(self, sources: _Sources, cell: int, secrets: Sequence[Location]) -> None:
        """Remember where the lines come from, and what is starred in them."""
        self._sources = sources
        self._cell = cell
        self._secrets = secrets
        self._lines: list[str] | None = None

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        """Return a line, or several."""
        return self._read()[index]

    def __len__(self) -> int:
        return len(self._read())

    def __eq__(self, other: object) -> bool:
        return self._read() == other

    __hash__ = None  # type: ignore[assignment] # as a list

    def _read(self) -> list[str]:
        if self._lines is None:
            try:
                self._lines = split_lines(self._sources.text(self._cell))
                for secret in self._secrets:
                    redact(self._lines, secret.range)
            except (OSError, ValueError, UnreadableNotebookError):
                self._lines = []  # the file is another one since the run began
        return self._lines


class _Sources:
    """The sources of a notebook's cells with findings, read together when the first is asked for."""

    __slots__ = ("_places", "_target", "_texts")

    def __init__(self, target: Target, places: Mapping[str, tuple[int, int, str] | None]) -> None:
        """Remember where the file has each cell's source (None: only the whole notebook tells)."""
        self._target = target
        self._places = places
        self._texts: dict[int, str] | None = None

    def text(self, cell: int) -> str:
        """Return the source of a cell; raises what reading the file raises, and ValueError where it is another one."""
        if self._texts is None:
            self._texts = dict(self._read())
        return self._texts.get(cell, "")

    def _read(self) -> Iterator[tuple[int, str]]:
        if None in self._places.values():
            yield from ((cell.index, cell.source) for cell in _read_target(self._target).cells)
            return
        with open(self._target.path, "rb") as file:  # noqa: PTH123 - thousands of times a run
            for cell, place in self._places.items():
                start, end, between = place or (0, 0, "")
                file.seek(start)
                value = json.loads(file.read(end - start))
                yield int(cell), value if isinstance(value, str) else between.join(value)


class _Folder(NamedTuple):
    """What the notebooks of a folder share: its absolute path, the project around it, and a stamp of that."""

    path: str
    project: Project
    stamp: str


class Cache:
    """What is known of notebooks under the rules of a run, which are all rules there are."""

    def __init__(self, rules: Sequence[Rule], shared: Shared | None = None, tool: str = "") -> None:
        """Take what other caches of the run have made already: what notebooks share, and the stamp of the tool."""
        self.rules = rules
        self.shared = shared or Shared()
        self.tool = tool or tool_stamp(rules)
        self._running: dict[Settings, tuple[Rule, ...]] = {}
        self._stamps: dict[tuple[Settings, tuple[str, ...]], str] = {}
        self._folders: dict[str, _Folder] = {}
        self._tests: dict[Path, str] = {}
        self._read: dict[Path, _Read] = {}

    def find(self, target: Target) -> Report | None:
        """Return the report of a run over this notebook, if it would say today what it said then."""
        place = self._place(target)
        entry = read_entry(read_whole(place))
        status = _status(target.path)
        if entry is None or status is None or entry.key != self._key(target):
            return None
        if entry.asked and entry.asked != {name: self._project(target).holds(name) for name in entry.asked}:
            return None
        if entry.status != status:
            read = _read_file(target.path)
            if read is None or read[1].content != entry.content:
                return None
            if read[1].status is not None:  # the next run need not read it
                write_whole(place, entry._replace(status=read[1].status).to_bytes())
        rules = {rule.code: rule for rule in self._rules(target)} if entry.found else {}
        found = tuple([as_found(each, target.path, rules, target.settings.fail_on) for each in entry.found])
        sources: dict[tuple[PurePath, int], Sequence[str]] = {}
        kept = _Sources(target, entry.places)
        for number in entry.places:
            secrets = [each.location for each in found if each.rule.redact and each.location.cell == int(number)]
            sources[target.path, int(number)] = SavedLines(kept, int(number), secrets)
        failed = any(each.failing for each in found)
        return Report(found, sources, (target.path,), (), failed, tuple(entry.notices))

    def read(self, target: Target) -> Notebook:
        """Return the notebook of ``target`` and remember what file that was."""
        found = _read_file(target.path)
        if found is None:
            return _read_target(target)
        from nb2prod.notebook.read import decoded, parse_notebook  # noqa: PLC0415 - what is known is not read

        text, self._read[target.path] = decoded(found[0], target.path), found[1]
        del found  # the bytes of a notebook are many
        return parse_notebook(text, target.path, transparent=target.settings.transparent_magics)

    def keep(self, target: Target, raw_map: RawMap | None, found: Sequence[Diagnostic], notices: Sequence[str]) -> None:
        """Keep what a whole run over a notebook, read by ``read``, has found; nothing if that would tell a secret."""
        read = self._read.pop(target.path, None)
        if read is None or (raw_map is not None and _tells(found, raw_map.notebook)):
            return
        cells = sorted({each.location.cell for each in found if each.location.cell is not None})
        places = {
            str(cell): None if raw_map is None else raw_map.source_bytes(cell, read.size, marked=read.marked)
            for cell in cells
        }
        asked = dict(self._project(target).asked)
        saved = [*map(as_saved, found)]
        entry = Entry(self._key(target), read.status, read.content, list(notices), asked, places, saved)
        write_whole(self._place(target), entry.to_bytes())

    def _rules(self, target: Target) -> tuple[Rule, ...]:
        settings = target.settings
        if settings not in self._running:
            prune(cache_folder(settings))
            self._running[settings] = select(settings, self.rules)
        running = self._running[settings]
        return for_file(running, target.path, settings) if settings.per_file_ignores else running

    def _key(self, target: Target) -> str:
        settings, running = target.settings, self._rules(target)
        # Without ignores by file the settings say it all.
        chosen = settings, tuple([rule.code for rule in running]) if settings.per_file_ignores else ()
        if chosen not in self._stamps:
            self._stamps[chosen] = settings_stamp(settings, running)
        parts = (self.tool, self._stamps[chosen], self._folder(target).stamp, str(target.path))
        return digest("\n".join(parts).encode("utf-8", "surrogateescape"))

    def _place(self, target: Target) -> str:
        path = os.path.join(self._folder(target).path, target.path.name)  # noqa: PTH118 - a Path takes four times as long
        return os.path.join(cache_folder(target.settings), f"{digest(os.fsencode(path))}.json")  # noqa: PTH118 - the same

    def _project(self, target: Target) -> Project:
        return self._folder(target).project

    def _folder(self, target: Target) -> _Folder:
        name = os.path.dirname(target.path)  # noqa: PTH120 - the same
        if name not in self._folders:
            project = project_around(self.shared, target.path)
            if project.root not in self._tests:
                self._tests[project.root] = tests_stamp(project)
            stamp = project_stamp(project) + self._tests[project.root]
            self._folders[name] = _Folder(os.path.abspath(name), project, stamp)  # noqa: PTH100 - as the user named it
        return self._folders[name]


def _tells(found: Sequence[Diagnostic], notebook: Notebook) -> bool:
    """Whether something that would be kept has a secret in it that a finding stands on, or may have."""
    texts = [text for each in found for text in _texts(each)]
    for each in found:
        if each.rule.redact:
            where = each.location
            cell = notebook.cells[where.cell - 1] if where.cell else None
            start, end = (0, 0) if cell is None else offsets(cell.source, where.range)
            secrets = [line.strip("\"' ") for line in cell.source[start:end].splitlines()] if cell else []
            if not any(secrets) or any(secret in text for secret in secrets if secret for text in texts):
                return True
    return False


def _texts(diagnostic: Diagnostic) -> list[str]:
    finding = diagnostic.finding
    fix = [] if finding.fix is None else [finding.fix.title]
    return [finding.message, *(each.message for each in finding.related), *fix]


def _read_target(target: Target) -> Notebook:
    from nb2prod.notebook.read import read_notebook  # noqa: PLC0415 - few files are read twice

    return read_notebook(target.path, transparent=target.settings.transparent_magics)


def _status(path: Path) -> list[int] | None:
    """Return size and times of a file: a copy with the old time has another time of change."""
    try:
        status = os.stat(path)  # noqa: PTH116 - thousands of times a run
    except OSError:
        return None
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns]


def _read_file(path: Path) -> tuple[bytes, _Read] | None:
    """Return what is in a file; None where it cannot be read."""
    try:
        status = _status(path)
        content = path.read_bytes()
    except OSError:
        return None
    settled = status is not None and status[0] == len(content) and time.time_ns() - max(status[1:]) > _SETTLED
    return content, _Read(status if settled else None, digest(content), len(content), content.startswith(_MARK))
