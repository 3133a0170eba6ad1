"""How expressions are walked: reads, calls, lambdas and comprehensions."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.dataflow.names import name_table
from nb2prod.dataflow.walk import Scope, argument_nodes
from nb2prod.notebook.tree import nodes
from nb2prod.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nb2prod.dataflow.walk import Handlers, Walk

# Calls that see or change the namespace in ways no analysis can follow.
_DYNAMIC = frozenset({"exec", "globals", "locals", "get_ipython"})

# What a string may be written as.
_TEXTS = (ast.Constant, ast.JoinedStr, ast.BinOp)
_IDENTIFIER = lazy_pattern(r"[^\W\d]\w*")
_QUERY_NAME = lazy_pattern(r"@([^\W\d]\w*)")


def _name(walk: Walk, node: ast.Name) -> None:
    walk.load(node.id, node)


def _constant(walk: Walk, node: ast.Constant) -> None:
    pass


def _attribute(walk: Walk, node: ast.Attribute) -> None:
    walk.expression(node.value)


def _subscript(walk: Walk, node: ast.Subscript) -> None:
    walk.expression(node.value)
    walk.expression(node.slice)


def _binary(walk: Walk, node: ast.BinOp) -> None:
    walk.expression(node.left)
    walk.expression(node.right)


def _call(walk: Walk, node: ast.Call) -> None:
    walk.calls.append((node, walk.deferred))
    function = walk.consumed = node.func
    walk.expression(function)
    for argument in node.args:
        # A generator handed to a call is taken to be consumed by it.
        walk.consumed = argument
        walk.expression(argument)
    for keyword in node.keywords:
        walk.consumed = keyword.value
        walk.expression(keyword.value)
    if isinstance(function, ast.Name):
        _called_by_name(walk, function.id, node)
    elif isinstance(function, ast.Attribute):
        if function.attr in name_table().changing_methods:
            walk.mutate(function.value)
        _names_in_strings(walk, function.attr, node)


def _called_by_name(walk: Walk, name: str, node: ast.Call) -> None:
    if name in _DYNAMIC or (name == "vars" and not node.args) or (name == "eval" and not _is_text(node.args[:1])):
        walk.dynamic = True
    _names_in_strings(walk, name, node)


def _names_in_strings(walk: Walk, called: str, node: ast.Call) -> None:
    """Record reads that hide in strings: pandas ``query("a > @t")``, ``eval("x + 1")``, patsy ``"y ~ f(x)"``.

    They may be column names as well; a use whose node is no ``ast.Name`` is a maybe.
    """
    for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
        if not isinstance(argument, _TEXTS):
            continue
        text = _text(argument)
        if called == "query":
            names = _QUERY_NAME.findall(text)
        elif called == "eval" or "~" in text or (text and called in name_table().formulas):
            names = _IDENTIFIER.findall(text)
        else:
            continue
        for name in dict.fromkeys(names):
            walk.load(name, argument)


def _text(node: ast.expr) -> str:
    """Return what is written in a string: of an f-string the fixed parts, of a sum those of both sides."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        return " ".join(map(_text, node.values))
    return f"{_text(node.left)} {_text(node.right)}" if isinstance(node, ast.BinOp) else ""


def _lambda(walk: Walk, node: ast.Lambda) -> None:
    kept = walk.consumed is not node
    walk.leaves_work |= kept and walk.deferred
    signature(walk, node.args, annotations=False)
    walk.lazily(lambda: walk.body(node.args, lambda: walk.expression(node.body)), kept=kept)


def signature(walk: Walk, arguments: ast.arguments, *, annotations: bool) -> None:
    """Walk what a function definition evaluates at once: defaults and, if wanted, annotations."""
    walk.all(arguments.defaults)
    walk.all(default for default in arguments.kw_defaults if default is not None)
    if annotations:
        for argument in argument_nodes(arguments):
            if argument.annotation is not None:
                _annotation(walk, argument.annotation)


