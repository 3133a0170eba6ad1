"""possibly-undefined: a name is bound on one branch alone and read whatever the condition was."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.dataflow.flow import PREDEFINED
from nb2prod.dataflow.paths import is_guarded, surely_runs
from nb2prod.diagnostics import Finding, Related, Severity
from nb2prod.operations import operations

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.dataflow.model import Definition, Statement, Use

# When a statement sets a name that it may leave unset, and what else may come.
_WHEN: dict[type[ast.stmt], tuple[str, str]] = {
    ast.Try: ("only if nothing fails there", "after an error it is not"),
    ast.Match: ("in some case alone", "in any other case it is not"),
    ast.For: ("only if there are files", "with an empty folder it is not"),
}


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield the first sure read of each name that one statement alone may have bound, or one branch deleted."""
    seen: set[str] = set()
    for statement in analysis.statements():
        if statement.dynamic or any(each.kind == "star" for each in statement.definitions):
            # From here on anything may be defined.
            return
        for use in statement.uses:
            definition = None if use.name in seen else _only_maybe(analysis, statement, use)
            if definition is not None:
                seen.add(use.name)
                yield _finding(analysis, use, definition)


def _finding(analysis: Analysis, use: Use, definition: Definition) -> Finding:
    condition = analysis.statements()[definition.statement]
    if definition.kind == "delete":
        message = f"`{use.name}` is deleted in cell {definition.cell.index} on some branch, and read here anyway"
        return Finding(use.location, message, (Related(definition.location, f"`{use.name}` is deleted here"),))
    when, elsewhere = _WHEN.get(type(condition.node), ("on some branch alone", "on the other branches it is not"))
    message = f"`{use.name}` is set in cell {definition.cell.index} {when}, and read here anyway"
    related = (
        Related(definition.location, f"`{use.name}` is set here"),
        Related(condition.location, elsewhere),
    )
    severity = Severity.NOTE if isinstance(condition.node, ast.For) else None
    return Finding(use.location, message, related, severity=severity)


def _only_maybe(analysis: Analysis, statement: Statement, use: Use) -> Definition | None:
    """Return the binding of a sure read, if it stands on a branch above and is the only one, or its deletion."""
    if use.deferred or use.name in PREDEFINED or not analysis.flow.maybe_unbound(use):
        return None
    found = [each for each in analysis.flow.reaching(use) if each.kind != "mutate"]
    deleted = _deleted_on_branch(analysis, statement, use.name)
    if deleted is not None:
        found = [deleted]
    made = {each.statement for each in found}
    if len(made) != 1 or statement.index in made or not isinstance(use.node, ast.Name):
        return None
    if not _may_not_bind(analysis.statements()[found[0].statement].node, found[0]):
        return None
    if not surely_runs(statement.node, use.node) or is_guarded(statement.node, use.node):
        return None
    between = analysis.statements()[found[0].statement + 1 : statement.index]
    if "raises-exception" in use.cell.tags or any(_may_stop(each.node) for each in between):
        return None
    return found[0]


def _may_not_bind(node: ast.stmt, definition: Definition) -> bool:
    """Whether a run may well get past a statement without the definition in it."""
    match node:
        case ast.Try():
            return _goes_on(node, definition)
        case ast.If(test=test):
            return not _is_constant(test)
        case ast.Match():
            return True
        case ast.For(iter=several, orelse=[]):
            return _lists_files(several)
        case _:
            return False


def _lists_files(node: ast.expr) -> bool:
    """Whether a loop goes over the files of a folder, which may be empty."""
    while isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in operations().listing:
            return True
        if name not in ("enumerate", "list", "sorted", "tqdm") or not node.args:
            return False
        node = node.args[0]
    return False


def _deleted_on_branch(analysis: Analysis, statement: Statement, name: str) -> Definition | None:
    """Return the one deletion of a name above ``statement``, if it stands on a branch of an `if`."""
    found = [
        each
        for other in analysis.statements()[: statement.index]
        for each in other.definitions
        if each.name == name and each.kind == "delete"
    ]
    if len(found) != 1 or found[0].certain:
        return None
    later = analysis.statements()[found[0].statement + 1 : statement.index]
    if any(each.name == name and each.kind != "mutate" for other in later for each in other.definitions):
        return None
    return found[0] if isinstance(analysis.statements()[found[0].statement].node, ast.If) else None


def _goes_on(node: ast.Try, definition: Definition) -> bool:
    """Whether an error while a value is made is passed over: each handler only prints, or does nothing at all."""
    makes = next(
        (each.value for each in node.body if isinstance(each, ast.Assign) and definition.node in each.targets), None
    )
    return (
        makes is not None
        and any(isinstance(each, ast.Call) for each in ast.walk(makes))
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
