"""The texts a notebook was saved with, who can have made them, and the words in them that its code writes."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from nb2prod.saved_outputs import joined_text, output_kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nb2prod.notebook.model import CodeCell, Notebook

_NEWEST = (3, 99)
# Tables have a style since pandas 0.20, and no pandas before that runs on a Python from 3.7 on.
_OLD_TABLE = re.compile(r"\s*<div>\s*<table")
_NO_OLD_PANDAS = (3, 7)
_TABLE = 'class="dataframe"'
_FUNCTION = re.compile(r"<(?:function|bound method) [\w.<>]+\(")
_NOTHING = ast.Module([], [])
# What runs for some values only.
_SOMETIMES = (ast.If, ast.Try, ast.While, ast.IfExp, ast.Match, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def saved_python(notebook: Notebook) -> tuple[int, int]:
    """Return the version of Python the notebook was saved by; the newest where it does not say."""
    info = notebook.metadata.get("language_info")
    version = re.match(r"(\d+)\.(\d+)", str(info.get("version", ""))) if isinstance(info, dict) else None
    return (int(version[1]), int(version[2])) if version else _NEWEST


def is_table(output: Mapping[str, object]) -> bool:
    """Return whether a displayed value was shown as a table of pandas."""
    data = output.get("data")
    html = data.get("text/html") if isinstance(data, dict) else None
    return html is not None and _TABLE in joined_text(html)


def is_older(output: Mapping[str, object], python: tuple[int, int]) -> bool:
    """Return whether ``python``, which saved the notebook, cannot have made this table: its cell ran before."""
    data = output.get("data")
    html = data.get("text/html") if isinstance(data, dict) else None
    return python >= _NO_OLD_PANDAS and html is not None and _OLD_TABLE.match(joined_text(html)) is not None


def raw_text(cell: CodeCell) -> str:
    """Return all that was saved of a cell's standard output."""
    streams = (each for each in cell.outputs if output_kind(each) == "stream" and each.get("name") == "stdout")
    return "".join(joined_text(each.get("text", "")) for each in streams)


def displayed_text(output: Mapping[str, object]) -> str | None:
    """Return a displayed value as text; None for figures, and for what only the notebook's printer writes so.

    That are formulas, and functions with their arguments: ``<function __main__.f(x)>``.
    """
    data = output.get("data", output)
    if not isinstance(data, dict) or "text/latex" in data:
        return None
    text = data.get("text/plain", data.get("text"))
    if text is None or is_figure_text(joined_text(text)) or _FUNCTION.search(joined_text(text)):
        return None
    return joined_text(text)


def is_figure_text(text: str) -> bool:
    """Return whether a displayed value was a figure of matplotlib: ``<Figure size 640x480 with 1 Axes>``."""
    return text.startswith(("<Figure size ", "<matplotlib.figure.Figure "))


def certain_words(cell: CodeCell) -> frozenset[str]:
    """Return the words that the literals of a cell's prints write, whatever values they are given."""
    texts = [text for node in (cell.tree or _NOTHING).body for text in _printed(node)]
    return frozenset(word for text in texts for word in text.replace(":", " ").replace("=", " ").split())


def named_in(tree: ast.AST) -> frozenset[str]:
    """Return every name and attribute that is used in ``tree``."""
    return frozenset(
        node.id if isinstance(node, ast.Name) else node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Name | ast.Attribute)
    )


def _printed(node: ast.AST, *, inside: bool = False) -> Iterator[str]:
    match node:
        case _ if isinstance(node, _SOMETIMES):
            return
        case ast.For() if any(isinstance(each, ast.Break | ast.Continue) for each in ast.walk(node)):
            return
        case ast.Call(func=ast.Name(id="print")):
            inside = True
        case ast.Constant(value=str(text)) if inside:
            yield text
    for child in ast.iter_child_nodes(node):
        yield from _printed(child, inside=inside)
