"""redefined-with-other-kind: a name is used as the function, class or module it no longer is."""

from __future__ import annotations

import ast
import builtins
from importlib import import_module
from types import MethodDescriptorType
from typing import TYPE_CHECKING

from nb2prod.checks._other_kind import calls_itself, eaten_by_loop, fails_again
from nb2prod.diagnostics import Finding, Related
from nb2prod.notebook.tree import nodes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.dataflow.model import Definition, Statement, Use

# Modules of the standard library that share their name with something in them.
_TWINS = frozenset({"copy", "datetime", "glob", "pprint", "random", "time"})
_DATA = frozenset({"bool", "bytes", "complex", "dict", "float", "int", "list", "set", "str", "tuple"})
# Methods and functions of whatever table, array or text: what they return is called by nobody.
_FIGURES = frozenset(
    (
        *("astype", "count", "cumsum", "flatten", "format", "items", "join", "json", "keys", "lower", "max", "mean"),
        *("median", "min", "mode", "nunique", "quantile", "ravel", "read", "readlines", "replace", "reshape", "round"),
        *(
            "split",
            "std",
            "strip",
            "sum",
            "to_dict",
            "to_list",
            "to_numpy",
            "tolist",
            "unique",
            "upper",
            "value_counts",
        ),
        *("values", "var"),
    )
)
_KINDS = {"function": "a function", "class": "a class", "import": "an import"}
_REBINDING = frozenset({"assign", "import"})


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield the first use of each name that fails because the name was given something else before."""
    seen: set[str] = set()
    rebound = _rebound(analysis)
    for statement in analysis.statements() if rebound else ():
        if not any(use.name in rebound for use in statement.uses):
            continue
        called = {id(call.func) for call, _ in statement.calls}
        attributes = _attributes(analysis, statement)
        for use in statement.uses:
            at = id(use.node)
            if use.name not in rebound or (at not in called and at not in attributes):
                continue
            if use.name in seen or not isinstance(use.node, ast.Name):
                continue
            found = _problem(analysis, use, called=at in called, attribute=attributes.get(at))
            if found is not None:
                seen.add(use.name)
                yield found
    yield from calls_itself(analysis, seen)
    yield from eaten_by_loop(analysis, seen)
    yield from fails_again(analysis, seen)


def _rebound(analysis: Analysis) -> set[str]:
    """Return the names that are bound again after they were a function, a class, an import or a builtin."""
    bound: dict[str, set[str]] = {}
    imports: dict[str, set[str | None]] = {}
    for statement in analysis.statements():
        for each in (*statement.definitions, *statement.global_writes):
            bound.setdefault(each.name, set()).add(each.kind)
            if each.kind == "import":
                imports.setdefault(each.name, set()).add(each.qualified)
    return {
        name
        for name, kinds in bound.items()
        if not kinds.isdisjoint(_REBINDING)
        and (hasattr(builtins, name) or len(kinds & (_KINDS.keys() | {"assign"})) > 1 or len(imports.get(name, ())) > 1)
    }


def _attributes(analysis: Analysis, statement: Statement) -> dict[int, str]:
    """Return, by the id of a name's node, the attribute that is asked of it; with `()` where it gets a constant."""
    if not any(use.name in _TWINS for use in statement.uses):
        return {}
    found = {
        id(node.value): node.attr
        for node in analysis.nodes_of(statement.node, ast.Attribute)
        if isinstance(node.value, ast.Name)
    }
    for call, _ in statement.calls:
        match call:
            case ast.Call(func=ast.Attribute(value=ast.Name() as owner, attr=attr), args=[ast.Constant(), *_]):
                found[id(owner)] = f"{attr}()"
    return found


def _problem(analysis: Analysis, use: Use, *, called: bool, attribute: str | None) -> Finding | None:
    if analysis.flow.maybe_unbound(use):
        return None
    now = [each for each in analysis.flow.reaching(use) if each.kind != "mutate"]
    if not now or any(each.kind not in _REBINDING for each in now) or (use.deferred and not _is_used(analysis, use)):
        return None
    before = _earlier(analysis, use, now[-1])
    if before is None and not hasattr(builtins, use.name):
        return None
    if called:
        data = [each for each in now if _is_data(analysis, each)]
        if not data or (len(data) < len(now) and not (before is None and _is_best_so_far(analysis, now, data))):
            return None
        what = "is called here, but"
    else:
        if before is None or not all(_lacks(each, attribute) for each in now):
            return None
        what = f"is asked for `{(attribute or '').rstrip('()')}` here, but"
    was = f"{_KINDS[before.kind]} in cell {before.cell.index}" if before else "a builtin"
    new = "imports something else of that name" if now[-1].kind == "import" else "makes it data"
    message = f"`{use.name}` {what} cell {now[-1].cell.index} {new}; it was {was}"
    related = [Related(now[-1].location, f"`{use.name}` is redefined here")]
    if before is not None:
        related.append(Related(before.location, f"`{use.name}` was {_KINDS[before.kind]} here"))
    return Finding(use.location, message, tuple(related))


