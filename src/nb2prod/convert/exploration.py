"""The pass that leaves out what was left over from exploring: values nobody sees, imports nothing uses."""

from __future__ import annotations

import ast
import builtins
import re
from typing import TYPE_CHECKING

from nb2prod.convert.effects import EffectsOf
from nb2prod.convert.namespace_reads import may_read_any_name
from nb2prod.convert.plan import Dropped, moved_items
from nb2prod.convert.slicing import kept_statements, left_out

if TYPE_CHECKING:
    from collections.abc import Collection

    from nb2prod.analysis import Analysis
    from nb2prod.convert.plan import Plan
    from nb2prod.dataflow.model import Statement, Use
    from nb2prod.notebook.location import Range
    from nb2prod.notebook.model import CodeCell

_WORD = re.compile(r"\w+")
# Tables print as in a kernel where it is imported, and other libraries hand out its tables.
_SETS_HOW_TABLES_LOOK = frozenset({"pandas"})
# What an expression may be made of besides names and calls of no effect.
_PLAIN = (
    ast.Expr, ast.Attribute, ast.Subscript, ast.Slice, ast.Constant, ast.Name, ast.Load, ast.Call, ast.keyword,
    ast.Tuple, ast.List, ast.Dict, ast.UnaryOp, ast.BinOp, ast.Compare, ast.operator, ast.unaryop, ast.cmpop,
)  # fmt: skip


def drop_exploration(plan: Plan, analysis: Analysis) -> Plan:
    """Leave out expressions whose value the kernel never showed, and imports nothing uses, where nobody can tell.

    An expression goes if all it calls is known to have no effect, and its cell was saved after a run
    without an error: it raises nothing either. An import goes if importing it does nothing else, as the
    library tables say.
    """
    if plan.options.keep_exploration:
        return plan
    kept = kept_statements(plan.options.keep, analysis)
    effects_of = EffectsOf(analysis)
    opaque = may_read_any_name(plan, analysis)
    dropped = []
    for item in moved_items(plan):
        statement = item.statement
        if statement.index in kept or item.refused or item.replacements:
            continue
        if isinstance(statement.node, ast.Expr):
            if not statement.displayed and _ran(statement.cell) and _is_unseen(statement, analysis, effects_of):
                dropped.append(Dropped(statement, "its value is not shown, and it does nothing else"))
        elif not opaque and is_unused(statement, analysis, effects_of):
            dropped.append(Dropped(statement, "nothing uses it, and importing it does nothing else"))
    return left_out(plan, dropped)


def _ran(cell: CodeCell) -> bool:
    """Return whether the cell was saved after it had run to its end."""
    return cell.execution_count is not None and all(each.get("output_type") != "error" for each in cell.outputs)


def _is_unseen(statement: Statement, analysis: Analysis, effects_of: EffectsOf) -> bool:
    """Return whether an expression does nothing but make a value; a text alone is a comment by another spelling."""
    node = statement.node
    if not isinstance(node, ast.Expr) or isinstance(node.value, ast.Constant):
        return False
    objects = [each.value for each in ast.walk(node) if isinstance(each, (ast.Attribute, ast.Subscript))]
    return (
        all(isinstance(each, _PLAIN) for each in ast.walk(node))
        # What an attribute or an operator does is known of the objects of known classes.
        and all(analysis.qualified_name(each) is not None for each in objects)
        and all(_is_bound(use, analysis) for use in statement.uses)
        and effects_of.are_harmless(statement)
        and not any(_checks(each.node) for each in effects_of.functions(statement))
    )


def _checks(function: ast.stmt) -> bool:
    """Return whether a function may be called for its errors: it asserts something, or raises."""
    return any(isinstance(each, (ast.Assert, ast.Raise)) for each in ast.walk(function))


def _is_bound(use: Use, analysis: Analysis) -> bool:
    if analysis.flow.reaching(use):
        return not analysis.flow.maybe_unbound(use)
    return hasattr(builtins, use.name)


def is_unused(
    statement: Statement, analysis: Analysis, effects_of: EffectsOf, besides: Collection[Statement] = ()
) -> bool:
    """Return whether a statement imports names that stand nowhere else in the code, magics and strings included.

    besides  other statements that go, and do not count
    """
    if not isinstance(statement.node, (ast.Import, ast.ImportFrom)) or not effects_of.is_pure_import(statement.node):
        return False
    if any((each.qualified or "").partition(".")[0] in _SETS_HOW_TABLES_LOOK for each in statement.definitions):
        return False
    names = {each.name for each in statement.definitions}
    if not names or "*" in names or any(each.kind != "import" for each in statement.definitions):
        return False
    gone = (statement, *besides)
    for cell in analysis.notebook.code_cells:
        places = [each.location.range for each in gone if each.cell is cell]
        for number, line in enumerate(cell.lines, 1):
            if not names.isdisjoint(_WORD.findall(_beside(line, number, places))):
                return False
    users = {use.statement for each in statement.definitions for use in analysis.flow.uses(each)}
    return users <= {each.index for each in besides}


def _beside(line: str, number: int, places: Collection[Range]) -> str:
    """Return a line with blanks where the statements at ``places`` stand."""
    for place in places:
        if place.start.line <= number <= place.end.line:
            start = place.start.column - 1 if number == place.start.line else 0
            end = place.end.column - 1 if number == place.end.line else len(line)
            line = line[:start] + " " * (end - start) + line[end:]
    return line
