"""Whether what is written tells only how well a model did, and how its fit went: no prediction, and no model."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.dataflow.callees import last_name
from nb2prod.notebook.tree import nodes
from nb2prod.operations import operations
from nb2prod.words import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from nb2prod.analysis import Analysis, Call

_RULE = "model-not-saved"
_METRICS = ("sklearn.metrics.", "scipy.stats.", "torchmetrics.")
_DEPTH = 4


def tells_of_fit(analysis: Analysis, call: Call | None) -> bool:
    """Return whether all that a call writes, or what is written into the file it opens, are figures of a model."""
    if call is None:
        return False
    written = list(_written(analysis, call))
    found = [_figures(analysis, each, _DEPTH) for each in written]
    return False not in found and True in found


def _written(analysis: Analysis, call: Call) -> Iterator[ast.expr]:
    """Yield what a call writes, or what is written into the file that it opens."""
    if call.name.rpartition(".")[2] == "open":
        yield from _written_into(analysis, call)
        return
    paths = call.info.path if call.info is not None else ()
    for name, given in call.arguments.items():
        if name not in paths and not _is_opened(analysis, given):
            yield given
    if isinstance(call.node.func, ast.Attribute) and call.node.func.attr.startswith("to_"):
        yield call.node.func.value


def _written_into(analysis: Analysis, opening: Call) -> Iterator[ast.expr]:
    """Yield what is written in the ``with`` or the statement that opens a file, or by its variable later."""
    whole = opening.statement.node
    files: set[str] = set()
    roots: list[ast.AST] = [whole]
    match whole:
        case ast.With(items=items, body=body):
            files = {each.optional_vars.id for each in items if isinstance(each.optional_vars, ast.Name)}
            roots = [*body]
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if value is opening.node:
            files = {name}
            roots = [
                analysis.statements()[use.statement].node
                for each in opening.statement.definitions
                for use in analysis.flow.uses(each)
            ]
        case ast.Expr():
            pass
        case _:
            yield opening.node  # nobody knows who writes into it
    for each in (part for root in roots for part in nodes(root)):
        # `handle.write(…)`, `json.dump(…, handle)`, `print(…, file=handle)`
        if isinstance(each, ast.Call) and last_name(each.func) in words(_RULE)["writing"]:
            for given in each.args:
                if not any(_is_file(part, opening, files) for part in nodes(given)):
                    yield given


def _is_opened(analysis: Analysis, node: ast.expr) -> bool:
    """Whether an argument is an open file: what goes into it stands beside it."""
    if isinstance(node, ast.Call):
        return last_name(node.func) == "open"
    use = analysis.use_at(node)
    made = [analysis.statements()[each.statement].node for each in analysis.flow.reaching(use)] if use else []
    return any(isinstance(each, (ast.With, ast.AsyncWith)) for each in made)


def _is_file(node: ast.AST, opening: Call, files: set[str]) -> bool:
    return node is opening.node or (isinstance(node, ast.Name) and node.id in files)


def _figures(analysis: Analysis, node: ast.expr, depth: int) -> bool | None:
    """Return whether an expression is made of figures of a model alone; None where there is nothing but words."""
    match node:
        case ast.Constant():
            return None
        case ast.Attribute(value=value, attr=attr) if attr in words(_RULE)["reshaping"]:
            return _figures(analysis, value, depth)
        case ast.Attribute(attr=attr):
            return True if attr in words(_RULE)["course"] else (None if attr.startswith("__") else False)
        case ast.Call():
            return _called(analysis, node, depth)
        case ast.Name():
            return (
                _together(_figures(analysis, each, depth - 1) for each in _values(analysis, node)) if depth else False
            )
        case ast.Subscript(value=value) | ast.FormattedValue(value=value) | ast.Starred(value=value):
            return _figures(analysis, value, depth)
        case ast.List(elts=[]) | ast.Dict(values=[]):
            return None  # what is put into it comes later
        case ast.JoinedStr(values=parts) | ast.List(elts=parts) | ast.Tuple(elts=parts) | ast.Dict(values=parts):
            return _together(_figures(analysis, each, depth) for each in parts)
        case ast.BinOp(left=left, right=right):
            return _together(_figures(analysis, each, depth) for each in (left, right))
        case ast.DictComp(value=value) | ast.ListComp(elt=value) | ast.UnaryOp(operand=value):
            return _figures(analysis, value, depth)
        case _:
            return False


def _called(analysis: Analysis, node: ast.Call, depth: int) -> bool | None:
    name = last_name(node.func)
    qualified = analysis.qualified_name(node.func) or ""
    info = analysis.libraries.call(qualified) if qualified else None
    if qualified.startswith(_METRICS) or (info is not None and "score" in info.effects):
        return True
    if name in ("evaluate", "score"):
        return True
    if name in operations().reducing and isinstance(node.func, ast.Attribute):
        split = any(
            isinstance(each, ast.Attribute) and each.attr in words(_RULE)["splitting"] for each in nodes(node.func)
        )
        return not split
    if name in words(_RULE)["reshaping"] | operations().keeping:
        owner = [node.func.value] if isinstance(node.func, ast.Attribute) else []
        if owner and not _is_module(analysis, owner[0]):
            return _figures(analysis, owner[0], depth)
        return _together(_figures(analysis, each, depth) for each in node.args)
    return None if name in words(_RULE)["plain"] else False


def _is_module(analysis: Analysis, node: ast.expr) -> bool:
    use = analysis.use_at(node)
    return use is not None and any(each.kind == "import" for each in analysis.flow.reaching(use))


def _together(found: Iterable[bool | None]) -> bool | None:
    all_of_it = set(found)
    return False if False in all_of_it or not all_of_it else (True if True in all_of_it else None)


def _values(analysis: Analysis, name: ast.Name) -> Iterator[ast.expr]:
    """Yield what a variable is set to, and what is put into it."""
    use = analysis.use_at(name)
    for each in analysis.flow.reaching(use) if use is not None else ():
        for part in nodes(analysis.statements()[each.statement].node):
            match part:
                case ast.Assign(targets=[target], value=value) if name.id in _targets(target):
                    yield value
                case ast.For(target=ast.Tuple(elts=[ast.Name(id=first), *_]), iter=ast.Call() as source) if (
                    first == name.id and last_name(source.func) in ("enumerate", "items")
                ):
                    yield ast.Constant(first)  # `for name, model in models.items()`
                case ast.For(target=target, iter=source) if name.id in _targets(target):
                    yield source
                case ast.Call(func=ast.Attribute(value=ast.Name(id=owner), attr="append"), args=[value]):
                    if owner == name.id:
                        yield value
                case _:
                    pass


def _targets(node: ast.expr) -> list[str]:
    """Return the variables that are set, or of which something is: `a, b = …`, `scores["mean"] = …`."""
    parts = node.elts if isinstance(node, ast.Tuple) else [node]
    roots = [each.value if isinstance(each, ast.Subscript) else each for each in parts]
    return [each.id for each in roots if isinstance(each, ast.Name)]
