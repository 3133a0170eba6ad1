"""Groups of statements that will be steps: by sections, neither too long nor too small."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from nb2prod.convert.call_effects import effects_of_call, only_transforms
from nb2prod.convert.sections import Section, find_sections, names_no_step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nb2prod.analysis import Analysis
    from nb2prod.convert.lifetimes import Span
    from nb2prod.convert.plan import Moved

# A step longer than this is cut where little flows across; a pipeline longer than that is joined.
_LONGEST_STEP = 60
_USUAL_STEP = 35
_MOST_STEPS = 12
# So many lines without a heading are looked through for where a model is made.
_SHORTEST_PHASES = 15


@dataclass(frozen=True, slots=True)
class Group:
    """Statements that will be one step, before it has a name and an interface."""

    section: Section | None
    items: tuple[Moved, ...]

    @property
    def lines(self) -> int:
        """How many lines of code it holds."""
        return sum(_lines(item) for item in self.items)


def by_section(items: Sequence[Moved], analysis: Analysis) -> list[Group]:
    """Group neighbours that stand under the same heading of the notebook."""
    sections = find_sections(analysis.notebook)
    section_of = {
        cell: _untitled(section) if names_no_step(section, sections, analysis.notebook) else section
        for section in sections
        for cell in section.cells
    }
    groups: list[Group] = []
    highest = -1
    for place, item in enumerate(items):
        near = item
        if item.statement.index < highest:  # a function that was moved down belongs to what it was moved to
            near = next((each for each in items[place:] if each.statement.index > highest), item)
        highest = max(highest, item.statement.index)
        section = section_of.get(near.statement.cell.index)
        if groups and groups[-1].section == section:
            groups[-1] = replace(groups[-1], items=(*groups[-1].items, item))
        else:
            groups.append(Group(section, (item,)))
    return groups


def split_long(groups: Sequence[Group]) -> list[Group]:
    """Cut groups that are too long at the cell boundaries that the fewest names cross."""
    result: list[Group] = []
    for group in groups:
        pending = group
        first = True
        while pending.lines > _LONGEST_STEP:
            at = _best_cut(pending)
            if at is None:
                break
            section = pending.section if first else _rest(pending.section)
            result.append(Group(section, pending.items[:at]))
            pending = replace(pending, items=pending.items[at:])
            first = False
        result.append(pending if first else replace(pending, section=_rest(pending.section)))
    return result


def split_phases(groups: Sequence[Group], analysis: Analysis) -> list[Group]:
    """Cut groups without a heading of their own where a model begins to be made, and to be judged alone.

    A notebook without headings is still read, made ready, learnt from and judged, one after the other.
    """
    result: list[Group] = []
    for group in groups:
        titled = group.section is not None and group.section.title is not None and len(groups) > 1
        cuts = [] if titled or group.lines < _SHORTEST_PHASES else _phases(group.items, analysis)
        for start, end in pairwise([0, *cuts, len(group.items)]):
            # The only heading there is says what all of them do together.
            result.append(Group(_rest(group.section) if cuts else group.section, group.items[start:end]))
    return result


def _phases(items: Sequence[Moved], analysis: Analysis) -> list[int]:
    """Return the indices to cut before: of the cell that first splits or fits, and of the first that only judges."""
    starts: dict[int, int] = {}
    effects: dict[int, set[str]] = {}
    for at, item in enumerate(items):
        cell = item.statement.cell.index
        starts.setdefault(cell, at)
        effects.setdefault(cell, set()).update(
            each
            for call, deferred in item.statement.calls
            if not deferred and not only_transforms(call, analysis)
            for each in effects_of_call(call, analysis)
        )
    making = next((cell for cell, found in effects.items() if found & {"split", "fit"}), None)
    if making is None:
        return []
    fitting = next((cell for cell, found in effects.items() if "fit" in found), making)
    # Cells are counted in the order of the items, which functions that moved down may have changed.
    order = list(starts)
    after = order[order.index(fitting) + 1 :]
    last_fit = max((at for at, cell in enumerate(after) if "fit" in effects[cell]), default=-1)
    judging = next((cell for cell in after[last_fit + 1 :] if effects[cell] & {"score", "predict"}), None)
    return [at for at in (starts[making], starts[judging] if judging is not None else 0) if at]


def _rest(section: Section | None) -> Section | None:
    return None if section is None else _untitled(section)


def _untitled(section: Section) -> Section:
    return replace(section, title=None, text="")


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


def join_small(groups: Sequence[Group]) -> list[Group]:
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
    if right.section is not None and right.section.title is not None:
        untitled = section is None or section.title is None
        if right.lines > 2 * left.lines or (untitled and right.lines >= left.lines):
            section = right.section
    return Group(section, (*left.items, *right.items))


def join(groups: Sequence[Group], spans: Sequence[Span]) -> list[Group]:
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


def _lines(item: Moved) -> int:
    node = item.statement.node
    return (node.end_lineno or node.lineno) - node.lineno + 1
