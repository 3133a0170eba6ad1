"""What the README says of files: those the notebook names and the tests have, and those a run writes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nb2prod.convert.data_files import place_in_test_data
from nb2prod.convert.emit.prose import code
from nb2prod.convert.withheld import shown_prose

if TYPE_CHECKING:
    from nb2prod.convert.plan import OutputFile, Plan


def files_sections(plan: Plan) -> list[str]:
    """Return the sections about inputs and outputs; empty texts where there are none."""
    return [_inputs(plan), _outputs(plan)]


def _inputs(plan: Plan) -> str:
    if not plan.data_files:
        return ""
    files = [f"- {code(path.as_posix())}" for path in plan.data_files]
    place = place_in_test_data(Path(plan.notebook.path).parent, plan.data_files)
    where = f" (the notebook's folder is {code(f'tests/data/{place.as_posix()}')} there)" if place.parts else ""
    head = f"Files the notebook names; `tests/data` has a copy of each{where}:"
    return "\n".join(["## Inputs", "", head, "", *files])


def _outputs(plan: Plan) -> str:
    if not plan.output_files:
        return ""
    files = [f"- {code(shown_prose(each.text, plan.withheld))} ({_from(each, plan)})" for each in plan.output_files]
    return "\n".join(["## Outputs", "", "Files the notebook's code writes:", "", *files])


def _from(file: OutputFile, plan: Plan) -> str:
    """Return the cell that writes a file, and the field of the configuration that names it."""
    fields = [each.in_config for each in plan.parameters if each.default == file.text]
    return f"cell {file.cell}" + (f", field `{fields[0]}`" if len(fields) == 1 and not file.is_code else "")
