"""Statements after which names may exist that no cell spells out: star imports, ``%run``, ``exec`` and their kin."""

from __future__ import annotations

import ast
from importlib import import_module
from typing import TYPE_CHECKING

from nb2prod.dataflow.names import name_table
from nb2prod.dataflow.paths import path_to
from nb2prod.notebook.magic_table import magic_table

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from nb2prod.dataflow.model import Statement

_NAMESPACES = frozenset({"globals", "locals", "vars"})
# What is done with a namespace that only reads it.
_READING = frozenset({"copy", "get", "items", "keys", "values"})
# Of the kernel's shell, what runs code or sets names; commands and settings do not.
_SHELL_RUNS = frozenset({
    "ex", "push", "run_ast_nodes", "run_cell", "run_cell_async", "run_code", "safe_execfile", "safe_execfile_ipy",
    "safe_run_module", "user_global_ns", "user_ns", "enable_pylab",
})  # fmt: skip
_SHELL_MAGICS = frozenset({"magic", "run_cell_magic", "run_line_magic"})
_OPEN_MAGICS = frozenset({"load", "loadpy", "pylab", "run", "store"})


# What `known_values` says of a name that stands for the kernel's shell.
SHELL = "get_ipython()"


def known_values(statements: Iterable[Statement]) -> dict[str, str]:
    """Return what names stand for, as far as questions about the namespace need it: imports, and the shell."""
    known: dict[str, str] = {}
    for statement in statements:
        known.update(
            {each.name: each.qualified for each in statement.definitions if each.kind == "import" and each.qualified}
        )
        match statement.node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(func=ast.Name(id="get_ipython"))):
                known[name] = SHELL
    return known


def star_names(statements: Iterable[Statement]) -> frozenset[str]:
    """Return the names that star imports of well-known standard modules bind."""
    return frozenset(
        name
        for statement in statements
        for each in statement.definitions
        if each.kind == "star" and _is_known_module(each.qualified)
        for name in _public_names(each.qualified or "")
    )


def _is_known_module(module: str | None) -> bool:
    return module in name_table().star_modules


def _public_names(module: str) -> Iterable[str]:
    # Only modules that the table lists are imported: the standard library's, without effects.
    found = import_module(module)
    return getattr(found, "__all__", [name for name in vars(found) if not name.startswith("_")])


def opens_namespace(statement: Statement, known: Mapping[str, str], harmless: Collection[str] = ()) -> bool:
    """Return whether anything may be defined once ``statement`` has run; ``known`` is from ``known_values``.

    Star imports of ``harmless`` modules bring nothing that is asked for.
    """
    for each in statement.definitions:
        if each.kind == "star" and not _is_known_module(each.qualified) and each.qualified not in harmless:
            return True
        if (each.kind == "magic" and each.name == "*") or (each.kind == "import" and _injects(each.qualified)):
            return True
    if statement.magic is not None:
        return statement.dynamic
    if statement.dynamic and any(_opens(statement.node, call, deferred=later) for call, later in statement.calls):
        return True
    if any(known.get(use.name) == SHELL for use in statement.uses) and _uses_shell(statement.node, known):
        return True
    return any(_qualified(call.func, known) in name_table().inject_calls for call, _ in statement.calls)


def guarded_names(statements: Iterable[Statement]) -> frozenset[str]:
    """Return the names a notebook asks for before it reads them: ``if "df" not in globals():``."""
    return frozenset(
        node.left.value
        for statement in statements
        if any(_called(call) in _NAMESPACES | {"dir"} for call, _ in statement.calls)
        for node in ast.walk(statement.node)
        if isinstance(node, ast.Compare) and isinstance(node.left, ast.Constant) and isinstance(node.left.value, str)
    )


def _injects(module: str | None) -> bool:
    return module is not None and (module == "__main__" or module in name_table().inject_imports)


def _opens(root: ast.AST, call: ast.Call, *, deferred: bool) -> bool:
    name = _called(call)
    if name in ("exec", "execfile"):
        return True
    if name in ("locals", "vars") and deferred:
        return False
    if name in _NAMESPACES:
        return not _only_read(root, call)
    return name == "get_ipython" and _shell_runs(root, call)


def _only_read(root: ast.AST, call: ast.Call) -> bool:
    match [node for node, _ in path_to(root, call)][-1:]:
        case [
            ast.Compare() | ast.keyword(arg=None) | ast.FormattedValue() | ast.BinOp() | ast.For() | ast.comprehension()
        ]:
            return True
        case [ast.Subscript(ctx=ast.Load())]:
            return True
        case [ast.Attribute(attr=attr)]:
            return attr in _READING
        case [ast.Call(func=ast.Name(id=name))]:
            return name in ("dict", "len", "list", "print", "set", "sorted", "tuple")
        case _:
            return False


def _uses_shell(root: ast.AST, known: Mapping[str, str]) -> bool:
    """Whether names are defined through a variable that holds the shell."""
    return any(
        _shell_runs(root, node)
        for node in ast.walk(root)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and known.get(node.id) == SHELL
    )


def _shell_runs(root: ast.AST, shell: ast.expr) -> bool:
    """Whether what is asked of the shell (``get_ipython()`` or a name for it) may define names."""
    above = [node for node, _ in path_to(root, shell)]
    match above[-1:]:
        case [ast.Attribute(attr=attr)] if attr in _SHELL_MAGICS:
            match above[-2:-1]:
                case [ast.Call(args=[ast.Constant(value=str(text)), *_])] if attr != "run_cell_magic":
                    name = text.lstrip("%").partition(" ")[0]
                    entry = magic_table().line.get(name)
                    return name in _OPEN_MAGICS or (entry is not None and entry.python == "runs")
            return True
        case [ast.Attribute(attr=attr)]:
            return attr in _SHELL_RUNS
        case [ast.Compare() | ast.If() | ast.Call() | ast.FormattedValue() | ast.Expr() | ast.Assign()]:
            return False
        case _:
            return True


def _called(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _qualified(node: ast.expr, known: Mapping[str, str]) -> str:
    match node:
        case ast.Name(id=name):
            return known.get(name, "")
        case ast.Attribute(value=value, attr=attr):
            base = _qualified(value, known)
            return f"{base}.{attr}" if base else ""
        case _:
            return ""
