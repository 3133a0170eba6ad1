"""Files the notebook writes, for the README to name: what the code says of each, and where."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from nb2prod.convert.call_literals import handed_on
from nb2prod.convert.data_files import constants_of, fold
from nb2prod.convert.path_uses import file_verb, paths_given
from nb2prod.convert.plan import OutputFile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis, Call
    from nb2prod.convert.plan import Plan

_FILE = re.compile(r"[^\n:*?\"<>|]*[^\s.:*?\"<>|/]\.\w{1,8}")


def find_output_files(plan: Plan, analysis: Analysis) -> tuple[OutputFile, ...]:
    """Return the files that calls of the plan's code write, in its order, each once."""
    constants = constants_of([cell.tree for cell in analysis.notebook.code_cells if cell.tree is not None])
    gone = {*plan.sliced, *(each.statement.index for each in plan.dropped)}
    found: dict[str, OutputFile] = {}
    for call in analysis.calls():
        if call.statement.index in gone:
            continue
        for node in _named(call, analysis):
            text = fold(node, constants)
            if text is not None and _FILE.fullmatch(text):
                found.setdefault(text, OutputFile(text, call.statement.cell.number, is_code=False))
            elif text is None and _makes_a_name(node):
                code = ast.unparse(node)
                found.setdefault(code, OutputFile(code, call.statement.cell.number, is_code=True))
    return tuple(found.values())


def _named(call: Call, analysis: Analysis) -> Iterator[ast.expr]:
    """Yield what may name a file that a call writes, itself or in a function; what goes to a stream names none."""
    inside = handed_on(call, analysis)
    yield from (node for name, node in call.arguments.items() if name in inside and file_verb(inside[name]) == "writes")
    if file_verb(call) != "writes":
        return
    if call.name.rpartition(".")[2] in ("write", "writelines"):
        return
    yield from paths_given(call)


def _makes_a_name(node: ast.expr) -> bool:
    """Return whether an expression puts the name of a file together: its end is written there."""
    if not isinstance(node, ast.JoinedStr | ast.BinOp | ast.Call):
        return False
    texts = [each.value for each in ast.walk(node) if isinstance(each, ast.Constant) and isinstance(each.value, str)]
    return any(re.search(r"\.\w{1,8}$", text) for text in texts)
