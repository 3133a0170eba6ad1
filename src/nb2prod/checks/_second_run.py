"""What a second run of a statement does to the variable it changes."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.changes import called_function
from nb2prod.checks._computed_again import fails_on_numbers, place_text, repeated
from nb2prod.notebook.tree import nodes

if TYPE_CHECKING:
    from nb2prod.analysis import Analysis
    from nb2prod.dataflow.model import Definition, Statement

_ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Pow, ast.MatMult, ast.LShift, ast.RShift)
_FRAME = "pandas.DataFrame"
_NETWORKS = ("keras.Sequential", "tensorflow.keras.Sequential")


def second_run(analysis: Analysis, statement: Statement, definition: Definition) -> str | None:
    """Return what a second run of ``statement`` does, or None where it may well do nothing new."""
    name = definition.name
    if definition.through is not None:
        return _through(analysis, statement, definition)
    match _change(statement.node, definition):
        case ast.AugAssign(op=op, target=target, value=value) if isinstance(op, _ARITHMETIC):
            if _depends(analysis, statement, value, name):
                return None
            return f"{'adds to' if isinstance(op, ast.Add) else 'changes'} `{ast.unparse(target)}` again"
        case ast.Assign(targets=[ast.Name() | ast.Subscript() as target], value=value):
            return _assigned(analysis, statement, name, target, value)
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name() as owner, attr=method)) as call) if (
            owner.id == name
        ):
            return _called(analysis.qualified_name(owner), name, method, call)
        case ast.Delete(targets=targets) if definition.kind == "delete" or any(
            isinstance(each, ast.Subscript) and isinstance(each.slice, ast.Constant) for each in targets
        ):
            return "fails: what it deletes is gone" if _is_named(definition) else None
        case _:
            return None


def _change(node: ast.stmt, definition: Definition) -> ast.stmt | None:
    """Return the statement that makes a change: the one of the cell, or one in its loop or `with`.

    A condition that looks at the object itself may be there so that nothing is done twice.
    """
    if not isinstance(node, (ast.For, ast.With, ast.If)):
        return node
    if isinstance(node, ast.If) and _reads(node.test, definition.name):
        return None
    inside = [*node.body, *(() if isinstance(node, ast.With) else node.orelse)]
    if any(_starts_anew(each, definition.name) for each in inside):
        return None
    found = next((each for each in inside if any(part is definition.node for part in nodes(each))), None)
    return None if found is None else _change(found, definition)


def _starts_anew(node: ast.stmt, name: str) -> bool:
    """Whether a statement gives the name a value that is not made of the one it had, or empties it."""
    match node:
        case ast.Assign(targets=[ast.Name(id=target)], value=value):
            return target == name and not _reads(value, name)
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=owner), attr="clear"))):
            return owner == name
        case _:
            return False


def _reads(node: ast.expr, name: str) -> bool:
    return any(isinstance(each, ast.Name) and each.id == name for each in nodes(node))


def _is_named(definition: Definition) -> bool:
    """Whether a key is deleted: a name deleted to free memory is deleted where it is done with."""
    return definition.kind == "mutate"


def _depends(analysis: Analysis, statement: Statement, node: ast.expr, name: str) -> bool:
    """Whether ``node`` is computed from what this cell changes, here or earlier in the cell.

    ``x -= x.mean()`` twice is once, and so is ``test -= mean`` where ``mean`` is that of the normalised.
    """
    changed = {name} | {
        each.name
        for other in analysis.statements()
        for each in other.definitions
        if other.cell is statement.cell and each.kind in ("augment", "mutate")
    }
    waiting, seen = [(statement, {id(each) for each in ast.walk(node)})], {statement.index}
    while waiting:
        current, wanted = waiting.pop()
        for use in current.uses:
            if wanted and id(use.node) not in wanted:
                continue
            if use.name in changed:
                return True
            for definition in analysis.flow.reaching(use):
                if definition.cell is statement.cell and definition.statement not in seen:
                    seen.add(definition.statement)
                    waiting.append((analysis.statements()[definition.statement], set()))
    return False


def _assigned(analysis: Analysis, statement: Statement, name: str, target: ast.expr, value: ast.expr) -> str | None:
    old = place_text(target)
    if old and fails_on_numbers(value, target):
        return f"fails: `{ast.unparse(target)}` holds numbers then, and no text"
    match value:
        case ast.BinOp(op=op, left=left, right=right) if isinstance(op, _ARITHMETIC) and old in map(
            place_text, (left, right)
        ):
            other = right if place_text(left) == old else left
            return None if _depends(analysis, statement, other, name) else f"changes `{ast.unparse(target)}` again"
        case ast.Call(func=ast.Attribute(value=ast.Name() as owner, attr=method)) if (
            owner.id == name
            and isinstance(target, ast.Name)
            and (reason := _called(analysis.qualified_name(owner), name, method, value, reassigned=target.id == name))
            is not None
        ):
            return reason
        case ast.Call(args=[ast.Name(id=first), *_]) if (
            first == old and analysis.qualified_name(value.func) == "pandas.get_dummies"
        ):
            return "fails: the columns are gone" if _literal(value, "columns") else None
        case _:
            return repeated(analysis, value, target) if old else None


def _through(analysis: Analysis, statement: Statement, definition: Definition) -> str | None:
    """Return what a second call of a function does that surely changes the object it is given."""
    function = called_function(analysis, definition)
    if function is None or not definition.sure or not isinstance(definition.node, ast.Name):
        return None
    inner, kind = _name_inside(statement, function, definition), analysis.qualified_name(definition.node)
    for each in function.body:
        match each:
            case ast.Assign(
                targets=[ast.Name(id=name) | ast.Subscript(value=ast.Name(id=name)) as target], value=value
            ) if name == inner:
                # None where it starts anew.
                return repeated(analysis, value, target) if isinstance(target, ast.Subscript) else None
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=method)) as call) if (
                name == inner
            ):
                reason = _called(kind, definition.name, method, call)
                if reason is not None or method == "clear":
                    return reason
    return None


def _name_inside(statement: Statement, function: ast.FunctionDef, definition: Definition) -> str:
    """Return what a function calls the object that ``definition`` changes: its parameter, or the same name."""
    parameters = [each.arg for each in (*function.args.posonlyargs, *function.args.args)]
    for call, _ in statement.calls:
        if isinstance(call.func, ast.Name) and call.func.id == definition.through:
            given = [*zip(parameters, call.args, strict=False), *((each.arg, each.value) for each in call.keywords)]
            for parameter, value in given:
                if value is definition.node and parameter is not None:
                    return parameter
    return definition.name


def _called(kind: str | None, name: str, method: str, call: ast.Call, *, reassigned: bool = False) -> str | None:
    """Return what a second call of ``method`` does to ``name``, an object of class ``kind``."""
    if kind == "builtins.list" and method in ("append", "extend", "insert") and not reassigned:
        return f"adds to `{name}` again"
    if kind in _NETWORKS and method == "add" and not reassigned:
        return f"adds the same layer to `{name}` again"
    if kind != _FRAME:
        return None
    if method in ("pop", "insert") and not reassigned:
        return "fails: the column is gone" if method == "pop" else "fails: the column is there already"
    if not reassigned and not _is_true(call, "inplace"):
        return None
    if (
        method == "drop"
        and not _has(call, "errors")
        and (_literal(call, "columns") or (call.args and _is_text(call.args[0])))
    ):
        return "fails: what it drops is gone"
    if method == "set_index" and not _has(call, "drop") and call.args and _is_text(call.args[0]):
        return "fails: the column has become the index"
    if method == "reset_index" and not call.args and not _has(call, "drop"):
        return f"adds another column of numbers to `{name}`: its index is one by now"
    if method == "append":
        return f"adds the same rows to `{name}` again"
    return None


def _has(call: ast.Call, parameter: str) -> bool:
    return any(each.arg in (parameter, None) for each in call.keywords)


def _literal(call: ast.Call, parameter: str) -> bool:
    return any(each.arg == parameter and _is_text(each.value) for each in call.keywords)


def _is_true(call: ast.Call, parameter: str) -> bool:
    return any(
        each.arg == parameter and isinstance(each.value, ast.Constant) and each.value.value is True
        for each in call.keywords
    )


def _is_text(node: ast.expr) -> bool:
    """Whether a node is a column's name, or a list of them."""
    match node:
        case ast.Constant(value=str()):
            return True
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            return bool(elements) and all(_is_text(each) for each in elements)
        case _:
            return False
