"""The pass that puts Python in place of magics."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from nb2prod.convert.knowledge import knowledge
from nb2prod.convert.magics import Capture, Code, Drop, Install, bound_names, translate
from nb2prod.convert.measurements import what_stays
from nb2prod.convert.plan import Dropped, Import, Moved, Plan, Refusal, Replacement, map_moved
from nb2prod.notebook.location import Range

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from nb2prod.analysis import Analysis
    from nb2prod.dataflow.model import Statement
    from nb2prod.notebook.model import CodeCell, Magic, Notebook


# What %pylab does, from IPython.core.pylabtools.import_pylab, and what it prints.
_PYLAB_IMPORTS = (
    (("numpy",), "import numpy"),
    (("matplotlib",), "import matplotlib"),
    (("pylab",), "from matplotlib import pylab"),
    (("mlab",), "from matplotlib import mlab"),
    (("pyplot",), "from matplotlib import pyplot"),
    (("np",), "import numpy as np"),
    (("plt",), "import matplotlib.pyplot as plt"),
    (("*",), "from matplotlib.pylab import *"),
    (("*",), "from numpy import *"),
)
_PYLAB_SAYS = (
    'print("%pylab is deprecated, use %matplotlib inline and import the required libraries.\\n'
    'Populating the interactive namespace from numpy and matplotlib")'
)


def keeps_figures(notebook: Notebook) -> bool:
    """Return whether the notebook drew with a backend that leaves figures open: ``%matplotlib notebook``, a window.

    Only the inline backend closes them where a cell ends; a package draws the others off screen and
    leaves them open as well.
    """
    chosen = [
        magic.argument.split()[0].strip("'\"")
        for cell in notebook.code_cells
        for magic in cell.magics
        if magic.name == "matplotlib" and magic.argument.split()
    ]
    return bool(chosen) and not _CLOSING.intersection(chosen)


# Backends and options of %matplotlib that close figures, or choose nothing.
_CLOSING = frozenset({"inline", "auto", "-l", "--list", "agg"})


def _is_pylab(magic: Magic, analysis: Analysis, statement: Statement) -> bool:
    """Return whether ``magic`` is ``%pylab`` above everything that binds a name it could bind again."""
    earlier = (each for before in analysis.flow.statements[: statement.index] for each in before.definitions)
    return (
        magic.name == "pylab"
        and magic.argument.strip() in ("", "inline")
        and all(each.kind == "import" for each in earlier)
    )


def _bound_at(statement: Statement, analysis: Analysis, bound: frozenset[str]) -> frozenset[str]:
    """Return the names that may have a value where a magic in ``statement`` runs: IPython expands no others."""
    earlier = [each for before in analysis.flow.statements[: statement.index] for each in before.definitions]
    if isinstance(statement.node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return bound
    written = (each for before in analysis.flow.statements for each in before.global_writes)
    own = statement.definitions if statement.magic is None else ()
    return bound & {each.name for each in (*earlier, *written, *own)}


def _is_precision_of_numpy(magic: Magic, analysis: Analysis, statement: Statement) -> bool:
    """Return whether ``magic`` is ``%precision 3`` below an import of NumPy: the kernel sets how that prints."""
    earlier = (each for before in analysis.flow.statements[: statement.index] for each in before.definitions)
    return (
        magic.name == "precision"
        and magic.argument.strip().isdecimal()
        and any(each.kind == "import" and (each.qualified or "").partition(".")[0] == "numpy" for each in earlier)
    )


def translate_magics(plan: Plan, analysis: Analysis) -> Plan:
    """Put Python in place of magics, drop those that concern only the notebook, refuse the others."""
    bound = bound_names(analysis.notebook)
    dropped = list(plan.dropped)
    refusals = list(plan.refusals)
    helpers: dict[str, None] = {}
    modules: dict[str, None] = {}
    pylab: list[Statement] = []
    captures: dict[int, str] = {}
    gone: set[tuple[int, int]] = set()  # (cell, line) of statements that go with a measurement

    def translated(magic: Magic, statement: Statement) -> Drop | Install | Code | Capture | None:
        there = _bound_at(statement, analysis, bound)
        translation = _run(magic, statement.cell, analysis.notebook) or translate(magic, statement.cell, there)
        if isinstance(translation, Refusal):
            refusals.append(translation)
            return None
        if isinstance(translation, Code):
            helpers.update(dict.fromkeys(translation.helpers))
            modules.update(dict.fromkeys(translation.imports))
        return translation

    def kept(item: Moved) -> Moved | None:
        if item.refused:
            return item
        statement = item.statement
        cell = statement.cell
        place = statement.location.range
        item = replace(item, captured=captures.get(cell.index, ""))
        own = statement.magic
        if reason := _gone(statement, analysis):
            dropped.append(Dropped(statement, reason))
            return None
        if own is not None and own.name == "matplotlib" and keeps_figures(analysis.notebook):
            modules["matplotlib"] = None
            return replace(item, replacements=(*item.replacements, Replacement(own.range, 'matplotlib.use("agg")')))
        if own is not None and _is_precision_of_numpy(own, analysis, statement):
            modules["numpy"] = None
            text = f"numpy.set_printoptions(precision={own.argument.strip()})"
            return replace(item, replacements=(*item.replacements, Replacement(own.range, text)))
        if own is not None and _is_pylab(own, analysis, statement):
            pylab.append(statement)
            return replace(item, replacements=(*item.replacements, Replacement(own.range, _PYLAB_SAYS)))
        if own is not None:
            translation: Drop | Install | Code | Capture | Refusal | None = translated(own, statement)
            if isinstance(translation, Capture):
                captures[cell.index] = translation.head
                return replace(item, captured=translation.head)
            if isinstance(translation, Code):
                ends_cell = cell.tree is not None and statement.node is cell.tree.body[-1]
                replacements = [*item.replacements, Replacement(own.range, translation.text)]
                return replace(item, replacements=tuple(replacements), displays=translation.displayed and ends_cell)
            if isinstance(translation, Drop) and own.name in knowledge().measurements:
                translation = what_stays(own, statement, translation, analysis)
            if isinstance(translation, Refusal):
                refusals.append(translation)
            elif translation is not None:
                dropped.append(Dropped(statement, translation.reason))
                if isinstance(translation, Drop) and not translation.keeps_python:
                    lines = range(1, len(cell.lines) + 1) if own.kind == "cell" else (place.start.line,)
                    gone.update((cell.index, line) for line in lines)
            return None
        if (cell.index, place.start.line) in gone:
            dropped.append(Dropped(statement, "it is a measurement and binds nothing"))
            return None
        inside = [
            magic
            for magic in cell.magics
            if place.start <= magic.range.start and magic.range.start.line <= place.end.line
        ]
        found = [(magic, translation) for magic in inside if (translation := translated(magic, statement)) is not None]
        gone_wholly = [magic for magic, translation in found if _leaves_nothing(magic, translation, cell)]
        replacements = list(item.replacements)
        for magic, translation in found:
            if isinstance(translation, Code):
                replacements.append(Replacement(magic.range, translation.text))
            elif magic in gone_wholly:
                replacements.append(_nothing_for(magic, statement, gone_wholly))
            else:
                replacements.append(_python_alone(magic, cell))
        return replace(item, replacements=tuple(replacements))

    steps = map_moved(plan, kept)
    imports = list(plan.imports)
    homes: dict[str, list[str]] = {}
    for helper in helpers:
        home, _, function = helper.rpartition(".")
        homes.setdefault(home or "shell", []).append(function)
    for home, functions in homes.items():
        imports.append(Import(tuple(functions), f"from .{home} import {', '.join(functions)}", None))
    if captures:
        imports.append(Import(("captured_output",), "from .capture import captured_output", None))
    imports.extend(Import((module,), f"import {module}", None) for module in modules)
    if pylab:
        imports.extend(Import(binds, text, None) for binds, text in _PYLAB_IMPORTS)
    return replace(
        plan,
        steps=steps,
        dropped=tuple(dropped),
        refusals=tuple(refusals),
        imports=tuple(imports),
        uses_shell=plan.uses_shell or "shell" in homes,
        uses_timing=plan.uses_timing or "timing" in homes,
        uses_capture=plan.uses_capture or bool(captures),
    )


def _run(magic: Magic, cell: CodeCell, notebook: Notebook) -> Drop | Refusal | None:
    """Return what becomes of a ``%run``: its file's cells stand behind its own, or there is a reason why not."""
    line = magic.range.start.line
    run = next((each for each in notebook.runs if (each.cell, each.line) == (cell.index, line)), None)
    if run is None or magic.name != "run":
        return None
    reason, advice = run.problem
    if reason:
        return Refusal(cell.index, line, f"%run: {reason}", advice)
    return Drop(f"what {run.file} does stands in its place")


