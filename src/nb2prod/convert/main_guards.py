"""``if __name__ == "__main__":``: in a kernel it always holds, so what stands below it are statements of its cell."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.convert.rewriting import Rewriting
from nb2prod.notebook.location import offsets
from nb2prod.notebook.parse import parse_code

if TYPE_CHECKING:
    from nb2prod.analysis import Analysis
    from nb2prod.notebook.model import CodeCell, Notebook

# Told to display more than the last expression of a cell, the kernel still displays nothing of an ``if``.
_INTERACTIVITY = "ast_node_interactivity"


def open_main_guards(analysis: Analysis) -> Notebook:
    """Return the notebook with the bodies of its main guards in their places, each line where it was."""
    notebook = analysis.notebook
    rewriting = Rewriting()
    for cell in notebook.code_cells:
        for guard in main_guards(cell, notebook):
            rewriting.replace(cell, guard, _opened(cell, guard))
    return rewriting.applied(notebook) if rewriting.texts else notebook


def main_guards(cell: CodeCell, notebook: Notebook) -> list[ast.If]:
    """Return the top-level main guards of a cell that are opened: none with an ``else`` or with a magic inside.

    The same code comes out, or the guard stays.
    """
    if cell.tree is None or cell.run_by or "__name__" not in cell.python or not _is_main(notebook):
        return []
    return [
        node
        for node in cell.tree.body
        if isinstance(node, ast.If)
        and not node.orelse
        and _asks_for_main(node.test)
        and node.test.end_lineno == node.lineno
        and not any(node.lineno <= magic.range.start.line <= (node.end_lineno or 0) for magic in cell.magics)
        and _is_code(_opened(cell, node), node.body)
    ]


def _is_main(notebook: Notebook) -> bool:
    """Return whether ``__name__`` is the kernel's all the way, and each cell displays its last expression."""
    trees = [cell.tree for cell in notebook.code_cells if cell.tree is not None and "__name__" in cell.python]
    stored = any(
        isinstance(node, ast.Name) and node.id == "__name__" and not isinstance(node.ctx, ast.Load)
        for tree in trees
        for node in ast.walk(tree)
    )
    return not stored and not any(_INTERACTIVITY in cell.source for cell in notebook.code_cells)


def _asks_for_main(test: ast.expr) -> bool:
    match test:
        case (
            ast.Compare(left=ast.Name(id="__name__"), ops=[ast.Eq()], comparators=[ast.Constant(value="__main__")])
            | ast.Compare(left=ast.Constant(value="__main__"), ops=[ast.Eq()], comparators=[ast.Name(id="__name__")])
        ):
            return True
        case _:
            return False


def _opened(cell: CodeCell, guard: ast.If) -> str:
    """Return the body of a guard as statements of the cell, on as many lines as the guard has."""
    text = _without_display(cell, guard)
    first = guard.body[0]
    decorators = getattr(first, "decorator_list", [])
    begins = min((each.lineno for each in decorators), default=first.lineno)
    header, *lines = text.split("\n")
    if begins == guard.lineno:
        return text[cell.locate(first).range.start.column - cell.locate(guard).range.start.column :]
    indented = lines[begins - guard.lineno - 1]
    indentation = indented[: len(indented) - len(indented.lstrip())]
    inside = _inside_texts(guard)
    comment = header[header.index("#") :] if "#" in header else ""
    opened = (
        line if number in inside else _dedented(line, indentation)
        for number, line in enumerate(lines, start=guard.lineno + 1)
    )
    return "\n".join((comment, *opened))


def _is_code(text: str, body: list[ast.stmt]) -> bool:
    """Return whether a text is the code of these statements."""
    tree, _ = parse_code(text)
    return tree is not None and ast.dump(tree) == ast.dump(ast.Module(body, []))


def _without_display(cell: CodeCell, guard: ast.If) -> str:
    """Return the text of a guard; a semicolon keeps the kernel's silence where its cell ends with it."""
    start, end = offsets(cell.python, cell.locate(guard).range)
    text = cell.python[start:end]
    is_last = cell.tree is not None and guard is cell.tree.body[-1]
    ends_silently = text.endswith(";") or cell.python[end:].lstrip(" \t").startswith(";")
    return f"{text};" if is_last and isinstance(guard.body[-1], ast.Expr) and not ends_silently else text


def _inside_texts(guard: ast.If) -> frozenset[int]:
    """Return the lines that begin inside a string: what they begin with is part of it."""
    return frozenset(
        line
        for node in ast.walk(guard)
        if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, (str, bytes)))
        for line in range(node.lineno + 1, (node.end_lineno or node.lineno) + 1)
    )


def _dedented(line: str, indentation: str) -> str:
    if line.startswith(indentation):
        return line[len(indentation) :]
    return line.lstrip() if not line.strip() or line.lstrip().startswith("#") else line
