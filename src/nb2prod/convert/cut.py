"""Cuts the moved statements into steps: by the notebook's sections, its dataflow, and what must stay together."""

from __future__ import annotations

import ast
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from nb2prod.convert.lifetimes import Lifetimes, Span, sink_functions, surely_binds
from nb2prod.convert.plan import Moved, Step
from nb2prod.convert.sections import Section, find_sections

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nb2prod.analysis import Analysis
    from nb2prod.convert.plan import Plan
    from nb2prod.dataflow.model import Definition, Statement

# A step longer than this is cut where little flows across; a pipeline longer than that is joined.
_LONGEST_STEP = 60
_USUAL_STEP = 35
_MOST_STEPS = 12


@dataclass(frozen=True, slots=True)
class Group:
    """Statements that will be one step, before it has a name and an interface."""

    section: Section | None
    items: tuple[Moved, ...]

    @property
    def lines(self) -> int:
        """How many lines of code it holds."""
        return sum(_lines(item) for item in self.items)


def cut_steps(plan: Plan, analysis: Analysis) -> Plan:
    """Group the plan's statements into steps in document order and give each its arguments and results.

    The steps come out unnamed (``name`` is empty); ``name_steps`` names them.
    """
    items = [item for step in plan.steps for item in step.items if isinstance(item, Moved)]
    items = sink_functions(items, analysis)
    if not items:
        return replace(plan, steps=())
    groups = _join_small(_split_long(_by_section(items, analysis)))
    groups = _join(groups, Lifetimes(items, analysis).spans())
    given = tuple(parameter.name for parameter in plan.parameters)
    outside = {name for each in plan.imports for name in each.binds} | {each.name for each in plan.functions}
    wanted = _read_at_the_end(analysis, outside) | (frozenset(plan.options.only) - outside)
    while True:
        interfaces = _interfaces(groups, given, outside, wanted, analysis)
        unsure = _unsure_spans(groups, interfaces)
        if not unsure:
            break
        groups = _join(groups, unsure)
    steps = tuple(
        Step(
            "",
            group.section.title if group.section else None,
            group.section.text if group.section else "",
            arguments,
            results,
            group.items,
        )
        for group, (arguments, results) in zip(groups, interfaces, strict=True)
    )
    return replace(plan, steps=steps)


def _by_section(items: Sequence[Moved], analysis: Analysis) -> list[Group]:
    section_of = {cell: section for section in find_sections(analysis.notebook) for cell in section.cells}
    groups: list[Group] = []
    highest = -1
    for place, item in enumerate(items):
        near = item
        if item.statement.index < highest:  # a function that was moved down belongs to what it was moved to
            near = next((each for each in items[place:] if each.statement.index > highest), item)
        highest = max(highest, item.statement.index)
        section = section_of.get(near.statement.cell.index)
        if groups and groups[-1].section is section:
            groups[-1] = replace(groups[-1], items=(*groups[-1].items, item))
        else:
            groups.append(Group(section, (item,)))
    return groups


def _split_long(groups: Sequence[Group]) -> list[Group]:
    """Cut groups that are too long at the cell boundaries that the fewest names cross."""
    result: list[Group] = []
    for group in groups:
        pending = group
        first = True
        while pending.lines > _LONGEST_STEP:
            at = _best_cut(pending)
            if at is None:
                break
            section = pending.section if first else _untitled(pending.section)
            result.append(Group(section, pending.items[:at]))
            pending = replace(pending, items=pending.items[at:])
            first = False
        result.append(pending if first else replace(pending, section=_untitled(pending.section)))
    return result


def _untitled(section: Section | None) -> Section | None:
    return None if section is None else replace(section, title=None, text="")


def _best_cut(group: Group) -> int | None:
    """Return the index to cut before: a cell boundary near the usual length, crossed by few names."""
    best: tuple[float, int] | None = None
    lines = 0
    bound: set[str] = set()
    for at, (before, after) in enumerate(pairwise(group.items), start=1):
        lines += _lines(before)
        bound.update(each.name for each in before.statement.definitions)
        if before.statement.cell.index == after.statement.cell.index or not _USUAL_STEP / 2 <= lines <= _LONGEST_STEP:
            continue
        later = {use.name for item in group.items[at:] for use in item.statement.uses if use.exposed}
        cost = len(bound & later) + abs(lines - _USUAL_STEP) / 10
        if best is None or cost < best[0]:
            best = (cost, at)
    return None if best is None else best[1]


