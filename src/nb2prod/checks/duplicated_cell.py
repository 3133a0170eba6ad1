"""duplicated-cell: two cells do the same, line for line, with the same names or with others."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.diagnostics import Finding, Related
from nb2prod.notebook.tree import nodes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from nb2prod.analysis import Analysis
    from nb2prod.notebook.model import CodeCell

SHORTEST = 3
# With other names it takes more lines to be no chance.
SHORTEST_RENAMED = 5


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield each cell whose code, or a function of which, an earlier cell has too."""
    copies: set[int] = set()
    for cell, tree, first in _same(analysis):
        copies.add(cell.index)
        yield Finding(
            cell.locate(tree.body[0]),
            f"the same code as cell {first.index}; keep one, or make it a function",
            (Related(first.location(), "the first copy"),),
        )
    for cell, node, first, one in _same_functions(analysis):
        if cell.index not in copies:
            copies.add(cell.index)
            message = f"`{node.name}` is defined here as it is in cell {first.index}, line for line; keep one"
            yield Finding(cell.locate(node), message, (Related(first.locate(one), "the first copy"),))
    for cell, tree, first in _renamed(analysis):
        if cell.index not in copies:
            copies.add(cell.index)
            message = (
                f"the same code as cell {first.index} with other names or values; make it a function and call it twice"
            )
            yield Finding(cell.locate(tree.body[0]), message, (Related(first.location(), "the first copy"),))
    for cell, start, first in _with_another_object(analysis):
        if cell.index not in copies:
            message = (
                f"the same steps as in cell {first.index} with another object; make them a function that is given it"
            )
            yield Finding(cell.locate(start), message, (Related(first.location(), "the first copy"),))


def _same(analysis: Analysis) -> Iterator[tuple[CodeCell, ast.Module, CodeCell]]:
    """Yield each cell that is the copy of an earlier one, and that one."""
    for cells in _alike(analysis, SHORTEST, _length):
        first_of: dict[str, CodeCell] = {}
        for cell, tree in cells:
            first = first_of.setdefault(ast.dump(tree), cell)
            if first is not cell and _magics(first) == _magics(cell):
                yield cell, tree, first


def _renamed(analysis: Analysis) -> Iterator[tuple[CodeCell, ast.Module, CodeCell]]:
    """Yield each cell that is an earlier one with other names of variables and other constants, and that one."""
    for cells in _alike(analysis, SHORTEST_RENAMED, _computing):
        first_of: dict[tuple[object, ...], CodeCell] = {}
        for cell, tree in cells:
            first = first_of.setdefault(_shape(tree.body), cell)
            if first is not cell:
                yield cell, tree, first


def _with_another_object(analysis: Analysis) -> Iterator[tuple[CodeCell, ast.stmt, CodeCell]]:
    """Yield each cell that is an earlier one but for the class, or the arguments, of an object it makes."""
    similar: dict[tuple[object, ...], list[tuple[CodeCell, list[ast.stmt]]]] = {}
    for cell in analysis.notebook.code_cells:
        work = _work(cell.tree) if cell.tree is not None and len(cell.tree.body) >= SHORTEST_RENAMED else []
        made = tuple([_made(node) is not None for node in work])
        steps = sum(not (done or _draws(node) or _names_a_value(node)) for node, done in zip(work, made, strict=True))
        if any(made) and steps >= SHORTEST and steps + sum(made) >= SHORTEST_RENAMED:
            similar.setdefault((made, *(node.__class__ for node in work)), []).append((cell, work))
    for cells in similar.values():
        first_of: dict[tuple[object, ...], CodeCell] = {}
        for cell, work in cells if len(cells) > 1 else ():
            first = first_of.setdefault(_shape(work, classes=False), cell)
            if first is not cell:
                yield cell, work[0], first


def _made(node: ast.AST) -> ast.Call | None:
    """Return the call that makes an object, by the name of its class: `model = LinearSVC(random_state=0)`."""
    match node:
        case ast.Assign(
            targets=[ast.Name()], value=ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) as made
        ):
            return made if name[:1].isupper() else None
        case _:
            return None


def _names_a_value(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)


def _alike(
    analysis: Analysis, shortest: int, length: Callable[[ast.Module], int]
) -> Iterator[list[tuple[CodeCell, ast.Module]]]:
    """Yield groups of cells that have the same kinds of statements and of nodes, and are no shorter."""
    for cells in analysis.once(_of_one_kind):
        found = [(cell, tree) for cell, tree in cells if length(tree) >= shortest]
        if len(found) > 1:
            yield found


