"""Whether code compiles, told without compiling it."""

from __future__ import annotations

import ast
from pathlib import PurePath

import pytest

from nb2prod.analysis import analyse_notebook
from nb2prod.checks._compiling import surely_compiles
from nb2prod.notebook.code import read_code
from nb2prod.notebook.model import Notebook

REFUSED = [
    "return 1",
    "def f():\n    pass\nreturn 1",
    "class A:\n    return 1",
    "def f():\n    class A:\n        return 1",
    "break",
    "for x in y:\n    def f():\n        break",
    "for x in y:\n    class A:\n        continue",
    "for x in y:\n    pass\nelse:\n    break",
    "if x:\n    continue",
    "yield 1",
    "class A:\n    yield 1",
    "def f(a, a):\n    return a",
    "f = lambda a, *a: a",
    "def f():\n    return g(a=1, a=2)",
    "def f():\n    class A(metaclass=M, metaclass=M):\n        pass",
    "def f():\n    try:\n        pass\n    except:\n        pass\n    except ValueError:\n        pass",
    "def f():\n    x = 1\n    global x",
    "nonlocal x",
    "def f():\n    from os import *",
    "def f():\n    from __future__ import annotations",
    "def f():\n    __debug__ = 1",
    "def f():\n    x = *a",
    "def f():\n    *a, *b = x",
    "def f():\n    return [y := 1 for y in x]",
    "def f():\n    match x:\n        case y:\n            pass\n        case 1:\n            pass",
    "def f():\n    for x in y:\n        [await z for z in x]",
    "".join(f"{'    ' * depth}for x in y:\n" for depth in range(45)) + "    " * 45 + "break",
]
USUAL = [
    "def f(a, b=1, *c, d, **e):\n    for x in a:\n        if x:\n            break\n    return b",
    "class A:\n    def f(self):\n        while True:\n            continue\n        return lambda x: x",
    "for x in y:\n    with z:\n        break",
]


@pytest.mark.parametrize("source", REFUSED)
def test_what_the_compiler_refuses_is_not_taken_to_compile(source: str) -> None:
    tree = ast.parse(source)
    with pytest.raises(SyntaxError):
        compile(source, "<cell>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    assert not _surely_compiles(source, tree)


@pytest.mark.parametrize("source", USUAL)
def test_functions_and_loops_as_usual_are_not_compiled(source: str) -> None:
    assert _surely_compiles(source, ast.parse(source))


def _surely_compiles(source: str, tree: ast.Module) -> bool:
    name = PurePath("cell.py")
    notebook = Notebook(name, (read_code(name, 1, None, source, {}),), "python", (4, 5), {})
    return surely_compiles(analyse_notebook(notebook), tree, source)
