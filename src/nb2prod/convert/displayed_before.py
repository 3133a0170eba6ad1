"""Gives names to the displayed values that a notebook reads back: ``_``, ``__``, ``_3`` and ``Out[3]``.

The kernel keeps what it displays. A package keeps what has a name, so the expression that displayed the value
is given one, in the text of its cell and before anything is analysed: ``x + 1`` becomes ``(x_value := x + 1)``.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nb2prod.convert.displays import shows_something
from nb2prod.convert.naming import Names, name_from_expression, notebook_names
from nb2prod.convert.rewriting import Rewriting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.dataflow.model import Statement, Use
    from nb2prod.notebook.model import CodeCell, Notebook

_LAST = {"_": 1, "__": 2, "___": 3}
_SHOWING = frozenset({"!!", "pwd", "sx", "system"})
_NUMBERED = re.compile(r"_([1-9]\d*)")


@dataclass(frozen=True, slots=True)
class _Read:
    """A place that reads a displayed value: the node, its cell, and what displays the value.

    sources  the statement that displays it; or several, the latest first, each but the last of which displays
             nothing where its value is None: then the next one counts
    """

    node: ast.expr
    cell: CodeCell
    sources: tuple[Statement, ...]


def name_displayed_values(analysis: Analysis) -> Notebook:
    """Return the notebook with a name for each displayed value that it reads back, and with that name read.

    What cannot be told stays as it is, and is refused by the passes: which value ``_`` is must not depend on
    whether a call returned None, nor on when a function is called.
    """
    notebook, reads = analysis.notebook, list(_reads(analysis))
    if not reads:
        return notebook
    names = Names(notebook_names(analysis))
    rewriting = Rewriting()
    name_of: dict[int, str] = {}
    for source in dict.fromkeys(source for read in reads for source in read.sources):
        value = source.node.value  # type: ignore[attr-defined]  # only expressions are displayed
        name_of[source.index] = names.fresh(f"{name_from_expression(value) or 'displayed'}_value")
        opening, closing = ("(", ")") if isinstance(value, ast.Tuple) else ("", "")
        rewriting.surround(source.cell, source.node, f"({name_of[source.index]} := {opening}", f"{closing})")
    for read in reads:
        *unsure, certain = [name_of[source.index] for source in read.sources]
        text = "".join(f"{name} if {name} is not None else " for name in unsure) + certain
        rewriting.replace(read.cell, read.node, f"({text})" if unsure else text)
    return rewriting.applied(notebook)


def _reads(analysis: Analysis) -> Iterator[_Read]:
    """Yield the places that read what the kernel keeps, where it is certain which value that is."""
    counts = _counts(analysis)
    for statement in analysis.flow.statements:
        for use in statement.uses:
            if use.deferred or not isinstance(use.node, ast.Name) or _is_bound(use, analysis):
                continue
            node: ast.expr = use.node
            if use.name in _LAST:
                sources = _displayed_last(_LAST[use.name], statement, analysis)
            elif (numbered := _NUMBERED.fullmatch(use.name)) is not None:
                sources = _displayed_by(int(numbered[1]), counts, statement, analysis)
            elif use.name == "Out" and (item := _item_of(use, statement)) is not None:
                node, number = item
                sources = _displayed_by(number, counts, statement, analysis)
            else:
                continue
            if sources:
                yield _Read(node, statement.cell, sources)


def _is_bound(use: Use, analysis: Analysis) -> bool:
    """Return whether the notebook has bound a name itself; ``_.append(1)`` binds nothing."""
    return any(each.kind != "mutate" for each in analysis.flow.reaching(use))


def _item_of(use: Use, statement: Statement) -> tuple[ast.expr, int] | None:
    """Return ``Out[3]`` and 3, where ``use`` is that ``Out``."""
    for node in ast.walk(statement.node):
        match node:
            case ast.Subscript(value=value, slice=ast.Constant(value=int(number)), ctx=ast.Load()) if value is use.node:
                return node, number
            case _:
                pass
    return None


def _displayed_last(back: int, statement: Statement, analysis: Analysis) -> tuple[Statement, ...]:
    """Return what displayed the value that is the ``back``-th last when ``statement`` starts; empty if unknown."""
    unsure: list[Statement] = []
    for earlier in reversed(analysis.flow.statements[: statement.index]):
        if any(each.name in _LAST and each.kind not in ("delete", "mutate") for each in earlier.definitions):
            return ()  # who binds ``_`` turns the kernel's own off
        if _magic_shows(earlier):
            return ()
        shows = shows_something(earlier, analysis) if earlier.displayed else False
        if shows is None and back == 1 and isinstance(earlier.node, ast.Expr):
            unsure.append(earlier)
        elif shows is None:
            return ()
        elif shows and back == 1:
            return (*unsure, earlier)
        elif shows:
            back -= 1
    return ()


def _magic_shows(statement: Statement) -> bool:
    """Return whether a statement is a magic that hands a value on, which the kernel displays."""
    magic = statement.magic
    if magic is None or magic.binds:
        return False
    return magic.name in _SHOWING or (magic.name == "timeit" and re.search(r"(?:^|\s)-q?o", magic.argument) is not None)


def _displayed_by(
    number: int, counts: dict[int, CodeCell], statement: Statement, analysis: Analysis
) -> tuple[Statement, ...]:
    """Return the statement of the ``number``-th cell that displays its value, if it surely does so before."""
    cell = counts.get(number)
    found = [each for each in analysis.flow.statements[: statement.index] if each.cell is cell and each.displayed]
    if cell is statement.cell or not found or not shows_something(found[-1], analysis):
        return ()
    return (found[-1],)


def _counts(analysis: Analysis) -> dict[int, CodeCell]:
    """Return the cells by the count a run from top to bottom gives them; none where the saved counts say otherwise."""
    included = analysis.notebook.included
    cells = [cell for cell in analysis.notebook.code_cells if cell.source.strip() and cell.index not in included]
    counts = dict(enumerate(cells, start=1))
    return counts if all(cell.execution_count in (None, number) for number, cell in counts.items()) else {}
