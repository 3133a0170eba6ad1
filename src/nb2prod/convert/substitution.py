"""Puts a name where a text was written: in string literals, in f-strings, in code of ours."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nb2prod.convert.plan import Replacement
from nb2prod.notebook.location import Position, Range

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nb2prod.notebook.model import CodeCell

Literal = ast.Constant | ast.JoinedStr


@dataclass(frozen=True, slots=True)
class Substitute:
    """A text that becomes a name.

    text     what is written in the notebook
    name     the name that has it as its value
    is_path  it only counts as a whole path or the beginning of one
    nodes    ids of the only literals it is looked for in; None: everywhere
    """

    text: str
    name: str
    is_path: bool = False
    nodes: frozenset[int] | None = None

    def found_in(self, text: str) -> bool:
        """Return whether ``text`` holds it."""
        return self._pattern().search(text) is not None

    def _pattern(self) -> re.Pattern[str]:
        text = re.escape(self.text)
        if not self.is_path:
            return re.compile(text)
        # /Users/anna/data is no part of /Users/anna/database nor of https://host/Users/anna/data
        return re.compile(rf"(?<![\w/:.~\\-]){text}" + ("" if self.text.endswith(("/", "\\")) else r"(?![\w-])"))

    def pieces(self, text: str) -> list[str | None]:
        """Return the parts of ``text`` around it, None in the place of each."""
        parts: list[str | None] = []
        at = 0
        for found in self._pattern().finditer(text):
            parts += [text[at : found.start()], None]
            at = found.end()
        parts.append(text[at:])
        return [part for part in parts if part != ""]


def literals(node: ast.AST) -> Iterator[tuple[Literal, ast.AST]]:
    """Yield the string literals below ``node`` with their parents, an f-string as a whole; no docstrings."""
    for parent, child in _edges(node):
        if isinstance(child, ast.JoinedStr) or (
            isinstance(child, ast.Constant) and isinstance(child.value, str | bytes)
        ):
            yield child, parent


def docstrings(node: ast.AST) -> Iterator[ast.Constant]:
    """Yield the texts that stand alone as a statement."""
    for child in ast.walk(node):
        if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant) and isinstance(child.value.value, str):
            yield child.value


def substituted(
    cell: CodeCell, literal: Literal, parent: ast.AST, substitutes: Sequence[Substitute]
) -> tuple[Replacement, ...]:
    """Return what to replace in the cell so that each text in ``literal`` becomes its name; maybe nothing.

    ``substitutes`` are tried in their order. A literal whose texts cannot become names stays as it is.
    """
    wanted = [each for each in substitutes if each.nodes is None or id(literal) in each.nodes]
    if not any(each.found_in(text) for each in wanted for text in _texts(literal)):
        return ()
    place = cell.locate(literal).range
    lines = cell.python_lines
    if isinstance(literal, ast.JoinedStr) and (inner := _inside(lines, place, literal, wanted)):
        return inner
    changed = _changed(literal, wanted, is_template=_is_template(literal, parent))
    if changed is None:
        return ()
    before = lines[place.start.line - 1][: place.start.column - 1][-1:]
    after = lines[place.end.line - 1][place.end.column - 1 :][:1]
    text = ast.unparse(changed)
    text = (" " if before.isalnum() else "") + text + (" " if after.isalnum() else "")
    return (Replacement(place, text),)


def substituted_code(text: str, substitutes: Sequence[Substitute]) -> str:
    """Return an expression of ours with the names in the place of the texts."""
    try:
        tree = ast.parse(text, mode="eval")
    except SyntaxError:
        return text  # ``pass`` and ``del name`` hold no text
    wanted = [each for each in substitutes if each.nodes is None]
    if not any(each.found_in(part) for each in wanted for part in _texts(tree)):
        return text
    changed = {id(node): (node, parent) for node, parent in literals(tree)}

    class _Rewriter(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> ast.AST:
            if id(node) in changed and isinstance(node, ast.Constant | ast.JoinedStr):
                new = _changed(node, wanted, is_template=_is_template(node, changed[id(node)][1]))
                return node if new is None else new
            return self.generic_visit(node)

    return ast.unparse(_Rewriter().visit(tree))


def _edges(node: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
            continue
        if isinstance(node, ast.Expr) and isinstance(child, ast.Constant):
            continue
        yield node, child
        if not isinstance(child, ast.JoinedStr | ast.MatchValue | ast.MatchMapping):
            yield from _edges(child)


def _texts(node: ast.AST) -> list[str]:
    return [
        value if isinstance(value, str) else value.decode("latin-1")
        for child in ast.walk(node)
        if isinstance(child, ast.Constant) and isinstance(value := child.value, str | bytes)
    ]


def _is_template(literal: Literal, parent: ast.AST) -> bool:
    """Return whether the literal is filled in: what becomes a name must not be read as a part of the template."""
    match parent:
        case ast.BinOp(left=left, op=ast.Mod()):
            return left is literal
        case ast.Attribute(value=value, attr="format"):
            return value is literal
    return False


def _changed(literal: Literal, substitutes: Sequence[Substitute], *, is_template: bool) -> ast.expr | None:
    match literal:
        case ast.Constant(value=bytes() as value):
            for known in substitutes:
                if known.text.isascii() and value == known.text.encode("ascii"):
                    return ast.parse(f"{known.name}.encode()", mode="eval").body
            return None
        case ast.Constant(value=str() as value):
            parts = _parts(value, substitutes)
            if is_template and isinstance(parts[0], ast.FormattedValue) and len(parts) > 1:
                # ``folder + "/%s.csv" % day``: the operator of the template binds more tightly
                rest = ast.Constant("".join(part for part in parts[1:] if isinstance(part, str)))
                if all(isinstance(part, str) for part in parts[1:]):
                    return ast.BinOp(parts[0].value, ast.Add(), rest)
            if len(parts) == 1:
                return parts[0].value if isinstance(parts[0], ast.FormattedValue) else None
            return ast.JoinedStr([ast.Constant(part) if isinstance(part, str) else part for part in parts])
        case ast.JoinedStr(values=values):
            new: list[ast.expr] = []
            for each in values:
                if isinstance(each, ast.Constant) and isinstance(each.value, str):
                    parts = _parts(each.value, substitutes)
                    new += [ast.Constant(part) if isinstance(part, str) else part for part in parts]
                else:
                    new.append(each)
            return ast.JoinedStr(new)
    return None


def _parts(text: str, substitutes: Sequence[Substitute]) -> list[str | ast.FormattedValue]:
    """Return ``text`` in parts, a field of an f-string in the place of each text that becomes a name."""
    parts: list[str | ast.FormattedValue] = [text]
    for each in substitutes:
        new: list[str | ast.FormattedValue] = []
        for part in parts:
            if isinstance(part, ast.FormattedValue):
                new.append(part)
                continue
            new += [
                piece if piece is not None else ast.FormattedValue(ast.Name(each.name, ast.Load()), -1, None)
                for piece in each.pieces(part)
            ]
        parts = new
    return parts or [text]


def _inside(
    lines: Sequence[str], place: Range, literal: ast.JoinedStr, substitutes: Sequence[Substitute]
) -> tuple[Replacement, ...]:
    """Return the fields to put into an f-string that stays as it is written otherwise; nothing where that fails."""
    if place.start.line != place.end.line:
        return ()
    start = place.start.column - 1
    source = lines[place.start.line - 1][start : place.end.column - 1]
    spans: list[tuple[int, int, str]] = []
    for each in substitutes:
        at = source.find(each.text)
        if at >= 0 and not any(begin < at + len(each.text) and at < end for begin, end, _ in spans):
            spans.append((at, at + len(each.text), f"{{{each.name}}}"))
    text, end = "", 0
    for begin, until, field in sorted(spans):
        text, end = text + source[end:begin] + field, until
    wanted = _changed(literal, substitutes, is_template=False)
    try:
        same = wanted is not None and ast.unparse(ast.parse(text + source[end:], mode="eval")) == ast.unparse(wanted)
    except SyntaxError:
        same = False
    if not same:
        return ()
    row = place.start.line
    return tuple(
        Replacement(Range(Position(row, start + begin + 1), Position(row, start + until + 1)), field)
        for begin, until, field in sorted(spans)
    )
