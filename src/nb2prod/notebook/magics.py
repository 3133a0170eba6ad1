"""Masks IPython syntax at equal width, so that what is left of a cell parses as Python.

``!ls -l`` becomes ``0     ``: an expression statement that does nothing. ``x = !ls`` becomes
``x = 0   ``. The Python in ``%time fit(x)`` stays: ``0;    fit(x)``. Continuation lines and the
bodies of cell magics that are no Python become spaces. Every line keeps its width, so a position
in the masked text is one in the source.
"""

from __future__ import annotations

import ast
import re
from bisect import bisect_right
from itertools import pairwise
from typing import TYPE_CHECKING

from nb2prod.notebook.bindings import names_bound
from nb2prod.notebook.escapes import HELP_TARGET, Escape, find_escapes, may_have_escapes
from nb2prod.notebook.location import Position, Range
from nb2prod.notebook.magic_table import UNKNOWN, MagicEntry, magic_table
from nb2prod.notebook.model import Magic
from nb2prod.notebook.parse import syntax_tree
from nb2prod.notebook.prompts import without_prompts
from nb2prod.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from nb2prod.notebook.model import MagicKind

_NOT_NEWLINE = lazy_pattern(r"[^\r\n]")
_NEWLINE = lazy_pattern(r"\r\n|\r|\n")
# `%%foo?` asks for help about a magic and is no cell magic.
_CELL_MAGIC = lazy_pattern(r"(?:[ \t\f]*(?:\r\n|\r|\n))*([ \t]*)(%%(?!\w+\?)[^\r\n]*)")
_LINE_MAGIC = lazy_pattern(r"%?[ \t]*(\S*)[ \t]*")
_CONTINUATION = lazy_pattern(r"[ \t]*\\\r?\n")
_OPTION = lazy_pattern(r"-([A-Za-z])(\S*)\s*")
_LONG_OPTION = lazy_pattern(r"--[\w-]+(?:=\S*)?\s*")
_AUTOMAGIC = lazy_pattern(r"([^\W\d]\w*)(?=[ \t]+[^\s=,]|[ \t]*$)[^\r\n]*")
_SIMPLE = (
    ast.Expr, ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Delete, ast.Pass, ast.Import, ast.ImportFrom, ast.Global,
    ast.Nonlocal, ast.Assert, ast.Raise,
)  # fmt: skip


# A cell magic of somebody's own, of which the settings say what we know of `%%time`.
_TRANSPARENT = MagicEntry(python="runs")


def blanked(text: str) -> str:
    """Return ``text`` with every character but line ends replaced by a space."""
    return _NOT_NEWLINE.sub(" ", text)


def mask(source: str, transparent: Collection[str] = ()) -> tuple[str, tuple[Magic, ...]]:
    """Return the Python of a cell (magics masked, same lines, same widths) and its magics in order.

    ``transparent`` are cell magics whose body is Python that runs in the notebook, beside those we know.
    Names without an escape character (``ls``) stay: see ``mask_automagic``.
    """
    if not may_have_escapes(source):
        return source, ()
    masking = _Masking(without_prompts(source), transparent)
    _mask_cell(masking, 0)
    return masking.text(0, len(source)), tuple(masking.magics)


def mask_automagic(source: str, bound: Collection[str]) -> tuple[str, tuple[Magic, ...]] | None:
    """Return what ``mask`` does where the whole cell is a magic without ``%``; None where it is none.

    ``bound`` are the names the notebook binds: a variable called ``system`` is not the magic. As in
    IPython only a cell of one line counts; a call (``hist(x)``) never does.
    """
    start = len(source) - len(source.lstrip())
    if not (found := automagic_candidate(source)) or found in bound:
        return None
    masking = _Masking(source)
    end = start + len(source[start:].rstrip())
    _mask_line_magic(masking, Escape("command", start, end, start), "automagic")
    return masking.text(0, len(source)), tuple(masking.magics)


def automagic_candidate(source: str) -> str | None:
    """Return the name of the magic that a cell of one line may call without ``%``."""
    line = source.lstrip().removesuffix("\n")
    if "\n" in line or not (found := _AUTOMAGIC.fullmatch(line)):
        return None
    return found[1] if found[1] in magic_table().automagic else None


