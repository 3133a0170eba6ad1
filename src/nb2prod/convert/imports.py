"""The pass that moves imports to module level, each once, where that changes nothing."""

from __future__ import annotations

import ast
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from nb2prod.convert.definitions import evaluates_quietly, meanings
from nb2prod.convert.plan import Import, Moved, Refusal, moved_items, without

if TYPE_CHECKING:
    from collections.abc import Collection

    from nb2prod.analysis import Analysis
    from nb2prod.convert.plan import Plan
    from nb2prod.dataflow.model import Definition, Statement


def hoist_imports(plan: Plan, analysis: Analysis) -> Plan:
    """Move imports to module level, each once, where their names mean nothing else in the notebook.

    An import below a statement that changes the environment or the import path stays in its step,
    unless the library tables know that nothing of that concerns it.
    """
    known = meanings(analysis)
    imports: list[Import] = list(plan.imports)
    local = {file.target.removeprefix("src/").partition("/")[0].removesuffix(".py") for file in plan.local_files}
    gone: set[int] = set()
    refusals = list(plan.refusals)
    environment_changed = False
    for item in moved_items(plan):
        statement = item.statement
        if _changes_environment(item):
            environment_changed = True
        if item.replacements or item.refused or not _is_import(statement.node):
            continue
        binds = tuple(dict.fromkeys(each.name for each in statement.definitions))
        if "*" in binds and (again := _bound_again(statement, analysis, plan)):
            reason = f"the star import gives {again}, bound above, a new value"
            refusals.append(Refusal(statement.cell.index, statement.location.line, reason, "import the names it needs"))
        elif "*" in binds and (read := _read_above(statement, analysis, plan)):
            reason = f"the star import gives {read}, which another star import gave above, a new value"
            refusals.append(Refusal(statement.cell.index, statement.location.line, reason, "import the names it needs"))
        if not all(_means_only_imports(known.get(name, []), statement) for name in binds):
            continue
        if not _roots(statement.node).isdisjoint(_ACTING):
            continue
        if not _reads_only_itself(statement, {name for each in imports for name in each.binds}, known):
            continue
        if environment_changed and not all(_indifferent(root, analysis, local) for root in _roots(statement.node)):
            continue
        imports.extend(Import(binds, text, statement) for text in _import_texts(statement.node))
        gone.add(statement.index)
    refusals += [_no_function_holds(item) for item in moved_items(plan) if _keeps_star(item, gone)]
    # The compiler wants these first, wherever they stand in a notebook.
    imports.sort(key=lambda each: not each.text.startswith("from __future__"))
    return without(replace(plan, imports=tuple(imports), refusals=tuple(refusals)), gone)


# Numbers that are the same in every module that has them.
_THE_SAME = frozenset({"e", "inf", "nan", "pi", "tau"})
# Modules of the standard library that are imported for what importing them does.
_ACTING = frozenset({"antigravity", "this"})


def _keeps_star(item: Moved, gone: Collection[int]) -> bool:
    """Return whether a star import stays in its step: in a loop, below a change of the environment."""
    if item.statement.index in gone or item.refused or item.replacements:
        return False
    imported = (node for node in ast.walk(item.statement.node) if isinstance(node, ast.ImportFrom))
    return any(alias.name == "*" for node in imported for alias in node.names)


def _no_function_holds(item: Moved) -> Refusal:
    statement = item.statement
    reason = "a star import has to stay in a block or below a change of the environment: no function can hold it"
    return Refusal(statement.cell.index, statement.location.line, reason, "import the names it needs")


def _means_only_imports(definitions: list[Definition], statement: Statement) -> bool:
    """Return whether every definition of a name imports the same thing, or all stand in ``statement``."""
    if all(each.kind == "star" for each in definitions):
        return True
    if all(each.statement == statement.index for each in definitions):
        return True
    return all(each.kind == "import" for each in definitions) and len({each.qualified for each in definitions}) == 1


def _reads_only_itself(statement: Statement, imported: Collection[str], known: Collection[str]) -> bool:
    """Return whether what stands in for a missing module reads nothing but imports, builtins and itself."""
    own = {each.name for each in statement.definitions}
    return all(use.name in own or use.name in imported or use.name not in known for use in statement.uses)


def _bound_again(statement: Statement, analysis: Analysis, plan: Plan) -> str | None:
    """Return a name that a star import is known to bind and that an earlier statement has bound to something else.

    What a module of the standard library or beside the notebook exports can be told; of others it is taken
    that they do not export the notebook's own names.
    """
    node = statement.node
    if not isinstance(node, ast.ImportFrom) or node.module is None:
        return None
    exported = _exported(node.module, plan)
    for earlier in analysis.flow.statements[: statement.index]:
        for definition in earlier.definitions:
            if definition.name in exported and not (definition.qualified or "").startswith(node.module):
                return definition.name
    return None