def _earlier(analysis: Analysis, use: Use, now: Definition) -> Definition | None:
    """Return the last definition before ``now`` that made the name what the use takes it for."""
    found = [
        each
        for statement in analysis.statements()[: now.statement + 1]
        for each in statement.definitions
        if each.name == use.name
        and each.kind in _KINDS
        and each is not now
        and (each.qualified or each) != now.qualified
    ]
    return found[-1] if found else None


def _is_used(analysis: Analysis, use: Use) -> bool:
    return use.owner is None or any(
        each.name == use.owner and each.owner != use.owner
        for statement in analysis.statements()
        for each in statement.uses
    )


def _is_data(analysis: Analysis, definition: Definition) -> bool:
    """Whether a definition surely gives the name something that cannot be called."""
    for node in nodes(analysis.statements()[definition.statement].node):
        match node:
            case ast.Assign(value=value, targets=targets) if definition.node in targets:
                return _is_data_value(analysis, value)
            case ast.AnnAssign(value=ast.expr() as value, target=target) if definition.node is target:
                return _is_data_value(analysis, value)
    return False


def _is_best_so_far(analysis: Analysis, now: list[Definition], data: list[Definition]) -> bool:
    """Whether what is not known to be data is an element of what a loop goes over: ``max = value``."""
    for each in now:
        if each in data:
            continue
        node = analysis.statements()[each.statement].node
        if not isinstance(node, ast.For):
            return False
        elements = {target.id for target in nodes(node.target) if isinstance(target, ast.Name)}
        values = [
            assign.value for assign in nodes(node) if isinstance(assign, ast.Assign) and each.node in assign.targets
        ]
        if not all(isinstance(value, ast.Name) and value.id in elements for value in values):
            return False
    return True


def _is_data_value(analysis: Analysis, value: ast.expr) -> bool:
    match value:
        case ast.Constant(value=constant):
            return constant is not Ellipsis
        case ast.List() | ast.Tuple() | ast.Set() | ast.Dict() | ast.JoinedStr():
            return True
        case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp() | ast.Compare():
            return True
        case ast.UnaryOp(operand=operand):
            return _is_data_value(analysis, operand)
        case ast.BinOp(left=left, right=right):
            return _is_data_value(analysis, left) or _is_data_value(analysis, right)
        case ast.Call(func=ast.Attribute(attr=method)) if method in _FIGURES:
            return True
        case ast.Call(func=ast.Name() as func) if own := _own_function(analysis, func):
            returned = [node.value for node in nodes(own) if isinstance(node, ast.Return)]
            return bool(returned) and all(each is not None and _is_data_value(analysis, each) for each in returned)
        case ast.Call():
            module, _, kind = (analysis.qualified_name(value) or "").partition(".")
            return module == "builtins" and kind in _DATA
        case _:
            return False


def _own_function(analysis: Analysis, name: ast.Name) -> ast.FunctionDef | None:
    """Return the function of the notebook that a name stands for where it is called; None where it may be more."""
    use = analysis.use_at(name)
    found = analysis.flow.reaching(use) if use is not None else ()
    node = analysis.statements()[found[0].statement].node if len(found) == 1 else None
    if not isinstance(node, ast.FunctionDef) or node.decorator_list:
        return None
    return None if any(isinstance(each, (ast.Yield, ast.Lambda)) for each in nodes(node)) else node


def _lacks(definition: Definition, attribute: str | None) -> bool:
    """Whether an imported twin (``datetime.datetime``) surely has no such attribute."""
    parts = (definition.qualified or "").split(".")
    if definition.kind != "import" or parts[0] not in _TWINS or attribute is None or len(parts) > 2:  # noqa: PLR2004 module and member
        return False
    thing: object = import_module(parts[0])
    for part in parts[1:]:
        thing = getattr(thing, part, None)
    if thing is None:
        return False
    # `datetime.date(2024, 6, 1)` of the class is a method, which wants a moment first.
    return not hasattr(thing, attribute.rstrip("()")) or (
        attribute.endswith("()") and isinstance(getattr(thing, attribute[:-2]), MethodDescriptorType)
    )
