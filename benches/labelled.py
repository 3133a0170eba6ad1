"""Recall and precision of `nb2prod check` on notebooks made of specifications whose labels were written first.

    python benches/labelled.py [--set second] [--missed] [--table] [--write FOLDER] [--only NAME]

The specifications in `labelled/` were written from the list of what keeps notebooks from production, the checks and
the pages out of view; `other_disguises.txt`, `whole_notebooks.txt` and `short_notebooks.txt` came after the misses
of those before them were mended. `labelled/second/` (`--set second`) was written by somebody who had seen neither the
checks nor the first set, and committed before the first run.
Each notebook has a blocker in some disguise, or is its twin: what a naive check would report, and is right.

What a specification says:

    @def NAME … @end, @use NAME     cells that several notebooks share
    === NAME [kernel=ir] [counts=none] [file=…] [prose=no] [nbformat=3] [raw=truncated]     a notebook
    @@ {…}              goes into its metadata
    !! CAUSE            the cause is somewhere in it      ~~ CAUSE …     it is nowhere in it
    ++ FILE             the lines that follow are a file beside it
    --- [md] [n=7] [tags=…] [!CAUSE]                 a cell; a label of the whole cell
    code  #! CAUSE      the cause is in this cell         #? CAUSE       may be said of this cell as well
    >>> text  >>= text  >>h html  >>e stderr  >>x Error: text  >>huge BYTES  >>hugehtml BYTES  >>hugepng BYTES
                        what it printed, gave, raised

A label is found if a finding of one of its cause's codes stands in its cell, with its place or a related one. A finding
on a twin of its cause is wrong. Exit code 1 for a finding on a twin.
"""

from __future__ import annotations

import argparse
import base64
import json
import random
import re
import sys
import tempfile
import tomllib
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from nb2prod.config import Settings  # noqa: E402 - after the checkout is on the path
from nb2prod.discovery import Target  # noqa: E402
from nb2prod.linter import lint  # noqa: E402
from nb2prod.rulebook import all_rules  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.diagnostics import Diagnostic

SPECIFICATIONS = Path(__file__).parent / "labelled"
MARK = re.compile(r"\s*#([!?~]) ([a-z0-9,-]+)\s*$")
# Text cells that are put between others, so that numbers of cells mean something.
PROSE = (
    "The numbers agree with what the colleagues reported last week.",
    "Next we look at this more closely, because the first plot looked odd.",
    "*(see the discussion in the team meeting)*",
    "Das sollte jetzt stimmen.",
    "This takes about a minute on my laptop.",
)
PROSE_SHARE = 0.15
# Kernels that are not Python, and their languages.
LANGUAGES = {"ir": "R", "julia-1.9": "julia", "spylon-kernel": "scala", "bash": "bash"}


@dataclass(slots=True)
class Cell:
    """A cell as specified."""

    text: bool
    count: int | None
    tags: list[str]
    lines: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Label:
    """A cause, and the cell it is in; None for the notebook. ``sure``: it must be found, not only may."""

    cause: str
    cell: int | None
    sure: bool


@dataclass(slots=True)
class Book:
    """A notebook as specified."""

    name: str
    options: dict[str, str]
    cells: list[Cell] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    twin_of: set[str] = field(default_factory=set)
    files: dict[str, list[str]] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)


def read_books(texts: list[str]) -> list[Book]:
    """Return the notebooks of all specifications; what one defines, all may use."""
    shared: dict[str, list[str]] = {}
    within: list[str] | None = None
    books: list[list[str]] = []
    for line in "\n".join(texts).split("\n"):
        if line.startswith("@def "):
            within = shared.setdefault(line[5:].strip(), [])
        elif line.strip() == "@end":
            within = None
        elif within is not None:
            within.append(line)
        elif line.startswith("=== "):
            books.append([line])
        elif books:
            books[-1].append(line)
    return [read_book(list(with_shared(book, shared))) for book in books]