class _Masking:
    """A cell being masked: its source, what replaces which part of it, and the magics found."""

    __slots__ = ("edits", "line_starts", "magics", "source", "transparent")

    def __init__(self, source: str, transparent: Collection[str] = ()) -> None:
        """Begin with nothing replaced."""
        self.source = source
        self.transparent = transparent
        self.edits: list[tuple[int, int, str]] = []
        self.magics: list[Magic] = []
        self.line_starts: list[int] = []

    def replace(self, start: int, end: int, head: str) -> None:
        """Replace ``source[start:end]`` by ``head`` and spaces."""
        self.edits.append((start, end, head + blanked(self.source[start + len(head) : end])))

    def text(self, start: int, end: int) -> str:
        """Return ``source[start:end]`` with the edits so far."""
        pieces = []
        position = start
        for edit_start, edit_end, replacement in sorted(self.edits):
            if position <= edit_start and edit_end <= end:
                pieces += [self.source[position:edit_start], replacement]
                position = edit_end
        return "".join([*pieces, self.source[position:end]])

    def add(self, kind: MagicKind, name: str, argument: str, binds: Iterable[str], *span: int) -> None:
        """Add the magic that stands in ``source[start:end]``, ``span`` being those two."""
        start, end = span
        place = Range(self.position(start), self.position(start + len(self.source[start:end].rstrip())))
        self.magics.append(Magic(kind, name, argument, tuple(dict.fromkeys(binds)), place))

    def position(self, offset: int) -> Position:
        """Return the position of a character of the source."""
        if not self.line_starts:
            self.line_starts += [0, *(found.end() for found in _NEWLINE.finditer(self.source))]
        line = bisect_right(self.line_starts, offset)
        return Position(line, offset - self.line_starts[line - 1] + 1)


def _mask_cell(masking: _Masking, start: int) -> None:
    """Mask what IPython would transform in ``source[start:]``, itself a whole cell."""
    source = masking.source
    header = _CELL_MAGIC.match(source, start)
    if header is None or not _is_margin(source, header.start(2), header[1]):
        for escape in find_escapes(source, start):
            _mask_escape(masking, escape)
        return
    name, _, argument = header[2][2:].rstrip().partition(" ")
    entry = _TRANSPARENT if name in masking.transparent else magic_table().cell.get(name, UNKNOWN)
    masking.add("cell", name, argument.strip(), _names(entry, argument), header.start(2), header.end(2))
    if entry.python is None:
        masking.replace(header.start(2), len(source), "0")
        return
    # IPython removes the body's own indentation; a mask that is a statement must not stand before it.
    body = source[header.end(2) :]
    first = body.lstrip()
    indentation = body[: len(body) - len(first)].rpartition("\n")[2]
    masking.replace(header.start(2), header.end(2), "0" if indentation == header[1] or not first else "")
    newline = _NEWLINE.match(source, header.end(2))
    _mask_cell(masking, newline.end() if newline else len(source))


def _is_margin(source: str, start: int, indentation: str) -> bool:
    """Return whether every line from ``start`` on has ``indentation``, which IPython then removes."""
    return not indentation or all(
        line.startswith(indentation) or not line.strip() for line in source[start:].splitlines()[1:]
    )


def _mask_escape(masking: _Masking, escape: Escape) -> None:
    source = masking.source
    text = source[escape.start : escape.end]
    binds = _assigned(source[escape.line : escape.start]) if escape.form == "assignment" else ()
    if escape.form == "help":
        asked = HELP_TARGET.search(text)
        target, mark = asked.groups() if asked else ("", "?")
        masking.add("help", mark, target, (), escape.start, escape.end)
        masking.replace(escape.start, escape.end, "0")
    elif text.startswith("%"):
        _mask_line_magic(masking, escape, "line", binds)
    else:
        name = text[:2] if text[:2] in {"!!", "??"} else text[:1]
        kind: MagicKind = "shell" if text[0] == "!" else "help" if text[0] == "?" else "autocall"
        masking.add(kind, name, _joined(text.removeprefix(name)), binds, escape.start, escape.end)
        masking.replace(escape.start, escape.end, "0")


def _mask_line_magic(masking: _Masking, escape: Escape, kind: MagicKind, binds: tuple[str, ...] = ()) -> None:
    source = masking.source
    found = _LINE_MAGIC.match(source, escape.start, escape.end)
    name, after_name = (found[1], found.end()) if found else ("", escape.start)
    argument = _joined(source[after_name : escape.end])
    entry = magic_table().line.get(name, UNKNOWN)
    index = len(masking.magics)
    bound_inside: tuple[str, ...] = ()
    if entry.python is None or not argument:
        masking.replace(escape.start, escape.end, "0")
    else:
        bound_inside = _mask_python_argument(
            masking, escape, _after_options(source, after_name, escape.end, entry), entry
        )
    inner = masking.magics[index:]
    del masking.magics[index:]
    masking.add(kind, name, argument, (*binds, *_names(entry, argument), *bound_inside), escape.start, escape.end)
    masking.magics += inner


