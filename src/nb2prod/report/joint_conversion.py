"""Conversions of several notebooks as text: what was made, or would be, and what the notebooks have together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nb2prod.convert.outcome import outcomes
from nb2prod.convert.several.layout import ALL, SHARED
from nb2prod.report.conversion import as_path, cells_of, counted, counts
from nb2prod.report.conversion import forecast as forecast_of_one

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nb2prod.convert.plan import Plan
    from nb2prod.convert.several.package import Joint


def summary(joint: Joint, files: int, output: Path) -> str:
    """Return what a conversion made: the command of each notebook with its steps, and what comes next."""
    lines = [line for plan in joint.plans for line in _command(plan, output)]
    command = joint.package.replace("_", "-")
    lines += [
        *_together(joint),
        "",
        f"{counted(len(joint.parts), 'notebook')}, {counted(files, 'file')}",
        "",
        f"Next: pip install {as_path(output)}, then {command} --help; the README says the rest.",
    ]
    return "\n".join(lines) + "\n"


def forecast(joint: Joint) -> str:
    """Return what would become of each cell of each notebook, and what they would have together."""
    texts = [
        forecast_of_one(plan, outcomes(part.plan, part.draft.analysis.statements()))
        for part, plan in zip(joint.parts, joint.plans, strict=True)
    ]
    together = "".join(f"{line}\n" for line in _together(joint))
    return "\n".join([*texts, together])


def _command(plan: Plan, output: Path) -> Iterator[str]:
    steps = [(step.name, cells_of(step.numbers)) for step in plan.steps]
    width = max((len(name) for name, _ in steps), default=0)
    yield f"{plan.notebook.path} → {output}, command {plan.distribution}"
    yield ""
    yield from (f"  {name:<{width}}  {cells}" for name, cells in steps)
    yield ""
    yield counts(plan)
    yield from (f"note: {note}" for note in plan.notes)
    yield ""


def _together(joint: Joint) -> Iterator[str]:
    shared = ", ".join(each.function.name for each in joint.shared)
    yield f"in {joint.package}.{SHARED}: {shared}" if shared else "no two of the notebooks define the same"
    for each in joint.handovers:
        yield f"{each.file}: written by {each.writer}, read by {', '.join(each.readers)}"
    if joint.order:
        yield f"command {ALL}: {', then '.join(joint.order)}"
    else:
        yield f"no command {ALL}: no order of the notebooks is certain"
