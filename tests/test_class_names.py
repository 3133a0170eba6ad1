"""What classes call themselves in a package: as in the notebook, where that shows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from notebooks import document, printed

from nb2prod.convert.api import convert_notebook

if TYPE_CHECKING:
    from pathlib import Path

DOG = "class Dog:\n    def __init__(self, name): self.name = name\nrex = Dog('Rex')"


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ((DOG, "print(type(rex))"), "<class '__main__.Dog'>\n"),
        ((DOG, "print(f'{rex.__class__}')"), "<class '__main__.Dog'>\n"),
        ((DOG, "print(str(Dog))"), "<class '__main__.Dog'>\n"),
        ((DOG, "print(rex)"), "<__main__.Dog object at 0x"),
        (("if True:\n    class Cat: pass\n    print(type(Cat()))",), "<class '__main__.Cat'>\n"),
        (
            ("n = 2\nfor n in [1]:\n    class Cat:\n        'Purrs.'\n        legs = n\nprint(Cat)",),
            "<class '__main__.Cat'>\n",
        ),
        (
            ("from dataclasses import dataclass\n@dataclass\nclass P:\n    x: int = 1\nprint(P(), type(P()))",),
            "P(x=1) <class '__main__.P'>\n",
        ),
        (("from enum import Enum\nclass C(Enum):\n    R = 1\nprint(C.R, list(C), C)",), "C.R [<C.R: 1>] <enum 'C'>\n"),
        (
            ("from typing import NamedTuple\nclass T(NamedTuple):\n    a: int\nprint(T(1), type(T(1)))",),
            "T(a=1) <class '__main__.T'>\n",
        ),
    ],
)
def test_a_class_prints_the_module_it_had_in_the_notebook(
    cells: tuple[str, ...], expected: str, tmp_path: Path
) -> None:
    assert printed(tmp_path, *cells).startswith(expected)


def test_a_notebook_that_was_saved_shows_what_it_was_saved_with(tmp_path: Path) -> None:
    notebook = json.loads(document(DOG, "print([rex])"))
    for text, shows in (("[<__main__.Dog object at 0x7f12]>\n", True), ("[Rex]\n", False)):
        notebook["cells"][1]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": text}]
        conversion = convert_notebook(tmp_path / "n.ipynb", content=json.dumps(notebook).encode())
        assert (b"__module__" in conversion.package.files["src/n/steps.py"]) == shows


def test_a_class_that_is_looked_up_in_its_module_says_which_that_is(tmp_path: Path) -> None:
    again = "import pickle\nprint(type(pickle.loads(pickle.dumps(rex))))"

    assert printed(tmp_path, DOG, again) == "<class 'n.steps.Dog'>\n"


@pytest.mark.parametrize(
    ("cells", "shows"),
    [
        ((DOG, "print(rex.name)"), False),
        ((DOG, "print(type(rex).__name__)"), False),
        (("class Cat:\n    def __repr__(self): return 'cat'", "print(Cat())"), False),
    ],
)
def test_a_class_says_nothing_of_a_module_nobody_sees(cells: tuple[str, ...], *, shows: bool, tmp_path: Path) -> None:
    conversion = convert_notebook(tmp_path / "n.ipynb", content=document(*cells))

    assert (b"__module__" in conversion.package.files["src/n/steps.py"]) == shows
    assert any("instead of `__main__`" in note for note in conversion.plan.notes) != shows


def test_functions_inside_a_step_can_be_pickled(tmp_path: Path) -> None:
    cells = ("import pickle\nn = 1", "def f():\n    return n", "kept = [f]\ns = pickle.dumps(kept)", "n = 2")

    assert printed(tmp_path, *cells, "print(pickle.loads(s)[0]())") == "2\n"


@pytest.mark.parametrize(
    "cells",
    [
        ("import pickle\nn = 1", "class A:\n    def f(self): return n", "n = 2", "a = A()\ns = pickle.dumps(a)"),
        ("import pickle", "class A: pass", "class A(A):\n    def f(self): return 2", "s = pickle.dumps(A())"),
        ("import pickle\nn = 2\nif n:\n    class A:\n        def f(self): return n\nn += 0\ns = pickle.dumps(A())",),
    ],
)
def test_objects_of_a_class_inside_a_step_can_be_pickled(cells: tuple[str, ...], tmp_path: Path) -> None:
    assert printed(tmp_path, *cells, "print(pickle.loads(s).f())") == "2\n"


def test_what_workers_of_joblib_are_given_is_no_part_of_the_module(tmp_path: Path) -> None:
    cells = ("import pickle\nn = 1\nfit(n_jobs=2)", "class A:\n    def f(self): return n", "n = 2\npickle.dumps(A())")
    conversion = convert_notebook(tmp_path / "n.ipynb", content=document(*cells))

    assert "globals()" not in conversion.package.files["src/n/steps.py"].decode()
