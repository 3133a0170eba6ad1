"""Names for what the converter makes: steps from headings or results, values from expressions."""

from __future__ import annotations

import ast
import builtins
import html
import keyword
import re
import unicodedata
from dataclasses import replace
from typing import TYPE_CHECKING

from nb2prod.convert.plan import EndOfCell, Moved
from nb2prod.convert.sections import title_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nb2prod.analysis import Analysis
    from nb2prod.convert.plan import Plan, Step

# Words that make a heading a sentence but a name only longer.
_FILLERS = frozenset({
    "a", "an", "and", "are", "as", "at", "be", "by", "do", "does", "for", "from", "how", "in", "into", "is", "it",
    "let", "lets", "now", "of", "on", "or", "our", "s", "so", "some", "that", "the", "then", "this", "to", "us", "we",
    "what", "with", "you", "your",
})  # fmt: skip
_ORDINALS = re.compile(
    r"^(?:(?:step|part|section|chapter|exercise|task)\s+)?(?:\d+(?:[.\-:)]\d+)*|[ivx]+)\s*[.:)\-]+\s*", re.IGNORECASE
)
_LONGEST = 40


class Names:
    """Hands out names that collide with nothing in the notebook and with nothing handed out before."""

    def __init__(self, taken: Iterable[str]) -> None:
        """Start with ``taken`` names, and those of Python and of the generated modules."""
        self._taken = set(taken) | set(dir(builtins)) | set(keyword.kwlist) | {"config", "run", "show", "display"}

    def fresh(self, wanted: str) -> str:
        """Return ``wanted``, or it with the first free number behind it, and take it."""
        name, number = wanted, 2
        while name in self._taken:
            name, number = f"{wanted}_{number}", number + 1
        self._taken.add(name)
        return name


def notebook_names(analysis: Analysis) -> frozenset[str]:
    """Return every name the notebook's code mentions at any scope."""
    names: set[str] = set()
    for cell in analysis.notebook.code_cells:
        for node in ast.walk(cell.tree) if cell.tree is not None else ():
            match node:
                case ast.Name(id=name) | ast.arg(arg=name):
                    names.add(name)
                case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                    names.add(name)
                case ast.alias(name=name, asname=asname):
                    names.add(asname or name.partition(".")[0])
                case _:
                    pass
        for magic in cell.magics:
            names.update(magic.binds)
    return frozenset(names)


def name_from_heading(title: str) -> str | None:
    """Return a function name made of a heading's words, or None where none of them can be spelled in ASCII."""
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", title)
    text = html.unescape(re.sub(r"<[^>]+>|\$[^$]*\$", " ", text))
    text = unicodedata.normalize("NFKD", text)
    text = "".join(character for character in text if not unicodedata.combining(character))
    if sum(character.isalpha() and not character.isascii() for character in text) > len(text) / 3:
        return None
    text = _ORDINALS.sub("", text.strip().lstrip("*_`# "))
    text = text.replace("'", "").replace("\N{RIGHT SINGLE QUOTATION MARK}", "")
    words = [word.lower() for word in re.findall(r"[A-Za-z0-9]+", text)]
    kept = [word for word in words if word not in _FILLERS] or words
    name = ""
    for word in kept:
        if name and len(name) + len(word) + 1 > _LONGEST:
            break
        name = f"{name}_{word}" if name else word[:_LONGEST]
    if not name:
        return None
    return f"step_{name}" if name[0].isdigit() or keyword.iskeyword(name) else name


def name_from_expression(node: ast.expr) -> str | None:
    """Return a name for the value of ``node``: ``df.head()`` → ``df_head``; None where nothing in it names it."""
    words = [word.strip("_") for word in _words(node)]
    name = "_".join(word for word in words if word)
    name = re.sub(r"\W", "_", unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode())
    name = re.sub(r"__+", "_", name).strip("_")[:_LONGEST].rstrip("_")
    return name if name and name.isidentifier() and not keyword.iskeyword(name) else None


def _words(node: ast.expr) -> list[str]:
    match node:
        case ast.Name(id=name):
            return [name]
        case ast.Attribute(value=value, attr=attr):
            return [*_words(value), attr]
        case ast.Call(func=ast.Name(id=name), args=[ast.expr() as first, *_]) if name in dir(builtins):
            return [name, *_words(first)]
        case ast.Call(func=func):
            return _words(func)
        case ast.Subscript(value=value, slice=ast.Constant(value=str(key))):
            return [*_words(value), key.lower()]
        case ast.Subscript(value=value) | ast.Await(value=value) | ast.Starred(value=value):
            return _words(value)
        case ast.UnaryOp(operand=operand):
            return _words(operand)
        case _:
            return []


def name_steps(plan: Plan, analysis: Analysis) -> Plan:
    """Name every step after its heading, else after what it does."""
    names = Names(notebook_names(analysis) | {each.name for each in plan.functions} | {plan.package})
    steps = []
    for step in plan.steps:
        wanted = name_from_heading(step.title) if step.title else None
        is_async = any(_awaits(item.statement.node) for item in step.items if isinstance(item, Moved))
        steps.append(
            replace(step, name=names.fresh(wanted or _name_from_contents(step, plan, analysis)), is_async=is_async)
        )
    return replace(plan, steps=tuple(steps))


def _name_from_contents(step: Step, plan: Plan, analysis: Analysis) -> str:
    if len(plan.steps) == 1:
        title = title_of(analysis.notebook)
        return (name_from_heading(title) if title else None) or "run_notebook"
    effects: set[str] = set()
    for item in step.items:
        if isinstance(item, Moved):
            for call, _ in item.statement.calls:
                qualified = analysis.qualified_name(call.func)
                info = None if qualified is None else analysis.libraries.call(qualified)
                effects |= info.effects if info is not None else frozenset()
    made = next((name.strip("_").lower() for name in step.results if len(name.strip("_")) > 1 and name.isascii()), None)
    verbs = (("fit", "fit"), ("read-file", "load"), ("split", "split"), ("score", "evaluate"))
    verb = next((verb for effect, verb in verbs if effect in effects), None)
    if made is not None:
        return f"{verb or 'make'}_{made}"
    if any(isinstance(item, EndOfCell) for item in step.items):
        return f"plot_{step.arguments[0].lower()}" if step.arguments and step.arguments[0].isascii() else "plot_figures"
    return f"{verb}_{step.arguments[0].lower()}" if verb and step.arguments else "report"


def _awaits(node: ast.stmt) -> bool:
    pending: list[ast.AST] = [node]
    while pending:
        current = pending.pop()
        if isinstance(current, (ast.Await, ast.AsyncFor, ast.AsyncWith)):
            return True
        if not isinstance(current, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            pending.extend(ast.iter_child_nodes(current))
    return False
