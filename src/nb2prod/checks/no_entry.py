"""no-entry: nothing can be passed to the notebook, called in it, or taken from it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.checks._periods import typed_period
from nb2prod.diagnostics import Finding
from nb2prod.operations import imports_any, operations
from nb2prod.writes import writes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis, Call

FEWEST_CELLS = 3
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
# Values that come from outside.
_GIVEN = ("os.environ", "os.getenv", "sys.argv", "builtins.input", "getpass.getpass", "sys.stdin")
_SETTINGS = ("configparser", "dotenv", "omegaconf", "dynaconf", "yaml", "toml", "tomllib", "ipywidgets", "decouple")


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield one finding, at the first cell of code."""
    code = [cell for cell in analysis.notebook.code_cells if cell.source.strip()]
    if len(code) < FEWEST_CELLS or any(cell.tree is None or "parameters" in cell.tags for cell in code):
        return
    if not any(_works(call) for call in analysis.calls({"fit", "read-file"})):
        return
    for cell in code:
        if any(magic.kind == "cell" and magic.name not in ("time", "capture") for magic in cell.magics):
            return  # what other languages take and give is not read
        if cell.tree is not None and (_has_function(analysis, cell.tree) or _has_given(analysis, cell.tree)):
            return
    if any(analysis.calls_of(*_GIVEN)):
        return
    if imports_any(analysis, operations().services | set(_SETTINGS)):
        return
    if not writes(analysis):
        message = (
            "nothing can be passed to this notebook, no function of it can be called, and it writes nothing: no job "
            "and no program can use it; give it parameters (a cell tagged `parameters`, the environment) and write its "
            "results"
        )
        yield Finding(code[0].location(), message)
    elif period := typed_period(analysis):
        message = (
            f"`{period}` is typed into the names of what is read and of what is written, and nothing can be passed to "
            "this notebook: every run is edited by hand; make it a parameter (a cell tagged `parameters`, the "
            "environment)"
        )
        yield Finding(code[0].location(), message)


def _works(call: Call) -> bool:
    """Whether a call that reads or fits does more than open a file: without input and learning it is a lesson."""
    return "fit" in call.effects or call.name.rpartition(".")[2] != "open"


def _has_function(analysis: Analysis, tree: ast.Module) -> bool:
    return any(analysis.nodes_of(tree, kind) for kind in _FUNCTIONS)


def _has_given(analysis: Analysis, tree: ast.Module) -> bool:
    return any(
        node.attr in ("environ", "argv", "stdin") and analysis.qualified_name(node) in _GIVEN
        for node in analysis.nodes_of(tree, ast.Attribute)
    )
