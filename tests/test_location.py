from __future__ import annotations

import ast
import json
import re
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nb2prod.notebook.location import Location, Position, Range, node_range
from nb2prod.notebook.raw_map import RawMap
from nb2prod.notebook.read import parse_notebook, read_notebook

if TYPE_CHECKING:
    from nb2prod.notebook.model import Notebook


def lines_of(text: str) -> list[str]:
    return re.split("\r\n|\r|\n", text)


def raw(notebook: Notebook, cell: int, line: int, column: int = 1) -> str | None:
    """Return the rest of the line of the file at a raw position."""
    at = RawMap(notebook).raw_position(cell, line, column)
    return lines_of(notebook.text)[at.line - 1][at.column - 1 :] if at else None


def test_a_location_counts_cells_lines_and_columns_from_1() -> None:
    place = Range(Position(2, 8), Position(2, 9))
    assert str(Location(PurePath("churn.ipynb"), 4, place)) == "churn.ipynb:cell 4:2:8"
    assert str(Location(PurePath("churn.ipynb"), None, place)) == "churn.ipynb:2:8"


def test_columns_of_nodes_are_characters_not_bytes() -> None:
    source = "x = 'é😀', y"
    name = next(node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name) and node.id == "y")
    assert node_range([source], name) == Range(Position(1, 11), Position(1, 12))


def test_a_magic_beside_other_letters_is_located_by_the_text_that_was_parsed() -> None:
    """``é?`` is masked as ``0``: one byte where the source has two."""
    cell: dict[str, object] = {
        "cell_type": "code",
        "source": "é?",
        "metadata": {},
        "outputs": [],
        "execution_count": None,
    }
    text = json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 4})
    (code,) = parse_notebook(text.encode(), PurePath("a.ipynb")).code_cells
    assert code.tree is not None
    assert code.locate(code.tree.body[0]).range == Range(Position(1, 1), Position(1, 2))


@pytest.mark.parametrize(
    ("name", "cell", "line", "column", "expected"),
    [
        ("one_line.ipynb", 1, 1, 5, r"""'\\t\"\u00e9\"'\n", "b = 1"]}, """),
        ("one_line.ipynb", 1, 1, 7, r"""t\"\u00e9\"'\n", "b = 1"]}, """),
        ("one_line.ipynb", 1, 1, 9, r"""\u00e9\"'\n", "b = 1"]}, """),
        ("one_line.ipynb", 2, 2, 3, '= 2"}], "metadata": {}'),
        ("embedded_newlines.ipynb", 1, 2, 1, r'b = 2\n",'),
        ("embedded_newlines.ipynb", 1, 3, 1, 'c",'),
        ("embedded_newlines.ipynb", 1, 3, 2, r'= 3\n\n",'),
        ("embedded_newlines.ipynb", 1, 4, 1, r'\n",'),
        ("embedded_newlines.ipynb", 1, 5, 6, '"'),
        ("crlf.ipynb", 1, 2, 1, r'!ls\r\n",'),
        ("crlf.ipynb", 1, 3, 5, r"""'\u00e9'"""),
        ("byte_order_mark.ipynb", 1, 2, 1, r'y = x\n"'),
        ("utf16.ipynb", 1, 2, 1, r'y = x\n"'),
        ("duplicate_keys.ipynb", 1, 2, 1, 'c = 3"]}]}'),
        ("lone_surrogate.ipynb", 1, 1, 6, r"""\ud83d'\n"]},"""),
        ("lone_surrogate.ipynb", 2, 1, 6, r"""\ud83d\ude00'"]}], "nbformat": 4}"""),
        ("lone_surrogate.ipynb", 2, 1, 7, """'"]}], "nbformat": 4}"""),
        ("source_null_and_mixed.ipynb", 2, 2, 1, 'y = 2"'),
        ("v3.ipynb", 1, 1, 4, 'Load"'),
        ("v3.ipynb", 2, 2, 7, 'x"'),
        ("v3.ipynb", 3, 1, 7, r'\\tb\""'),
        ("v2.ipynb", 1, 2, 5, '2"'),
        ("v2.ipynb", 2, 2, 1, 'text"'),
    ],
)
def test_a_character_of_a_cell_is_found_in_the_file(
    name: str, cell: int, line: int, column: int, expected: str, fixtures: Path
) -> None:
    found = raw(read_notebook(fixtures / "unreadable" / name), cell, line, column)
    assert found is not None
    assert found[: len(expected)] == expected


