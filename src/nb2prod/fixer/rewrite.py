"""Changing the text of an ``.ipynb`` file: what no change touches stays byte for byte."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nb2prod.diagnostics import Edit, InsertCell, RemoveCell, RemoveOutputs, ReorderCells, SetMetadata
from nb2prod.fixer.metadata import with_member
from nb2prod.fixer.new_cell import new_cell
from nb2prod.fixer.source import Replacement, edited_source
from nb2prod.notebook.location import offsets
from nb2prod.notebook.raw_json import WHOLE, blank_end, find
from nb2prod.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nb2prod.diagnostics import Change
    from nb2prod.notebook.model import Notebook

_REWRITABLE_MAJOR = 4


class CannotRewriteError(Exception):
    """The file holds something no change can be made to; the message says what."""


class Rewritten(NamedTuple):
    """A changed file: its text, and for each cell which one it was, by number from 1; None for a new one."""

    text: str
    origins: tuple[int | None, ...]


def rewrite(notebook: Notebook, changes: Sequence[Change]) -> Rewritten:
    """Return the notebook's text with ``changes`` made, all of which refer to the notebook as it is.

    No two text edits overlap, there is at most one new order, and insertions are at different places.
    Raises CannotRewriteError for files older than nbformat 4 and for cells that are malformed.
    """
    if notebook.nbformat[0] != _REWRITABLE_MAJOR:
        raise CannotRewriteError(f"files of nbformat {notebook.nbformat[0]} are not rewritten")
    text = notebook.text
    array, _ = find(text, blank_end(text, 0), {"cells": WHOLE})[0]["cells"]
    spans = find(text, array, [WHOLE])[0]
    numbers = range(1, len(spans) + 1)
    cells = {number: _cell(notebook, number, spans[number - 1], changes) for number in numbers}
    order = next((change.order for change in changes if isinstance(change, ReorderCells)), tuple(numbers))
    removed = {change.cell for change in changes if isinstance(change, RemoveCell)}
    order = tuple(number for number in order if number not in removed)
    insertions = {change.before: change for change in changes if isinstance(change, InsertCell)}
    if not spans:
        if insertions:
            raise CannotRewriteError("a notebook without cells gets none")
        return Rewritten(_with_metadata(text, None, changes), ())
    if not order or removed & insertions.keys():
        raise CannotRewriteError("no cell would be left where one is needed")
    indent = text[array + 1 : spans[0][0]]
    between = text[spans[0][1] : spans[1][0]] if len(spans) > 1 else "," + indent
    parts = [text[: spans[0][0]]]
    origins: list[int | None] = []
    # The space between two places stays where it is, whichever cells come to stand there.
    for place, number in enumerate(order):
        if number in insertions:
            parts += [new_cell(notebook, insertions[number], text[slice(*spans[0])], indent), between]
            origins.append(None)
        parts.append(cells[number])
        origins.append(number)
        parts.append(text[spans[place][1] : spans[place + 1][0]] if place + 1 < len(order) else "")
    if len(spans) + 1 in insertions:
        parts += [between, new_cell(notebook, insertions[len(spans) + 1], text[slice(*spans[0])], indent)]
        origins.append(None)
    parts.append(text[spans[-1][1] :])
    return Rewritten(_with_metadata("".join(parts), None, changes), tuple(origins))


def _cell(notebook: Notebook, number: int, span: tuple[int, int], changes: Sequence[Change]) -> str:
    """Return the text of one cell, changed."""
    raw = notebook.text[slice(*span)]
    edits = [change for change in changes if isinstance(change, Edit) and change.location.cell == number]
    removals = [change for change in changes if isinstance(change, RemoveOutputs) and change.cell == number]
    if not edits and not removals:
        return _with_metadata(raw, number, changes)
    members = find(raw, 0, {"source": WHOLE, "outputs": WHOLE})[0]
    values: list[tuple[int, int, str]] = []
    if edits:
        values.append(_source(notebook, number, raw, members.get("source"), edits))
    if removals and "outputs" in members:
        values.append((*members["outputs"], "[]"))
    for value_start, value_end, value in sorted(values, reverse=True):
        raw = raw[:value_start] + value + raw[value_end:]
    return _with_metadata(raw, number, changes)


def _with_metadata(text: str, number: int | None, changes: Sequence[Change]) -> str:
    """Return the JSON text of a cell, or of the whole file, with the members its metadata are to have."""
    for change in changes:
        if isinstance(change, SetMetadata) and change.cell == number:
            span = find(text, blank_end(text, 0), {"metadata": WHOLE})[0].get("metadata")
            if span is None or text[span[0]] != "{":
                raise CannotRewriteError(f"{f'cell {number}' if number else 'the notebook'} has no metadata")
            start, end = span
            text = text[:start] + with_member(text[start:end], change.member, change.value) + text[end:]
    return text


def _source(
    notebook: Notebook, number: int, raw: str, span: tuple[int, int] | None, edits: Sequence[Edit]
) -> tuple[int, int, str]:
    source = notebook.cells[number - 1].source
    replacements = [Replacement(*offsets(source, edit.location.range), edit.text) for edit in edits]
    ascii_only = notebook.text.isascii()
    edited = None if span is None else edited_source(raw[slice(*span)], replacements, ascii_only=ascii_only)
    if span is None or edited is None:
        raise CannotRewriteError(f"the source of cell {number} is no text")
    return (*span, edited)
