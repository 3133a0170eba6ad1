"""Suppression comments: where they count, what they name, and what is no comment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from nb2prod.diagnostics import Finding, Rule, Severity
from nb2prod.notebook.read import parse_notebook
from nb2prod.suppress import silencing, suppressions

if TYPE_CHECKING:
    from nb2prod.notebook.model import CodeCell

RULE = Rule("NB301", "hardcoded-path", "", Severity.ERROR, "none", "0.1.0")


def cell_of(source: str) -> CodeCell:
    cell: dict[str, Any] = {
        "cell_type": "code",
        "source": source,
        "metadata": {},
        "outputs": [],
        "execution_count": None,
    }
    notebook = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
    (code,) = parse_notebook(json.dumps(notebook), Path("x.ipynb")).code_cells
    return code


def is_silent(source: str, line: int, end_line: int | None = None) -> bool:
    cell = cell_of(source)
    return bool(silencing(cell, Finding(cell.location(line, 1, end_line, 2), "x"), RULE, suppressions(cell)))


@pytest.mark.parametrize(
    ("comment", "expected"),
    [
        ("# nb2prod: ignore", None),
        ("#nb2prod:ignore", None),
        ("# nb2prod: ignore the path is a mount", None),
        ("# nb2prod: ignore[NB301]", ("NB301",)),
        ("# nb2prod: ignore[hardcoded-path, NB1] on purpose", ("hardcoded-path", "NB1")),
        ("# type: ignore  # nb2prod: ignore[NB301]", ("NB301",)),
        ("# nb2prod: ignore[NB301]  # noqa: F401", ("NB301",)),
        ("# nb2prod: ignore[]", ()),
    ],
)
def test_a_comment_names_rules_or_all(comment: str, expected: tuple[str, ...] | None) -> None:
    (found,) = suppressions(cell_of(f"x = 1  {comment}"))
    assert (found.line, found.rules) == (1, expected)


@pytest.mark.parametrize(
    "source",
    [
        'x = "# nb2prod: ignore"',
        'x = """\n# nb2prod: ignore\n"""',
        "x = 1  # nb2prod: ignored",
        "x = 1  # nb2prod: ignore[NB301",
        "x = 1  # see nb2prod",
        '!echo "# nb2prod: ignore"',
    ],
)
def test_what_is_no_such_comment_suppresses_nothing(source: str) -> None:
    assert suppressions(cell_of(source)) == ()


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        ("", True),
        ("[NB301]", True),
        ("[hardcoded-path]", True),
        ("[NB3]", True),
        ("[NB302, NB301]", True),
        ("[NB302]", False),
        ("[]", False),
    ],
)
def test_only_the_rules_named_are_silent(listed: str, expected: bool) -> None:
    assert is_silent(f"x = 1  # nb2prod: ignore{listed}", 1) is expected


@pytest.mark.parametrize(
    ("source", "line", "expected"),
    [
        ("a = 1\nb = 2  # nb2prod: ignore", 2, True),
        ("a = 1\nb = 2  # nb2prod: ignore", 1, False),
        ("# nb2prod: ignore\nb = 2", 2, False),
        ("f(  # nb2prod: ignore\n    1,\n    2,\n)", 3, True),
        ("f(\n    1,\n    2,\n)  # nb2prod: ignore", 3, True),
        ("f(\n    1,  # nb2prod: ignore\n    2,\n)", 3, False),
        ("if a:  # nb2prod: ignore\n    b = 1", 2, False),
        ("if a:\n    b = (  # nb2prod: ignore\n        1\n    )", 3, True),
        ("if (  # nb2prod: ignore\n    a\n):\n    b = 1", 2, True),
        ("def f():  # nb2prod: ignore\n    return 1", 2, False),
        ("match a:  # nb2prod: ignore\n    case 1:\n        b = 1", 3, False),
    ],
)
def test_a_comment_counts_for_its_line_and_its_statement(source: str, line: int, expected: bool) -> None:
    assert is_silent(source, line) is expected


def test_a_comment_after_a_long_string_counts_for_the_string() -> None:
    """On the first line of such a string no comment can stand."""
    assert is_silent('x = """\na\nb"""  # nb2prod: ignore', 1, 3)
    assert is_silent('x = """\na\nb"""  # nb2prod: ignore', 2)


@pytest.mark.parametrize(
    "source", ["!pip install x  # nb2prod: ignore", "%cd /data  # nb2prod: ignore", "x = !ls  # nb2prod: ignore"]
)
def test_a_comment_on_a_magic_or_shell_line_counts(source: str) -> None:
    assert is_silent(source, 1)


def test_a_comment_in_the_body_of_a_cell_magic_counts() -> None:
    assert is_silent("%%bash\ncd /data\npip install x  # nb2prod: ignore", 3)
    assert not is_silent("%%bash\ncd /data\npip install x  # nb2prod: ignore", 2)


def test_a_comment_in_a_cell_that_does_not_parse_counts() -> None:
    assert is_silent("x = = 1  # nb2prod: ignore", 1)


def test_a_comment_before_a_backslash_at_the_very_end_counts() -> None:
    assert is_silent("x = 1  # nb2prod: ignore\ny = 2", 1)
