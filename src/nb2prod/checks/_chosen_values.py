"""The one value that rows are chosen by, where files, titles and other cells are named after it: `'Wolfsburg-2'`."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from nb2prod.diagnostics import Finding, Related
from nb2prod.patterns import lazy_pattern
from nb2prod.writes import writes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.notebook.location import Location
    from nb2prod.notebook.model import CodeCell

_CELLS = 3
# `where plant = 'Wolfsburg-2'`, `query("plant == 'Wolfsburg-2'")`
_CHOSEN = lazy_pattern(r"""([\w.]+)\s*==?\s*['"]([^'"]+)['"]""")
# A name of something; `yes` and `train` are none.
_NAME = lazy_pattern(r"(?=.*[A-Z\d])(?=.*[^\W\d_])[\w .-]{4,}")
_FILE = lazy_pattern(r"[_\- ].*\.\w{2,8}\Z")


def chosen_values(analysis: Analysis) -> Iterator[Finding]:
    """Yield each value that is the only one its column is held against, and stands in the name of a file as well."""
    if not analysis.mentions("==", "where", "WHERE"):
        return
    values: dict[str, set[str]] = {}
    for cell in analysis.notebook.code_cells:
        for column, value in _chosen(analysis, cell):
            values.setdefault(column.rpartition(".")[2].lower(), set()).add(value)
    single = sorted(
        {value for found in values.values() if len(found) == 1 for value in found if _NAME.fullmatch(value)}
    )
    named = _written_names(analysis) if single else []
    for value in single:
        word = re.compile(rf"(?<![^\W_]){re.escape(value)}(?![^\W_])")
        if not any(word.search(name) and _FILE.search(name) for name in named):
            continue
        places = list(_places(analysis, word))
        cells = {each.cell for each in places}
        if len(cells) >= _CELLS:
            message = (
                f"`{value}` is written {len(places)} times in {len(cells)} cells, to choose rows and in the name of a "
                "file; give it a name once, or make it a parameter, so that the notebook runs for another"
            )
            yield Finding(places[0], message, tuple(Related(each, "written again") for each in places[1:]))


def _chosen(analysis: Analysis, cell: CodeCell) -> Iterator[tuple[str, str]]:
    """Yield the columns that are held against a text, and the text."""
    if cell.tree is None or not ("==" in cell.source or "where" in cell.source.lower()):
        return
    for node in analysis.nodes_of(cell.tree, ast.Compare):
        match node:
            case ast.Compare(left=left, ops=[ast.Eq()], comparators=[ast.Constant(value=str(value))]):
                column = _column(left)
                if column:
                    yield column, value
            case _:
                pass
    for text in analysis.nodes_of(cell.tree, ast.Constant):
        if isinstance(text.value, str) and "=" in text.value:
            yield from _CHOSEN.findall(text.value)


def _column(node: ast.expr) -> str | None:
    match node:
        case ast.Subscript(slice=ast.Constant(value=str(name))) | ast.Attribute(attr=name):
            return name
        case ast.Call(func=ast.Attribute(attr="col") | ast.Name(id="col"), args=[ast.Constant(value=str(name))]):
            return name
        case _:
            return None


def _written_names(analysis: Analysis) -> list[str]:
    """Return the texts that calls which write are given, those of f-strings in part."""
    calls = {id(each.call.node): each.call.node for each in writes(analysis) if each.call is not None}
    return [
        part.value
        for node in calls.values()
        for given in (*node.args, *(each.value for each in node.keywords))
        for part in ast.walk(given)
        if isinstance(part, ast.Constant) and isinstance(part.value, str)
    ]


def _places(analysis: Analysis, word: re.Pattern[str]) -> Iterator[Location]:
    for cell in analysis.notebook.code_cells:
        if cell.tree is not None and word.search(cell.source):
            found = [
                cell.locate(node)
                for node in analysis.nodes_of(cell.tree, ast.Constant)
                if isinstance(node.value, str) and word.search(node.value)
            ]
            yield from sorted(found, key=lambda each: each.range)