def with_shared(lines: list[str], shared: dict[str, list[str]]) -> Iterator[str]:
    """Yield lines, and in the place of `@use NAME` the ones it stands for."""
    for line in lines:
        if line.startswith("@use "):
            yield from shared[line[5:].strip()]
        else:
            yield line


def read_book(lines: list[str]) -> Book:
    """Return one notebook."""
    name, *options = lines[0][4:].split()
    book = Book(name, dict(each.split("=", 1) for each in options))
    shuffler = random.Random(name)  # noqa: S311 - the same notebook in every run
    file: list[str] | None = None
    count = 0
    for line in expanded(lines[1:]):
        if line.startswith("!! "):
            book.labels += [Label(cause, None, sure=True) for cause in line[3:].split()]
        elif line.startswith("~~ "):
            book.twin_of.update(line[3:].split())
        elif line.startswith("@@ "):
            book.metadata |= json.loads(line[3:].replace("¤", ""))
        elif line.startswith("++ "):
            file = book.files.setdefault(line[3:].strip(), [])
        elif line == "---" or line.startswith("--- "):
            file = None
            if book.cells and shuffler.random() < PROSE_SHARE and not book.options.keys() & {"file", "prose"}:
                book.cells.append(Cell(text=True, count=None, tags=[], lines=[shuffler.choice(PROSE)]))
            count = begin_cell(book, line[3:].split(), count)
        elif file is not None:
            file.append(line)
        elif book.cells:
            add_line(book, line)
    # What is said of the notebook is said once more by a label of one of its cells, which asks for more.
    placed = {each.cause for each in book.labels if each.cell is not None and each.sure}
    book.labels = [each for each in book.labels if each.cell is not None or each.cause not in placed]
    return book


def expanded(lines: list[str]) -> Iterator[str]:
    """Yield lines, those of `@repeat N line` and `@repeatcells N cell` as often as they say."""
    for line in lines:
        word, _, rest = line.partition(" ")
        if word not in ("@repeat", "@repeatcells"):
            yield line
            continue
        times, _, body = rest.partition(" ")
        for number in range(int(times)):
            if word == "@repeatcells":
                yield "---"
            yield from body.replace("{i}", str(number)).split("\\n")


def begin_cell(book: Book, words: list[str], count: int) -> int:
    """Add a cell; return the execution count it has, or the one before."""
    text = "md" in words
    given = next((word[2:] for word in words if word.startswith("n=")), None)
    number = None if text or given == "-" else int(given) if given else count + 1
    tags = next((word[5:].split(",") for word in words if word.startswith("tags=")), [])
    book.cells.append(Cell(text, number, tags))
    for word in words:
        if word.startswith("!"):
            book.labels += [Label(each, len(book.cells), sure=True) for each in word[1:].split(",")]
    return number or count


def add_line(book: Book, line: str) -> None:
    """Add a line to the last cell: code, or what it printed."""
    cell = book.cells[-1]
    if line.startswith(">>"):
        cell.outputs.append(line[2:])
        return
    mark = None if cell.text else MARK.search(line)
    if mark:
        for cause in mark[2].split(","):
            book.labels.append(Label(cause, len(book.cells), sure=mark[1] == "!"))
        line = line[: mark.start()]
    # Credentials in an issuer's format are cut in two in the file, which no forge shall take for a leak.
    cell.lines.append(line.replace("¤", ""))


