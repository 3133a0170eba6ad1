"""shadowed-name: a builtin or a module is used as what it was, but a variable or a star import has taken its name."""

from __future__ import annotations

import ast
import builtins
from typing import TYPE_CHECKING

from nb2prod.checks._hiding import hidden_builtins, hidden_modules
from nb2prod.dataflow.names import name_table
from nb2prod.diagnostics import Finding, Related, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.dataflow.model import Definition, Use


def check(analysis: Analysis) -> Iterator[Finding]:
    """Yield the first use of each hidden name that wants what is hidden, and what only hides it."""
    hiding = _hiding(analysis)
    seen: set[str] = set()
    yield from hidden_modules(analysis, seen)
    if not hiding:
        return
    for statement in analysis.statements():
        uses = {id(use.node): use for use in statement.uses if use.name in hiding and use.name not in seen}
        for node in ast.walk(statement.node) if uses else ():
            use, found = None, None
            if isinstance(node, ast.Call) and id(node.func) in uses:
                use = uses[id(node.func)]
                found = _called(analysis, use, node)
            elif isinstance(node, ast.Attribute) and id(node.value) in uses:
                use = uses[id(node.value)]
                found = _asked(analysis, use, node.attr)
            if use is not None and found is not None and use.name not in seen:
                seen.add(use.name)
                yield found
    yield from _hidden_from_itself(analysis, hiding - seen)
    yield from hidden_builtins(analysis, seen)


def _hidden_from_itself(analysis: Analysis, names: set[str]) -> Iterator[Finding]:
    """Yield each `time = time.time() - start`: what is made of the module has no such function when it runs again."""
    for statement in analysis.statements():
        for each in statement.definitions:
            if each.kind != "assign" or each.name not in names:
                continue
            for node in analysis.nodes_of(statement.node, ast.Attribute):
                use = analysis.use_at(node.value) if isinstance(node.value, ast.Name) else None
                if use is None or use.name != each.name or not _lacks(analysis, each, node.attr):
                    continue
                before = analysis.flow.reaching(use)
                if before and all(one.kind == "import" and one.cell is not each.cell for one in before):
                    message = (
                        f"`{each.name}` is no module from here on: run again, this cell finds no `{node.attr}` in it"
                    )
                    related = (Related(before[-1].location, f"`{each.name}` is imported here"),)
                    yield Finding(each.location, message, related, severity=Severity.NOTE)
                    break


def _hiding(analysis: Analysis) -> set[str]:
    """Return the names that are builtins or imports as well as something else: a look that costs little."""
    imported: set[str] = set()
    bound: set[str] = set()
    replaced: set[str] = set()
    for statement in analysis.statements():
        for each in statement.definitions:
            if each.kind == "import":
                imported.add(each.name)
            elif each.kind in ("loop", "assign"):
                bound.add(each.name)
            elif each.kind == "star":
                replaced |= name_table().star_shadows.get(each.qualified or "", frozenset())
    return {name for name in bound if name in imported or hasattr(builtins, name)} - {"_"} | replaced


def _called(analysis: Analysis, use: Use, call: ast.Call) -> Finding | None:
    """Return the finding for a builtin that is called after a loop, or a star import, has taken its name."""
    if not hasattr(builtins, use.name):
        return None
    hides = _latest(analysis, use)
    if hides is None:
        return _replaced(analysis, use, call)
    if hides.kind != "loop" or hides.statement == use.statement or _over_names(analysis, hides):
        return None
    message = f"`{use.name}` is called here, but the loop in cell {hides.cell.index} has made it one of its elements"
    return _finding(use, hides, message)


def _asked(analysis: Analysis, use: Use, attribute: str) -> Finding | None:
    """Return the finding for an attribute of a module that what now has its name surely lacks."""
    hides = _latest(analysis, use)
    if hides is None or hides.kind == "import":
        return None
    imports = [
        each
        for statement in analysis.statements()[: hides.statement + 1]
        for each in statement.definitions
        if each.kind == "import" and each.name == use.name
    ]
    if not imports:
        return None
    module = imports[-1].qualified or ""
    if not _lacks(analysis, hides, attribute) and not _is_only_the_modules(analysis, hides, module, attribute):
        return None
    message = f"`{use.name}` has no `{attribute}` here: cell {hides.cell.index} gives the name to a variable"
    return _finding(use, hides, f"{message} and hides the import of cell {imports[-1].cell.index}")


def _latest(analysis: Analysis, use: Use) -> Definition | None:
    """Return what ``use`` reads if every loop before it has run at least once; None where nothing is bound."""
    found = [each for each in analysis.flow.reaching(use) if each.kind not in ("mutate", "delete")]
    if not found or any(not each.certain and each.kind != "loop" for each in found):
        return None
    return found[-1]


