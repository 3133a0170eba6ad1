"""hardcoded-threshold: a model's probability is compared with a number that has no name."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.checks._decisions import decided, number
from nb2prod.checks._named_scores import WORDS, by_name
from nb2prod.diagnostics import Finding
from nb2prod.notebook.tree import nodes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.notebook.model import CodeCell

_GIVES = ("predict_proba", "decision_function", "staged_predict_proba", "predict_log_proba")
# Functions that make probabilities of scores.
_SQUASHES = frozenset(
    (
        *("torch.sigmoid", "torch.softmax", "torch.nn.functional.sigmoid", "torch.nn.functional.softmax"),
        *("scipy.special.expit", "scipy.special.softmax", "tensorflow.nn.sigmoid", "tensorflow.nn.softmax"),
    )
)
# Models that give them by `predict`; nobody holds another of their figures against a number between 0 and 1.
_NETWORKS = frozenset({"keras.Model", "keras.Sequential", "tensorflow.keras.Model", "tensorflow.keras.Sequential"})
# What takes some of the figures, or the same in another shape.
_SAME = frozenset(
    [
        "apply",
        "array",
        "asarray",
        "astype",
        "copy",
        "flatten",
        "iloc",
        "loc",
        "map",
        "max",
        "min",
        "ravel",
        "reshape",
        "round",
        "squeeze",
        "to_numpy",
        "tolist",
        "transpose",
        "values",
        "T",
        "Series",
        "DataFrame",
        "list",
        "float",
        "enumerate",
        "zip",
        "amax",
        "reset_index",
    ]
)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_LOOPS = (ast.For, ast.AsyncFor, ast.comprehension)
# Where `predict` itself decides, and what every probability is held against.
_USUAL = (0, 0.5, 1)
_DEPTH = 8


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield the first such comparison of each cell, with how many more there are."""
    named = analysis.mentions(*WORDS)
    scored = named or any(
        call.name.endswith((*_GIVES, ".predict", "sigmoid", "softmax", "expit")) for call in analysis.calls()
    )
    for cell in analysis.notebook.code_cells:
        if cell.tree is None or not any(sign in cell.python for sign in "<>"):
            continue
        found: list[tuple[ast.AST, float]] = []
        in_text = named and "query" in cell.source
        for top in _comparing(analysis, cell, cell.tree, in_text=in_text) if scored else ():
            parts = nodes(top)
            asserted = {id(each) for part in parts if isinstance(part, ast.Assert) for each in nodes(part)}
            scope = _Scope(analysis, top, parts)
            found += [
                (part, value)
                for part in parts
                if isinstance(part, ast.Compare) and id(part) not in asserted
                if (value := scope.threshold(part)) is not None
            ]
            if named:
                known = {id(part) for part, _ in found}
                found += [each for each in by_name(parts) if id(each[0]) not in known | asserted]
        known = {id(part) for part, _ in found}
        found += [each for each in decided(analysis, cell) if id(each[0]) not in known]
        if found:
            where = {cell.locate(node).range.start: (node, value) for node, value in found}
            node, value = where[min(where)]
            more = f" (also {len(found) - 1} more in this cell)" if len(found) > 1 else ""
            message = (
                f"the decision is made at {value:g}, a number without a name{more}: it follows from costs and from "
                "the data, and must be found and changed without touching code; make it a parameter"
            )
            yield Finding(cell.locate(node), message)


def _comparing(analysis: Analysis, cell: CodeCell, tree: ast.Module, *, in_text: bool) -> Iterator[ast.stmt]:
    """Yield the statements in which something is compared, all where that may be ``in_text`` (`table.query("…")`)."""
    lines = [each.lineno for each in analysis.nodes_of(tree, ast.Compare)]
    above = 0
    for top in tree.body:
        end = top.end_lineno or len(cell.lines)
        # From the end of the one above: decorators stand before the line of what they decorate.
        if in_text or any(above <= line <= end for line in lines):
            yield top
        above = end


