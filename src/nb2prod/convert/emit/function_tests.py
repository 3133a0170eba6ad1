"""The tests of functions: called as the notebook calls them with literals."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nb2prod.convert.emit.literals import literal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.convert.plan import Function, Plan

_OUTSIDE = re.compile(
    r"\b(?:urllib|urlretrieve|urlopen|requests|httpx|wget|socket|boto3|subprocess|input|getpass)\b|https?://"
)
_READING = re.compile(r"\b(?:open|load\w*|read_\w+|imread|genfromtxt|listdir|scandir|stat|Path)\b")
_FILE = re.compile(r"[^\s:*?\"<>|]*(?:\.\w{1,7}|/[^\s:*?\"<>|]*)")


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """A call of a module-level function with literal arguments, as the notebook makes it itself."""

    function: Function
    cell: int
    text: str


def emit_function_tests(plan: Plan, module: str = "") -> str | None:
    """Return the text of ``tests/test_functions.py``, or None where the notebook calls nothing that could be tested.

    module  where the functions are, as an import without its ``from``; their own modules unless it is given
    """
    calls = function_calls(plan)
    if not calls:
        return None
    homes = [module.rpartition(" ")[2] or call.function.module for call in calls]
    module = module or f"{plan.package} import {', '.join(sorted(set(homes)))}"
    tests = [
        "\n".join(
            [
                "@pytest.mark.untested",
                f"def test_{call.function.name.strip('_').lower() or 'function'}_{number}_can_be_called() -> None:",
                f'    """As cell {call.cell} of the notebook calls it; what it returns is not checked yet."""',
                f"    {home}.{call.text}",
            ]
        )
        for number, (call, home) in enumerate(zip(calls, homes, strict=True), start=1)
    ]
    head = [
        '"""The functions of the notebook, called as the notebook calls them."""',
        "",
        "from __future__ import annotations",
        "",
        "import pytest",
        "",
        f"from {module}",
        "",
    ]
    return "\n".join(head) + "\n\n" + "\n\n\n".join(tests) + "\n"


def function_calls(plan: Plan) -> list[FunctionCall]:
    """Return for each plain function the first call with literal arguments the notebook makes at top level."""
    functions = {
        each.name: each
        for each in plan.functions
        if isinstance(each.moved.statement.node, ast.FunctionDef) and not each.lifted
    }
    # What recurs deeper than Python allows by itself only runs where the notebook has raised the limit.
    is_deep = any("setrecursionlimit" in cell.source for cell in plan.notebook.code_cells)
    found: dict[str, FunctionCall] = {}
    for cell in plan.notebook.code_cells:
        for node in _certain_calls(cell.tree) if cell.tree is not None else ():
            if isinstance(node.func, ast.Name) and node.func.id in functions and node.func.id not in found:
                function = functions[node.func.id]
                hopeless = _reaches_out(function) or _remembers(function) or _lacks_a_file(function, node, plan)
                hopeless = hopeless or (is_deep and _recurs(function))
                text = None if hopeless else _literal_call(node)
                # A folder of one machine is no argument for a test, a credential still less.
                if text is not None and not any(each.text in text for each in plan.withheld):
                    found[node.func.id] = FunctionCall(function, cell.number, text)
    return list(found.values())


def _reaches_out(function: Function) -> bool:
    """Return whether a function fetches something, waits for somebody or runs another program."""
    return _OUTSIDE.search(ast.unparse(function.moved.statement.node)) is not None


def _recurs(function: Function) -> bool:
    """Return whether a function names itself."""
    nodes = ast.walk(function.moved.statement.node)
    return any(isinstance(each, ast.Name) and each.id == function.name for each in nodes)


def _lacks_a_file(function: Function, call: ast.Call, plan: Plan) -> bool:
    """Return whether a function reads files and it, or the call, names one that the tests do not have."""
    body = function.moved.statement.node
    if not _READING.search(ast.unparse(body)):
        return False
    there = {path.as_posix() for path in plan.data_files}
    texts = (node.value for tree in (body, call) for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return any(
        isinstance(each, str) and _FILE.fullmatch(each) and each.removeprefix("./") not in there for each in texts
    )


def _remembers(function: Function) -> bool:
    """Return whether a function has a default that its calls may change: a call more, and later ones differ."""
    return any(
        isinstance(each, ast.List | ast.Dict | ast.Set | ast.Call)
        for node in ast.walk(function.moved.statement.node)
        if isinstance(node, ast.arguments)
        for each in (*node.defaults, *node.kw_defaults)
    )


def _certain_calls(tree: ast.Module) -> Iterator[ast.Call]:
    """Yield the calls of statements without a body: no ``try`` or ``with`` expects them to fail there."""
    for statement in tree.body:
        if isinstance(statement, ast.Expr | ast.Assign | ast.AnnAssign):
            yield from (node for node in ast.walk(statement) if isinstance(node, ast.Call))


def _literal_call(node: ast.Call) -> str | None:
    if any(word.arg is None for word in node.keywords):
        return None
    try:
        arguments = [literal(ast.literal_eval(argument)) for argument in node.args]
        arguments += [f"{word.arg}={literal(ast.literal_eval(word.value))}" for word in node.keywords]
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None
    return f"{ast.unparse(node.func)}({', '.join(arguments)})"