def as_json(book: Book) -> dict[str, Any]:
    """Return the notebook as Jupyter saves it."""
    cells = [cell_json(cell, counts=book.options.get("counts") != "none") for cell in book.cells]
    kernel = book.options.get("kernel", "python3")
    language = LANGUAGES.get(kernel, "python")
    metadata: dict[str, Any] = {
        "kernelspec": {"display_name": kernel, "language": language, "name": kernel},
        "language_info": {"name": language},
    }
    if kernel == "none":
        metadata = {}
    if book.options.get("metadata") == "token":
        metadata["papermill"] = {"parameters": {"hf_token": "hf" + "_QmZtVxLpRkWsYdNcBfHqJeUaGoTiXyKvMr"}}
    metadata |= book.metadata
    version = book.options.get("nbformat", "4.4")
    if version in ("2", "3"):
        old = [{"cell_type": "code", "collapsed": False, "input": each["source"], "language": "python",
                "metadata": {}, "outputs": [], "prompt_number": 1} for each in cells]  # fmt: skip
        sheets = [{"cells": old, "metadata": {}}]
        return {"metadata": {"name": ""}, "nbformat": int(version), "nbformat_minor": 0, "worksheets": sheets}
    major, minor = version.split(".")
    if version == "4.5":
        cells = [{"id": f"cell-{number}", **each} for number, each in enumerate(cells)]
    return {"cells": cells, "metadata": metadata, "nbformat": int(major), "nbformat_minor": int(minor)}


def cell_json(cell: Cell, *, counts: bool) -> dict[str, Any]:
    """Return a cell as Jupyter saves it."""
    source = "\n".join(cell.lines).rstrip("\n").splitlines(keepends=True)
    if cell.text:
        return {"cell_type": "markdown", "metadata": {}, "source": source}
    count = cell.count if counts else None
    metadata = {"tags": cell.tags} if cell.tags else {}
    outputs = list(outputs_json(cell.outputs, count))
    return {"cell_type": "code", "execution_count": count, "metadata": metadata, "outputs": outputs, "source": source}


