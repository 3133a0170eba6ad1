from __future__ import annotations

import ast
import sys
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nb2prod.notebook.bindings import names_bound
from nb2prod.notebook.location import Position, Range, node_range
from nb2prod.notebook.parse import parse_code


def problem(python: str) -> str:
    """Return the problem of a piece of code as ``kind start-end message``."""
    tree, found = parse_code(python)
    assert tree is None
    assert found is not None
    return f"{found.kind} {found.range.start}-{found.range.end} {found.message}"


def test_what_parses_has_a_tree_and_no_problem() -> None:
    tree, found = parse_code("x = await f()\nasync for y in z: pass")
    assert found is None
    assert tree is not None
    assert [type(node) for node in tree.body] == [ast.Assign, ast.AsyncFor]


def test_a_cell_indented_as_a_whole_parses_with_its_positions() -> None:
    source = "\n    x = f('é', y)\n\n    # why\n    if x:\n        y = '''a\n    b'''\n"
    tree, found = parse_code(source)
    assert found is None
    assert tree is not None
    lines = source.split("\n")
    names = {node.id: node_range(lines, node) for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert names["f"] == Range(Position(2, 9), Position(2, 10))
    assert names["y"] == Range(Position(6, 9), Position(6, 10))
    # IPython takes the indentation out of strings too.
    assert [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)] == ["é", "a\nb"]


def test_an_error_in_an_indented_cell_is_where_it_stands() -> None:
    assert problem("  x = 1\n  y = = 2").startswith("error 2:7-")


def test_indentation_of_the_first_line_only_is_an_error() -> None:
    assert problem("  x = 1\ny = 2").startswith("error 1:")


@pytest.mark.parametrize(
    ("python", "expected"),
    [
        ("x = 1\ny = = 2", "error 2:5-2:6 invalid syntax"),
        ("f('é', x y)", "error 1:8-1:11 invalid syntax. Perhaps you forgot a comma?"),
        ("f(x", "error 1:2-1:2 '(' was never closed"),
        ("a\0b", "error 1:2-1:3 a null character cannot be in Python source"),
        ("x\n'\ud83d'", "error 2:2-2:3 half of a character (a lone surrogate) cannot be in Python source"),
        (
            "import x\npip install x",
            "error 2:5-2:12 `pip` works without `%` only where it is all a cell holds: write `%pip`",
        ),
    ],
)
def test_an_error_says_what_and_where(python: str, expected: str) -> None:
    kind, span, message = problem(python).split(" ", 2)
    expected_kind, expected_span, expected_message = expected.split(" ", 2)
    assert (kind, span.split("-")[0], message) == (expected_kind, expected_span.split("-")[0], expected_message)


@pytest.mark.parametrize(
    ("python", "what"),
    [
        ('x = 1\nprint "a", x', "print is a statement"),
        ("for x in y:\n    print x", "print is a statement"),
        ("print", None),
        ("print x,", "print is a statement"),
        ('exec "x = 1" in scope', "exec is a statement"),
        ("try: x\nexcept IOError, e: pass", "`except E, e` names the exception"),
        ("try: x\nexcept (IOError, OSError), e: pass", "`except E, e` names the exception"),
        ("raise ValueError, 'no'", "`raise E, message` raises with a message"),
        ("x = ur'a'", "ur'' is a string"),
        ("x = 0777", "0777 is an octal number"),
        ("x = 10L", "10L is a long integer"),
        ("x = `y`", "backticks mean repr()"),
        ("if x <> y: pass", "`<>` means `!=`"),
        ("f = lambda (a, b): a", "parameters can be tuples"),
        ("def f(a, (b, c)): pass", "parameters can be tuples"),
    ],
)
def test_python_2_is_named(python: str, what: str | None) -> None:
    if what is None or (sys.version_info >= (3, 14) and python.startswith("try: x\nexcept IOError")):
        assert parse_code(python)[1] is None
    else:
        assert problem(python).startswith("python2 ")
        assert problem(python).endswith(f"this is Python 2: {what}")


