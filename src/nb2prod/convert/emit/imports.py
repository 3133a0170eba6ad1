"""The imports of the modules that hold the notebook's code: the notebook's, each once, and those of what is ours."""

from __future__ import annotations

import ast
import re
import symtable
import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nb2prod.convert.emit.comments import imports_without_comments
from nb2prod.convert.emit.errors import EmissionError
from nb2prod.convert.emit.names import fresh, notebook_names
from nb2prod.convert.emit.statements import same_meaning, snippet
from nb2prod.convert.plan import EndOfCell, Moved
from nb2prod.notebook.parse import parse_code

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from nb2prod.convert.plan import Import, Plan, Step

# Modules that hand out IPython's ``display``; ours takes its place.
_DISPLAY_MODULES = frozenset({"IPython.display", "IPython.core.display", "IPython.core.display_functions"})


@dataclass(frozen=True, slots=True)
class OwnNames:
    """What our own names are called beside the notebook's code, the notebook's names being taken."""

    show: str
    end_of_cell: str
    report_exception: str
    any_type: str
    named_tuple: str
    check_input: str


def own_names(plan: Plan) -> OwnNames:
    """Return the names our own functions get beside the notebook's code."""
    taken = notebook_names(plan)
    ours = ("show", "end_of_cell", "report_exception", "Any", "NamedTuple", "check_input")
    return OwnNames(*(fresh(name, taken) for name in ours))


@dataclass(frozen=True, slots=True)
class ModuleImports:
    """What a module imports: of the notebook's imports its part, and names from modules beside it."""

    notebook: tuple[Import, ...]
    beside: Mapping[str, Collection[str]]


def imports_by_module(plan: Plan, bodies: Mapping[str, str]) -> dict[str, ModuleImports]:
    """Return what each module of the plan imports; ``bodies`` are the texts of the modules without imports.

    A single module has all imports. Of several each has what it reads; what none reads was kept for what importing
    it does, and goes where the notebook's next step goes.
    """
    if len(plan.modules) == 1:
        return {name: ModuleImports(plan.imports, {}) for name in bodies}
    read = {name: _read_in(text) | _read_by_items(plan, name) for name, text in bodies.items()}
    everywhere = set().union(*read.values())
    parts: dict[str, list[Import]] = {name: [] for name in bodies}
    for each in plan.imports:
        home = _module_after(each, plan)
        with_comments = True
        for name, wanted in read.items():
            unread = {bound for bound in each.binds if bound not in everywhere} if name == home else set()
            part = _part_of(each, wanted | unread)
            if part is not None:
                parts[name].append(part if with_comments else replace(part, statement=None))
                with_comments = False
    found: dict[str, ModuleImports] = {}
    for name, wanted in read.items():
        beside: dict[str, list[str]] = {}
        for function in plan.functions:
            if function.name in wanted and function.module != name:
                beside.setdefault(function.module, []).append(function.name)
        found[name] = ModuleImports(tuple(parts[name]), beside)
    return found


def names_read_by(step: Step) -> set[str]:
    """Return every name that a step's statements and annotations read."""
    types = (text.partition(".")[0] for _, text in (*step.argument_types, *step.result_types))
    return names_read([item for item in step.items if isinstance(item, Moved)]) | set(types)


def names_read(items: Iterable[Moved]) -> set[str]:
    """Return every name that moved statements read, at once or later, in strings and in text of ours too."""
    names: set[str] = set()
    for item in items:
        names.update(use.name for use in item.statement.uses)
        for each in item.replacements:
            names.update(re.findall(r"\w+", each.text), each.names)
    return names


def import_lines(
    imports: ModuleImports, plan: Plan, names: OwnNames, module: str, *, records: bool, untyped: bool
) -> list[str]:
    """Return the lines of a module's imports; ``records``: named tuples are defined, ``untyped`` ones among them."""
    lines: list[str] = []
    display_aliases: list[str] = []
    seen: set[str] = set()
    bare = imports_without_comments(plan)
    said: set[tuple[str, ...]] = set()
    for each in imports.notebook:
        text, aliases = _without_display(each)
        display_aliases += aliases
        tree, _ = parse_code(text)
        if tree is None:
            msg = f"an import cannot be read again: {text!r}"
            raise EmissionError(msg)
        key = ast.dump(tree)
        if text and key not in seen:
            seen.add(key)
            lines.append(_with_comments(each, text, tree, bare, said))
    if _uses_display(plan, module):
        display_aliases.append("display")
    ours = _own_imports(plan, names, module, display_aliases)
    ours += [f"from .{beside} import {', '.join(found)}" for beside, found in imports.beside.items()]
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