def _read_above(statement: Statement, analysis: Analysis, plan: Plan) -> str | None:
    """Return a name that a star import is known to bind, and that is read above it as another one has bound it."""
    node = statement.node
    if not isinstance(node, ast.ImportFrom) or node.module is None:
        return None
    exported = _exported(node.module, plan) - _THE_SAME
    last = -1
    for earlier in analysis.flow.statements[: statement.index]:
        match earlier.node:
            case ast.ImportFrom(module=module, names=[ast.alias(name="*")]) if module != node.module:
                last = earlier.index
            case _:
                pass
        for use in earlier.uses if 0 <= last < earlier.index else ():
            own = any(each.kind != "star" for each in analysis.flow.reaching(use))
            if use.name in exported and not own and not use.deferred:
                return use.name
    return None


def _exported(module: str, plan: Plan) -> frozenset[str]:
    if module.partition(".")[0] in sys.stdlib_module_names:
        from importlib import import_module  # noqa: PLC0415 only for a star import of the standard library

        found = import_module(module)
        names = getattr(found, "__all__", None) or [name for name in vars(found) if not name.startswith("_")]
        return frozenset(names)
    path = f"src/{module.replace('.', '/')}.py"
    for file in plan.local_files:
        if file.target == path:
            try:
                tree = ast.parse(file.content)
            except (SyntaxError, ValueError):
                return frozenset()
            stored = {
                node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
            }
            return frozenset(stored | {node.name for node in tree.body if isinstance(node, _DEFINITIONS)})
    return frozenset()


_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def _is_import(node: ast.stmt) -> bool:
    match node:
        case ast.Import() | ast.ImportFrom():
            return True
        case ast.Try(body=body, handlers=handlers, orelse=orelse, finalbody=finalbody):
            suites = [body, orelse, finalbody, *(handler.body for handler in handlers)]
            quiet = all(_is_import(each) or _is_quiet(each) for suite in suites for each in suite)
            return quiet and any(_is_import(each) for each in body)
        case _:
            return False


def _is_quiet(node: ast.stmt) -> bool:
    match node:
        case ast.Pass() | ast.Raise():
            return True
        case ast.Expr(value=ast.Constant()):
            return True
        case ast.FunctionDef() | ast.ClassDef():  # what stands in for a missing module
            return evaluates_quietly(node)
        case ast.Assign(value=value, targets=[ast.Name()]):
            return isinstance(value, (ast.Constant, ast.Name))
        case _:
            return False


def _import_texts(node: ast.stmt) -> list[str]:
    """Return the import as the package writes it: one for each module, a progress bar that needs no notebook."""
    match node:
        case ast.ImportFrom(module="tqdm.notebook" | "tqdm.autonotebook", names=names, level=0):
            return [ast.unparse(ast.ImportFrom("tqdm.auto", names, 0))]
        case ast.ImportFrom(module="tqdm", names=names, level=0) if any(a.name == "tqdm_notebook" for a in names):
            own = [ast.alias("tqdm", alias.asname or alias.name) for alias in names if alias.name == "tqdm_notebook"]
            rest = [alias for alias in names if alias.name != "tqdm_notebook"]
            texts = [ast.unparse(ast.ImportFrom("tqdm.auto", own, 0))]
            return [*texts, ast.unparse(ast.ImportFrom("tqdm", rest, 0))] if rest else texts
        case ast.Import(names=names):
            return [ast.unparse(ast.Import([alias])) for alias in names]
        case _:
            return [ast.unparse(node)]


def _roots(node: ast.stmt) -> set[str]:
    roots: set[str] = set()
    for child in ast.walk(node):
        if isinstance(child, ast.Import):
            roots.update(alias.name.partition(".")[0] for alias in child.names)
        elif isinstance(child, ast.ImportFrom) and child.module and not child.level:
            roots.add(child.module.partition(".")[0])
    return roots


def _indifferent(root: str, analysis: Analysis, local: set[str]) -> bool:
    """Return whether importing ``root`` does not depend on the environment or the import path."""
    if root in sys.stdlib_module_names or root in local:
        return True
    return analysis.libraries.pure_import(root)


# What magics become that may change what an import below them finds.
_ENVIRONMENT_HELPERS = ("set_environment(", "change_directory(", "run_shell(", "run_script(", "write_file(")


def _changes_environment(item: Moved) -> bool:
    """Return whether a statement changes environment variables, the import path, or what lies on it."""
    if any(each.text.startswith(_ENVIRONMENT_HELPERS) for each in item.replacements):
        return True
    for node in ast.walk(item.statement.node):
        match node:
            case ast.Attribute(value=ast.Name(id="os"), attr="environ" | "putenv"):
                return True
            case ast.Attribute(value=ast.Name(id="sys"), attr="path"):
                return True
            case ast.Attribute(value=ast.Name(id="site"), attr="addsitedir"):
                return True
            case _:
                pass
    return False
