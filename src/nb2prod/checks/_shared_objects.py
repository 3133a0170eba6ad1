"""Objects with two names though no line says `b = a`: views, lists of one list, live weights, returned arguments."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.diagnostics import Finding, Related
from nb2prod.notebook.tree import nodes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.dataflow.model import Statement
    from nb2prod.notebook.model import CodeCell

# Methods that change what an element of a list is.
_CHANGING = frozenset({"add", "append", "appendleft", "extend", "insert", "setdefault", "update"})
_LOOPS = (ast.For, ast.While)


def viewed(node: ast.expr) -> ast.Name | None:
    """Return the array of which an expression is a part that shares its memory: `a[1:]`, `a[:, 0]`, `a.T`."""
    match node:
        case ast.Attribute(value=ast.Name() as array, attr="T"):
            return array
        case ast.Subscript(value=ast.Name() as array, slice=part):
            parts = part.elts if isinstance(part, ast.Tuple) else [part]
            cut = any(isinstance(each, ast.Slice) for each in parts)
            plain = all(isinstance(each, ast.Slice) or _is_number(each) for each in parts)
            return array if cut and plain else None
        case _:
            return None


def _is_number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, int)


def returned(analysis: Analysis, value: ast.expr) -> ast.Name | None:
    """Return the argument that a function of the notebook is given and gives back as it is; None for any other call."""
    function = analysis.own_function(value.func) if isinstance(value, ast.Call) else None
    if function is None or not isinstance(value, ast.Call) or function.decorator_list:
        return None
    inside = [each for statement in function.body for each in nodes(statement)]
    ends = [each.value for each in inside if isinstance(each, ast.Return)]
    names = {each.id for each in ends if isinstance(each, ast.Name)}
    bound = {each.id for each in inside if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)}
    if len(names) != 1 or not all(isinstance(each, ast.Name) for each in ends) or names & bound:
        return None
    for parameter, given in zip(function.args.args, value.args, strict=False):
        if parameter.arg in names:
            return given if isinstance(given, ast.Name) else None
    return None


def same_elements(analysis: Analysis) -> Iterator[Finding]:
    """Yield the first change of an element of each `[[]] * n`, whose elements are one object."""
    for statement in analysis.statements():
        match statement.node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.BinOp(op=ast.Mult(), left=left, right=right)):
                listed = left if isinstance(left, ast.List) else right
                if isinstance(listed, ast.List) and len(listed.elts) == 1 and _is_mutable(listed.elts[0]):
                    yield from _element_changed(analysis, statement, name)


def _is_mutable(node: ast.expr) -> bool:
    match node:
        case ast.List() | ast.Dict() | ast.Set() | ast.ListComp() | ast.DictComp() | ast.SetComp():
            return True
        case ast.BinOp(op=ast.Mult(), left=left, right=right):
            return isinstance(left, ast.List) or isinstance(right, ast.List)
        case ast.Call(func=ast.Name(id=name)):
            return name in ("dict", "list", "set")
        case _:
            return False


def _element_changed(analysis: Analysis, made: Statement, name: str) -> Iterator[Finding]:
    definition = made.definitions[0]
    for statement in analysis.statements()[made.index + 1 :]:
        if not any(use.name == name and analysis.flow.reaching(use)[:1] == (definition,) for use in statement.uses):
            continue
        change = next((each for each in nodes(statement.node) if _changes_element(each, name)), None)
        if change is not None:
            message = (
                f"this changes every element of `{name}`: they are one object; make each its own, `[[] for _ in …]`"
            )
            related = Related(definition.location, f"one object, {name} times over")
            yield Finding(statement.cell.locate(change), message, (related,))
            return


def _changes_element(node: ast.AST, name: str) -> bool:
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Subscript(value=ast.Name(id=owner)), attr=method)):
            return owner == name and method in _CHANGING
        case ast.Assign(targets=[ast.Subscript(value=ast.Subscript(value=ast.Name(id=owner)))]):
            return owner == name
        case ast.AugAssign(target=ast.Subscript(value=ast.Subscript(value=ast.Name(id=owner)))):
            return owner == name
        case _:
            return False


def live_weights(analysis: Analysis) -> Iterator[Finding]:
    """Yield each `best = model.state_dict()` in a loop that goes on training, if it is loaded again afterwards."""
    if not analysis.mentions("load_state_dict"):
        return
    loaded = _loaded(analysis)
    for cell in analysis.notebook.code_cells:
        if cell.tree is None or ".state_dict()" not in cell.source:
            continue
        seen: set[str] = set()
        for loop in (each for each in analysis.nodes(cell.tree) if isinstance(each, _LOOPS)):
            inside = nodes(loop)
            if not any(isinstance(each, ast.Attribute) and each.attr in ("backward", "step") for each in inside):
                continue
            for name, node in _kept_states(inside):
                if name in loaded and name not in seen:
                    seen.add(name)
                    where, load = loaded[name]
                    message = (
                        f"`{name}` is no copy: the steps that follow change it, so what cell {where.index} loads is "
                        "the last state, not this one; use `copy.deepcopy(…)`"
                    )
                    yield Finding(cell.locate(node), message, (Related(where.locate(load), "it is loaded here"),))


def _loaded(analysis: Analysis) -> dict[str, tuple[CodeCell, ast.Call]]:
    """Return the variables that states are loaded from, with the first call that does."""
    found: dict[str, tuple[CodeCell, ast.Call]] = {}
    for cell in analysis.notebook.code_cells:
        if cell.tree is not None and "load_state_dict" in cell.source:
            for call in analysis.nodes_of(cell.tree, ast.Call):
                match call:
                    case ast.Call(func=ast.Attribute(attr="load_state_dict"), args=[ast.Name(id=name), *_]):
                        found.setdefault(name, (cell, call))
    return found


def _kept_states(inside: list[ast.AST]) -> Iterator[tuple[str, ast.expr]]:
    """Yield the names that are given a model's state as it is, and where."""
    for node in inside:
        match node:
            case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)):
                pairs = list(zip(targets, values, strict=False))
            case ast.Assign(targets=[target], value=value):
                pairs = [(target, value)]
            case _:
                continue
        for target, value in pairs:
            match target, value:
                case ast.Name(id=name), ast.Call(func=ast.Attribute(attr="state_dict")):
                    yield name, value
