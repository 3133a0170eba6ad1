"""assert-cannot-fail: an assertion holds whatever the code does."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.diagnostics import Applicability, Edit, Finding, Fix
from nb2prod.notebook.tree import nodes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.notebook.model import CodeCell

# Functions whose first two arguments are held against each other.
_COMPARE = ("assert_allclose", "assert_almost_equal", "assert_array_equal", "assert_equal", "assertEqual")
# Attributes that hold no single number.
_NO_NUMBERS = frozenset({"columns", "dtype", "dtypes", "index", "name", "names", "ndim", "shape", "size"})
_SAME = (ast.Eq, ast.Is, ast.LtE, ast.GtE)
# Methods that answer a question when they are called; as they stand they are true.
_ASKING = frozenset({
    "all", "any", "endswith", "equals", "exists", "is_dir", "is_file", "isalnum", "isalpha", "isdigit", "isdisjoint",
    "isna", "isnull", "issubset", "issuperset", "notna", "notnull", "startswith",
})  # fmt: skip
# Calls that give the same whenever they are asked, and no number that equals nothing.
_STEADY = frozenset({"count", "keys", "len", "list", "nunique", "set", "sorted", "sum", "tolist", "type", "unique"})


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield each assertion that cannot fail, functions included."""
    for cell in analysis.notebook.code_cells:
        if cell.tree is None or "assert" not in cell.source:
            continue
        for node in analysis.nodes(cell.tree):
            if isinstance(node, ast.Try):
                for each in _passed_over(node):
                    yield Finding(
                        cell.locate(each),
                        "this assertion cannot fail: its error is caught below, and nothing comes of it",
                    )
            elif isinstance(node, ast.Assert) and (reason := _always(node.test) or _by_its_class(analysis, node.test)):
                yield Finding(cell.locate(node), f"this assertion cannot fail: {reason}", fix=_fix(cell, node))
            elif isinstance(node, ast.Call) and _compares_with_itself(node):
                yield Finding(cell.locate(node), "this assertion cannot fail: both sides are the same expression")


def _fix(cell: CodeCell, node: ast.Assert) -> Fix | None:
    """Return the fix that takes the parentheses off a condition and its message, which stand on one line."""
    match node:
        case ast.Assert(test=ast.Tuple(elts=[_, message]) as pair, msg=None):
            where, last = cell.locate(pair).range, cell.locate(message).range.end
            line = cell.lines[where.start.line - 1]
            inside = line[where.start.column - 1 : where.end.column - 1]
            behind = line[last.column - 1 : where.end.column - 1].replace(" ", "")
            if where.start.line != where.end.line or not inside.startswith("(") or behind not in (")", ",)"):
                return None
            space = "" if line[: where.start.column - 1].endswith((" ", "\t")) else " "
            opening = cell.location(where.start.line, where.start.column, where.start.line, where.start.column + 1)
            closing = cell.location(last.line, last.column, where.end.line, where.end.column)
            return Fix("take the parentheses off", (Edit(opening, space), Edit(closing, "")), Applicability.UNSAFE)
    return None


_OPPOSITES: dict[type[ast.cmpop], type[ast.cmpop]] = {ast.Is: ast.IsNot, ast.In: ast.NotIn}


def _opposite(one: ast.expr, other: ast.expr) -> bool:
    """Whether two conditions say the opposite, of whatever objects: `x is None`, `x is not None`.

    `x == 1` and `x != 1` can both be false: objects have equalities of their own.
    """
    match one, other:
        case ast.UnaryOp(op=ast.Not(), operand=inner), _:
            return ast.dump(inner) == ast.dump(other)
        case _, ast.UnaryOp(op=ast.Not(), operand=inner):
            return ast.dump(inner) == ast.dump(one)
        case (
            ast.Compare(left=left, ops=[op], comparators=[right]),
            ast.Compare(left=second, ops=[second_op], comparators=[second_right]),
        ):
            kinds = {type(op), type(second_op)}
            same = ast.dump(left) == ast.dump(second) and ast.dump(right) == ast.dump(second_right)
            return same and any(kinds == {each, opposite} for each, opposite in _OPPOSITES.items())
        case _:
            return False


