"""set-order-result: the order of a set, which differs from run to run, gets into a result."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.checks._text_sets import is_set, is_set_of_text
from nb2prod.diagnostics import Applicability, Edit, Finding, Fix
from nb2prod.edits import replaced
from nb2prod.notebook.tree import children, nodes
from nb2prod.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from nb2prod.analysis import Analysis
    from nb2prod.dataflow.model import Statement

# Calls for which the order of what they are given makes no difference, by the last part of their name.
_FORGETS = frozenset({
    "sorted", "len", "sum", "min", "max", "any", "all", "set", "frozenset", "Counter", "isin", "union", "intersection",
    "difference", "issubset", "issuperset", "symmetric_difference", "difference_update", "update", "drop",
})  # fmt: skip
# Views of keys, of which operators make sets.
_VIEWS = (".keys() &", ".keys() -", ".keys() |", ".keys() ^")
_COLLECTS = frozenset({"append", "extend", "insert", "write"})
_ORDERS = frozenset({ast.Call, ast.ListComp, ast.List, ast.For})


class _Ordering(NamedTuple):
    """A set that is put into an order: in which statement, by what, and the set."""

    statement: Statement
    node: ast.AST
    source: ast.expr


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield the first place of each cell where a set of texts is put into an order that is kept."""
    cells: dict[int, list[_Ordering]] = {}
    for statement in analysis.statements() if _has_sets(analysis) else ():
        parents: dict[int, ast.AST] = {}
        for node in analysis.nodes(statement.node):
            source = _ordered(node) if node.__class__ in _ORDERS else None
            if source is None:
                continue
            of_text = is_set_of_text(analysis, source)
            if not of_text and not is_set(analysis, source):
                continue
            if of_text and isinstance(node, ast.For) and not _collects(node):
                continue
            parents = parents or _parents(analysis.nodes(statement.node))
            # What gets codes is no number yet.
            is_result = _is_kept if of_text else _gives_codes
            if is_result(analysis, node, statement, parents):
                cells.setdefault(statement.cell.index, []).append(_Ordering(statement, node, source))
    for (statement, node, source), *more in cells.values():
        shown = ast.unparse(source)
        kind = "a set of texts" if is_set_of_text(analysis, source) else "a set"
        shown = shown if len(shown) <= 40 else f"{shown[:39]}…"  # noqa: PLR2004 what fits on a line
        changes = tuple(edit for each in ((statement, node, source), *more) for edit in _sorting(*each))
        hidden = any(definition.name == "sorted" for each in analysis.statements() for definition in each.definitions)
        yield Finding(
            statement.cell.locate(node.iter if isinstance(node, ast.For) else node),
            f"`{shown}` is {kind}, whose order differs in each run, and it gets into the result; use `sorted(…)`",
            fix=None if hidden else Fix("sort it", changes, Applicability.UNSAFE),
        )


def _sorting(statement: Statement, node: ast.AST, source: ast.expr) -> tuple[Edit, ...]:
    """Return the edits that sort the set where it is put into an order: ``list(s)`` becomes ``sorted(s)``."""
    match node:
        case ast.Call(func=ast.Name(id="list") as function, args=[_], keywords=[]):
            return (replaced(statement.cell, function, "sorted"),)
        case ast.List():
            return (replaced(statement.cell, node, f"sorted({ast.unparse(source)})"),)
    where = statement.cell.locate(source).range
    return (
        Edit(statement.cell.location(*where.start), "sorted("),
        Edit(statement.cell.location(*where.end), ")"),
    )


def _ordered(node: ast.AST) -> ast.expr | None:
    """Return what ``node`` may put into an order: ``list(x)``, ``[… for … in x]``, ``enumerate(x)``, a loop."""
    match node:
        case ast.Call(func=ast.Name(id="list" | "tuple" | "enumerate"), args=[source, *_]):
            return source
        case ast.Call(func=ast.Attribute(attr="join"), args=[source]):
            return source
        case ast.List(elts=[ast.Starred(value=source)]):
            return source
        case ast.ListComp(generators=[ast.comprehension(iter=source), *_]):
            return source
        case ast.For(iter=source):
            return source
    return None


def _collects(loop: ast.For) -> bool:
    """Whether a loop's body puts something behind what is there, or numbers it: the order of the rounds is kept."""
    return any(
        _numbers(each) or (isinstance(each, ast.Call) and getattr(each.func, "attr", None) in _COLLECTS)
        for part in loop.body
        for each in nodes(part)
    )


def _numbers(node: ast.AST) -> bool:
    """Whether something gets the next number: ``codes[word] = len(codes)``."""
    match node:
        case ast.Assign(
            targets=[ast.Subscript(value=ast.Name(id=table))],
            value=ast.Call(func=ast.Name(id="len"), args=[ast.Name(id=counted)]),
        ):
            return table == counted
    return False


