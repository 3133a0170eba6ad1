"""Raw locations: whether what a report says of the file's own text is right, on every line of every cell.

    python benches/raw_locations.py [FOLDER] [--every N]

A second reader of JSON, which shares nothing with ours, notes where each character of each source is written. It
is asked for the start, the middle and the end of every line of every cell, and for start and end of everything
`nb2prod check` finds: line, and column in characters, UTF-8 bytes and UTF-16 units. Exit code 1 if one differs.
FOLDER defaults to the corpus of real notebooks (NB2PROD_CORPUS, or `shared/corpus` beside the checkout).
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from bisect import bisect_right
from collections import Counter
from json.scanner import py_make_scanner  # type: ignore[attr-defined]
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from nb2prod.config import Settings  # noqa: E402 - after the checkout is on the path
from nb2prod.discovery import Target  # noqa: E402
from nb2prod.errors import UnreadableNotebookError  # noqa: E402
from nb2prod.linter import lint  # noqa: E402
from nb2prod.notebook.location import Position, Range  # noqa: E402
from nb2prod.notebook.raw_map import RawMap  # noqa: E402
from nb2prod.notebook.read import read_notebook  # noqa: E402
from nb2prod.rulebook import all_rules  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nb2prod.diagnostics import Rule
    from nb2prod.notebook.model import Notebook

_STRING = re.compile(r'(?:[^"\\]+|\\.)*', re.DOTALL)
# Two halves of one character.
_PAIR = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")
_LINE_END = re.compile(r"\r\n|\r|\n")


class Written(str):
    """A string of a JSON text: the text, and where in it the first character is written."""

    __slots__ = ("at", "text")

    at: int
    text: str

    def places(self) -> list[int]:
        """Return where each character is written, and the closing quote last."""
        places, at, text = [], self.at, self.text
        while text[at] != '"':
            places.append(at)
            if text[at] != "\\":
                at += 1
            elif text[at + 1] != "u":
                at += 2
            else:
                at += 12 if _PAIR.match(text, at) else 6
        return [*places, at]


def read_string(text: str, at: int, _strict: object = None) -> tuple[Written, int]:
    """Return the string whose first character is at ``at``, and the end behind its quote: what `json` calls."""
    end = _STRING.match(text, at)
    assert end is not None  # noqa: S101 the notebook could be read
    value = Written(json.loads(f'"{end[0]}"', strict=False))
    value.at, value.text = at, text
    return value, end.end() + 1


def sources(text: str) -> Iterator[list[Written]]:
    """Yield the strings that each cell's source is written as, in the order of the cells."""
    decoder: Any = json.JSONDecoder(strict=False)
    decoder.parse_string = read_string
    decoder.scan_once = py_make_scanner(decoder)
    whole: Any = decoder.decode(text.lstrip("\ufeff"))
    for sheet in whole.get("worksheets") or [whole]:
        for cell in sheet.get("cells") or []:
            source = cell.get("input", cell.get("source", []))
            yield [source] if isinstance(source, Written) else source


def offset_of(strings: Sequence[Written], source: str, wanted: int) -> int | None:
    """Return where the character ``source[wanted]`` is written; None where the file says no such source."""
    ends = "\n" if "".join(strings) != source and "\n".join(strings) == source else ""
    prefix = len(source) - sum(map(len, strings)) - len(ends) * (len(strings) - 1)
    wanted -= prefix  # `## ` of a heading cell of nbformat 3
    if not strings or wanted < 0:
        return strings[0].at if strings else None
    for string in strings:
        if wanted < len(string):
            return string.places()[wanted]
        wanted -= len(string)
        if ends and wanted == 0 and string is not strings[-1]:
            return string.places()[-1]
        wanted -= len(ends)
    return strings[-1].places()[-1]


class Lines:
    """The lines of a file's text, for lines and columns of offsets."""

    def __init__(self, text: str) -> None:
        """Take the text as it is."""
        self.text = text
        self.starts = [0, *(found.end() for found in _LINE_END.finditer(text))]

    def place(self, offset: int) -> tuple[int, int, int, int]:
        """Return line, and column in characters, bytes and UTF-16 units, from 1."""
        line = bisect_right(self.starts, offset)
        before = self.text[self.starts[line - 1] : offset]
        utf8 = len(before.encode("utf-8", "surrogatepass"))
        utf16 = len(before.encode("utf-16-le", "surrogatepass")) // 2
        return line, len(before) + 1, utf8 + 1, utf16 + 1


def compare(notebook: Notebook, counts: Counter[str], rules: Sequence[Rule]) -> Iterator[str]:
    """Yield each place of a notebook where the two readers differ."""
    text = notebook.text.lstrip("\ufeff")
    lines, raw_map = Lines(text), RawMap(notebook)
    written = list(sources(text))
    if len(written) != len(notebook.cells):
        counts["notebooks whose cells an upgrade changed"] += 1
        return
    for cell, strings in zip(notebook.cells, written, strict=True):
        starts = [0, *(found.end() for found in _LINE_END.finditer(cell.source))]
        for number, (start, line) in enumerate(zip(starts, cell.lines, strict=True), 1):
            counts["cell lines"] += 1
            for column in sorted({1, len(line) // 2 + 1, len(line) + 1}):
                offset = offset_of(strings, cell.source, start + column - 1)
                expected = None if offset is None else lines.place(offset)
                place = Position(number, column)
                raw = raw_map.raw_range(cell.index, Range(place, place))
                counts["positions"] += 1
                if (tuple(raw.start) if raw else None) != expected:
                    yield f"cell {cell.index}:{place}: {raw and raw.start} is {expected}"
    target = Target(Path(notebook.path), Settings())
    for each in lint([target], rules, read=lambda _: notebook).diagnostics:
        location = each.location
        if location.cell is None or each.raw_range is None:
            continue
        cell, strings = notebook.cells[location.cell - 1], written[location.cell - 1]
        starts = [0, *(found.end() for found in _LINE_END.finditer(cell.source))]
        for where, raw_place in zip(location.range, each.raw_range, strict=True):
            offset = offset_of(strings, cell.source, starts[where.line - 1] + where.column - 1)
            counts["places of findings"] += 1
            if offset is None or lines.place(offset) != tuple(raw_place):
                yield f"{each.rule.code} at {location}: {raw_place} is {offset and lines.place(offset)}"


def main() -> int:
    """Print what was compared and what differs; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--every", type=int, default=1, metavar="N")
    given = parser.parse_args()
    folder = given.folder or Path(os.environ.get("NB2PROD_CORPUS") or ROOT.parent / "shared" / "corpus")
    notebooks = sorted(folder.rglob("*.ipynb"))[:: given.every]
    if not notebooks:
        print(f"no notebooks in {folder}: nothing measured")
        return 0
    rules = all_rules(())
    counts: Counter[str] = Counter()
    for path in notebooks:
        try:
            notebook = read_notebook(path)
        except UnreadableNotebookError:
            counts["unreadable"] += 1
            continue
        counts[f"notebooks of nbformat {notebook.nbformat[0]}"] += 1
        for difference in compare(notebook, counts, rules):
            counts["differences"] += 1
            print(f"{path}: {difference}")
    print("\n".join(f"{count:>9}  {what}" for what, count in sorted(counts.items())))
    return 1 if counts["differences"] else 0


if __name__ == "__main__":
    sys.exit(main())
