"""The pass that leaves out restarts of the kernel: a package finds what is installed without one."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.convert.effects import EffectsOf
from nb2prod.convert.exploration import is_unused
from nb2prod.convert.plan import Dropped, moved_items
from nb2prod.convert.slicing import kept_statements, left_out

if TYPE_CHECKING:
    from collections.abc import Collection

    from nb2prod.analysis import Analysis
    from nb2prod.convert.plan import Plan
    from nb2prod.dataflow.model import Statement

_RESTARTS = "it restarts the kernel, so that it finds what was installed: a package has no kernel"
# What the condition of a restart may ask without doing anything: `if not os.getenv("IS_TESTING")`.
_ASKING = frozenset({"get", "getenv"})


def drop_restarts(plan: Plan, analysis: Analysis) -> Plan:
    """Leave out ``app.kernel.do_shutdown(True)``, what it stands in, and what is there for nothing else."""
    kept = kept_statements(plan.options.keep, analysis)
    moved = [each.statement for each in moved_items(plan) if each.statement.index not in kept and not each.refused]
    restarts = [each for each in moved if restarts_kernel(each)]
    if not restarts:
        return plan
    restarts = [each for each in restarts if _users(each, analysis) <= {other.index for other in (*restarts, each)}]
    going = [*restarts]
    going += [each for each in moved if _gets_application(each.node) and _is_used_by(each, going, analysis)]
    effects_of = EffectsOf(analysis)
    going += [
        each for each in moved if _is_used_by(each, going, analysis) and is_unused(each, analysis, effects_of, going)
    ]
    return left_out(plan, [Dropped(each, _RESTARTS if each in restarts else "nothing else uses it") for each in going])


def restarts_kernel(statement: Statement) -> bool:
    """Return whether a statement does nothing but restart the kernel, under a condition or without one."""
    return _restarts(statement.node)


def _restarts(node: ast.stmt) -> bool:
    match node:
        case ast.Expr(
            value=ast.Call(
                func=ast.Attribute(value=ast.Attribute(attr="kernel"), attr="do_shutdown"),
                args=[ast.Constant(value=True)] | [],
                keywords=[] | [ast.keyword(arg="restart", value=ast.Constant(value=True))],
            )
        ):
            return True
        case ast.If(test=test, body=body, orelse=[]) if _only_asks(test):
            others = [each for each in body if not _restarts(each)]
            imports = (ast.Import, ast.ImportFrom)
            return len(others) < len(body) and all(isinstance(e, imports) or _gets_application(e) for e in others)
        case _:
            return False


def _only_asks(test: ast.expr) -> bool:
    calls = [each.func for each in ast.walk(test) if isinstance(each, ast.Call)]
    return all(isinstance(each, ast.Attribute) and each.attr in _ASKING for each in calls)


def _gets_application(node: ast.stmt) -> bool:
    """Return whether a statement is ``app = IPython.Application.instance()``."""
    match node:
        case ast.Assign(
            targets=[ast.Name()],
            value=ast.Call(func=ast.Attribute(value=ast.Attribute(attr="Application"), attr="instance"), args=[]),
        ):
            return True
        case _:
            return False


def _is_used_by(statement: Statement, going: Collection[Statement], analysis: Analysis) -> bool:
    users = _users(statement, analysis)
    return bool(users) and users <= {each.index for each in going}


def _users(statement: Statement, analysis: Analysis) -> set[int]:
    """Return the statements that read what a statement binds."""
    made = (each for each in statement.definitions if each.kind != "mutate")
    return {use.statement for each in made for use in analysis.flow.uses(each)}
