"""assumed-device: the code assumes a graphics card that the machine it runs on may not have."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from nb2prod.diagnostics import Applicability, Finding, Fix
from nb2prod.edits import argument_added
from nb2prod.literals import argument, is_constant, written_items, written_value
from nb2prod.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis, Call

_LIBRARIES = (
    *("torch", "tensorflow", "keras", "transformers", "lightning", "pytorch_lightning"),
    *("xgboost", "lightgbm", "catboost", "spacy"),
)
_BOOSTING = ("xgboost", "lightgbm", "catboost")
# Arguments of boosting libraries by which they train on a card.
_BOOSTED = (("task_type", "GPU"), ("tree_method", "gpu_hist"), ("device_type", "gpu"), ("device", "gpu"))
# `cuda`, `cuda:0` (torch), `/GPU:0`, `/device:GPU:1` (TensorFlow).
_CARD = lazy_pattern(r"cuda(?::\d+)?$|/?(?:device:)?GPU:\d+$", re.IGNORECASE)
# What asks whether there is a card, and what keeps a script from asking for one that is not there.
_ASKS = lazy_pattern(
    r"is_available|device_count|get_device_name|list_physical_devices|list_logical_devices|is_gpu_available|"
    r"nvidia-smi|set_soft_device_placement|torch\.accelerator|Accelerator\("
)
# What ends a notebook whose question was answered with no.
_STOPS = lazy_pattern(r"\b(?:assert|raise|exit|quit)\b")
_LOAD = "torch.load"
_PIPELINE = "transformers.pipeline"


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield the first place in each cell that needs a card, as long as nothing above has asked for one.

    What was saved from a card needs one wherever it is loaded, whether or not anything has asked.
    """
    if not (_names_card(analysis) and analysis.mentions(*_LIBRARIES)):
        return
    asking = [cell for cell in analysis.notebook.code_cells if _ASKS.search(cell.source)]
    asked = asking[0].index if asking else None
    stops = any(_STOPS.search(cell.source) for cell in asking)
    by_cell: dict[int, list[tuple[Call, str]]] = {}
    for call in analysis.calls():
        below = asked is not None and call.cell.index >= asked and call.qualified_name != _LOAD
        # Whatever the answer was, `net.cuda()` by itself does not heed it.
        if below and (stops or call.cell.index == asked or not _is_unconditional(analysis, call)):
            continue
        if (problem := _problem(analysis, call)) and not _is_tried(analysis, call):
            by_cell.setdefault(call.cell.index, []).append((call, problem))
    for found in by_cell.values():
        first, problem = found[0]
        yield Finding(first.location, problem, fix=_loaded_anywhere([call for call, _ in found]))


def _loaded_anywhere(calls: list[Call]) -> Fix | None:
    """Return the fix that loads on the processor what may come from a card; None where that is not all."""
    edits = [
        argument_added(call.cell, call.node, 'map_location="cpu"') if call.qualified_name == _LOAD else None
        for call in calls
    ]
    known = tuple(edit for edit in edits if edit is not None)
    return Fix('pass `map_location="cpu"`', known, Applicability.UNSAFE) if len(known) == len(edits) else None


def _names_card(analysis: Analysis) -> bool:
    """Whether anything can have a problem: most notebooks have none of the words, whatever the case."""
    code = analysis.code().lower()
    return any(word in code for word in ("cuda", "gpu", "device_map")) or any(analysis.calls_of(_LOAD, _PIPELINE))


def _problem(analysis: Analysis, call: Call) -> str | None:
    """Return what is wrong with a call, if it cannot run without a card."""
    method = call.node.func.attr if isinstance(call.node.func, ast.Attribute) else ""
    if call.qualified_name == _LOAD and "map_location" not in call.arguments and not call.has_star_arguments:
        return "`torch.load` puts tensors on the device they were saved from; give `map_location`"
    if method == "cuda" and not call.node.args:
        return "`.cuda()` fails without a graphics card; use `.to(device)` with a device that is asked for once"
    if call.qualified_name == "spacy.require_gpu":
        return "`spacy.require_gpu` fails without a graphics card; `spacy.prefer_gpu` takes what there is"
    if call.qualified_name == "torch.cuda.set_device" and not is_constant(call.arguments.get("device"), value=None):
        return "`torch.cuda.set_device` fails without a graphics card; choose the device by what there is"
    if call.qualified_name == _PIPELINE and _is_number(argument(analysis, call, "device")):
        return "`device=` names a graphics card by its number; choose the device by what there is"
    if _is_mapped(argument(analysis, call, "device_map")):
        return '`device_map=` names a graphics card by its number; `device_map="auto"` takes what there is'
    if call.library in _BOOSTING and (problem := _boosted(analysis, call)):
        return problem
    card = next((name for name in _devices(analysis, call, method) if _CARD.match(name)), None)
    if card is None:
        return None
    return f'`"{card}"` assumes a graphics card; choose the device by what there is (`torch.cuda.is_available()`)'


def _boosted(analysis: Analysis, call: Call) -> str | None:
    """Return what is wrong with how a model is trained: in its arguments, or in the dictionary they are handed in."""
    handed = [call.arguments, *(written_items(analysis, each) for each in call.arguments.values())]
    for name, wanted in _BOOSTED:
        if any(is_constant(each.get(name), value=wanted) for each in handed):
            return f'`{name}="{wanted}"` assumes a graphics card; choose the device by what there is'
    return None


def _is_number(node: ast.expr | None) -> bool:
    """Whether a device is a card's number; below 0 it is the processor."""
    return isinstance(node, ast.Constant) and isinstance(node.value, int)


def _is_mapped(node: ast.expr | None) -> bool:
    """Whether parts of a model are put on a card by its number: ``{"": 0}``."""
    return isinstance(node, ast.Dict) and any(_is_number(value) for value in node.values)


def _devices(analysis: Analysis, call: Call, method: str) -> Iterator[str]:
    """Yield the devices a call is given that are written out."""
    given = [argument(analysis, call, name) for name in ("device", "map_location")]
    if method in ("to", "device"):
        given += [written_value(analysis, each) for each in call.node.args[:1]]
    for node in given:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _is_unconditional(analysis: Analysis, call: Call) -> bool:
    """Whether a call moves something to the card by ``.cuda()``, in every run that comes to it."""
    if call.deferred or not isinstance(call.node.func, ast.Attribute) or call.node.func.attr != "cuda":
        return False
    kinds = analysis.nodes_by_kind(call.statement.node)
    return not (kinds.get(ast.If) or kinds.get(ast.IfExp))


def _is_tried(analysis: Analysis, call: Call) -> bool:
    """Whether a call stands in a `try` whose handler takes another device, or whatever else is done without a card."""
    for tried in analysis.nodes_of(call.statement.node, ast.Try):
        if any(call.node is node for part in tried.body for node in ast.walk(part)):
            return any(not isinstance(each.body[0], ast.Raise) for each in tried.handlers)
    return False
