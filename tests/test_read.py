from __future__ import annotations

import json
import os
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nb2prod.errors import UnreadableNotebookError
from nb2prod.notebook.model import CodeCell, MarkdownCell, Notebook, RawCell
from nb2prod.notebook.read import parse_notebook, read_notebook

if TYPE_CHECKING:
    from collections.abc import Mapping

CELL_TYPES = {CodeCell: "code", MarkdownCell: "markdown", RawCell: "raw"}


def parsed(cells: object, **members: object) -> Notebook:
    return parse_notebook(json.dumps({"cells": cells, "nbformat": 4, "nbformat_minor": 5, **members}), PurePath("a"))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("not_json.ipynb", ":1:1: not JSON: expecting value"),
        ("empty.ipynb", ": the file is empty"),
        ("blank.ipynb", ": the file is empty"),
        ("truncated.ipynb", ":7:4: not JSON: the file ends too early"),
        ("merge_conflict.ipynb", ":3:1: not JSON: a merge conflict is not resolved"),
        ("git_lfs_pointer.ipynb", ":1:1: not JSON: this is a Git LFS pointer, run `git lfs pull` to get the notebook"),
        ("array.ipynb", ": not a notebook: the file holds an array, not a JSON object"),
        ("no_cells.ipynb", ": not a notebook: it has no list of cells"),
        ("cells_is_object.ipynb", ": not a notebook: it has no list of cells"),
        ("cell_is_string.ipynb", ": not a notebook: cell 2 is a string, not a JSON object"),
        ("no_nbformat.ipynb", ": not a notebook: it does not say which `nbformat` it has"),
        ("nbformat_5.ipynb", ": nbformat 5.0 is newer than 4, the newest that can be read"),
        (
            "v3_without_metadata.ipynb",
            (
                ": not a notebook: nbformat cannot upgrade it: Notebook could not be converted from version 3 to "
                "version 4 because it's missing a key: metadata"
            ),
        ),
        ("not_utf8.ipynb", ": not a text file: byte 16 is not UTF-8"),
    ],
)
def test_a_file_that_is_no_notebook_gives_one_sentence(name: str, message: str, fixtures: Path) -> None:
    path = fixtures / "unreadable" / name
    with pytest.raises(UnreadableNotebookError) as caught:
        read_notebook(path)
    assert str(caught.value) == f"{path}{message}"


def test_a_folder_is_no_notebook(tmp_path: Path) -> None:
    with pytest.raises(UnreadableNotebookError, match="is a folder, not a notebook"):
        read_notebook(tmp_path)


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(UnreadableNotebookError, match="no such file"):
        read_notebook(tmp_path / "gone.ipynb")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="everything is permitted to root")
def test_a_file_one_may_not_read_is_said_to_be_so(tmp_path: Path) -> None:
    path = tmp_path / "secret.ipynb"
    path.touch(mode=0)
    with pytest.raises(UnreadableNotebookError, match="not permitted"):
        read_notebook(path)


def test_an_operating_system_error_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.ipynb").write_text("")
    with pytest.raises(UnreadableNotebookError, match="cannot be read"):
        read_notebook(tmp_path / "a.ipynb" / "b.ipynb")


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_hostile_nesting_is_refused(opening: str) -> None:
    with pytest.raises(UnreadableNotebookError, match="too deeply nested"):
        parse_notebook(opening * 200_000, PurePath("deep.ipynb"))


def test_hostile_numbers_are_refused() -> None:
    with pytest.raises(UnreadableNotebookError, match="not JSON that can be read"):
        parse_notebook("1" * 10_000, PurePath("a.ipynb"))


SOURCES = {
    "byte_order_mark.ipynb": ["code x = 'é'\ny = x\n"],
    "utf16.ipynb": ["code x = 'é'\ny = x\n"],
    "nan.ipynb": ["code x = 1"],
    "crlf.ipynb": ["code x = 1\r\n!ls\r\ny = 'é'"],
    "no_metadata.ipynb": ["code x = 1\ny = 2", "markdown # Title"],
    "source_null_and_mixed.ipynb": ["code ", "code x = 1\ny = 2", "code z = 3\n", "code "],
    "unknown_cell_type.ipynb": ["raw text", "raw x", "raw raw"],
    "r_kernel.ipynb": ["code x <- c(1, 2)\n%in% x\n"],
    "v3.ipynb": ["markdown ## Load", "code x = 1\nprint x", 'code y = "a\\tb"'],
    "v2.ipynb": ["code x = 1\ny = 2", "markdown some\ntext"],
    "duplicate_keys.ipynb": ["code b = 2\nc = 3"],
    "lone_surrogate.ipynb": ["code x = '\ud83d'\n", "code y = '😀'"],
    "one_line.ipynb": ["code a = '\\t\"é\"'\nb = 1", "code c = 1\nd = 2"],
    "embedded_newlines.ipynb": ["code a = 1\nb = 2\nc= 3\n\nd = 4"],
}