def _annotation(walk: Walk, node: ast.expr) -> None:
    walk.expression(node)


def _named(walk: Walk, node: ast.NamedExpr) -> None:
    walk.expression(node.value)
    walk.store(node.target.id, node.target, "assign")


def _bool(walk: Walk, node: ast.BoolOp) -> None:
    walk.expression(node.values[0])
    walk.maybe(lambda: walk.all(node.values[1:]))


def _conditional(walk: Walk, node: ast.IfExp) -> None:
    walk.expression(node.test)

    def branch(value: ast.expr) -> Callable[[], bool]:
        return lambda: bool(walk.expression(value))  # type: ignore[func-returns-value]

    walk.branches(branch(node.body), branch(node.orelse))


def _compare(walk: Walk, node: ast.Compare) -> None:
    walk.expression(node.left)
    walk.expression(node.comparators[0])
    if len(node.comparators) > 1:
        walk.maybe(lambda: walk.all(node.comparators[1:]))


def _comprehension(walk: Walk, node: ast.ListComp | ast.SetComp | ast.DictComp) -> None:
    _generate(walk, node.generators, [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt])


def _generator(walk: Walk, node: ast.GeneratorExp) -> None:
    if walk.consumed is node or walk.deferred:
        walk.leaves_work |= walk.consumed is not node
        _generate(walk, node.generators, [node.elt])
        return
    # Only the first iterable is evaluated now; the rest runs when somebody iterates.
    walk.expression(node.generators[0].iter)
    walk.lazily(lambda: _generate(walk, node.generators, [node.elt], first_done=True))


def _generate(
    walk: Walk, generators: Sequence[ast.comprehension], results: Sequence[ast.expr], *, first_done: bool = False
) -> None:
    if not first_done:
        walk.expression(generators[0].iter)
    scope = Scope("comprehension", walk.scope)
    for generator in generators:
        scope.stores.update(
            child.id
            for child in nodes(generator.target)
            if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store)
        )
    outer, walk.scope = walk.scope, scope
    before, deleted = set(walk.bound), set(walk.deleted)
    walk.loops += 1
    for number, generator in enumerate(generators):
        if number:
            walk.expression(generator.iter)
        if not isinstance(generator.target, ast.Name):
            _loads_in_target(walk, generator.target)
        walk.all(generator.ifs)
    walk.all(results)
    walk.loops -= 1
    walk.bound, walk.deleted = before, deleted
    walk.scope = outer


def _loads_in_target(walk: Walk, target: ast.expr) -> None:
    """Walk the parts of a target that are evaluated (``for a[i] in …``)."""
    for child in ast.walk(target):
        if isinstance(child, (ast.Attribute, ast.Subscript)):
            walk.expression(child.value)
            if isinstance(child, ast.Subscript):
                walk.expression(child.slice)


def _is_text(nodes: Sequence[ast.expr]) -> bool:
    return bool(nodes) and isinstance(nodes[0], ast.Constant) and isinstance(nodes[0].value, str)


def _yield(walk: Walk, node: ast.Yield | ast.YieldFrom) -> None:
    walk.leaves_work = True
    if node.value is not None:
        walk.expression(node.value)


EXPRESSIONS: Handlers[None] = {
    ast.Name: _name,
    ast.Constant: _constant,
    ast.Attribute: _attribute,
    ast.Subscript: _subscript,
    ast.BinOp: _binary,
    ast.Call: _call,
    ast.Lambda: _lambda,
    ast.NamedExpr: _named,
    ast.BoolOp: _bool,
    ast.IfExp: _conditional,
    ast.Compare: _compare,
    ast.ListComp: _comprehension,
    ast.SetComp: _comprehension,
    ast.DictComp: _comprehension,
    ast.GeneratorExp: _generator,
    ast.Yield: _yield,
    ast.YieldFrom: _yield,
}