def test_the_byte_order_mark_is_no_column() -> None:
    text = '{"cells": [{"cell_type": "code", "source": "x"}], "nbformat": 4}'
    for content in (text, "\ufeff" + text, text.encode("utf-8-sig"), text.encode("utf-16")):
        position = RawMap(parse_notebook(content, PurePath("a"))).raw_position(1, 1, 1)
        assert position == Position(1, text.index('"x"') + 2)


@pytest.mark.parametrize(("cell", "line", "column"), [(0, 1, 1), (3, 1, 1), (1, 0, 1), (1, 3, 1), (1, 1, 0), (1, 1, 9)])
def test_a_place_that_no_cell_has_is_not_found(cell: int, line: int, column: int) -> None:
    notebook = parse_notebook(
        json.dumps({"cells": [{"cell_type": "code", "source": "x = 1\ny"}, {"cell_type": "raw"}], "nbformat": 4}),
        PurePath("a"),
    )
    assert RawMap(notebook).raw_position(cell, line, column) is None


def test_a_cell_without_source_has_no_place_in_the_file() -> None:
    notebook = parse_notebook('{"cells": [{"cell_type": "code", "source": null}], "nbformat": 4}', PurePath("a"))
    assert RawMap(notebook).raw_position(1, 1, 1) is None


TEXT = st.text(st.sampled_from('ab \t"\\/\n\r\u00e9\u2028😀\x00\ud83d\ude00') | st.characters(), max_size=12)
SOURCE = TEXT | st.lists(TEXT | st.none(), max_size=4)
UNESCAPED = re.compile(r'\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\u....|\\.|[^"]')


@given(
    st.lists(SOURCE, min_size=1, max_size=3),
    st.sampled_from([None, 1, "\t"]),
    st.booleans(),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.data(),
)
def test_the_raw_text_unescapes_to_the_line_of_the_source(
    sources: list[str | list[str]],
    indent: int | str | None,
    ascii_only: bool,
    newline: str,
    data: st.DataObject,
) -> None:
    cells = [{"outputs": [{"source": "no"}], "source": source, "cell_type": "code"} for source in sources]
    text = json.dumps({"cells": cells, "nbformat": 4}, indent=indent, ensure_ascii=ascii_only)
    notebook = parse_notebook(text.replace("\n", newline), PurePath("a"))
    cell = data.draw(st.sampled_from(notebook.cells))
    line = data.draw(st.integers(1, len(cell.lines)))
    column = data.draw(st.integers(1, len(cell.lines[line - 1]) + 1))
    found = raw(notebook, cell.index, line, column)
    if not any(isinstance(entry, str) for entry in sources[cell.index - 1]) and not isinstance(
        sources[cell.index - 1], str
    ):
        assert found is None
        return
    assert found is not None
    expected = cell.lines[line - 1][column - 1 :]
    # A line may go on in the next string of the list; what the file has up to there is compared.
    piece = UNESCAPED.match(found)
    if expected:
        assert piece is not None
        assert json.loads(f'"{piece[0]}"', strict=False) == expected[0]
    else:
        assert found.startswith(('"', "\\n", "\\r"))


def test_the_bytes_of_a_source_are_found_whatever_stands_before_it() -> None:
    """In files with and without a byte-order mark, beyond ASCII and beyond the basic plane."""
    whole = {
        "cells": [
            {"cell_type": "markdown", "metadata": {}, "source": "é 😀" * 3},
            {"cell_type": "code", "metadata": {}, "execution_count": None, "outputs": [], "source": ["x = 'ü'\n", "y"]},
            {"cell_type": "code", "metadata": {}, "execution_count": None, "outputs": [], "source": "z"},
        ],
        "metadata": {},
        "nbformat": 4,
        "nbformat_minor": 4,
    }
    for ascii_only in (True, False):
        for mark in (b"", b"\xef\xbb\xbf"):
            content = mark + json.dumps(whole, ensure_ascii=ascii_only).encode()
            notebook = parse_notebook(content, Path("n.ipynb"))
            found = RawMap(notebook)
            for cell in (1, 2, 3, 2):
                place = found.source_bytes(cell, len(content), marked=bool(mark))
                assert place is not None
                start, end, between = place
                value = json.loads(content[start:end])
                source = value if isinstance(value, str) else between.join(value)
                assert source == notebook.cells[cell - 1].source
            assert found.source_bytes(4, len(content), marked=bool(mark)) is None
            assert RawMap(notebook).source_bytes(1, len(content) + 1, marked=bool(mark)) is None
