"""How a path of one machine becomes relative to the notebook, or a parameter of it."""

from __future__ import annotations

import ast
import keyword
import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from nb2prod.diagnostics import Applicability, Edit, Fix, InsertCell
from nb2prod.edits import newline, replaced, without_lines
from nb2prod.notebook.tree import nodes
from nb2prod.patterns import lazy_pattern
from nb2prod.places import base_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nb2prod.analysis import Analysis
    from nb2prod.dataflow.model import Statement
    from nb2prod.notebook.model import CodeCell
    from nb2prod.places import MachinePath

PARAMETERS = "parameters"
# A field of a form of Colab is a parameter already, and needs a literal.
_FORM = "@param"
_PLAIN_LITERAL = lazy_pattern(r"[rR]?([\"'])(?!\1\1)[^\n]*\1$")
_WRITES = frozenset({"write-file", "model-save"})
_WRITING = ("to_", "save", "write", "dump", "mkdir")


def relative(analysis: Analysis, paths: Sequence[MachinePath]) -> Fix | None:
    """Return the fix that names what lies beside the notebook, where the end of the path is found there.

    None for what is written to, and where only a part of the path is written out.
    """
    project = analysis.project
    parts = [part for part in re.split(r"[\\/]+", paths[0].text) if part][1:]
    if project is None or not parts or not all(_is_whole(path) for path in paths):
        return None
    ends = (PurePosixPath(*parts[start:]) for start in range(len(parts)))
    end = next((each for each in ends if ".." not in each.parts and project.holds(str(each))), None)
    if end is None or _is_written(analysis, paths):
        return None
    slash = "/" if paths[0].text.endswith(("/", "\\")) else ""
    edits = tuple(replaced(path.cell, path.node, _quoted(path, f"{end}{slash}")) for path in paths if path.node)
    return Fix(f"read `{end}` beside the notebook", edits, Applicability.UNSAFE)


def parameter(analysis: Analysis, paths: Sequence[MachinePath]) -> Fix | None:
    """Return the fix that puts the path into the cell of parameters, which is made where no cell has run.

    A cell that is added to a notebook with a saved run would be one that never ran.
    """
    if not all(_is_whole(path) and not set("%{}") & set(path.text) for path in paths):
        return None
    if any(_FORM in path.cell.lines[path.location.line - 1] for path in paths):
        return None
    cells = analysis.notebook.code_cells
    home = next((cell for cell in cells if PARAMETERS in cell.tags), None)
    if home is None and any(cell.execution_count is not None or cell.outputs for cell in cells):
        return None
    if home is not None and (home.tree is None or home.magics or home.index >= min(path.cell.index for path in paths)):
        return None
    constant = _constant(analysis, paths)
    if constant is not None:
        line = constant.cell.lines[constant.location.line - 1]
        edits = tuple(without_lines(constant.cell, [constant.location.line]))
    else:
        name = name_for(analysis, paths[0].text)
        line = f"{name} = {_literal(paths[0])}"
        edits = tuple(replaced(path.cell, path.node, name) for path in paths if path.node is not None)
    if home is None:
        cell = InsertCell(cells[0].index, "code", line, (PARAMETERS,))
        return Fix("make the path a parameter", (cell, *edits), Applicability.UNSAFE)
    last = len(home.lines)
    end = home.location(last, len(home.lines[-1]) + 1)
    added = Edit(end, line if not home.lines[-1] else f"{newline(home)}{line}")
    return Fix("make the path a parameter", (added, *edits), Applicability.UNSAFE)


def is_parameter(path: MachinePath) -> bool:
    """Whether the path is what a parameter has until a run is given another: papermill's cell of parameters."""
    return (
        PARAMETERS in path.cell.tags
        and path.cell.tree is not None
        and any(
            isinstance(each, (ast.Assign, ast.AnnAssign)) and each.value is path.node for each in path.cell.tree.body
        )
    )


def _is_whole(path: MachinePath) -> bool:
    """Whether the path is written as one literal on one line, and nothing else is."""
    return (
        isinstance(path.node, ast.Constant)
        and not path.text.endswith("…")
        and plain_literal(path.cell, path.node) != ""
    )


def plain_literal(cell: CodeCell, node: ast.expr) -> str:
    """Return how a text is written: one literal on one line, with nothing against it; else the empty text."""
    where = cell.locate(node).range
    line = cell.lines[where.start.line - 1]
    written = line[where.start.column - 1 : where.end.column - 1]
    alone = where.start.line == where.end.line and not line[: where.start.column - 1][-1:].isalnum()
    return written if alone and _PLAIN_LITERAL.match(written) else ""


def _constant(analysis: Analysis, paths: Sequence[MachinePath]) -> Statement | None:
    """Return the statement that keeps the path under a name of its own, alone on its line among others."""
    for statement in analysis.statements() if len(paths) == 1 else ():
        match statement.node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if value is paths[0].node:
                bound = [each for other in analysis.statements() for each in other.definitions if each.name == name]
                alone = statement.cell.lines[statement.location.line - 1].strip() == ast.get_source_segment(
                    statement.cell.python, statement.node
                )
                others = [line for line in statement.cell.lines if line.strip()]
                if alone and statement.location.column == 1 and len(bound) == 1 and len(others) > 1:
                    return statement
    return None


def _literal(path: MachinePath) -> str:
    where = path.location.range
    return path.cell.lines[where.start.line - 1][where.start.column - 1 : where.end.column - 1]


def _quoted(path: MachinePath, text: str) -> str:
    """Return ``text`` as a literal in the quotes that the path is written in."""
    quote = _literal(path).lstrip("rR")[0]
    return f"{quote}{text}{quote}" if quote not in text else repr(text)


def _is_written(analysis: Analysis, paths: Sequence[MachinePath]) -> bool:
    """Whether one of the paths, or a name it is kept under, goes into a call that writes, or may."""
    written = {id(path.node) for path in paths}
    names = {
        each.name
        for statement in analysis.statements()
        if any(id(node) in written for node in analysis.nodes(statement.node))
        for each in statement.definitions
    }
    for call in analysis.calls():
        if not (call.effects & _WRITES or call.name.rpartition(".")[2].startswith(_WRITING)):
            continue
        given = (node for argument in call.arguments.values() for node in nodes(argument))
        if any(id(node) in written or (isinstance(node, ast.Name) and node.id in names) for node in given):
            return True
    return False


def name_for(analysis: Analysis, path: str) -> str:
    """Return a name for a path or address that is written nowhere in the notebook: `customers_path`, `prices_url`."""
    kind = "url" if "://" in path else "path"
    stem = re.sub(r"\W+", "_", Path(base_name(path) or "data").stem).strip("_").lower() or "data"
    stem = f"file_{stem}" if stem[0].isdigit() or keyword.iskeyword(stem) else stem
    name, number = f"{stem}_{kind}", 1
    while any(re.search(rf"\b{name}\b", cell.source) for cell in analysis.notebook.cells):
        number += 1
        name = f"{stem}_{kind}_{number}"
    return name