def _after_options(source: str, start: int, end: int, entry: MagicEntry) -> int:
    """Return where the Python of ``%timeit -n 10 -r3 f(x)`` starts."""
    while True:
        found = _OPTION.match(source, start, end)
        if not found:
            if not (found := _LONG_OPTION.match(source, start, end)):
                return start
        elif entry.options.partition(found[1])[2].startswith(":") and not found[2]:
            value = re.compile(r"\S*\s*").match(source, found.end(), end)
            start = value.end() if value else end
            continue
        start = found.end()


def _mask_python_argument(masking: _Masking, escape: Escape, start: int, entry: MagicEntry) -> tuple[str, ...]:
    """Mask the magic before its Python ``source[start:escape.end]``; return the names hidden Python binds."""
    edits = len(masking.edits)
    # `%time !ls` and `%time x = %run a.py` are fine with IPython.
    for inner in find_escapes(masking.source, start, escape.end):
        _mask_escape(masking, inner)
    python = masking.text(start, escape.end)
    tree = syntax_tree(python)
    prefix = masking.source[escape.start : start]
    if tree is not None and escape.form == "assignment":
        head = "0 or" if entry.python == "runs" else "0 and"
        whole = syntax_tree(f"{head} {python}")
        if whole and _is_either(whole) and len(prefix) > len(head) and not _CONTINUATION.search(prefix):
            masking.replace(escape.start, start, head)
            return ()
    elif tree is not None and all(isinstance(node, _SIMPLE) for node in tree.body):
        visible = start if entry.python == "runs" else _unbinding(python, tree, start)
        if visible is not None and not _CONTINUATION.search(prefix):
            masking.replace(escape.start, visible, "0;")
            return ()
    del masking.edits[edits:]
    masking.replace(escape.start, escape.end, "0")
    return names_bound(tree) if tree is not None and entry.python == "runs" else ()


def _is_either(tree: ast.Module) -> bool:
    """Return whether the tree is ``0 or x``: an argument that is a statement, or a lambda, breaks it."""
    match tree.body:
        case [ast.Expr(ast.BoolOp(values=[ast.Constant(), _]))]:
            return True
    return False


def _unbinding(python: str, tree: ast.Module, start: int) -> int | None:
    """Return where the part of ``python`` starts that binds nothing: ``f(x)`` of ``y = f(x)``."""
    if not names_bound(tree):
        return start
    match tree.body:
        case [ast.Assign(value=value) | ast.AugAssign(value=value) | ast.AnnAssign(value=ast.expr() as value)]:
            before = python.encode("utf-8", "surrogatepass")[: value.col_offset].decode("utf-8", "surrogatepass")
            rest = syntax_tree(python[len(before) :])
            if value.lineno == 1 and rest is not None and not names_bound(rest):
                return start + len(before)
    return None


def _joined(text: str) -> str:
    """Return the text of a command as IPython joins its continued lines."""
    *continued, last = _NEWLINE.split(text)
    return " ".join([*(line.rstrip()[:-1] for line in continued), last.rstrip()]).strip()


def _assigned(before: str) -> tuple[str, ...]:
    """Return the names that ``x, y = `` (the text before a magic) assigns."""
    tree = syntax_tree(_CONTINUATION.sub(" ", before).strip() + " 0")
    return names_bound(tree) if tree is not None else ()


def _names(entry: MagicEntry, argument: str) -> list[str]:
    """Return the names a magic binds by its argument."""
    words = argument.replace("=", " ").split()
    if not entry.binds or (entry.requires is not None and entry.requires not in words):
        return []
    plain = [word for word in words if not word.startswith("-")]
    names: list[str] = []
    for where in entry.binds:
        match where:
            case "*":
                names.append("*")
            case "first":
                names += plain[:1]
            case "leading":
                names += words[:1]
            case "all":
                names += plain or ["*"]  # without names, ``%store -r`` restores whatever is stored
            case "<<":
                names += re.findall(r"(\w+)\s*<<", argument)
            case option:
                values = [value for flag, value in pairwise(words) if flag == option]
                names += [name for value in values for name in value.split(",")]
    return [name for name in names if name == "*" or name.isidentifier()]
