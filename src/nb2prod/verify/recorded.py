"""Reads the events an observer has written, whole or cut off, into the types of a trace."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nb2prod.verify.trace import Displayed, Failure, Figure, Value

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the observer saw of a run.

    failures   every exception that ended a cell or a step, in order; a notebook may go on after one
    started    the cells that started, in order; the last is where a killed run stood
    notes      what makes the record less complete than it should be
    """

    values: tuple[Value, ...] = ()
    displayed: tuple[Displayed, ...] = ()
    figures: tuple[Figure, ...] = ()
    failures: tuple[Failure, ...] = ()
    started: tuple[int, ...] = ()
    cell_seconds: tuple[tuple[int, float], ...] = ()
    notes: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()


def read_recorded(path: Path) -> Recorded:
    """Return what the file at ``path`` holds; nothing where there is none. A last line cut short is left out."""
    events = list(_events(path.read_bytes())) if path.exists() else []
    of: dict[str, list[dict[str, Any]]] = {}
    for event in events:
        of.setdefault(event.pop("event"), []).append(event)
    return Recorded(
        tuple(Value(**each) for each in of.get("value", ())),
        # A value whose cell is unknown keeps 0, which no cell has.
        tuple(Displayed(each["cell"] or 0, each["number"], each["digest"]) for each in of.get("displayed", ())),
        tuple(Figure(each["cell"], each["number"], each["digest"]) for each in of.get("figure", ())),
        tuple(Failure(**each) for each in of.get("failure", ())),
        tuple(each["cell"] for each in of.get("started", ()) if each["cell"] is not None),
        tuple((each["cell"], each["seconds"]) for each in of.get("ended", ()) if each["cell"] is not None),
        tuple(_note(each) for each in of.get("note", ())),
        tuple(sorted(of["environment"][-1]["versions"].items())) if "environment" in of else (),
    )


def _events(content: bytes) -> list[dict[str, Any]]:
    lines = content.split(b"\n")
    return [json.loads(line) for line in lines[:-1] if line]


def _note(event: dict[str, Any]) -> str:
    return event["text"] if event["cell"] is None else f"cell {event['cell']}: {event['text']}"
