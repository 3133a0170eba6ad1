"""Rules without Python: what a page's ``[forbid]`` table names is reported where a notebook uses it."""

from __future__ import annotations

import ast
import re
from fnmatch import translate
from functools import cache, partial
from typing import TYPE_CHECKING

from nb2prod.checks._unnoticed_folder import without_change
from nb2prod.diagnostics import Finding
from nb2prod.notebook.model import CodeCell
from nb2prod.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from typing import TypeAlias

    from nb2prod.analysis import Analysis, Call
    from nb2prod.diagnostics import Fix, Forbidden, Rule
    from nb2prod.notebook.location import Location
    from nb2prod.notebook.model import Cell

    _FixOf: TypeAlias = Callable[[Analysis, Sequence[Location]], Fix | None]

# What makes a pattern of a name.
_GLOB = frozenset("*?[")
# What code catches that goes on where a module or a name is missing.
_ABSENT = {"ImportError", "ModuleNotFoundError", "NameError", "Exception", "BaseException"}


# What repairs a finding, by rule, given the places in one cell: a page cannot say that.
_FIXES: dict[str, _FixOf] = {"working-directory-changed": without_change}


class _Use(NamedTuple):
    """What is forbidden, as the message names it, and where it stands."""

    name: str
    location: Location


def check_for(rule: Rule) -> Callable[[Analysis], Iterator[Finding]]:
    """Return the check of a rule whose page forbids something."""
    if rule.forbid is None:
        raise ValueError(rule.name)
    return partial(_check, rule.forbid, _FIXES.get(rule.name))


def _check(forbidden: Forbidden, fix: _FixOf | None, analysis: Analysis) -> Iterator[Finding]:
    """Yield what is forbidden once a cell, at the first place."""
    by_cell: dict[int, list[_Use]] = {}
    for use in _uses(forbidden, analysis):
        if forbidden.unless_guarded and _is_guarded(use, analysis.notebook.cells[(use.location.cell or 1) - 1]):
            continue
        by_cell.setdefault(use.location.cell or 0, []).append(use)
    for number in sorted(by_cell):
        first, *more = sorted(by_cell[number], key=lambda use: use.location.range)
        message = forbidden.message.replace("{name}", f"`{first.name}`")
        if names := list(dict.fromkeys(f"`{use.name}`" for use in more if use.name != first.name)):
            message += f" (also {', '.join(names[:3])}{' and more' if len(names) > 3 else ''})"  # noqa: PLR2004 as many as are read
        places = [use.location for use in by_cell[number]]
        yield Finding(first.location, message, fix=None if fix is None else fix(analysis, places))


def _uses(forbidden: Forbidden, analysis: Analysis) -> Iterator[_Use]:
    if forbidden.calls:
        called = analysis.once(_called)
        meant = _meant(forbidden.calls, called)
        for name, calls in called.calls.items() if meant and analysis.mentions(*_beginnings(forbidden.calls)) else ():
            if name in meant:
                yield from (_Use(name, call.location) for call in calls)
    for cell in analysis.notebook.code_cells if forbidden.magics or forbidden.strings else ():
        for magic in cell.magics if forbidden.magics else ():
            if _matches(magic.name, forbidden.magics):
                start, end = magic.range
                sign = {"line": "%", "automagic": "%", "cell": "%%"}.get(magic.kind, "")
                yield _Use(f"{sign}{magic.name}", cell.location(start.line, start.column, end.line, end.column))
        if forbidden.magics and cell.tree is not None and "magic(" in cell.source:
            yield from _run_magics(forbidden.magics, cell, analysis.nodes_of(cell.tree, ast.Call))
        if cell.tree is not None and forbidden.strings:
            yield from _strings(forbidden.strings, cell, analysis.nodes_of(cell.tree, ast.Constant))
    for each in analysis.once(_imports) if forbidden.imports else ():
        if found := next((name for name in each.names if _matches(name, forbidden.imports)), None):
            yield _Use(found, each.cell.locate(each.node))
    for cell in analysis.notebook.code_cells if analysis.mentions(*_beginnings(forbidden.assigns)) else ():
        if cell.tree is not None:
            yield from _assigned(forbidden.assigns, analysis, cell)


class _Called(NamedTuple):
    """The calls of a notebook by what is called, and those names by what they are or are in."""

    calls: Mapping[str, Sequence[Call]]
    within: Mapping[str, Collection[str]]


def _called(analysis: Analysis) -> _Called:
    found: dict[str, list[Call]] = {}
    for call in analysis.calls():
        if name := _name(call, analysis):
            found.setdefault(name, []).append(call)
    within: dict[str, set[str]] = {}
    for name in found:
        outer = name
        while outer:
            within.setdefault(outer, set()).add(name)
            outer = outer.rpartition(".")[0]
    return _Called(found, within)


def _meant(patterns: tuple[str, ...], called: _Called) -> set[str]:
    """Return which names of what is called patterns mean. Few patterns have a star: the others are looked up."""
    forms = _forms(patterns)
    found = {name for each in forms.names for name in called.within.get(each, ())}
    return found.union(filter(forms.globs, called.calls)) if forms.globs is not None else found


class _Import(NamedTuple):
    """An import and the dotted names of what it imports."""

    cell: CodeCell
    node: ast.AST
    names: Sequence[str]


