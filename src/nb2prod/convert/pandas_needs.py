"""What pandas loads by itself: the distributions its readers and writers need besides it."""

from __future__ import annotations

import ast
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from nb2prod.convert.data_files import fold
from nb2prod.convert.knowledge import knowledge

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def loaded_by_pandas(tree: ast.AST, constants: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield distribution and reason for what calls make pandas load, where that is certain.

    ``constants`` are the names the notebook binds once to a text.
    """
    if not _uses_pandas(tree):
        return
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        name = node.func.attr
        engine = next((word.value for word in node.keywords if word.arg == "engine"), None)
        if isinstance(engine, ast.Constant) and isinstance(engine.value, str):
            if name.startswith(("read_", "to_")) and engine.value in {
                *knowledge().pandas_functions.values(),
                *knowledge().pandas_spreadsheets.values(),
                "fastparquet",
            }:
                yield engine.value, f"{name} with engine={engine.value!r}"
        elif name in knowledge().pandas_functions:
            yield knowledge().pandas_functions[name], f"{name}"
        elif (
            name in {"read_excel", "to_excel", "ExcelFile", "ExcelWriter"}
            and (suffix := _suffix(node, constants)) in knowledge().pandas_spreadsheets
        ):
            yield knowledge().pandas_spreadsheets[suffix], f"{name} of a {suffix} file"
        elif (
            name in knowledge().pandas_styles
            and isinstance(node.func.value, ast.Attribute)
            and node.func.value.attr == "style"
        ):
            yield "jinja2", "style of a table"


def drawn_by_pandas(tree: ast.AST) -> Iterator[str]:
    """Yield what of pandas' tables ``tree`` calls that loads matplotlib: ``sales.plot()``, ``sales.plot.bar()``.

    For a notebook that imports pandas: which object is a table nobody can tell for sure.
    """
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(attr="plot" | "boxplot" | "hist" as name)):
                yield name
            case ast.Call(func=ast.Attribute(attr=kind, value=ast.Attribute(attr="plot"))):
                yield f"plot.{kind}"


def _uses_pandas(tree: ast.AST) -> bool:
    """Return whether code imports pandas or names it: it may be imported in another cell."""
    return any(
        (isinstance(node, ast.Name) and node.id in {"pd", "pandas"})
        or (isinstance(node, ast.alias) and node.name.partition(".")[0] == "pandas")
        or (isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "pandas")
        for node in ast.walk(tree)
    )


def _suffix(call: ast.Call, constants: Mapping[str, str]) -> str:
    """Return the suffix of the file a call is given, empty where it cannot be told."""
    values = [*call.args[:1], *(word.value for word in call.keywords if word.arg in {"io", "path", "excel_writer"})]
    text = fold(values[0], constants) if values else None
    if text is None and values and isinstance(values[0], ast.BinOp | ast.JoinedStr | ast.Call):
        # `folder + "/table.xlsx"`: the end is known, wherever the rest leads
        texts = [node.value for node in ast.walk(values[0]) if isinstance(node, ast.Constant)]
        text = texts[-1] if texts and isinstance(texts[-1], str) else None
    return PurePosixPath((text or "").partition("?")[0]).suffix.lower()
