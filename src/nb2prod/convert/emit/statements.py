"""The text of a moved statement: cut out of its cell with its comments, replacements applied, checked."""

from __future__ import annotations

import ast
import io
import tokenize
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from nb2prod.convert.emit.errors import EmissionError
from nb2prod.convert.plan import Replacement
from nb2prod.notebook.location import Position, Range, node_range
from nb2prod.notebook.parse import parse_code

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nb2prod.convert.plan import Moved
    from nb2prod.notebook.model import CodeCell

_FROM_MULTILINE = frozenset(
    getattr(tokenize, name) for name in ("FSTRING_START", "TSTRING_START") if hasattr(tokenize, name)
)
_TO_MULTILINE = frozenset(getattr(tokenize, name) for name in ("FSTRING_END", "TSTRING_END") if hasattr(tokenize, name))


@dataclass(frozen=True, slots=True)
class Snippet:
    """A statement on its own, starting in the first column.

    before     comment lines above it; an empty string is a blank line
    code       the statement itself
    beside     the comment on its last line, or an empty string
    after      comment lines below it: what is indented more than a compound statement, and all
               where it is the cell's last statement
    separated  a blank line or the start of a cell stands above
    """

    before: tuple[str, ...]
    code: str
    beside: str
    after: tuple[str, ...]
    separated: bool

    def around(self, code: str) -> str:
        """Return ``code`` with the statement's comments around it."""
        beside = f"{code}  {self.beside}" if self.beside else code
        return "\n".join((*self.before, beside, *self.after))


@dataclass(frozen=True, slots=True)
class _Gap:
    """What stands between two statements: no code, but comments.

    beside  the comment on the line of the statement above
    inside  lines that are indented more than the compound statement above, so belong to it
    lines   the other comment lines; an empty string is a blank line
    """

    beside: str
    inside: tuple[str, ...]
    lines: tuple[str, ...]


def snippet(moved: Moved) -> Snippet:
    """Return the text of a moved statement, its replacements applied.

    Raises EmissionError where that text does not mean what the statement means.
    """
    statement = moved.statement
    cell, lines = statement.cell, statement.cell.python_lines
    body = [statement.node] if cell.tree is None else cell.tree.body
    number = next((at for at, node in enumerate(body) if _same_place(node, statement.node)), 0)
    start = Position(1, 1) if number == 0 else statement_range(lines, body[number - 1]).end
    above = _gap(lines, start, body[number - 1] if number else None, statement_range(lines, statement.node).start)
    last = number == len(body) - 1
    end = _end_of(lines) if last else statement_range(lines, body[number + 1]).start
    below = _gap(lines, statement_range(lines, statement.node).end, statement.node, end)
    after = _without_outer_blanks(below.lines) if last else ()
    if after and below.lines[0] == "":
        after = ("", *after)
    separated = number == 0 or "" in above.lines
    before = _without_outer_blanks(above.lines)
    if before and above.lines[-1] == "":
        before = (*before, "")
    return Snippet(before, _code(moved, cell, lines), below.beside, (*below.inside, *after), separated)


def not_converted(moved: Moved) -> str:
    """Return what stands for a refused statement: its source as a comment, and the exception that names it."""
    cell = moved.statement.cell
    lines = cell.python_lines
    place = statement_range(lines, moved.statement.node)
    exception = f"raise NotImplementedError({moved.refused!r})"
    cut = snippet(replace(moved, replacements=(Replacement(place, exception),)))
    is_cell = cell.problem is not None or (moved.statement.magic is not None and moved.statement.magic.kind == "cell")
    end = moved.statement.magic.range.end.line if moved.statement.magic is not None else place.end.line
    source = cell.lines if is_cell else cell.lines[place.start.line - 1 : end]
    comment = [
        f"# Cell {cell.index} of the notebook has here, to be written anew:",
        *(f"#     {line}".rstrip() for line in source),
    ]
    # The comment beside it is part of the source above.
    return replace(cut, beside="").around("\n".join((*comment, cut.code)))


