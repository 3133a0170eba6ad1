"""Files that one notebook writes and another reads, and the order of the notebooks that follows from them."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nb2prod.convert.data_files import constants_of, fold
from nb2prod.convert.path_uses import file_verb, paths_given

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from nb2prod.convert.plan import Plan
    from nb2prod.convert.several.parts import Part


@dataclass(frozen=True, slots=True)
class Handover:
    """A file that one part writes and others read.

    file     as the writer's code names it
    fields   the field of ``Config`` that names it in each part that has one, by the part's name
    """

    file: str
    writer: str
    readers: tuple[str, ...]
    fields: tuple[tuple[str, str], ...]


def find_handovers(parts: Sequence[Part]) -> tuple[Handover, ...]:
    """Return the files that exactly one part writes and others read, by name.

    What counts are paths made of literals, in calls that are known to write or read files. A part that
    writes a file before it reads it takes it from nobody.
    """
    written = {part.name: _files(part, "writes") for part in parts}
    read = {part.name: _files(part, "reads") for part in parts}
    found = []
    for file in sorted({place for files in written.values() for place in files}):
        writers = [part for part in parts if file in written[part.name]]
        readers = [part for part in parts if part is not writers[0] and _takes(part, file, written, read)]
        if len(writers) == 1 and readers:
            text = written[writers[0].name][file].text
            users = [(part.name, _field(part.plan, file, part.path.parent)) for part in (writers[0], *readers)]
            fields = tuple((name, field) for name, field in users if field)
            found.append(Handover(text, writers[0].name, tuple(part.name for part in readers), fields))
    return tuple(found)


def order_of(names: Sequence[str], handovers: Sequence[Handover]) -> tuple[str, ...]:
    """Return the one order in which every part runs after those whose files it reads.

    Empty where the files leave more than one order, or none.
    """
    before = {name: {each.writer for each in handovers if name in each.readers} for name in names}
    order: list[str] = []
    while len(order) < len(names):
        ready = [name for name in names if name not in order and before[name] <= set(order)]
        if len(ready) != 1:
            return ()
        order += ready
    return tuple(order)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a part first uses a file: the statement, and the path as it is written there."""

    statement: int
    text: str


def _takes(
    part: Part, file: str, written: Mapping[str, Mapping[str, _Place]], read: Mapping[str, Mapping[str, _Place]]
) -> bool:
    own = written[part.name].get(file)
    first = read[part.name].get(file)
    return first is not None and (own is None or first.statement <= own.statement)


def _files(part: Part, verb: str) -> dict[str, _Place]:
    """Return the files a part surely names where it ``reads`` or ``writes``: their places on this machine."""
    analysis = part.draft.analysis
    constants = constants_of([cell.tree for cell in analysis.notebook.code_cells if cell.tree is not None])
    found: dict[str, _Place] = {}
    for call in analysis.calls():
        if call.statement.index in part.plan.sliced or file_verb(call) != verb:
            continue
        for node in paths_given(call):
            text = fold(node, constants)
            if text and "\n" not in text and "://" not in text:
                found.setdefault(_absolute(text, part.path.parent), _Place(call.statement.index, text))
    return found


def _absolute(text: str, folder: Path) -> str:
    return posixpath.normpath(posixpath.join(folder.absolute().as_posix(), text))


def _field(plan: Plan, file: str, folder: Path) -> str:
    """Return the field of the configuration that names a file, empty where none does."""
    return next(
        (
            each.in_config
            for each in plan.parameters
            if isinstance(each.default, str) and each.default and _absolute(each.default, folder) == file
        ),
        "",
    )
