"""model-changed-after-save: the saved file does not hold the model the notebook ends with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nb2prod.diagnostics import Finding, Related
from nb2prod.models import events

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.models import Event

# They save while they train.
_TRAINING_SAVES = ("callbacks", "callback")
_NETWORKS = ("keras.", "tensorflow.", "torch.")


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield for each saved model the first change after its last save, if it is not loaded again."""
    if not any("model-save" in call.effects or ".save" in call.name for call in analysis.calls()):
        return
    found = [event for event in events(analysis) if event.origin]
    done: list[Event] = []
    for position, change in enumerate(found):
        if change.kind not in ("fit", "change") or any(change.same_model(each) for each in done):
            continue
        if any(name in change.within.arguments for name in _TRAINING_SAVES):
            continue
        save = _last_save(found[:position], change)
        if save is None or _is_saved_or_loaded(found, position, save):
            continue
        done.append(change)
        what = "is fitted again" if change.kind == "fit" else "is changed"
        message = (
            f"`{change.name}` {what} after it was saved in cell {save.call.cell.index}: the file holds the earlier "
            "one, not what the notebook goes on with; save it after the last change"
        )
        yield Finding(change.call.location, message, (Related(save.call.location, "saved here"),))


def _last_save(before: list[Event], change: Event) -> Event | None:
    """Return the last save of the model. Untrained weights of a network are kept to start again: they are none."""
    saves = [place for place, each in enumerate(before) if each.kind == "save" and each.same_model(change)]
    if not saves:
        return None
    save = before[saves[-1]]
    fitted = any(each.kind == "fit" and each.same_model(change) for each in before[: saves[-1]])
    return save if fitted or (save.model is not None and not save.model.startswith(_NETWORKS)) else None


def _is_saved_or_loaded(found: list[Event], position: int, save: Event) -> bool:
    """Whether a later event saves the model or brings back what was saved.

    In one loop the order of lines says nothing: the save of one round comes after the fit of the next.
    """
    change = found[position]
    if save.call.statement is change.call.statement:
        return True
    return any(each.kind in ("save", "load") and each.same_model(change) for each in found[position + 1 :])
