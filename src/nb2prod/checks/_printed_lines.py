"""What a cell surely prints, and how many lines, against what was saved with it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.notebook.tree import nodes
from nb2prod.saved_outputs import printed_text

if TYPE_CHECKING:
    from nb2prod.analysis import Analysis
    from nb2prod.dataflow.model import Statement
    from nb2prod.notebook.model import CodeCell

# More lines than this may have been cut off by whoever saved them.
_MOST = 500
_SHOWN = 60
_LEAVING = (ast.Break, ast.Continue, ast.Return, ast.Raise, ast.Try)


def too_few_lines(analysis: Analysis, cell: CodeCell, statements: list[Statement]) -> tuple[ast.AST, str] | None:
    """Return the loop that prints more lines than were saved, and what is wrong; None where there is none."""
    text = printed_text(cell) if "range(" in cell.source else None
    if text is None or cell.magics or "clear_output" in cell.source:
        return None
    saved = text.rstrip("\n").count("\n") + 1
    for statement in statements:
        rounds = _rounds(analysis, statement)
        if rounds is not None and saved < rounds <= _MOST:
            return statement.node, (
                f"this loop prints at least {rounds} lines, and {saved} are saved: the cell, or the number it reads, "
                "was edited after it ran"
            )
    return None


def missing_text(analysis: Analysis, cell: CodeCell, statements: list[Statement]) -> tuple[ast.AST, str] | None:
    """Return the print of literals, some of them by name, whose text was not saved, and what is wrong."""
    saved = printed_text(cell) if "print(" in cell.source else None
    if saved is None or cell.magics or "clear_output" in cell.source:
        return None
    for statement in statements:
        match statement.node:
            case ast.Expr(value=ast.Call(func=ast.Name(id="print"), args=arguments, keywords=[])):
                texts = [_text(analysis, each) for each in arguments]
                known = [text for text in texts if text is not None]
                named = any(isinstance(each, ast.Name) for argument in arguments for each in nodes(argument))
                if known and len(known) == len(texts) and named and (text := " ".join(known)) not in saved:
                    shown = text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
                    return statement.node, (
                        f"this prints `{shown}`, and that was not saved: the cell, or what it reads, was edited after "
                        "it ran"
                    )
            case _:
                pass
    return None


def _text(analysis: Analysis, node: ast.expr) -> str | None:
    """Return what an argument of `print` is printed as, where it is written out; whole numbers and texts only."""
    match node:
        case ast.Constant(value=str() | int() as value) if not isinstance(value, bool):
            return str(value)
        case ast.JoinedStr(values=values):
            parts = [
                _text(analysis, each.value)
                if isinstance(each, ast.FormattedValue) and each.format_spec is None and each.conversion < 0
                else _text(analysis, each)
                for each in values
            ]
            known = [part for part in parts if part is not None]
            return "".join(known) if len(known) == len(parts) else None
        case ast.Name(id=name):
            every = [each for other in analysis.statements() for each in other.definitions if each.name == name]
            match [analysis.statements()[each.statement] for each in every]:
                case [only] if "parameters" not in only.cell.tags and isinstance(only.node, ast.Assign):
                    given = only.node.value
                    simple = isinstance(given, ast.Constant) and isinstance(only.node.targets[0], ast.Name)
                    return _text(analysis, given) if simple and len(only.node.targets) == 1 else None
    return None


def _rounds(analysis: Analysis, statement: Statement) -> int | None:
    """Return how often a loop prints a line for sure; None where that is not known."""
    match statement.node:
        case ast.For(iter=ast.Call(func=ast.Name(id="range"), args=[limit], keywords=[]), body=body):
            if any(isinstance(each, _LEAVING) for part in body for each in nodes(part)):
                return None
            return _number(analysis, limit) if any(_prints_a_line(each) for each in body) else None
        case _:
            return None


def _prints_a_line(node: ast.stmt) -> bool:
    match node:
        case ast.Expr(value=ast.Call(func=ast.Name(id="print"), keywords=keywords)):
            return all(each.arg in ("sep", "flush") for each in keywords)
        case _:
            return False


def _number(analysis: Analysis, node: ast.expr) -> int | None:
    """Return a whole number that is written out, or that the one assignment of a name gives."""
    if isinstance(node, ast.Constant):
        return node.value if type(node.value) is int else None
    use = analysis.use_at(node) if isinstance(node, ast.Name) else None
    values = analysis.flow.reaching(use) if use is not None else ()
    match [analysis.statements()[each.statement].node for each in values]:
        case [ast.Assign(targets=[ast.Name()], value=ast.Constant(value=value))] if type(value) is int:
            return value
        case _:
            return None