# The mask of a magic whose Python stays beside it.
_TIMED = re.compile(r"0;\s*(?=[^\s#])")


def _leaves_nothing(magic: Magic, translation: Drop | Install | Code | Capture, cell: CodeCell) -> bool:
    """Return whether a magic inside a statement goes, and no Python stays beside it."""
    if isinstance(translation, (Code, Capture)):
        return False
    start = magic.range.start
    keeps = isinstance(translation, Drop) and translation.keeps_python
    return not (keeps and _TIMED.match(cell.python_lines[start.line - 1], start.column - 1))


def _python_alone(magic: Magic, cell: CodeCell) -> Replacement:
    """Return the change that leaves ``fit(x)`` of ``%time fit(x)``."""
    start = magic.range.start
    mask = _TIMED.match(cell.python_lines[start.line - 1], start.column - 1)
    end = start.column - 1 if mask is None else mask.end()
    return Replacement(Range(start, start._replace(column=end + 1)), "")


def _nothing_for(magic: Magic, statement: Statement, going: Sequence[Magic]) -> Replacement:
    """Return the change that takes a magic out of a statement; ``going`` are all that are taken out of it.

    What is left of ``x = %load_ext sql`` is ``x = None``, of a block that has nothing else ``pass``.
    """
    if magic.binds:
        return Replacement(magic.range, "None")
    start = magic.range.start
    for suite in (value for node in ast.walk(statement.node) for value in _suites(node)):
        starts = [statement.cell.locate(each).range.start for each in suite]
        if start in starts:
            is_empty = all(any(each.range.start <= place < each.range.end for each in going) for place in starts)
            return Replacement(magic.range, "pass" if is_empty and start == starts[0] else "")
    return Replacement(magic.range, "pass")


