"""The pass that refuses what no analysis can follow, every reason at once."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING

from nb2prod.convert.definitions import shadowed_class_names
from nb2prod.convert.namespace_reads import opaque_calls, timed_in_main
from nb2prod.convert.plan import Plan, Refusal
from nb2prod.convert.restarts import restarts_kernel
from nb2prod.convert.test_runs import own_test_runs
from nb2prod.convert.translate import defines_magic
from nb2prod.dataflow.paths import is_guarded
from nb2prod.notebook.bindings import names_bound
from nb2prod.notebook.compiling import compile_problem

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nb2prod.analysis import Analysis
    from nb2prod.dataflow.model import Statement

_KERNEL_NAMES = frozenset({"_", "__", "___", "In", "Out", "_i", "_ii", "_iii", "_ih", "_oh", "_dh"})
# Calls that look into the __main__ module, which a package's steps are not.
_LOOKS_INTO_MAIN = {
    "unittest.main": "unittest.main() looks for tests in __main__",
    "doctest.testmod": "doctest looks into __main__",
}


def refuse_unknowable(plan: Plan, analysis: Analysis) -> Plan:
    """Refuse what no analysis can follow: other languages, broken cells, code that reaches into the namespace."""
    refusals = list(plan.refusals)
    notebook = analysis.notebook
    if notebook.language != "python":
        refusals.append(
            Refusal(1, 1, f"the notebook's language is {notebook.language}", "convert Python notebooks only")
        )
        return replace(plan, refusals=tuple(refusals), steps=())
    for cell in notebook.code_cells:
        if cell.problem is not None:
            advice = "make it valid Python 3, or delete the cell"
            refusals.append(Refusal(cell.index, cell.problem.range.start.line, cell.problem.message, advice))
        elif (problem := compile_problem(cell)) is not None:
            message, location = problem
            advice = "make it valid at the top level of a cell, or delete it"
            refusals.append(Refusal(cell.index, location.line, message, advice))
    for statement in analysis.flow.statements:
        if not (defines_magic(statement, analysis) or restarts_kernel(statement)):  # they go
            refusals.extend(_unknowable(statement, analysis))
    return replace(plan, refusals=tuple(refusals), notes=(*plan.notes, *_stops(analysis)))


def _stops(analysis: Analysis) -> Iterable[str]:
    """Yield where the notebook itself stops when it is run from top to bottom, and its package too."""
    for unbound in analysis.unbound():
        where = {
            "nowhere": "which no cell defines",
            "later": "which is defined only further down",
            "deleted": "which is deleted above",
        }[unbound.cause]
        stops = "a run stops there" if not unbound.use.deferred or unbound.call is not None else "a call stops there"
        yield f"Cell {unbound.use.cell.number} reads `{unbound.name}`, {where}: {stops}, the notebook's as well."


def _unknowable(statement: Statement, analysis: Analysis) -> Iterable[Refusal]:
    line = statement.location.line
    cell = statement.cell.index
    names = ", ".join(f"{name}()" for name in opaque_calls(statement, analysis))
    if statement.dynamic and statement.magic is None and names:
        yield Refusal(cell, line, f"{names} sees names that no function has", "pass the values it needs explicitly")
    for use in statement.uses:
        if use.name in _KERNEL_NAMES and isinstance(use.node, ast.Name) and not analysis.flow.reaching(use):
            reason = f"{use.name} is the kernel's record of what ran before"
            yield Refusal(cell, use.location.line, reason, "give the value a name")
        if use.name == "__file__" and not analysis.flow.reaching(use) and is_guarded(statement.node, use.node):
            reason = "a notebook has no __file__, a module of a package has"
            yield Refusal(cell, use.location.line, reason, "ask for the current folder: pathlib.Path.cwd()")
    run = {id(call) for _, call in own_test_runs(statement, analysis)}
    for call, _ in statement.calls:
        qualified = analysis.qualified_name(call.func) if id(call) not in run else None
        if qualified in _LOOKS_INTO_MAIN:
            yield Refusal(cell, line, _LOOKS_INTO_MAIN[qualified], "move the tests to a test module")
    timed = {id(setup) for _, setup in timed_in_main(statement, analysis)}
    for node in (each for each in _looks_at_main(statement.node) if id(each) not in timed):
        reason = "it looks at the module __main__, which the steps of a package are not"
        yield Refusal(cell, statement.cell.locate(node).line, reason, "name the module or the object itself")
    for declared, name in _hidden_globals(ast.Module([statement.node], [])):
        reason = f"global {name} stands in a function whose outer function has a variable {name} of its own"
        yield Refusal(cell, statement.cell.locate(declared).line, reason, "give one of the two another name")
    if isinstance(statement.node, ast.ClassDef):
        known = {each.name for other in analysis.flow.statements for each in other.definitions}
        for name in shadowed_class_names(statement.node):
            if name in known:
                reason = f"the class body reads the notebook's {name} and then binds its own"
                yield Refusal(cell, line, reason, "give one of the two another name")


def _hidden_globals(node: ast.AST, outer: frozenset[str] = frozenset()) -> Iterable[tuple[ast.Global, str]]:
    """Yield what is declared ``global`` below functions that bind the same name: in a step it would mean theirs."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Global):
            yield from ((child, name) for name in child.names if name in outer)
        elif isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            given = {each.arg for each in ast.walk(child.args) if isinstance(each, ast.arg)}
            own = {name for each in child.body for name in names_bound(each)}
            yield from _hidden_globals(child, outer | ((given | own) - _declared(child)))
        else:
            yield from _hidden_globals(child, outer)


def _declared(node: ast.AST) -> set[str]:
    """Return the names a function declares ``global`` itself; those of functions inside are theirs."""
    found: set[str] = set()
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Global):
            found.update(child.names)
        elif not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.expr)):
            found |= _declared(child)
    return found


def _looks_at_main(node: ast.stmt) -> Iterable[ast.expr | ast.alias]:
    """Yield what depends on the notebook being ``__main__``, save ``__name__ == "__main__"``, which is kept."""
    for child in ast.walk(node):
        match child:
            case ast.Subscript(slice=ast.Constant(value="__main__")) | ast.Attribute(attr="__module__", ctx=ast.Load()):
                yield child
            case ast.Call(args=args, keywords=keywords):
                texts = (each for each in (*args, *(each.value for each in keywords)) if isinstance(each, ast.Constant))
                yield from (each for each in texts if "from __main__ import" in str(each.value))
                if args and isinstance(args[0], ast.Constant) and args[0].value == "__main__":
                    yield args[0]
            case ast.Import(names=names):
                yield from (alias for alias in names if alias.name == "__main__")
            case _:
                pass
