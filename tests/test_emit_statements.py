"""Cutting statements out of their cells and indenting them."""

from __future__ import annotations

import ast
import textwrap
from pathlib import PurePath

import pytest

from nb2prod.convert import worker
from nb2prod.convert.emit.errors import EmissionError
from nb2prod.convert.emit.statements import indented, lines_inside_strings, snippet
from nb2prod.convert.plan import Moved, Replacement
from nb2prod.convert.worker import indent_all, tractable
from nb2prod.dataflow.flow import collect_statements
from nb2prod.notebook.code import read_code
from nb2prod.notebook.location import Position, Range
from nb2prod.notebook.model import Notebook


def snippets(source: str) -> list[str]:
    """Return what becomes of each statement of a cell, comments around it."""
    return [cut.around(cut.code) for cut in map(snippet, moved(source))]


def moved(source: str) -> list[Moved]:
    path = PurePath("n.ipynb")
    notebook = Notebook(path, (read_code(path, 1, None, source, {}),), "python", (4, 5), {})
    return [Moved(statement) for statement in collect_statements(notebook)]


def test_a_statement_keeps_its_comments() -> None:
    source = "# first\n\n\n# second\na = 1  # beside\n\n# about b\nb = 2\n\n# the end\n"

    assert snippets(source) == ["# first\n\n# second\na = 1  # beside", "# about b\nb = 2\n\n# the end"]


def test_statements_on_one_line_are_cut_apart() -> None:
    assert snippets("a = 1; b = '''x\n  y'''; c = 3  # beside") == ["a = 1", "b = '''x\n  y'''", "c = 3  # beside"]


def test_a_comment_indented_below_a_loop_stays_in_the_loop() -> None:
    source = "for i in x:\n  print(i)\n  # inside\n# outside\ny = 1"

    assert snippets(source) == ["for i in x:\n  print(i)\n  # inside", "# outside\ny = 1"]


def test_a_definition_starts_at_its_first_decorator() -> None:
    source = "# why\n@ dec(1)\n@other\ndef f():\n    return 1\n"

    assert snippets(source) == ["# why\n@ dec(1)\n@other\ndef f():\n    return 1"]


def test_positions_count_characters_not_bytes() -> None:
    assert snippets("é = 'éé'; ü = f(é,\n 'x') # ö") == ["é = 'éé'", "ü = f(é,\n 'x')  # ö"]


def test_windows_line_ends_are_read() -> None:
    assert snippets("x = 1 + \\\r\n  2\r\n# why\r\ny = 3\r\n") == ["x = 1 + \\\n  2", "# why\ny = 3"]


@pytest.mark.parametrize(
    "source",
    [
        "  # why\n  if a:\n    b = 1\n  else:\n    b = 2\n",
        "  for i in x:\n      print(i,\n  2)\n",
        "\tif a:\n\t\tb\n\telse:\n\t\tc\n",
    ],
)
def test_a_cell_that_is_indented_as_a_whole_is_read_as_its_kernel_reads_it(source: str) -> None:
    expected = ast.parse(textwrap.dedent(source))

    assert ast.dump(ast.parse(snippets(source)[0])) == ast.dump(expected)


def test_magics_leave_no_trace_but_what_replaces_them() -> None:
    (statement,) = [each.statement for each in moved("if a:\n    !ls -l\n    b = 1")]
    replacement = Replacement(Range(Position(2, 5), Position(2, 11)), "run_shell('ls -l')")

    cut = snippet(Moved(statement, (replacement,)))

    assert cut.code == "if a:\n    run_shell('ls -l')\n    b = 1"


def test_a_magic_inside_a_statement_without_a_translation_is_an_error() -> None:
    with pytest.raises(EmissionError, match="cell 1, line 1: the magic"):
        snippets("if a:\n    !ls -l\n    b = 1")


