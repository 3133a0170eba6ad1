"""How a node stands inside its statement: surely evaluated, guarded against a missing name, or never reached."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, TypeAlias

from nb2prod.notebook.bindings import names_bound

if TYPE_CHECKING:
    from collections.abc import Iterator

# From the outermost node to the innermost: a node and the field of it that leads on.
Path: TypeAlias = list[tuple[ast.AST, str]]

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_LEAVES = (ast.Return, ast.Raise, ast.Break, ast.Continue)
# What a handler or a context manager names to catch a NameError.
_CATCHES = frozenset({"NameError", "UnboundLocalError", "Exception", "BaseException", "StandardError"})
_BLANK_BEGINS = frozenset({"your", "my", "enter", "insert", "put", "replace"})
_EXPECTS = frozenset({"suppress", "raises", "assertRaises", "assertRaisesRegex", "ExpectException"})


def path_to(root: ast.AST, target: ast.AST) -> Path:
    """Return the way from ``root`` down to ``target``; empty where it is not below."""
    for child, field in _children(root):
        if child is target:
            return [(root, field)]
        below = path_to(child, target) if _may_hold(child, target) else []
        if below:
            return [(root, field), *below]
    return []


def _children(node: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    for field, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else (value,):
            if isinstance(child, ast.AST):
                yield child, field


def _may_hold(node: ast.AST, target: ast.AST) -> bool:
    """Whether the lines of ``node`` include those of ``target``; a node without lines may."""
    first, last = getattr(node, "lineno", None), getattr(node, "end_lineno", None)
    decorators = getattr(node, "decorator_list", None)
    if first is None or last is None:
        return True
    if decorators:
        first = min(first, *(each.lineno for each in decorators))
    return bool(first <= target.lineno <= last)  # type: ignore[attr-defined]


def surely_runs(root: ast.AST, target: ast.AST) -> bool:
    """Return whether ``target`` is evaluated whenever ``root`` runs; for a function, whenever it is called.

    A loop over something is taken to run at least once. What stands below a branch, a handler, a
    short circuit, an inner function or an earlier ``return`` is not sure.
    """
    way = path_to(root, target)
    for number, (node, field) in enumerate(way):
        match node:
            case ast.If() | ast.IfExp() | ast.While() if field != "test":
                return False
            case ast.Try() | ast.TryStar() if field in ("handlers", "orelse"):
                return False
            case ast.For() | ast.AsyncFor() if field == "orelse":
                return False
            case ast.Match() if field == "cases":
                return False
            case ast.BoolOp(values=values) if values[0] is not _next(way, number, target):
                return False
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda() if number and field == "body":
                return False
        body = getattr(node, field, None)
        if isinstance(body, list) and _left_before(body, _next(way, number, target)):
            return False
    return bool(way)


def must_precede(root: ast.AST, first: ast.AST, second: ast.AST) -> bool:
    """Return whether ``first`` is evaluated whenever ``second`` is; that it stands before it is for the caller to know.

    ``root`` is their statement. What stands on another branch is not.
    """
    one, other = path_to(root, first), path_to(root, second)
    shared = 0
    while (
        shared < min(len(one), len(other)) - 1
        and one[shared] == other[shared]
        and one[shared + 1][0] is other[shared + 1][0]
    ):
        shared += 1
    if not one:
        return False
    node, field = one[shared]
    in_suite = shared < len(other) and other[shared] == (node, field) and isinstance(getattr(node, field), list)
    start = _next(one, shared, first) if in_suite else node
    return start is first or surely_runs(start, first)


def _next(way: Path, number: int, target: ast.AST) -> ast.AST:
    return way[number + 1][0] if number + 1 < len(way) else target


def _left_before(body: list[ast.AST], child: ast.AST) -> bool:
    """Whether a statement before ``child`` may leave the suite."""
    for statement in body:
        if statement is child:
            return False
        if isinstance(statement, ast.stmt) and any(isinstance(node, _LEAVES) for node in _own_nodes(statement)):
            return True
    return False


def _own_nodes(statement: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a statement without those of functions inside it."""
    yield statement
    if isinstance(statement, _SCOPES):
        return
    for child, _ in _children(statement):
        yield from _own_nodes(child)


