"""How a text that is written in several places gets a name, and the places read that."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from nb2prod.checks._import_block import below_imports
from nb2prod.checks._path_fixes import name_for, plain_literal
from nb2prod.diagnostics import Applicability, Fix
from nb2prod.edits import replaced
from nb2prod.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nb2prod.analysis import Analysis
    from nb2prod.dataflow.model import Statement
    from nb2prod.notebook.location import Location
    from nb2prod.notebook.model import CodeCell


class Place(NamedTuple):
    """Where a text is written."""

    cell: CodeCell
    node: ast.Constant

    @property
    def location(self) -> Location:
        """Where it stands."""
        return self.cell.locate(self.node)


def naming(analysis: Analysis, text: str, places: Sequence[Place]) -> Fix | None:
    """Return the fix that writes ``text`` once: under the name the first place gives it, or below the first imports.

    None where nothing is imported before it is needed, or a place is more than a literal.
    """
    if not all(plain_literal(place.cell, place.node) for place in places):
        return None
    kept = _kept(analysis, places[0])
    if kept is not None:
        edits = tuple(replaced(place.cell, place.node, kept) for place in places[1:])
        return Fix(f"read `{kept}` everywhere", edits, Applicability.UNSAFE)
    home = next((each for each in analysis.statements() if isinstance(each.node, (ast.Import, ast.ImportFrom))), None)
    if home is None or home.cell.index > places[0].cell.index:
        return None
    name = name_for(analysis, text)
    constant = below_imports(analysis, home, f"{name} = {plain_literal(places[0].cell, places[0].node)}")
    same_cell = home.cell is places[0].cell
    if constant is None or (same_cell and constant.location.range > places[0].location.range):
        return None
    edits = tuple(replaced(place.cell, place.node, name) for place in places)
    return Fix(f"call it `{name}`", (constant, *edits), Applicability.UNSAFE)


def _kept(analysis: Analysis, place: Place) -> str | None:
    """Return the name that a place binds the text to, if nothing else is ever bound to it."""
    for statement in analysis.statements():
        match statement.node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if value is place.node:
                return name if len(_bindings(analysis, name)) == 1 else None
    return None


def _bindings(analysis: Analysis, name: str) -> list[Statement]:
    return [each for each in analysis.statements() if any(one.name == name for one in each.definitions)]
