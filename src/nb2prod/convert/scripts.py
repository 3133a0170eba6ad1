"""Scripts that a notebook runs with ``%run``: what in them means something else among the notebook's cells."""

from __future__ import annotations

import ast
import symtable
from typing import TYPE_CHECKING

from nb2prod.notebook.bindings import names_bound

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from nb2prod.notebook.model import CodeCell

_IMPORT = "import what is needed from a module"
# What reads the command line of a script, ends it, or asks where it is.
_OWN = {
    "argv": "its command line",
    "argparse": "its command line",
    "click": "its command line",
    "SystemExit": "how it ends",
    "exit": "how it ends",
    "quit": "how it ends",
    "__file__": "where it is",
}


def program_problem(script: CodeCell) -> tuple[str, str] | None:
    """Return why a script does something else where it is no program of its own, and what helps."""
    for name in _names(script.tree) if script.tree is not None else ():
        if name in _OWN:
            return f"the script depends on {_OWN[name]} ({name})", _IMPORT
    return None


def namespace_problem(script: CodeCell, cells: Iterable[CodeCell]) -> tuple[str, str] | None:
    """Return why a script does something else where it shares the names of ``cells``, and what helps.

    Without ``-i`` it has a namespace of its own. Its functions go on seeing the names there, whatever the
    notebook binds to them.
    """
    if script.tree is None:
        return None  # the refusal of what is no Python says it
    own = _bound(script.tree)
    others: dict[str, set[str]] = {}
    for cell in cells:
        for name, meanings in _bound(cell.tree).items() if cell.tree is not None else ():
            others.setdefault(name, set()).update(meanings)
    for name, at_call in _reads(symtable.symtable(script.source, "<script>", "exec")):
        if name not in own and name in others:
            return f"the script does not see {name} of the notebook", f"run it with -i, or {_IMPORT}"
        if at_call and name in own and name in others and not _same_imports(own[name], others[name]):
            return f"functions of the script read its own {name}, and the notebook binds another", _IMPORT
    return None


def _same_imports(left: set[str], right: set[str]) -> bool:
    return left == right and "" not in left


def _names(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name):
                yield name
            case ast.alias(name=name):
                yield name.partition(".")[0]


def _bound(tree: ast.Module) -> dict[str, set[str]]:
    """Return the names a module binds, each with what it imports by that name; ``""`` stands for anything else."""
    found: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                for alias in names:
                    name = alias.asname or alias.name.partition(".")[0]
                    found.setdefault(name, set()).add(alias.name if alias.asname else name)
            case ast.ImportFrom(module=module, names=names):
                for alias in names:
                    found.setdefault(alias.asname or alias.name, set()).add(f"{module}.{alias.name}")
    for name in names_bound(tree):
        found.setdefault(name, {""})
    return found


def _reads(scope: symtable.SymbolTable, *, at_call: bool = False) -> Iterator[tuple[str, bool]]:
    """Yield each name of the module that is read or set in a scope or below, and whether that is at a call."""
    is_module = scope.get_type() == "module"
    for symbol in scope.get_symbols():
        if (symbol.is_referenced() if is_module else symbol.is_global()) or symbol.is_declared_global():
            yield symbol.get_name(), at_call
    for inner in scope.get_children():
        yield from _reads(inner, at_call=at_call or inner.get_type() == "function")
