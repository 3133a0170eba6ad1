"""The code of a displayed value: the call that shows it, and what stands apart from it."""

from __future__ import annotations

import ast

from nb2prod.convert.emit.errors import EmissionError
from nb2prod.notebook.parse import parse_code


def apart(code: str) -> tuple[str, str]:
    """Return the lines that a pass has put above an expression (``max = builtins.max``), and the expression."""
    tree, _ = parse_code(code)
    if tree is None or len(tree.body) < 2:  # noqa: PLR2004
        return "", code
    lines = code.splitlines(keepends=True)
    first = tree.body[-1].lineno - 1
    return "".join(lines[:first]), "".join(lines[first:])


def assignment(code: str) -> str:
    """Return ``x = 1`` for ``(x := 1)``, empty for any other code, or where the value needs the parentheses."""
    tree, _ = parse_code(code)
    match tree.body if tree is not None else []:
        case [ast.Expr(value=ast.NamedExpr(target=target, value=value))]:
            text = f"{target.id} = {ast.get_source_segment(code, value)}"
            assigned, _ = parse_code(text)
            match assigned.body if assigned is not None else []:
                case [ast.Assign(value=same)] if ast.dump(same) == ast.dump(value):
                    return text
    return ""


def shown_call(show: str, label: str, code: str) -> str:
    """Return the call that shows the value of an expression, which is its one argument however it is written."""
    tree, _ = parse_code(code)
    value = (
        tree.body[0].value if tree is not None and len(tree.body) == 1 and isinstance(tree.body[0], ast.Expr) else None
    )
    for text in (f'{show}("{label}", {code})', f'{show}("{label}", ({code}))'):
        call, _ = parse_code(text)
        match call.body if call is not None else []:
            case [ast.Expr(value=ast.Call(args=[_, argument], keywords=[]))] if value is not None:
                if ast.dump(argument) == ast.dump(value):
                    return text
    msg = f"the value of an expression cannot be shown: {code[:60]!r}"
    raise EmissionError(msg)