def _join_small(groups: Sequence[Group]) -> list[Group]:
    """Join neighbours until no step is too small to name and there are not too many of them."""
    joined = list(groups)
    while len(joined) > 1:
        sizes = [left.lines + right.lines + _reluctance(left, right) for left, right in pairwise(joined)]
        smallest = min(range(len(sizes)), key=sizes.__getitem__)
        left, right = joined[smallest], joined[smallest + 1]
        tiny = min(left.lines, right.lines) <= 2 and left.lines + right.lines <= _USUAL_STEP  # noqa: PLR2004 a line or two
        if not tiny and len(joined) <= _MOST_STEPS:
            tinies = [
                at for at, (one, other) in enumerate(pairwise(joined))
                if min(one.lines, other.lines) <= 2 and one.lines + other.lines <= _LONGEST_STEP  # noqa: PLR2004
            ]  # fmt: skip
            if not tinies:
                break
            smallest = min(tinies, key=sizes.__getitem__)
        joined[smallest : smallest + 2] = [_joined(joined[smallest], joined[smallest + 1])]
    return joined


def _reluctance(left: Group, right: Group) -> int:
    """Return how many lines' worth a heading between two groups speaks against joining them."""
    if right.section is None or right.section.title is None:
        return 0
    return 5 if left.section is not None and right.section.level > left.section.level else 15


def _joined(left: Group, right: Group) -> Group:
    # The larger part names the whole, unless the first is the heading the second stands under.
    section = left.section
    if (
        section is None
        or section.title is None
        or (right.section is not None and right.section.title is not None and right.lines > 2 * left.lines)
    ):
        section = right.section if right.section is not None and right.section.title is not None else section
    return Group(section, (*left.items, *right.items))


def _join(groups: Sequence[Group], spans: Sequence[Span]) -> list[Group]:
    """Join the groups that a span reaches across."""
    joined = list(groups)
    for span in spans:
        starts: list[int] = []
        place = 0
        for group in joined:
            starts.append(place)
            place += len(group.items)
        touched = [
            at for at, start in enumerate(starts)
            if start <= span.last and start + len(joined[at].items) > span.first
        ]  # fmt: skip
        if len(touched) > 1:
            whole = joined[touched[0]]
            for at in touched[1:]:
                whole = _joined(whole, joined[at])
            joined[touched[0] : touched[-1] + 1] = [whole]
    return joined


Interface = tuple[tuple[str, ...], tuple[str, ...]]


def _interfaces(
    groups: Sequence[Group], given: Sequence[str], outside: set[str], wanted: frozenset[str], analysis: Analysis
) -> list[Interface]:
    """Return each group's arguments and results; ``wanted`` are the names read after the last step.

    Live variables, backwards over the groups: a step takes what it reads and does not surely bind
    first, and what it may leave as it was; it returns what it binds and somebody reads later.
    """
    available = [set(given) - outside]
    for group in groups:
        available.append((available[-1] | (_made(group) - outside)) - _ended(group))
    order = _argument_order(groups, given)
    live = set(wanted)
    interfaces: list[Interface] = []
    for group, before in zip(reversed(groups), reversed(available[:-1]), strict=True):
        read = _read(group, given, analysis)
        results = tuple(name for name in _in_order(group) if name in live and name not in outside)
        kept = {name: None for name in results if not _certainly(group, name)}
        arguments = tuple(sorted((name for name in {**read, **kept} if name in before), key=order.__getitem__))
        interfaces.append((arguments, results))
        live = (live - {name for name in results if _certainly(group, name)}) | set(arguments)
    interfaces.reverse()
    return interfaces


