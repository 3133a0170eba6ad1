"""What a notebook was written for: the values that are printed, drawn, saved, displayed or left alone at its end."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nb2prod.analysis import Analysis
    from nb2prod.dataflow.model import Definition, Statement


def read_at_the_end(analysis: Analysis, outside: set[str]) -> frozenset[str]:
    """Return the names whose value is a result: what ends in a report or a file and makes nothing else.

    A value that only goes into other values is a means; what is printed, drawn, saved, displayed or
    left alone is what the notebook was written for.
    """
    feeds: set[int] = set()
    saved: set[str] = set()
    for statement in analysis.flow.statements:
        if _is_report(statement, analysis):
            saved.update(_written(statement, analysis))
            continue
        # A model that learns is what it was, and more.
        learner = {
            each.name for each in statement.definitions if _learns(statement, analysis) and each.kind == "mutate"
        }
        for use in (use for use in statement.uses if use.name not in learner):
            feeds.update(id(each) for each in analysis.flow.reaching(use) if each.statement != statement.index)
    statements = analysis.flow.statements
    # The name of a handled exception is gone when its handler ends, whatever it meant before.
    handled = {each.name: each.statement for other in statements for each in other.definitions if each.kind == "except"}
    return frozenset(
        name
        for name, definitions in analysis.flow.after().items()
        if name not in outside
        and not name.startswith("_")
        and all(
            isinstance(statements[each.statement].node, _ASSIGNMENTS) or each.kind in ("mutate", "magic")
            for each in definitions
        )
        and any(each.kind in ("assign", "augment", "magic") for each in definitions)
        and (name in saved or not any(id(each) in feeds for each in definitions))
        and not any(_is_drawing(each, analysis) for each in definitions)
        and not any("raises-exception" in each.cell.tags for each in definitions)
        and handled.get(name, -1) < min(each.statement for each in definitions)
    )


_ASSIGNMENTS = (ast.Assign, ast.AnnAssign, ast.AugAssign)


def _is_report(statement: Statement, analysis: Analysis) -> bool:
    """Return whether a statement makes no value: a call, an assertion, or a loop around such.

    ``model.fit(X)`` does make one; ``plt.plot(X)`` and ``ax.plot(X)`` do not.
    """
    own = {each.name for each in statement.definitions if each.kind == "loop"}
    return (
        not _learns(statement, analysis)
        and isinstance(statement.node, _REPORTS)
        and all(
            each.name in own or each.kind == "with" or (each.kind == "mutate" and isinstance(statement.node, ast.Expr))
            for each in statement.definitions
        )
    )


_REPORTS = (ast.Expr, ast.Assert, ast.For, ast.With, ast.If)


def _learns(statement: Statement, analysis: Analysis) -> bool:
    """Return whether a statement fits something to what it reads."""
    qualified = [analysis.qualified_name(call.func) for call, _ in statement.calls]
    found = [analysis.libraries.call(name) for name in qualified if name is not None]
    return any(info is not None and "fit" in info.effects for info in found)


def _written(statement: Statement, analysis: Analysis) -> set[str]:
    """Return the names a statement hands to a call that writes a file."""
    found: set[str] = set()
    for call, _ in statement.calls:
        qualified = analysis.qualified_name(call.func)
        info = None if qualified is None else analysis.libraries.call(qualified)
        if info is not None and not info.effects.isdisjoint({"write-file", "model-save"}):
            values = [*call.args, *(keyword.value for keyword in call.keywords)]
            if isinstance(call.func, ast.Attribute):
                values.append(call.func.value)
            found.update(value.id for value in values if isinstance(value, ast.Name))
    return found


def _is_drawing(definition: Definition, analysis: Analysis) -> bool:
    """Return whether a variable holds a figure or its parts, which become files instead."""
    made = analysis.class_of(definition)
    if made is not None:
        return made.partition(".")[0] in ("matplotlib", "seaborn")
    value = getattr(analysis.flow.statements[definition.statement].node, "value", None)
    qualified = analysis.qualified_name(value.func) if isinstance(value, ast.Call) else None
    info = None if qualified is None else analysis.libraries.call(qualified)
    return info is not None and "draw" in info.effects
