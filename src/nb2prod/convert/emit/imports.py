"""The imports of the module ``steps``: the notebook's, each once, and those of what is ours."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nb2prod.convert.emit.errors import EmissionError
from nb2prod.convert.emit.names import fresh, notebook_names
from nb2prod.convert.emit.statements import same_meaning, snippet
from nb2prod.convert.plan import EndOfCell, Moved
from nb2prod.notebook.parse import parse_code

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nb2prod.convert.plan import Import, Plan

# Modules that hand out IPython's ``display``; ours takes its place.
_DISPLAY_MODULES = frozenset({"IPython.display", "IPython.core.display", "IPython.core.display_functions"})


@dataclass(frozen=True, slots=True)
class OwnNames:
    """What our own names are called in ``steps``, the notebook's names being taken."""

    show: str
    end_of_cell: str
    report_exception: str
    any_type: str
    named_tuple: str
    check_input: str


def own_names(plan: Plan) -> OwnNames:
    """Return the names our own functions get in ``steps``."""
    taken = notebook_names(plan)
    ours = ("show", "end_of_cell", "report_exception", "Any", "NamedTuple", "check_input")
    return OwnNames(*(fresh(name, taken) for name in ours))


def import_lines(plan: Plan, names: OwnNames, *, records: bool, untyped: bool) -> list[str]:
    """Return the lines of the imports; ``records``: named tuples are defined, ``untyped`` ones among them."""
    lines: list[str] = []
    display_aliases: list[str] = []
    seen: set[str] = set()
    for each in plan.imports:
        text, aliases = _without_display(each)
        display_aliases += aliases
        tree, _ = parse_code(text)
        if tree is None:
            msg = f"an import cannot be read again: {text!r}"
            raise EmissionError(msg)
        key = ast.dump(tree)
        if text and key not in seen:
            seen.add(key)
            lines.append(_with_comments(each, text, tree))
    if _uses_display(plan):
        display_aliases.append("display")
    ours = _own_imports(plan, names, display_aliases)
    if records:
        typing = [_alias("Any", names.any_type)] if untyped else []
        ours.append(f"from typing import {', '.join([*typing, _alias('NamedTuple', names.named_tuple)])}")
    # What is ours goes first where the order is sorted out later, so that no comment comes to stand
    # above it; else last, where no star import of the notebook can hide it.
    lines = [*ours, *lines] if sortable_imports(plan) else [*lines, *ours]
    future = [line for line in lines if line.startswith("from __future__ ")]
    return future + [line for line in lines if line not in future]


def sortable_imports(plan: Plan) -> bool:
    """Return whether the order of the module's imports means nothing, as far as can be told.

    It means something where a star may rebind a name, where two imports bind one name, and where
    one import enables another (``sklearn.experimental``).
    """
    bound: dict[str, str] = {}
    for each in plan.imports:
        tree, _ = parse_code(each.text)
        if tree is None or "experimental" in each.text:
            return False
        for node in tree.body:
            if not isinstance(node, ast.Import | ast.ImportFrom):
                continue
            source = f"{node.level}{node.module}." if isinstance(node, ast.ImportFrom) else ""
            for alias in node.names:
                # ``import a.b`` and ``import a.c`` bind the same ``a``.
                name, what = alias.asname or alias.name.partition(".")[0], source + alias.name
                what = what if alias.asname or source else name
                if name == "*" or bound.setdefault(name, what) != what:
                    return False
    return True


def _own_imports(plan: Plan, names: OwnNames, display_aliases: Sequence[str]) -> list[str]:
    items = [item for step in plan.steps for item in step.items]
    moved = [item for item in items if isinstance(item, Moved)]
    wanted = [_alias("display", alias) for alias in dict.fromkeys(display_aliases)]
    if any(item.shown is not None for item in moved):
        wanted.append(_alias("show", names.show))
    lines = [f"from .{'figures' if plan.draws else 'display'} import {', '.join(wanted)}"] if wanted else []
    if any(item.read is not None for item in moved):
        lines.append(f"from .contract import {_alias('check_input', names.check_input)}")
    if any(isinstance(item, EndOfCell) for item in items):
        lines.append(f"from .figures import {_alias('end_of_cell', names.end_of_cell)}")
    if any(item.guarded for item in moved):
        lines.append(f"from .display import {_alias('report_exception', names.report_exception)}")
    return lines


def _without_display(each: Import) -> tuple[str, list[str]]:
    """Return the import without IPython's ``display``, and the names that was imported as."""
    tree, _ = parse_code(each.text)
    node = tree.body[0] if tree is not None and len(tree.body) == 1 else None
    if not isinstance(node, ast.ImportFrom) or node.module not in _DISPLAY_MODULES:
        return each.text, []
    if node.names[0].name == "*":
        return each.text, ["display"]
    found = [alias.asname or alias.name for alias in node.names if alias.name == "display"]
    if not found:
        return each.text, []
    others = [alias for alias in node.names if alias.name != "display"]
    return ast.unparse(ast.ImportFrom(node.module, others, node.level)) if others else "", found


def _with_comments(each: Import, text: str, tree: ast.Module) -> str:
    """Return the import with the comments of its statement, where it is written as in the notebook."""
    if each.statement is None or not tree.body or not same_meaning(text, [each.statement.node]):
        return text
    cut = snippet(Moved(each.statement))
    before = [line for line in cut.before if line]
    if isinstance(tree.body[0], ast.Try):
        return cut.around(cut.code).strip()
    return "\n".join([*before, f"{text}  {cut.beside}" if cut.beside and "\n" not in text else text])


def _uses_display(plan: Plan) -> bool:
    """Return whether moved code calls the ``display`` every notebook has without importing it."""
    if any("display" in each.binds for each in plan.imports):
        return False
    statements = [item.statement for step in plan.steps for item in step.items if isinstance(item, Moved)]
    statements += [function.moved.statement for function in plan.functions]
    defined = any(definition.name == "display" for each in statements for definition in each.definitions)
    return not defined and any(use.name == "display" for each in statements for use in each.uses)


def _alias(name: str, alias: str) -> str:
    return name if name == alias else f"{name} as {alias}"
