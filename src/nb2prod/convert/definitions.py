"""The pass that moves functions, classes and constants to module level, where that is certain.

A definition is hoisted only if its name means one thing in the whole notebook, evaluating it has no
effect, and everything it reads is at module level too.
"""

from __future__ import annotations

import ast
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from nb2prod.convert.drawing import only_defines
from nb2prod.convert.effects import EffectsOf
from nb2prod.convert.knowledge import knowledge
from nb2prod.convert.plan import Function, Moved, moved_items, without
from nb2prod.dataflow.flow import PREDEFINED
from nb2prod.notebook.bindings import names_bound

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from nb2prod.analysis import Analysis
    from nb2prod.convert.plan import Plan
    from nb2prod.dataflow.model import Definition, Use


def hoist_definitions(plan: Plan, analysis: Analysis) -> Plan:
    """Move functions, classes and the literal constants they read to module level, where certain."""
    defined = meanings(analysis)
    module_names = {name for each in plan.imports for name in each.binds}
    parameters = {parameter.name for parameter in plan.parameters}
    candidates: dict[str, Moved] = {}
    constants: dict[str, Moved] = {}
    for item in moved_items(plan):
        statement = item.statement
        if len(statement.definitions) != 1 or item.shown or item.guarded or item.refused:
            continue
        (definition,) = statement.definitions
        if len(defined.get(definition.name, ())) != 1 or definition.name in PREDEFINED | parameters:
            continue
        if _used_before(analysis, definition):
            continue
        if isinstance(statement.node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            quiet = only_defines(statement.node) and evaluates_quietly(statement.node)
            if quiet and not statement.global_writes and not item.replacements:
                candidates[definition.name] = item
        elif _is_named_lambda(statement.node) and not item.replacements:
            candidates[definition.name] = item
        elif definition.name not in plan.asked and _is_constant(statement.node, analysis) and not item.replacements:
            constants[definition.name] = item

    constants = _readable(constants, module_names, defined)
    while True:
        kept = {
            name: item
            for name, item in candidates.items()
            if all(
                _is_found(use, item, candidates, {*constants, *module_names}, defined) for use in item.statement.uses
            )
        }
        if len(kept) == len(candidates):
            break
        candidates = kept
    needed = _needed(candidates.values(), constants)
    chosen = [*candidates.values(), *(constants[name] for name in needed)]
    chosen.sort(key=lambda item: item.statement.index)
    functions = tuple(Function(item.statement.definitions[0].name, _kind(item.statement.node), item) for item in chosen)
    return without(replace(plan, functions=functions), {item.statement.index for item in chosen})


def _is_found(
    use: Use, item: Moved, candidates: Mapping[str, Moved], others: Collection[str], defined: Collection[str]
) -> bool:
    """Return whether a name read by ``item`` would be found at module level and mean the same there."""
    if use.name in candidates:
        # What runs at once must find its names already defined above.
        return use.deferred or candidates[use.name].statement.index <= item.statement.index
    return use.name in others or use.name not in defined


def meanings(analysis: Analysis) -> dict[str, list[Definition]]:
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


def assigned_attributes(analysis: Analysis) -> set[str]:
    """Return the names of attributes that the notebook assigns or deletes, whatever they are of."""
    return {
        node.attr
        for statement in analysis.flow.statements
        for node in ast.walk(statement.node)
        if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load)
    }


def _used_before(analysis: Analysis, definition: Definition) -> bool:
    """Return whether the name is read above its definition, where it meant something else."""
    above = analysis.flow.statements[: definition.statement]
    read = [use for statement in above for use in statement.uses if use.name == definition.name]
    if any(not use.deferred for use in read):
        return True
    # A star import may have bound it when a function that reads it is called.
    if not read or not any(each.kind == "star" for statement in above for each in statement.definitions):
        return False
    effects = EffectsOf(analysis)
    readers = {use.statement for use in read}
    return any(each.index in readers for statement in above for each in effects.functions(statement))


def _is_named_lambda(node: ast.stmt) -> bool:
    """Return whether ``node`` is ``f = lambda …``, a function by another spelling."""
    match node:
        case ast.Assign(targets=[ast.Name()], value=ast.Lambda(args=arguments)):
            return all(_is_still(each) for each in (*arguments.defaults, *arguments.kw_defaults) if each is not None)
        case _:
            return False


def gives_nothing(function: ast.FunctionDef) -> bool:
    """Return whether a function surely returns None: it has no result, and nothing wraps it."""
    if function.decorator_list:
        return False
    waiting: list[ast.AST] = [*function.body]
    while waiting:
        node = waiting.pop()
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef() | ast.Lambda():
                continue
            case ast.Return(value=None | ast.Constant(value=None)):
                continue
            case ast.Return() | ast.Yield() | ast.YieldFrom():
                return False
        waiting += ast.iter_child_nodes(node)
    return True