def statement_range(lines: Sequence[str], node: ast.stmt) -> Range:
    """Return where a statement stands, decorators included."""
    place = node_range(lines, node)
    decorators: Sequence[ast.expr] = getattr(node, "decorator_list", ())
    if not decorators:
        return place
    at = node_range(lines, decorators[0]).start
    line, column = at.line, lines[at.line - 1].rfind("@", 0, at.column - 1)
    while column < 0 and line > 1:
        line -= 1
        column = lines[line - 1].rfind("@")
    return Range(Position(line, column + 1), place.end)


def same_meaning(text: str, nodes: Iterable[ast.AST]) -> bool:
    """Return whether ``text`` parses to exactly ``nodes``, positions aside."""
    tree, _ = parse_code(text)
    return tree is not None and [ast.dump(node) for node in tree.body] == [ast.dump(node) for node in nodes]


def lines_inside_strings(text: str) -> frozenset[int]:
    """Return the lines (from 1) that start inside a string literal, so that white space there counts.

    Raises EmissionError where ``text`` is no sequence of Python tokens.
    """
    inside: set[int] = set()
    starts: list[int] = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type in _FROM_MULTILINE:
                starts.append(token.start[0])
            elif token.type in _TO_MULTILINE:
                inside.update(range(starts.pop() + 1, token.end[0] + 1))
            elif token.type == tokenize.STRING:
                inside.update(range(token.start[0] + 1, token.end[0] + 1))
    except (tokenize.TokenError, SyntaxError) as error:
        msg = f"a statement cannot be read again: {error}"
        raise EmissionError(msg) from error
    return frozenset(inside)


def indented(text: str, prefix: str) -> str:
    """Return ``text`` with ``prefix`` before every line that is not blank and starts outside of strings."""
    inside = lines_inside_strings(text)
    return "\n".join(
        line if number in inside or not line.strip() else prefix + line
        for number, line in enumerate(text.split("\n"), start=1)
    )


def _code(moved: Moved, cell: CodeCell, lines: Sequence[str]) -> str:
    place = statement_range(lines, moved.statement.node)
    where = f"cell {cell.index}, line {place.start.line}"
    _check_magics(moved, cell, place, where)
    width = place.start.column - 1
    nodes = [moved.statement.node]
    replacements = [(each.range, each.text) for each in moved.replacements]
    if same_meaning(_cut(lines, place), nodes):
        return _replaced(lines, place, replacements, where)
    # The whole cell is indented. The kernel takes the indentation off every line, lines of strings
    # included; a reader may have left those alone.
    every = range(place.start.line, place.end.line + 1)
    blank = {line: width for line in every if not lines[line - 1][:width].strip()}
    inside = lines_inside_strings("if 1:\n" + lines[place.start.line - 1][:width] + _cut(lines, place))
    for removed in (blank, {line: cut for line, cut in blank.items() if line - place.start.line + 2 not in inside}):
        dedented, shifted = _dedent(lines, removed), _shift(place, removed)
        if same_meaning(_cut(dedented, shifted), nodes):
            replacements = [(_shift(span, removed), text) for span, text in replacements]
            return _replaced(dedented, shifted, replacements, where)
    msg = f"{where}: the statement cannot be cut out of its cell"
    raise EmissionError(msg)


def _check_magics(moved: Moved, cell: CodeCell, place: Range, where: str) -> None:
    """Raise where a magic inside the statement would go without a trace: it is masked as ``0``."""
    lines = cell.python_lines
    for magic in cell.magics:
        at = magic.range.start
        if not place.start <= at < place.end or lines[at.line - 1][at.column - 1 : at.column] != "0":
            continue
        if not any(each.range.start <= at < each.range.end for each in moved.replacements):
            msg = f"{where}: the magic {magic.name} inside the statement has no translation"
            raise EmissionError(msg)