def _gives_codes(analysis: Analysis, node: ast.AST, statement: Statement, parents: Mapping[int, ast.AST]) -> bool:
    """Whether the place of each element becomes its number: ``{label: i for i, label in enumerate(set(x))}``."""
    match statement.node:
        case ast.Assign(targets=[ast.Name()], value=value) if value is node:
            for definition in statement.definitions:
                for use in analysis.flow.uses(definition):
                    around = _parents(analysis.nodes(analysis.statements()[use.statement].node))
                    if _is_numbered(use.node, around):
                        return not _is_sorted(analysis, statement)
            return False
    return isinstance(node, ast.expr) and _is_numbered(node, parents)


def _is_numbered(node: ast.AST, parents: Mapping[int, ast.AST]) -> bool:
    """Whether elements get numbers by their place: by ``enumerate`` or ``zip(…, range(…))``, or by ``index``."""
    outer = parents.get(id(node))
    match outer:
        case ast.Attribute(attr="index"):
            return True
        case ast.Call(func=ast.Name(id="list" | "tuple")):
            return _is_numbered(outer, parents)
        case ast.Call(func=ast.Name(id="enumerate")):
            return _is_table_of_numbers(outer, parents)
        case ast.Call(func=ast.Name(id="zip"), args=[first, ast.Call(func=ast.Name(id="range"))]) if first is node:
            return _is_table_of_numbers(outer, parents)
    # The call of `enumerate` is itself what puts the set into an order.
    return isinstance(node, ast.Call) and _is_table_of_numbers(node, parents)


def _is_table_of_numbers(pairs: ast.AST, parents: Mapping[int, ast.AST]) -> bool:
    """Whether pairs of a number and an element become a dictionary from one to the other."""
    outer = parents.get(id(pairs))
    match outer:
        case ast.Call(func=ast.Name(id="dict")):
            return True
        case ast.comprehension(target=ast.Tuple(elts=[ast.Name(id=one), ast.Name(id=other)])):
            made = parents.get(id(outer))
            match made:
                case ast.DictComp(key=ast.Name(id=key), value=ast.Name(id=value)):
                    return {key, value} == {one, other}
        case ast.For(target=ast.Tuple(elts=[ast.Name(id=number), ast.Name(id=element)]), body=body):
            return any(_codes(each, element, number) for each in body)
    return False


def _codes(node: ast.stmt, element: str, number: str) -> bool:
    match node:
        case ast.Assign(targets=[ast.Subscript(slice=ast.Name(id=key))], value=ast.Name(id=value)):
            return {key, value} == {element, number}
    return False


def _has_sets(analysis: Analysis) -> bool:
    """Whether a set is made anywhere in the notebook: most notebooks make none."""
    if analysis.mentions(*_VIEWS) or any(call.name in ("set", "frozenset") for call in analysis.calls()):
        return True
    trees = [cell.tree for cell in analysis.notebook.code_cells if cell.tree is not None and "{" in cell.source]
    return any(analysis.nodes_of(tree, ast.Set) or analysis.nodes_of(tree, ast.SetComp) for tree in trees)


def _parents(found: Iterable[ast.AST]) -> dict[int, ast.AST]:
    return {id(child): each for each in found for child in children(each)}


def _is_kept(analysis: Analysis, node: ast.AST, statement: Statement, parents: Mapping[int, ast.AST]) -> bool:
    """Whether the order matters afterwards: it is not forgotten where it is made, nor wherever it is used."""
    if isinstance(node, ast.For):
        return True
    if _is_forgotten(node, parents):
        return False
    match statement.node:
        case ast.Assign(targets=[ast.Name()], value=value) if value is node:
            return any(_matters(analysis, use.node, use.statement) for each in statement.definitions
                       for use in analysis.flow.uses(each)) and not _is_sorted(analysis, statement)  # fmt: skip
        case ast.Expr(value=ast.Call(func=ast.Name(id="print"))):
            return False
        case ast.Expr(value=value) if value is node:
            return False
    return True


def _is_sorted(analysis: Analysis, statement: Statement) -> bool:
    """Whether ``names.sort()`` follows."""
    names = {each.name for each in statement.definitions}
    return any(call.name in {f"{name}.sort" for name in names} for call in analysis.calls())


def _matters(analysis: Analysis, node: ast.AST, index: int) -> bool:
    parents = _parents(analysis.nodes(analysis.statements()[index].node))
    shown = parents.get(id(node))
    if isinstance(shown, ast.Expr) or (isinstance(shown, ast.Call) and ast.unparse(shown.func) == "print"):
        return False
    return not _is_forgotten(node, parents)


def _is_forgotten(node: ast.AST, parents: Mapping[int, ast.AST]) -> bool:
    """Whether an expression stands where only what is in it counts: ``len(x)``, ``sorted(x)``, ``y in x``."""
    outer = parents.get(id(node))
    while outer is not None:
        match outer:
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if outer.func is not node:
                if name in _FORGETS:
                    return True
            case ast.Compare(ops=[ast.In() | ast.NotIn() | ast.Eq() | ast.NotEq()]):
                return True
            case ast.stmt():
                return False
        node, outer = outer, parents.get(id(outer))
    return False
