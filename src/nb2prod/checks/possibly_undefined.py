"""possibly-undefined: a name is bound on one branch of an `if` alone and read whatever the condition was."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.dataflow.flow import PREDEFINED
from nb2prod.dataflow.paths import is_guarded, surely_runs
from nb2prod.diagnostics import Finding, Related

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.dataflow.model import Definition, Statement, Use


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield the first sure read of each name that one `if` statement alone may have bound."""
    seen: set[str] = set()
    for statement in analysis.statements():
        if statement.dynamic or any(each.kind == "star" for each in statement.definitions):
            # From here on anything may be defined.
            return
        for use in statement.uses:
            definition = None if use.name in seen else _only_maybe(analysis, statement, use)
            if definition is not None:
                seen.add(use.name)
                condition = analysis.statements()[definition.statement]
                tried = isinstance(condition.node, ast.Try)
                when = "only if nothing fails there" if tried else "on some branch alone"
                message = f"`{use.name}` is set in cell {definition.cell.index} {when}, and read here anyway"
                elsewhere = "after an error it is not" if tried else "on the other branches it is not"
                related = (
                    Related(definition.location, f"`{use.name}` is set here"),
                    Related(condition.location, elsewhere),
                )
                yield Finding(use.location, message, related)


def _only_maybe(analysis: Analysis, statement: Statement, use: Use) -> Definition | None:
    """Return the binding of a sure read, if it stands on a branch of an earlier `if` and is the only one."""
    if use.deferred or use.name in PREDEFINED or not analysis.flow.maybe_unbound(use):
        return None
    found = [each for each in analysis.flow.reaching(use) if each.kind != "mutate"]
    made = {each.statement for each in found}
    if len(made) != 1 or statement.index in made or not isinstance(use.node, ast.Name):
        return None
    node = analysis.statements()[found[0].statement].node
    if isinstance(node, ast.Try):
        if not _goes_on(node, found[0]):
            return None
    elif not isinstance(node, ast.If) or _is_constant(node.test):
        return None
    if not surely_runs(statement.node, use.node) or is_guarded(statement.node, use.node):
        return None
    between = analysis.statements()[found[0].statement + 1 : statement.index]
    if "raises-exception" in use.cell.tags or any(_may_stop(each.node) for each in between):
        return None
    return found[0]


def _goes_on(node: ast.Try, definition: Definition) -> bool:
    """Whether an error while a value is made is passed over: each handler only prints, or does nothing at all."""
    makes = next(
        (each.value for each in node.body if isinstance(each, ast.Assign) and definition.node in each.targets), None
    )
    return (
        isinstance(makes, ast.Call)
        and not node.finalbody
        and bool(node.handlers)
        and all(_is_idle(each) for handler in node.handlers for each in handler.body)
    )


def _is_idle(node: ast.stmt) -> bool:
    match node:
        case ast.Pass() | ast.Expr(value=ast.Constant() | ast.Call(func=ast.Name(id="print"))):
            return True
        case _:
            return False


def _may_stop(node: ast.stmt) -> bool:
    """Whether a statement checks something and may end the run: ``if size is None: raise``, ``assert rows``."""
    return isinstance(node, ast.Assert) or (
        isinstance(node, ast.If) and any(isinstance(each, (ast.Raise, ast.Assert)) for each in ast.walk(node))
    )


def _is_constant(test: ast.expr) -> bool:
    """Whether a condition is the same in every run of a notebook: `if True:`, `if __name__ == "__main__":`."""
    return not any(
        isinstance(each, (ast.Name, ast.Call)) and not (isinstance(each, ast.Name) and each.id in PREDEFINED)
        for each in ast.walk(test)
    )
