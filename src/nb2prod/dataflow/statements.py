"""How statements are walked: bindings, branches, loops, handlers, functions and classes."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from nb2prod.dataflow.expressions import signature
from nb2prod.dataflow.model import NamedFunction
from nb2prod.dataflow.names import name_table
from nb2prod.dataflow.walk import Scope

if TYPE_CHECKING:
    from collections.abc import Callable

    from nb2prod.dataflow.model import DefinitionKind
    from nb2prod.dataflow.walk import Handlers, Walk


# What makes a new object; a call may hand back what it is given.
_NEW = (
    ast.Constant, ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp, ast.GeneratorExp, ast.BinOp,
    ast.Compare, ast.JoinedStr, ast.Lambda, ast.UnaryOp,
)  # fmt: skip


def _if(walk: Walk, node: ast.If) -> bool:
    walk.expression(node.test)
    return walk.branches(lambda: walk.block(node.body), lambda: walk.block(node.orelse))


def _while(walk: Walk, node: ast.While) -> bool:
    walk.loops += 1  # the condition is read again after the body
    walk.expression(node.test)
    walk.loops -= 1
    endless = isinstance(node.test, ast.Constant) and bool(node.test.value)
    before, deleted = set(walk.bound), set(walk.deleted)
    breaks = _loop(walk, node.body)
    walk.bound, walk.deleted = before, deleted
    if endless:
        if not breaks:
            return True
        walk.bound = set.intersection(*breaks)
        return False
    _orelse(walk, node.orelse, breaks)
    return False


def _for(walk: Walk, node: ast.For | ast.AsyncFor) -> bool:
    walk.expression(node.iter)
    before, deleted = set(walk.bound), set(walk.deleted)
    _target(walk, node.target, "loop")
    walk.alias(node.target)
    breaks = _loop(walk, node.body)
    walk.bound, walk.deleted = before, deleted
    _orelse(walk, node.orelse, breaks)
    return False


def _loop(walk: Walk, body: list[ast.stmt]) -> list[set[str]]:
    """Walk a loop's body; return what is bound at each of its breaks."""
    walk.breaks.append([])
    walk.loops += 1
    walk.block(body)
    walk.loops -= 1
    return walk.breaks.pop()


def _orelse(walk: Walk, orelse: list[ast.stmt], breaks: list[set[str]]) -> None:
    before = set(walk.bound)
    left = walk.block(orelse)
    if left and breaks:
        walk.bound = set.intersection(*breaks)
    elif breaks:
        walk.bound = set.intersection(walk.bound, *(before | found for found in breaks))


def _break(walk: Walk, _node: ast.Break) -> bool:
    if walk.breaks:
        walk.breaks[-1].append(set(walk.bound))
    return True


def _leave(walk: Walk, node: ast.stmt) -> bool:
    walk.children(node)
    return True


def _try(walk: Walk, node: ast.Try) -> bool:
    before, deleted_before = set(walk.bound), set(walk.deleted)

    def body() -> bool:
        return walk.block(node.body) or walk.block(node.orelse)

    def handler(clause: ast.ExceptHandler) -> Callable[[], bool]:
        def visit() -> bool:
            # The body may have failed anywhere: nothing it binds is sure here.
            walk.bound, walk.deleted = set(before), set(deleted_before)
            if clause.type is not None:
                walk.expression(clause.type)
            if clause.name is None:
                return walk.block(clause.body)
            walk.store(clause.name, clause, "except")
            left = walk.block(clause.body)
            # "except … as e" deletes e at its end, whether or not e was bound before.
            walk.store(clause.name, clause, "delete")
            return left

        return visit

    left = walk.branches(body, *(handler(clause) for clause in node.handlers))
    return walk.block(node.finalbody) or left


def _with(walk: Walk, node: ast.With | ast.AsyncWith) -> bool:
    for item in node.items:
        walk.expression(item.context_expr)
        if item.optional_vars is not None:
            _target(walk, item.optional_vars, "with")
    if not any(_swallows(item.context_expr) for item in node.items):
        return walk.block(node.body)
    # It ends where the expected error is raised, and the program goes on.
    walk.maybe(lambda: walk.block(node.body))
    return False


