"""Reads what a notebook asks of its kernel's shell, ``get_ipython()``, where there is one answer.

``get_ipython().run_line_magic("matplotlib", "inline")`` is a magic by another spelling, and whether there is a shell,
of which class, is known: the notebook had one. Everything else keeps the call, which the passes refuse.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nb2prod.convert.rewriting import Rewriting, on_one_line
from nb2prod.dataflow.paths import path_to
from nb2prod.notebook.magic_table import magic_table
from nb2prod.notebook.model import Magic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nb2prod.analysis import Analysis
    from nb2prod.dataflow.model import Statement
    from nb2prod.notebook.model import Notebook

# What a Jupyter kernel's shell is called, and how it prints itself, up to its address.
_CLASS = {"__name__": "ZMQInteractiveShell", "__qualname__": "ZMQInteractiveShell", "__module__": "ipykernel.zmqshell"}
_PRINTED = "<ipykernel.zmqshell.ZMQInteractiveShell object at 0x"
# What a shell has only in a kernel.
_ONLY_IN_KERNELS = frozenset({"IPKernelApp"})


@dataclass(frozen=True, slots=True)
class _Answer:
    """What takes the place of ``node``: a text, or a magic."""

    node: ast.AST
    value: str | Magic


def answer_kernel_calls(analysis: Analysis) -> Notebook:
    """Return the notebook with magics where it calls the shell's magics, and answers where it asks about the shell."""
    rewriting = Rewriting()
    made = _shells(analysis)
    all_answered = True
    for statement in analysis.flow.statements:
        for shell in _mentions(statement, analysis, made):
            answer = _answer(statement, shell, made)
            if answer is None:
                all_answered = False
            elif isinstance(answer.value, Magic):
                rewriting.mask(statement.cell, answer.node, answer.value)
            else:
                rewriting.replace(statement.cell, answer.node, answer.value)
    for statement in analysis.flow.statements if all_answered else ():
        if (answer := _import_answer(statement)) is not None and isinstance(answer.value, Magic):
            rewriting.mask(statement.cell, answer.node, answer.value)
    return rewriting.applied(analysis.notebook) if rewriting.texts else analysis.notebook


def _import_answer(statement: Statement) -> _Answer | None:
    """Return what takes the place of ``from IPython import get_ipython``, once nothing calls it any more."""
    match statement.node:
        case ast.ImportFrom(names=[ast.alias(name="get_ipython", asname=None)]) as node:
            place = statement.cell.locate(node).range
            return _Answer(node, Magic("line", "get_ipython", "", ("get_ipython",), place))
        case _:
            return None


def _shells(analysis: Analysis) -> dict[str, Statement]:
    """Return the statements ``ip = get_ipython()`` by the name they bind, if every use of it has an answer."""
    found: dict[str, Statement] = {}
    bound: dict[str, int] = {}
    for statement in analysis.flow.statements:
        for definition in (*statement.definitions, *statement.global_writes):
            if definition.kind != "mutate":
                bound[definition.name] = bound.get(definition.name, 0) + 1
        match statement.node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(func=func, args=[])):
                if _is_get_ipython(func, analysis):
                    found[name] = statement
            case _:
                pass
    found = {name: statement for name, statement in found.items() if bound[name] == 1}
    for name in list(found):
        uses = (
            (statement, use.node)
            for statement in analysis.flow.statements
            for use in statement.uses
            if use.name == name
        )
        if not all(isinstance(node, ast.Name) and _answer(statement, node, found) for statement, node in uses):
            del found[name]
    return found


def _mentions(statement: Statement, analysis: Analysis, made: dict[str, Statement]) -> Iterator[ast.expr]:
    """Yield the expressions of a statement that are the shell: ``get_ipython()``, or a name for it."""
    for call, _ in statement.calls:
        if _is_get_ipython(call.func, analysis) and not call.args:
            yield call
    for use in statement.uses:
        if use.name in made and isinstance(use.node, ast.Name):
            yield use.node


def _is_get_ipython(func: ast.expr, analysis: Analysis) -> bool:
    if isinstance(func, ast.Name) and func.id == "get_ipython":
        use = analysis.use_at(func)
        reaching = analysis.flow.reaching(use) if use is not None else ()
        return all(each.kind == "import" for each in reaching)
    return analysis.qualified_name(func) == "IPython.get_ipython"