def _of_one_kind(analysis: Analysis) -> list[list[tuple[CodeCell, ast.Module]]]:
    """Return the groups of cells that have the same kinds of statements and of nodes: most cells are like no other.

    Comparing trees is exact, and dear.
    """
    similar: dict[tuple[type[ast.AST], ...], list[tuple[CodeCell, ast.Module]]] = {}
    for cell in analysis.notebook.code_cells:
        if cell.tree is not None and cell.tree.body:
            similar.setdefault(tuple([node.__class__ for node in cell.tree.body]), []).append((cell, cell.tree))
    alike: dict[tuple[type[ast.AST], ...], list[tuple[CodeCell, ast.Module]]] = {}
    for cells in similar.values():
        for cell, tree in cells if len(cells) > 1 else ():
            alike.setdefault(tuple([node.__class__ for node in analysis.nodes(tree)]), []).append((cell, tree))
    return [cells for cells in alike.values() if len(cells) > 1]


def _same_functions(
    analysis: Analysis,
) -> Iterator[tuple[CodeCell, ast.FunctionDef, CodeCell, ast.FunctionDef]]:
    """Yield each function that an earlier cell defines line for line, and that one."""
    by_name: dict[str, list[tuple[CodeCell, ast.FunctionDef]]] = {}
    for statement in analysis.statements():
        node = statement.node
        if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno >= SHORTEST:
            by_name.setdefault(node.name, []).append((statement.cell, node))
    for (first, one), *others in by_name.values():
        for cell, node in others:
            if cell is not first and ast.dump(node) == ast.dump(one):
                yield cell, node, first, one


def _shape(parts: Sequence[ast.stmt], *, classes: bool = True) -> tuple[object, ...]:
    """Return what statements do with names numbered as they appear, and constants by their kind.

    Without ``classes`` it is all the same which object a statement makes, and of what.
    """
    numbers: dict[str, int] = {}
    found: list[object] = []
    for node in (each for part in parts for each in _nodes(part, classes=classes)):
        match node:
            case ast.Name(id=name):
                found.append(numbers.setdefault(name, len(numbers)))
            case ast.Attribute(attr=attr):
                found.append(attr)
            case ast.keyword(arg=arg) | ast.arg(arg=arg):
                found.append(arg)
            case ast.Constant(value=value):
                found.append(type(value))
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                found.append(name)
            case ast.Import() | ast.ImportFrom():
                found.append(ast.unparse(node))
            case _:
                found.append(node.__class__)
    return tuple(found)


def _nodes(part: ast.stmt, *, classes: bool) -> list[ast.AST]:
    """Return what stands in a statement; of one that makes an object only the variable, if classes are the same."""
    if classes or _made(part) is None or not isinstance(part, ast.Assign):
        return nodes(part)
    return [part, *part.targets]


def _computing(tree: ast.Module) -> int:
    """Return how many statements do something other than draw; where all of them compute something, one more."""
    work = _work(tree)
    computes = all(isinstance(node, (ast.Assign, ast.AugAssign)) and not _names_a_value(node) for node in work)
    return sum(not _draws(node) for node in work) + computes


def _draws(node: ast.stmt) -> bool:
    """Whether a statement is a call on a figure, by the usual names of those: `plt.title("…")`, `ax.legend()`."""
    if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Call):
        return False
    root: ast.expr = node.value.func
    while isinstance(root, (ast.Attribute, ast.Subscript, ast.Call)):
        root = root.func if isinstance(root, ast.Call) else root.value
    return isinstance(root, ast.Name) and root.id.startswith(("plt", "ax", "fig", "sns", "display"))


def _length(tree: ast.Module) -> int:
    """Return how many statements do something, those of functions and loops included."""
    work = _work(tree)
    if len(work) >= SHORTEST or not any(hasattr(node, "body") for node in work):
        return len(work)
    return sum(isinstance(each, ast.stmt) for node in work for each in nodes(node))


def _work(tree: ast.Module) -> list[ast.stmt]:
    """Return the statements that are more than imports, or calls of one thing without an argument."""
    return [node for node in tree.body if not isinstance(node, (ast.Import, ast.ImportFrom)) and not _shows(node)]


def _shows(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, (ast.Name, ast.Constant, ast.Attribute))


def _magics(cell: CodeCell) -> list[tuple[str, str]]:
    return [(magic.name, magic.argument) for magic in cell.magics]
