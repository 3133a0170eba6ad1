"""The pass that leaves out folders added to ``sys.path`` for modules that the package has itself."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

from nb2prod.convert.effects import EffectsOf
from nb2prod.convert.exploration import is_unused
from nb2prod.convert.local_modules import added_folder
from nb2prod.convert.namespace_reads import may_read_any_name
from nb2prod.convert.plan import Dropped, moved_items
from nb2prod.convert.slicing import kept_statements, left_out

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import PurePath

    from nb2prod.analysis import Analysis
    from nb2prod.convert.plan import Plan
    from nb2prod.dataflow.model import Statement

# What may look for a module that nobody names in the code.
_BY_NAME = frozenset({"importlib.import_module", "builtins.__import__", "runpy.run_module", "runpy.run_path"})
_UNPICKLES = frozenset(
    f"{library}.{name}"
    for library in ("pickle", "cloudpickle", "dill", "joblib", "torch")
    for name in ("load", "loads")
) | {"pandas.read_pickle"}


def drop_search_paths(plan: Plan, analysis: Analysis) -> Plan:
    """Leave out ``sys.path.append(folder)`` at top level where every module found there comes with the package.

    It stays where the code may look for modules under names that do not stand in it, where it reads ``sys.path``
    in another way, and where nothing was found in the folder. An import of what nothing else uses goes with it.
    """
    if plan.options.keep_exploration or may_read_any_name(plan, analysis):
        return plan
    if any(call.qualified_name in _BY_NAME | _UNPICKLES for call in analysis.calls()):
        return plan
    kept = kept_statements(plan.options.keep, analysis)
    moved = [
        each.statement
        for each in moved_items(plan)
        if not (each.refused or each.replacements) and each.statement.index not in kept
    ]
    here = Path(plan.notebook.path).parent.resolve()
    found = {file.source for file in plan.local_files}
    adding = [each for each in moved if (folder := added_folder(each.node, here)) and _is_above_one(folder, found)]
    if not adding or _paths_read(analysis) > len(adding):
        return plan
    effects_of = EffectsOf(analysis)
    dropped = [Dropped(each, "the modules found there come with the package") for each in adding]
    dropped += [
        Dropped(each, "nothing else uses it") for each in moved if _is_left_over(each, adding, analysis, effects_of)
    ]
    return left_out(plan, dropped)


def _is_above_one(folder: Path, files: Collection[PurePath]) -> bool:
    return any(file.is_relative_to(folder) for file in files)


def _paths_read(analysis: Analysis) -> int:
    """Return how often the code mentions ``sys.path``."""
    return sum(
        isinstance(node, ast.Attribute)
        and node.attr == "path"
        and isinstance(node.value, ast.Name)
        and node.value.id == "sys"
        for node in _nodes(analysis)
    ) + sum(isinstance(node, ast.ImportFrom) and node.module == "sys" for node in _nodes(analysis))


def _nodes(analysis: Analysis) -> Iterator[ast.AST]:
    return (node for statement in analysis.statements() for node in ast.walk(statement.node))


def _is_left_over(statement: Statement, adding: list[Statement], analysis: Analysis, effects_of: EffectsOf) -> bool:
    """Return whether a statement imports what ``adding`` uses, and nothing else does."""
    names = {each.name for each in statement.definitions}
    used = any(use.name in names for each in adding for use in each.uses)
    return used and is_unused(statement, analysis, effects_of, adding)