def test_a_replacement_that_is_no_python_is_an_error() -> None:
    (statement,) = [each.statement for each in moved("x = y")]
    replacement = Replacement(Range(Position(1, 5), Position(1, 6)), "(")

    with pytest.raises(EmissionError, match="cell 1, line 1: the replaced text is no Python"):
        snippet(Moved(statement, (replacement,)))


def test_replacements_that_overlap_are_an_error() -> None:
    (statement,) = [each.statement for each in moved("x = yyy")]
    first = Replacement(Range(Position(1, 5), Position(1, 7)), "a")
    second = Replacement(Range(Position(1, 6), Position(1, 8)), "b")

    with pytest.raises(EmissionError, match="overlap"):
        snippet(Moved(statement, (first, second)))


STATEMENTS = [
    "x = 1",
    "# why\nx = 1  # beside",
    "x = '''a\n  b\n'''",
    "x = f'''a {\n b} c\nd'''",
    "x = r'''\\\n'''",
    'x = "a\\\n b"',
    "def f():\n\t'''doc\n\tmore'''\n\treturn 1",
    "if a:\n  b\nelse:\n  # why\n  c\n  # end",
    "x = f(a,\nb,  # b\n  c)",
    "x = 1 + \\\n2",
    "with a as b, \\\n     c as d:\n    pass",
    "async def f():\n    await x",
    "await f(x)",
    "match a:\n  case [b, *_]:\n    print('''\n''')",
    "@d\nclass A:\n\n    x = 1\n\n    def f(self): pass",
]


@pytest.mark.parametrize("text", STATEMENTS)
def test_indentation_keeps_the_meaning_whoever_does_it(text: str) -> None:
    by_libcst = indent_all([(text, "    ")])[0]

    assert by_libcst is not None
    for block in (by_libcst, indented(text, "    ")):
        body = ast.parse("async def _():\n" + block).body[0]
        assert isinstance(body, ast.AsyncFunctionDef)
        assert [ast.dump(node) for node in body.body] == [ast.dump(node) for node in parse(text)]


def parse(text: str) -> list[ast.stmt]:
    body = ast.parse("async def _():\n" + indented(text, " ")).body[0]
    assert isinstance(body, ast.AsyncFunctionDef)
    if "'''" not in text and '"' not in text:
        # Where no string can take part of the indentation, the textbook way says the same.
        other = ast.parse("async def _():\n" + textwrap.indent(text, " ")).body[0]
        assert ast.dump(other) == ast.dump(body)
    return body.body


def test_lines_inside_strings_are_known() -> None:
    assert lines_inside_strings("a = 1\nb = '''x\ny\n'''\nc = f'''{\nd}\n'''\n") == {3, 4, 6, 7}


def test_a_worker_that_crashes_or_hangs_costs_one_statement_and_not_the_conversion(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = worker._work  # noqa: SLF001 - the process is what is replaced

    def crashing(texts: list[tuple[str, str]], seconds: float) -> list[str | None]:
        before = texts[: next((at for at, text in enumerate(texts) if "crash" in text[0]), len(texts))]
        return real(before, seconds) if before else []

    monkeypatch.setattr(worker, "_work", crashing)

    assert indent_all([("a = 1", "  "), ("crash", "  "), ("b = 2", "  ")]) == ["  a = 1", None, "  b = 2"]


def test_a_worker_out_of_time_gives_no_answer() -> None:
    assert indent_all([("a = 1", "  ")], seconds=0.001) == [None]


@pytest.mark.parametrize(
    "source",
    ["+".join(["1"] * 500), "x" + ".f()" * 200, "(" * 90 + "1" + ",)" * 90],
    ids=["sum", "chain", "parentheses"],
)
def test_what_would_take_libcst_down_is_not_given_to_it(source: str) -> None:
    assert not tractable(ast.parse(source))


def test_what_people_write_is_given_to_libcst() -> None:
    assert tractable(ast.parse("x = {'a': [f(g(h(1 + 2)))]}\n" * 100))