def _replaced(lines: Sequence[str], place: Range, replacements: Sequence[tuple[Range, str]], where: str) -> str:
    if not replacements:
        return _cut(lines, place)
    ordered = sorted(replacements, key=lambda each: each[0])
    if any(one[0].end > other[0].start for one, other in pairwise(ordered)):
        msg = f"{where}: two replacements overlap"
        raise EmissionError(msg)
    last = ordered[-1][0]
    # A magic continued with backslashes is masked by one character and blank lines.
    blank = not "".join(lines[place.end.line : last.end.line]).strip()
    if ordered[0][0].start < place.start or (last.end > _line_end(lines, place.end) and not blank):
        msg = f"{where}: a replacement stands outside of its statement"
        raise EmissionError(msg)
    parts: list[str] = []
    at = place.start
    for span, text in ordered:
        parts += [_cut(lines, Range(at, span.start)), text]
        at = span.end
    if at < place.end:
        parts.append(_cut(lines, Range(at, place.end)))
    code = "".join(parts)
    tree, problem = parse_code(code)
    if tree is None:
        msg = f"{where}: the replaced text is no Python: {problem.message if problem else ''}"
        raise EmissionError(msg)
    return code


def _gap(lines: Sequence[str], start: Position, above: ast.stmt | None, end: Position) -> _Gap:
    if start >= end:
        return _Gap("", (), ())
    text = _cut(lines, Range(start, end)).split("\n")
    first, rest = ("", text) if above is None else (text[0], text[1:])
    # The last line is the one the next statement stands on, or the cell's last.
    beside = first.lstrip(" \t\f;")
    deeper = above is not None and hasattr(above, "body")
    inside: list[str] = []
    found: list[str] = []
    for line in rest:
        comment = line.strip()
        if comment and not comment.startswith("#"):
            continue
        if deeper and comment:
            deeper = line.index("#") > above.col_offset  # type: ignore[union-attr]
        if deeper and above is not None:
            inside.append(line[above.col_offset :] if comment else "")
        else:
            found.append(comment)
    while inside and not inside[-1]:
        inside.pop()
        found.insert(0, "")
    if rest and end != _end_of(lines) and not text[-1].strip():
        # What stands before the next statement on its own line is no blank line.
        found.pop()
    collapsed = [line for at, line in enumerate(found) if line or at == 0 or found[at - 1]]
    return _Gap(beside if beside.startswith("#") else "", tuple(inside), tuple(collapsed))


def _without_outer_blanks(lines: Sequence[str]) -> tuple[str, ...]:
    full = [at for at, line in enumerate(lines) if line]
    return tuple(lines[full[0] : full[-1] + 1]) if full else ()


def _same_place(one: ast.stmt, other: ast.stmt) -> bool:
    return (one.lineno, one.col_offset) == (other.lineno, other.col_offset)


def _end_of(lines: Sequence[str]) -> Position:
    return Position(len(lines), len(lines[-1]) + 1)


def _line_end(lines: Sequence[str], position: Position) -> Position:
    return Position(position.line, len(lines[position.line - 1]) + 1)


def _cut(lines: Sequence[str], place: Range) -> str:
    start, end = place.start, place.end
    if start.line == end.line:
        return lines[start.line - 1][start.column - 1 : end.column - 1]
    return "\n".join(
        (
            lines[start.line - 1][start.column - 1 :],
            *lines[start.line : end.line - 1],
            lines[end.line - 1][: end.column - 1],
        )
    )


def _dedent(lines: Sequence[str], removed: dict[int, int]) -> list[str]:
    return [line[removed.get(number, 0) :] for number, line in enumerate(lines, start=1)]


def _shift(place: Range, removed: dict[int, int]) -> Range:
    return Range(*(Position(at.line, max(at.column - removed.get(at.line, 0), 1)) for at in (place.start, place.end)))
