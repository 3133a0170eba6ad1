"""Which steps of a large package stand together: by concern, by top headings, or by what they pass on."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nb2prod.convert.concerns import concerns_of, is_about_a_model
from nb2prod.convert.emit.prose import one_line
from nb2prod.convert.naming import name_from_heading
from nb2prod.convert.sections import top_headings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nb2prod.analysis import Analysis
    from nb2prod.convert.plan import Plan

# Modules are no help where one of them holds more of the whole than this,
_LARGEST_SHARE = 0.7
# where there are many for the steps there are,
_MOST_MODULES = 6
_FEWEST_STEPS_EACH = 2
# where one that only what it passes on tells apart is shorter than this,
_SHORTEST_PART = 60
# or where nothing tells what more of the steps than this are concerned with.
_MOST_UNTOLD = 1 / 3
_ABOUT = {
    "data": "The data of {}: the steps that read and clean it",
    "features": "The features of {}: the steps that make of the data what the model learns from",
    "model": "The model of {}: the steps that fit it and predict with it",
    "report": "The report of {}: the steps that show what the data and the model are like",
}
# More words make no better name of a module.
_LONGEST_NAME = 24
# Modules the package has or may have, and names its tests use.
_TAKEN = frozenset({
    "backend", "cli", "config", "contract", "display", "entrypoint", "figures", "folder", "functions", "import",
    "pipeline", "quick", "ran", "run", "settings", "shell", "steps", "stored_values", "tests", "work",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Layout:
    """The module of each step, in the order of the steps, and what each module is about, in the modules' order."""

    of_steps: tuple[str, ...]
    about: Mapping[str, str]


def find_layout(plan: Plan, analysis: Analysis, lengths: Sequence[int]) -> Layout | None:
    """Return the first layout that tells modules apart and leaves none that holds nearly everything, or None.

    lengths  the lines of each step
    """
    layouts = (_by_concern(plan, analysis), _by_heading(plan, analysis), _by_values(plan, lengths))
    return next((each for each in layouts if each is not None and _is_balanced(each, lengths)), None)


def _by_concern(plan: Plan, analysis: Analysis) -> Layout | None:
    """Return the layout by what the steps are concerned with; None without a model, or where too little tells."""
    told = concerns_of(plan, analysis)
    if told.count(None) > len(told) * _MOST_UNTOLD or not is_about_a_model(analysis):
        return None
    found: list[str] = []
    for each in told:
        # What nothing is known of goes on with what the steps before it do.
        found.append(each or (found[-1] if found else "data"))
    if "model" not in found or not {"data", "features"} & {*found}:
        return None
    return Layout(tuple(found), {name: about for name, about in _ABOUT.items() if name in found})


def _by_heading(plan: Plan, analysis: Analysis) -> Layout | None:
    """Return the layout by the notebook's top headings; None where they are no names."""
    heading_of = top_headings(analysis.notebook)
    found = [heading_of.get(step.cells[0]) if step.cells else None for step in plan.steps]
    # What stands before the first heading belongs to it.
    first = next((each for each in found if each is not None), "")
    headings = [each or first for each in found]
    return _named(headings, {each: f"under {_quoted(each)}" for each in headings})


def _by_values(plan: Plan, lengths: Sequence[int]) -> Layout | None:
    """Return the layout by what steps pass on: cut where nothing that one makes is taken by a later one."""
    parts: list[list[int]] = []
    reach = -1
    for at, step in enumerate(plan.steps):
        if at > reach:
            parts.append([])
        parts[-1].append(at)
        made = set(step.results)
        for later in range(at + 1, len(plan.steps)):
            if not made.isdisjoint(plan.steps[later].arguments):
                reach = max(reach, later)
            made -= set(plan.steps[later].results)
    sizes = [sum(lengths[at] for at in part) for part in parts]
    while len(parts) > 1 and min(sizes) < _SHORTEST_PART:
        at = sizes.index(min(sizes))
        to = min((each for each in (at - 1, at + 1) if 0 <= each < len(parts)), key=sizes.__getitem__)
        first = min(at, to)
        parts[first : first + 2] = [parts[first] + parts[first + 1]]
        sizes[first : first + 2] = [sizes[first] + sizes[first + 1]]
    headings: list[str] = []
    about: dict[str, str] = {}
    for part in parts:
        titled = [at for at in part if plan.steps[at].title]
        if not titled:
            return None
        longest = max(titled, key=lengths.__getitem__)
        heading = plan.steps[longest].title or ""
        headings += [heading] * len(part)
        about[heading] = f"from {_quoted(plan.steps[titled[0]].title or '')} on"
    return _named(headings, about)


def _named(headings: Sequence[str], about: Mapping[str, str]) -> Layout | None:
    """Return the layout with modules named from headings, one for each step; None where they do not name some few."""
    names: dict[str, str] = {}
    for heading in dict.fromkeys(headings):
        name = _module_name(heading)
        if name is None or name in names.values():
            return None
        names[heading] = name
    if not 1 < len(names) <= _MOST_MODULES or len(headings) < len(names) * _FEWEST_STEPS_EACH:
        return None
    return Layout(
        tuple(names[each] for each in headings),
        {name: f"The steps of {{}} {about[heading]}" for heading, name in names.items()},
    )


def _module_name(heading: str) -> str | None:
    """Return a module's name made of a heading's first words; None where there is none."""
    name = name_from_heading(heading)
    while name is not None and len(name) > _LONGEST_NAME and "_" in name:
        name = name.rpartition("_")[0]
    return f"{name}_steps" if name in _TAKEN else name


def _quoted(heading: str) -> str:
    return f"\N{LEFT DOUBLE QUOTATION MARK}{one_line(heading)}\N{RIGHT DOUBLE QUOTATION MARK}"


def _is_balanced(layout: Layout, lengths: Sequence[int]) -> bool:
    """Return whether there are several modules, none of which holds nearly everything."""
    shares: Counter[str] = Counter()
    for name, length in zip(layout.of_steps, lengths, strict=True):
        shares[name] += length
    return len(shares) > 1 and max(shares.values()) <= sum(lengths) * _LARGEST_SHARE