class _Scope:
    """One top-level statement: what its names stand for, in the functions, loops and comprehensions in it."""

    def __init__(self, analysis: Analysis, top: ast.stmt, parts: list[ast.AST]) -> None:
        self.analysis = analysis
        self.top = top
        self.share = True  # the number that is asked about lies between 0 and 1
        self.items: dict[str, list[ast.expr]] = {}
        for part in parts:
            if isinstance(part, _LOOPS):
                for each in nodes(part.target):
                    if isinstance(each, ast.Name):
                        self.items.setdefault(each.id, []).append(part.iter)
            elif isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute):
                for given in part.args[:1]:
                    # `scores.apply(lambda p: p > 0.3)`
                    if isinstance(given, ast.Lambda) and part.func.attr in ("apply", "map") and given.args.args:
                        self.items.setdefault(given.args.args[0].arg, []).append(part.func.value)
            elif isinstance(part, ast.Assign) and isinstance(top, _FUNCTIONS):
                for target in part.targets:
                    if isinstance(target, ast.Name):
                        self.items.setdefault(target.id, []).append(part.value)

    def threshold(self, node: ast.Compare) -> float | None:
        """Return the literal a probability is compared with, if it is another than the usual one."""
        if len(node.ops) != 1 or not isinstance(node.ops[0], (ast.Gt, ast.GtE, ast.Lt, ast.LtE)):
            return None
        for one, other in ((node.left, node.comparators[0]), (node.comparators[0], node.left)):
            value = number(other)
            if value is None or value in _USUAL:
                continue
            self.share = 0 < value < 1
            if self.is_probability(one, _DEPTH):
                return value
        return None

    def is_probability(self, node: ast.expr, depth: int) -> bool:
        """Whether an expression is what a model gives, or some of it."""
        if depth <= 0:
            return False
        match node:
            case ast.Call(func=ast.Attribute(attr=attr)) if attr in _GIVES:
                return True
            case ast.Call(func=func) if self.analysis.qualified_name(func) in _SQUASHES:
                return True
            case ast.Call(func=ast.Attribute(value=value, attr="predict")):
                return self.share and self.analysis.qualified_name(value) in _NETWORKS
            case ast.Call(func=ast.Attribute(value=value, attr=attr), args=args) if attr in _SAME:
                return any(self.is_probability(each, depth - 1) for each in (value, *args[:1]))
            case ast.Call(func=ast.Name(id=name), args=args) if name in _SAME:
                return any(self.is_probability(each, depth - 1) for each in args)
            case ast.Attribute(value=value, attr=attr) if attr in _SAME:
                return self.is_probability(value, depth - 1)
            case ast.Subscript(value=ast.Name() as table, slice=ast.Constant(value=str(column))):
                return self._is_column(table, column, depth)
            case ast.Subscript(value=value):
                return self.is_probability(value, depth - 1)
            case ast.Name(id=name) if name in self.items:
                return any(self.is_probability(each, depth - 1) for each in self.items[name])
            case ast.Name():
                return self._is_variable(node, depth)
            case _:
                return False

    def _is_variable(self, node: ast.Name, depth: int) -> bool:
        use = self.analysis.use_at(node)
        reaching = self.analysis.flow.reaching(use) if use is not None else ()
        made = [self.analysis.statements()[each.statement].node for each in reaching if each.kind == "assign"]
        values = [each.value for each in made if isinstance(each, (ast.Assign, ast.AnnAssign)) and each.value]
        return bool(values) and all(self.is_probability(each, depth - 1) for each in values)

    def _is_column(self, table: ast.Name, column: str, depth: int) -> bool:
        """Whether `table["score"]` was set to what a model gives."""
        use = self.analysis.use_at(table)
        for each in self.analysis.flow.reaching(use) if use is not None else ():
            match self.analysis.statements()[each.statement].node:
                case ast.Assign(targets=[ast.Subscript(slice=ast.Constant(value=name))], value=value) if name == column:
                    return self.is_probability(value, depth - 1)
                case _:
                    pass
        return False
