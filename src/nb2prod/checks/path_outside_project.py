"""path-outside-project: a path leads out of the project, from wherever the notebook happens to run."""

from __future__ import annotations

import ast
import os
from pathlib import Path
from typing import TYPE_CHECKING

from nb2prod.diagnostics import Finding
from nb2prod.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis

# What a path that goes up has in it where it is written, `...` is none.
_WORDS = ("../", "..\\", "..'", '.."')
# What goes up without dots.
_GOES_UP = ("pardir", "cwd().parent", "cwd())", "getcwd().", "().resolve().parent", "().absolute().parent")
# Methods that take the end off the text of the folder the notebook runs in: `os.getcwd().replace("notebooks", "")`.
_CUTS = frozenset({"removesuffix", "replace"})
_DIVIDES = frozenset({"partition", "rpartition", "rsplit", "split"})
_UPWARD = lazy_pattern(r"\.\.(?:[/\\]|$)")
_NO_PATH = lazy_pattern(r"[\n\t<>|^]|\.\.\.|://")
# What these do has rules of its own, or shows the path only.
_SEARCHED = ("sys.path", "os.chdir", "%cd")
_OTHERS = ("sys.path", "os.chdir", "print", "re.", "site.")


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield the first such path of each cell."""
    written = (*(_WORDS if analysis.mentions("..") else ()), *_GOES_UP)
    words = [word for word in written if analysis.mentions(word)]
    # A folder above that is only searched for modules, or entered, is what other rules are about.
    searched = analysis.mentions(*_SEARCHED)
    for cell in analysis.notebook.code_cells if words else ():
        if cell.tree is None or not any(word in cell.source for word in words):
            continue
        found = [node for node, text in _paths(cell.tree, searched=searched) if _leaves(analysis, text)]
        if found:
            first = min(found, key=lambda node: (node.lineno, node.col_offset))
            project = analysis.project
            alone = project is None or project.root == project.folder
            more = f" (also {len(found) - 1} more in this cell)" if len(found) > 1 else ""
            yield Finding(
                cell.locate(first),
                f"`{_text(first)}` leads out of {'its folder' if alone else 'the project'}, to a place that depends on "
                f"where the notebook runs; take the folder from configuration{more}",
            )


def _paths(tree: ast.AST, *, searched: bool) -> Iterator[tuple[ast.expr, str]]:
    """Yield the expressions that are paths which begin by going up, and what they say.

    ``searched``: a folder above may be meant for something else, unless a file in it is named.
    """
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        match node:
            case ast.Expr(value=ast.Constant()) | ast.Compare():
                continue
            case ast.Call(func=func) if ast.unparse(func).startswith(_OTHERS):
                continue
            case ast.Call(args=[ast.Constant(value=".."), *rest]) if rest:  # os.path.join("..", "data")
                parts = [part.value if isinstance(part, ast.Constant) else "" for part in node.args]
                yield node.args[0], "/".join(str(part) for part in parts)
                continue
            case ast.Call(func=ast.Attribute(attr="join"), args=[_, *_]) if ups := _joined_ups(node.args):
                yield node, "../" * ups + "…"
                continue
            case ast.BinOp(left=left, op=ast.Div() | ast.Add(), right=ast.Constant(value=str(rest))) if ups := _ups(
                left
            ):
                yield node, "../" * ups + rest.lstrip("/")
                continue
            case ast.Call() | ast.Attribute() | ast.Subscript() if not searched and (ups := _ups(node)):
                yield node, "../" * ups
                continue
            case ast.JoinedStr() | ast.Constant(value=str()):
                text = _text(node)
                if _UPWARD.match(text) and not _NO_PATH.search(text) and text not in {"..", "../", "..\\"}:
                    yield node, text
                continue
        waiting += ast.iter_child_nodes(node)


def _joined_ups(parts: list[ast.expr]) -> int:
    """Return how many folders up a path joined of ``parts`` begins."""
    first, *rest = parts
    if not (_is_parent(first) or _is_here(first)):
        return _ups(first)
    return _is_parent(first) + sum(_is_parent(each) for each in rest)


def _is_parent(node: ast.expr) -> bool:
    """Whether an expression is ``os.pardir``, or what it says."""
    if isinstance(node, ast.Constant):
        return node.value == ".."
    return isinstance(node, ast.Attribute) and node.attr == "pardir"


def _ups(node: ast.expr) -> int:
    """Return how many folders above the one the notebook runs in an expression is; 0 for anything else."""
    match node:
        case ast.Attribute(value=value, attr="parent"):
            return _above(value)
        case ast.Subscript(value=ast.Attribute(value=value, attr="parents"), slice=ast.Constant(value=int(number))):
            return number + 1 if number >= 0 and _is_here(value) else 0
        case ast.Call(func=ast.Attribute(attr="dirname"), args=[value]):
            return _above(value)
        case ast.Call(func=ast.Attribute(value=value, attr=attr)) if attr in _CUTS:
            return int(_is_here(value))
        case ast.Subscript(value=ast.Call(func=ast.Attribute(value=value, attr=attr)), slice=ast.Constant(value=0)):
            return int(attr in _DIVIDES and _is_here(value))
        case ast.Call(func=ast.Name(id="Path"), args=[ast.Constant(value="..")]):
            return 1
        case _:
            return 0


def _above(node: ast.expr) -> int:
    return 1 if _is_here(node) else (ups + 1 if (ups := _ups(node)) else 0)


def _is_here(node: ast.expr) -> bool:
    """Whether an expression is the folder the notebook runs in: ``os.getcwd()``, ``Path().resolve()``."""
    match node:
        case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name), args=[]) if name in {"getcwd", "cwd", "Path"}:
            return True
        case ast.Call(func=ast.Name(id="Path"), args=[ast.Constant(value="." | "")]):
            return True
        case ast.Call(func=ast.Attribute(value=value, attr="resolve" | "absolute"), args=[]):
            return _is_here(value)
        case ast.Call(func=ast.Attribute(attr="abspath" | "realpath"), args=[value]):
            return _is_here(value) or (isinstance(value, ast.Constant) and value.value in {"", "."})
        case ast.Call(func=ast.Name(id="str"), args=[value]):
            return _is_here(value)
        case _:
            return False


def _text(node: ast.expr) -> str:
    match node:
        case ast.Call() | ast.BinOp() | ast.Attribute() | ast.Subscript():
            return ast.unparse(node)
        case ast.Constant(value=str() as text):
            return text
        case ast.JoinedStr(values=[ast.Constant(value=str() as text), *_]):
            return f"{text}…"
    return ""


def _leaves(analysis: Analysis, text: str) -> bool:
    """Whether a path leads out of the project; without one around it any way up does."""
    project = analysis.project
    if project is None or project.root == project.folder:
        return True
    target = Path(os.path.normpath(project.folder / text.replace("\\", "/")))
    return not target.is_relative_to(project.root)
