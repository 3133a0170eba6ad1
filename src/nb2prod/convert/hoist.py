"""What goes to module level: imports, and the functions, classes and constants that need nothing else.

A definition is hoisted only where that is certain: its name means one thing in the whole notebook,
evaluating it has no effect, and everything it reads is at module level too.
"""

from __future__ import annotations

import ast
import sys
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from nb2prod.convert.plan import Function, Import, Moved, Refusal
from nb2prod.dataflow.flow import PREDEFINED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.convert.plan import Item, Plan, Step
    from nb2prod.dataflow.model import Definition, Statement

# Modules of IPython whose display() writes to the notebook's page; the package has its own.
_IPYTHON_DISPLAY = frozenset({"IPython.display", "IPython.core.display", "IPython.core.display_functions", "IPython"})


def hoist_imports(plan: Plan, analysis: Analysis) -> Plan:
    """Move imports to module level, each once, where their names mean nothing else in the notebook.

    An import below a statement that changes the environment or the import path stays in its step,
    unless the library tables know that nothing of that concerns it.
    """
    meanings = _meanings(analysis)
    imports: list[Import] = list(plan.imports)
    local = {file.target.removeprefix("src/").partition("/")[0].removesuffix(".py") for file in plan.local_files}
    gone: set[int] = set()
    refusals = list(plan.refusals)
    environment_changed = False
    for item in _moved(plan):
        statement = item.statement
        if _changes_environment(item):
            environment_changed = True
        if item.replacements or not _is_import(statement.node):
            continue
        binds = tuple(dict.fromkeys(each.name for each in statement.definitions))
        if "*" in binds and (again := _bound_again(statement, analysis, plan)):
            reason = f"the star import gives {again}, bound above, a new value"
            refusals.append(Refusal(statement.cell.index, statement.location.line, reason, "import the names it needs"))
        if not all(_means_only_imports(meanings.get(name, []), statement) for name in binds):
            continue
        if environment_changed and not all(_indifferent(root, analysis, local) for root in _roots(statement.node)):
            if "*" in binds:
                reason = "a star import cannot stand below a change of the environment: no function can hold it"
                advice = "import the names it needs"
                refusals.append(Refusal(statement.cell.index, statement.location.line, reason, advice))
            continue
        imports.extend(Import(binds, text, statement) for text in _import_texts(statement, plan.package))
        gone.add(statement.index)
    if _uses_bare_display(analysis):
        imports.append(Import(("display",), f"from {plan.package}.display import display", None))
    # The compiler wants these first, wherever they stand in a notebook.
    imports.sort(key=lambda each: not each.text.startswith("from __future__"))
    return _without(replace(plan, imports=tuple(imports), refusals=tuple(refusals)), gone)