def _argument_order(groups: Sequence[Group], given: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Return where each name stands among arguments: values as they are made, functions, then the configuration."""
    order = {name: (2, place) for place, name in enumerate(given)}
    for item in (item for group in groups for item in group.items):
        for definition in (*item.statement.definitions, *item.statement.global_writes):
            rank = int(definition.kind in ("function", "class"))
            if order.get(definition.name, (2, 0))[0] == 2:  # noqa: PLR2004 the configuration's rank
                order[definition.name] = (rank, len(order))
    return order


def _read(group: Group, given: Sequence[str], analysis: Analysis) -> dict[str, None]:
    """Return the names a group reads before it has surely bound them, in order of first use."""
    bound: set[str] = set()
    read: dict[str, None] = {}
    for item in group.items:
        statement = item.statement
        names = [use.name for use in statement.uses if use.exposed]
        read.update(
            dict.fromkeys(
                name for name in (*names, *_names_in_replacements(item, given, analysis)) if name not in bound
            )
        )
        for definition in statement.definitions:
            if definition.kind == "delete":
                bound.discard(definition.name)
            elif definition.certain and definition.kind != "mutate":
                bound.add(definition.name)
    return read


def _certainly(group: Group, name: str) -> bool:
    """Return whether a group binds ``name`` on every path, loops that never run included."""
    return any(
        definition.name == name and definition.certain and definition.kind not in ("mutate", "delete")
        for item in group.items
        if not item.guarded
        for definition in item.statement.definitions
    )


def _names_in_replacements(item: Moved, given: Sequence[str], analysis: Analysis) -> tuple[str, ...]:
    """Return the names that text of ours inside a statement reads (``f"ls {folder}"`` for ``!ls {folder}``)."""
    if not item.replacements:
        return ()
    known = {each.name for statement in analysis.flow.statements for each in statement.definitions} | {*given}
    names: dict[str, None] = {}
    for replacement in item.replacements:
        names.update(dict.fromkeys(replacement.names))
        try:
            tree = ast.parse(replacement.text.strip() or "0")
        except SyntaxError:
            continue  # a keyword or a fragment of ours: it reads no name
        names.update(dict.fromkeys(n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and n.id in known))
    return tuple(names)


def _made(group: Group) -> set[str]:
    return set(_in_order(group))


def _in_order(group: Group) -> tuple[str, ...]:
    """Return the names a group binds and leaves bound, in order of first definition."""
    names: dict[str, None] = {}
    for item in group.items:
        for definition in (*item.statement.definitions, *item.statement.global_writes):
            if definition.kind not in ("mutate", "delete", "except", "star"):
                names[definition.name] = None
    return tuple(name for name in names if name not in _ended(group))


def _ended(group: Group) -> set[str]:
    ended: set[str] = set()
    for item in group.items:
        for definition in item.statement.definitions:
            if definition.kind == "delete" and definition.certain:
                ended.add(definition.name)
            elif definition.kind not in ("mutate", "delete", "except"):
                ended.discard(definition.name)
    return ended


def _surely(group: Group, name: str) -> bool:
    # A cell that may raise is skipped from there on.
    safe = [item for item in group.items if not item.guarded]
    return surely_binds([item.statement.node for item in safe], name) or any(
        definition.name == name and definition.kind == "magic"
        for item in safe
        for definition in item.statement.definitions
    )


def _unsure_spans(groups: Sequence[Group], interfaces: Sequence[Interface]) -> list[Span]:
    """Return what must be joined because a step might have to return a name it never bound."""
    spans: list[Span] = []
    starts = [0]
    for group in groups:
        starts.append(starts[-1] + len(group.items))
    for at, (group, (arguments, results)) in enumerate(zip(groups, interfaces, strict=True)):
        for name in results:
            if name in arguments or _surely(group, name):
                continue
            readers = [later for later in range(at + 1, len(groups)) if name in interfaces[later][0]]
            if readers:
                spans.append(Span(starts[at], starts[readers[-1]], f"{name} is bound on some paths only"))
    return spans


def _read_at_the_end(analysis: Analysis, outside: set[str]) -> frozenset[str]:
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


def _lines(item: Moved) -> int:
    node = item.statement.node
    return (node.end_lineno or node.lineno) - node.lineno + 1
