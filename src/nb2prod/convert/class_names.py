"""What classes call themselves: a dataclass prints its qualified name, ``print(type(x))`` its module as well."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING

from nb2prod.convert.plan import Moved, Plan, Replacement, map_moved
from nb2prod.notebook.location import Range
from nb2prod.saved_outputs import output_texts

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.dataflow.model import Statement
    from nb2prod.notebook.location import Position

_MODULE = '__module__ = "__main__"'
# What looks a class up in the module it says it is of.
_LOOKING_UP = frozenset({
    "cloudpickle", "concurrent", "copyreg", "dask", "dill", "inspect", "joblib", "mlflow", "multiprocessing", "pickle",
    "pydantic", "pyspark", "ray", "shelve", "torch",
})  # fmt: skip
# What saves an object with the name of its class, or hands it to a process that has the same modules.
_SAVING = frozenset({
    "pickle.dump", "pickle.dumps", "pickle.Pickler", "joblib.dump", "dill.dump", "dill.dumps", "torch.save",
    "shelve.open", "multiprocessing.Pool", "concurrent.futures.ProcessPoolExecutor",
})  # fmt: skip
_SHOWING = frozenset({"print", "str", "repr", "format", "display"})
_REPRESENTING = frozenset({"__repr__", "__str__", "__format__"})


def keep_names_of_classes(plan: Plan, analysis: Analysis) -> Plan:
    """Let classes be called as the notebook called them, where that shows.

    A class inside a step keeps its qualified name. All say that they are of ``__main__`` where the notebook prints
    that, unless it uses what would look for them there. Where objects are saved, a class inside a step is found in
    its module as well, and so is a function that is more than called.
    """
    saves = _saves(analysis)
    if saves:
        plan = replace(plan, steps=map_moved(plan, lambda item: _with_function(item, analysis)))
    classes = [node for statement in analysis.flow.statements for node in _classes(statement.node)]
    if not classes:
        return plan
    module = [_MODULE] if _shows_modules(classes, analysis) and not _uses(_LOOKING_UP, analysis) else []

    def named(item: Moved) -> Moved:
        for node in () if item.refused else _classes(item.statement.node):
            item = _with_lines(item, node, [*module, f"__qualname__ = {node.name!r}"])
            item = _found_in_module(item, node) if saves else item
        return item

    steps = map_moved(plan, named)
    if module:
        functions = tuple(
            replace(each, moved=_with_lines(each.moved, node, module))
            if isinstance(node := each.moved.statement.node, ast.ClassDef)
            else each
            for each in plan.functions
        )
        return replace(plan, steps=steps, functions=functions)
    note = f"The notebook's classes call themselves by their module in `{plan.package}` instead of `__main__`."
    return replace(plan, steps=steps, notes=(*plan.notes, note))


def _classes(node: ast.stmt) -> Iterator[ast.ClassDef]:
    """Yield the classes a statement of the notebook defines, in its blocks too; those of functions are theirs."""
    if isinstance(node, ast.ClassDef):
        yield node
    elif not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        for child in ast.iter_child_nodes(node):
            for each in child.body if isinstance(child, (ast.ExceptHandler, ast.match_case)) else [child]:
                if isinstance(each, ast.stmt):
                    yield from _classes(each)


def _with_lines(item: Moved, node: ast.ClassDef, lines: list[str]) -> Moved:
    """Return a statement with lines at the start of the body of a class in it."""
    first = node.body[0]
    place = item.statement.cell.locate(first).range
    if first.lineno == node.lineno:
        insertion = Replacement(Range(place.start, place.start), "".join(f"{line}; " for line in lines))
    elif isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
        margin = item.statement.cell.python_lines[place.start.line - 1][: place.start.column - 1]
        insertion = Replacement(Range(place.end, place.end), "".join(f"\n{margin}{line}" for line in lines))
    else:
        start = place.start if not getattr(first, "decorator_list", ()) else _before_decorators(item.statement, first)
        margin = item.statement.cell.python_lines[start.line - 1][: start.column - 1]
        insertion = Replacement(Range(start, start), "".join(f"{line}\n{margin}" for line in lines))
    return replace(item, replacements=(*item.replacements, insertion))


def _with_function(item: Moved, analysis: Analysis) -> Moved:
    """Return a statement that makes a function findable in the module, if that is handed to anything."""
    node = item.statement.node
    if item.refused or not isinstance(node, ast.FunctionDef) or not _is_handed_on(node.name, analysis):
        return item
    return _found_in_module(item, node, f"{node.name}.__qualname__ = {node.name!r}")


def _is_handed_on(name: str, analysis: Analysis) -> bool:
    """Return whether a function is read by its name for anything but to call it."""
    for statement in analysis.flow.statements:
        called = {id(call.func) for call, _ in statement.calls}
        if any(use.name == name and id(use.node) not in called for use in statement.uses):
            return True
    return False


def _found_in_module(item: Moved, node: ast.ClassDef | ast.FunctionDef, *lines: str) -> Moved:
    """Return a statement with lines below a definition in it, the last of which binds it in the module, too."""
    place = item.statement.cell.locate(node).range
    margin = item.statement.cell.python_lines[place.start.line - 1][: place.start.column - 1]
    lines = (*lines, f'globals()["{node.name}"] = {node.name}  # where pickle looks for it')
    text = "".join(f"\n{margin}{line}" for line in lines)
    return replace(item, replacements=(*item.replacements, Replacement(Range(place.end, place.end), text)))


def _before_decorators(statement: Statement, node: ast.stmt) -> Position:
    place = statement.cell.locate(node.decorator_list[0]).range.start  # type: ignore[attr-defined]
    return place._replace(column=place.column - 1)


def _shows_modules(classes: list[ast.ClassDef], analysis: Analysis) -> bool:
    """Return whether the notebook shows the module of a class of its own: as it was saved, or as its code says."""
    texts = [text for found in output_texts(analysis).values() for text in found]
    if any(
        isinstance(base, ast.Name | ast.Attribute) and _is_test_case(base) for each in classes for base in each.bases
    ):
        return True  # a test is called by its class, module and all
    if texts:
        return any(f"__main__.{each.name}" in text for each in classes for text in texts)
    return any(_tells(part, classes, analysis) for part in _shown(analysis))


def _is_test_case(base: ast.Name | ast.Attribute) -> bool:
    return (base.id if isinstance(base, ast.Name) else base.attr).endswith("TestCase")


def _shown(analysis: Analysis) -> Iterator[ast.expr]:
    """Yield what is printed, or made text of."""
    for statement in analysis.flow.statements:
        for node in ast.walk(statement.node):
            match node:
                case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=args) if name in _SHOWING:
                    yield from args
                case ast.FormattedValue(value=value):
                    yield value
                case _:
                    pass


def _tells(value: ast.expr, classes: list[ast.ClassDef], analysis: Analysis) -> bool:
    """Return whether the text of a value says of which module a class of the notebook is."""
    own = {each.name: each for each in classes}
    match value:
        case ast.Call(func=ast.Name(id="type"), args=[_]) | ast.Attribute(attr="__class__"):
            return True
        case ast.Name(id=name) if name in own:
            return True
        case ast.Call(func=ast.Name(id=name)) if name in own:
            return not _represents_itself(own[name])
        case ast.Name() if (use := analysis.use_at(value)) is not None:
            made = [analysis.flow.statements[each.statement].node for each in analysis.flow.reaching(use)]
            calls = [node.value for node in made if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)]
            return any(_tells(call, classes, analysis) for call in calls)
        case _:
            return False


def _represents_itself(node: ast.ClassDef) -> bool:
    """Return whether instances of a class may have a text of their own: its methods, bases or decorators give one."""
    methods = {each.name for each in node.body if isinstance(each, ast.FunctionDef)}
    bases = [each for each in node.bases if not (isinstance(each, ast.Name) and each.id == "object")]
    return bool(bases or node.decorator_list or methods & _REPRESENTING)


def _saves(analysis: Analysis) -> bool:
    """Return whether objects are saved by the names of their classes, and not handed to workers as well.

    The workers of joblib import the package anew: there a step has bound nothing in its module yet.
    """
    calls = [call for statement in analysis.flow.statements for call, _ in statement.calls]
    if any(keyword.arg == "n_jobs" for call in calls for keyword in call.keywords):
        return False
    return any(analysis.qualified_name(call.func) in _SAVING for call in calls)


def _uses(libraries: Collection[str], analysis: Analysis) -> bool:
    """Return whether the notebook imports one of these libraries."""
    return any(
        definition.kind == "import" and (definition.qualified or "").partition(".")[0] in libraries
        for statement in analysis.flow.statements
        for definition in statement.definitions
    )