@pytest.mark.parametrize(
    ("python", "first_version"),
    [
        ("type X = int", (3, 12)),
        ("def f[T](x: T) -> T: return x", (3, 12)),
        ("class A[T]: pass", (3, 12)),
        ('x = f"{a["b"]}"', (3, 12)),
        ("try: x\nexcept A, B: pass", (3, 14)),
    ],
)
def test_newer_python_is_unsupported_not_wrong(python: str, first_version: tuple[int, int]) -> None:
    if sys.version_info >= first_version:
        assert parse_code(python)[1] is None
    else:
        running = f"{sys.version_info.major}.{sys.version_info.minor}"
        assert problem(python).startswith("unsupported ")
        assert problem(python).endswith(f"this is syntax of a Python newer than {running}")


def test_no_warning_leaves_the_parser() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert parse_code("x = '\\d'\ny = 1or 2")[1] is None


@pytest.mark.parametrize(
    "python",
    [
        "x = " + "-" * 100_000 + "1",
        "x = 1" + " + 1" * 100_000,
        "x = 1" + " + 1" * 400,
        "a" + ".b" * 400,
        "(a\n" + " .b()\n" * 300 + ")",
        "if a: pass\n" + "elif a: pass\n" * 300,
        "if a:\n  pass\n" + "elif a:\n  pass\n" * 300,
        "f(" * 150 + "x\n" + ")" * 150 + ".b" * 100,
    ],
)
def test_what_is_nested_too_deeply_is_unsupported(python: str) -> None:
    assert problem(python).startswith("unsupported ")


@pytest.mark.parametrize(
    "python",
    ["x = [" + "1, " * 10_000 + "]", "x = 1\n" * 1_000, "x = 1" + " + 1" * 100, "s = (" + "'a'\n" * 1_000 + ")"],
)
def test_what_is_only_long_is_fine(python: str) -> None:
    assert parse_code(python)[1] is None


@pytest.mark.parametrize("brackets", ["(", "[", "{", "f(", "lambda: (", "not (", "{0: "])
def test_thousands_of_brackets_are_a_problem_not_a_crash(brackets: str) -> None:
    closing = {"(": ")", "[": "]", "{": "}"}
    python = brackets * 5_000 + "1" + closing.get(brackets.strip()[-1], "}") * 5_000
    assert problem(python)


@pytest.mark.parametrize(
    ("python", "names"),
    [
        ("x = y; z += 1; a, (b, *c) = d", "x z a b c"),
        ("x: int = 1\nfor i in j: k = 1\nwith o() as f: pass", "x i k f"),
        ("import a.b, c as d\nfrom e import g, h as i\nfrom j import *", "a d g i *"),
        ("def f(a=(b := 1)): c = 1\nclass G: d = 1\nh = lambda i: i", "f G h"),
        ("[x for x in y]; {z: (w := z) for z in y}", "w"),
        ("match x:\n case [a, *b]: pass\n case {'k': c, **d}: pass\n case E(f) as g: pass", "a b d c g f"),
        ("try: pass\nexcept E as e: a = 1", "a"),
        ("x.y = 1; z[0] = 2; del q", ""),
    ],
)
def test_names_bound_are_those_of_the_scope(python: str, names: str) -> None:
    assert sorted(names_bound(ast.parse(python))) == sorted(names.split())


@given(st.text() | st.text("()[]{}:=+-'\"\\\n \tabif0123.,#", max_size=40))
def test_any_text_has_a_tree_or_a_problem_inside_it(python: str) -> None:
    tree, found = parse_code(python)
    assert (tree is None) != (found is None)
    if found is not None:
        lines = python.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        for position in (found.range.start, found.range.end):
            assert 1 <= position.line <= len(lines)
            assert 1 <= position.column <= len(lines[position.line - 1]) + 1
