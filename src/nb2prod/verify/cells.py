"""What the observer is told before a notebook runs: its cells, and the points at which steps have ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nb2prod.convert.main_guards import main_guards
from nb2prod.notebook.location import node_range
from nb2prod.verify.observer import observed_names
from nb2prod.verify.trace import Point

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nb2prod.notebook.model import CodeCell, Notebook


def cells(notebook: Notebook) -> list[dict[str, Any]]:
    """Return the code cells in their order, as ``observer.install_in_kernel`` takes them."""
    return [
        {"cell": cell.index, "source": cell.source, "groups": statement_groups(cell, notebook)}
        for cell in notebook.code_cells
    ]


def statement_groups(cell: CodeCell, notebook: Notebook) -> list[int]:
    """Return how many of our statements each top-level statement of the kernel holds.

    ``%time a = 1; b = 2`` is three statements here (the magic, and the two it runs) and one in the kernel, and of a
    main guard there are here those it holds; a cell magic takes its whole cell. Empty where the cell cannot be parsed.
    """
    body = cell.tree.body if cell.tree is not None else []
    held = {id(guard): len(guard.body) for guard in main_guards(cell, notebook)}
    if any(magic.kind == "cell" for magic in cell.magics):
        return [sum(held.get(id(node), 1) for node in body)] if body else []
    ranges = [magic.range for magic in cell.magics if magic.kind == "line"]
    groups: list[int] = []
    for node in body:
        start = node_range(cell.python_lines, node).start
        if groups and any(each.start < start < each.end for each in ranges):
            groups[-1] += 1
        else:
            groups.append(held.get(id(node), 1))
    return groups


def points(manifest: Mapping[str, Any]) -> tuple[Point, ...]:
    """Return where each step of a package ended in the notebook, and which variables to look at there, if any.

    A step without a statement (the notebook has none) has no point.
    """
    found = []
    for step in manifest["steps"]:
        places = [
            (row["cell"], row["statement"])
            for row in manifest["statements"]
            if row["kind"] == "step" and row["name"] == step["name"]
        ]
        names = tuple(observed_names(dict(manifest), step["name"]))
        if places:
            cell, statement = max(places)
            found.append(Point(step["name"], cell, statement, names))
    return tuple(point for point in found if point.step not in ending_inside(manifest))


def ending_inside(manifest: Mapping[str, Any]) -> frozenset[str]:
    """Return the steps that end inside of a ``%run`` in which another goes on: the notebook is nowhere then."""
    rows = [row for row in manifest["statements"] if row["kind"] == "step"]
    inside: set[str] = set()
    for step in manifest["steps"]:
        last = max(((row["cell"], row["statement"]) for row in rows if row["name"] == step["name"]), default=None)
        # Functions moved down into a step stand earlier: what counts is what runs later.
        users = [row["name"] for row in rows if (row["cell"], row["statement"]) == last and "included" in row]
        if users and users[-1] != step["name"]:
            inside.add(step["name"])
    return frozenset(inside)
