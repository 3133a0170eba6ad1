"""Imports that cannot stand at module level: each step, and each function, that needs one states it again.

They stand below a change of the import path, or the notebook gives their name to two things (``import datetime``,
then ``from datetime import datetime``). What has been imported is imported again without running anything, so no
step has to be handed a module.
"""

from __future__ import annotations

import ast
import sys
from typing import TYPE_CHECKING

from nb2prod.convert.definitions import assigned_attributes, meanings
from nb2prod.convert.plan import Replacement
from nb2prod.notebook.location import Range

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nb2prod.analysis import Analysis
    from nb2prod.convert.grouping import Group
    from nb2prod.convert.plan import Moved
    from nb2prod.dataflow.model import Statement
    from nb2prod.notebook.location import Position


class LateImports:
    """The names that nothing but imports of their own bind, and the statements that import them."""

    def __init__(self, items: Sequence[Moved], analysis: Analysis) -> None:
        """Find them in ``items``, the statements that steps are made of."""
        self.flow = analysis.flow
        plain = {item.statement.index: item.statement for item in items if _is_plain(item)}
        assigned = assigned_attributes(analysis)  # a module may give something else for them by now
        # Where each is imported, by what it is: `datetime` and `datetime.datetime`.
        self.places: dict[str, dict[int, str | None]] = {
            name: {each.statement: each.qualified for each in definitions}
            for name, definitions in meanings(analysis).items()
            if name not in assigned and all(each.kind == "import" and each.statement in plain for each in definitions)
        }
        self.nodes = {index: statement.node for index, statement in plain.items()}

    def texts(self, name: str, group: Group, above: Sequence[Group]) -> tuple[str, ...]:
        """Return the imports that give ``group`` the name as it finds it; none where they cannot be told."""
        places = self.places.get(name, {})
        if len(set(places.values())) > 1:
            meant = self._meant(name, group)
            places = {index: each for index, each in places.items() if meant == {each}}
        earlier = {item.statement.index for each in above for item in each.items}
        return tuple(sorted({ast.unparse(_only(self.nodes[index], name)) for index in places.keys() & earlier}))

    def at_start_of(self, function: Statement) -> tuple[Replacement, ...]:
        """Return the change that has a function import what it reads, where a name is an import of one thing."""
        names = {use.name for use in function.uses if use.deferred and self.means_one_thing(use.name)}
        texts = {ast.unparse(_only(self.nodes[index], name)) for name in names for index in self.places[name]}
        if not texts:
            return ()
        start = _start_of_body(function)
        before = function.cell.python_lines[start.line - 1][: start.column - 1]
        lines = [each for each in in_groups(texts) if each or not before.strip()]
        text = "; ".join(lines) + "; " if before.strip() else f"\n{before}".join([*lines, ""])
        return (Replacement(Range(start, start), text),)

    def means_one_thing(self, name: str) -> bool:
        """Return whether imports of one thing are all that binds a name."""
        return len(set(self.places.get(name, {}).values())) == 1

    def _meant(self, name: str, group: Group) -> set[str | None]:
        """Return what the name may be where the group reads it from above."""
        own = {item.statement.index for item in group.items}
        uses = [use for item in group.items for use in item.statement.uses if use.name == name]
        if any(use.deferred for use in uses):
            return set()  # a function reads it whenever it is called
        reaching = [each for use in uses for each in self.flow.reaching(use) if each.statement not in own]
        return {each.qualified for each in reaching}


def in_groups(texts: Iterable[str]) -> list[str]:
    """Return import statements in their usual order, with an empty line below those of the standard library."""
    ordered = sorted(texts, key=lambda text: (text.startswith("from "), text))
    standard = [text for text in ordered if text.split()[1].partition(".")[0] in sys.stdlib_module_names]
    others = [text for text in ordered if text not in standard]
    return [*standard, *([""] if standard and others else []), *others]


def _is_plain(item: Moved) -> bool:
    return isinstance(item.statement.node, (ast.Import, ast.ImportFrom)) and not (
        item.replacements or item.refused or item.guarded or item.captured
    )


def _start_of_body(function: Statement) -> Position:
    """Return where the code of a function starts, below its docstring; the ``@`` of a decorator there included."""
    node = function.node
    if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        msg = f"cell {function.cell.index}: no function has a body here"
        raise TypeError(msg)
    first = node.body[ast.get_docstring(node, clean=False) is not None]
    decorators = getattr(first, "decorator_list", ())
    start = function.cell.locate(decorators[0] if decorators else first).range.start
    return start._replace(column=start.column - 1) if decorators else start


def _only(node: ast.stmt, name: str) -> ast.stmt:
    """Return an import as far as it binds ``name``."""
    match node:
        case ast.Import(names=aliases):
            return ast.Import([each for each in aliases if (each.asname or each.name.partition(".")[0]) == name])
        case ast.ImportFrom(module=module, names=aliases, level=level):
            return ast.ImportFrom(module, [each for each in aliases if (each.asname or each.name) == name], level)
        case _:
            msg = f"{name} is bound by no import"
            raise AssertionError(msg)
