"""The functions that are the steps: their signatures, docstrings and bodies."""

from __future__ import annotations

import ast
import keyword
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nb2prod.convert.emit.comments import orphaned_comments, prose_comment
from nb2prod.convert.emit.displayed import apart, assignment, shown_call
from nb2prod.convert.emit.docstrings import step_docstring
from nb2prod.convert.emit.errors import EmissionError
from nb2prod.convert.emit.names import camel_case, fresh, notebook_names
from nb2prod.convert.emit.prose import docstring
from nb2prod.convert.emit.statements import indented, not_converted, snippet
from nb2prod.convert.late_imports import in_groups
from nb2prod.convert.plan import EndOfCell
from nb2prod.convert.withheld import shown_code
from nb2prod.convert.worker import indent_all, tractable
from nb2prod.notebook.parse import parse_code

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from nb2prod.convert.emit.imports import OwnNames
    from nb2prod.convert.plan import Item, Plan, Step, Withheld

# More results than this and the step returns a named tuple.
_MOST_RESULTS = 4
# Where statements of a step stand, and where those in a ``try`` or ``with`` of ours stand.
_BODY, _INSIDE = "    ", "        "


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


@dataclass(frozen=True, slots=True)
class StepText:
    """The text of a step, not yet formatted.

    record    the class of what it returns, empty where that is no named tuple
    function  the step itself
    untyped   a field of the record has no type that is certain
    """

    record: str
    function: str
    untyped: bool


def emit_steps(plan: Plan, names: OwnNames) -> list[StepText]:
    """Return the text of each step of the plan; ``names`` are what our own functions are called."""
    taken = set(notebook_names(plan)) | {names.show, names.end_of_cell, names.report_exception, names.check_input}
    orphans = orphaned_comments(plan)
    bodies = [_body(step, names, plan.withheld, orphans) for step in plan.steps]
    texts = [(piece.text, piece.prefix) for body in bodies for piece in body if piece.text is not None]
    blocks = iter(_indent(texts))
    code_cells = [cell.index for cell in plan.notebook.code_cells if not cell.run_by]
    emitted: list[StepText] = []
    for step, body in zip(plan.steps, bodies, strict=True):
        record, text = None, ""
        if returns_record(step):
            record = fresh(camel_case(step.name), taken)
            taken.add(record)
            text = _record(record, step, names)
        untyped = record is not None and len(step.result_types) < len(step.results)
        emitted.append(StepText(text, _function(step, body, blocks, record, code_cells), untyped))
    return emitted


def _body(
    step: Step, names: OwnNames, withheld: Sequence[Withheld], orphans: Mapping[int, Sequence[str]]
) -> list[_Piece]:
    pieces: list[_Piece] = []
    guarded = captured = last = 0
    prose = {cell: prose_comment(text) for cell, text in step.prose}
    for item in step.items:
        if isinstance(item, EndOfCell):
            call = f"{names.end_of_cell}({item.cell}{', captured=True' if item.captured else ''})"
            pieces.append(_Piece(None, ours=(f"{_BODY}{call}",)))
            guarded = 0
            continue
        cell = item.statement.cell.index
        comment = prose.pop(cell, ())
        if comment:
            pieces.append(_Piece(None, ours=tuple(f"{_BODY}{line}" for line in comment), gap=True))
            guarded = captured = 0
        opens, last = cell != last and not comment, cell
        if item.refused:
            # Outside of any ``try``: a cell that may raise must not go on without it.
            text = "\n".join((*orphans.get(item.statement.index, ()), not_converted(item)))
            pieces.append(_Piece(shown_code(text, withheld), gap=not comment))
            guarded = captured = 0
            continue
        if item.captured and captured != cell:
            captured = cell
            pieces.append(_Piece(None, ours=(f"{_BODY}{item.captured}",), gap=not comment))
            if all(not _is_in_capture(each, cell) for each in step.items):
                pieces.append(_Piece(None, ours=(f"{_INSIDE}pass",)))
        if item.captured and item.statement.magic is not None and not item.replacements:
            continue  # the magic itself is the head
        prefix = _INSIDE if item.guarded or item.captured else _BODY
        cut = snippet(item)
        text = cut.around(cut.code)
        shown: tuple[str, ...] = ()
        above, code = apart(cut.code) if item.shown is not None else ("", cut.code)
        if item.shown is not None and item.kept:
            text = cut.around(f"{above}{item.shown} = {code}")
            shown = (f'{prefix}{names.show}("{item.shown}", {item.shown})',)
        elif item.shown is not None and (item.acts or not isinstance(item.statement.node, ast.Expr)):
            shown = (f'{prefix}{names.show}("{item.shown}", {item.shown})',)
        elif item.shown is not None and (assigned := assignment(code)):
            text = cut.around(above + assigned)
            shown = (f'{prefix}{names.show}("{item.shown}", {item.shown})',)
        elif item.shown is not None:
            text = cut.around(above + shown_call(names.show, item.shown, code))
        if item.read is not None:
            table, file = item.read
            shown = (f"{prefix}{names.check_input}({table}, {file!r})", *shown)
        text = shown_code("\n".join((*orphans.get(item.statement.index, ()), text)), withheld)
        gap = opens or (cut.separated and not comment)
        if item.guarded and guarded != cell:
            # The kernel skips the rest of the cell after an exception: one ``try`` for all of it.
            pieces.append(_Piece(None, ours=(f"{_BODY}try:",), gap=gap))
            gap = False
        piece = _Piece(text or None, prefix, shown, gap=gap)
        pieces.append(piece)
        guarded = cell if item.guarded else 0
    return _with_handlers(pieces, names)


