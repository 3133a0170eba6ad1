"""The statements of a step: the cells they come from, and the names they bind."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


_MODULE = ast.dump(ast.parse("globals()", mode="eval").body)


def module_of(row: Mapping[str, Any]) -> str:
    """Return the module of the package that holds a step, by its row in the manifest."""
    return str(row.get("module", "steps"))  # packages of earlier versions have one module


def observed_names(manifest: dict[str, Any], step: str) -> list[tuple[str, Literal["result", "argument"]]]:
    """Return the names to look at when a step has ended, with their role: its results, then its other arguments.

    Results that are no variable of the notebook (values it displayed, which the package keeps) are left out.
    """
    row = next(row for row in manifest["steps"] if row["name"] == step)
    rows = [row for row in manifest["statements"] if row.get("kind") == "step" and row["name"] == step]
    kept = {row["shown"] for row in rows if row.get("kept")}
    names: list[tuple[str, Literal["result", "argument"]]] = []
    names += [(name, "result") for name in row["results"] if name not in kept]
    return names + [(name, "argument") for name in row["arguments"] if name not in row["results"]]


def only_of_step(function: Any, manifest: dict[str, Any], row: dict[str, Any]) -> Any:
    """Return the arguments a step binds anew for itself alone.

    At its end such a name stands for another object than the caller's. An argument that a later step takes
    as it is then is the caller's object, whatever the step has bound to the name.
    """
    names = [each["name"] for each in manifest["steps"]]
    found = set(bound_in(function).intersection(row["arguments"]).difference(row["results"]))
    gone: set[str] = set()
    for later in manifest["steps"][names.index(row["name"]) + 1 :]:
        found -= set(later["arguments"]) - gone
        gone |= set(later["results"])
    return found


def cells_of(function: Any, manifest: dict[str, Any], row: dict[str, Any]) -> list[tuple[int, int, int]]:
    """Return which lines of a step come from which cell.

    Statement by statement where the step has those of the manifest. Where it was edited, as far as it
    says so itself: ``show("label", …)`` has the label of the manifest, ``end_of_cell`` the number of its cell.
    """
    rows = [each for each in manifest["statements"] if each.get("kind") == "step" and each["name"] == row["name"]]
    body = list(_statements(function))
    moved = [node for node in body if _anchor(node)[0] != "end"]
    # Imports of others that a step states again stand above what is its own.
    cells = _one_by_one(rows, moved[len(row.get("imports", ())) :])
    if cells is None:
        cells = {}
        labels: dict[str, list[int]] = {}
        for each in rows:
            labels.setdefault(each.get("shown", ""), []).append(each["cell"])
        for node in body:
            kind, label = _anchor(node)
            if kind == "shown" and labels.get(str(label)):
                cells[id(node)] = labels[str(label)].pop(0)
    found: list[tuple[int, int, int]] = []
    cell = row["cells"][-1] if len(row["cells"]) == 1 else None
    for node in reversed(body):
        kind, label = _anchor(node)
        cell = int(label) if kind == "end" else cells.get(id(node), cell)
        if cell is not None:
            found.append(
                (min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))]), node.end_lineno, cell)
            )
    return found


def _one_by_one(rows: list[dict[str, Any]], moved: list[Any]) -> dict[int, int] | None:
    """Return the cell of each statement, by its identity; None where they are not those of the manifest.

    A displayed value with a name is two statements: ``label = …`` and ``show("label", label)``.
    """
    cells = {}
    left = iter(moved)
    waiting = next(left, None)
    for each in rows:
        shown = ("shown", each["shown"]) if each.get("shown") else None
        if waiting is None:
            return None
        cells[id(waiting)] = each["cell"]
        following = next(left, None)
        if shown is not None and _anchor(waiting) != shown:
            if following is None or _anchor(following) != shown:
                return None
            cells[id(following)] = each["cell"]
            following = next(left, None)
        waiting = following
    return cells if waiting is None else None


def _statements(function: Any) -> Iterator[Any]:
    """Yield the statements of a step that come from the notebook, and the calls between them that are ours."""
    body = list(function.body)
    if body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        del body[0]
    if body and isinstance(body[-1], ast.Return):
        del body[-1]
    for node in body:
        handlers: list[Any] = getattr(node, "handlers", [])
        if isinstance(node, ast.Try) and len(handlers) == 1 and "report_exception" in ast.dump(handlers[0]):
            yield from node.body  # a cell tagged raises-exception
        elif isinstance(node, ast.With) and "captured_output" in ast.dump(node.items[0].context_expr):
            yield node  # the magic
            yield from (each for each in node.body if not isinstance(each, ast.Pass))
        elif not _is_declaration(node):
            yield node


def _is_declaration(node: Any) -> bool:
    """Return whether a statement only declares a name of the notebook's.

    ``name: object`` is what functions of the step bind by ``nonlocal``; ``globals()["Name"] = Name`` is a class or
    function that pickle looks for in its module, by its ``__qualname__``.
    """
    if isinstance(node, ast.Assign):
        (target, *_) = node.targets
        if isinstance(target, ast.Attribute):
            return target.attr == "__qualname__"
        return isinstance(target, ast.Subscript) and ast.dump(target.value) == _MODULE
    return (
        isinstance(node, ast.AnnAssign)
        and node.value is None
        and isinstance(node.annotation, ast.Name)
        and node.annotation.id == "object"
    )


def _anchor(node: Any) -> tuple[str, Any]:
    """Return whether a statement is a call of ours (``end``, ``shown`` or nothing) and its label."""
    call = node.value if isinstance(node, ast.Expr) else None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or not call.args:
        return "", None
    first = call.args[0]
    label = first.value if isinstance(first, ast.Constant) else None
    name = call.func.id.rstrip("_")
    if name == "end_of_cell" and isinstance(label, int):
        return "end", label
    if name == "show" and isinstance(label, str) and len(call.args) == 2:  # noqa: PLR2004
        return "shown", label
    return "", None


def bound_in(function: Any) -> Any:
    """Return the names a step binds or deletes: an argument of that name may be another object at its end."""
    found = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found.add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and node is not function:
            found.add(node.name)
        elif isinstance(node, ast.alias):
            found.add((node.asname or node.name).partition(".")[0])
        elif isinstance(node, ast.ExceptHandler) and node.name:
            found.add(node.name)
    return frozenset(found)
