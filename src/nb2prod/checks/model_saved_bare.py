"""model-saved-bare: a model is saved, and nothing with it says which one it is and how good."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from nb2prod.diagnostics import Finding
from nb2prod.models import saves_without
from nb2prod.operations import operations
from nb2prod.patterns import lazy_pattern
from nb2prod.writes import writes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nb2prod.analysis import Analysis
    from nb2prod.models import Event

# Writers of what people and programs read, as opposed to arrays and pictures.
_RECORDS = ("dump", "to_json", "write_text", "to_yaml", "safe_dump", "writelines", "write")
_TABLES = ("to_csv", "to_parquet", "to_excel", "to_sql")
_FIGURES = lazy_pattern(r"metric|score|result|report|eval|meta|version|info|card|summary|config|param", re.IGNORECASE)
_TELLS = lazy_pattern(r"\d|\{|%|(?:^|[/_.-])(?:v|version|date|stamp|commit|hash)(?:$|[/_.-])")
_RUNS = ("now", "today", "strftime", "time", "uuid4", "uuid1", "hexdigest", "isoformat", "check_output", "getenv")
_DEPTH = 4


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield the first such save of each cell."""
    _, saved = saves_without(analysis, operations().registries)
    if not saved or _has_record(analysis, saved):
        return
    cells: set[int] = set()
    for event in saved:
        if event.call.cell.index in cells or _is_put_together(analysis, event) or _is_named(analysis, event):
            continue
        cells.add(event.call.cell.index)
        message = (
            f"`{event.name}` is saved without a word on its version, its figures or the data it learned from: nobody "
            "can tell later which model the file is; write them beside it, into it, or into its name"
        )
        yield Finding(event.call.location, message)


def _has_record(analysis: Analysis, saved: Sequence[Event]) -> bool:
    """Whether anything is written that may say it: text, JSON, a table of figures, or by a call nobody knows."""
    own = {id(each.within.node) for each in saved} | {id(each.call.node) for each in saved}
    for write in writes(analysis):
        call = write.call
        if call is None:
            return True
        if id(call.node) in own:
            continue
        name = call.name.rpartition(".")[2]
        text = ast.unparse(call.node)
        if write.kind == "unknown" or (write.kind == "data" and name in _RECORDS):
            return True
        if write.kind == "data" and name == "open" and not re.search(r"""["'][rwax+]*b[rwax+]*["']""", text):
            return True
        if name in _TABLES and _FIGURES.search(text):
            return True
    names = {each.name for each in saved}
    # `model.version_ = "3"` goes into the file with the model.
    return any(
        isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id in names
        for statement in analysis.statements()
        if isinstance(statement.node, ast.Assign)
        for target in statement.node.targets
    )


def _is_put_together(analysis: Analysis, event: Event) -> bool:
    """Whether what is saved is a dictionary or a tuple with the model among other things."""
    call = event.within
    node = call.arguments.get((call.info and call.info.model) or "0")
    values = [node] if node is not None and "model-save" in call.effects else []
    if isinstance(node, ast.Name) and (use := analysis.use_at(node)) is not None:
        made = (analysis.statements()[each.statement].node for each in analysis.flow.reaching(use))
        values += [each.value for each in made if isinstance(each, ast.Assign)]
    return any(
        (isinstance(each, (ast.Dict, ast.Tuple, ast.List)))
        or (isinstance(each, ast.Call) and isinstance(each.func, ast.Name) and each.func.id == "dict")
        for each in values
    )


def _is_named(analysis: Analysis, event: Event) -> bool:
    """Whether the name of the file may tell: a number in it, a part that is filled in, or nobody knows."""
    call = event.within
    paths = [value for name, value in call.arguments.items() if call.info is not None and name in call.info.path]
    if not paths:
        at = 1 if call.arguments and "model-save" in call.effects and not _is_method(call.node) else 0
        paths = [*call.node.args[at : at + 1], *(each.value for each in call.node.keywords if each.arg == "path")]
    if event.call is not event.within:
        paths += [*event.call.node.args, *(each.value for each in event.call.node.keywords)]
    known = False
    for path in paths:
        told = _tells(analysis, path, event, _DEPTH)
        if told:
            return True
        known = known or told is False
    return not known


def _is_method(node: ast.Call) -> bool:
    return isinstance(node.func, ast.Attribute) and node.func.attr.startswith(("save", "export", "to_"))


def _tells(analysis: Analysis, node: ast.expr, event: Event, depth: int) -> bool | None:
    """Return whether a path tells which model it is; None where nothing is known of it."""
    told: bool | None = None
    for part in ast.walk(node):
        match part:
            case ast.Constant(value=str(text)):
                stem = re.sub(r"\.[A-Za-z0-9]{1,7}$", "", text)
                if _TELLS.search(stem):
                    return True
                if re.search(r"\w", stem) and text not in {"wb", "rb", "ab", "w"}:
                    told = False
            case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name)) if name in _RUNS:
                return True
            case ast.Name() if depth:
                found = [_tells(analysis, each, event, depth - 1) for each in _values(analysis, part, event)]
                if any(found):
                    return True
                told = False if False in found else told
    return told


def _values(analysis: Analysis, node: ast.Name, event: Event) -> Iterator[ast.expr]:
    """Yield what a name in a path may stand for: assigned, or opened as a file in the cell."""
    use = analysis.use_at(node)
    for definition in analysis.flow.reaching(use) if use is not None else ():
        made = analysis.statements()[definition.statement].node
        if isinstance(made, (ast.Assign, ast.AnnAssign)) and made.value is not None:
            yield made.value
    cell = event.within.cell
    for part in ast.walk(cell.tree) if cell.tree is not None else ():
        if isinstance(part, ast.withitem) and isinstance(part.optional_vars, ast.Name):
            if part.optional_vars.id == node.id:
                yield part.context_expr
        elif isinstance(part, ast.Assign) and use is None:
            yield from (part.value for each in part.targets if isinstance(each, ast.Name) and each.id == node.id)
