"""The names of steps: from their headings, else from what they do."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING

from nb2prod.convert.call_effects import effects_of_call, only_transforms
from nb2prod.convert.knowledge import knowledge
from nb2prod.convert.naming import Names, name_from_heading, name_of_step, notebook_names
from nb2prod.convert.plan import EndOfCell, Moved
from nb2prod.convert.sections import title_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from nb2prod.analysis import Analysis
    from nb2prod.convert.plan import Plan, Step


def name_steps(plan: Plan, analysis: Analysis) -> Plan:
    """Name every step after its heading, else after what it does."""
    names = Names(notebook_names(analysis) | {each.name for each in plan.functions} | {plan.package})
    # A thing is no name for what makes it.
    things = {noun: concern for concern, nouns in knowledge().concern_nouns.items() for noun in nouns}
    # What a function is called says what is done, as verbs do.
    actions = {each.name for each in plan.functions if each.kind == "function"} | {*knowledge().verbs.values()}
    steps = []
    for step in plan.steps:
        wanted = name_of_step(step.title) if step.title else None
        if wanted in things:
            wanted = f"{_THING_VERBS.get(things[wanted]) or _verb(step, analysis)}_{wanted}"
        if wanted is None and step is plan.steps[0] and _sets_up(step, plan.steps[1:], analysis):
            wanted = "set_up"
        if wanted is not None and names.is_taken(wanted):
            wanted = _distinguished(wanted, step, actions, analysis)
        is_async = any(_awaits(item.statement.node) for item in step.items if isinstance(item, Moved))
        steps.append(
            replace(step, name=names.fresh(wanted or _name_from_contents(step, plan, analysis)), is_async=is_async)
        )
    return replace(plan, steps=tuple(steps))


def _distinguished(wanted: str, step: Step, actions: Collection[str], analysis: Analysis) -> str:
    """Return a name like ``wanted``, which is taken: an action with what it makes, a thing with what is done to it."""
    if wanted in actions or wanted.partition("_")[0] in actions:
        made = next((name.strip("_").lower() for name in step.results if _says(name)), "")
        return f"{wanted}_{made}" if made and made not in wanted else wanted
    verb = _verb(step, analysis)
    if wanted.startswith(verb):
        return wanted
    return "_".join([verb, *(word for word in wanted.split("_") if word != verb)])


# What is done to things of a concern, whatever is called for it.
_THING_VERBS = {"features": "make", "report": "show"}
# What a step that calls something with one of these effects is called; the first that applies.
_VERBS = (("fit", "fit"), ("read-file", "load"), ("split", "split"), ("score", "evaluate"))


def _verb(step: Step, analysis: Analysis) -> str:
    """Return the verb for what a step does: ``fit``, ``load``, ``make``, ``plot``, ``show``."""
    acts = _acts(step, analysis)
    if acts:
        return acts[0][0]
    if step.results:
        return "make"
    return "plot" if any(isinstance(item, EndOfCell) for item in step.items) else "show"


def _sets_up(step: Step, later: Sequence[Step], analysis: Analysis) -> bool:
    """Return whether a first step only prepares: it shows nothing, and hands nothing on to the ``later`` ones."""
    items = [item for item in step.items if isinstance(item, Moved)]
    handed_on = any(not set(step.results).isdisjoint(each.arguments) for each in later)
    if not later or handed_on or _acts(step, analysis) or any(item.shown is not None for item in items):
        return False
    calls = [call for item in items for call, _ in item.statement.calls]
    return not step.results or any("global-setting" in effects_of_call(call, analysis) for call in calls)


def _acts(step: Step, analysis: Analysis) -> list[tuple[str, str]]:
    """Return (verb, name) for each value a step makes or changes by a call whose effect has a verb, by verb."""
    found: list[tuple[str, str]] = []
    for effect, verb in _VERBS:
        for item in step.items:
            statement = item.statement if isinstance(item, Moved) else None
            if statement is None or isinstance(statement.node, (ast.FunctionDef, ast.ClassDef)):
                continue
            name = next((each.name for each in statement.definitions if _says(each.name)), None)
            if name is not None and any(_does(effect, call, analysis) for call, _ in statement.calls):
                found.append((verb, name))
    return found


def _does(effect: str, call: ast.Call, analysis: Analysis) -> bool:
    """Return whether a call has an effect; fitting what only makes rows ready is no fit."""
    return effect in effects_of_call(call, analysis) and not (effect == "fit" and only_transforms(call, analysis))


def _calls(step: Step) -> list[ast.Call]:
    """Return the calls a step makes itself."""
    items = (item for item in step.items if isinstance(item, Moved))
    return [call for item in items for call, deferred in item.statement.calls if not deferred]


def _judged(step: Step, analysis: Analysis) -> str | None:
    """Return what a step that scores and fits nothing judges: the model it asks, or an empty text; None if none."""
    calls = _calls(step)
    fits, scores = (any(_does(effect, call, analysis) for call in calls) for effect in ("fit", "score"))
    if fits or not scores:
        return None
    asked = (call.func.value for call in calls if isinstance(call.func, ast.Attribute))
    return next((each.id for each in asked if isinstance(each, ast.Name) and each.id in step.arguments), "")


def _says(name: str) -> bool:
    """Return whether a variable's name says something in the name of a step."""
    return len(name.strip("_")) > 1 and name.isascii()


def _name_from_contents(step: Step, plan: Plan, analysis: Analysis) -> str:
    if len(plan.steps) == 1:
        title = title_of(analysis.notebook)
        return (name_from_heading(title) if title else None) or "run_notebook"
    acts = _acts(step, analysis)
    judged = _judged(step, analysis)
    if judged is not None:
        return f"evaluate_{judged.strip('_').lower()}" if _says(judged) else "evaluate"
    # What a step loads that is given nothing may be handed on under another name.
    given = {name for each in plan.steps for name in each.results}.intersection(step.arguments)
    named = [act for act in acts if act[1] in step.results]
    named += [(verb, name) for verb, name in acts if verb == "fit" or (verb == "load" and not given)]
    if not named and any(_does("fit", call, analysis) for call in _calls(step)):
        return "fit_model"
    verb, made = named[0] if named else ("make", None)
    made = made or next(filter(_says, step.results), None)
    if made is not None:
        return f"{verb}_{made.strip('_').lower()}"
    about = f"_{step.arguments[0].strip('_').lower()}" if step.arguments and _says(step.arguments[0]) else ""
    if any(isinstance(item, EndOfCell) for item in step.items):
        return f"plot{about or '_figures'}"
    if about:
        return f"{acts[0][0] if acts else 'show'}{about}"
    return "report"


def _awaits(node: ast.stmt) -> bool:
    pending: list[ast.AST] = [node]
    while pending:
        current = pending.pop()
        if isinstance(current, (ast.Await, ast.AsyncFor, ast.AsyncWith)):
            return True
        if isinstance(current, ast.comprehension) and current.is_async:
            return True
        if not isinstance(current, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            pending.extend(ast.iter_child_nodes(current))
    return False
