"""Passes that keep the meaning of what a function cannot hold as a module does, or refuse."""

from __future__ import annotations

import ast
import builtins
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING

from nb2prod.convert.hoist import shadowed_class_names
from nb2prod.convert.magics import Code, Drop, Install, bound_names, translate
from nb2prod.convert.plan import Dropped, Import, Item, Moved, Plan, Refusal, Replacement, Step
from nb2prod.notebook.location import Range
from nb2prod.notebook.model import Magic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from nb2prod.analysis import Analysis
    from nb2prod.dataflow.model import Statement
    from nb2prod.notebook.location import Position
    from nb2prod.notebook.model import CodeCell

_KERNEL_NAMES = frozenset({"_", "__", "___", "In", "Out", "_i", "_ii", "_iii", "_ih", "_oh", "_dh"})
# Calls that look into the __main__ module, which a package's steps are not.
_LOOKS_INTO_MAIN = {
    "unittest.main": "unittest.main() looks for tests in __main__",
    "doctest.testmod": "doctest looks into __main__",
}


def refuse_unknowable(plan: Plan, analysis: Analysis) -> Plan:
    """Refuse what no analysis can follow: other languages, broken cells, code that reaches into the namespace."""
    refusals = list(plan.refusals)
    notebook = analysis.notebook
    if notebook.language != "python":
        refusals.append(
            Refusal(1, 1, f"the notebook's language is {notebook.language}", "convert Python notebooks only")
        )
        return replace(plan, refusals=tuple(refusals), steps=())
    for cell in notebook.code_cells:
        if cell.problem is not None:
            advice = "make it valid Python 3, or delete the cell"
            refusals.append(Refusal(cell.index, cell.problem.range.start.line, cell.problem.message, advice))
        elif cell.tree is not None and (problem := _compile_problem(cell)) is not None:
            advice = "make it valid at the top level of a cell, or delete it"
            refusals.append(Refusal(cell.index, problem.lineno or 1, problem.msg, advice))
    for statement in analysis.flow.statements:
        refusals.extend(_unknowable(statement, analysis))
    return replace(plan, refusals=tuple(refusals))


