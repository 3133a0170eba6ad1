"""Names that become another kind of thing, so that cells above fail when they are run again."""

from __future__ import annotations

import ast
import builtins
from typing import TYPE_CHECKING

from nb2prod.diagnostics import Finding, Related, Severity
from nb2prod.notebook.tree import nodes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nb2prod.analysis import Analysis
    from nb2prod.dataflow.model import Definition, Use

_MADE = {"function": "a function in", "class": "a class in", "import": "imported by"}


def calls_itself(analysis: Analysis, skipped: set[str]) -> Iterator[Finding]:
    """Yield each `score = score(…)` that puts what a function of another cell returned under the function's name."""
    for statement in analysis.statements():
        match statement.node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(func=ast.Name(id=called) as func)) if (
                name == called and name not in skipped
            ):
                use = analysis.use_at(func)
                made = (
                    [each for each in analysis.flow.reaching(use) if each.kind != "mutate"] if use is not None else []
                )
                if made and all(each.kind in _MADE and each.cell is not statement.cell for each in made):
                    skipped.add(name)
                    how = f"{_MADE[made[-1].kind]} cell {made[-1].cell.index}"
                    message = (
                        f"`{name}` is {how}, and what it gave from here on: "
                        "run again, this cell calls that; give the result a name of its own"
                    )
                    related = (Related(made[-1].location, f"`{name}` is made here"),)
                    yield Finding(statement.location, message, related, severity=Severity.NOTE)


def eaten_by_loop(analysis: Analysis, skipped: set[str]) -> Iterator[Finding]:
    """Yield the first read of a table or mapping whose name a loop over numbers has taken."""
    for statement in analysis.statements():
        node = statement.node
        if not isinstance(node, ast.For) or not _is_over_numbers(node):
            continue
        for loop in statement.definitions:
            if loop.node is not node.target or loop.name in skipped:
                continue
            before = _earlier(analysis, loop)
            use = next(
                (each for each in _uses(analysis, loop) if each.cell is not loop.cell and _wants_more(analysis, each)),
                None,
            )
            if before is not None and use is not None:
                skipped.add(loop.name)
                message = (
                    f"`{loop.name}` is a number here: the loop in cell {loop.cell.index} has taken the name of what "
                    f"cell {before.cell.index} made"
                )
                related = (
                    Related(loop.location, f"`{loop.name}` is a number from here on"),
                    Related(before.location, "it was made here"),
                )
                yield Finding(use.location, message, related)


def _is_over_numbers(node: ast.For) -> bool:
    match node.iter:
        case ast.Call(func=ast.Name(id="range")):
            return True
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            return bool(elements) and all(isinstance(e, ast.Constant) and isinstance(e.value, int) for e in elements)
        case _:
            return False


def _earlier(analysis: Analysis, definition: Definition) -> Definition | None:
    """Return the last assignment of the name in another cell above."""
    found = [
        each
        for statement in analysis.statements()[: definition.statement]
        for each in statement.definitions
        if each.name == definition.name and each.kind == "assign" and each.cell is not definition.cell
    ]
    return found[-1] if found else None


def _uses(analysis: Analysis, definition: Definition) -> Sequence[Use]:
    return [each for each in analysis.flow.uses(definition) if not each.deferred]


def _wants_more(analysis: Analysis, use: Use) -> bool:
    """Whether a read asks for an item, or for an attribute that no number has."""
    for node in nodes(analysis.statements()[use.statement].node):
        if isinstance(node, ast.Subscript) and node.value is use.node:
            return True
        if isinstance(node, ast.Attribute) and node.value is use.node:
            return not hasattr(int, node.attr)
    return False


def fails_again(analysis: Analysis, skipped: set[str]) -> Iterator[Finding]:
    """Yield each assignment of plain data that makes a cell between it and the former value fail when run again."""
    bound: dict[str, list[Definition]] = {}
    for statement in analysis.statements():
        for each in statement.definitions:
            if each.kind == "assign":
                bound.setdefault(each.name, []).append(each)
    again = {
        name: [each for each in definitions[1:] if each.cell is not definitions[0].cell]
        for name, definitions in bound.items()
        if len(definitions) > 1 and name not in skipped
    }
    reads: dict[str, list[Use]] = {}
    for statement in analysis.statements():
        for use in statement.uses:
            if not use.deferred and again.get(use.name):
                reads.setdefault(use.name, []).append(use)
    for name, wanted in reads.items():
        for new in again[name]:
            found = _spoiled(analysis, new, wanted)
            if found is not None:
                use, attribute = found
                message = (
                    f"`{name}` becomes a `{_kind(analysis, new)}` here: cell {use.cell.index} above asks it for "
                    f"`{attribute}`, and fails when it alone is run again; use another name"
                )
                related = (Related(use.location, f"`{name}.{attribute}` is read here"),)
                yield Finding(new.location, message, related, severity=Severity.NOTE)
                break


def _spoiled(analysis: Analysis, new: Definition, reads: list[Use]) -> tuple[Use, str] | None:
    """Return the read, in a cell of its own above, that wants an attribute which ``new`` lacks; and the attribute."""
    kind = vars(builtins).get(_kind(analysis, new))
    if not isinstance(kind, type):
        return None
    for use in reads:
        if use.statement >= new.statement or use.cell is new.cell:
            continue
        node = analysis.statements()[use.statement].node
        asked = (each.attr for each in analysis.nodes_of(node, ast.Attribute) if each.value is use.node)
        attribute = next(asked, None)
        former = [each for each in analysis.flow.reaching(use) if each.kind not in ("mutate", "augment")]
        if attribute and former and all(each.cell is not use.cell for each in former) and not hasattr(kind, attribute):
            return use, attribute
    return None


def _kind(analysis: Analysis, definition: Definition) -> str:
    """Return the name of the builtin class of what a definition binds; empty where it is none or unknown."""
    node = analysis.statements()[definition.statement].node
    if not isinstance(node, ast.Assign) or definition.node not in node.targets:
        return ""
    module, _, name = (analysis.object_class(definition) or "").partition(".")
    return name if module == "builtins" else ""