def _imports(analysis: Analysis) -> list[_Import]:
    """Return the imports of a notebook, cell by cell; relative ones name nothing that could be forbidden."""
    found = []
    for cell in analysis.notebook.code_cells:
        if cell.tree is None:
            continue
        for node in (*analysis.nodes_of(cell.tree, ast.Import), *analysis.nodes_of(cell.tree, ast.ImportFrom)):
            match node:
                case ast.Import(names=names):
                    found.append(_Import(cell, node, [alias.name for alias in names]))
                case ast.ImportFrom(module=str() as module, level=0, names=names):
                    found.append(_Import(cell, node, [module, *(f"{module}.{alias.name}" for alias in names)]))
    return found


def _name(call: Call, analysis: Analysis) -> str:
    """Return what is called: its qualified name, or the name as written where the notebook does not bind it."""
    if call.qualified_name is not None:
        return call.qualified_name.removeprefix("builtins.")
    root: ast.expr = call.node.func
    while isinstance(root, (ast.Attribute, ast.Call, ast.Subscript)):
        root = root.func if isinstance(root, ast.Call) else root.value
    use = analysis.use_at(root)
    return call.name if use is not None and not analysis.flow.reaching(use) else ""


def _strings(patterns: tuple[str, ...], cell: CodeCell, nodes: Iterable[ast.Constant]) -> Iterator[_Use]:
    for node in nodes:
        if isinstance(node.value, str) and _matches(node.value, patterns):
            yield _Use(node.value if len(node.value) <= 60 else f"{node.value[:57]}…", cell.locate(node))  # noqa: PLR2004 what fits on a line


def _run_magics(patterns: tuple[str, ...], cell: CodeCell, calls: Iterable[ast.Call]) -> Iterator[_Use]:
    """Yield magics that are called: ``get_ipython().run_line_magic("cd", "..")``, ``.magic("cd ..")``."""
    for call in calls:
        match call:
            case ast.Call(
                func=ast.Attribute(attr="run_line_magic" | "run_cell_magic" | "magic"),
                args=[ast.Constant(value=str(text)), *_],
            ):
                name = text.partition(" ")[0].lstrip("%")
                if _matches(name, patterns):
                    yield _Use(f"%{name}", cell.locate(call))


def _assigned(patterns: tuple[str, ...], analysis: Analysis, cell: CodeCell) -> Iterator[_Use]:
    if cell.tree is None:
        return
    targets = [(each, node) for node in analysis.nodes_of(cell.tree, ast.Assign) for each in node.targets]
    augmented = [(node.target, node) for node in analysis.nodes_of(cell.tree, ast.AugAssign)]
    for target, node in (*targets, *augmented):
        whole = target.value if isinstance(target, ast.Subscript) else target
        name = analysis.qualified_name(whole) if isinstance(whole, ast.Attribute) else None
        if name is not None and _matches(name, patterns):
            yield _Use(f"{name} =", cell.locate(node))


def _is_guarded(use: _Use, cell: Cell) -> bool:
    """Whether the use stands in an ``if`` that asks for it, or in a ``try`` that goes on without it."""
    words = [word for word in re.split(r"\W|_", use.name.lower()) if word]
    line = use.location.line
    for node in ast.walk(cell.tree) if isinstance(cell, CodeCell) and cell.tree is not None else ():
        if isinstance(node, ast.If) and node.body[0].lineno <= line <= (node.end_lineno or line):
            test = ast.unparse(node.test).lower()
            if any(word in test for word in words):
                return True
        elif isinstance(node, ast.Try) and node.lineno <= line <= (node.body[-1].end_lineno or line):
            caught = {part for handler in node.handlers for part in _exceptions(handler)}
            if caught & _ABSENT:
                return True
    return False


def _exceptions(handler: ast.ExceptHandler) -> list[str]:
    """Return the names of the exceptions a handler catches; a bare one catches all."""
    if handler.type is None:
        return ["Exception"]
    return [node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)]


@cache  # once a run and rule
def _beginnings(patterns: tuple[str, ...]) -> frozenset[str]:
    """Return the words that the names begin with which patterns mean."""
    return frozenset(pattern.partition(".")[0].partition("*")[0] for pattern in patterns)


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    """Whether a pattern means ``name`` or a module, class or package it is in."""
    forms = _forms(patterns)
    if name in forms.names or name.startswith(forms.begin):
        return True
    return bool(name) and forms.globs is not None and forms.globs(name) is not None


class _Forms(NamedTuple):
    """Patterns: those that are names, what names begin with that are in these, and a matcher of those with stars."""

    names: frozenset[str]
    begin: tuple[str, ...]
    globs: Callable[[str], re.Match[str] | None] | None


@cache  # once a run and rule: every call of every notebook is held against them
def _forms(patterns: tuple[str, ...]) -> _Forms:
    globs = [each for each in patterns if not _GLOB.isdisjoint(each)]
    names = [each for each in patterns if each not in globs]
    begin = tuple(f"{each}." for each in names)
    within = (rf"{re.escape(each)}\." for each in globs)
    return _Forms(
        frozenset(names), begin, re.compile("|".join((*map(translate, globs), *within))).match if globs else None
    )
