"""untested-cell: a function, a class or a cell with logic that no assert and no test touches."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.checks import assert_cannot_fail
from nb2prod.diagnostics import Finding, Related

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.dataflow.model import Definition, Statement
    from nb2prod.notebook.location import Location

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
# As many names as are read in a sentence.
_SHOWN = 4
_CASES = ("select(", "when(", "where(")
_LOGIC = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.Match, ast.Try, ast.TryStar)


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield what no assertion and no test touches.

    Where nothing of the notebook is tested that is one finding, at the first function or class; else each
    of them is one. Logic outside of functions is one finding, at the first such cell, if no function says it.
    """
    touched = _touched(analysis)
    named = analysis.project.test_names() if analysis.project is not None else frozenset()
    logic: dict[int, Statement] = {}
    untested: list[Definition] = []
    tested = bool(touched)
    for statement in analysis.statements():
        if statement.index in touched:
            continue
        node = statement.node
        if isinstance(node, _FUNCTIONS):
            if node.name in named or _is_test(node):
                tested = True
            elif _has_behaviour(node):
                untested.append(next(each for each in statement.definitions if each.node is node))
        elif (isinstance(node, _LOGIC) or _has_cases(analysis, statement)) and _results(analysis, statement):
            logic.setdefault(statement.cell.index, statement)
    if tested:
        yield from (Finding(each.location, f"{_shown(each)} is touched by no assert and no test") for each in untested)
    elif untested:
        yield _nothing_tested(untested, len(logic))
    if logic and (tested or not untested):
        first, *more = logic.values()
        result = _results(analysis, first)[0].name
        message = f"`{result}` is computed by branches or loops that no assert touches; a function could be tested"
        if more:
            message += f" ({len(more)} more cell{'s' if len(more) > 1 else ''} like it)"
        yield Finding(first.location, message)


def _nothing_tested(untested: list[Definition], cells: int) -> Finding:
    """Return the finding for a notebook without any test: who writes the first one starts with the first of these."""
    first, *others = untested
    # One that is defined again has one name.
    called = list(dict.fromkeys(each.name for each in untested))
    names = [f"`{each}`" for each in called[:_SHOWN]] if len(called) > 1 else [_shown(first)]
    if len(called) > _SHOWN:
        names[_SHOWN - 1 :] = [f"{len(called) - _SHOWN + 1} more"]
    listed = f"{', '.join(names[:-1])} and {names[-1]} are" if len(called) > 1 else f"{names[0]} is"
    message = f"{listed} touched by no assert and no test"
    if cells:
        message += f", nor is what {cells} cell{'s' if cells > 1 else ''} compute{'' if cells > 1 else 's'} by branches"
        message += " or loops"
    return Finding(first.location, message, tuple(Related(each.location, "nor is this") for each in others))


def _shown(definition: Definition) -> str:
    kind = "class" if isinstance(definition.node, ast.ClassDef) else "function"
    return f"{kind} `{definition.name}`"


def _touched(analysis: Analysis) -> set[int]:
    """Return the statements that some assertion depends on, followed backwards through the names."""
    statements = analysis.statements()
    asserting = {cell.index for cell in analysis.notebook.code_cells if "assert" in cell.source.lower()}
    # What cannot fail says nothing of what it is about.
    idle = {finding.location for finding in assert_cannot_fail.check(analysis)} if asserting else set()
    waiting = [each for each in statements if each.cell.index in asserting and _asserts(analysis, each, idle)]
    if _runs_doctests(analysis):
        waiting += [
            each
            for each in statements
            if isinstance(each.node, _FUNCTIONS) and ">>>" in (ast.get_docstring(each.node) or "")
        ]
    touched: set[int] = set()
    while waiting:
        statement = waiting.pop()
        if statement.index not in touched:
            touched.add(statement.index)
            waiting += [statements[each.statement] for use in statement.uses for each in analysis.flow.reaching(use)]
    return touched


def _asserts(analysis: Analysis, statement: Statement, idle: Collection[Location]) -> bool:
    return (not isinstance(statement.node, _FUNCTIONS) or _is_test(statement.node)) and any(
        (isinstance(node, ast.Assert) or (isinstance(node, ast.Call) and _called(node).lower().startswith("assert")))
        and (not idle or statement.cell.locate(node) not in idle)
        for node in analysis.nodes(statement.node)
    )


def _is_test(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
    """Whether a function or class is itself a test, as pytest and unittest find them."""
    if isinstance(node, ast.ClassDef):
        return node.name.startswith("Test") or any("TestCase" in ast.unparse(base) for base in node.bases)
    return node.name.startswith("test")


def _has_behaviour(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
    """Whether there is anything to test: an enumeration or a record without methods only holds data."""
    return not isinstance(node, ast.ClassDef) or any(isinstance(each, _FUNCTIONS) for each in node.body)


def _called(node: ast.Call) -> str:
    match node.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def _runs_doctests(analysis: Analysis) -> bool:
    return any(call.library == "doctest" for call in analysis.calls())


def _has_cases(analysis: Analysis, statement: Statement) -> bool:
    """Whether an assignment tells cases apart for all rows at once: `np.select`, several `np.where` or `pl.when`."""
    source = statement.cell.source
    if not isinstance(statement.node, ast.Assign) or not any(each in source for each in _CASES):
        return False
    calls = analysis.nodes_of(statement.node, ast.Call)
    called = [_called(each) for each in calls]
    return (
        called.count("when") > 1
        or called.count("where") > 1
        or ("select" in called and any(analysis.qualified_name(each.func) == "numpy.select" for each in calls))
    )


def _results(analysis: Analysis, statement: Statement) -> list[Definition]:
    """Return what ``statement`` computes for later statements; loop variables and what is imported do not count.

    A loop that draws with ``plt.subplot()`` changes the module and computes nothing.
    """
    imported = {
        use.name for use in statement.uses if any(each.kind == "import" for each in analysis.flow.reaching(use))
    }
    found = [
        each
        for each in statement.definitions
        if (each.kind in ("assign", "augment") or (each.kind == "mutate" and each.name not in imported))
        and analysis.flow.uses(each)
    ]
    if not found:
        return found
    later = analysis.flow.live_after(statement) - {each.name for each in statement.definitions if each.kind == "import"}
    return [each for each in found if each.name in later]