def _over_names(analysis: Analysis, loop: Definition) -> bool:
    """Whether a loop goes over names and attributes that are written out: they may be functions."""
    node = analysis.statements()[loop.statement].node
    return isinstance(node, ast.For) and any(
        isinstance(each, (ast.Name, ast.Attribute)) for each in _written(node.iter)
    )


def _written(node: ast.expr) -> list[ast.expr]:
    return node.elts if isinstance(node, (ast.Tuple, ast.List, ast.Set)) else []


def _lacks(analysis: Analysis, definition: Definition, attribute: str) -> bool:
    """Whether what a definition binds is data of a class that has no such attribute."""
    if definition.kind == "loop":
        node = analysis.statements()[definition.statement].node
        classes = _elements(analysis, node.iter) if isinstance(node, ast.For) and node.target is definition.node else []
    else:
        classes = [analysis.object_class(definition) or _number(analysis, definition)]
    known = [vars(builtins).get(each.removeprefix("builtins.")) for each in classes]
    return bool(known) and all(isinstance(each, type) and not hasattr(each, attribute) for each in known)


def _number(analysis: Analysis, definition: Definition) -> str:
    """Return the class of a number that is computed from one: ``time.time() - start``; "" for anything else."""
    value = getattr(analysis.statements()[definition.statement].node, "value", None)
    if isinstance(value, ast.BinOp) and isinstance(value.op, (ast.Sub, ast.Div)):
        for each in (value.left, value.right):
            name = analysis.qualified_name(each)
            if name in ("builtins.float", "builtins.int"):
                return name
    return ""


def _is_only_the_modules(analysis: Analysis, definition: Definition, module: str, attribute: str) -> bool:
    """Whether an attribute is a function of the module, and of nothing that a variable is likely to hold.

    What the module itself made may have the same functions: ``random = random.Random(3)``, ``random.choice``.
    """
    from datetime import datetime  # noqa: PLC0415 few notebooks come so far

    if analysis.libraries.call(f"{module}.{attribute}") is None:
        return False
    node = analysis.statements()[definition.statement].node
    value = node.iter if isinstance(node, ast.For) else getattr(node, "value", None)
    known = analysis.object_class(definition)
    if value is None or any(isinstance(each, ast.Name) and each.id == definition.name for each in ast.walk(value)):
        return known is not None and known.partition(".")[0] != "builtins" and _is_array(analysis, known, attribute)
    return not any(hasattr(each, attribute) for each in (str, bytes, int, float, list, dict, set, tuple, datetime))


def _is_array(analysis: Analysis, name: str, attribute: str) -> bool:
    """Whether objects of a class are arrays, of which all methods are known, and lack this one."""
    return analysis.libraries.canonical(name) == "numpy.ndarray" and (
        analysis.libraries.call(f"{name}.{attribute}") is None
    )


def _elements(analysis: Analysis, node: ast.expr) -> list[str]:
    """Return the classes of what a loop goes over; empty where they are unknown."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range":
        return ["builtins.int"]
    return [analysis.qualified_name(each) or "" for each in _written(node) if isinstance(each, ast.Constant)]


def _replaced(analysis: Analysis, use: Use, call: ast.Call) -> Finding | None:
    """Return the finding for a builtin that a star import has replaced, called in a way only the builtin takes."""
    for statement in analysis.statements()[: use.statement]:
        for each in statement.definitions:
            if each.kind == "star" and use.name in name_table().star_shadows.get(each.qualified or "", ()):
                if not _only_builtin(analysis, each.qualified or "", call):
                    return None
                message = f"`{use.name}` is not the builtin here: `from {each.qualified} import *` has replaced it"
                return _finding(use, each, f"{message} in cell {each.cell.index}")
    return None


def _only_builtin(analysis: Analysis, module: str, call: ast.Call) -> bool:
    first = call.args[0] if call.args else None
    if module == "os":
        # ``os.open`` takes flags, which are a number.
        mode = call.args[1] if len(call.args) > 1 else None
        return first is not None and (mode is None or analysis.qualified_name(mode) == "builtins.str")
    if module == "numpy":
        return isinstance(first, ast.GeneratorExp)
    known = None if first is None else analysis.qualified_name(first)
    return isinstance(first, ast.GeneratorExp) or known in ("builtins.list", "builtins.int", "builtins.float")


def _finding(use: Use, hides: Definition, message: str) -> Finding:
    return Finding(use.location, message, (Related(hides.location, f"`{use.name}` is hidden here"),))