def _read_in(text: str) -> set[str]:
    """Return the names that code at module level, or in any function or class of it, looks up in the module."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            table = symtable.symtable(text, "module", "exec")
        except SyntaxError:
            return set()  # whoever formats the module says what is wrong
    found: set[str] = set()
    scopes = [table]
    while scopes:
        scope = scopes.pop()
        scopes += scope.get_children()
        found.update(
            each.get_name()
            for each in scope.get_symbols()
            if each.is_referenced() and (scope is table or each.is_global())
        )
    return found


def _read_by_items(plan: Plan, module: str) -> set[str]:
    names = names_read(each.moved for each in plan.functions if each.module == module)
    return names.union(*(names_read_by(step) for step in plan.steps if step.module == module))


def _module_after(each: Import, plan: Plan) -> str:
    """Return the module of the first step with a statement that stands below an import."""
    at = -1 if each.statement is None else each.statement.index
    below = (
        step.module
        for step in plan.steps
        if any(isinstance(item, Moved) and item.statement.index > at for item in step.items)
    )
    return next(below, plan.modules[-1].name)


def _part_of(each: Import, wanted: Collection[str]) -> Import | None:
    """Return an import with only the names that are wanted, None without any; a ``try`` as it stands."""
    binds = tuple(name for name in each.binds if name in wanted)
    tree, _ = parse_code(each.text)
    node = tree.body[0] if tree is not None and len(tree.body) == 1 else None
    if isinstance(node, ast.ImportFrom) and node.module == "__future__":
        return each
    if not binds or len(binds) == len(each.binds) or not isinstance(node, ast.Import | ast.ImportFrom):
        return each if binds else None
    node.names = [alias for alias in node.names if (alias.asname or alias.name.partition(".")[0]) in binds]
    # ``import re, csv`` is an import each, and both say that they bind both names.
    return replace(each, binds=binds, text=ast.unparse(node)) if node.names else None


def _own_imports(plan: Plan, names: OwnNames, module: str, display_aliases: Sequence[str]) -> list[str]:
    items = [item for step in plan.steps if step.module == module for item in step.items]
    moved = [item for item in items if isinstance(item, Moved)]
    wanted: dict[str, list[str]] = {"figures" if plan.draws else "display": []}
    (shows,) = wanted.values()
    shows += [_alias("display", alias) for alias in dict.fromkeys(display_aliases)]
    if any(item.shown is not None for item in moved):
        shows.append(_alias("show", names.show))
    if any(item.read is not None for item in moved):
        wanted["contract"] = [_alias("check_input", names.check_input)]
    if any(isinstance(item, EndOfCell) for item in items):
        wanted.setdefault("figures", []).append(_alias("end_of_cell", names.end_of_cell))
    if any(item.guarded for item in moved):
        wanted.setdefault("display", []).append(_alias("report_exception", names.report_exception))
    return [f"from .{home} import {', '.join(each)}" for home, each in wanted.items() if each]


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


def _with_comments(each: Import, text: str, tree: ast.Module, bare: Collection[int], said: set[tuple[str, ...]]) -> str:
    """Return the import with the comments of its statement, where it is written as in the notebook.

    bare  the imports, by index of their statements, whose comments above stay where they were
    said  the comments above those that came before: "the libraries" is said once
    """
    if each.statement is None or not tree.body or not same_meaning(text, [each.statement.node]):
        return text
    cut = snippet(Moved(each.statement))
    before = [line for line in cut.before if line and each.statement.index not in bare]
    if tuple(before) in said:
        before = []
    said.add(tuple(before))
    if isinstance(tree.body[0], ast.Try):
        return cut.around(cut.code).strip()
    return "\n".join([*before, f"{text}  {cut.beside}" if cut.beside and "\n" not in text else text])


def _uses_display(plan: Plan, module: str) -> bool:
    """Return whether moved code of a module calls the ``display`` every notebook has without importing it."""
    if any("display" in each.binds for each in plan.imports):
        return False
    statements = [
        (step.module, item.statement) for step in plan.steps for item in step.items if isinstance(item, Moved)
    ]
    statements += [(function.module, function.moved.statement) for function in plan.functions]
    if any(definition.name == "display" for _, each in statements for definition in each.definitions):
        return False
    return any(use.name == "display" for where, each in statements if where == module for use in each.uses)


def _alias(name: str, alias: str) -> str:
    return name if name == alias else f"{name} as {alias}"
