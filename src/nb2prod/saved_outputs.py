"""What a cell was saved with: the text it printed, and whether that can come from the cell as it stands."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from nb2prod.analysis import Analysis
    from nb2prod.dataflow.model import Statement
    from nb2prod.notebook.model import CodeCell, Notebook


def mismatch(cell: CodeCell, statements: list[Statement], *, prints: bool) -> tuple[ast.AST | None, str] | None:
    """Return where and why the saved outputs of ``cell`` cannot belong to its source; None where they can.

    prints  ``print`` is the builtin throughout the notebook
    """
    if cell.magics:
        return None
    result = next((each for each in cell.outputs if output_kind(each) == "execute_result"), None)
    if result is not None:
        if statements and not isinstance(statements[-1].node, ast.Expr):
            return statements[-1].node, (
                "the saved result cannot come from this cell, which ends in no expression: it was edited after it ran"
            )
        count = result.get("execution_count")
        if isinstance(count, int) and cell.execution_count is not None and count != cell.execution_count:
            return (
                None,
                f"the saved result is of run number {count}, the cell's last run is number {cell.execution_count}",
            )
    text = printed_text(cell)
    if text is None:
        return None
    if all(_is_silent(each.node) for each in statements):
        return None, "the saved text cannot come from this cell, which only defines: it was edited after it ran"
    missing = _missing_print(cell, statements, text) if prints else None
    if missing is not None:
        shown = str(missing.value).strip().partition("\n")[0]
        return missing, f"`{shown}` is printed here and not in the saved output: the cell was edited after it ran"
    return None


def is_cleared(notebook: Notebook) -> bool:
    """Whether nothing is left of a run of several cells: no count, no output. One cell alone has no order."""
    cells = [cell for cell in notebook.code_cells if cell.source.strip()]
    return len(cells) > 1 and not any(cell.execution_count is not None or cell.outputs for cell in cells)


def output_kind(output: object) -> str:
    """Return the type of a saved output, empty where it says none."""
    return str(output.get("output_type")) if hasattr(output, "get") else ""


def has_image(output: Mapping[str, object]) -> bool:
    """Return whether a saved output has a picture."""
    data = output.get("data")
    return isinstance(data, dict) and "image/png" in data


def joined_text(text: object) -> str:
    """Return a text that the notebook format lets be cut into a list of lines, whatever stands in the list."""
    return "".join(map(str, text)) if isinstance(text, list) else str(text)


def printed_text(cell: CodeCell) -> str | None:
    """Return what the cell wrote to standard output; None where it wrote nothing or the text may not be whole."""
    parts = []
    for output in cell.outputs:
        if output_kind(output) == "stream" and output.get("name") == "stdout":
            text = output.get("text", "")
            parts.append(joined_text(text))
    joined = "".join(parts)
    whole = joined.strip() and "\r" not in joined and "\b" not in joined and "truncated" not in joined
    return joined if whole else None


def output_texts(analysis: Analysis) -> Mapping[int, Sequence[str]]:
    """Return the texts among the outputs of each cell that has some, by the cell's index; see ``_output_texts``."""
    return analysis.once(_texts_by_cell)


def _texts_by_cell(analysis: Analysis) -> Mapping[int, Sequence[str]]:
    return {cell.index: tuple(_output_texts(cell)) for cell in analysis.notebook.code_cells if cell.outputs}


def _output_texts(cell: CodeCell) -> Iterator[str]:
    """Yield the texts among a cell's outputs: streams, results as text, HTML or JSON, tracebacks. Pictures are none."""
    for output in cell.outputs:
        if not hasattr(output, "get"):
            continue
        yield from _strings(output.get("text"))
        yield from _strings(output.get("traceback"))
        data = output.get("data")
        if isinstance(data, dict):
            for kind, value in data.items():
                if kind.startswith("text/") or kind == "application/json":
                    yield from _strings(value)


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        if all(isinstance(each, str) for each in value):
            yield "".join(value)
        else:
            for each in value:
                yield from _strings(each)
    elif isinstance(value, dict):
        for key, each in value.items():
            # What is told by its key only makes sense with it.
            yield from (f"{key}: {text}" for text in _strings(each))


def _is_silent(node: ast.stmt) -> bool:
    """Whether running ``node`` prints nothing, for sure: definitions without decorators, constants."""
    match node:
        case ast.FunctionDef(decorator_list=[]) | ast.AsyncFunctionDef(decorator_list=[]):
            return not any(isinstance(each, ast.Call) for each in ast.walk(node.args))
        case ast.Assign(value=value, targets=targets):
            return all(isinstance(each, ast.Name) for each in targets) and _is_literal(value)
        case ast.Pass() | ast.Expr(value=ast.Constant()):
            return True
        case _:
            return False


def _is_literal(node: ast.expr) -> bool:
    return all(
        isinstance(each, (ast.Constant, ast.List, ast.Tuple, ast.Set, ast.Dict, ast.UnaryOp, ast.unaryop, ast.Load))
        for each in ast.walk(node)
    )


def _missing_print(cell: CodeCell, statements: list[Statement], text: str) -> ast.Constant | None:
    """Return the first string that a ``print`` at top level surely writes and the saved text does not have."""
    if "clear_output" in cell.source or "redirect" in cell.source:
        return None
    for statement in statements:
        match statement.node:
            case ast.Expr(value=ast.Call(func=ast.Name(id="print"), args=args, keywords=keywords)) if not any(
                each.arg in ("file", None) for each in keywords
            ):
                for part in _texts(args):
                    if isinstance(part.value, str) and part.value.strip() not in text:
                        return part
    return None


def _texts(arguments: list[ast.expr]) -> Iterator[ast.Constant]:
    """Yield the constants among what is printed, and those of formatted strings."""
    for argument in arguments:
        for part in argument.values if isinstance(argument, ast.JoinedStr) else [argument]:
            if isinstance(part, ast.Constant):
                yield part