def outputs_json(lines: list[str], count: int | None) -> Iterator[dict[str, Any]]:
    """Yield the outputs that lines behind `>>` describe."""
    printed = [line[2:].replace("¤", "") + "\n" for line in lines if line.startswith(">")]
    printed += ["0 {'tenure': 1, 'monthly': 29.85}\n"] * sum(
        int(line[5:]) // 34 for line in lines if line.startswith("huge ")
    )
    if printed:
        yield {"output_type": "stream", "name": "stdout", "text": printed}
    if warned := [line[2:].replace("¤", "") + "\n" for line in lines if line.startswith("e ")]:
        yield {"output_type": "stream", "name": "stderr", "text": warned}
    for line in lines:
        if line.startswith("x "):
            name, _, value = line[2:].partition(":")
            value = value.replace("¤", "")
            trace = [f"{name}:{value}"]
            yield {"output_type": "error", "ename": name, "evalue": value.strip(), "traceback": trace}
        elif line.startswith(("h ", "hugehtml ")):
            word, _, given = line.partition(" ")
            html = given.replace("¤", "") if word == "h" else "<tr><td>1</td></tr>\n" * (int(given) // 19)
            yield {"output_type": "display_data", "metadata": {}, "data": {"text/html": html.splitlines(keepends=True)}}
        elif line.startswith("hugepng "):
            image = base64.b64encode(random.Random(0).randbytes(int(line[8:]) * 3 // 4)).decode()  # noqa: S311 - a picture
            yield {"output_type": "display_data", "metadata": {}, "data": {"image/png": image}}
    if gave := "\n".join(line[2:].replace("¤", "") for line in lines if line.startswith("= ")):
        data = {"text/plain": gave.splitlines(keepends=True)}
        yield {"output_type": "execute_result", "execution_count": count, "metadata": {}, "data": data}


def write(book: Book, folder: Path) -> Path:
    """Write the notebook into a project of its own; return its path."""
    project = folder / book.name
    (project / ".git").mkdir(parents=True)
    for name, lines in book.files.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    path = project / book.options.get("file", f"{book.name}.ipynb")
    text = json.dumps(as_json(book), indent=1) + "\n"
    path.write_text(broken(text, book.options.get("raw", "")), encoding="utf-8")
    return path


def broken(text: str, how: str) -> str:
    """Return a notebook's text as a full disk, a merge or a download left it."""
    half = len(text) // 2
    return {
        "": text,
        "truncated": text[:half],
        "conflict": f"{text}<<<<<<< HEAD\n",
        "empty": "",
        "list": "[1, 2]\n",
        "html": "<!DOCTYPE html><html><body>404</body></html>\n",
        "bom": "\ufeff" + text.replace('"metadata": {}', '"metadata": {"x": NaN}', 1),
    }[how]


def is_found(label: Label, book: Book, found: list[Diagnostic], codes: dict[str, list[str]]) -> bool:
    """Return whether a finding of the label's cause stands in its cell, or in one that will do as well."""
    cells = {each.cell for each in book.labels if each.cause == label.cause and (each is label or not each.sure)}
    return any(
        each.rule.code in codes[label.cause]
        and (None in cells or cells & {each.location.cell, *(other.location.cell for other in each.finding.related)})
        for each in found
    )


def wrong_on_twins(book: Book, found: list[Diagnostic], codes: dict[str, list[str]]) -> list[Diagnostic]:
    """Return the findings of causes whose twin the notebook is, but for those in a labelled cell."""
    labelled = {(code, each.cell) for each in book.labels for code in codes[each.cause]}
    trapped = {code for cause in book.twin_of for code in codes[cause]}
    return [
        each
        for each in found
        if each.rule.code in trapped
        and (each.rule.code, each.location.cell) not in labelled
        and (each.rule.code, None) not in labelled
    ]


def main() -> int:
    """Make the notebooks, check them, and print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--set", default="", metavar="FOLDER", help="the specifications in this folder of `labelled/`")
    parser.add_argument("--missed", action="store_true", help="list the labels that were not found")
    parser.add_argument("--table", action="store_true", help="print the figures by cause")
    parser.add_argument("--write", type=Path, metavar="FOLDER", help="keep the notebooks there")
    parser.add_argument("--only", metavar="NAME", default="", help="specifications with this in their name")
    options = parser.parse_args()
    folder = SPECIFICATIONS / options.set
    rows = tomllib.loads((folder / "causes.toml").read_text(encoding="utf-8"))
    codes = {cause: row.split() for cause, row in rows.items()}
    files = sorted(folder.glob("*.txt"))
    names = {line[4:].split()[0] for path in files if options.only in path.stem
             for line in path.read_text(encoding="utf-8").split("\n") if line.startswith("=== ")}  # fmt: skip
    books = [book for book in read_books([path.read_text(encoding="utf-8") for path in files]) if book.name in names]
    by_path: dict[Path, list[Diagnostic]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as temporary:
        paths = {book.name: write(book, options.write or Path(temporary)) for book in books}
        for each in lint([Target(path, Settings()) for path in paths.values()], all_rules()).diagnostics:
            by_path[Path(each.location.path)].append(each)
    planted, found, wrong = Counter[str](), Counter[str](), Counter[str]()
    for book in books:
        diagnostics = by_path[paths[book.name]]
        for label in (each for each in book.labels if each.sure):
            planted[label.cause] += 1
            if is_found(label, book, diagnostics, codes):
                found[label.cause] += 1
            elif options.missed:
                print(f"missed: {label.cause} in {book.name}, cell {label.cell or 'any'}")
        for each in wrong_on_twins(book, diagnostics, codes):
            wrong[each.rule.code] += 1
            print(f"wrong: {each.rule.code} in {book.name}, cell {each.location.cell}: {each.finding.message}")
    if options.table:
        for cause in sorted(planted):
            print(f"{cause:24}{found[cause]:4} of {planted[cause]}")
    twins = sum(len(book.twin_of) for book in books)
    share = found.total() / max(planted.total(), 1)
    print(f"{len(books)} notebooks: {found.total()} of {planted.total()} found ({share:.3f})", end=", ")
    print(f"{wrong.total()} wrong on {twins} twins")
    return int(wrong.total() > 0)


if __name__ == "__main__":
    sys.exit(main())
