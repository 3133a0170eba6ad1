"""Names that hide a builtin or a module from here on, though nothing in the notebook trips over it as it is written."""

from __future__ import annotations

import ast
import sys
from typing import TYPE_CHECKING

from nb2prod.diagnostics import Finding, Related, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.dataflow.model import Definition, Statement

# What every notebook calls sooner or later, and nobody means by a variable (as `id`, `input`, `file` may be meant).
_CALLED = frozenset({
    "abs", "all", "any", "bool", "dict", "enumerate", "filter", "float", "int", "iter", "len", "list", "map", "max",
    "min", "next", "open", "print", "range", "round", "set", "sorted", "str", "sum", "tuple", "type", "zip",
})  # fmt: skip
# What makes one function of another.
_WRAPPING = frozenset({"partial", "getattr", "wraps", "jit", "njit", "cache", "lru_cache", "vectorize"})


def hidden_builtins(analysis: Analysis, seen: set[str]) -> Iterator[Finding]:
    """Yield the first assignment of data to the name of each builtin that code calls all the time."""
    for statement in analysis.statements():
        for each in statement.definitions:
            if each.name not in _CALLED or each.name in seen or each.kind != "assign":
                continue
            if _may_be_called(statement) or _is_given_back(analysis, each) or _called_later(analysis, each):
                continue
            seen.add(each.name)
            message = (
                f"`{each.name}` is no builtin from here on, in this kernel: a cell that calls it fails until a "
                "restart; give the variable a name of its own"
            )
            yield Finding(each.location, message, severity=Severity.NOTE)


def _may_be_called(statement: Statement) -> bool:
    """Whether what is assigned may be a function, meant in the builtin's place."""
    value = getattr(statement.node, "value", None)
    if isinstance(value, ast.Call):
        func = value.func
        return (func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")) in _WRAPPING
    data = (ast.Subscript, ast.Constant, ast.List, ast.Tuple, ast.Dict, ast.Set, ast.BinOp, ast.ListComp, ast.JoinedStr)
    return not isinstance(value, (*data, ast.DictComp, ast.SetComp, ast.Compare)) or (
        isinstance(value, ast.Tuple) and not all(isinstance(each, ast.Constant) for each in value.elts)
    )


def _is_given_back(analysis: Analysis, definition: Definition) -> bool:
    """Whether the name is deleted or imported again below, so that the builtin is back."""
    return any(
        each.name == definition.name and each.kind in ("delete", "import", "function", "class")
        for statement in analysis.statements()
        for each in statement.definitions
    )


def _called_later(analysis: Analysis, definition: Definition) -> bool:
    """Whether a call reads the new value, which other findings judge: it may be a function, and it may fail."""
    called = {id(call.func) for statement in analysis.statements() for call, _ in statement.calls}
    return any(id(use.node) in called for use in analysis.flow.uses(definition))


def hidden_modules(analysis: Analysis, seen: set[str]) -> Iterator[Finding]:
    """Yield each import that gives the name of a module of the standard library to another library's."""
    modules: dict[str, Definition] = {}
    for statement in analysis.statements():
        for each in statement.definitions:
            if each.kind != "import" or each.qualified is None:
                continue
            before = modules.get(each.name)
            if before is not None and each.name not in seen and each.qualified.partition(".")[0] != each.name:
                if any(
                    use.cell is not each.cell or use.statement < each.statement for use in analysis.flow.uses(before)
                ):
                    seen.add(each.name)
                    message = (
                        f"`{each.name}` is `{each.qualified}` from here on, and Python's own module before: which one "
                        "a cell means depends on what ran last; import one under another name"
                    )
                    related = (Related(before.location, f"`{each.name}` is Python's module here"),)
                    yield Finding(each.location, message, related, severity=Severity.NOTE)
            elif each.qualified == each.name and each.name in sys.stdlib_module_names:
                modules[each.name] = each