def _suites(node: ast.AST) -> Iterator[list[ast.stmt]]:
    for name in ("body", "orelse", "finalbody"):
        value = getattr(node, name, None)
        if isinstance(value, list):
            yield value


def _gone(statement: Statement, analysis: Analysis) -> str:
    """Return why a statement goes whose effect only a kernel has, empty where it has one, or something needs it."""
    if statement.magic is not None and statement.magic.name in knowledge().enders:
        named = statement.magic.argument.split() if statement.magic.name == "xdel" else None
        return "" if _reads_across(statement, named, analysis) else "it ends names that nothing reads below"
    if defines_magic(statement, analysis):
        return "it defines a magic, and a package has none"
    imported = {each.name for each in statement.definitions}
    if all((each.qualified or "").startswith("IPython.core.magic.") for each in statement.definitions) and imported:
        users = [each for each in analysis.flow.statements if any(use.name in imported for use in each.uses)]
        return "it is for defining magics" if users and all(defines_magic(each, analysis) for each in users) else ""
    return ""


def _reads_across(statement: Statement, names: Collection[str] | None, analysis: Analysis) -> bool:
    """Return whether something below a statement reads a value that was made above it, of these names or any."""
    return any(
        definition.statement < statement.index
        for later in analysis.flow.statements[statement.index + 1 :]
        for use in later.uses
        if names is None or use.name in names
        for definition in analysis.flow.reaching(use)
    )


def defines_magic(statement: Statement, analysis: Analysis) -> bool:
    """Return whether a statement defines a function for the kernel to call as a magic, which nothing else calls."""
    node = statement.node
    if not isinstance(node, ast.FunctionDef) or len(node.decorator_list) != 1:
        return False
    (decorator,) = node.decorator_list
    made = decorator.func if isinstance(decorator, ast.Call) else decorator
    if analysis.qualified_name(made) not in knowledge().magic_makers:
        return False
    return not any(
        use.name == node.name and each is not statement for each in analysis.flow.statements for use in each.uses
    )