def _always(test: ast.expr) -> str | None:
    """Return why a condition is always true, or None where it may be false."""
    match test:
        case ast.Tuple(elts=[_, *_]):
            return "a tuple is always true; write the message behind a comma, without parentheses"
        case ast.Constant(value=value) if value:
            return f"`{ast.unparse(test)[:40]}` is always true"
        case ast.UnaryOp(op=ast.Not(), operand=ast.Constant(value=value)) if not value:
            return f"`{ast.unparse(test)[:40]}` is always true"
        case ast.List(elts=[_, *_]) | ast.Set() | ast.Dict(keys=[_, *_]):
            return "what has something in it is always true"
        case ast.GeneratorExp():
            return "a generator is always true, whatever it would yield; write `all(…)`"
        case ast.Lambda():
            return "a function is always true; call it"
        case ast.Attribute(attr=method) if method in _ASKING:
            return f"a method is always true; call it: `{method}()`"
        case ast.BoolOp(op=ast.Or(), values=values):
            if any(_opposite(one, other) for number, one in enumerate(values) for other in values[number + 1 :]):
                return "one of two opposites always holds"
            return next((reason for value in values if (reason := _always(value))), None)
        case ast.Compare(left=ast.Call(func=ast.Name(id="len")), ops=[ast.GtE()], comparators=[ast.Constant(value=0)]):
            return "no length is below 0"
        case ast.Compare(
            left=ast.Call(func=ast.Name(id="len")),
            ops=[ast.Gt() | ast.GtE()],
            comparators=[ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int(least)))],
        ) if least:
            return "no length is below 0"
        case ast.Compare(left=left, ops=[op], comparators=[right]) if isinstance(op, _SAME) and _same(left, right):
            return None if _may_be_a_number(left) else "both sides are the same expression"
    return None


def _by_its_class(analysis: Analysis, test: ast.expr) -> str | None:
    """Return why what is asked to be something always is: a function, or what a call returns and nothing else."""
    match test:
        case ast.Name(id=name):
            use = analysis.use_at(test)
            values = analysis.flow.reaching(use) if use is not None and not use.deferred else ()
            functions = bool(values) and all(each.kind == "function" and each.certain for each in values)
            return f"`{name}` is a function, which is always true; call it" if functions else None
        case ast.Compare(left=ast.Name() as left, ops=[ast.IsNot()], comparators=[ast.Constant(value=None)]):
            known = analysis.qualified_name(left)
            return None if known is None else f"`{left.id}` is a `{known.rpartition('.')[2]}`, and never `None`"
    return None


def _may_be_a_number(node: ast.expr) -> bool:
    """Whether a value may be the one that equals nothing: ``x == x`` asks whether ``x`` is not-a-number."""
    plain = isinstance(node, ast.Attribute) and node.attr in _NO_NUMBERS
    return isinstance(node, (ast.Name, ast.Attribute, ast.Subscript, ast.BinOp, ast.UnaryOp)) and not plain


def _passed_over(node: ast.Try) -> Iterator[ast.Assert]:
    """Yield the assertions in a ``try`` whose error ends in a handler that does nothing, or only prints."""
    for handler in node.handlers:
        caught = "BaseException" if handler.type is None else ast.unparse(handler.type)
        idle = all(
            isinstance(each, (ast.Pass, ast.Continue))
            or (isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant))
            for each in handler.body
        )
        if idle and any(name in caught for name in ("AssertionError", "BaseException")):
            yield from (each for each in node.body if isinstance(each, ast.Assert))
            return


def _compares_with_itself(call: ast.Call) -> bool:
    return _called(call) in _COMPARE and len(call.args) > 1 and _same(call.args[0], call.args[1])


def _same(left: ast.expr, right: ast.expr) -> bool:
    """Whether two expressions are one text and have one value: most calls may return something else each time."""
    return ast.dump(left) == ast.dump(right) and not any(
        isinstance(node, ast.Await) or (isinstance(node, ast.Call) and _called(node) not in _STEADY)
        for node in nodes(left)
    )


def _called(call: ast.Call) -> str:
    """Return the last name of what is called; empty where it has none."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
