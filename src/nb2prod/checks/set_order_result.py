"""set-order-result: the order of a set decides about a result, and it is another one in every run."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.diagnostics import Finding
from nb2prod.notebook.tree import nodes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.notebook.model import CodeCell

# What makes a sequence of whatever it is given, in the order it comes.
_ORDERS = frozenset({"list", "tuple", "enumerate"})
# What comes out the same in whatever order it is given.
_FORGETS = frozenset(
    {"len", "sum", "min", "max", "any", "all", "sorted", "set", "frozenset", "Counter", "fsum", "sort", "isin"}
)


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield the first place of each cell where a set's order becomes part of a value."""
    if "set(" not in analysis.notebook.text and "{" not in analysis.notebook.text:
        return
    for cell in analysis.notebook.code_cells:
        if cell.tree is None or not any(word in cell.source for word in ("list(", "tuple(", "enumerate(", "for ")):
            continue
        found = next(_ordered(analysis, cell, cell.tree), None)
        if found is not None:
            message = (
                "the order of a set is another one in every process; use `sorted(…)` where it becomes part of a value"
            )
            yield Finding(cell.locate(found), message)


def _ordered(analysis: Analysis, cell: CodeCell, tree: ast.Module) -> Iterator[ast.AST]:
    parents = {id(child): parent for parent in nodes(tree) for child in ast.iter_child_nodes(parent)}
    for node in nodes(tree):
        match node:
            case ast.Call(func=ast.Name(id=name), args=[source, *_]) if name in _ORDERS:
                pass
            case ast.ListComp(generators=[ast.comprehension(iter=source)]):
                pass
            case _:
                continue
        if _is_set(analysis, source) and not _is_forgotten(node, parents) and not _is_sorted_later(cell, node, parents):
            yield node


def _is_set(analysis: Analysis, node: ast.expr) -> bool:
    """Whether an expression is surely a set whose order differs between processes."""
    match node:
        case ast.Set(elts=elements):
            return not all(isinstance(each, ast.Constant) and isinstance(each.value, (int, float)) for each in elements)
        case ast.Call(func=ast.Name(id="set" | "frozenset") as function, args=[source]):
            return (analysis.qualified_name(function) or "").startswith("builtins.") and not _is_numbers(source)
        case ast.SetComp(elt=element):
            return not _is_numbers(element)
        case ast.BinOp(left=left, op=ast.BitOr() | ast.BitAnd() | ast.Sub() | ast.BitXor()):
            return _is_set(analysis, left)
        case ast.Name():
            value = _assigned(analysis, node)
            return value is not None and not isinstance(value, ast.Name) and _is_set(analysis, value)
    return False


def _assigned(analysis: Analysis, node: ast.Name) -> ast.expr | None:
    """Return the one expression a name was assigned, where no other definition reaches it."""
    use = analysis.use_at(node)
    found = analysis.flow.reaching(use) if use is not None else ()
    if len(found) != 1:
        return None
    statement = analysis.statements()[found[0].statement].node
    return statement.value if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name) else None


def _is_numbers(node: ast.expr) -> bool:
    """Whether what a set is made of is numbers, as far as it is written out: their order is steady."""
    match node:
        case ast.Call(func=ast.Name(id="range" | "int" | "len" | "round")) | ast.Constant(value=int()):
            return True
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            return all(_is_numbers(each) for each in elements)
        case ast.BinOp(op=ast.Mult() | ast.Sub() | ast.Mod() | ast.FloorDiv()):
            return True
    return False


def _is_forgotten(node: ast.AST, parents: dict[int, ast.AST]) -> bool:
    """Whether what the sequence goes to is the same in any order, or only asks what is in it."""
    parent = parents.get(id(node))
    while isinstance(parent, (ast.GeneratorExp, ast.comprehension, ast.Starred, ast.keyword)):
        parent = parents.get(id(parent))
    match parent:
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            return name in _FORGETS
        case ast.Compare(ops=[ast.In() | ast.NotIn()]) | ast.For() | ast.SetComp():
            return True
    return False


def _is_sorted_later(cell: CodeCell, node: ast.AST, parents: dict[int, ast.AST]) -> bool:
    """Whether the name the sequence is bound to is sorted further down in the cell."""
    parent = parents.get(id(node))
    if not (isinstance(parent, ast.Assign) and isinstance(parent.targets[0], ast.Name)):
        return False
    name = parent.targets[0].id
    below = "\n".join(cell.lines[parent.lineno :])
    return f"{name}.sort(" in below or f"sorted({name}" in below