def _swallows(context: ast.expr) -> bool:
    """Return whether a context manager lets the program go on after an error in its body."""
    function = context.func if isinstance(context, ast.Call) else None
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", None)
    return name in name_table().swallowing


def _match(walk: Walk, node: ast.Match) -> bool:
    walk.expression(node.subject)

    def case(clause: ast.match_case) -> Callable[[], bool]:
        def visit() -> bool:
            _pattern(walk, clause.pattern)
            if clause.guard is not None:
                walk.expression(clause.guard)
            return walk.block(clause.body)

        return visit

    last = node.cases[-1]
    covered = last.guard is None and isinstance(last.pattern, ast.MatchAs) and last.pattern.pattern is None
    walks = [case(clause) for clause in node.cases]
    return walk.branches(*walks) if covered else walk.branches(*walks, lambda: False)


def _pattern(walk: Walk, node: ast.pattern) -> None:
    for child in ast.walk(node):
        match child:
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
                walk.store(name, child, "assign")
            case ast.MatchValue(value=value):
                walk.expression(value)
            case ast.MatchMapping(keys=keys):
                walk.all(keys)
            case ast.MatchClass(cls=cls):
                walk.expression(cls)
            case _:
                pass
        if isinstance(child, ast.MatchMapping) and child.rest is not None:
            walk.all(child.keys)


def _assign(walk: Walk, node: ast.Assign) -> None:
    if isinstance(node.value, ast.Lambda):
        _assigned_lambda(walk, node.targets, node.value)
    else:
        walk.expression(node.value)
    for target in node.targets:
        _target(walk, target, "assign")
        if walk.deferred and not isinstance(node.value, _NEW):
            walk.alias(target)


def _assigned_lambda(walk: Walk, targets: list[ast.expr], function: ast.Lambda) -> None:
    named = [target.id for target in targets if isinstance(target, ast.Name)]
    walk.functions += [NamedFunction(name, function, "function") for name in named]
    if walk.scope is None and named and len(targets) == 1:
        walk.owned(named[0], lambda: walk.expression(function))
    else:
        walk.expression(function)


def _annotated(walk: Walk, node: ast.AnnAssign) -> None:
    if node.value is not None:
        walk.expression(node.value)
    # Annotations of local variables are never evaluated (PEP 526).
    if walk.scope is None or walk.scope.kind == "class":
        walk.expression(node.annotation)
    if node.value is not None or not isinstance(node.target, ast.Name):
        _target(walk, node.target, "assign")
    elif walk.scope is not None:
        # Without a value it binds nothing, yet the name is the scope's own.
        walk.scope.stores.add(node.target.id)


def _augmented(walk: Walk, node: ast.AugAssign) -> None:
    if isinstance(node.target, ast.Name):
        walk.load(node.target.id, node.target)
        walk.touch(node.target.id)
    walk.expression(node.value)
    _target(walk, node.target, "augment")


def _delete(walk: Walk, node: ast.Delete) -> None:
    for target in node.targets:
        _target(walk, target, "delete")


def _target(walk: Walk, node: ast.expr, kind: DefinitionKind) -> None:
    if isinstance(node, ast.Name):
        if kind == "delete" and walk.scope is None:
            walk.load(node.id, node)
        walk.store(node.id, node, kind)
    elif isinstance(node, (ast.Tuple, ast.List)):
        for element in node.elts:
            _target(walk, element, kind)
    elif isinstance(node, ast.Starred):
        _target(walk, node.value, kind)
    else:
        walk.expression(node)
        walk.mutate(node)


def _import(walk: Walk, node: ast.Import) -> None:
    for alias in node.names:
        if alias.asname is not None:
            walk.store(alias.asname, alias, "import", alias.name)
        else:
            top = alias.name.partition(".")[0]
            walk.store(top, alias, "import", top)


def _import_from(walk: Walk, node: ast.ImportFrom) -> None:
    module = "." * node.level + (node.module or "")
    for alias in node.names:
        if alias.name == "*":
            if walk.scope is None:
                walk.define("*", alias, "star", module)
        else:
            separator = "" if module.endswith(".") else "."
            walk.store(alias.asname or alias.name, alias, "import", f"{module}{separator}{alias.name}")