@pytest.mark.parametrize("name", SOURCES)
def test_an_odd_file_is_read_as_jupyter_reads_it(name: str, fixtures: Path) -> None:
    notebook = read_notebook(fixtures / "unreadable" / name)
    assert [f"{CELL_TYPES[type(cell)]} {cell.source}" for cell in notebook.cells] == SOURCES[name]
    assert [cell.index for cell in notebook.cells] == list(range(1, len(notebook.cells) + 1))


def test_every_file_of_the_folder_is_tested(fixtures: Path) -> None:
    names = {path.name for path in (fixtures / "unreadable").glob("*.ipynb")}
    refused = next(mark for mark in test_a_file_that_is_no_notebook_gives_one_sentence.pytestmark)  # type: ignore[attr-defined]
    assert names == SOURCES.keys() | {name for name, _ in refused.args[1]}


def test_an_old_notebook_keeps_its_version_counts_and_outputs(fixtures: Path) -> None:
    notebook = read_notebook(fixtures / "unreadable" / "v3.ipynb")
    assert notebook.nbformat == (3, 0)
    assert [cell.execution_count for cell in notebook.code_cells] == [3, 4]
    assert notebook.code_cells[0].outputs == ({"output_type": "stream", "name": "stdout", "text": "1\n"},)
    assert [cell.id for cell in notebook.cells] == [None, None, None]  # the upgrade invents ids


def test_what_a_file_does_not_say_has_the_documented_default(fixtures: Path) -> None:
    notebook = read_notebook(fixtures / "unreadable" / "no_metadata.ipynb")
    cell = notebook.code_cells[0]
    assert (notebook.language, notebook.nbformat, notebook.metadata) == ("python", (4, 0), {})
    assert (cell.id, cell.metadata, cell.execution_count, cell.outputs) == (None, {}, None, ())


def test_malformed_tags_are_no_tags(fixtures: Path) -> None:
    assert read_notebook(fixtures / "unreadable" / "unknown_cell_type.ipynb").cells[2].tags == frozenset()


def test_a_cell_of_another_language_has_no_python_and_no_magics(fixtures: Path) -> None:
    notebook = read_notebook(fixtures / "unreadable" / "r_kernel.ipynb")
    cell = notebook.code_cells[0]
    assert (notebook.language, cell.python, cell.magics, cell.problem) == (
        "r",
        " " * 12 + "\n" + " " * 6 + "\n",
        (),
        None,
    )
    assert cell.tree is not None
    assert cell.tree.body == []


def test_a_lone_surrogate_is_the_problem_of_its_cell_only(fixtures: Path) -> None:
    first, second = read_notebook(fixtures / "unreadable" / "lone_surrogate.ipynb").code_cells
    assert first.problem is not None
    assert (first.problem.kind, first.problem.range.start.column) == ("error", 6)
    assert second.problem is None


@pytest.mark.parametrize(
    ("metadata", "language"),
    [
        ({}, "python"),
        ({"kernelspec": {"language": "Julia", "name": "julia-1.9"}}, "julia"),
        ({"kernelspec": {"name": "python3"}}, "python"),
        ({"kernelspec": {"name": "conda-env-data-py"}}, "python"),
        ({"kernelspec": {"name": "my-environment"}}, "python"),
        ({"kernelspec": {"name": "ir"}}, "r"),
        ({"kernelspec": {"name": "conda-env-stats-r"}}, "r"),
        ({"kernelspec": {"name": "julia-1.9"}}, "julia"),
        ({"kernelspec": {"name": ".net-csharp"}}, "csharp"),
        ({"kernelspec": {"name": "bash"}}, "bash"),
        ({"kernelspec": {"name": "ihaskell"}}, "haskell"),
        ({"language_info": {"name": "ipython"}}, "python"),
        ({"language_info": {"name": "pyspark"}}, "python"),
        ({"kernelspec": {"language": ""}, "language_info": {"name": "scala"}}, "scala"),
        ({"jupytext": {"main_language": "julia"}}, "julia"),
        ({"jupytext": {"main_language": "R"}, "kernelspec": {"name": "python3"}}, "python"),
        ({"kernelspec": "python3", "language_info": None}, "python"),
        (None, "python"),
    ],
)
def test_the_language_is_the_kernels(metadata: object, language: str) -> None:
    assert parsed([], metadata=metadata).language == language


@pytest.mark.parametrize("version", [None, "4", True, 0, -1, 4.5])
def test_a_version_that_is_none_is_refused(version: object) -> None:
    with pytest.raises(UnreadableNotebookError, match="which `nbformat`"):
        parsed([], nbformat=version)