def evaluates_quietly(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
    """Return whether evaluating a definition calls nothing whose effect at import anybody could notice."""
    if isinstance(node, ast.ClassDef):
        outside = [*node.decorator_list, *node.bases, *(keyword.value for keyword in node.keywords)]
        for statement in node.body:
            match statement:
                case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                    if not evaluates_quietly(statement):
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


def _is_still(node: ast.expr) -> bool:
    for child in ast.walk(node):
        if isinstance(child, ast.Call):
            called = child.func.attr if isinstance(child.func, ast.Attribute) else getattr(child.func, "id", "")
            if called not in knowledge().builders:
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
        # What a comprehension binds is its own.
        stores = names_bound(statement) if inner else ()
        shadowed.extend(name for name in loads if not counted[name] and name in stores)
        counted.update(stores)
    return tuple(dict.fromkeys(shadowed))


def _readable(
    constants: Mapping[str, Moved], module_names: Collection[str], defined: Collection[str]
) -> dict[str, Moved]:
    """Return the constants that read nothing but imports, builtins, and such constants above them."""
    found: dict[str, Moved] = {}
    for name, item in sorted(constants.items(), key=lambda each: each[1].statement.index):
        if all(use.name in module_names or use.name in found or use.name not in defined for use in item.statement.uses):
            found[name] = item
    return found


def _needed(definitions: Iterable[Moved], constants: Mapping[str, Moved]) -> set[str]:
    """Return the constants that definitions read, and those that these read."""
    needed: set[str] = set()
    pending = list(definitions)
    while pending:
        new = {use.name for use in pending.pop().statement.uses} & constants.keys() - needed
        needed |= new
        pending.extend(constants[name] for name in new)
    return needed


def _is_constant(node: ast.stmt, analysis: Analysis) -> bool:
    """Return whether ``node`` is ``NAME = value`` with a value nothing can change, whenever it is made."""
    match node:
        case (
            ast.Assign(targets=[ast.Name()], value=value) | ast.AnnAssign(target=ast.Name(), value=ast.expr() as value)
        ):
            return _is_literal(value) or _builds_constant(value, analysis) or _is_alias(value, analysis)
        case _:
            return False


def _is_alias(node: ast.expr, analysis: Analysis) -> bool:
    """Return whether ``node`` is another name of something steady: ``math.pi``, ``set``, ``List[int]``."""
    match node:
        case ast.Attribute(value=ast.Constant(value=str())):  # ``"".join``
            return True
        case ast.Name() | ast.Attribute():
            qualified = analysis.qualified_name(node)
            return qualified is not None and qualified.partition(".")[0] in knowledge().steady_modules
        case ast.Subscript(value=value, slice=part):
            parts = part.elts if isinstance(part, ast.Tuple) else [part]
            # Names in the brackets are constants too: ``_readable`` sees to that.
            return _is_type(value, analysis) and all(
                isinstance(each, ast.Name) or _is_literal(each) or _is_alias(each, analysis) for each in parts
            )
        case _:
            return False


def _is_type(node: ast.expr, analysis: Analysis) -> bool:
    """Return whether brackets behind ``node`` make a type: ``list``, ``Dict``; ``np.r_`` makes an array."""
    qualified = analysis.qualified_name(node) if isinstance(node, (ast.Name, ast.Attribute)) else None
    return qualified is not None and qualified.partition(".")[0] in ("builtins", "collections", "typing")


def _builds_constant(node: ast.expr, analysis: Analysis) -> bool:
    """Return whether ``node`` is a call such as ``re.compile("…", re.I)`` of literals."""
    if not isinstance(node, ast.Call) or analysis.qualified_name(node.func) not in knowledge().constants:
        return False
    values = [*node.args, *(keyword.value for keyword in node.keywords)]
    return all(_is_literal(value) or _is_flag(value, analysis) for value in values)


def _is_flag(node: ast.expr, analysis: Analysis) -> bool:
    """Return whether ``node`` is a flag of ``re``, or several joined by ``|``."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return _is_flag(node.left, analysis) and _is_flag(node.right, analysis)
    qualified = analysis.qualified_name(node) if isinstance(node, (ast.Attribute, ast.Name)) else None
    return qualified is not None and qualified.startswith("re.") and qualified.rpartition(".")[2].isupper()


def _is_literal(node: ast.expr) -> bool:
    try:
        return _unchanging(ast.literal_eval(node))
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False


def _unchanging(value: object) -> bool:
    if isinstance(value, tuple):
        return all(_unchanging(each) for each in value)
    return isinstance(value, (str, bytes, int, float, complex, bool, type(None)))


def _kind(node: ast.stmt) -> Literal["function", "class", "constant"]:
    match node:
        case ast.ClassDef():
            return "class"
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Assign(value=ast.Lambda()):
            return "function"
        case _:
            return "constant"
