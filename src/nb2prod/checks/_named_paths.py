"""Absolute paths that nothing but the name they are given to tells from other texts."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from nb2prod.patterns import lazy_pattern
from nb2prod.places import MachinePath

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.notebook.model import CodeCell

# Two folders and more, or a file; nothing that is on any system, and no route of a service.
_PATH = lazy_pattern(
    r"/(?!(?:api|bin|dev|etc|proc|static|sys|tmp|usr|v\d+)(?:/|$))[\w@-][\w.@-]*(?:/[\w .@-]+)*"
    r"(?:/[\w .@-]+/?|\.\w{1,8})"
)
# How such a path begins where it is written.
_HINTS = ("'/", '"/')
_DRIVE = lazy_pattern(r"[A-Za-z]:[\\/]+")
# The last word of a name says what it holds, any of the others that it is a path of another kind.
_LAST = frozenset({"checkpoint", "ckpt", "dir", "directory", "file", "filename", "folder", "path", "root", "weights"})
_OTHER = frozenset(
    {"api", "blob", "bucket", "container", "docker", "endpoint", "hdfs", "http", "key", "prefix", "remote", "route"}
    | {"s3", "uri", "url", "xpath"}
)
# The nodes that give something a name.
_GIVING = frozenset({ast.Assign, ast.AnnAssign, ast.Call, ast.keyword, ast.Dict, ast.arguments})
_WORD = lazy_pattern(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def named_paths(analysis: Analysis) -> Iterator[MachinePath]:
    """Yield absolute paths given to names such as ``data_dir``, and drives that other parts are joined to."""
    for cell in analysis.notebook.code_cells:
        if cell.tree is not None and any(hint in cell.source for hint in _HINTS):
            for node in analysis.nodes(cell.tree):
                for name, value in _given(node) if node.__class__ in _GIVING else ():
                    if isinstance(value, ast.Constant) and isinstance(value.value, str) and _is_path(name, value.value):
                        yield MachinePath(value.value, cell.locate(value), None, cell, value)
    for call in analysis.calls_of("os.path.join", "pathlib.Path"):
        for each in call.node.args[:1]:
            if isinstance(each, ast.Constant) and isinstance(each.value, str) and _DRIVE.fullmatch(each.value):
                yield MachinePath(each.value, call.cell.locate(each), "lies on a Windows drive", call.cell, each)


def is_provided_for(analysis: Analysis, path: MachinePath) -> bool:
    """Whether a path of a hosted service stands where the notebook has asked whether it runs there."""
    service = next((word for word in ("colab", "kaggle", "databricks") if word in (path.place or "").lower()), None)
    if service is None or path.cell.tree is None:
        return False
    return any(_asks(node, service, path, path.cell) for node in analysis.nodes(path.cell.tree))


def _asks(node: ast.AST, service: str, path: MachinePath, cell: CodeCell) -> bool:
    if not isinstance(node, (ast.If, ast.IfExp)) or service not in ast.unparse(node.test).lower():
        return False
    span = cell.locate(node).range
    return span.start <= path.location.range.start and path.location.range.end <= span.end


def _given(node: ast.AST) -> Iterator[tuple[str, ast.expr | None]]:
    """Yield names and what they are given: in assignments, keyword arguments, dictionaries, options of a program."""
    match node:
        case ast.Assign(targets=[target], value=value):
            yield _name(target), value
        case ast.AnnAssign(target=target, value=value):
            yield _name(target), value
        case ast.Call(func=ast.Attribute(attr="add_argument"), args=[*_, ast.Constant(value=str(option))]):
            yield from ((option, each.value) for each in node.keywords if each.arg == "default")
        case ast.keyword(arg=str() as name, value=value) if name != "default":
            yield name, value
        case ast.Dict(keys=keys, values=values):
            yield from ((_name(key), value) for key, value in zip(keys, values, strict=True) if key is not None)
        case ast.arguments(args=args, defaults=defaults):
            yield from zip((each.arg for each in args[len(args) - len(defaults) :]), defaults, strict=True)


def _name(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.Constant(value=str() as name):
            return name
        case ast.Subscript(slice=ast.Constant(value=str() as name)):
            return name
        case _:
            return ""


def _is_path(name: str, text: str) -> bool:
    words = [word.lower() for word in _WORD.findall(name)]
    told = bool(words) and words[-1] in _LAST and _OTHER.isdisjoint(words)
    return told and _PATH.fullmatch(text) is not None and not re.search(r"path/to|your", text)
