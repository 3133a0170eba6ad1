"""The pass that makes the notebook's own settings fields of the configuration, with its values as defaults."""

from __future__ import annotations

import ast
import builtins
import keyword
from dataclasses import replace
from typing import TYPE_CHECKING

from nb2prod.convert.call_literals import call_literals
from nb2prod.convert.candidates import Rank, choose
from nb2prod.convert.constants import named_constants
from nb2prod.convert.naming import notebook_names
from nb2prod.convert.plan import Moved, Plan, Replacement, map_moved, moved_items
from nb2prod.convert.required import OWN_FIELDS

if TYPE_CHECKING:
    from nb2prod.analysis import Analysis
    from nb2prod.convert.candidates import Candidate


def lift_values(plan: Plan, analysis: Analysis) -> Plan:
    """Make paths, addresses, seeds, ratios, constants and hyperparameters fields of the configuration.

    A name that goes becomes an argument of the steps that read it; a literal in a call gets a name.
    What functions and classes at module level read stays beside them, so this comes after them.
    """
    taken = {*notebook_names(analysis), *OWN_FIELDS, "output_dir", *dir(builtins), *keyword.kwlist, plan.package}
    taken |= {each.name for each in plan.parameters}
    constants = [*named_constants(plan, analysis)]
    literals = [*call_literals(plan, analysis, constants, taken)]
    chosen = choose(_one_field_a_place(constants, literals), len(plan.parameters))
    gone = {each.statement.index for each in chosen if each.statement is not None}
    new: dict[int, list[Replacement]] = {}
    for each in chosen:
        for statement, node in each.literals:
            place = statement.cell.locate(node).range
            new.setdefault(statement.index, []).append(Replacement(place, each.parameter.name))

    def changed(item: Moved) -> Moved | None:
        index = item.statement.index
        return None if index in gone else replace(item, replacements=(*item.replacements, *new.get(index, ())))

    lifted = [(each.statement, each.parameter.name) for each in chosen if each.statement is not None]
    return _leave_comments_of_blocks(
        replace(
            plan,
            steps=map_moved(plan, changed),
            parameters=(*plan.parameters, *(each.parameter for each in chosen)),
            lifted=(*plan.lifted, *lifted),
        )
    )


def _leave_comments_of_blocks(plan: Plan) -> Plan:
    """Leave a comment in the code where the line right below the lifted one, which it introduces too, stays.

    Of ``# Load the data``, ``file = "a.csv"``, ``df = pd.read_csv(file)`` only the second line goes.
    """
    staying = {
        (item.statement.cell.index, item.statement.node.lineno)
        for item in moved_items(plan)
        if not isinstance(item.statement.node, (ast.Import, ast.ImportFrom))
    }
    introducing = {
        name
        for statement, name in plan.lifted
        if (statement.cell.index, (statement.node.end_lineno or statement.node.lineno) + 1) in staying
    }
    parameters = [replace(each, comments=()) if each.name in introducing else each for each in plan.parameters]
    return replace(plan, parameters=tuple(parameters))


def _one_field_a_place(constants: list[Candidate], literals: list[Candidate]) -> list[Candidate]:
    """Return the candidates with each path that a constant has written as that constant, wherever it stands."""
    named = {
        each.parameter.default: each
        for each in constants
        if each.rank in (Rank.READ, Rank.WRITTEN) and each.parameter.type == "str"
    }
    alone: list[Candidate] = []
    for each in literals:
        constant = named.get(each.parameter.default) if each.rank in (Rank.READ, Rank.WRITTEN) else None
        if constant is None:
            alone.append(each)
        else:
            literals_of = (*constant.literals, *each.literals)
            named[each.parameter.default] = replace(constant, literals=literals_of)
    changed = {each.parameter.name: each for each in named.values()}
    return [*(changed.get(each.parameter.name, each) for each in constants), *alone]
