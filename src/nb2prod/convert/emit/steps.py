"""The module ``steps``: imports, functions and constants of the notebook, and one function per step."""

from __future__ import annotations

import ast
import keyword
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nb2prod.convert.emit.errors import EmissionError
from nb2prod.convert.emit.names import camel_case, fresh, notebook_names
from nb2prod.convert.emit.prose import docstring, step_text
from nb2prod.convert.emit.statements import indented, same_meaning, snippet
from nb2prod.convert.plan import EndOfCell, Moved
from nb2prod.convert.worker import indent_all, tractable
from nb2prod.notebook.parse import parse_code

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nb2prod.convert.plan import Import, Plan, Step

# More results than this and the step returns a named tuple.
_MOST_RESULTS = 4
_BODY, _GUARDED = "    ", "        "
# Modules that hand out IPython's ``display``; ours takes its place.
_DISPLAY_MODULES = frozenset({"IPython.display", "IPython.core.display", "IPython.core.display_functions"})


@dataclass(frozen=True, slots=True)
class OwnNames:
    """What our own names are called in ``steps``, the notebook's names being taken."""

    show: str
    end_of_cell: str
    report_exception: str
    any_type: str
    named_tuple: str


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of a step's body.

    text    notebook text from the first column on, or None for a line of ours
    prefix  the indentation of ``text``
    ours    lines of ours, already indented, that follow ``text``
    gap     a blank line stands above
    """

    text: str | None
    prefix: str = _BODY
    ours: tuple[str, ...] = ()
    gap: bool = False


def emit_steps(plan: Plan) -> str:
    """Return the text of ``steps.py``, not yet formatted."""
    names = _own_names(plan)
    taken = set(notebook_names(plan)) | {names.show, names.end_of_cell, names.report_exception}
    bodies = [_body(step, names) for step in plan.steps]
    texts = [(piece.text, piece.prefix) for body in bodies for piece in body if piece.text is not None]
    blocks = iter(_indent(texts))
    definitions: list[str] = [_module_level(function.moved) for function in plan.functions]
    records: list[str] = []
    for step, body in zip(plan.steps, bodies, strict=True):
        record = None
        if len(step.results) > _MOST_RESULTS and all(map(_can_be_field, step.results)):
            record = fresh(camel_case(step.name), taken)
            taken.add(record)
            records.append(record)
            definitions.append(_record(record, step, names))
        definitions.append(_function(step, body, blocks, record))
    title = f"The steps of {plan.notebook.path.name}, in its order."
    head = [*docstring(title), "", *_imports(plan, names, bodies, records=bool(records))]
    return "\n".join(head) + "\n\n\n" + "\n\n\n".join(definitions) + "\n"


def sortable_imports(plan: Plan) -> bool:
    """Return whether the order of the module's imports means nothing, as far as can be told.

    It means something where a star may rebind a name, where two imports bind one name, and where
    one import enables another (``sklearn.experimental``).
    """
    bound: dict[str, str] = {}
    for each in plan.imports:
        if "*" in each.binds or "experimental" in each.text:
            return False
        if any(bound.setdefault(name, each.text) != each.text for name in each.binds):
            return False
    return True


def _own_names(plan: Plan) -> OwnNames:
    taken = notebook_names(plan)
    return OwnNames(*(fresh(name, taken) for name in ("show", "end_of_cell", "report_exception", "Any", "NamedTuple")))


def _body(step: Step, names: OwnNames) -> list[_Piece]:
    pieces: list[_Piece] = []
    guarded = 0
    for item in step.items:
        if isinstance(item, EndOfCell):
            pieces.append(_Piece(None, ours=(f"{_BODY}{names.end_of_cell}({item.cell})",)))
            guarded = 0
            continue
        cell = item.statement.cell.index
        prefix = _GUARDED if item.guarded else _BODY
        cut = snippet(item)
        text = cut.around(cut.code)
        shown: tuple[str, ...] = ()
        if item.shown is not None and item.kept:
            text = cut.around(f"{item.shown} = {cut.code}")
            shown = (f'{prefix}{names.show}("{item.shown}", {item.shown})',)
        elif item.shown is not None:
            text = cut.around(f'{names.show}("{item.shown}", {_as_argument(item.statement.node, cut.code)})')
        if item.guarded and guarded != cell:
            # The kernel skips the rest of the cell after an exception: one ``try`` for all of it.
            pieces.append(_Piece(None, ours=(f"{_BODY}try:",), gap=cut.separated))
        piece = _Piece(text or None, prefix, shown, gap=cut.separated and not (item.guarded and guarded != cell))
        pieces.append(piece)
        guarded = cell if item.guarded else 0
    return _with_handlers(pieces, names)


def _with_handlers(pieces: Sequence[_Piece], names: OwnNames) -> list[_Piece]:
    """Close every ``try`` after its last piece."""
    handler = _Piece(None, ours=(f"{_BODY}except Exception:", f"{_GUARDED}{names.report_exception}()"))
    closed: list[_Piece] = []
    is_open = False
    for piece in pieces:
        if is_open and piece.prefix != _GUARDED:
            closed.append(handler)
            is_open = False
        is_open = is_open or piece.ours == (f"{_BODY}try:",)
        closed.append(piece)
    return [*closed, handler] if is_open else closed


def _indent(texts: Sequence[tuple[str, str]]) -> list[str]:
    """Return the texts indented by their prefixes, each checked to mean what it meant."""
    trees = [parse_code(text)[0] for text, _ in texts]
    easy = [at for at, tree in enumerate(trees) if tree is not None and tree.body and tractable(tree)]
    answers = dict(zip(easy, indent_all([texts[at] for at in easy]), strict=True)) if easy else {}
    blocks: list[str] = []
    for at, (text, prefix) in enumerate(texts):
        tree = trees[at]
        if tree is None:
            msg = f"a statement cannot be read again: {text[:60]!r}"
            raise EmissionError(msg)
        candidates = (answers.get(at), indented(text, prefix))
        block = next((each for each in candidates if each is not None and _means(each, tree)), None)
        if block is None:
            msg = f"a statement changes its meaning when it is indented: {text[:60]!r}"
            raise EmissionError(msg)
        blocks.append(block)
    return blocks


def _means(block: str, tree: ast.Module) -> bool:
    if not tree.body:  # comments only
        return True
    wrapped, _ = parse_code("async def _():\n" + block)
    body = wrapped.body[0].body if wrapped and isinstance(wrapped.body[0], ast.AsyncFunctionDef) else []
    return [ast.dump(node) for node in body] == [ast.dump(node) for node in tree.body]


def _function(step: Step, body: Sequence[_Piece], blocks: Iterable[str], record: str | None) -> str:
    blocks = iter(blocks)
    arrow = "" if step.results else " -> None"
    keyword_def = "async def" if step.is_async else "def"
    lines = [f"{keyword_def} {step.name}({', '.join(step.arguments)}){arrow}:", *_step_docstring(step)]
    start = len(lines)
    for piece in body:
        if piece.gap and len(lines) > start:
            lines.append("")
        if piece.text is not None:
            lines.append(next(blocks))
        lines += piece.ours
    if step.results:
        values = ", ".join(step.results)
        lines.append(f"{_BODY}return {record}({values})" if record else f"{_BODY}return {values}")
    return "\n".join(lines)


def _step_docstring(step: Step) -> list[str]:
    text = step_text(step.title, step.text)
    cells = ", ".join(str(cell) for cell in step.cells)
    source = (
        f"Cell{'s' if len(step.cells) > 1 else ''} {cells} of the notebook." if cells else "Nothing of the notebook."
    )
    return docstring(f"{text}\n\n{source}" if text else source, _BODY)


def _record(name: str, step: Step, names: OwnNames) -> str:
    lines = [f"class {name}({names.named_tuple}):", *docstring(f"What {step.name} returns.", _BODY), ""]
    return "\n".join([*lines, *(f"{_BODY}{result}: {names.any_type}" for result in step.results)])


def _can_be_field(name: str) -> bool:
    return not name.startswith("_") and not keyword.iskeyword(name) and not hasattr(tuple, name)


def _module_level(moved: Moved) -> str:
    cut = snippet(moved)
    return cut.around(cut.code)


def _shown(show: str, label: str, code: str) -> str:
    """Return the call that shows the value of an expression, which is its one argument however it is written."""
    tree, _ = parse_code(code)
    value = (
        tree.body[0].value if tree is not None and len(tree.body) == 1 and isinstance(tree.body[0], ast.Expr) else None
    )
    for text in (f'{show}("{label}", {code})', f'{show}("{label}", ({code}))'):
        call, _ = parse_code(text)
        match call.body if call is not None else []:
            case [ast.Expr(value=ast.Call(args=[_, argument], keywords=[]))] if value is not None:
                if ast.dump(argument) == ast.dump(value):
                    return text
    msg = f"the value of an expression cannot be shown: {code[:60]!r}"
    raise EmissionError(msg)


def _as_argument(node: ast.stmt, code: str) -> str:
    """Return an expression as one argument of a call: a bare tuple would become several."""
    value = node.value if isinstance(node, ast.Expr) else None
    return f"({code})" if isinstance(value, (ast.Tuple, ast.NamedExpr)) else code


def _imports(plan: Plan, names: OwnNames, bodies: Sequence[Sequence[_Piece]], *, records: bool) -> list[str]:
    ours = "\n".join(line for body in bodies for piece in body for line in (piece.text or "", *piece.ours))
    lines: list[str] = []
    display_aliases: list[str] = []
    seen: set[str] = set()
    for each in plan.imports:
        text, aliases = _without_display(each)
        display_aliases += aliases
        tree, _ = parse_code(text)
        if tree is None:
            msg = f"an import cannot be read again: {text!r}"
            raise EmissionError(msg)
        key = ast.dump(tree)
        if text and key not in seen:
            seen.add(key)
            lines.append(_with_comments(each, text, tree))
    if _uses_display(plan):
        display_aliases.append("display")
    source = "figures" if plan.draws else "display"
    if display_aliases or f"{names.show}(" in ours:
        wanted = [_alias("display", alias) for alias in dict.fromkeys(display_aliases)]
        if f"{names.show}(" in ours:
            wanted.append(_alias("show", names.show))
        lines.append(f"from .{source} import {', '.join(wanted)}")
    if f"{names.end_of_cell}(" in ours:
        lines.append(f"from .figures import {_alias('end_of_cell', names.end_of_cell)}")
    if f"{names.report_exception}(" in ours:
        lines.append(f"from .display import {_alias('report_exception', names.report_exception)}")
    if records:
        lines.append(f"from typing import {_alias('Any', names.any_type)}, {_alias('NamedTuple', names.named_tuple)}")
    future = [line for line in lines if line.startswith("from __future__ ")]
    return future + [line for line in lines if line not in future]


def _without_display(each: Import) -> tuple[str, list[str]]:
    """Return the import without IPython's ``display``, and the names that was imported as."""
    tree, _ = parse_code(each.text)
    node = tree.body[0] if tree is not None and len(tree.body) == 1 else None
    if not isinstance(node, ast.ImportFrom) or node.module not in _DISPLAY_MODULES:
        return each.text, []
    if node.names[0].name == "*":
        return each.text, ["display"]
    found = [alias.asname or alias.name for alias in node.names if alias.name == "display"]
    if not found:
        return each.text, []
    others = [alias for alias in node.names if alias.name != "display"]
    return ast.unparse(ast.ImportFrom(node.module, others, node.level)) if others else "", found


def _with_comments(each: Import, text: str, tree: ast.Module) -> str:
    """Return the import with the comments of its statement, where it is written as in the notebook."""
    if each.statement is None or not tree.body or not same_meaning(text, [each.statement.node]):
        return text
    cut = snippet(Moved(each.statement))
    before = [line for line in cut.before if line]
    return "\n".join([*before, f"{text}  {cut.beside}" if cut.beside and "\n" not in text else text])


def _uses_display(plan: Plan) -> bool:
    """Return whether moved code calls the ``display`` every notebook has without importing it."""
    if any("display" in each.binds for each in plan.imports):
        return False
    statements = [item.statement for step in plan.steps for item in step.items if isinstance(item, Moved)]
    statements += [function.moved.statement for function in plan.functions]
    defined = any(definition.name == "display" for each in statements for definition in each.definitions)
    return not defined and any(use.name == "display" for each in statements for use in each.uses)


def _alias(name: str, alias: str) -> str:
    return name if name == alias else f"{name} as {alias}"