def hoist_definitions(plan: Plan, analysis: Analysis) -> Plan:
    """Move functions, classes and the literal constants they read to module level, where certain."""
    meanings = _meanings(analysis)
    module_names = {name for each in plan.imports for name in each.binds}
    star = "*" in module_names
    parameters = {parameter.name for parameter in plan.parameters}
    candidates: dict[str, Moved] = {}
    constants: dict[str, Moved] = {}
    for item in _moved(plan):
        statement = item.statement
        if len(statement.definitions) != 1 or item.shown or item.guarded:
            continue
        (definition,) = statement.definitions
        if len(meanings.get(definition.name, ())) != 1 or definition.name in PREDEFINED | parameters:
            continue
        if _used_before(analysis, definition):
            continue
        if isinstance(statement.node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            if not statement.global_writes and not item.replacements and _evaluates_quietly(statement.node):
                candidates[definition.name] = item
        elif _is_named_lambda(statement.node) and not item.replacements:
            candidates[definition.name] = item
        elif _is_constant(statement.node) and not item.replacements:
            constants[definition.name] = item

    changed = True
    while changed:
        changed = False
        for name, item in list(candidates.items()):
            for use in item.statement.uses:
                known = use.name in candidates or use.name in constants or use.name in module_names
                unowned = use.name not in meanings and (use.name in PREDEFINED or star or not meanings.get(use.name))
                # What runs at once must find its names already defined above.
                if not (known or unowned) or (
                    not use.deferred
                    and use.name in candidates
                    and candidates[use.name].statement.index > item.statement.index
                ):
                    del candidates[name]
                    changed = True
                    break
    needed = {use.name for item in candidates.values() for use in item.statement.uses} & constants.keys()
    chosen = [*candidates.values(), *(constants[name] for name in needed)]
    chosen.sort(key=lambda item: item.statement.index)
    functions = tuple(Function(item.statement.definitions[0].name, _kind(item.statement.node), item) for item in chosen)
    return _without(replace(plan, functions=functions), {item.statement.index for item in chosen})


def _moved(plan: Plan) -> Iterator[Moved]:
    for step in plan.steps:
        for item in step.items:
            if isinstance(item, Moved):
                yield item


def _without(plan: Plan, gone: set[int]) -> Plan:
    """Return ``plan`` with the statements ``gone`` taken out of its steps."""

    def stays(item: Item) -> bool:
        return not isinstance(item, Moved) or item.statement.index not in gone

    def thinned(step: Step) -> Step:
        return replace(step, items=tuple(item for item in step.items if stays(item)))

    return replace(plan, steps=tuple(thinned(step) for step in plan.steps))


def _meanings(analysis: Analysis) -> dict[str, list[Definition]]:
    """Return every definition of every name, changes in place and global writes included."""
    found: dict[str, list[Definition]] = {}
    for statement in analysis.flow.statements:
        for definition in (*statement.definitions, *statement.global_writes):
            found.setdefault(definition.name, []).append(definition)
    for definitions in found.values():
        # What is imported is the same object everywhere: plt.plot(x), plt.rcParams["a"] = 1 change no meaning.
        if all(each.kind in ("import", "mutate") for each in definitions):
            definitions[:] = [each for each in definitions if each.kind == "import"]
    return found


def _means_only_imports(definitions: list[Definition], statement: Statement) -> bool:
    """Return whether every definition of a name imports the same thing, or all stand in ``statement``."""
    if all(each.kind == "star" for each in definitions):
        return True
    if all(each.statement == statement.index for each in definitions):
        return True
    return all(each.kind == "import" for each in definitions) and len({each.qualified for each in definitions}) == 1


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
        case ast.Assign(value=value, targets=[ast.Name()]):
            return isinstance(value, (ast.Constant, ast.Name))
        case _:
            return False


def _import_texts(statement: Statement, package: str) -> list[str]:
    """Return the import as the package writes it: its own display(), a progress bar that needs no notebook."""
    node = statement.node
    match node:
        case ast.ImportFrom(module=str(module), names=names, level=0) if module in _IPYTHON_DISPLAY:
            own = [alias for alias in names if alias.name == "display" and module != "IPython"]
            rest = [alias for alias in names if alias not in own]
            texts = [ast.unparse(ast.ImportFrom(f"{package}.display", own, 0))] if own else []
            return [*texts, ast.unparse(ast.ImportFrom(module, rest, 0))] if rest else texts
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


def _uses_bare_display(analysis: Analysis) -> bool:
    return any(
        use.name == "display" and isinstance(use.node, ast.Name) and not analysis.flow.reaching(use)
        for statement in analysis.flow.statements
        for use in statement.uses
    )


def _used_before(analysis: Analysis, definition: Definition) -> bool:
    """Return whether the name is read at once above its definition, where it meant something else."""
    return any(
        use.name == definition.name and not use.deferred
        for statement in analysis.flow.statements[: definition.statement]
        for use in statement.uses
    )


def _is_named_lambda(node: ast.stmt) -> bool:
    """Return whether ``node`` is ``f = lambda …``, a function by another spelling."""
    match node:
        case ast.Assign(targets=[ast.Name()], value=ast.Lambda(args=arguments)):
            return all(_is_still(each) for each in (*arguments.defaults, *arguments.kw_defaults) if each is not None)
        case _:
            return False


def _evaluates_quietly(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
    """Return whether evaluating a definition calls nothing whose effect at import anybody could notice."""
    if isinstance(node, ast.ClassDef):
        outside = [*node.decorator_list, *node.bases, *(keyword.value for keyword in node.keywords)]
        for statement in node.body:
            match statement:
                case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                    if not _evaluates_quietly(statement):
                        return False
                case ast.Assign(value=value) | ast.AnnAssign(value=ast.expr() as value) | ast.Expr(value=value):
                    outside.append(value)
                case ast.AnnAssign() | ast.Pass():
                    pass
                case _:
                    return False
        if _shadowed_in_class(node):
            return False
    else:
        arguments = node.args
        outside = [
            *node.decorator_list,
            *arguments.defaults,
            *(each for each in arguments.kw_defaults if each is not None),
        ]
    return all(_is_still(each) for each in outside)


# Calls in decorators, bases and class bodies that only build a value.
_BUILDERS = frozenset({
    "dataclass", "field", "property", "staticmethod", "classmethod", "namedtuple", "NamedTuple", "TypeVar", "lru_cache",
    "cache", "wraps", "auto", "frozenset", "tuple", "dict", "list", "set", "jit", "njit", "total_ordering", "Path",
    "float", "int", "str",
})  # fmt: skip


def _is_still(node: ast.expr) -> bool:
    for child in ast.walk(node):
        if isinstance(child, ast.Call):
            called = child.func.attr if isinstance(child.func, ast.Attribute) else getattr(child.func, "id", "")
            if called not in _BUILDERS:
                return False
        elif isinstance(child, (ast.Await, ast.NamedExpr, ast.Yield, ast.YieldFrom)):
            return False
    return True


def _shadowed_in_class(node: ast.ClassDef) -> bool:
    return bool(shadowed_class_names(node))


def shadowed_class_names(node: ast.ClassDef) -> tuple[str, ...]:
    """Return names that a class body reads before it binds them itself: in a function they would not be found."""
    counted: Counter[str] = Counter()
    shadowed: list[str] = []
    for statement in node.body:
        inner = (
            []
            if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
            else list(ast.walk(statement))
        )
        loads = [each.id for each in inner if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load)]
        stores = [each.id for each in inner if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)]
        shadowed.extend(name for name in loads if not counted[name] and name in stores)
        counted.update(stores)
    return tuple(dict.fromkeys(shadowed))


def _is_constant(node: ast.stmt) -> bool:
    """Return whether ``node`` is ``NAME = literal`` with a value nothing can change."""
    match node:
        case (
            ast.Assign(targets=[ast.Name()], value=value) | ast.AnnAssign(target=ast.Name(), value=ast.expr() as value)
        ):
            try:
                literal = ast.literal_eval(value)
            except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
                return False
            return _unchanging(literal)
        case _:
            return False


def _unchanging(value: object) -> bool:
    if isinstance(value, tuple):
        return all(_unchanging(each) for each in value)
    return isinstance(value, (str, bytes, int, float, complex, bool, type(None)))


def _kind(node: ast.stmt) -> str:
    match node:
        case ast.ClassDef():
            return "class"
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Assign(value=ast.Lambda()):
            return "function"
        case _:
            return "constant"