def test_ids_counts_and_outputs_are_kept_as_saved() -> None:
    outputs = [{"output_type": "display_data", "data": {"image/png": "AAAA", "text/plain": "<Figure>"}}, "no output"]
    notebook = parsed([{"cell_type": "code", "id": "a-1", "execution_count": 7, "outputs": outputs, "source": "x"}])
    cell = notebook.code_cells[0]
    assert (cell.id, cell.execution_count, cell.outputs) == ("a-1", 7, (outputs[0],))


def test_texts_of_outputs_are_whole_and_what_is_malformed_stays() -> None:
    outputs = [
        {"output_type": "stream", "name": "stdout", "text": ["a\n", "b"]},
        {"output_type": "execute_result", "data": {"text/html": ["<b>", "</b>"], "image/svg+xml": ["<svg", "/>"]}},
        {"output_type": "stream", "text": ["a", None]},
        {"output_type": "execute_result", "data": ["text/plain"]},
    ]
    cell = parsed([{"cell_type": "code", "source": "", "outputs": outputs}]).code_cells[0]
    assert [output.get("text", output.get("data")) for output in cell.outputs] == [
        "a\nb",
        {"text/html": "<b></b>", "image/svg+xml": ["<svg", "/>"]},
        ["a", None],
        ["text/plain"],
    ]


@pytest.mark.parametrize("count", [None, "7", True, 1.5, []])
def test_a_count_that_is_no_number_is_none(count: object) -> None:
    assert parsed([{"cell_type": "code", "execution_count": count, "source": ""}]).code_cells[0].execution_count is None


def test_a_variable_named_like_a_magic_is_no_magic() -> None:
    cells = [{"cell_type": "code", "source": text} for text in ("system = 1", "system", "who", "pip install x")]
    found = [[magic.name for magic in cell.magics] for cell in parsed(cells).code_cells]
    assert found == [[], [], ["who"], ["pip"]]


def test_one_broken_cell_leaves_the_others_alone() -> None:
    cells = [{"cell_type": "code", "source": text} for text in ("x = 1", "x = = 2", "y = x")]
    assert [cell.tree is None for cell in parsed(cells).code_cells] == [False, True, False]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
CELL = st.fixed_dictionaries(
    {},
    optional={
        "cell_type": st.sampled_from(["code", "markdown", "raw", "heading"]) | JSON,
        "source": st.text() | st.lists(st.text() | st.none(), max_size=4) | JSON,
        "metadata": JSON,
        "outputs": JSON,
        "execution_count": JSON,
        "id": JSON,
        "input": JSON,
    },
)
NOTEBOOK = st.fixed_dictionaries(
    {"nbformat": st.sampled_from([4, 4, 4, 3, 2, 1]) | JSON, "cells": st.lists(CELL | JSON, max_size=3) | JSON},
    optional={
        "metadata": JSON,
        "nbformat_minor": JSON,
        "worksheets": st.lists(st.fixed_dictionaries({"cells": st.lists(CELL, max_size=2)}), max_size=2) | JSON,
    },
)


@given(NOTEBOOK | JSON)
def test_any_json_is_a_notebook_or_one_sentence(data: Mapping[str, Any]) -> None:
    try:
        notebook = parse_notebook(json.dumps(data), PurePath("a.ipynb"))
    except UnreadableNotebookError as error:
        sentence = str(error)
    else:
        sentence = "a.ipynb: fine"
        assert all(cell.tree is not None or cell.problem is not None for cell in notebook.code_cells)
    assert sentence.startswith("a.ipynb")
    assert "\n" not in sentence


@given(st.binary())
def test_any_bytes_are_a_notebook_or_one_sentence(content: bytes) -> None:
    with pytest.raises(UnreadableNotebookError):
        parse_notebook(content, PurePath("a.ipynb"))


def test_nothing_in_the_corpus_fails_otherwise(corpus: Path) -> None:
    read = refused = 0
    for path in sorted(corpus.rglob("*.ipynb")):
        try:
            read_notebook(path)
            read += 1
        except UnreadableNotebookError:
            refused += 1
    assert read > refused


def test_the_corpus_is_read_where_nbformat_reads_it(corpus: Path) -> None:
    folder = corpus / "truth" / "robustness"
    different = []
    for row in map(json.loads, (folder / "truth.jsonl").read_text(encoding="utf-8").splitlines()):
        try:
            notebook = read_notebook(folder / row["file"])
        except UnreadableNotebookError:
            found: tuple[object, ...] = (False, None, None)
        else:
            found = (True, len(notebook.cells), len(notebook.code_cells))
        # Without metadata a notebook is no use to nbformat; to us its cells are.
        lenient = "metadata" in (row.get("read_error") or "") and row["nbformat"] == 4
        if found != (bool(row.get("reads")), row.get("cells"), row.get("code_cells")) and not lenient:
            different.append(row["file"])
    assert different == []
