"""What the notebook needs from outside: whether its whole run can be a test, and if not, why."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from nb2prod.convert.data_files import fold

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis, Call
    from nb2prod.convert.plan import Plan

_URL = re.compile(r"(?:https?|ftp|s3|gs)://", re.IGNORECASE)
_DATA_FILE = re.compile(
    r"[^\s:*?\"<>|]+\.(?:csv|tsv|xlsx?|json|jsonl|parquet|feather|pkl|pickle|joblib|npy|npz|h5|hdf5|mat|txt|dat|data|db|sqlite|"
    r"png|jpe?g|gif|wav|mp3|zip|gz|tgz|bz2|xml|html|yaml|yml|onnx|pt|pth)",
    re.IGNORECASE,
)
_WRITERS = re.compile(r"(?:to_\w+|save\w*|write\w*|dump|\w*savefig|export\w*)\Z")


def missing_inputs(plan: Plan, analysis: Analysis) -> list[str]:
    """Return why a test cannot run the whole pipeline, one reason a cell; nothing where it can.

    It can where every file the code reads is known to be among ``plan.data_files`` and nothing else
    is read: no network, no keyboard.
    """
    known = {path.as_posix() for path in plan.data_files}
    reasons: dict[str, None] = {}
    for parameter in plan.parameters:
        if parameter.required:
            reasons[f"the configuration needs a value for {parameter.name}"] = None
    for call in analysis.calls():
        for reason in _reasons(call, known):
            reasons[f"cell {call.cell.index} {reason}"] = None
    for cell in plan.notebook.code_cells:
        for text in _data_texts(cell.tree) if cell.tree is not None else ():
            if text.removeprefix("./") not in known:
                reasons[f"cell {cell.index} names {text}, which is not among the test data"] = None
        if any(magic.kind == "shell" or magic.name in {"bash", "sh", "script"} for magic in cell.magics):
            reasons[f"cell {cell.index} runs shell commands"] = None
    return list(reasons)


def _reasons(call: Call, known: set[str]) -> Iterator[str]:
    texts = [text for argument in call.arguments.values() if (text := fold(argument, {})) is not None]
    if "network" in call.effects or any(_URL.match(text) for text in texts):
        yield f"uses the network ({call.name})"
    elif call.qualified_name in {"builtins.input", "getpass.getpass"}:
        yield f"waits for input ({call.name})"
    elif "shell" in call.effects:
        yield f"runs another program ({call.name})"
    elif "read-file" in call.effects and not call.deferred:
        names = [text.removeprefix("./") for text in texts]
        if not any(name in known for name in names):
            yield f"reads a file whose name only a run can tell ({call.name})"


def _data_texts(tree: ast.Module) -> Iterator[str]:
    """Yield the texts that look like names of data files, save those that are only written."""
    written = {
        id(argument)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _WRITERS.match(node.func.attr)
        for argument in (*node.args, *(word.value for word in node.keywords))
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in written:
            if _DATA_FILE.fullmatch(node.value) and not _URL.match(node.value):
                yield node.value