def _compile_problem(cell: CodeCell) -> SyntaxError | None:
    """Return why a cell that parses cannot run: ``return`` outside a function, ``break`` outside a loop."""
    assert cell.tree is not None  # noqa: S101 the caller has looked
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            compile(cell.tree, "<cell>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    except SyntaxError as error:
        return error
    return None


def _unknowable(statement: Statement, analysis: Analysis) -> Iterable[Refusal]:
    line = statement.location.line
    cell = statement.cell.index
    if statement.dynamic and statement.magic is None and _kernel_magic(statement) is None:
        names = _dynamic_calls(statement)
        yield Refusal(cell, line, f"{names} sees names that no function has", "pass the values it needs explicitly")
    for use in statement.uses:
        if use.name in _KERNEL_NAMES and isinstance(use.node, ast.Name) and not analysis.flow.reaching(use):
            reason = f"{use.name} is the kernel's record of what ran before"
            yield Refusal(cell, use.location.line, reason, "give the value a name")
    for call, _ in statement.calls:
        qualified = analysis.qualified_name(call.func)
        if qualified in _LOOKS_INTO_MAIN:
            yield Refusal(cell, line, _LOOKS_INTO_MAIN[qualified], "move the tests to a test module")
    if isinstance(statement.node, ast.ClassDef):
        known = {each.name for other in analysis.flow.statements for each in other.definitions}
        for name in shadowed_class_names(statement.node):
            if name in known:
                reason = f"the class body reads the notebook's {name} and then binds its own"
                yield Refusal(cell, line, reason, "give one of the two another name")


def _dynamic_calls(statement: Statement) -> str:
    names = [
        call.func.id
        for call, _ in statement.calls
        if isinstance(call.func, ast.Name)
        and call.func.id in ("exec", "eval", "globals", "locals", "vars", "get_ipython")
    ]
    return ", ".join(f"{name}()" for name in dict.fromkeys(names)) or "this statement"


def _kernel_magic(statement: Statement) -> Magic | None:
    """Return the magic that ``get_ipython().run_line_magic(…)`` or ``.magic(…)`` or ``.system(…)`` is."""
    match statement.node:
        case ast.Expr(
            value=ast.Call(
                func=ast.Attribute(value=ast.Call(func=ast.Name(id="get_ipython"), args=[]), attr=attr),
                args=args,
                keywords=[],
            ) as call
        ):
            texts = [each.value for each in args if isinstance(each, ast.Constant) and isinstance(each.value, str)]
            if len(texts) != len(args) or not texts:
                return None
            place = statement.cell.locate(call).range
            if attr == "run_line_magic":
                return Magic("line", texts[0], " ".join(texts[1:]), (), place)
            if attr == "magic":
                name, _, argument = texts[0].lstrip("%").partition(" ")
                return Magic("line", name, argument.strip(), (), place)
            if attr == "system":
                return Magic("shell", "!", texts[0], (), place)
    return None


def translate_magics(plan: Plan, analysis: Analysis) -> Plan:
    """Put Python in place of magics, drop those that concern only the notebook, refuse the others."""
    bound = bound_names(analysis.notebook)
    dropped = list(plan.dropped)
    refusals = list(plan.refusals)
    helpers: dict[str, None] = {}
    modules: dict[str, None] = {}
    gone: set[tuple[int, int]] = set()  # (cell, line) of statements that go with a measurement

    def text_of(magic: Magic, cell: CodeCell) -> Drop | Install | str | None:
        translation = translate(magic, cell, bound)
        if isinstance(translation, Refusal):
            refusals.append(translation)
            return None
        if isinstance(translation, Code):
            helpers.update(dict.fromkeys(translation.helpers))
            modules.update(dict.fromkeys(translation.imports))
            return translation.text
        return translation

    def kept(item: Moved) -> Moved | None:
        statement = item.statement
        cell = statement.cell
        place = statement.location.range
        own = statement.magic or _kernel_magic(statement)
        if own is not None:
            text = text_of(own, cell)
            if isinstance(text, str):
                return replace(item, replacements=(*item.replacements, Replacement(own.range, text)))
            if isinstance(text, (Drop, Install)):
                dropped.append(Dropped(statement, text.reason))
                if isinstance(text, Drop) and not text.keeps_python:
                    lines = range(1, len(cell.lines) + 1) if own.kind == "cell" else (place.start.line,)
                    gone.update((cell.index, line) for line in lines)
            return None
        if (cell.index, place.start.line) in gone:
            dropped.append(Dropped(statement, "it is a measurement and binds nothing"))
            return None
        replacements = list(item.replacements)
        for magic in cell.magics:
            if place.start <= magic.range.start and magic.range.start.line <= place.end.line:
                text = text_of(magic, cell)
                if isinstance(text, str):
                    replacements.append(Replacement(magic.range, text))
                elif text is not None:
                    replacements.append(Replacement(magic.range, "pass"))
        return replace(item, replacements=tuple(replacements))

    steps = _map_items(plan, kept)
    imports = list(plan.imports)
    if helpers:
        imports.append(Import(tuple(helpers), f"from {plan.package}.shell import {', '.join(helpers)}", None))
    imports.extend(Import((module,), f"import {module}", None) for module in modules)
    return replace(
        plan,
        steps=steps,
        dropped=tuple(dropped),
        refusals=tuple(refusals),
        imports=tuple(imports),
        uses_shell=plan.uses_shell or bool(helpers),
    )


def keep_main(plan: Plan, _analysis: Analysis) -> Plan:
    """Keep what is true of ``__main__``: ``__name__``, ``global`` without effect, cells that may raise."""
    dropped = list(plan.dropped)

    def kept(item: Moved) -> Moved | None:
        statement = item.statement
        if isinstance(statement.node, ast.Global):
            dropped.append(Dropped(statement, "at module level it does nothing"))
            return None
        replacements = list(item.replacements)
        replacements.extend(
            Replacement(use.location.range, '"__main__"')
            for use in statement.uses
            if use.name == "__name__" and isinstance(use.node, ast.Name)
        )
        replacements.extend(
            Replacement(statement.cell.locate(node).range, "pass")
            for node in _globals_outside_functions(statement.node)
        )
        guarded = "raises-exception" in statement.cell.tags
        return replace(item, replacements=tuple(replacements), guarded=guarded)

    steps = _map_items(plan, kept)
    return replace(plan, steps=steps, dropped=tuple(dropped))


def _globals_outside_functions(node: ast.stmt) -> Iterable[ast.Global]:
    pending: list[ast.AST] = [node]
    while pending:
        current = pending.pop()
        if isinstance(current, ast.Global):
            yield current
        elif not isinstance(current, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.expr)):
            pending.extend(ast.iter_child_nodes(current))


def keep_globals(plan: Plan, _analysis: Analysis) -> Plan:
    """Turn ``global x`` of functions inside a step into ``nonlocal x``: the step holds the variable now."""

    def rewritten(step: Step) -> Step:
        moved = [item for item in step.items if isinstance(item, Moved)]
        bound = set(step.arguments) | {
            definition.name
            for item in moved
            for definition in item.statement.definitions
            if definition.kind not in ("mutate", "star")
        }
        items: list[Item] = []
        for item in step.items:
            if not isinstance(item, Moved) or not item.statement.global_writes:
                items.append(item)
                continue
            statement = item.statement
            replacements = list(item.replacements)
            replacements.extend(
                Replacement(statement.cell.locate(node).range, f"nonlocal {', '.join(node.names)}")
                for node in ast.walk(statement.node)
                if isinstance(node, ast.Global)
            )
            missing = dict.fromkeys(each.name for each in statement.global_writes if each.name not in bound)
            if missing:
                # An annotation without a value makes the name the step's own and leaves it unbound.
                bound.update(missing)
                text = "".join(f"{name}: object\n" for name in missing)
                start = _start(statement)
                replacements.append(Replacement(Range(start, start), text))
            items.append(replace(item, replacements=tuple(replacements)))
        return replace(step, items=tuple(items))

    return replace(plan, steps=tuple(rewritten(step) for step in plan.steps))


