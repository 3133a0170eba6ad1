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
_GOES_UP = ("pardir", "cwd().parent")
_UPWARD = lazy_pattern(r"\.\.(?:[/\\]|$)")
_NO_PATH = lazy_pattern(r"[\n\t<>|^]|\.\.\.|://")
# What these do has rules of its own, or shows the path only.
_OTHERS = ("sys.path", "os.chdir", "print", "re.", "site.")


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield the first such path of each cell."""
    written = (*(_WORDS if analysis.mentions("..") else ()), *_GOES_UP)
    words = [word for word in written if analysis.mentions(word)]
    for cell in analysis.notebook.code_cells if words else ():
        if cell.tree is None or not any(word in cell.source for word in words):
            continue
        found = [node for node, text in _paths(cell.tree) if _leaves(analysis, text)]
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


def _paths(tree: ast.AST) -> Iterator[tuple[ast.expr, str]]:
    """Yield the texts that are paths which begin by going up."""
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
            case ast.Call(func=ast.Attribute(attr="join"), args=[first, *_]) if _is_parent(first):
                ups = sum(_is_parent(each) for each in node.args)
                yield node, "../" * ups + "…"
                continue
            case ast.BinOp(left=left, op=ast.Div(), right=ast.Constant(value=str(rest))) if ups := _parents(left):
                yield node, "../" * ups + rest
                continue
            case ast.JoinedStr() | ast.Constant(value=str()):
                text = _text(node)
                if _UPWARD.match(text) and not _NO_PATH.search(text) and text not in {"..", "../", "..\\"}:
                    yield node, text
                continue
        waiting += ast.iter_child_nodes(node)


def _is_parent(node: ast.expr) -> bool:
    """Whether an expression is ``os.pardir``."""
    return isinstance(node, ast.Attribute) and node.attr == "pardir"


def _parents(node: ast.expr) -> int:
    """Return how many folders up ``Path.cwd().parent.parent`` is; 0 for anything else."""
    ups = 0
    while isinstance(node, ast.Attribute) and node.attr == "parent":
        ups, node = ups + 1, node.value
    is_here = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "cwd"
    return ups if is_here else 0


def _text(node: ast.expr) -> str:
    match node:
        case ast.Call() | ast.BinOp():
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
