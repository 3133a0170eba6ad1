"""What ``Config`` calls its fields: ``DATA = "customers.csv"`` is ``data_path`` there."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nb2prod.analysis import Analysis
    from nb2prod.convert.plan import Plan

# The package has an option of that name, for what the run itself writes.
_OURS = {"output_dir": "output_folder"}
_SAYS_SO = re.compile(
    r"(?:^|_)(?:path|file|filename|fname|dir|directory|folder|root|url|uri|link|address|csv|json)\d*$"
)


def name_fields(plan: Plan, _analysis: Analysis) -> Plan:
    """Give each field its name in ``Config``: lower case for a name in capitals, no name twice."""
    taken: set[str] = set()
    parameters = []
    for each in plan.parameters:
        wanted = each.field_name or (each.name.lower() if each.name.isupper() else each.name)
        wanted = "L" if wanted == "l" else _OURS.get(wanted, wanted)  # a small one looks like a figure
        name, number = wanted, 2
        while name in taken:
            name, number = f"{wanted}_{number}", number + 1
        taken.add(name)
        parameters.append(replace(each, field_name=name))
    return replace(plan, parameters=tuple(parameters))


def field_of_place(name: str, text: str) -> str:
    """Return the field's name for a variable that holds the path or address ``text``."""
    field = name.lower() if name.isupper() else name
    if _SAYS_SO.search(field.lower()):
        return field
    if "://" in text:
        return f"{field}_url"
    return f"{field}_path" if re.search(r"\.\w+$", text) else f"{field}_dir"