def keep_shadowed_builtins(plan: Plan, _analysis: Analysis) -> Plan:
    """Give a step that reads a builtin and binds its name later a variable that starts as the builtin.

    Likewise ``del list`` brings the builtin back at module level, so it becomes an assignment of it.
    """
    needs_import = False

    def rewritten(step: Step) -> Step:
        nonlocal needs_import
        made: set[str] = set()
        early: dict[str, None] = {}
        defined = {
            definition.name
            for item in step.items
            if isinstance(item, Moved)
            for definition in item.statement.definitions
            if definition.kind not in ("mutate", "star")
        }
        for item in step.items:
            if isinstance(item, Moved):
                for use in item.statement.uses:
                    if use.exposed and use.name in defined - made and hasattr(builtins, use.name):
                        early[use.name] = None
                made.update(each.name for each in item.statement.definitions if each.certain)
        for name in step.arguments:
            early.pop(name, None)
        step = replace(step, items=tuple(_restored(item) if isinstance(item, Moved) else item for item in step.items))
        needs_import = needs_import or any("builtins." in each.text for each in _replacements(step))
        if not early:
            return step
        needs_import = True
        first, head = next((at, item) for at, item in enumerate(step.items) if isinstance(item, Moved))
        start = _start(head.statement)
        text = "".join(f"{name} = builtins.{name}\n" for name in early)
        changed = replace(head, replacements=(*head.replacements, Replacement(Range(start, start), text)))
        return replace(step, items=(*step.items[:first], changed, *step.items[first + 1 :]))

    steps = tuple(rewritten(step) for step in plan.steps)
    imports = (*plan.imports, Import(("builtins",), "import builtins", None)) if needs_import else plan.imports
    return replace(plan, steps=steps, imports=imports)


def _replacements(step: Step) -> Iterable[Replacement]:
    return (each for item in step.items if isinstance(item, Moved) for each in item.replacements)


def _restored(item: Moved) -> Moved:
    """Return a ``del`` of names that shadow builtins as what it does: the builtins are back."""
    statement = item.statement
    if not isinstance(statement.node, ast.Delete):
        return item
    targets = statement.node.targets
    names = [target.id for target in targets if isinstance(target, ast.Name)]
    if len(names) < len(targets) or not any(hasattr(builtins, name) for name in names):
        return item
    parts = [f"{name} = builtins.{name}" if hasattr(builtins, name) else f"del {name}" for name in names]
    return replace(item, replacements=(*item.replacements, Replacement(statement.location.range, "; ".join(parts))))


def keep_names_of_classes(plan: Plan, _analysis: Analysis) -> Plan:
    """Let a class inside a step be called as the notebook called it: a dataclass prints its qualified name."""

    def named(item: Moved) -> Moved:
        node = item.statement.node
        if not isinstance(node, ast.ClassDef):
            return item
        first = node.body[0]
        place = item.statement.cell.locate(first).range
        line = f"__qualname__ = {node.name!r}"
        if first.lineno == node.lineno:
            insertion = Replacement(Range(place.start, place.start), f"{line}; ")
        elif isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
            margin = item.statement.cell.lines[place.start.line - 1][: place.start.column - 1]
            insertion = Replacement(Range(place.end, place.end), f"\n{margin}{line}")
        else:
            start = (
                place.start if not getattr(first, "decorator_list", ()) else _before_decorators(item.statement, first)
            )
            margin = item.statement.cell.lines[start.line - 1][: start.column - 1]
            insertion = Replacement(Range(start, start), f"{line}\n{margin}")
        return replace(item, replacements=(*item.replacements, insertion))

    return replace(plan, steps=_map_items(plan, named))


def _before_decorators(statement: Statement, node: ast.stmt) -> Position:
    place = statement.cell.locate(node.decorator_list[0]).range.start  # type: ignore[attr-defined]
    return replace(place, column=place.column - 1)


def _start(statement: Statement) -> Position:
    """Return where a statement starts, the ``@`` of its first decorator included."""
    node = statement.node
    decorators = getattr(node, "decorator_list", ())
    place = statement.cell.locate(decorators[0]).range.start if decorators else statement.location.range.start
    return replace(place, column=place.column - 1) if decorators else place


def _map_items(plan: Plan, change: Callable[[Moved], Moved | None]) -> tuple[Step, ...]:
    """Return the plan's steps with every moved statement changed, or gone where ``change`` gives None."""
    steps: list[Step] = []
    for step in plan.steps:
        items = [change(item) if isinstance(item, Moved) else item for item in step.items]
        steps.append(replace(step, items=tuple(item for item in items if item is not None)))
    return tuple(steps)
