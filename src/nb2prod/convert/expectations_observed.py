"""What an observed run says about the steps, in place of what the notebook was saved with."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from nb2prod.convert.expectations import Expectation, Expectations, joined, saved_expectations, says_something
from nb2prod.convert.expected_text import (
    classless,
    comparable,
    merit_alone,
    merits_named,
    whatever_is_drawn,
    without_figures,
)
from nb2prod.convert.observation import Observation, Value
from nb2prod.convert.plan import EndOfCell, Moved
from nb2prod.convert.saved_texts import certain_words
from nb2prod.convert.slices import Slices

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nb2prod.analysis import Analysis
    from nb2prod.convert.expected_text import Metric
    from nb2prod.convert.observation import ObservedStep
    from nb2prod.convert.plan import Plan, Step

_FIGURE = re.compile(r"cell-(\d+)-\d+\.png")
# What a description says of figures.
_FIGURES = "means"


def observed_expectations(plan: Plan, analysis: Analysis, observation: Observation) -> Expectations:
    """Return what ``observation`` lets a test expect; where two runs differed, what the saved outputs do."""
    saved = saved_expectations(plan, analysis)
    slices = Slices(analysis)
    metrics: dict[str, Metric] = {}
    texts: list[Expectation] = []
    for step in plan.steps:
        of_saved = [each for each in saved.texts if each.step == step.name]
        seen = observation.steps.get(step.name)
        if seen is None:
            texts += of_saved
            continue
        is_open = any(slices.is_open(item.statement) for item in step.items if isinstance(item, Moved))
        learnt = any(slices.of(item.statement).learnt for item in step.items if isinstance(item, Moved))
        printed = [each for each in of_saved if each.kind == "printed"]
        if seen.printed is not None and not is_open:
            printed = _printed(step, seen.printed, metrics, learnt=learnt)
        elif seen.printed is not None and not printed:
            printed = _words_printed(plan, step, seen.printed)
        texts += printed
        displayed = [each for each in of_saved if each.kind == "displayed"]
        texts += displayed if seen.displayed is None else _displayed(step, seen, displayed, slices, metrics, learnt)
    withheld = [each.text for each in plan.withheld]
    kept = tuple(each for each in texts if not any(text in each.text for text in withheld))
    known = metrics | {each.name: each for each in saved.metrics if each.name not in metrics}
    used = tuple(each for each in known.values() if any(f"{{{each.name}}}" in text.text for text in kept))
    same = all(map(_ran_alike, observation.steps.values()))
    return replace(
        saved,
        texts=kept,
        metrics=used,
        deterministic=saved.deterministic and same,
        figures=dict(_figures(plan, observation.figures)),
    )


def _figures(plan: Plan, names: Sequence[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each step that draws, with the files the figures of its cells were saved to."""
    of_cell: dict[int, list[str]] = {}
    for name in names:
        if (found := _FIGURE.fullmatch(name)) is not None:
            of_cell.setdefault(int(found[1]), []).append(name)
    for step in plan.steps:
        cells = [item.cell for item in step.items if isinstance(item, EndOfCell)]
        drawn = tuple(name for cell in cells for name in of_cell.get(cell, ()))
        if drawn:
            yield step.name, drawn


def _ran_alike(seen: ObservedStep) -> bool:
    return seen.printed is not None and seen.displayed is not None and not seen.varying


def settled_observation(plan: Plan, analysis: Analysis, observation: Observation) -> Observation:
    """Return ``observation`` with only a description of results that two runs may have made alike by chance.

    That is what is drawn without a seed, or comes from outside: a score of 1.0, today's date.
    """
    slices = Slices(analysis)
    moved = {step.name: [item.statement for item in step.items if isinstance(item, Moved)] for step in plan.steps}
    every = {each.index for statements in moved.values() for each in statements}
    steps: dict[str, ObservedStep] = {}
    for name, seen in observation.steps.items():
        statements = moved.get(name, [])
        given = every - {each.index for each in statements} if seen.alone else frozenset()
        names: dict[str, bool] = {}
        for statement in statements:
            is_open = slices.is_open(statement, given)
            names |= {each.name: is_open or names.get(each.name, False) for each in statement.definitions}
        some = any(names.values())
        made = {result: _described(value) if names.get(result, some) else value for result, value in seen.made.items()}
        steps[name] = replace(seen, made=made)
    return replace(observation, steps=steps)


def _described(value: Value) -> Value:
    about = {key: each for key, each in value.about.items() if key != _FIGURES}
    return Value(about, stored=False, about=about)


def _printed(step: Step, text: str, metrics: dict[str, Metric], *, learnt: bool) -> list[Expectation]:
    if not text.strip() or any(mark in text for mark in "\r\b\x1b"):
        return []
    text = comparable(text.strip("\n"))
    marked = merits_named(text, step.name, metrics) if learnt else text
    return [Expectation(step.name, "printed", None, step.cells, marked, is_observed=True)]


def _words_printed(plan: Plan, step: Step, text: str) -> list[Expectation]:
    """Return the words a step prints whatever is drawn, of a text that two runs printed alike."""
    cells = [cell for cell in plan.notebook.code_cells if cell.index in step.cells]
    words = frozenset[str]().union(*map(certain_words, cells))
    if any(mark in text for mark in "\r\b\x1b"):
        return []
    marked = joined([without_figures(comparable(text.strip("\n")), words)])
    if not says_something(marked):
        return []
    return [Expectation(step.name, "printed", None, step.cells, marked, is_observed=True)]


def _displayed(
    step: Step,
    seen: ObservedStep,
    saved: Sequence[Expectation],
    slices: Slices,
    metrics: dict[str, Metric],
    learnt: bool,  # noqa: FBT001 - private
) -> list[Expectation]:
    """Return what is expected of the values a step displays; of those that varied, what was ``saved`` comes first."""
    waiting = [(text, seen.varying.get(number)) for number, text in enumerate(seen.displayed or ())]
    of_saved = {each.label: each for each in saved}
    found: list[Expectation] = []
    for item in step.items:
        if not isinstance(item, Moved) or item.shown is None or item.guarded:
            continue
        starts = (f"{item.shown}: ", f"{item.shown}:\n")
        at = next((number for number, (text, _) in enumerate(waiting) if text.startswith(starts)), None)
        if at is None:
            continue
        text, other = waiting[at]
        text, other = text[len(item.shown) + 2 :], other and other[len(item.shown) + 2 :]
        waiting = waiting[at + 1 :]
        if other is not None and item.shown in of_saved:
            found.append(of_saved[item.shown])
            continue
        if other is not None or slices.is_open(item.statement):
            marked = _of_any_draw(item, (text, other or text), slices, step, metrics)
        else:
            text = comparable(classless(text))
            marked = merits_named(text, step.name, metrics) if learnt else text
        if says_something(marked):
            cells = (item.statement.cell.number,)
            found.append(Expectation(step.name, "displayed", item.shown, cells, marked, is_observed=True))
    return found


def _of_any_draw(item: Moved, texts: tuple[str, str], slices: Slices, step: Step, metrics: dict[str, Metric]) -> str:
    """Return what a value that two runs displayed so, perhaps alike by chance, says in any other run."""
    if slices.of(item.statement).outside:
        return ""
    merit = merit_alone(item.shown or "", texts[0], step.name, metrics, seeded=False)
    if merit is not None:
        return merit
    one, other = (whatever_is_drawn(text, is_table=False) for text in texts)
    return one if one == other else ""
