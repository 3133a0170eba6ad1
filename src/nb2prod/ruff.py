"""Ruff at work: its process, and where in the cells it found something."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nb2prod.diagnostics import Finding
from nb2prod.notebook.location import Position, Range
from nb2prod.notebook.model import CodeCell
from nb2prod.records import NamedTuple
from nb2prod.ruff_refuted import is_refuted
from nb2prod.ruff_rules import TOOL, program

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from subprocess import Popen

    from nb2prod.diagnostics import Rule
    from nb2prod.notebook.model import Notebook

_ABSENT = f"{TOOL} is not installed: its rules were not run; install it beside nb2prod, or ignore them"

# Ours decide, not the repository's; and what is valid in the newest Python is no error.
_OPTIONS = (
    *("check", "--isolated", "--no-cache", "--quiet", "--exit-zero"),
    *("--output-format", "json", "--target-version", "py313"),
)
# It takes a hundredth of a second for a notebook; what takes this long does not end.
_SECONDS = 60


class Ruff(NamedTuple):
    """A ruff at work: its process, and what it was given."""

    process: Popen[str]
    notebooks: Sequence[Notebook]


class Answer(NamedTuple):
    """What ruff found in each of its notebooks; or nothing, and why."""

    findings: Sequence[Sequence[tuple[Rule, Finding]]]
    notices: tuple[str, ...] = ()


NOT_ASKED = Answer(())


@contextmanager
def started(notebooks: Sequence[Notebook], codes: Sequence[str]) -> Iterator[Ruff | None]:
    """Start the installed ruff on ``notebooks``; it works while the caller does something else.

    None where it is not installed. What is left of it ends and goes with the block.
    """
    found = program()
    if found is None:
        yield None
        return
    command = [found, *_OPTIONS, "--select", ",".join(codes)]
    if len(notebooks) == 1:
        # The ordinary case needs no file.
        process = _process([*command, "--stdin-filename", "0.ipynb", "-"], given=True)
        with _ended(process):
            _send(process, _as_ruff_reads(notebooks[0]))
            yield Ruff(process, notebooks)
        return
    from tempfile import TemporaryDirectory  # noqa: PLC0415 - only runs over several notebooks need it

    with TemporaryDirectory(prefix="nb2prod-", ignore_cleanup_errors=True) as folder:
        paths = [Path(folder, f"{number}.ipynb") for number in range(len(notebooks))]
        for path, notebook in zip(paths, notebooks, strict=True):
            path.write_text(_as_ruff_reads(notebook), encoding="ascii")
        # Files that are named are read, whatever the folders above are called.
        process = _process([*command, *map(str, paths)], given=False)
        with _ended(process):
            yield Ruff(process, notebooks)


def findings(ruff: Ruff | None, rules: Sequence[Mapping[str, Rule]]) -> Answer:
    """Wait for ``ruff`` and return what it found, in each of its notebooks of the rules wanted there (by code)."""
    from subprocess import TimeoutExpired  # noqa: PLC0415 - loaded by now

    if ruff is None:
        return Answer((), (_ABSENT,))
    try:
        answer, complaint = ruff.process.communicate(timeout=_SECONDS)
    except TimeoutExpired:
        return Answer((), (f"{TOOL} did not end within {_SECONDS} seconds; its rules were not run",))
    if ruff.process.returncode:
        reason = next((line for line in complaint.splitlines() if line.strip()), f"exit code {ruff.process.returncode}")
        return Answer((), (f"{TOOL} failed, its rules were not run: {reason.strip()}",))
    found: list[list[tuple[Rule, Finding]]] = [[] for _ in ruff.notebooks]
    for row in json.loads(answer):
        number = int(Path(row["filename"]).stem)
        # What ruff cannot read it says under codes that are none of these.
        rule = rules[number].get(row["code"])
        if rule is None or (rule.unless and rule.unless in row["message"]):
            continue
        finding = _finding(ruff.notebooks[number], rule, row)
        if not is_refuted(rule.code, ruff.notebooks[number], finding.location):
            found[number].append((rule, finding))
    return Answer(found)


def _finding(notebook: Notebook, rule: Rule, row: dict[str, Any]) -> Finding:
    """Return a row of ruff's answer as a finding; rows and columns count from 1, the columns in characters."""
    cell = notebook.cells[row["cell"] - 1]
    start = Position(row["location"]["row"], row["location"]["column"])
    end = Position(row["end_location"]["row"], row["end_location"]["column"])
    last = Position(len(cell.lines), len(cell.lines[-1]) + 1)
    where = Range(start, min(max(start, end), last))
    location = cell.location()._replace(range=where)
    fix = None
    if rule.fix != "none":
        from nb2prod.ruff_fixes import fix_of  # noqa: PLC0415 - few notebooks have what it fixes

        fix = fix_of(rule, row, notebook, location)
    return Finding(location, f"{row['message'].rstrip('.')}. {rule.summary}", fix=fix)


def _as_ruff_reads(notebook: Notebook) -> str:
    """Return a notebook of the same cells with nothing in them but Python that parses.

    One broken cell, or a file of another version of the format, would be all that ruff has to say of
    the notebook. What is no Python is blank, so lines, columns and numbers of cells are ours.
    """
    sources = [cell.python if isinstance(cell, CodeCell) and cell.tree is not None else "" for cell in notebook.cells]
    cells = [
        # A surrogate half, which real files have, is no text to ruff.
        _CELL | {"source": source.encode("utf-8", "replace").decode()}
        for source in sources
    ]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4})


_CELL: dict[str, Any] = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": []}


def _process(command: list[str], *, given: bool) -> Popen[str]:
    from subprocess import DEVNULL, PIPE, Popen  # noqa: PLC0415 - only runs with rules of ruff need it

    # RUFF_OUTPUT_FILE and its like would divert the answer.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RUFF_")}
    return Popen(  # noqa: S603 - ruff, on what we wrote
        command, stdin=PIPE if given else DEVNULL, stdout=PIPE, stderr=PIPE, encoding="utf-8", env=environment
    )


def _send(process: Popen[str], text: str) -> None:
    if process.stdin is not None:
        # Where ruff ends without reading, its exit code says why.
        with suppress(BrokenPipeError), process.stdin:
            process.stdin.write(text)
        process.stdin = None


@contextmanager
def _ended(process: Popen[str]) -> Iterator[None]:
    """Let ``process`` not outlive the block, and close what leads to it."""
    try:
        yield
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                with suppress(BrokenPipeError):
                    stream.close()