def is_guarded(root: ast.AST, target: ast.AST) -> bool:
    """Return whether a missing name at ``target`` is caught, expected, or never looked up.

    ``try: unicode`` with a handler for NameError, ``with suppress(NameError):``, ``if False:``.
    """
    for node, field in path_to(root, target):
        match node:
            case ast.Try(handlers=handlers) if field == "body" and any(_catches(each) for each in handlers):
                return True
            case ast.With(items=items) | ast.AsyncWith(items=items) if field == "body" and any(
                _expects(item.context_expr) for item in items
            ):
                return True
            case ast.If(test=ast.Constant(value=value)) | ast.While(test=ast.Constant(value=value)) if (
                field == "body" and not value
            ):
                return True
            case ast.If(test=ast.Name(id="TYPE_CHECKING")) if field == "body":
                return True
    return False


def _catches(handler: ast.ExceptHandler) -> bool:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(kind is None or _last_name(kind) in _CATCHES for kind in kinds)


def _expects(context: ast.expr) -> bool:
    return (
        isinstance(context, ast.Call)
        and _last_name(context.func) in _EXPECTS
        and any(_last_name(argument) in _CATCHES for argument in context.args)
    )


def is_alternative(root: ast.AST, target: ast.AST) -> bool:
    """Return whether ``target`` is asked only where a first answer did not do: ``isinstance(x, str) or …``."""
    way = path_to(root, target)
    return any(
        isinstance(node, ast.BoolOp)
        and isinstance(node.op, ast.Or)
        and node.values[0] is not _next(way, number, target)
        for number, (node, _) in enumerate(way)
    )


def first_of_blank(root: ast.AST, target: ast.AST) -> ast.expr | None:
    """Return the first word of the blank to fill in, ``[your-project-id]``, of which ``target`` is a further word.

    Read as Python such a blank is a list of one difference; None where ``target`` is not part of one.
    """
    for node, _ in path_to(root, target):
        if isinstance(node, ast.List) and len(node.elts) == 1:
            first, further = _difference(node.elts[0])
            is_blank = isinstance(first, ast.Name) and first.id.lower() in _BLANK_BEGINS
            return first if is_blank and any(word is target for word in further) else None
    return None


def _difference(node: ast.expr) -> tuple[ast.expr, list[ast.expr]]:
    """Return the first term of ``a - b - c`` and what is taken from it."""
    further: list[ast.expr] = []
    while isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
        further.append(node.right)
        node = node.left
    return node, further


def bound_by_class(root: ast.AST, target: ast.Name) -> bool:
    """Return whether ``target`` stands in the body of a class that may have bound the name further up for itself."""
    # A comprehension in the body of a class does not see what the class binds.
    scopes = [
        node
        for node, field in path_to(root, target)
        if isinstance(node, _COMPREHENSIONS) or (isinstance(node, _SCOPES) and field == "body")
    ]
    return (
        bool(scopes)
        and isinstance(scopes[-1], ast.ClassDef)
        and any(
            isinstance(each, (ast.stmt, ast.NamedExpr))
            and (each.end_lineno or 0, each.end_col_offset or 0) <= (target.lineno, target.col_offset)
            and target.id in names_bound(each)
            for statement in scopes[-1].body
            for each in _own_nodes(statement)
        )
    )


def _last_name(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def is_annotation(root: ast.AST, target: ast.AST) -> bool:
    """Return whether ``target`` stands in an annotation; ``from __future__ import annotations`` evaluates none."""
    return any(field in ("annotation", "returns") for _, field in path_to(root, target))
