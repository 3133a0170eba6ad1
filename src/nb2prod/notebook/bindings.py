"""Names a piece of Python binds in its own scope."""

from __future__ import annotations

import ast


def names_bound(tree: ast.AST) -> tuple[str, ...]:
    """Return the names ``tree`` binds in its own scope, each once; ``*`` for a star import.

    What functions, lambdas, classes and comprehensions bind inside is theirs; a walrus in a
    comprehension binds outside of it. ``except … as`` names are unbound again and do not count.
    """
    names: dict[str, None] = {}
    pending: list[ast.AST] = [tree]
    while pending:
        node = pending.pop()
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                names[node.name] = None
            case ast.Lambda():
                pass
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                walruses = (inner for inner in ast.walk(node) if isinstance(inner, ast.NamedExpr))
                names |= dict.fromkeys(walrus.target.id for walrus in walruses)
            case ast.Name(id=name, ctx=ast.Store()):
                names[name] = None
            case ast.alias():
                names[node.asname or node.name.partition(".")[0]] = None
            case ast.MatchAs(name=str() as name) | ast.MatchStar(name=str() as name):
                names[name] = None
                pending += reversed(list(ast.iter_child_nodes(node)))
            case ast.MatchMapping(rest=str() as name):
                names[name] = None
                pending += reversed(list(ast.iter_child_nodes(node)))
            case _:
                pending += reversed(list(ast.iter_child_nodes(node)))
    return tuple(names)
