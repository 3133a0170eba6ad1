"""Cuts the moved statements into steps: by the notebook's sections, its dataflow, and what must stay together."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nb2prod.convert.ends import read_at_the_end
from nb2prod.convert.grouping import by_section, join, join_small, split_long, split_phases
from nb2prod.convert.interfaces import interfaces_of, unsure_spans
from nb2prod.convert.introductions import introduce
from nb2prod.convert.late_imports import LateImports
from nb2prod.convert.lifetimes import Lifetimes, sink_functions
from nb2prod.convert.plan import Moved, Step

if TYPE_CHECKING:
    from nb2prod.analysis import Analysis
    from nb2prod.convert.plan import Plan


def cut_steps(plan: Plan, analysis: Analysis) -> Plan:
    """Group the plan's statements into steps in document order and give each its arguments and results.

    The steps come out unnamed (``name`` is empty); ``name_steps`` names them.
    """
    items = [item for step in plan.steps for item in step.items if isinstance(item, Moved)]
    items = sink_functions(items, analysis)
    if not items:
        return replace(plan, steps=())
    groups = join_small(split_long(split_phases(by_section(items, analysis), analysis)))
    groups = join(groups, Lifetimes(items, analysis).spans())
    given = tuple(parameter.name for parameter in plan.parameters)
    outside = {name for each in plan.imports for name in each.binds} | {each.name for each in plan.functions}
    wanted = read_at_the_end(analysis, outside) | (frozenset(plan.options.only) - outside)
    late = LateImports(items, analysis)
    while True:
        interfaces = interfaces_of(groups, given, outside, wanted, analysis, late=late)
        unsure = unsure_spans(groups, interfaces)
        if not unsure:
            break
        groups = join(groups, unsure)
    introduced = introduce(groups, analysis.notebook)
    steps = tuple(
        Step("", said.title, said.text, arguments, results, group.items, imports=imports, prose=said.prose)
        for group, said, (arguments, results, imports) in zip(groups, introduced, interfaces, strict=True)
    )
    return replace(plan, steps=steps)