def _is_in_capture(item: Item, cell: int) -> bool:
    """Return whether an item is code inside the ``with`` statement that captures what a cell prints."""
    if isinstance(item, EndOfCell) or not item.captured or item.statement.cell.index != cell:
        return False
    return item.statement.magic is None or bool(item.replacements)


def _with_handlers(pieces: Sequence[_Piece], names: OwnNames) -> list[_Piece]:
    """Close every ``try`` after its last piece."""
    handler = _Piece(None, ours=(f"{_BODY}except Exception:", f"{_INSIDE}{names.report_exception}()"))
    closed: list[_Piece] = []
    is_open = False
    for piece in pieces:
        if is_open and piece.prefix != _INSIDE:
            closed.append(handler)
            is_open = False
        is_open = is_open or piece.ours == (f"{_BODY}try:",)
        closed.append(piece)
    return [*closed, handler] if is_open else closed


def _indent(texts: Sequence[tuple[str, str]]) -> list[str]:
    """Return the texts indented by their prefixes, each checked to mean what it meant."""
    trees = [parse_code(text)[0] for text, _ in texts]
    # What stands on one line needs no reader of Python, and no process for one.
    several = [at for at, (text, _) in enumerate(texts) if "\n" in text]
    easy = [at for at in several if (tree := trees[at]) is not None and tree.body and tractable(tree)]
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


def _function(
    step: Step, body: Sequence[_Piece], blocks: Iterable[str], record: str | None, code_cells: Sequence[int]
) -> str:
    blocks = iter(blocks)
    returned = _returned_type(step, record)
    arrow = f" -> {returned}" if returned else ""
    keyword_def = "async def" if step.is_async else "def"
    types = dict(step.argument_types)
    arguments = ", ".join(f"{name}: {types[name]}" if name in types else name for name in step.arguments)
    lines = [f"{keyword_def} {step.name}({arguments}){arrow}:", *step_docstring(step, code_cells)]
    start = len(lines)
    lines += [f"{_BODY}{each}" if each else "" for each in in_groups(step.imports)]
    if step.imports:
        lines.append("")
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


def _returned_type(step: Step, record: str | None) -> str | None:
    """Return the annotation of what a step returns; None where some of it is not certain."""
    if not step.results or record:
        return record or "None"
    types = dict(step.result_types)
    if any(name not in types for name in step.results):
        return None
    only, *more = (types[name] for name in step.results)
    return f"tuple[{', '.join((only, *more))}]" if more else only


def _record(name: str, step: Step, names: OwnNames) -> str:
    lines = [f"class {name}({names.named_tuple}):", *docstring(f"What {step.name} returns.", _BODY), ""]
    types = dict(step.result_types)
    return "\n".join([*lines, *(f"{_BODY}{result}: {types.get(result, names.any_type)}" for result in step.results)])


def returns_record(step: Step) -> bool:
    """Return whether a step returns a named tuple: it has many results, and each can be a field."""
    return len(step.results) > _MOST_RESULTS and all(map(_can_be_field, step.results))


def _can_be_field(name: str) -> bool:
    return not name.startswith("_") and not keyword.iskeyword(name) and not hasattr(tuple, name)


def module_level(plan: Plan) -> list[str]:
    """Return the text of each function, class and run of constants at module level."""
    texts: list[str] = []
    after_constant = False
    orphans = orphaned_comments(plan)
    for each in plan.functions:
        cut = snippet(each.moved)
        if each.kind != "constant" and cut.before and cut.before[-1] == "":
            cut = replace(cut, before=cut.before[:-1])  # a comment stands on its function
        lines = (*orphans.get(each.moved.statement.index, ()), cut.around(cut.code))
        text = shown_code("\n".join(lines), plan.withheld)
        is_constant = each.kind == "constant"
        if is_constant and after_constant:
            texts[-1] += f"\n{text}"
        else:
            texts.append(text)
        after_constant = is_constant
    return texts