def _global(walk: Walk, node: ast.Global) -> None:
    if walk.scope is not None:
        walk.scope.global_names.update(node.names)


def _nonlocal(walk: Walk, node: ast.Nonlocal) -> None:
    if walk.scope is not None:
        walk.scope.nonlocal_names.update(node.names)


def _function(walk: Walk, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
    walk.all(node.decorator_list)
    in_class = walk.scope is not None and walk.scope.kind == "class"
    walk.functions.append(NamedFunction(node.name, node, "method" if in_class else "function"))

    def rest() -> None:
        signature(walk, node.args, annotations=True)
        if node.returns is not None:
            walk.expression(node.returns)
        walk.body(node.args, lambda: walk.block(node.body))

    if walk.deferred or isinstance(node, ast.AsyncFunctionDef):
        walk.leaves_work = True
    walk.owned(node.name, lambda: walk.with_type_parameters(node, rest))
    walk.store(node.name, node, "function")


def _type_alias(walk: Walk, node: ast.stmt) -> None:
    name: ast.Name = node.name  # type: ignore[attr-defined]
    walk.with_type_parameters(node, lambda: walk.lazily(lambda: walk.expression(node.value)))  # type: ignore[attr-defined]
    walk.store(name.id, name, "assign")


def _class(walk: Walk, node: ast.ClassDef) -> None:
    walk.all(node.decorator_list)

    def rest() -> None:
        walk.all(node.bases)
        walk.all(keyword.value for keyword in node.keywords)
        scope = Scope("class", walk.scope)
        if walk.scope is not None:
            scope.stores |= _bound_in(walk, node)
        outer, walk.scope = walk.scope, scope
        walk.block(node.body)
        walk.scope = outer

    walk.leaves_work = True
    walk.functions += [
        NamedFunction(node.name, each, "constructor")
        for each in node.body
        if isinstance(each, ast.FunctionDef) and each.name == "__init__"
    ]
    walk.owned(node.name, lambda: walk.with_type_parameters(node, rest))
    walk.store(node.name, node, "class")


def _bound_in(walk: Walk, node: ast.ClassDef) -> set[str]:
    """Return the names a class body binds, wherever in it."""
    ahead = walk.fresh()
    ahead.scope = Scope("class", None)
    ahead.block(node.body)
    return ahead.scope.stores


def _expression_statement(walk: Walk, node: ast.Expr) -> bool:
    call = node.value
    walk.expression(call)
    if isinstance(call, ast.Await):
        call = call.value
    if not isinstance(call, ast.Call):
        return False
    if isinstance(call.func, ast.Attribute):
        if call.func.attr not in name_table().changing_methods:
            walk.mutate(call.func.value)
        return (
            call.func.attr in ("exit", "_exit")
            and isinstance(call.func.value, ast.Name)
            and call.func.value.id in ("sys", "os")
        )
    return isinstance(call.func, ast.Name) and call.func.id in ("exit", "quit")


_BY_TYPE: dict[type, Callable[[Walk, Any], bool | None]] = {
    ast.Expr: _expression_statement,
    ast.Assign: _assign,
    ast.AnnAssign: _annotated,
    ast.AugAssign: _augmented,
    ast.Delete: _delete,
    ast.If: _if,
    ast.While: _while,
    ast.For: _for,
    ast.AsyncFor: _for,
    ast.With: _with,
    ast.AsyncWith: _with,
    ast.Try: _try,
    ast.TryStar: _try,
    ast.Match: _match,
    ast.Import: _import,
    ast.ImportFrom: _import_from,
    ast.Global: _global,
    ast.Nonlocal: _nonlocal,
    ast.FunctionDef: _function,
    ast.AsyncFunctionDef: _function,
    ast.ClassDef: _class,
    ast.Break: _break,
    ast.Continue: _leave,
    ast.Raise: _leave,
    ast.Return: _leave,
}
if hasattr(ast, "TypeAlias"):
    _BY_TYPE[ast.TypeAlias] = _type_alias

STATEMENTS: Handlers[bool | None] = _BY_TYPE