def _answer(statement: Statement, shell: ast.expr, made: dict[str, Statement]) -> _Answer | None:
    """Return what takes the place of an expression around the shell; None where only a kernel could tell."""
    above = [node for node, _ in path_to(statement.node, shell)][::-1]
    match above:
        case [ast.Assign(targets=[ast.Name(id=name)]) as binding] if name in made:
            place = statement.cell.locate(binding).range
            return _Answer(binding, Magic("line", "get_ipython", "", (name,), place))
        case [ast.Attribute(attr=method), ast.Call() as call, *rest]:
            return _magic_answer(statement, method, call, rest)
        case [ast.Attribute(attr="__class__"), ast.Attribute(attr=attr) as name, *_] if attr in _CLASS:
            return _Answer(name, repr(_CLASS[attr]))
        case [ast.Call(func=ast.Name(id="type")), ast.Attribute(attr=attr) as name, *_] if attr in _CLASS:
            return _Answer(name, repr(_CLASS[attr]))
        case [ast.Compare(ops=[ast.Is() | ast.Eq()], comparators=[ast.Constant(value=None)]) as compare, *_]:
            return _Answer(compare, "False")
        case [ast.Compare(ops=[ast.IsNot() | ast.NotEq()], comparators=[ast.Constant(value=None)]) as compare, *_]:
            return _Answer(compare, "True")
        case [ast.Call(func=ast.Name(id="str" | "repr")), ast.Compare() as compare, *_]:
            return _contained(compare, lambda text: text in _PRINTED)
        case [ast.Attribute(attr="config"), ast.Compare() as compare, *_]:
            return _contained(compare, lambda text: True if text in _ONLY_IN_KERNELS else None)
        case [ast.If(test=test) | ast.IfExp(test=test) | ast.While(test=test), *_] if test is shell:
            return _Answer(shell, "True")
        case [ast.UnaryOp(op=ast.Not()) as negation, *_]:
            return _Answer(negation, "False")
        case [ast.Expr() as expression, *_] if expression is not statement.node:  # asked for, to see it raise nothing
            return _Answer(shell, "None")
        case _:
            return None


def _contained(compare: ast.Compare, contains: Callable[[str], bool | None]) -> _Answer | None:
    """Return the answer to ``"text" in …``."""
    match compare:
        case ast.Compare(left=ast.Constant(value=str(text)), ops=[ast.In() | ast.NotIn() as operator]):
            answer = contains(text)
            return None if answer is None else _Answer(compare, str(answer == isinstance(operator, ast.In)))
        case _:
            return None


def _magic_answer(statement: Statement, method: str, call: ast.Call, above: list[ast.AST]) -> _Answer | None:
    """Return the magic that a call of the shell's ``method`` is, if it stands where a magic can stand."""
    texts = [each.value for each in call.args if isinstance(each, ast.Constant) and isinstance(each.value, str)]
    if call.keywords or not texts or len(texts) != len(call.args):
        return None
    place = statement.cell.locate(call).range
    match above[:1]:
        case [ast.Expr()]:
            binds: tuple[str, ...] | None = ()
        case [ast.Assign(targets=[ast.Name(id=name)]) as node] if node is statement.node:
            binds = (name,)
        case _:
            return None
    match method, texts:
        case "system" | "system_raw", [command] if not binds:
            return _Answer(call, Magic("shell", "!", command, (), place))
        case "getoutput", [command] if binds:
            return _Answer(call, Magic("shell", "!", command, binds, place))
        case "run_cell_magic", ["time", "", code] if not binds:
            python = on_one_line(code)
            return None if python is None else _Answer(call, python)
        case "run_line_magic", ["time", code]:
            python = on_one_line(code, value=bool(binds))
            return None if python is None else _Answer(call, python)
        case "run_line_magic", [name, *rest]:
            argument = " ".join(rest)
        case "magic", [text]:
            name, _, argument = text.lstrip("%").partition(" ")
        case _:
            return None
    entry = magic_table().line.get(name)
    if binds or (entry is not None and (entry.python is not None or entry.binds)):
        return None
    return _Answer(call, Magic("line", name, argument.strip(), (), place))
