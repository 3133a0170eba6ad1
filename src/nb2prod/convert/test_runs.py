"""Tests a notebook runs of itself: ``unittest.main()`` and ``doctest.testmod()``, which look into ``__main__``.

A package's steps are no module ``__main__``: the first is told which classes there are, the second is done by a
function of the package.
"""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING

from nb2prod.convert.call_text import argument_end
from nb2prod.convert.namespace_reads import NAMESPACE
from nb2prod.convert.naming import notebook_names
from nb2prod.convert.plan import Import, Moved, Plan, Replacement, map_moved

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.dataflow.model import Statement

_UNITTEST, _DOCTEST = "unittest.main", "doctest.testmod"
_OPTIONS = frozenset({"verbose", "report", "optionflags"})


def run_own_tests(plan: Plan, analysis: Analysis) -> Plan:
    """Let the tests that a notebook runs of itself find what the notebook had defined above them."""
    found: set[str] = set()

    def run(item: Moved) -> Moved:
        statement = item.statement
        replacements = list(item.replacements)
        for kind, call in () if item.refused else own_test_runs(statement, analysis):
            found.add(kind)
            above = analysis.flow.statements[: statement.index]
            if kind == _UNITTEST:
                replacements.append(_with_classes(statement, call, _defined(above, ast.ClassDef)))
            else:
                names = _defined(above, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
                options = [f"{each.arg}={ast.unparse(each.value)}" for each in call.keywords]
                text = f"run_doctests({', '.join([repr(names), NAMESPACE, *options])})"
                replacements.append(Replacement(statement.cell.locate(call).range, text, _bound(above)))
        return replace(item, replacements=tuple(replacements))

    steps = map_moved(plan, run)
    imports = list(plan.imports)
    if _UNITTEST in found:
        imports.append(Import(("SimpleNamespace",), "from types import SimpleNamespace", None))
    if _DOCTEST in found:
        imports.append(Import(("run_doctests",), "from .doctests import run_doctests", None))
    return replace(plan, steps=steps, imports=tuple(imports), uses_doctest=_DOCTEST in found)


def own_test_runs(statement: Statement, analysis: Analysis) -> Iterator[tuple[str, ast.Call]]:
    """Yield the calls of a statement that run the notebook's own tests when it runs, and which of the two each is."""
    for call, deferred in statement.calls:
        qualified = analysis.qualified_name(call.func)
        keywords = {each.arg for each in call.keywords}
        if deferred or call.args or None in keywords:
            continue
        if qualified == _UNITTEST and "module" not in keywords and "SimpleNamespace" not in notebook_names(analysis):
            yield _UNITTEST, call
        elif qualified == _DOCTEST and keywords <= _OPTIONS and "run_doctests" not in notebook_names(analysis):
            yield _DOCTEST, call


def _with_classes(statement: Statement, call: ast.Call, names: tuple[str, ...]) -> Replacement:
    end = argument_end(statement.cell, call)
    if end is None:
        msg = f"cell {statement.cell.index}: the arguments of a call are not found"
        raise AssertionError(msg)
    classes = ", ".join(f"{name}={name}" for name in names)
    return Replacement(end.range, end.joined([f"module=SimpleNamespace({classes})"]), names)


def _defined(above: tuple[Statement, ...], *kinds: type[ast.stmt]) -> tuple[str, ...]:
    """Return the names of what statements define, classes or functions too, that are still bound to that."""
    last: dict[str, bool] = {}
    for statement in above:
        for definition in statement.definitions:
            if definition.kind != "mutate":
                last[definition.name] = isinstance(statement.node, kinds)
    return tuple(name for name, is_one in last.items() if is_one)


def _bound(above: tuple[Statement, ...]) -> tuple[str, ...]:
    """Return the names that statements leave bound."""
    bound: dict[str, None] = {}
    for statement in above:
        for definition in (*statement.definitions, *statement.global_writes):
            if definition.kind in ("delete", "except"):
                bound.pop(definition.name, None)
            elif definition.kind not in ("mutate", "star"):
                bound[definition.name] = None
    return tuple(bound)
