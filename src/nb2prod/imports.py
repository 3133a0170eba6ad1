"""Imports: which modules code imports, and which of them no distribution of their name gives."""

from __future__ import annotations

import ast
from functools import cache
from typing import TYPE_CHECKING

from nb2prod import plain_toml
from nb2prod.data import rules_folder
from nb2prod.notebook.tree import children
from nb2prod.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class ImportedModule(NamedTuple):
    """A module that code imports absolutely.

    name     dotted; ``from a.b import c`` is ``a.b.c``, as ``c`` may be a module
    guarded  it stands in a ``try`` that goes on without it
    """

    name: str
    node: ast.Import | ast.ImportFrom
    guarded: bool


class KnownModules(NamedTuple):
    """The tables of ``rules/modules.toml``.

    former      modules of Python 2 and of older Pythons
    platform    dotted names of what a service gives where it runs the notebook
    kernel      modules that are there with any kernel
    homemade    modules that are files of a project, whatever distribution has their name
    namespaces  prefix that many distributions share → how many words of a module make the distribution's name
    """

    former: frozenset[str]
    platform: frozenset[str]
    kernel: frozenset[str]
    homemade: frozenset[str]
    namespaces: Mapping[str, int]


@cache  # read once a run
def known_modules() -> KnownModules:
    """Return the tables; a missing heading raises ``KeyError``, as the file is ours."""
    table = plain_toml.loads((rules_folder() / "modules.toml").read_text(encoding="utf-8"))
    return KnownModules(
        frozenset(table["former"].split()),
        frozenset(table["platform"].split()),
        frozenset(table["kernel"].split()),
        frozenset(table["homemade"].split()),
        table["namespaces"],
    )


# Statements that hold no others.
_SIMPLE = frozenset({
    ast.AnnAssign, ast.Assert, ast.Assign, ast.AugAssign, ast.Delete, ast.Expr, ast.Pass, ast.Raise, ast.Return,
})  # fmt: skip


def imports_in(tree: ast.AST) -> Iterator[ImportedModule]:
    """Yield what code imports, fallbacks and what a service gives left out."""
    waiting: list[tuple[ast.AST, bool]] = [(tree, False)]
    while waiting:
        node, guarded = waiting.pop()
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            for name in _names(node):
                if not _platform(name):
                    yield ImportedModule(name, node, guarded)
        elif isinstance(node, ast.Try):
            # The fallback of `try: import simplejson` is only for where that is not installed.
            has_import = any(not _platform(name) for name in _modules(node.body))
            handlers = [each for each in node.handlers if not (has_import and _catches_import(each))]
            inside = guarded or any(_catches_import(each) for each in node.handlers)
            waiting += [(each, inside) for each in node.body]
            waiting += [(each, guarded) for each in (*handlers, *node.orelse, *node.finalbody)]
        elif node.__class__ not in _SIMPLE and not isinstance(node, ast.expr):
            waiting += [(each, guarded) for each in children(node)]


def imported(tree: ast.AST) -> tuple[str, ...]:
    """Return the dotted names of the modules that code imports absolutely, sorted, fallbacks left out."""
    return tuple(sorted({found.name for found in imports_in(tree)}))


def named_like(module: str) -> str:
    """Return the distribution a module would come from if that were named after it."""
    parts = module.split(".")
    for namespace, depth in known_modules().namespaces.items():
        if module.startswith(f"{namespace}."):
            return "-".join(parts[:depth]).replace("_", "-")
    return parts[0]


def _names(node: ast.Import | ast.ImportFrom) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if node.level or not node.module:
        return []
    return [f"{node.module}.{alias.name}".removesuffix(".*") for alias in node.names]


def _modules(body: list[ast.stmt]) -> list[str]:
    names = []
    for node in body:
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.append(node.module)
    return [name for name in names if name.partition(".")[0] not in known_modules().former]


def _platform(module: str) -> bool:
    names = known_modules().platform
    while module and module not in names:
        module = module.rpartition(".")[0]
    return bool(module)


def _catches_import(handler: ast.ExceptHandler) -> bool:
    names = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(isinstance(name, ast.Name) and name.id in {"ImportError", "ModuleNotFoundError"} for name in names)
