"""Code that reads the notebook's names by way of its namespace: ``eval(text)``, ``globals()[name]``.

At module level such code sees every name above it. A step sees its own, those it is given and those of its module:
it is given all names above it, and the namespace is made of these. Code that runs later, or that changes the
namespace, is refused.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nb2prod.convert.call_text import argument_end
from nb2prod.convert.namespace import membership_tests
from nb2prod.convert.naming import Names, notebook_names
from nb2prod.convert.plan import Moved, Plan, Replacement, map_moved, moved_items
from nb2prod.convert.rewriting import Rewriting
from nb2prod.dataflow.paths import path_to
from nb2prod.notebook.location import Range

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nb2prod.analysis import Analysis
    from nb2prod.dataflow.model import Statement
    from nb2prod.notebook.model import Notebook

_MODULE_LEVEL = frozenset({"globals", "locals", "vars"})
# All names there are at a place of a step: those of its module, and its own.
NAMESPACE = "{**globals(), **locals()}"
_READING = frozenset({"copy", "get", "items", "keys", "values"})
# What reads a namespace it is given, and what runs a text in a copy of one.
_READERS = frozenset({"format_map", "run_docstring_examples", "safe_substitute", "substitute"})
_TIMERS = frozenset({"timeit", "repeat", "Timer"})
_MEASURES = frozenset({"timeit.timeit", "timeit.repeat", "timeit.Timer"})
_FROM_MAIN = re.compile(r"\bfrom __main__ import [^;\n]+;?\s*")
# What runs a text in the module __main__, and is told another namespace by another name.
_PROFILERS = frozenset({"cProfile.run", "profile.run"})
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_SIMPLE = (ast.Expr, ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Assert)


@dataclass(frozen=True, slots=True)
class _Read:
    """A call that sees the namespace; ``apart``: it stands in a comprehension, whose names are its own."""

    call: ast.Call
    apart: bool


def name_global_items(analysis: Analysis) -> Notebook:
    """Return the notebook with ``x`` for ``globals()["x"]``, read or bound at module level, where ``x`` is a name."""
    rewriting = Rewriting()
    for statement in analysis.flow.statements if any(each.dynamic for each in analysis.flow.statements) else ():
        at_once = {id(call) for call, deferred in statement.calls if not deferred}
        for node in ast.walk(statement.node):
            match node:
                case ast.Subscript(
                    value=ast.Call(func=ast.Name(id=name), args=[], keywords=[]) as call,
                    slice=ast.Constant(value=str(key)),
                ) if name in _MODULE_LEVEL and id(call) in at_once and _is_builtin(call.func, analysis):
                    if key.isidentifier() and not isinstance(node.ctx, ast.Del):
                        rewriting.replace(statement.cell, node, key)
                case _:
                    pass
    return rewriting.applied(analysis.notebook) if rewriting.texts else analysis.notebook


def opaque_calls(statement: Statement, analysis: Analysis) -> list[str]:
    """Return the names of the calls in a statement that see names no function has, and cannot be given them."""
    settled = {id(test.call) for test in membership_tests(statement)}
    settled |= {id(read.call) for read in _reads(statement, analysis)}
    names = [
        call.func.id
        for call, deferred in statement.calls
        if isinstance(call.func, ast.Name)
        and id(call) not in settled
        and _is_builtin(call.func, analysis)
        and (
            call.func.id in ("globals", "get_ipython")
            or (call.func.id in ("eval", "exec") and not _says_what_it_sees(call))
            or (call.func.id in ("locals", "vars", "dir") and not call.args and not deferred)
        )
    ]
    return list(dict.fromkeys(names))


def _says_what_it_sees(call: ast.Call) -> bool:
    """Return whether ``eval`` or ``exec`` is given a namespace, or ``eval`` a text that can be read."""
    if len(call.args) > 1 or call.keywords:
        return True
    return isinstance(call.func, ast.Name) and call.func.id == "eval" and isinstance(call.args[0], ast.Constant)


def _is_builtin(func: ast.expr, analysis: Analysis) -> bool:
    use = analysis.use_at(func)
    return use is None or not analysis.flow.reaching(use)


def give_namespaces(plan: Plan, analysis: Analysis) -> Plan:
    """Give code that reads names by way of the namespace one that holds all names above it."""
    names = Names(notebook_names(analysis))
    namespace = names.fresh("namespace")

    def given(item: Moved) -> Moved:
        statement = item.statement
        reads = [] if item.refused else list(_reads(statement, analysis))
        profiled = [] if item.refused else list(_profiled(statement, analysis))
        timed = [] if item.refused else list(timed_in_main(statement, analysis))
        if not reads and not profiled and not timed:
            return item
        above = _names_above(statement, analysis)
        replacements = list(item.replacements)
        for call, setup in timed:
            rest = _FROM_MAIN.sub("", str(setup.value)).strip().rstrip(";")
            replacements.append(Replacement(statement.cell.locate(setup).range, repr(rest or "pass")))
            replacements.append(_with_arguments(statement, call, [f"globals={NAMESPACE}"], above))
        for call in profiled:
            name, code = (statement.cell.locate(node).range for node in (call.func, call.args[0]))
            replacements.append(Replacement(Range(name.end, name.end), "ctx"))
            replacements.append(Replacement(Range(code.end, code.end), f", {NAMESPACE}, {{}}", above))
        for read in reads:
            text = namespace if read.apart else NAMESPACE
            if isinstance(read.call.func, ast.Name) and read.call.func.id == "eval":
                arguments = [text, "locals()"] if read.apart else [text]
                replacements.append(_with_arguments(statement, read.call, arguments, above))
            else:
                replacements.append(Replacement(statement.cell.locate(read.call).range, text, above))
        if any(read.apart for read in reads):
            start = statement.location.range.start
            replacements.append(Replacement(Range(start, start), f"{namespace} = {NAMESPACE}\n"))
        return replace(item, replacements=tuple(replacements))

    return replace(plan, steps=map_moved(plan, given))


def may_read_any_name(plan: Plan, analysis: Analysis) -> bool:
    """Return whether code nobody can see may read any name of the notebook: a text that is run, a namespace."""
    return any(each.dynamic for each in analysis.statements()) or any(
        NAMESPACE in replacement.text for item in moved_items(plan) for replacement in item.replacements
    )


def _with_arguments(statement: Statement, call: ast.Call, arguments: list[str], names: tuple[str, ...]) -> Replacement:
    end = argument_end(statement.cell, call)
    if end is None:
        msg = f"cell {statement.cell.index}: the arguments of a call are not found"
        raise AssertionError(msg)
    return Replacement(end.range, end.joined(arguments), names)


def _names_above(statement: Statement, analysis: Analysis) -> tuple[str, ...]:
    """Return the names that are bound when a statement starts."""
    bound: dict[str, None] = {}
    for earlier in analysis.flow.statements[: statement.index]:
        for definition in (*earlier.definitions, *earlier.global_writes):
            if definition.kind in ("delete", "except"):
                bound.pop(definition.name, None)
            elif definition.kind not in ("mutate", "star"):
                bound[definition.name] = None
    return tuple(bound)


def _reads(statement: Statement, analysis: Analysis) -> Iterator[_Read]:
    """Yield the calls of a statement that see the namespace when it runs, and only read it."""
    if not statement.dynamic:
        return
    for call, deferred in statement.calls:
        if deferred or not isinstance(call.func, ast.Name) or not _is_builtin(call.func, analysis):
            continue
        above = [node for node, _ in path_to(statement.node, call)]
        if any(isinstance(node, _FUNCTIONS) for node in above):
            continue
        match call:
            case ast.Call(func=ast.Name(id="eval"), args=[text], keywords=[]) if not isinstance(text, ast.Constant):
                if argument_end(statement.cell, call) is None:
                    continue
            case ast.Call(func=ast.Name(id=name), args=[], keywords=[]) if name in _MODULE_LEVEL:
                if not _only_looks(above, call):
                    continue
            case _:
                continue
        apart = any(isinstance(node, _COMPREHENSIONS) for node in above)
        if not apart or isinstance(statement.node, _SIMPLE):
            yield _Read(call, apart)


def _profiled(statement: Statement, analysis: Analysis) -> Iterator[ast.Call]:
    """Yield the calls that run a text in the module ``__main__`` when the statement runs."""
    for call, deferred in statement.calls:
        is_short = not deferred and len(call.args) == 1 and isinstance(call.func, ast.Attribute)
        if is_short and analysis.qualified_name(call.func) in _PROFILERS:
            yield call


def timed_in_main(statement: Statement, analysis: Analysis) -> Iterator[tuple[ast.Call, ast.Constant]]:
    """Yield the calls of ``timeit`` that import what they time from ``__main__``, and the texts that do."""
    for call, deferred in statement.calls:
        if (
            deferred
            or analysis.qualified_name(call.func) not in _MEASURES
            or argument_end(statement.cell, call) is None
        ):
            continue
        given = {each.arg: each.value for each in call.keywords}
        setup = given.get("setup", call.args[1] if len(call.args) > 1 else None)
        match setup:
            case ast.Constant(value=str(text)) if _FROM_MAIN.search(text) and "globals" not in given:
                yield call, setup
            case _:
                pass


def _only_looks(above: Sequence[ast.AST], call: ast.Call) -> bool:
    """Return whether what stands around ``globals()`` takes a value out of it and no more."""
    match above[-1]:
        case ast.Subscript(ctx=ast.Load(), slice=key):
            return not isinstance(key, ast.Constant)
        case ast.Attribute(attr=attr):
            return attr in _READING
        case ast.BinOp(op=ast.Mod(), right=right):  # "%(name)s" % globals()
            return right is call
        case ast.Call(func=ast.Attribute(attr=attr)):
            return attr in _READERS
        case ast.keyword(arg=None):
            outer = above[-2]
            return isinstance(outer, ast.Call) and isinstance(outer.func, ast.Attribute) and outer.func.attr == "format"
        case ast.keyword(arg="globals"):
            outer = above[-2]
            return isinstance(outer, ast.Call) and _last_name(outer.func) in _TIMERS
        case _:
            return False


def _last_name(func: ast.expr) -> str:
    match func:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
        case _:
            return ""
